//! Floor 5: the commands. Each lives in a module of its own with its arguments and a `run`.

pub mod exit;
pub mod log;
pub mod out;

pub use exit::{Exit, Failure};
pub use out::Out;
