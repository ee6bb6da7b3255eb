//! The outside-in tests: one binary, so that the big dependencies link once.

mod aliases;
mod answers;
mod blocklists;
mod cache;
mod clients;
mod commands;
mod config_errors;
mod config_files;
mod config_meaning;
mod crash;
mod differential;
mod documents;
mod evidence;
mod flags;
mod floors;
mod grafana;
mod hostile;
mod local_zones;
mod monitoring;
mod peers_upstream;
mod real_lists;
mod reloads;
mod stories;
mod support;
mod tickets;
mod zones;
