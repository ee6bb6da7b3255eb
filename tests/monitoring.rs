//! What a monitoring system sees of a running Cordon: real scrapes of real traffic, numbers that agree with the log, and readiness.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::support::client::Ask;
use crate::support::cordon::Cordon;
use crate::support::exported::{all, assert_verified, assert_without_holes};
use crate::support::nsd::Nsd;
use crate::support::wave::{Question, ask};

const ROOT: &str = "$TTL 300\n@ IN SOA ns.proof. hostmaster.proof. 1 7200 3600 1209600 300\n@ IN NS ns.proof.\nns.proof. IN A 192.0.2.53\n* IN A 192.0.2.1\n";
/// Metrics that nothing moves here: no list is downloaded.
const WITHOUT_SOURCE: &[&str] = &["cordon_list_update_total"];

const LOCAL_ZONE: &str =
    "$TTL 3600\n@ IN SOA ns hostmaster 1 7200 3600 1209600 300\n  IN NS ns\nns IN A 192.0.2.53\n* IN A 192.0.2.7\n";

fn start(nsd: &Nsd) -> Cordon {
    let config = format!(
        "[upstream]\nservers = [\"udp://{}\"]\ntimeout = \"10s\"\n[log]\nseal_every = \"1s\"\n\
         [[local_zone]]\nname = \"home.example\"\nfile = \"home.zone\"\n\
         [[category]]\nname = \"betting\"\nlists = [{{ path = \"betting.txt\" }}]\n\
         [[category]]\nname = \"social\"\nlists = [{{ path = \"social.txt\" }}]\n\
         [policy.standard]\nblock = [\"betting\"]\nmonitor = [\"social\"]\ndeny = [\"blocked.example\"]\n[policy.open]\n\
         [[network_zone]]\nname = \"desks\"\nclients = [\"127.0.31.0/24\"]\npolicy = \"standard\"\n\
         [[network_zone]]\nname = \"labs\"\nclients = [\"127.0.32.0/24\", \"::1\"]\npolicy = \"open\"\n\
         [[attribution.static]]\nclient = \"127.0.31.9\"\nhost = \"KIOSK-1\"\nuser = \"reception\"\n",
        nsd.addr
    );
    let lists = [("betting.txt", "bet.example\nwin.example\n-\n"), ("social.txt", "friends.example\n")];
    Cordon::start(&config, &[("home.zone", LOCAL_ZONE), lists[0], lists[1]])
}

/// Questions of every kind: cached and not, local, blocked by category and by name, monitored, refused, from clients of no network zone.
fn questions(run: usize) -> Vec<Question> {
    let zones = ["abroad.net", "home.example", "bet.example", "blocked.example", "friends.example"];
    let clients = ["127.0.31.9", "127.0.31.1", "127.0.32.1", "::1", "127.0.33.1"];
    let question = |number: usize| {
        let unique = if number.is_multiple_of(2) { format!("secret{number}.run{run}") } else { "secret".to_owned() };
        Question {
            name: format!("{unique}.{}", zones[number % zones.len()]),
            qtype: if number.is_multiple_of(17) { 252 } else { 1 },
            from: clients[number / zones.len() % clients.len()].parse::<IpAddr>().unwrap(),
            tcp: number.is_multiple_of(4),
        }
    };
    (0..200).map(question).collect()
}

/// Every series of the exposition: name, labels, value.
fn series(text: &str) -> Vec<(String, BTreeMap<String, String>, f64)> {
    let read = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.trim_end_matches('}').split("\",").filter(|label| !label.is_empty()).map(|label| {
            let (key, value) = label.split_once("=\"").unwrap();
            (key.to_owned(), value.trim_end_matches('"').to_owned())
        });
        (name.to_owned(), labels.collect(), value.parse().unwrap())
    };
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(read).collect()
}

#[test]
fn a_real_prometheus_has_data_for_the_whole_dashboard_of_a_running_cordon() {
    if crate::grafana::is_left_out() {
        return;
    }
    let nsd = Nsd::start(&[(".", ROOT)]);
    let cordon = start(&nsd);
    cordon.reload();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            for run in 0.. {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                ask(cordon.addr, cordon.addr6, &questions(run));
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let looked = std::panic::catch_unwind(|| {
            crate::grafana::every_dashboard_expression_returns(cordon.admin, WITHOUT_SOURCE);
        });
        ended.store(true, Ordering::Relaxed);
        traffic.join().unwrap();
        looked.unwrap();
    });
}

