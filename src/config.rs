//! Floor 2: the configuration, as written (`file`) and as meant (`checked`).

pub mod added;
pub mod check;
pub mod checked;
pub mod errors;
pub mod file;
pub mod locate;
pub mod original;

pub use checked::Config;
pub use errors::{ConfigError, ConfigErrors};
pub use locate::locate;
