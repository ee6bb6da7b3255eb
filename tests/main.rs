//! The outside-in tests: one binary, so that the big dependencies link once.

mod config_errors;
mod config_files;
mod floors;
mod peers_upstream;
mod support;
