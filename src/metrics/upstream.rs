//! What is counted of each upstream.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use super::families::Families;
use super::histogram::{Counts, HistogramCells, bucket};
use super::{lock, table};

/// The counters of one upstream. Clones count in the same place; when the last one is dropped, since the upstream left the
/// configuration, its series end.
#[derive(Clone, Debug)]
pub struct UpstreamCounters(Arc<Upstream>);

#[derive(Debug)]
struct Upstream {
    answered: AtomicU64,
    failed: AtomicU64,
    timeout: AtomicU64,
    up: AtomicBool,
    durations: HistogramCells,
}

impl UpstreamCounters {
    /// It answered after `took`: any answer that can be used, NXDOMAIN among them.
    pub fn answered(&self, took: Duration) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
        let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        if let Some(cell) = self.0.durations.buckets.get(bucket(took)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        self.0.durations.sum_us.fetch_add(u64::from(took), Ordering::Relaxed);
    }

    /// It could not be reached, or its answer could not be used (SERVFAIL, REFUSED, malformed, validation failed).
    pub fn failed(&self) {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// It said nothing in time.
    pub fn timeout(&self) {
        self.0.timeout.fetch_add(1, Ordering::Relaxed);
    }

    /// It is now held to be in working order, or not. Until told, it is.
    pub fn set_up(&self, up: bool) {
        self.0.up.store(up, Ordering::Relaxed);
    }

    /// Whether it is held to be in working order.
    pub fn is_up(&self) -> bool {
        self.0.up.load(Ordering::Relaxed)
    }
}

/// Every upstream there is a handle of, by its text.
#[derive(Debug, Default)]
pub(super) struct Upstreams(Mutex<BTreeMap<String, Weak<Upstream>>>);

impl Upstreams {
    /// The counters of the upstream with this text: the same ones while somebody holds them.
    pub(super) fn of(&self, text: &str) -> UpstreamCounters {
        let mut by_text = lock(&self.0);
        by_text.retain(|_, upstream| upstream.strong_count() > 0);
        if let Some(upstream) = by_text.get(text).and_then(Weak::upgrade) {
            return UpstreamCounters(upstream);
        }
        let upstream = Arc::new(Upstream {
            answered: AtomicU64::default(),
            failed: AtomicU64::default(),
            timeout: AtomicU64::default(),
            up: AtomicBool::new(true),
            durations: HistogramCells::default(),
        });
        by_text.insert(text.to_owned(), Arc::downgrade(&upstream));
        UpstreamCounters(upstream)
    }

    pub(super) fn gather(&self, families: &mut Families) {
        let held: Vec<(String, Arc<Upstream>)> =
            lock(&self.0).iter().filter_map(|(text, upstream)| Some((text.clone(), upstream.upgrade()?))).collect();
        for (text, upstream) in &held {
            let results =
                [("answered", &upstream.answered), ("failed", &upstream.failed), ("timeout", &upstream.timeout)];
            for (result, cell) in results {
                families.add(table::UPSTREAM_QUERIES, &[text, result], cell.load(Ordering::Relaxed));
            }
            families.set(table::UPSTREAM_UP, &[text], f64::from(upstream.up.load(Ordering::Relaxed)));
            let mut counts = Counts::default();
            counts.add(&upstream.durations);
            families.histogram(table::UPSTREAM_DURATION, &[text], &counts);
        }
    }
}
