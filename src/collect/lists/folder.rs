//! The folder of a download: content and state, each replaced whole, and the lock that one process at a time holds.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::state::State;
use crate::config::checked::ListSource;
use crate::ownership;

/// The folder of one download.
#[derive(Clone, Debug)]
pub struct Folder {
    content: PathBuf,
}

/// Held while a list is fetched. The system gives it back when its holder ends, however that is.
pub(super) struct Lock {
    _file: File,
}

impl Folder {
    /// That of a list; nothing is touched yet.
    pub fn of(list: &ListSource) -> Folder {
        Folder { content: list.path.clone() }
    }

    /// One that lies at `path`.
    pub(super) fn at(path: &Path) -> Folder {
        Folder { content: path.join("content") }
    }

    /// Makes it when it is missing.
    pub fn make(&self) -> io::Result<()> {
        ownership::make_folder(self.dir(), 0o777)
    }

    /// What is known of the download. Nothing, where it was never fetched or the file cannot be read: then it is fetched whole.
    pub fn state(&self) -> State {
        let bytes = fs::read(self.dir().join("state.json"));
        bytes.ok().and_then(|bytes| State::from_json(&bytes)).unwrap_or_default()
    }

    /// Whether there is content.
    pub fn has_content(&self) -> bool {
        self.content.is_file()
    }

    /// Whether the content there is as long as the state says: a crash between the two, or a hand, can have changed it.
    pub(super) fn agrees_with(&self, state: &State) -> bool {
        !state.sha256.is_empty() && fs::metadata(&self.content).is_ok_and(|what| what.len() == state.octets)
    }

    /// Takes the lock; none: another process holds it.
    pub(super) fn lock(&self, wait: bool) -> io::Result<Option<Lock>> {
        self.make()?;
        let path = self.dir().join("lock");
        let file = ownership::open(OpenOptions::new().write(true), &path)?;
        if wait {
            file.lock()?;
            return Ok(Some(Lock { _file: file }));
        }
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Puts new content in the place of the old.
    pub(super) fn keep_content(&self, bytes: &[u8]) -> io::Result<()> {
        replace(&self.content, bytes)
    }

    /// Puts a new state in the place of the old.
    pub(super) fn keep_state(&self, state: &State, url: &str) -> io::Result<()> {
        replace(&self.dir().join("state.json"), &state.to_json(url)?)
    }

    fn dir(&self) -> &Path {
        self.content.parent().unwrap_or(Path::new("."))
    }
}

/// Written aside, synced, renamed, and the folder synced: at any moment there is the old or the new, never a half.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("part");
    // What a run that died left there; its owner may be another.
    let _ = fs::remove_file(&aside);
    let written = ownership::open(OpenOptions::new().write(true), &aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&aside, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&aside);
    }
    renamed?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}
