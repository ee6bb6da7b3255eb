//! The checkpoints of a manifest, as texts.

use std::collections::BTreeMap;
use std::path::Path;

use super::CHECKPOINTS;
use crate::store::error::StoreError;
use crate::store::paths::Paths;

/// Every checkpoint as it was read, before the leaves were.
pub(super) struct Notes {
    /// The newest, by its own name; none when it is not there.
    pub(super) newest: Option<Result<String, String>>,
    /// Each by the size in its name: its text, or why it cannot be read.
    pub(super) by_size: BTreeMap<u64, Result<String, String>>,
    /// Files and what is wrong with them.
    pub(super) problems: Vec<(String, String)>,
}

impl Notes {
    /// Reads them all.
    pub(super) fn read(paths: &Paths) -> Result<Notes, StoreError> {
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| error.to_string());
        let newest = paths.checkpoint.exists().then(|| read(&paths.checkpoint));
        let mut notes = Notes { newest, by_size: BTreeMap::new(), problems: Vec::new() };
        let entries = match std::fs::read_dir(&paths.checkpoints) {
            Ok(entries) => entries,
            Err(error) => {
                notes.problems.push((CHECKPOINTS.to_owned(), format!("cannot be listed: {error}")));
                return Ok(notes);
            }
        };
        for entry in entries {
            let entry = entry.map_err(StoreError::file(&paths.checkpoints, "list the folder"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            match name.parse::<u64>() {
                Ok(size) => drop(notes.by_size.insert(size, read(&entry.path()))),
                Err(_) if name.ends_with(".tmp") => {}
                Err(_) => notes.problems.push((format!("{CHECKPOINTS}/{name}"), "is not named by a size".to_owned())),
            }
        }
        Ok(notes)
    }
}
