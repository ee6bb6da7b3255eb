//! `cordon completions`: what a shell needs to complete commands and options.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Cli;
use super::{Failure, Out};

/// Prints completions for `shell`.
///
/// # Errors
/// The output cannot be written.
pub fn run(shell: Shell, out: &mut Out) -> Result<(), Failure> {
    // The generator panics when its writer fails (a closed pipe), so it writes to memory.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cordon", &mut text);
    out.write_all(&text)?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_gets_the_commands() {
        for shell in Shell::value_variants() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("completions");
            run(*shell, &mut Out::to(false, std::fs::File::create(&path).unwrap())).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains("check") && text.contains("schema"), "{shell}");
        }
    }
}
