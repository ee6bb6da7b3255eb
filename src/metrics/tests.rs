//! What a scrape says after counting.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::*;
use crate::list::Refused;
use crate::verdict::{Action, CategoryId, Source, Transport};

/// The value of the series whose name and labels are `series`.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

fn moved() -> Arc<Metrics> {
    let metrics = Metrics::new("1.2.3");
    let labels = metrics.labels(&["hq", "cells \"b\"\\"], &["webmail"]);
    let worker = metrics.worker();
    for transport in Transport::ALL {
        for action in Action::ALL {
            worker.query(labels.zone(Some(1)), transport, action);
        }
    }
    for source in Source::ALL {
        worker.answered(source, 120);
    }
    worker.blocked(labels.zone(Some(0)), labels.category(Some(CategoryId(0))));
    worker.blocked(labels.zone(None), labels.category(None));
    metrics.upstreams_from(|| vec![upstream("udp://192.0.2.53", false)]);
    metrics.reloaded(Moment::from_seconds(1_000), true);
    metrics.list_update("webmail/main.txt", ListUpdate::Refused(Refused::Html));
    metrics.attribution_event(Via::Radius, AttributionResult::Malformed);
    metrics.store_from(|| StoreNumbers { parts: 7, disk: Some(DiskNumbers::default()), ..StoreNumbers::default() });
    metrics.cache_from(|| CacheNumbers { entries: 5, bytes: 900, limit_bytes: 1_000 });
    metrics.snapshot_from(|| Some(SnapshotNumbers { generation: 4, age_seconds: 1.5 }));
    metrics.lists_from(|| {
        let list =
            ListNumbers { list: "webmail/main.txt".into(), entries: 10, refused_lines: 1, age_seconds: Some(3.0) };
        vec![list.clone(), list]
    });
    metrics.attribution_from(|| vec![AttributionNumbers { via: Via::Static, entries: 2 }]);
    metrics.doors_from(|| DoorNumbers { udp_receive_drops: 1, tcp_connections: 2, tcp_refused: 3, panics: 4 });
    metrics.ready_from(|| true);
    metrics
}

#[test]
fn counting_over_many_threads_sums_right_while_scrapes_go_on() {
    const THREADS: u64 = 4;
    const EACH: u64 = 20_000;
    let metrics = Metrics::new("test");
    let labels = metrics.labels(&["hq"], &["webmail"]);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let (counters, labels) = (metrics.worker(), &labels);
            scope.spawn(move || {
                for _ in 0..EACH {
                    counters.query(labels.zone(Some(0)), Transport::Udp, Action::Blocked);
                    counters.blocked(labels.zone(Some(0)), labels.category(Some(CategoryId(0))));
                    counters.answered(Source::Policy, 30);
                    counters.record();
                    counters.lost(2);
                }
            });
        }
        let mut before = 0.0;
        for _ in 0..20 {
            let now = value(&metrics.render().unwrap(), "cordon_log_records_total").unwrap();
            assert!(now >= before, "a counter went back from {before} to {now}");
            before = now;
        }
    });
    let text = metrics.render().unwrap();
    let all = (THREADS * EACH) as f64;
    let said = |series| value(&text, series);
    let queries = "cordon_queries_total{network_zone=\"hq\",transport=\"udp\",action=\"blocked\"}";
    assert_eq!(said(queries), Some(all));
    assert_eq!(said("cordon_blocked_total{network_zone=\"hq\",category=\"webmail\"}"), Some(all));
    assert_eq!(said("cordon_log_lost_total"), Some(2.0 * all));
    assert_eq!(said("cordon_query_duration_seconds_bucket{source=\"policy\",le=\"0.000025\"}"), Some(0.0));
    assert_eq!(said("cordon_query_duration_seconds_bucket{source=\"policy\",le=\"0.00005\"}"), Some(all));
    assert_eq!(said("cordon_query_duration_seconds_bucket{source=\"policy\",le=\"+Inf\"}"), Some(all));
    assert_eq!(said("cordon_query_duration_seconds_count{source=\"policy\"}"), Some(all));
    assert!((said("cordon_query_duration_seconds_sum{source=\"policy\"}").unwrap() - all * 30e-6).abs() < 1e-6);
}

#[test]
fn counts_stay_when_a_worker_ends_and_its_cells_are_used_again() {
    let metrics = Metrics::new("test");
    for _ in 0..3 {
        metrics.worker().record();
    }
    assert_eq!(value(&metrics.render().unwrap(), "cordon_log_records_total"), Some(3.0));
    assert_eq!(lock(&metrics.workers).all.len(), 1);
}

