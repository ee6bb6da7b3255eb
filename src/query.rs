//! Floor 2: questions to the log. A closed form, filter and aggregate, run over unsealed rows and pruned parts by the machinery of the
//! `parquet` and `arrow` crates. A question needs no server and changes nothing but the record that it was asked.
//!
//! - [`filter`]: which rows; [`when`]: times as a person writes them;
//! - [`rows`]: the newest of them; [`aggregate`]: counts; [`export`]: files;
//! - [`run`]: what a question may cost and what it covered. What cannot be read is named, never skipped quietly;
//! - [`audit`]: who looked at what, and why.

pub mod aggregate;
pub mod audit;
pub mod cell;
pub mod csv_cell;
pub mod evaluate;
pub mod export;
pub mod filter;
#[cfg(test)]
pub(crate) mod fixture;
pub mod prune;
pub mod rows;
pub mod run;
pub mod scan;
pub mod when;

#[cfg(test)]
mod tests;

pub use filter::Filter;
pub use run::{Budget, Coverage, QueryError};
