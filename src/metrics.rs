//! Floor 2: what is counted, and its exposition for Prometheus.
//!
//! A [`Metrics`] is made once and handed in; nothing is global. Three ways lead into it:
//! - the way of a query counts by the [`Counters`] of the desk it closes at; no cell is written by two desks, and nothing is summed
//!   before a scrape;
//! - rare events are told ([`Metrics::reloaded`], [`Metrics::list_update`], ...);
//! - what the parts of the house hold now is asked for at each scrape ([`Metrics::store_from`], ...).
//!
//! Names, kinds, labels and help texts stand in one table, [`table`]. Labels are bounded and never hold a client, a user or an
//! asked name.

mod cells;
mod counters;
mod events;
mod families;
mod gather;
mod histogram;
mod labels;
mod process;
mod sources;
pub mod table;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::cells::Cells;
pub use self::counters::{Admission, Counters, Malformed};
use self::events::Events;
pub use self::events::{AttributionResult, ListUpdate};
use self::families::Families;
pub use self::histogram::Durations;
use self::labels::Slots;
pub use self::labels::{CATEGORY_SLOTS, CategorySlot, Labels, NO_CATEGORY, OTHER, UNMATCHED, ZONE_SLOTS, ZoneSlot};
use self::sources::Sources;
pub use self::sources::{
    AttributionNumbers, CacheNumbers, DiskNumbers, DoorNumbers, ListNumbers, SnapshotNumbers, StoreNumbers,
    UpstreamNumbers,
};
use crate::moment::Moment;
use crate::subject::Via;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is counted in this process.
#[derive(Debug)]
pub struct Metrics {
    version: String,
    workers: Mutex<Workers>,
    events: Events,
    sources: Sources,
}

#[derive(Debug)]
struct Workers {
    slots: Slots,
    /// Every writer's cells there ever were: a counter does not go back when its worker ends.
    all: Vec<Arc<Cells>>,
    /// Those whose worker has ended.
    free: Vec<Arc<Cells>>,
}

impl Workers {
    fn cells(&mut self) -> Arc<Cells> {
        if let Some(cells) = self.free.pop() {
            return cells;
        }
        let cells = Arc::new(Cells::new());
        cells.make_room(self.slots.zones().len(), self.slots.categories().len());
        self.all.push(Arc::clone(&cells));
        cells
    }
}

impl Metrics {
    /// With nothing counted. `version` stands in the label of `cordon_build_info`.
    pub fn new(version: &str) -> Arc<Metrics> {
        Arc::new(Metrics {
            version: version.to_owned(),
            workers: Mutex::new(Workers { slots: Slots::new(), all: Vec::new(), free: Vec::new() }),
            events: Events::default(),
            sources: Sources::default(),
        })
    }

    /// The places of a configuration's network zones and categories, both in its order. The same name has the same place
    /// whenever it is asked for. Also makes the cells in every worker, so that counting does not allocate.
    ///
    /// Names that stand for something else here: network zone `unmatched`, category `none`, and `other` in both.
    pub fn labels(&self, zones: &[&str], categories: &[&str]) -> Labels {
        let mut workers = lock(&self.workers);
        let labels = workers.slots.labels(zones, categories);
        for cells in &workers.all {
            cells.make_room(workers.slots.zones().len(), workers.slots.categories().len());
        }
        labels
    }

    /// Counters for one worker thread.
    pub fn worker(self: &Arc<Self>) -> Counters {
        let cells = lock(&self.workers).cells();
        Counters::new(Arc::clone(self), cells)
    }

    /// The first snapshot was put in force: counts no reload, but is the last success.
    pub fn started(&self, at: Moment) {
        self.events.started(at);
    }

    /// A reload put a snapshot in force; `all` when nothing that was asked for before is still to be put right.
    pub fn reloaded(&self, at: Moment, all: bool) {
        self.events.reloaded(at, all);
    }

    /// What made the last reload fail is over, without another snapshot.
    pub fn reload_settled(&self) {
        self.events.reload_settled();
    }

    /// A reload failed; the last snapshot stays in force.
    pub fn reload_failed(&self) {
        self.events.reload_failed();
    }

    /// The journal of grants and withdrawals changed; whether the change is in force.
    pub fn access_changed(&self, taken: bool) {
        self.events.access_changed(taken);
    }

    /// An attempt to renew a list ended.
    pub fn list_update(&self, list: &str, result: ListUpdate) {
        self.events.list_update(list, result);
    }

    /// An event about who has which address was dealt with.
    pub fn attribution_event(&self, via: Via, result: AttributionResult) {
        self.events.attribution(via, result);
    }

    /// Who is asked what the log holds. This and its like are called at each scrape, on the thread that renders.
    pub fn store_from(&self, source: impl Fn() -> StoreNumbers + Send + Sync + 'static) {
        self.sources.store.set(source);
    }

    /// Who is asked what the cache holds.
    pub fn cache_from(&self, source: impl Fn() -> CacheNumbers + Send + Sync + 'static) {
        self.sources.cache.set(source);
    }

    /// Who is asked for the snapshot in force; none: there is none yet.
    pub fn snapshot_from(&self, source: impl Fn() -> Option<SnapshotNumbers> + Send + Sync + 'static) {
        self.sources.snapshot.set(source);
    }

    /// Who is asked for the figures of the upstreams in force.
    pub fn upstreams_from(&self, source: impl Fn() -> Vec<UpstreamNumbers> + Send + Sync + 'static) {
        self.sources.upstreams.set(source);
    }

    /// Who is asked for the lists of the snapshot in force.
    pub fn lists_from(&self, source: impl Fn() -> Vec<ListNumbers> + Send + Sync + 'static) {
        self.sources.lists.set(source);
    }

    /// Who is asked how many addresses are known.
    pub fn attribution_from(&self, source: impl Fn() -> Vec<AttributionNumbers> + Send + Sync + 'static) {
        self.sources.attribution.set(source);
    }

    /// Who is asked about sockets and connections.
    pub fn doors_from(&self, source: impl Fn() -> DoorNumbers + Send + Sync + 'static) {
        self.sources.doors.set(source);
    }

    /// Who is asked whether queries are answered by a loaded snapshot and logged.
    pub fn ready_from(&self, source: impl Fn() -> bool + Send + Sync + 'static) {
        self.sources.ready.set(source);
    }

    /// Everything, in the text format of Prometheus, version 0.0.4.
    ///
    /// # Errors
    /// What the encoder says; it would be a fault of ours.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let mut families = Families::default();
        families.set(table::BUILD, &[&self.version], 1.0);
        gather::queries(&lock(&self.workers), &mut families);
        self.events.gather(&mut families);
        self.sources.gather(&mut families);
        process::gather(&mut families);
        families.encode()
    }
}

/// Takes a lock of which every holder leaves the value whole, so that a panic elsewhere does not end the counting.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