#[test]
fn the_counters_are_the_rows_of_the_log_and_no_label_tells_of_people() {
    let nsd = Nsd::start(&[(".", ROOT)]);
    let cordon = start(&nsd);
    let asked: Vec<Question> = (0..5).flat_map(questions).collect();
    for wave in asked.chunks(200) {
        ask(cordon.addr, cordon.addr6, wave);
    }
    let text = cordon.metrics();
    let series = series(&text);
    let of = |name: &str, labels: &[&str]| -> BTreeMap<Vec<String>, u64> {
        let named = series.iter().filter(|(found, _, value)| found == name && *value > 0.0);
        named.map(|(_, found, value)| (labels.iter().map(|key| found[*key].clone()).collect(), *value as u64)).collect()
    };
    let rows = |arguments: &[&str], columns: &[&str]| -> BTreeMap<Vec<String>, u64> {
        let cell = |object: &Value, column: &str| object[column].as_str().unwrap_or("none").to_owned();
        let counted = cordon.json(&[&["log", "stats"], arguments].concat());
        let key = |object: &Value| columns.iter().map(|column| cell(object, column)).collect();
        counted.iter().map(|object| (key(object), object["rows"].as_u64().unwrap())).collect()
    };
    let columns = ["network_zone", "transport", "action"];
    let queries = of("cordon_queries_total", &columns);
    assert_eq!(queries, rows(&["--by", "network_zone,transport,action"], &columns));
    assert_eq!(queries.values().sum::<u64>(), asked.len() as u64);
    let columns = ["network_zone", "category"];
    let blocked = of("cordon_blocked_total", &columns);
    assert_eq!(blocked, rows(&["--by", "network_zone,category", "--action", "blocked"], &columns));
    assert!(blocked.len() >= 2, "{blocked:?}");
    let total = |name: &str| of(name, &[]).values().sum::<u64>();
    assert_eq!(total("cordon_log_records_total"), asked.len() as u64);
    let unknown = all(&cordon).iter().filter(|row| row.client != IpAddr::from([127, 0, 31, 9])).count();
    assert_eq!(total("cordon_queries_unattributed_total"), unknown as u64);
    assert!(total("cordon_cache_hits_total") > 0 && total("cordon_cache_misses_total") > 0);

    // The upstream's own address may stand in a label; nothing that a client sent or is may.
    let clients: BTreeSet<String> = asked.iter().map(|question| question.from.to_string()).collect();
    for (name, labels, _) in &series {
        for (label, value) in labels {
            let tells = value.contains("secret") || clients.iter().any(|client| value.contains(client.as_str()));
            assert!(!tells && !value.contains("reception") && !value.contains("KIOSK"), "{name}: {label}={value}");
        }
    }
}

#[test]
fn every_metric_with_a_source_is_there_from_the_first_query_on() {
    let nsd = Nsd::start(&[(".", ROOT)]);
    let cordon = start(&nsd);
    ask(cordon.addr, cordon.addr6, &questions(0));
    let shown: BTreeSet<String> = series(&cordon.metrics()).into_iter().map(|(name, ..)| name).collect();
    let expected = "queries_total blocked_total query_duration_seconds_bucket cache_entries cache_bytes cache_hits_total \
        cache_misses_total stale_answers_total upstream_queries_total upstream_duration_seconds_bucket upstream_up \
        log_records_total log_lost_total log_lag_seconds log_live_rows log_parts log_bytes log_oldest_seconds \
        snapshot_generation snapshot_age_seconds list_entries list_age_seconds list_refused_lines attribution_entries \
        queries_unattributed_total admission_total build_info";
    let missing: Vec<&str> =
        expected.split_whitespace().filter(|name| !shown.contains(&format!("cordon_{name}"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // By the name that `cordon lists status` gives it.
    let status = cordon.json(&["lists", "status"]);
    let betting = status.iter().find(|list| list["category"] == "betting").unwrap()["list"].as_str().unwrap();
    assert_eq!(cordon.metric(&format!("cordon_list_entries{{list=\"{betting}\"}}")), 2.0);
    assert_eq!(cordon.metric(&format!("cordon_list_refused_lines{{list=\"{betting}\"}}")), 1.0);
    cordon.reload();
    assert_eq!(cordon.metric("cordon_snapshot_generation"), 2.0);
    assert_eq!(cordon.metric("cordon_reload_total{result=\"ok\"}"), 1.0, "{}", cordon.metrics());
}

/// Waits until `/readyz` says `code`, as long as a hanging test may; gives what it says.
fn wait_until_ready_says(cordon: &Cordon, code: u16) -> String {
    for _ in 0..2_400 {
        match cordon.get("/readyz") {
            Some((said, body)) if said == code => return body,
            _ => std::thread::sleep(Duration::from_millis(25)),
        }
    }
    panic!("/readyz never says {code}; cordon says:\n{}", cordon.stderr());
}

#[test]
fn readiness_ends_while_the_log_cannot_be_sealed_and_comes_back_with_nothing_lost() {
    let nsd = Nsd::start(&[(".", ROOT)]);
    let cordon = start(&nsd);
    assert_eq!(cordon.get("/healthz").unwrap().0, 200);
    ask(cordon.addr, cordon.addr6, &questions(0));
    wait_until_ready_says(&cordon, 200);
    // A file where the folder of parts should be.
    let (parts, away) = (cordon.log_dir().join("parts"), cordon.log_dir().join("away"));
    std::fs::rename(&parts, &away).unwrap();
    std::fs::write(&parts, "").unwrap();
    ask(cordon.addr, cordon.addr6, &questions(1));
    let said = wait_until_ready_says(&cordon, 503);
    assert!(said.contains("log"), "{said}");
    assert_eq!(cordon.get("/healthz").unwrap().0, 200, "alive all the same");
    assert_eq!(cordon.metric("cordon_ready"), 0.0);
    ask(cordon.addr, cordon.addr6, &questions(2));
    std::fs::remove_file(&parts).unwrap();
    std::fs::rename(&away, &parts).unwrap();
    wait_until_ready_says(&cordon, 200);
    Ask::new("last.home.example", RecordType::A).from("127.0.32.1").at(cordon.addr);
    let rows = all(&cordon);
    assert_eq!(rows.len(), 601);
    assert_without_holes(&rows);
    assert_verified(&cordon);
}
