//! Floor 2: the log's write side and its reader.
//!
//! ```text
//! Lane::append -> segment (mapped, reserved beforehand) -> keeper: batch -> part (Parquet) -> leaf + checkpoint -> segment removed
//! ```
//!
//! A worker has a [`Lane`] and never waits for the disk in the normal case. Two threads serve the lanes: the supply (fresh segments, syncing)
//! and the keeper (sealing, the manifest, retention). [`reader`] and [`verify`] need no server.

mod batch;
mod disk;
mod error;
mod frame;
mod gather;
mod keeper;
mod keys;
mod lane;
pub mod manifest;
pub mod obstacle;
mod part;
mod paths;
mod pick;
pub mod plan;
pub mod reader;
mod runs;
mod segment;
mod supply;
#[cfg(test)]
mod tests;
pub mod verify;

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::behind;
use crate::config::checked::Log;
use crate::moment::{Clock, Moment};
use disk::Disk;
use keeper::Keeper;
use lane::Desk;
use manifest::Manifest;
use manifest::book::Trail;
use manifest::leaf::Fact;
use plan::Limits;
use segment::Segment;

pub use batch::site;
pub use error::StoreError;
pub use frame::{MAX_TEXT, reads_as_row};
pub use lane::{Full, Lane};
pub use paths::Paths;
pub use runs::{Run, Runs};

/// How long [`Store::close`] goes on sealing; what is left then stays in the segments, synced, and is sealed at the next start.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// The thread that seals.
const KEEPER: &str = "log-keeper";

/// How long the lock is waited for: a server that has just ended, or a child it was making, may hold it for a moment.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// What lanes, supply and keeper have between them.
#[derive(Debug)]
pub(crate) struct Shared {
    paths: Paths,
    node: String,
    disk: Disk,
    clock: Clock,
    limits: Limits,
    /// Every segment that is not removed.
    segments: Mutex<Vec<Arc<Segment>>>,
    desks: Mutex<Vec<Arc<Desk>>>,
    manifest: Mutex<Manifest>,
    supply: OnceLock<Thread>,
    stop: AtomicBool,
    /// The keeper failed at its last turn.
    failing: AtomicBool,
    /// Rows sealed since the store was opened.
    sealed_rows: AtomicU64,
    /// When everything appended was last on the medium.
    synced_at: AtomicI64,
    /// Time of the oldest live row as the keeper saw it; `i64::MAX` for none.
    oldest_live: AtomicI64,
    /// Holds the lock as long as anyone may write.
    _lock: File,
}

/// Takes a lock; one that a panic left is taken all the same, since every state behind these locks is whole between calls.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn wake_supply(&self) {
        if let Some(thread) = self.supply.get() {
            thread.unpark();
        }
    }
}

/// The log, opened to be written: by one server at a time.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    keeper: Arc<Mutex<Keeper>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Next sequence numbers of lanes of earlier runs.
    next: Mutex<BTreeMap<u16, u64>>,
    /// Live rows found at start.
    found_rows: u64,
    notes: Vec<String>,
}

/// What the log's metrics show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreGauges {
    /// Rows not sealed yet.
    pub live_rows: u64,
    /// Parts that are to be read.
    pub parts: u64,
    /// Octets of parts and segments.
    pub bytes: u64,
    /// Time of the oldest row kept.
    pub oldest: Option<Moment>,
    /// How long ago everything appended was last on the medium; zero when it is now.
    pub lag: Duration,
    /// Records appended since the store was opened.
    pub records: u64,
    /// Records lost since the store was opened.
    pub lost: u64,
    /// Octets still free on the log's disk, and its size in octets; none when it cannot be told.
    pub space: Option<(u64, u64)>,
    /// A lane has no space for records.
    pub full: bool,
    /// Sealing failed at the last try.
    pub failing: bool,
}

impl Store {
    /// Opens the log below `log.dir` as `node`, makes what is missing, and puts right what a crash left.
    pub fn open(log: &Log, node: &str, clock: Clock) -> Result<Store, StoreError> {
        let mut store = Store::prepare(log, node, clock, Limits::of(log), Disk::default())?;
        for note in &store.notes {
            tracing::warn!("{note}");
        }
        store.start()?;
        Ok(store)
    }

