//! Floor 1: deciding. Values in, a verdict out; no clock, no I/O, no log line.

pub mod access;
pub mod decide;
pub mod inherit;
#[cfg(test)]
mod isolation;
pub mod model;
pub mod names;
pub mod network;
pub mod schedule;
pub mod signal;
pub mod special;

pub use access::Access;
pub use model::{Category, Exception, Group, Model, NetworkZone, Policy, Response, Sinkhole, Timed, Unmatched};
pub use names::NameRules;
pub use network::NetworkMap;
pub use schedule::{MAX_SCHEDULES, Schedule, Standing, Window, WindowError};
