//! Floor 5: the commands. Each lives in a module of its own with its arguments and a `run`.

pub mod args;
pub mod check;
pub mod completions;
pub mod exit;
pub mod explain;
pub mod lists;
pub mod out;
pub mod schema;

pub use args::{Cli, Command};
pub use exit::{Exit, Failure};
pub use out::Out;

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// Why it could not be done, and with which code to end.
    pub fn run(self) -> Result<(), Failure> {
        let mut out = Out::stdout(self.json);
        let config = self.config.as_deref();
        match self.command {
            Command::Check => check::run(config, &mut out),
            Command::Schema => schema::run(&mut out),
            Command::Completions { shell } => completions::run(shell, &mut out),
        }
    }
}
