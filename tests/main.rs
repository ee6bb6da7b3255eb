//! Cordon from outside: one test binary, so that the big dependencies link once.

mod commands;
mod config_errors;
mod config_files;
mod config_meaning;
