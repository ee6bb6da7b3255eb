//! Python, with the packages of `requirements.txt`: a second opinion from programs of others.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/requirements.txt");

/// The interpreter: what `CORDON_TEST_PYTHON` says, else one in an environment beside what is built, made when it is not there.
pub fn interpreter() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| match std::env::var_os("CORDON_TEST_PYTHON") {
        Some(python) => python.into(),
        None => made(),
    })
}

fn made() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_cordon")).ancestors().nth(2).unwrap();
    let (folder, wanted) = (target.join("python"), std::fs::read(REQUIREMENTS).unwrap());
    let told = folder.join("requirements.txt");
    if std::fs::read(&told).ok().as_deref() != Some(&wanted[..]) {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        let pip = ["install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS];
        run(Command::new(folder.join("bin/pip")).args(pip));
        // Last: an environment that is only half there is made again.
        std::fs::write(told, wanted).unwrap();
    }
    folder.join("bin/python")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a script with arguments.
pub fn script(text: &str, arguments: &[&Path]) -> Output {
    Command::new(interpreter()).arg("-c").arg(text).args(arguments).output().unwrap()
}

/// Runs a script that has to succeed, and gives what it prints.
#[track_caller]
pub fn says(text: &str, arguments: &[&Path]) -> String {
    let output = script(text, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
