//! Numbers that are asked for at each scrape rather than counted: what the parts of the house hold now.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use super::families::Families;
use super::histogram::Durations;
use super::{lock, table};
use crate::subject::Via;

/// What the log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StoreNumbers {
    /// How long the oldest record that cannot be searched yet has waited, in seconds.
    pub lag_seconds: f64,
    /// Searchable rows not in a part yet.
    pub live_rows: u64,
    /// Sealed parts.
    pub parts: u64,
    /// Octets on disk, parts and segments.
    pub bytes: u64,
    /// Age of the oldest row in seconds; 0 when there is none.
    pub oldest_seconds: f64,
    /// How long rows are to be kept, in seconds.
    pub retain_seconds: f64,
    /// Free and whole size of the log's file system in octets; none when it cannot be told.
    pub disk: Option<DiskNumbers>,
}

/// A file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskNumbers {
    /// Octets free to this process.
    pub free_bytes: u64,
    /// Size in octets.
    pub size_bytes: u64,
}

/// What the cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheNumbers {
    /// Answers.
    pub entries: u64,
    /// Octets.
    pub bytes: u64,
    /// Octets it may hold.
    pub limit_bytes: u64,
}

/// One upstream, since the process began or it came into the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpstreamNumbers {
    /// As the configuration writes it.
    pub upstream: Arc<str>,
    /// Whether it is held to be in working order.
    pub up: bool,
    /// Questions put to it, by how they ended: `answered` (NXDOMAIN among them), `timeout`, or what else went wrong.
    pub results: BTreeMap<&'static str, u64>,
    /// Datagrams from its address that answered nothing that was asked.
    pub ignored: u64,
    /// How long it took for the questions it answered.
    pub durations: Durations,
}

/// The snapshot in force.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SnapshotNumbers {
    /// Its generation.
    pub generation: u64,
    /// How long it has been in force, in seconds.
    pub age_seconds: f64,
}

/// One list of the snapshot in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListNumbers {
    /// Its name.
    pub list: Box<str>,
    /// Rules it yielded.
    pub entries: u64,
    /// Lines that are no rule.
    pub refused_lines: u64,
    /// Age of its content in seconds; none when it cannot be told.
    pub age_seconds: Option<f64>,
}

/// Who has which address, by one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttributionNumbers {
    /// How it is known.
    pub via: Via,
    /// Addresses known by it.
    pub entries: u64,
}

/// The doors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DoorNumbers {
    /// Datagrams the kernel dropped at our sockets since start.
    pub udp_receive_drops: u64,
    /// Connections open now.
    pub tcp_connections: u64,
    /// Connections closed at once, since too many were open.
    pub tcp_refused: u64,
    /// Panics that were caught at the doors.
    pub panics: u64,
}

/// Who is asked for the numbers. What nobody was set for is not exposed.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) store: Asked<StoreNumbers>,
    pub(super) cache: Asked<CacheNumbers>,
    pub(super) snapshot: Asked<Option<SnapshotNumbers>>,
    pub(super) lists: Asked<Vec<ListNumbers>>,
    pub(super) upstreams: Asked<Vec<UpstreamNumbers>>,
    pub(super) attribution: Asked<Vec<AttributionNumbers>>,
    pub(super) doors: Asked<DoorNumbers>,
    pub(super) ready: Asked<bool>,
}

impl Sources {
    pub(super) fn gather(&self, families: &mut Families) {
        if let Some(cache) = self.cache.ask() {
            families.set(table::CACHE_ENTRIES, &[], cache.entries as f64);
            families.set(table::CACHE_BYTES, &[], cache.bytes as f64);
            families.set(table::CACHE_LIMIT_BYTES, &[], cache.limit_bytes as f64);
        }
        if let Some(store) = self.store.ask() {
            families.set(table::LOG_LAG, &[], store.lag_seconds);
            families.set(table::LOG_LIVE_ROWS, &[], store.live_rows as f64);
            families.set(table::LOG_PARTS, &[], store.parts as f64);
            families.set(table::LOG_BYTES, &[], store.bytes as f64);
            families.set(table::LOG_OLDEST, &[], store.oldest_seconds);
            families.set(table::LOG_RETAIN, &[], store.retain_seconds);
            if let Some(disk) = store.disk {
                families.set(table::LOG_DISK_FREE, &[], disk.free_bytes as f64);
                families.set(table::LOG_DISK_SIZE, &[], disk.size_bytes as f64);
            }
        }
        if let Some(ready) = self.ready.ask() {
            families.set(table::READY, &[], f64::from(ready));
        }
        if let Some(snapshot) = self.snapshot.ask().flatten() {
            families.set(table::SNAPSHOT_GENERATION, &[], snapshot.generation as f64);
            families.set(table::SNAPSHOT_AGE, &[], snapshot.age_seconds);
        }
        for list in self.lists.ask().unwrap_or_default() {
            families.set(table::LIST_ENTRIES, &[&list.list], list.entries as f64);
            families.set(table::LIST_REFUSED_LINES, &[&list.list], list.refused_lines as f64);
            if let Some(age) = list.age_seconds {
                families.set(table::LIST_AGE, &[&list.list], age);
            }
        }
        for upstream in self.upstreams.ask().unwrap_or_default() {
            let name: &str = &upstream.upstream;
            for (result, count) in &upstream.results {
                families.add(table::UPSTREAM_QUERIES, &[name, result], *count);
            }
            families.add(table::UPSTREAM_IGNORED, &[name], upstream.ignored);
            families.set(table::UPSTREAM_UP, &[name], f64::from(upstream.up));
            families.histogram(table::UPSTREAM_DURATION, &[name], &upstream.durations);
        }
        for known in self.attribution.ask().unwrap_or_default() {
            families.set(table::ATTRIBUTION_ENTRIES, &[known.via.word()], known.entries as f64);
        }
        if let Some(doors) = self.doors.ask() {
            families.add(table::UDP_RECEIVE_DROPS, &[], doors.udp_receive_drops);
            families.set(table::TCP_CONNECTIONS, &[], doors.tcp_connections as f64);
            families.add(table::TCP_REFUSED, &[], doors.tcp_refused);
            families.add(table::PANICS, &[], doors.panics);
        }
    }
}

/// A question put at each scrape, once somebody was found who knows the answer.
pub(super) struct Asked<T>(Mutex<Option<Arc<dyn Fn() -> T + Send + Sync>>>);

impl<T> Asked<T> {
    pub(super) fn set(&self, source: impl Fn() -> T + Send + Sync + 'static) {
        *lock(&self.0) = Some(Arc::new(source));
    }

    /// The answer. The lock is not held while it is made: it may take locks of its own.
    fn ask(&self) -> Option<T> {
        let source = lock(&self.0).clone();
        source.map(|source| source())
    }
}

impl<T> Default for Asked<T> {
    fn default() -> Asked<T> {
        Asked(Mutex::new(None))
    }
}

impl<T> fmt::Debug for Asked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if lock(&self.0).is_some() { "Asked(set)" } else { "Asked(nobody)" })
    }
}
