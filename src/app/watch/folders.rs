//! The folders the system tells of. Where it cannot (too many watches, a network file system), the poll is what remains.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::{Order, folders_of};

/// The folders watched, each with its device and inode: a folder that was put in the place of another has to be watched anew.
pub(super) struct Folders {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, (u64, u64)>,
    complained: bool,
}

impl Folders {
    /// Has `orders` told of what happens in the folders.
    pub(super) fn new(orders: SyncSender<Order>) -> Folders {
        let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // That a file was read, by us among others, is no reason to look.
            let only_read = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(kind)
                if kind != AccessKind::Close(AccessMode::Write)));
            if !only_read {
                // Without a place left, a look is due anyway.
                let _ = orders.try_send(Order::Look);
            }
        });
        if let Err(error) = &made {
            tracing::warn!(%error, "the system does not tell of changed files; lists are looked at every 30 seconds");
        }
        Folders { watcher: made.ok(), watched: BTreeMap::new(), complained: false }
    }

    /// Nobody tells; what changed is found by looking.
    pub(super) fn untold() -> Folders {
        Folders { watcher: None, watched: BTreeMap::new(), complained: false }
    }

    /// Watches the folders of `paths`, and no others. A folder that is not there is tried again the next time.
    pub(super) fn watch<'p>(&mut self, paths: impl Iterator<Item = &'p Path>) {
        let Some(watcher) = &mut self.watcher else { return };
        let wanted: BTreeMap<PathBuf, (u64, u64)> = folders_of(paths)
            .into_iter()
            .filter_map(|folder| std::fs::metadata(&folder).map(|is| (folder, (is.dev(), is.ino()))).ok())
            .collect();
        self.watched.retain(|folder, is| {
            let stays = wanted.get(folder) == Some(is);
            if !stays {
                // It fails where the folder is gone, and its watch with it.
                let _ = watcher.unwatch(folder);
            }
            stays
        });
        for (folder, is) in wanted {
            if self.watched.contains_key(&folder) {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder, is);
                }
                Err(error) if !self.complained => {
                    self.complained = true;
                    tracing::warn!(
                        folder = %folder.display(), %error,
                        "changes in this folder are not told by the system; its files are looked at every 30 seconds"
                    );
                }
                Err(_) => {}
            }
        }
    }
}
