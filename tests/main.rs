//! The outside-in tests: one binary, so that the big dependencies link once.

mod access;
mod aliases;
mod allocations;
mod answers;
mod as_shipped;
mod blocklists;
mod cache;
mod clauses;
mod clients;
mod commands;
mod config_errors;
mod config_files;
mod config_meaning;
mod crash;
mod differential;
mod documents;
mod evidence;
mod explain;
mod flags;
mod floors;
mod fuzz_seeds;
mod given;
mod grafana;
mod handed_over;
mod hostile;
mod instructions;
mod list_formats;
mod lists_added;
mod local_zones;
mod monitoring;
mod owners;
mod packaging;
mod peers_upstream;
mod policies;
mod real_lists;
mod reloads;
mod special_names;
mod start_errors;
mod stories;
mod support;
mod tickets;
mod updates;
mod watch;
mod zones;

/// Counts for the tests of `allocations`; for all others it is the system's.
#[global_allocator]
static ALLOCATOR: support::counted::Counting = support::counted::Counting;
