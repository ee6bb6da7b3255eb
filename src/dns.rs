//! Floor 0: DNS words. Wire format in, wire format out; no I/O, no clock, no allocation on the way of a query.
//!
//! `convert` is the one place that knows `hickory_proto`.

pub mod answer;
pub mod convert;
pub mod ede;
pub mod keyed;
pub mod master;
pub mod name;
pub mod question;
pub mod ready;
pub mod soon;
pub mod suffix_map;
pub mod types;
pub mod view;

pub use name::{Name, NameError};
pub use question::Question;
pub use ready::Ready;
pub use suffix_map::SuffixMap;
pub use view::{Look, Seen, View, look};
