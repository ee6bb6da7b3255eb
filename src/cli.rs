//! Floor 5: the commands. Each lives in a module of its own with its arguments and a `run`.

pub mod args;
pub mod bench;
pub mod check;
pub mod completions;
pub mod explain;
pub mod grant;
pub mod lists;
pub mod log;
pub mod out;
pub mod person;
pub mod schema;
pub mod serve;
pub mod withdraw;

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::app;
use crate::config::{Config, locate};
use crate::moment::Clock;

pub use crate::app::{Exit, Failure};
pub use args::{Cli, Command};
pub use out::Out;

/// Where the configuration is.
fn located(config: Option<&Path>) -> Result<PathBuf, Failure> {
    locate(config).map_err(|errors| check::failure(&errors))
}

/// The configuration, checked.
fn loaded(config: Option<&Path>) -> Result<Config, Failure> {
    Config::load(&located(config)?).map_err(|errors| check::failure(&errors))
}

impl Cli {
    /// What was typed. Help and wrong usage end the process here, wrong usage with the object of every other failure where `--json` is among
    /// the words.
    pub fn typed() -> Cli {
        Cli::try_parse().unwrap_or_else(|error| {
            if error.use_stderr() {
                let mut out = Out::stdout(std::env::args_os().any(|word| word == "--json"));
                let _ = out.failure(&Failure::usage(error.render()));
            }
            error.exit()
        })
    }

    /// Does what was asked for.
    ///
    /// # Errors
    /// Why it could not be done, and with which code to end.
    pub fn run(self) -> Result<(), Failure> {
        let mut out = Out::stdout(self.json);
        let done = self.done(&mut out);
        if let Err(failure) = &done {
            // Where standard output is closed there is nobody left to tell.
            let _ = out.failure(failure);
        }
        done
    }

    fn done(self, out: &mut Out) -> Result<(), Failure> {
        let config = self.config.as_deref();
        match self.command {
            Command::Serve { listen } => {
                serve::tell_of_ourselves();
                app::run(&located(config)?, &listen)
            }
            Command::Explain(args) => explain::run(&args, loaded(config)?, &Clock::Real, out),
            Command::Lists(command) => lists::run(&command, &loaded(config)?, out),
            Command::Grant(command) => grant::run(&command, &loaded(config)?, &Clock::Real, out),
            Command::Withdraw(command) => withdraw::run(&command, &loaded(config)?, &Clock::Real, out),
            Command::Log(command) => log::run(command, &loaded(config)?, out),
            Command::Check => check::run(config, out),
            Command::Bench(args) => bench::run(&args, out),
            Command::Schema => schema::run(out),
            Command::Completions { shell } => completions::run(shell, out),
        }
    }
}
