//! Folders of downloads that no list needs any more: removed when nobody has asked for them for a day, so that a list taken out by a slip
//! is back with its content when it is put back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::Folder;
use crate::config::Config;
use crate::moment::Moment;

/// How long after the last attempt a folder stays.
const STAYS: Duration = Duration::from_secs(86_400);
/// What a download's folder has in it, in the order in which it is removed: the state, which tells that it is one, last.
const FILES: [&str; 5] = ["content.part", "state.part", "content", "lock", "state.json"];

/// Removes the folders below `downloads` that no list of the configuration has, and gives those that are gone. What holds anything that we do
/// not make, has no state, or is being fetched stays as it is, and so does what cannot be removed.
pub(super) fn remove(config: &Config, now: Moment) -> Vec<PathBuf> {
    let folders = fs::read_dir(config.node.data_dir.join("downloads")).into_iter().flatten().flatten();
    let folders = folders.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
    let is_needed = |folder: &Path| config.lists.iter().any(|list| list.path.starts_with(folder));
    folders.filter(|folder| !is_needed(folder) && is_over(folder, now) && remove_folder(folder).is_ok()).collect()
}

/// Whether it is a download's folder, with nothing else in it, that was last tried long ago.
fn is_over(folder: &Path, now: Moment) -> bool {
    let Some(last) = Folder::at(folder).state().last else { return false };
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let is_ours = |entry: fs::DirEntry| {
        let is_known = FILES.iter().any(|file| entry.file_name() == *file);
        is_known && entry.file_type().is_ok_and(|kind| kind.is_file())
    };
    last.at.plus(STAYS) < now && entries.into_iter().all(|entry| entry.is_ok_and(is_ours))
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    // Held until it is gone: a command by another configuration may still have the list.
    let Some(_lock) = Folder::at(folder).lock(false)? else { return Err(io::ErrorKind::WouldBlock.into()) };
    for file in FILES {
        match fs::remove_file(folder.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::remove_dir(folder)
}