    /// Opens without threads.
    pub(crate) fn prepare(
        log: &Log,
        node: &str,
        clock: Clock,
        limits: Limits,
        disk: Disk,
    ) -> Result<Store, StoreError> {
        check_node(node)?;
        let paths = Paths::below(&log.dir);
        disk.folder(&paths.dir)?;
        let lock = lock(&disk, &paths)?;
        disk.folder(&paths.segments)?;
        disk.folder(&paths.parts)?;
        let mut notes = Vec::new();
        let manifest = Manifest::open(&disk, &paths, node, &log.signing_key, &mut notes)?;
        let recovered = keeper::recover::recover(&disk, &paths, node, manifest.book(), &mut notes)?;
        let now = clock.now();
        let left_over = !recovered.segments.is_empty();
        let shared = Arc::new(Shared {
            paths,
            node: node.to_owned(),
            disk,
            clock,
            limits: Limits { segment_bytes: limits.segment_bytes.max(segment::SMALLEST), ..limits },
            segments: Mutex::new(recovered.segments),
            desks: Mutex::default(),
            manifest: Mutex::new(manifest),
            supply: OnceLock::new(),
            stop: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            sealed_rows: AtomicU64::new(0),
            synced_at: AtomicI64::new(now.micros()),
            oldest_live: AtomicI64::new(i64::MAX),
            _lock: lock,
        });
        Ok(Store {
            keeper: Arc::new(Mutex::new(Keeper::new(shared.clone(), left_over))),
            shared,
            threads: Mutex::default(),
            next: Mutex::new(recovered.next),
            found_rows: recovered.live_rows,
            notes,
        })
    }

    fn start(&mut self) -> Result<(), StoreError> {
        let thread = |name: &str, body: Box<dyn FnOnce() + Send>| {
            let life = move || {
                behind::stand();
                body();
            };
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(life)
                .map_err(StoreError::file(&self.shared.paths.dir, "start a thread for the log"))
        };
        let (shared, for_keeper, keeper) = (self.shared.clone(), self.shared.clone(), self.keeper.clone());
        let supply = thread("log-supply", Box::new(move || supply::run(&shared)))?;
        let _ = self.shared.supply.set(supply.thread().clone());
        let keeper = thread(KEEPER, Box::new(move || keeper::run(&for_keeper, &keeper)))?;
        *locked(&self.threads) = vec![supply, keeper];
        Ok(())
    }

    /// What was put right, or found wrong, at start: a line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// A lane for one more worker: 0 for the first, then 1, 2, ... A lane of an earlier run is continued, its sequence numbers with it.
    pub fn lane(&self) -> Result<Lane, StoreError> {
        let desk = {
            let mut desks = locked(&self.shared.desks);
            let number = u16::try_from(desks.len()).map_err(|_| StoreError::Lanes(desks.len()))?;
            let desk = Arc::new(Desk::new(number));
            desks.push(desk.clone());
            desk
        };
        let next = locked(&self.next).remove(&desk.lane).unwrap_or(1);
        let lane = Lane::open(self.shared.clone(), desk.clone(), next);
        if lane.is_err() {
            desk.closed.store(true, Ordering::Release);
        }
        self.shared.wake_supply();
        lane
    }

    /// Writes to the manifest that a configuration was put in force. When it returns, the leaf is on the medium; the keeper makes its
    /// checkpoint at once, beside the answers that wait for this.
    pub fn note_config(&self, generation: u64, sha256: &str) -> Result<(), StoreError> {
        let fact = Fact::Config { generation, sha256: sha256.to_owned() };
        let noted = locked(&self.shared.manifest).append_leaf(self.shared.clock.now(), fact);
        if let Some(keeper) = locked(&self.threads).iter().find(|thread| thread.thread().name() == Some(KEEPER)) {
            keeper.thread().unpark();
        }
        noted
    }

    /// Writes to the manifest how far a file of the audit trail goes.
    pub fn note_audit(&self, file: &str, trail: &Trail) -> Result<(), StoreError> {
        let Trail { sha256, bytes, rows } = trail.clone();
        let fact = Fact::Audit { file: file.to_owned(), sha256, bytes, rows };
        locked(&self.shared.manifest).append(self.shared.clock.now(), fact)
    }

    /// How far a file of the audit trail was taken over last, by the manifest.
    pub fn audited(&self, file: &str) -> Option<Trail> {
        locked(&self.shared.manifest).book().audits.get(file).and_then(|trails| trails.last().cloned())
    }

