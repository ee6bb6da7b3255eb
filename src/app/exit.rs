//! How the house, or a command on it, ends.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::ConfigErrors;
use crate::engine::reload::ReloadError;
use crate::shelf::ShelfError;

/// The exit codes scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The asked thing failed or was not found.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// The configuration is in error.
    Configuration = 3,
    /// It could not start: port, disk, permission.
    Start = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command failed: the text says where, what and what to do.
#[derive(Debug)]
pub struct Failure {
    /// With which code to end.
    pub exit: Exit,
    /// What to tell the person.
    pub text: String,
    /// What is wrong with the configuration, where it is that.
    pub errors: Option<ConfigErrors>,
}

impl Failure {
    /// The asked thing failed or was not found.
    pub fn failed(text: impl fmt::Display) -> Failure {
        Failure { exit: Exit::Failed, text: text.to_string(), errors: None }
    }

    /// The command was used wrongly.
    pub fn usage(text: impl fmt::Display) -> Failure {
        Failure { exit: Exit::Usage, text: text.to_string(), errors: None }
    }

    /// The configuration is in error.
    pub fn configuration(text: impl fmt::Display) -> Failure {
        Failure { exit: Exit::Configuration, text: text.to_string(), errors: None }
    }

    /// The configuration has these errors; `text` tells them.
    pub fn errors(text: impl fmt::Display, errors: &ConfigErrors) -> Failure {
        Failure { errors: Some(errors.clone()), ..Failure::configuration(text) }
    }

    /// The asked thing was not found, which the exit code alone says.
    pub fn nothing() -> Failure {
        Failure::failed("")
    }

    /// For programs: `errors`, one or more, each with `file`, `place`, `key`, `problem`, `advice` and `within`, null or empty where there is none.
    pub fn object(&self) -> Value {
        match &self.errors {
            Some(errors) => json!(errors),
            None => json!({ "errors": [problem(&self.text)] }),
        }
    }

    /// It could not start.
    pub fn start(text: impl fmt::Display) -> Failure {
        Failure { exit: Exit::Start, text: text.to_string(), errors: None }
    }

    /// What an error of the snapshot means at start: all of them are fatal. What may pass by itself (a disk that is full, servers of the
    /// system that are not there yet) ends with the code that a service manager tries again after. `cordon check` ends with the same.
    pub fn at_start(error: ReloadError) -> Failure {
        let failure = match error {
            ReloadError::Shelf(ShelfError::Keep { .. } | ShelfError::ReadBack { .. } | ShelfError::Random(_))
            | ReloadError::Upstream { may_pass: true, .. }
            | ReloadError::NeedsRestart(_) => Failure::start(&error),
            ReloadError::Config(_)
            | ReloadError::Lists(_)
            | ReloadError::Shelf(_)
            | ReloadError::LocalZone(_)
            | ReloadError::Upstream { .. }
            | ReloadError::Probe(_) => Failure::configuration(&error),
        };
        Failure { errors: error.errors().cloned(), ..failure }
    }
}

/// An error that is about no place of a configuration.
fn problem(text: &str) -> Value {
    json!({ "file": null, "place": null, "key": "", "problem": text, "advice": null, "within": null })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        // Whoever closes the pipe early (`| head`) has read all they wanted: that is nothing to complain of.
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::nothing();
        }
        Failure::failed(error)
    }
}