#[test]
fn a_network_zone_that_left_keeps_its_counts_and_a_new_one_shows_zeroes() {
    let metrics = Metrics::new("test");
    let worker = metrics.worker();
    let old = metrics.labels(&["hq"], &[]);
    worker.query(old.zone(Some(0)), Transport::Udp, Action::Allowed);
    metrics.labels(&["labs"], &[]);
    worker.query(old.zone(Some(0)), Transport::Udp, Action::Allowed);
    let text = metrics.render().unwrap();
    let queries = |zone, action| {
        value(&text, &format!("cordon_queries_total{{network_zone=\"{zone}\",transport=\"udp\",action=\"{action}\"}}"))
    };
    assert_eq!(queries("hq", "allowed"), Some(2.0));
    assert_eq!(queries("hq", "blocked"), None);
    assert_eq!(queries("labs", "allowed"), Some(0.0));
    assert_eq!(queries("unmatched", "refused"), Some(0.0));
}

/// An upstream that answered once, after 3 ms, and was silent once.
fn upstream(text: &str, up: bool) -> UpstreamNumbers {
    let mut durations = Durations::default();
    durations.count(Duration::from_millis(3));
    UpstreamNumbers {
        upstream: text.into(),
        up,
        results: [("answered", 1), ("timeout", 1)].into(),
        ignored: 3,
        durations,
    }
}

#[test]
fn an_upstream_shows_how_its_questions_ended_and_how_long_they_took() {
    let metrics = Metrics::new("test");
    metrics.upstreams_from(|| vec![upstream("udp://192.0.2.1", true)]);
    let text = metrics.render().unwrap();
    assert_eq!(value(&text, "cordon_upstream_up{upstream=\"udp://192.0.2.1\"}"), Some(1.0));
    for result in ["answered", "timeout"] {
        let series = format!("cordon_upstream_queries_total{{upstream=\"udp://192.0.2.1\",result=\"{result}\"}}");
        assert_eq!(value(&text, &series), Some(1.0));
    }
    assert_eq!(value(&text, "cordon_upstream_ignored_total{upstream=\"udp://192.0.2.1\"}"), Some(3.0));
    assert_eq!(value(&text, "cordon_upstream_duration_seconds_count{upstream=\"udp://192.0.2.1\"}"), Some(1.0));
}

#[test]
fn a_failed_reload_shows_until_one_succeeds() {
    let metrics = Metrics::new("test");
    assert_eq!(value(&metrics.render().unwrap(), "cordon_reload_last_successful"), None);
    metrics.started(Moment::from_seconds(50));
    metrics.reload_failed();
    let text = metrics.render().unwrap();
    assert_eq!(value(&text, "cordon_reload_last_successful"), Some(0.0));
    assert_eq!(value(&text, "cordon_reload_last_success_timestamp_seconds"), Some(50.0));
    metrics.reloaded(Moment::from_seconds(55), false);
    assert_eq!(value(&metrics.render().unwrap(), "cordon_reload_last_successful"), Some(0.0), "of lists, beside it");
    metrics.reloaded(Moment::from_seconds(60), true);
    let text = metrics.render().unwrap();
    assert_eq!(value(&text, "cordon_reload_last_successful"), Some(1.0));
    assert_eq!(value(&text, "cordon_reload_total{result=\"ok\"}"), Some(2.0));
    assert_eq!(value(&text, "cordon_reload_total{result=\"failed\"}"), Some(1.0));
}

#[test]
fn every_declared_metric_can_be_exposed_and_no_series_appears_twice() {
    let text = moved().render().unwrap();
    for declared in table::TABLE {
        let kind = format!("# TYPE {} {}\n", declared.name, declared.kind.word());
        assert!(text.contains(&kind), "{} is missing", declared.name);
    }
    let mut series: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect();
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), all);
}

/// By the checker of Prometheus itself (`promtool`, Debian package `prometheus`).
#[test]
fn prometheus_finds_nothing_to_say_against_the_exposition() {
    if std::env::var_os("CORDON_WITHOUT_PROMETHEUS").is_some() {
        return;
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool cannot be run: install the package prometheus, or set CORDON_WITHOUT_PROMETHEUS=1");
    promtool.stdin.take().unwrap().write_all(moved().render().unwrap().as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success() && said.trim().is_empty(), "promtool says:\n{said}");
}
