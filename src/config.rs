//! Floor 2: the configuration, as written (`file`) and as meant (`checked`).

pub mod checked;

pub use checked::Config;
