//! Cordon from the outside: one test binary, so that the big dependencies link once.

mod peers_upstream;
mod support;
