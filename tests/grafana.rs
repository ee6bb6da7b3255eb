//! Dashboards and alert rules name only what Cordon exposes, and work in a real Prometheus.
//!
//! These tests run `promtool` and `prometheus` (Debian package `prometheus`); `CORDON_WITHOUT_PROMETHEUS=1` leaves out what needs
//! them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cordon::metrics::table::{self, Kind};
use cordon::metrics::{
    Admission, AttributionNumbers, AttributionResult, CacheNumbers, DiskNumbers, DoorNumbers, Durations, ListNumbers,
    ListUpdate, Malformed, Metrics, SnapshotNumbers, StoreNumbers, UpstreamNumbers,
};
use cordon::moment::Moment;
use cordon::subject::Via;
use cordon::verdict::{Action, CategoryId, Source, Transport};
use cordon::web;
use serde_json::Value;

#[path = "support/prometheus.rs"]
mod prometheus;
#[path = "support/promql.rs"]
mod promql;

use prometheus::Prometheus;
pub use prometheus::is_left_out;

/// Labels that come from the scrape and not from us.
const SCRAPE_LABELS: &[&str] = &["instance", "job"];

/// Metrics Prometheus makes itself.
const PROMETHEUS_METRICS: &[&str] = &["up"];

/// One expression, and where it stands.
struct Expression {
    place: String,
    text: String,
    legend: String,
}

#[test]
fn the_dashboard_is_whole() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = HashSet::new();
    let mut covered = HashSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(!title.is_empty());
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is another's too");
        let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        for cell in
            (side("x")..side("x") + side("w")).flat_map(|x| (side("y")..side("y") + side("h")).map(move |y| (x, y)))
        {
            assert!(cell.0 < 24 && covered.insert(cell), "{title} lies over another panel, or outside, at {cell:?}");
        }
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
        }
    }
    let variables: Vec<&str> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(variables, ["datasource", "instance", "network_zone"]);
}

