//! Cordon from the outside: one test binary, so that the big dependencies link once.

mod local_zones;
mod peers_upstream;
mod support;
