//! Floor 4: what is collected from outside while the house is open: lists that are fetched.

pub mod lists;
