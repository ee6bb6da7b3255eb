//! The outside-in tests: one binary, so that the big dependencies link once.

mod answers;
mod cache;
mod commands;
mod config_errors;
mod config_files;
mod config_meaning;
mod documents;
mod flags;
mod floors;
mod local_zones;
mod peers_upstream;
mod support;
mod zones;
