//! Tells when files have changed: lists that somebody edits are in force within seconds.
//!
//! ```text
//! folders of the files -> notify -> a wake-up ┐
//! every 30 s (file systems that tell nothing) ┴-> stat of each file -> other than before? -> quiet for a while -> told
//! ```
//!
//! That something happened in a folder is only a reason to look: what counts is whether a file looks other than when it was last read. So
//! a rename over it, an editor's temporary file, a folder that was put in the place of another, and a wake-up that never came all end
//! alike. Nothing here is on the way of a query.

mod folders;
mod pending;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use folders::Folders;
pub(super) use pending::Stamps;
use pending::{Files, Pace};

/// What is watched. Another file that has to be in force soon after it changed is another variant here, with its pace in
/// [`Settings::pace`], named at start by [`Watch::renew`] and heard in `app::wait`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// The files of all lists of the configuration in force.
    Lists,
}

impl Watched {
    const ALL: [Watched; 1] = [Watched::Lists];
}

/// How soon it is looked and told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// Between two looks at every file where nothing woke us.
    pub(super) poll: Duration,
    /// From a wake-up to the look, so that a burst of them is one look.
    pub(super) gather: Duration,
    /// Whether the system is asked to tell of changed folders.
    pub(super) wake: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { poll: Duration::from_secs(30), gather: Duration::from_millis(50), wake: true }
    }
}

impl Settings {
    /// How long files must be left alone before a change of them is told, and how long that may go on.
    fn pace(what: Watched) -> Pace {
        match what {
            Watched::Lists => Pace { quiet: Duration::from_millis(500), longest: Duration::from_secs(3) },
        }
    }
}

/// Wake-ups and orders that may wait. Of wake-ups one is as good as many, so those that find no place are let go.
const WAITING: usize = 64;

/// The watch: a thread of its own. It ends when this is dropped.
pub(super) struct Watch {
    orders: SyncSender<Order>,
    told: Arc<[Notify; Watched::ALL.len()]>,
}

enum Order {
    /// Something happened in a watched folder.
    Look,
    /// These are the files from now on, and how they looked before they were read.
    Renew(Watched, Stamps),
    /// What was told came to nothing; tell again at the next poll.
    Again(Watched),
    End,
}

impl Watch {
    /// Starts to watch; which files is said by [`Watch::renew`].
    pub(super) fn start(settings: Settings) -> std::io::Result<Watch> {
        let (orders, heard) = sync_channel(WAITING);
        let told = Arc::new([const { Notify::const_new() }; Watched::ALL.len()]);
        let folders = match settings.wake {
            true => Folders::new(orders.clone()),
            false => Folders::untold(),
        };
        let teller = Arc::clone(&told);
        let round =
            Round { settings, folders, files: Watched::ALL.map(|what| Files::new(Settings::pace(what))), teller };
        thread::Builder::new().name("watch".into()).spawn(move || round.run(&heard))?;
        Ok(Watch { orders, told })
    }

    /// From now on `stamps.files()` are watched for `what`, and a change is what looks other than these stamps. They must have been taken
    /// before the files were read, so that what changed meanwhile is told.
    pub(super) fn renew(&self, what: Watched, stamps: Stamps) {
        // The thread is gone only when it panicked; lists are then read on SIGHUP.
        let _ = self.orders.send(Order::Renew(what, stamps));
    }

    /// Has `what` told again at the next poll, changed or not: what was told came to nothing by something that may pass.
    pub(super) fn try_again(&self, what: Watched) {
        let _ = self.orders.send(Order::Again(what));
    }

    /// Waits for the next change of `what`. Changes between two waits are one.
    pub(super) async fn changed(&self, what: Watched) {
        self.told[what as usize].notified().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Not joined: a file system that does not answer must not keep the process.
        let _ = self.orders.send(Order::End);
    }
}

/// What the thread works with.
struct Round {
    settings: Settings,
    folders: Folders,
    files: [Files; Watched::ALL.len()],
    teller: Arc<[Notify; Watched::ALL.len()]>,
}

impl Round {
    fn run(mut self, heard: &Receiver<Order>) {
        let mut next_poll = Instant::now() + self.settings.poll;
        loop {
            let due = self.files.iter().filter_map(Files::due).chain([next_poll]).min().unwrap_or(next_poll);
            match heard.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(order) => {
                    thread::sleep(self.settings.gather);
                    if self.take(order) || heard.try_iter().any(|order| self.take(order)) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            let polled = now >= next_poll;
            if polled {
                next_poll = now + self.settings.poll;
                self.folders.watch(self.files.iter().flat_map(Files::paths));
            }
            for (files, told) in self.files.iter_mut().zip(self.teller.iter()) {
                if files.look(now, polled) {
                    told.notify_one();
                }
            }
        }
    }

    /// Does what was ordered; whether it was to end.
    fn take(&mut self, order: Order) -> bool {
        match order {
            Order::Look => {}
            Order::Renew(what, stamps) => {
                self.files[what as usize].renew(stamps);
                self.folders.watch(self.files.iter().flat_map(Files::paths));
            }
            Order::Again(what) => self.files[what as usize].try_again(),
            Order::End => return true,
        }
        false
    }
}

/// The folders in which something happens when `paths` change: those they are named in, and those that links lead to.
fn folders_of<'p>(paths: impl Iterator<Item = &'p Path>) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    for path in paths {
        folders.extend(path.parent().map(Path::to_owned));
        if let Ok(meant) = path.canonicalize() {
            folders.extend(meant.parent().map(Path::to_owned));
        }
    }
    folders
}

#[cfg(test)]
mod tests;
