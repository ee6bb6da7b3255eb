//! `cordon log`: reading the log. It needs no running server, and changes nothing but the record of who looked.

pub mod args;
mod export;
pub(in crate::cli) mod look;
mod search;
mod stats;
mod tail;
mod unknown;
mod verify;

use crate::cli::{Failure, Out};
use crate::config::checked::Config;
use crate::moment::Clock;

pub use export::ExportArgs;
pub use search::SearchArgs;
pub use stats::StatsArgs;
pub use tail::TailArgs;
pub use verify::VerifyArgs;

/// The commands on the log.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum LogCommand {
    /// Show rows, newest first
    Search(SearchArgs),
    /// Follow rows as they come
    Tail(TailArgs),
    /// Count rows by columns and by spans of time
    Stats(StatsArgs),
    /// Write rows to a file for other programs
    Export(ExportArgs),
    /// Recompute hashes, chains, signatures and sequences, and say what is proven
    Verify(VerifyArgs),
}

/// Runs one of them.
pub fn run(command: LogCommand, config: &Config, out: &mut Out) -> Result<(), Failure> {
    run_at(command, config, &Clock::Real, out)
}

fn run_at(command: LogCommand, config: &Config, clock: &Clock, out: &mut Out) -> Result<(), Failure> {
    let done = match command {
        LogCommand::Search(args) => search::run(args, config, clock, out),
        LogCommand::Tail(args) => tail::run(args, config, clock, out),
        LogCommand::Stats(args) => stats::run(args, config, clock, out),
        LogCommand::Export(args) => export::run(args, config, clock, out),
        LogCommand::Verify(args) => verify::run(args, config, out),
    };
    out.flush()?;
    done
}

#[cfg(test)]
mod tests;
