//! The `cordon` program: arguments, run, exit code.

use std::io::Write;
use std::process::ExitCode;

use cordon::cli::Cli;

fn main() -> ExitCode {
    match Cli::typed().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // A command that has said everything on standard output fails without a text. Where standard error is closed there is
            // nobody left to tell; the exit code still says it.
            if !failure.text.is_empty() {
                let _ = writeln!(anstream::stderr(), "{failure}");
            }
            failure.exit.into()
        }
    }
}
