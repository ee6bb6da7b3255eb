//! Floor 3: the engine, the only place where the order of a query is written.
//!
//! A query walks six rooms: look, gate, who, verdict, fetch, close. [`pipeline`] is the conductor for every query; [`fast`] calls the same
//! rooms for what can be answered at once, and hands the open ticket over where it cannot. What then only has to be fetched is closed
//! by [`depart`].

pub mod depart;
pub mod desk;
pub mod fast;
pub mod fetch;
pub mod front;
pub mod gate;
pub mod given;
pub mod glanced;
pub mod outcome;
pub mod pipeline;
pub mod refresh;
pub mod reload;
pub mod rooms;
pub mod snapshot;
pub mod text;
pub mod ticket;
pub mod waiting;
pub mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::cache::Cache;
use crate::config::checked::WhenFull;
use crate::moment::Clock;

pub use desk::{Desk, Desks};
pub use snapshot::Snapshot;
pub use waiting::Waiting;
pub use worker::Worker;

/// A worker has an answer at hand for so many octets of the cache.
const OF_CACHE: u64 = 4_096;
/// Fewest and most answers a worker has at hand: a slot takes 16 octets, and an answer stays in memory as long as it is in one.
const LEAST_AT_HAND: u64 = 256;
const MOST_AT_HAND: u64 = 65_536;

/// What all workers share: the snapshot in force, the cache, the desks of the slow way.
pub struct Engine {
    snapshot: ArcSwap<Snapshot>,
    generation: AtomicU64,
    /// Answers.
    pub cache: Cache,
    /// How many answers each worker has at hand.
    pub answers_at_hand: usize,
    /// Where tickets of the slow way close.
    pub desks: Arc<Desks>,
    /// How many queries of each client wait for an upstream.
    pub waiting: Arc<Waiting>,
    /// The clock.
    pub clock: Clock,
    /// What to do with a query that cannot be recorded.
    pub when_full: WhenFull,
    /// Whether every record is on the disk before its answer leaves (`log.sync_interval = "0s"`).
    pub sync_each: bool,
}

impl Engine {
    /// An engine that begins with `snapshot` in force.
    pub fn new(snapshot: Snapshot, cache: Cache, desks: Desks, clock: Clock) -> Engine {
        let log = &snapshot.config.log;
        Engine {
            generation: AtomicU64::new(snapshot.generation),
            answers_at_hand: (snapshot.config.cache.size / OF_CACHE).clamp(LEAST_AT_HAND, MOST_AT_HAND) as usize,
            cache,
            desks: Arc::new(desks),
            waiting: Waiting::new(),
            clock,
            when_full: log.when_full,
            sync_each: log.sync_interval.is_zero(),
            snapshot: ArcSwap::from_pointee(snapshot),
        }
    }

    /// The snapshot in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Brings a desk's records to the disk; says whether their answers may leave. Where that fails, `log.when_full` decides, as it does for
    /// a lane without space.
    pub fn synced(&self, desk: &Desk) -> bool {
        match desk.lane.sync() {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "records could not be brought to the disk before their answers");
                self.when_full == WhenFull::Answer
            }
        }
    }

    /// The generation in force: one shared read, so that a worker knows whether the snapshot it holds still is.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Puts a snapshot in force. Queries under way keep the one they began with (Q7).
    pub fn put_in_force(&self, snapshot: Arc<Snapshot>) {
        let generation = snapshot.generation;
        self.snapshot.store(snapshot);
        self.generation.store(generation, Ordering::Release);
    }
}