    /// What the log holds at this moment.
    pub fn gauges(&self) -> StoreGauges {
        let shared = &self.shared;
        let (mut records, mut lost, mut full) = (0, 0, false);
        for desk in locked(&shared.desks).iter() {
            records += desk.appended.load(Ordering::Relaxed);
            lost += desk.lost.load(Ordering::Relaxed);
            // A lane that has a spare by now has space, even if nothing was appended since.
            full |= desk.starved.load(Ordering::Relaxed) && locked(&desk.spare).is_none();
        }
        let (mut bytes, mut waiting) = (0, false);
        for segment in locked(&shared.segments).iter() {
            bytes += segment.size() as u64;
            waiting |= segment.wants_sync();
        }
        let (parts, part_bytes, oldest_part) = {
            let manifest = locked(&shared.manifest);
            let parts = &manifest.book().parts;
            (
                parts.len() as u64,
                parts.values().map(|part| part.bytes).sum::<u64>(),
                parts.values().map(|part| part.from.0).min(),
            )
        };
        let oldest_live = Some(shared.oldest_live.load(Ordering::Relaxed)).filter(|&at| at != i64::MAX).map(Moment);
        let synced_at = Moment(shared.synced_at.load(Ordering::Relaxed));
        StoreGauges {
            live_rows: (self.found_rows + records).saturating_sub(shared.sealed_rows.load(Ordering::Relaxed)),
            parts,
            bytes: bytes + part_bytes,
            oldest: [oldest_part, oldest_live].into_iter().flatten().min(),
            lag: if waiting { shared.clock.now().since(synced_at) } else { Duration::ZERO },
            records,
            lost,
            space: shared.disk.space(&shared.paths.dir).ok(),
            full,
            failing: shared.failing.load(Ordering::Relaxed),
        }
    }

    /// Why records are not kept as they should be, if so.
    pub fn trouble(&self) -> Option<&'static str> {
        let gauges = self.gauges();
        if gauges.full {
            return Some("a lane has no space; free some on the log's disk");
        }
        gauges.failing.then_some("sealing fails; the program's own log says why")
    }

    /// Seals every row appended so far, due or not.
    pub fn flush(&self) -> Result<(), StoreError> {
        locked(&self.keeper).seal_all()
    }

    /// Erases parts past their time now.
    pub fn expire(&self) -> Result<(), StoreError> {
        locked(&self.keeper).expire(self.shared.clock.now())
    }

    /// Ends: seals what lanes have appended, syncs the rest, within ten seconds. Drop the lanes first; what they append later is found at the
    /// next start.
    pub fn close(&self) -> Result<(), StoreError> {
        self.stop_threads();
        let begun = Instant::now();
        let sealed = (|| {
            while locked(&self.keeper).seal_some()? {
                if begun.elapsed() > CLOSE_WITHIN {
                    tracing::warn!("rows are left to be sealed at the next start");
                    break;
                }
            }
            Ok(())
        })();
        let synced = supply::sync(&self.shared);
        for desk in locked(&self.shared.desks).iter() {
            if let Some(spare) = locked(&desk.spare).take() {
                self.shared.disk.remove(spare.path())?;
            }
        }
        sealed.and(synced)
    }

    fn stop_threads(&self) {
        self.shared.stop.store(true, Ordering::Release);
        for thread in std::mem::take(&mut *locked(&self.threads)) {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("a thread of the log had panicked");
            }
        }
    }
}

impl Drop for Store {
    /// Stops the threads; nothing is sealed. A store that is dropped and not closed leaves what a killed process leaves.
    fn drop(&mut self) {
        self.stop_threads();
    }
}

/// The name stands in every row, in the manifest and as the name of the key.
fn check_node(node: &str) -> Result<(), StoreError> {
    let wrong = if node.is_empty() {
        "is empty; give the node a name"
    } else if node.len() > segment::MAX_NODE {
        "is longer than 255 octets"
    } else if node.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
        "has white space, a control character or `+` in it; the name of a signing key cannot"
    } else {
        return Ok(());
    };
    Err(StoreError::Node { name: node.to_owned(), what: wrong })
}

fn lock(disk: &Disk, paths: &Paths) -> Result<File, StoreError> {
    let file = disk.open_append(&paths.lock)?;
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(std::fs::TryLockError::WouldBlock) => return Err(StoreError::Locked { path: paths.lock.clone() }),
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(StoreError::file(&paths.lock, "lock the file")(error));
            }
        }
    }
}
