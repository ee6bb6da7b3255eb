//! Stand-in of the store's reading side.
#![allow(missing_docs)]
pub mod reader;
pub mod verify;
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    #[error("{0}")]
    Other(String),
}
