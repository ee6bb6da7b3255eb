//! Why the journal could not be read or continued, told so that an operator knows where, what and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file or its folder could not be used.
    #[error("{}: cannot {what} it: {error}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The last line has no end.
    #[error("{}:{line}: the last line has no end: its writer died, and what it says never came into force; keep a copy of the file, then cut it off with `truncate -s {whole} {}`", .path.display(), .path.display())]
    Torn {
        /// The journal.
        path: PathBuf,
        /// Which line.
        line: u64,
        /// How many octets are whole.
        whole: u64,
    },
    /// A line was changed, taken out or put in.
    #[error("{}:{line}: {what}; put the journal back from a backup (`cordon log verify` says which copy is the signed one)", .path.display())]
    Broken {
        /// The journal.
        path: PathBuf,
        /// Which line.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// It does not begin with what was in force.
    #[error("{}: its first {rows} lines are not those that were in force before: it was changed, cut or taken away; put it back from a backup (`cordon log verify` says which copy is the signed one)", .path.display())]
    Another {
        /// The journal.
        path: PathBuf,
        /// How many lines were taken over.
        rows: u64,
    },
    /// The entry cannot be made.
    #[error("{0}")]
    Refused(String),
}

impl JournalError {
    /// Whether the journal may not be read by whoever runs this process.
    pub fn is_for_others(&self) -> bool {
        matches!(self, JournalError::File { error, .. } if error.kind() == io::ErrorKind::PermissionDenied)
    }

    /// For errors of a file.
    pub(super) fn file(path: &Path, what: &'static str) -> impl Fn(io::Error) -> JournalError + use<> {
        let path = path.to_owned();
        move |error| JournalError::File { path: path.clone(), what, error }
    }
}
