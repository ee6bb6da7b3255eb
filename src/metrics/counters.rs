//! Counting on the way of a query.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cells::Cells;
use super::histogram::bucket;
use super::labels::{CategorySlot, ZoneSlot};
use super::{Metrics, lock};
use crate::verdict::{Action, Source, Transport};

/// What the gate said to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Go on.
    Admitted,
    /// Refused.
    Refused,
    /// Not answered.
    Dropped,
}

impl Admission {
    /// Every result, in the order they are counted in.
    pub const ALL: [Admission; 3] = [Admission::Admitted, Admission::Refused, Admission::Dropped];

    /// The word of the label.
    pub const fn word(self) -> &'static str {
        match self {
            Admission::Admitted => "admitted",
            Admission::Refused => "refused",
            Admission::Dropped => "dropped",
        }
    }
}

/// How a message that is no query was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Answered with FORMERR.
    FormErr,
    /// Answered with NOTIMP.
    NotImp,
    /// Not answered: a response, or too short to answer.
    Dropped,
}

impl Malformed {
    /// Every result, in the order they are counted in.
    pub const ALL: [Malformed; 3] = [Malformed::FormErr, Malformed::NotImp, Malformed::Dropped];

    /// The word of the label.
    pub const fn word(self) -> &'static str {
        match self {
            Malformed::FormErr => "formerr",
            Malformed::NotImp => "notimp",
            Malformed::Dropped => "dropped",
        }
    }
}

/// The counters of one worker thread. Not `Sync` and not `Clone`: there is one writer, so a count is a plain load, addition and
/// store on a cache line nobody else writes. When it is dropped its counts stay, and the next worker goes on from them.
#[derive(Debug)]
pub struct Counters {
    metrics: Arc<Metrics>,
    cells: Arc<Cells>,
    one_writer: PhantomData<Cell<()>>,
}

impl Counters {
    pub(super) fn new(metrics: Arc<Metrics>, cells: Arc<Cells>) -> Counters {
        Counters { metrics, cells, one_writer: PhantomData }
    }

    #[inline]
    fn add(&self, cell: &AtomicU64, more: u64) {
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// A query was closed.
    #[inline]
    pub fn query(&self, zone: ZoneSlot, transport: Transport, action: Action) {
        if let Some(cell) = self.cells.query(zone, transport, action) {
            self.add(cell, 1);
        }
    }

    /// A query was blocked, for this category.
    #[inline]
    pub fn blocked(&self, zone: ZoneSlot, category: CategorySlot) {
        if let Some(cell) = self.cells.blocked(zone, category) {
            self.add(cell, 1);
        }
    }

    /// An answer left `duration_us` microseconds after its query came in.
    #[inline]
    pub fn answered(&self, source: Source, duration_us: u32) {
        let [policy, local, cache, upstream] = &self.cells.durations;
        let histogram = match source {
            Source::Policy => policy,
            Source::Local => local,
            Source::Cache | Source::Stale => cache,
            Source::Upstream => upstream,
        };
        if let Some(cell) = histogram.buckets.get(bucket(duration_us)) {
            self.add(cell, 1);
        }
        self.add(&histogram.sum_us, u64::from(duration_us));
    }

    /// The cache could answer.
    #[inline]
    pub fn cache_hit(&self) {
        self.add(&self.cells.cache_hits, 1);
    }

    /// The cache could not answer.
    #[inline]
    pub fn cache_miss(&self) {
        self.add(&self.cells.cache_misses, 1);
    }

    /// An answer was given past its TTL.
    #[inline]
    pub fn stale_answer(&self) {
        self.add(&self.cells.stale_answers, 1);
    }

    /// A record was written.
    #[inline]
    pub fn record(&self) {
        self.add(&self.cells.records, 1);
    }

    /// So many records could not be written.
    #[inline]
    pub fn lost(&self, records: u64) {
        self.add(&self.cells.lost, records);
    }

    /// A query came from a client of which neither device nor user is known.
    #[inline]
    pub fn unattributed(&self) {
        self.add(&self.cells.unattributed, 1);
    }

    /// The gate has spoken.
    #[inline]
    pub fn admission(&self, result: Admission) {
        if let Some(cell) = self.cells.admission.get(result as usize) {
            self.add(cell, 1);
        }
    }

    /// A message was no query that can be judged.
    #[inline]
    pub fn malformed(&self, result: Malformed) {
        if let Some(cell) = self.cells.malformed.get(result as usize) {
            self.add(cell, 1);
        }
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        lock(&self.metrics.workers).free.push(Arc::clone(&self.cells));
    }
}
