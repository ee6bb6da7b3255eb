//! Floor 1: who has which address now.

pub mod roster;

pub use roster::Roster;
