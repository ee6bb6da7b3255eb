//! Cordon: a DNS filtering resolver that decides by network zone, answers at once and leaves evidence.
//!
//! # Floor plan
//!
//! A module may use lower floors and its own children. `tests/floors.rs` reads the `use` lines and fails on a broken floor.
//!
//! | floor | modules | what |
//! |---|---|---|
//! | 0 | [`dns`], [`subject`], [`verdict`], [`moment`], [`hex`], [`varint`] | words: no I/O, no async, no clock |
//! | 1 | [`list`], [`policy`], [`attribution`], [`record`] | decisions: pure, values in, values out |
//! | 2 | [`behind`], [`ownership`], [`config`], [`access`], [`shelf`], [`cache`], [`upstream`], [`local`], [`store`], [`query`], [`metrics`] | keepers: I/O, no listening socket |
//! | 3 | [`engine`] | the only place where the order of a query is written |
//! | 4 | [`serve`], [`web`], [`collect`] | doors, and what is collected from outside |
//! | 5 | [`app`], [`cli`], [`load`] | the house, and what measures it |
//!
//! Arrows on one floor: `subject -> moment`, `policy -> list`, `query -> store`, `cache|upstream|store|query -> metrics`, `shelf|store|query -> behind`, `access|shelf|query -> ownership`, `cli -> app`, `cli -> load`,
//! and from every keeper to `config`, whose checked values they are made from.

pub mod access;
pub mod app;
pub mod attribution;
pub mod behind;
pub mod cache;
pub mod cli;
pub mod collect;
pub mod config;
pub mod dns;
pub mod engine;
pub mod hex;
pub mod list;
pub mod load;
pub mod local;
pub mod metrics;
pub mod moment;
pub mod ownership;
pub mod policy;
pub mod query;
pub mod record;
pub mod serve;
pub mod shelf;
pub mod store;
pub mod subject;
pub mod upstream;
pub mod varint;
pub mod verdict;
pub mod web;