#[test]
fn dashboard_and_alerts_name_only_metrics_and_labels_of_the_table() {
    let annotations =
        dashboard()["annotations"]["list"].as_array().unwrap().clone().into_iter().map(|annotation| Expression {
            place: format!("annotation {}", annotation["name"]),
            text: annotation["expr"].as_str().unwrap().to_owned(),
            legend: annotation["textFormat"].as_str().unwrap().to_owned(),
        });
    let expressions: Vec<Expression> =
        dashboard_expressions().into_iter().chain(alert_expressions()).chain(annotations).collect();
    assert!(expressions.len() > 80, "only {} expressions were found", expressions.len());
    let mut wrong = Vec::new();
    for Expression { place, text, legend } in &expressions {
        let variable = label_values(text);
        let named = promql::read(&with_variables(variable.map_or(text.as_str(), |(selector, _)| selector)));
        let mut labels: BTreeSet<&str> = SCRAPE_LABELS.iter().copied().collect();
        for selector in &named.selectors {
            if PROMETHEUS_METRICS.contains(&selector.metric.as_str()) {
                continue;
            }
            let Some(declared) = table::find(&selector.metric) else {
                wrong.push(format!("{place}: {} is no metric", selector.metric));
                continue;
            };
            if declared.kind == Kind::Histogram && declared.name == selector.metric {
                wrong.push(format!("{place}: {} is a histogram and has no series of that name", selector.metric));
            }
            let mut own: BTreeSet<&str> = declared.labels.iter().chain(SCRAPE_LABELS).copied().collect();
            if selector.metric.ends_with("_bucket") {
                own.insert("le");
            }
            let unknown = selector.labels.iter().filter(|label| !own.contains(label.as_str()));
            wrong.extend(unknown.map(|label| format!("{place}: {} has no label {label}", selector.metric)));
            labels.extend(own);
        }
        if named.selectors.is_empty() {
            wrong.push(format!("{place}: no metric was found in {text}"));
        }
        let shown = legend.split("{{").skip(1).filter_map(|part| part.split("}}").next());
        let used = named.grouping.iter().map(String::as_str).chain(shown).chain(variable.map(|(_, label)| label));
        wrong.extend(used.filter(|label| !labels.contains(label)).map(|label| format!("{place}: no label {label}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_metric_of_ours_is_shown_or_watched() {
    let expressions = dashboard_expressions().into_iter().chain(alert_expressions());
    let named: HashSet<&str> = expressions
        .flat_map(|expression| promql::read(&with_variables(&expression.text)).selectors)
        .filter_map(|selector| Some(table::find(&selector.metric)?.name))
        .collect();
    let unseen: Vec<&str> =
        table::TABLE.iter().map(|declared| declared.name).filter(|name| !named.contains(name)).collect();
    assert!(unseen.is_empty(), "nobody looks at {unseen:?}");
}

#[test]
fn every_alert_says_what_to_do_and_has_a_story() {
    let rules = read("grafana/alerts.yml");
    let stories = read("grafana/alerts.test.yml");
    let alerts: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    for alert in &alerts {
        let name = alert.lines().next().unwrap().trim();
        for key in
            ["        for: ", "        labels: { severity: ", "          summary: \"", "          description: \""]
        {
            assert!(alert.lines().any(|line| line.starts_with(key)), "{name} has no {}", key.trim());
        }
        let firing = format!("- labels: 'ALERTS{{alertname=\"{name}\",alertstate=\"firing\"");
        assert!(stories.contains(&firing), "no story in alerts.test.yml shows {name} firing");
    }
    assert!(alerts.len() > 20, "only {} alerts were found", alerts.len());
}

#[test]
fn promtool_accepts_the_rules_and_their_stories_and_the_scrape_configuration() {
    for arguments in
        [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"], ["check", "config", "prometheus.yml"]]
    {
        if prometheus::is_left_out() {
            return;
        }
        let output = Command::new("promtool")
            .args(arguments)
            .current_dir(path("grafana"))
            .output()
            .expect("promtool cannot be run: install the package prometheus, or set CORDON_WITHOUT_PROMETHEUS=1");
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(output.status.success(), "promtool {}:\n{said}", arguments.join(" "));
    }
}

#[test]
fn a_real_prometheus_scrapes_the_doors_and_every_dashboard_expression_returns() {
    if prometheus::is_left_out() {
        return;
    }
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
    let ended = AtomicBool::new(false);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let asked = || web::Status {
        version: env!("CARGO_PKG_VERSION"),
        node: String::from("dns1"),
        now: Moment::from_seconds(1),
        started: Moment::from_seconds(0),
        in_force: None,
        last_reload: None,
        listen: web::Listening { dns: Vec::new(), admin: SocketAddr::from(([127, 0, 0, 1], 0)) },
    };
    let house = web::House::new(Arc::clone(&metrics), web::Readiness::default, asked);
    runtime.spawn(web::serve(listener, house, std::future::pending()));
    std::thread::scope(|scope| {
        scope.spawn(|| move_everything(&metrics, &ended));
        // Ends the mover also when what follows fails.
        let _end = OnDrop(|| ended.store(true, Ordering::Relaxed));
        every_dashboard_expression_returns(address, &[]);
    });
}

/// Starts a Prometheus that scrapes `prometheus_scrape_target`, and waits until every expression and every variable of the dashboard has
/// a result, and every alert rule can be evaluated. Panics with those that have none.
///
/// The target must be under traffic of every kind the dashboard shows: some of it allowed, some blocked by a category, some
/// answered by an upstream; with a list, a source of attribution, and a reload or start told to the metrics.
///
/// Expressions on one of the metrics `without_source` are left out.
pub fn every_dashboard_expression_returns(prometheus_scrape_target: SocketAddr, without_source: &[&str]) {
    let prometheus = Prometheus::start(prometheus_scrape_target, Some(&path("grafana/alerts.yml")));
    let mut open: BTreeMap<String, String> = dashboard_expressions()
        .into_iter()
        .filter(|expression| !without_source.iter().any(|metric| expression.text.contains(metric)))
        .map(|expression| (expression.place, with_variables(&expression.text)))
        .collect();
    prometheus
        .wait_until(|prometheus| {
            let mut complaints = Vec::new();
            open.retain(|place, text| match result_of(prometheus, text) {
                Ok(0) => {
                    complaints.push(format!("{place}: no result for {text}"));
                    true
                }
                Ok(_) => false,
                Err(error) => {
                    complaints.push(format!("{place}: {error} in {text}"));
                    true
                }
            });
            if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
        })
        .unwrap_or_else(|complaints| panic!("{complaints}"));
    for Expression { place, text, .. } in alert_expressions() {
        prometheus.query(&text).unwrap_or_else(|error| panic!("{place}: {error} in {text}"));
    }
}

/// How many series an expression gives, or a variable values.
fn result_of(prometheus: &Prometheus, text: &str) -> Result<usize, String> {
    match label_values(text) {
        Some((selector, label)) => prometheus.label_values(label, selector).map(|values| values.len()),
        None => prometheus.query(text).map(|series| series.len()),
    }
}

/// The selector and the label of a variable's `label_values(selector, label)`.
fn label_values(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("label_values(")?.strip_suffix(')')?.rsplit_once(", ")
}

/// Counts everything there is to count until told to end.
fn move_everything(metrics: &Arc<Metrics>, ended: &AtomicBool) {
    let labels = metrics.labels(&["hq", "labs"], &["webmail", "gambling"]);
    let worker = metrics.worker();
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    metrics.upstreams_from(move || vec![upstream(counted.load(Ordering::Relaxed))]);
    metrics.store_from(|| StoreNumbers {
        lag_seconds: 0.1,
        live_rows: 10,
        parts: 2,
        bytes: 4_096,
        oldest_seconds: 60.0,
        retain_seconds: 86_400.0,
        disk: Some(DiskNumbers { free_bytes: 500, size_bytes: 1_000 }),
    });
    metrics.cache_from(|| CacheNumbers { entries: 4, bytes: 400, limit_bytes: 1_000 });
    metrics.snapshot_from(|| Some(SnapshotNumbers { generation: 3, age_seconds: 5.0 }));
    metrics.lists_from(|| {
        vec![ListNumbers { list: "webmail/a.txt".into(), entries: 9, refused_lines: 1, age_seconds: Some(60.0) }]
    });
    metrics.attribution_from(|| vec![AttributionNumbers { via: Via::Static, entries: 3 }]);
    metrics.doors_from(|| DoorNumbers { udp_receive_drops: 0, tcp_connections: 2, tcp_refused: 0, panics: 0 });
    metrics.started(Moment::from_seconds(1_700_000_000));
    let mut generations = 0;
    while !ended.load(Ordering::Relaxed) {
        for zone in [None, Some(0), Some(1)].map(|place| labels.zone(place)) {
            for transport in Transport::ALL {
                for action in Action::ALL {
                    worker.query(zone, transport, action);
                }
            }
            worker.blocked(zone, labels.category(Some(CategoryId(1))));
        }
        Source::ALL.iter().for_each(|source| worker.answered(*source, 300));
        Admission::ALL.iter().for_each(|result| worker.admission(*result));
        Malformed::ALL.iter().for_each(|result| worker.malformed(*result));
        worker.cache_hit();
        worker.cache_miss();
        worker.stale_answer();
        worker.record();
        worker.unattributed();
        asked.fetch_add(1, Ordering::Relaxed);
        metrics.attribution_event(Via::Static, AttributionResult::Applied);
        metrics.list_update("webmail/a.txt", ListUpdate::Updated);
        generations += 1;
        metrics.reloaded(Moment::from_seconds(1_700_000_000 + generations), true);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An upstream that has answered and failed so often.
fn upstream(times: u64) -> UpstreamNumbers {
    let mut durations = Durations::default();
    (0..times).for_each(|_| durations.count(Duration::from_millis(12)));
    let results = [("answered", times), ("failed", times), ("timeout", 0)].into();
    UpstreamNumbers { upstream: "udp://192.0.2.53".into(), up: true, results, ignored: 1, durations }
}

/// The expressions of every panel and variable.
fn dashboard_expressions() -> Vec<Expression> {
    let dashboard = dashboard();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut expressions = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row") {
        for target in panel["targets"].as_array().unwrap() {
            expressions.push(Expression {
                place: format!("{} {} {}", panel["id"], text(&panel["title"]), text(&target["refId"])),
                text: text(&target["expr"]),
                legend: text(&target["legendFormat"]),
            });
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap().iter().filter(|one| one["type"] == "query") {
        let place = format!("variable {}", text(&variable["name"]));
        assert_eq!(variable["query"]["query"], variable["definition"], "{place}");
        expressions.push(Expression { place, text: text(&variable["definition"]), legend: String::new() });
    }
    expressions
}

/// The expressions of the alert rules, from the plain and the folded form of YAML they are written in.
fn alert_expressions() -> Vec<Expression> {
    let rules = read("grafana/alerts.yml");
    let mut expressions = Vec::new();
    let mut lines = rules.lines().peekable();
    let mut place = String::new();
    while let Some(line) = lines.next() {
        if let Some(name) = line.trim().strip_prefix("- alert: ") {
            place = format!("alert {name}");
        }
        let Some(first) = line.strip_prefix("        expr: ") else { continue };
        let mut text = if first == ">-" { String::new() } else { first.to_owned() };
        while let Some(more) = lines.next_if(|line| line.starts_with("          ")) {
            text.push(' ');
            text.push_str(more.trim());
        }
        expressions.push(Expression { place: place.clone(), text, legend: String::new() });
    }
    expressions
}

/// As Grafana fills in the variables when everything is chosen; spans short enough for a test.
fn with_variables(expression: &str) -> String {
    expression
        .replace("$__rate_interval", "15s")
        .replace("$__range", "30s")
        .replace("$instance", ".*")
        .replace("$network_zone", ".*")
}

fn dashboard() -> Value {
    serde_json::from_str(&read("grafana/overview.json")).expect("grafana/overview.json is JSON")
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}
