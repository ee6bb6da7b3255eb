//! The command line: one definition for parsing, help and completions.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use super::bench::BenchArgs;
use super::explain::ExplainArgs;
use super::grant::GrantCommand;
use super::lists::ListsCommand;
use super::log::LogCommand;
use super::withdraw::WithdrawCommand;

/// A DNS filtering resolver that decides by network zone, answers at once and leaves evidence.
#[derive(Clone, Debug, Parser)]
#[command(name = "cordon", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    /// The configuration file [default: config/cordon.toml, else /etc/cordon/cordon.toml]
    #[arg(long, global = true, value_name = "PATH", env = "CORDON_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print JSON: one object, or one a line
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Answer queries, in the foreground, until SIGTERM; SIGHUP reloads; changed lists need no signal
    Serve {
        /// Listen here instead of at `listen.dns`; may be given more than once
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Vec<SocketAddr>,
    },
    /// Read the configuration and say what is wrong with it, or what it amounts to; touches nothing
    Check,
    /// Tell why a name is answered or blocked: every rule looked at, and what spoke
    Explain(ExplainArgs),
    /// Tell what the lists yielded, and which of them hold a name; fetch those that have an address
    #[command(subcommand)]
    Lists(ListsCommand),
    /// Let somebody reach a name or a category for a while
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Withdraw somebody's access to the internet, and restore it
    #[command(subcommand)]
    Withdraw(WithdrawCommand),
    /// Search, follow, count, export and verify the log; every look is itself recorded
    #[command(subcommand)]
    Log(LogCommand),
    /// Measure how quick Cordon is on this machine, and what it costs, with a server of the bench's own
    Bench(BenchArgs),
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Print shell completions
    Completions {
        /// For which shell
        shell: Shell,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_may_stand_behind_the_command() {
        let cli = Cli::try_parse_from(["cordon", "check", "--json", "--config", "x.toml"]).unwrap();
        assert!(cli.json && cli.config == Some("x.toml".into()));
    }
}
