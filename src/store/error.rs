//! What can go wrong with the log's files, told so that an operator knows where, what and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder could not be used.
    #[error("{}: cannot {what}: {error}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// Another server has the log open.
    #[error("{}: another cordon server is using this log; stop it, or give this one its own log.dir", .path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A file says something that cannot be.
    #[error("{}: {what}", .path.display())]
    Broken {
        /// Which file, with a line number where it has lines.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The node's name cannot stand in the evidence.
    #[error("node.name `{name}` {what}")]
    Node {
        /// The name.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The log was begun by another node.
    #[error("{}: this log was begun by node `{begun}` and cannot be continued as `{now}`; set node.name = \"{begun}\" or give the new node its own log.dir", .path.display())]
    OtherNode {
        /// The manifest.
        path: PathBuf,
        /// Who began it.
        begun: String,
        /// Who wants to go on with it.
        now: String,
    },
    /// Every lane number is taken.
    #[error("no lane left: {0} are open")]
    Lanes(usize),
    /// Arrow or Parquet refused.
    #[error("{}: {error}", .path.display())]
    Parquet {
        /// The part.
        path: PathBuf,
        /// What they said.
        error: parquet::errors::ParquetError,
    },
    /// A batch could not be made.
    #[error("rows do not fit the columns: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The clock or the system's randomness gave nothing.
    #[error("no randomness from the system for {0}")]
    Random(&'static str),
}

impl StoreError {
    /// An error of the system at a path; for `map_err`.
    pub(crate) fn file(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_path_buf();
        move |error| StoreError::File { path, what, error }
    }

    /// A file that says something that cannot be.
    pub(crate) fn broken(path: &Path, what: impl Into<String>) -> StoreError {
        StoreError::Broken { path: path.to_path_buf(), what: what.into() }
    }

    /// An error of Parquet at a part; for `map_err`.
    pub(crate) fn parquet(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> StoreError {
        let path = path.to_path_buf();
        move |error| StoreError::Parquet { path, error }
    }

    /// Whether the disk had no room.
    pub fn is_no_space(&self) -> bool {
        matches!(self, StoreError::File { error, .. }
            if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// Whether a file was not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, StoreError::File { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }
}
