//! What the metrics and the admin door ask the house at each look.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use super::Parts;
use crate::config::checked::ListSource;
use crate::engine::Snapshot;
use crate::metrics::{
    AttributionNumbers, CacheNumbers, DiskNumbers, DoorNumbers, ListNumbers, SnapshotNumbers, StoreNumbers,
    UpstreamNumbers,
};
use crate::moment::Moment;
use crate::serve::Doors;
use crate::shelf::ListReport;
use crate::subject::Via;
use crate::upstream::ServerHealth;
use crate::web::{ConfigInForce, House, InForce, ListRenewal, Listening, Readiness, Reload, Status, ZoneInForce};

/// Connects every part to the metrics and gives the house that the admin door asks.
pub(super) fn house(parts: &Arc<Parts>, doors: &Doors, started: Moment, admin: SocketAddr) -> Arc<House> {
    connect(parts, doors);
    let dns: Vec<SocketAddr> = doors.addresses().to_vec();
    let (asked, told) = (Arc::clone(parts), Arc::clone(parts));
    let ready = move || readiness(&asked);
    let status = move || status(&told, started, &dns, admin);
    House::new(Arc::clone(&parts.metrics), ready, status)
}

fn connect(parts: &Arc<Parts>, doors: &Doors) {
    let metrics = &parts.metrics;
    let of = |parts: &Arc<Parts>| Arc::clone(parts);
    let p = of(parts);
    metrics.store_from(move || store(&p));
    let p = of(parts);
    metrics.cache_from(move || CacheNumbers {
        entries: p.engine.cache.len() as u64,
        bytes: p.engine.cache.octets(),
        limit_bytes: p.engine.snapshot().config.cache.size,
    });
    let p = of(parts);
    metrics.snapshot_from(move || {
        let snapshot = p.engine.snapshot();
        let age_seconds = p.engine.clock.now().since(snapshot.born).as_secs_f64();
        Some(SnapshotNumbers { generation: snapshot.generation, age_seconds })
    });
    let p = of(parts);
    metrics.lists_from(move || lists(&p, &p.engine.snapshot(), p.engine.clock.now()));
    let p = of(parts);
    metrics.attribution_from(move || {
        vec![AttributionNumbers { via: Via::Static, entries: p.engine.snapshot().roster.len() as u64 }]
    });
    let p = of(parts);
    metrics.upstreams_from(move || p.engine.snapshot().upstreams.health().into_iter().map(upstream).collect());
    let counters = doors.counters();
    metrics.doors_from(move || {
        let counts = counters.read();
        DoorNumbers {
            udp_receive_drops: counts.udp_dropped,
            tcp_connections: counts.tcp_open,
            tcp_refused: counts.tcp_refused,
            panics: counts.panics,
        }
    });
}

fn store(parts: &Parts) -> StoreNumbers {
    let gauges = parts.store.gauges();
    StoreNumbers {
        lag_seconds: gauges.lag.as_secs_f64(),
        live_rows: gauges.live_rows,
        parts: gauges.parts,
        bytes: gauges.bytes,
        oldest_seconds: gauges.oldest.map_or(0.0, |oldest| parts.engine.clock.now().since(oldest).as_secs_f64()),
        retain_seconds: parts.engine.snapshot().config.log.retain.as_secs_f64(),
        disk: gauges.space.map(|(free_bytes, size_bytes)| DiskNumbers { free_bytes, size_bytes }),
    }
}

fn lists(parts: &Parts, snapshot: &Snapshot, now: Moment) -> Vec<ListNumbers> {
    let numbers = snapshot.lists.lists.iter().map(|report| ListNumbers {
        list: report.source.name.clone(),
        entries: report.yielded.entries,
        refused_lines: report.yielded.refused_lines,
        age_seconds: present_at(parts, report).map(|at| now.since(at).as_secs_f64()),
    });
    numbers.collect()
}

/// When a list's content was last known to be the present one: a file's, when it was changed; a download's, when its server said so.
fn present_at(parts: &Parts, report: &ListReport) -> Option<Moment> {
    match report.source.download {
        None => Some(report.modified),
        Some(_) => parts.downloads.of(&report.source.name)?.checked_at,
    }
}

/// What came of renewing the lists that are fetched, by name.
fn renewals(parts: &Parts, snapshot: &Snapshot) -> BTreeMap<Box<str>, ListRenewal> {
    let lists = snapshot.lists.lists.iter().map(|report| &report.source);
    let renewal = |list: &ListSource| {
        let url = list.download.as_ref()?.shown().to_owned();
        let state = parts.downloads.of(&list.name).unwrap_or_default();
        let renewal = ListRenewal {
            url,
            result: state.word().to_owned(),
            text: state.last.as_ref().map(|last| last.text.clone()),
            at: state.last.as_ref().map(|last| last.at),
            checked_at: state.checked_at,
            next_try: state.next_try,
            failures: state.failures,
            etag_known: state.etag.is_some(),
        };
        Some((list.name.clone(), renewal))
    };
    lists.filter_map(renewal).collect()
}

fn upstream(health: ServerHealth) -> UpstreamNumbers {
    let mut results = BTreeMap::from([("answered", 0), ("failed", 0), ("timeout", 0)]);
    for (result, count) in health.results {
        let told = match result {
            "noerror" | "nxdomain" => "answered",
            "timeout" => "timeout",
            _ => "failed",
        };
        *results.entry(told).or_default() += count;
    }
    let ServerHealth { upstream, up, ignored, latencies: durations, .. } = health;
    UpstreamNumbers { upstream, up, results, ignored, durations }
}

/// Ready is: answering by a loaded snapshot, and recording.
fn readiness(parts: &Parts) -> Readiness {
    let mut missing = Vec::new();
    if let Some(trouble) = parts.store.trouble() {
        missing.push(format!("the log does not record: {trouble}"));
    }
    Readiness { missing }
}

fn status(parts: &Parts, started: Moment, dns: &[SocketAddr], admin: SocketAddr) -> Status {
    let snapshot = parts.engine.snapshot();
    let now = parts.engine.clock.now();
    let model = snapshot.model();
    let network_zones = model
        .network_zones
        .iter()
        .map(|zone| ZoneInForce { name: zone.name.to_string(), policy: model.policies[zone.policy].name.to_string() });
    Status {
        version: env!("CARGO_PKG_VERSION"),
        node: snapshot.config.node.name.clone(),
        now,
        started,
        in_force: Some(InForce {
            generation: snapshot.generation,
            since: snapshot.born,
            config: ConfigInForce { path: snapshot.config.path.clone(), sha256: snapshot.config.sha256.clone() },
            network_zones: network_zones.collect(),
            lists: lists(parts, &snapshot, now),
            renewals: renewals(parts, &snapshot),
        }),
        last_reload: last_reload(parts),
        listen: Listening { dns: dns.to_vec(), admin },
    }
}

fn last_reload(parts: &Parts) -> Option<Reload> {
    parts.ended.lock().unwrap_or_else(PoisonError::into_inner).told().cloned()
}
