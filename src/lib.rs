//! Cordon: a DNS filtering resolver that decides by network zone, answers at once and leaves evidence.
//!
//! # Floor plan
//!
//! A module may use lower floors and its own children. `tests/floors.rs` reads the `use` lines and fails on a broken floor.
//!
//! | floor | modules | what |
//! |---|---|---|
//! | 0 | [`dns`], [`subject`], [`verdict`], [`moment`] | words: no I/O, no async, no clock |
//! | 1 | [`policy`], [`attribution`], [`record`] | decisions: pure, values in, values out |
//! | 2 | [`config`], [`query`], [`store`] | keepers: I/O, no listening socket |
//! | 3 | engine | the only place where the order of a query is written |
//! | 4 | serve, web | doors |
//! | 5 | app, cli | the house |
//!
//! Arrows on one floor: `policy -> list`, `query -> store`, `cache|upstream|store|query -> metrics`.

pub mod attribution;
pub mod cli;
pub mod config;
pub mod dns;
pub mod moment;
pub mod policy;
pub mod query;
pub mod record;
pub mod store;
pub mod subject;
pub mod verdict;
