//! What is counted of rare events: reloads, list updates, facts of attribution. None of them is on the way of a query.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use super::families::Families;
use super::labels::OTHER;
use super::{lock, table};
use crate::list::Refused;
use crate::moment::Moment;
use crate::subject::Via;

/// Lists that are counted by name; what a process sees beyond is counted together, as `other`.
const MOST_LISTS: usize = 4096;

/// How an attempt to renew a list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListUpdate {
    /// There was new content, and it is in force.
    Updated,
    /// Nothing had changed.
    Unchanged,
    /// It could not be fetched, or was refused; the last content stays.
    Refused(Refused),
}

impl ListUpdate {
    /// The word of the label.
    pub const fn word(self) -> &'static str {
        match self {
            ListUpdate::Updated => "updated",
            ListUpdate::Unchanged => "unchanged",
            ListUpdate::Refused(refused) => refused.word(),
        }
    }
}

/// What came of an event about who has which address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributionResult {
    /// The roster holds it now.
    Applied,
    /// It said nothing new, or was older or weaker than what is known.
    Ignored,
    /// It could not be read or believed; nothing changed.
    Malformed,
}

impl AttributionResult {
    /// Every result, in the order they are counted in.
    pub const ALL: [AttributionResult; 3] =
        [AttributionResult::Applied, AttributionResult::Ignored, AttributionResult::Malformed];

    /// The word of the label.
    pub const fn word(self) -> &'static str {
        match self {
            AttributionResult::Applied => "applied",
            AttributionResult::Ignored => "ignored",
            AttributionResult::Malformed => "malformed",
        }
    }
}

/// Every source of attribution, in the order events are counted in.
pub(super) const VIAS: [Via; 4] = [Via::Lease, Via::Static, Via::Radius, Via::Signon];

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Events {
    reloads_done: AtomicU64,
    reloads_failed: AtomicU64,
    reload_heard: AtomicBool,
    last_failed: AtomicBool,
    last_success: AtomicI64,
    access_done: AtomicU64,
    access_failed: AtomicU64,
    lists: Mutex<BTreeMap<String, BTreeMap<ListUpdate, u64>>>,
    attribution: [[AtomicU64; AttributionResult::ALL.len()]; VIAS.len()],
}

impl Events {
    pub(super) fn started(&self, at: Moment) {
        self.last_success.store(at.micros(), Ordering::Relaxed);
        self.last_failed.store(false, Ordering::Relaxed);
        self.reload_heard.store(true, Ordering::Relaxed);
    }

    pub(super) fn reloaded(&self, at: Moment, all: bool) {
        self.reloads_done.fetch_add(1, Ordering::Relaxed);
        self.last_success.store(at.micros(), Ordering::Relaxed);
        self.last_failed.store(!all, Ordering::Relaxed);
        self.reload_heard.store(true, Ordering::Relaxed);
    }

    pub(super) fn reload_settled(&self) {
        self.last_failed.store(false, Ordering::Relaxed);
    }

    pub(super) fn reload_failed(&self) {
        self.reloads_failed.fetch_add(1, Ordering::Relaxed);
        self.last_failed.store(true, Ordering::Relaxed);
        self.reload_heard.store(true, Ordering::Relaxed);
    }

    pub(super) fn access_changed(&self, taken: bool) {
        let count = if taken { &self.access_done } else { &self.access_failed };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn list_update(&self, list: &str, result: ListUpdate) {
        let mut lists = lock(&self.lists);
        let list = if lists.len() < MOST_LISTS || lists.contains_key(list) { list } else { OTHER };
        // Good results are shown from zero; of the others only those that were met, or there would be twenty series a list.
        let good = || [ListUpdate::Updated, ListUpdate::Unchanged].map(|result| (result, 0)).into();
        *lists.entry(list.to_owned()).or_insert_with(good).entry(result).or_default() += 1;
    }

    pub(super) fn attribution(&self, via: Via, result: AttributionResult) {
        let row = VIAS.iter().position(|known| *known == via).and_then(|place| self.attribution.get(place));
        if let Some(cell) = row.and_then(|row| row.get(result as usize)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn gather(&self, families: &mut Families) {
        families.add(table::RELOAD, &["ok"], self.reloads_done.load(Ordering::Relaxed));
        families.add(table::RELOAD, &["failed"], self.reloads_failed.load(Ordering::Relaxed));
        families.add(table::ACCESS_CHANGES, &["ok"], self.access_done.load(Ordering::Relaxed));
        families.add(table::ACCESS_CHANGES, &["failed"], self.access_failed.load(Ordering::Relaxed));
        if self.reload_heard.load(Ordering::Relaxed) {
            let failed = self.last_failed.load(Ordering::Relaxed);
            families.set(table::RELOAD_LAST_SUCCESSFUL, &[], f64::from(!failed));
            let last = Moment(self.last_success.load(Ordering::Relaxed));
            if last != Moment::default() {
                families.set(table::RELOAD_LAST_SUCCESS, &[], last.micros() as f64 / 1e6);
            }
        }
        for (list, counts) in lock(&self.lists).iter() {
            for (result, count) in counts {
                families.add(table::LIST_UPDATE, &[list, result.word()], *count);
            }
        }
        for (via, row) in VIAS.iter().zip(&self.attribution) {
            for (result, cell) in AttributionResult::ALL.iter().zip(row) {
                families.add(table::ATTRIBUTION_EVENTS, &[via.word(), result.word()], cell.load(Ordering::Relaxed));
            }
        }
    }
}
