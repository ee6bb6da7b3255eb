//! The commands as a person types them, on logs of real parts.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use serde_json::Value;

use super::{LogCommand, run_at};
use crate::cli::{Exit, Failure, Out};
use crate::config::checked::*;
use crate::moment::{Clock, Moment};
use crate::query::audit;
use crate::query::fixture::{Live, Row, log};

/// As the program nests them.
#[derive(Parser)]
struct Typed {
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn config(dir: &Path, require_reason: RequireReason) -> Config {
    Config {
        original: crate::config::original::Original::default(),
        path: "cordon.toml".into(),
        sha256: String::new(),
        node: Node { name: "dns1".into(), data_dir: dir.into() },
        listen: Listen { admin: "127.0.0.1:0".parse().unwrap(), workers: 1, ..Listen::default() },
        upstream: Upstream { servers: vec![], timeout: Duration::from_secs(2), dnssec: false },
        forward_zones: vec![],
        local_zones: vec![],
        cache: Cache { size: 0, serve_stale: Duration::ZERO },
        lists: vec![],
        model: Arc::default(),
        probe: Probe::default(),
        log: Log {
            dir: dir.into(),
            sync_interval: Duration::ZERO,
            seal_every: Duration::from_secs(3600),
            retain: Duration::from_secs(86400),
            when_full: WhenFull::Answer,
            require_reason,
            signing_key: dir.join("key"),
        },
        statics: vec![],
    }
}

struct Ran {
    text: String,
    ended: Result<(), Failure>,
}

impl Ran {
    fn objects(&self) -> Vec<Value> {
        self.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn exit(&self) -> Option<Exit> {
        self.ended.as_ref().err().map(|failure| failure.exit)
    }
}

fn typed_with(config: &Config, json: bool, words: &[&str]) -> Ran {
    typed_on(&Page::default(), config, json, words)
}

fn typed_on(page: &Page, config: &Config, json: bool, words: &[&str]) -> Ran {
    let command = match Typed::try_parse_from([&["log"], words].concat()) {
        Ok(typed) => typed.command,
        Err(why) => return Ran { text: String::new(), ended: Err(Failure::usage(why)) },
    };
    let clock = Clock::scripted(Moment::from_seconds(120));
    let ended = run_at(command, config, &clock, &mut Out::to(json, page.clone()));
    let text = anstream::adapter::strip_bytes(&page.0.lock().unwrap()).into_vec();
    Ran { text: String::from_utf8(text).unwrap(), ended }
}

fn typed(dir: &Path, json: bool, words: &[&str]) -> Ran {
    typed_with(&config(dir, RequireReason::Optional), json, words)
}

fn looks(dir: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(audit::path(dir)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn day() -> tempfile::TempDir {
    let second = 1_000_000;
    let row = |at: i64| Row {
        time: at * second,
        seq: at as u64,
        user: (at % 2 == 0).then(|| "u4711".into()),
        host: (at % 3 == 0).then(|| "kiosk-1".into()),
        action: if at % 5 == 0 { "blocked" } else { "allowed" }.into(),
        category: (at % 5 == 0).then(|| "webmail".into()),
        ..Row::default()
    };
    log(&(0..120).map(row).collect::<Vec<_>>(), 50)
}

#[test]
fn a_search_shows_the_newest_rows_and_says_that_there_are_more() {
    let dir = day();
    let ran = typed(dir.path(), false, &["search", "--action", "blocked", "--limit", "2"]);
    assert!(ran.ended.is_ok());
    let lines: Vec<&str> = ran.text.lines().collect();
    assert_eq!(lines.len(), 4, "{}", ran.text);
    let words: Vec<&str> = lines[1].split_whitespace().collect();
    let expected = "1970-01-01T00:01:55.000000Z 10.20.0.1 - hq blocked www.example.com A webmail webmail/main:7";
    assert_eq!(words.join(" "), expected);
    assert!(lines[2].contains("u4711/-"), "{}", lines[2]);
    assert!(lines[3].starts_with("The newest 2 rows. There are more"), "{}", lines[3]);
    let all = typed(dir.path(), true, &["search", "--action", "blocked"]).objects();
    assert_eq!(all.len(), 24);
    assert_eq!(
        (&all[0]["seq"], &all[0]["user"], &all[0]["rule"]),
        (&115.into(), &Value::Null, &"7:example.com".into())
    );
}

#[test]
fn a_search_without_a_match_ends_with_one() {
    let dir = day();
    let ran = typed(dir.path(), false, &["search", "--user", "nobody"]);
    assert_eq!((ran.text.as_str(), ran.exit()), ("no rows match\n", Some(Exit::Failed)));
    let ran = typed(dir.path(), true, &["search", "--user", "nobody"]);
    assert_eq!((ran.text.as_str(), ran.exit()), ("", Some(Exit::Failed)));
    assert_eq!(looks(dir.path()).len(), 2, "a look that found nothing is a look");
}

#[test]
fn a_slip_in_a_filter_is_told_and_does_not_look_like_innocence() {
    let dir = day();
    let said = |words: &[&str]| typed(dir.path(), false, words).text;
    for (words, advice) in [
        (["--zone", "nosuch"], "the only one"),
        (["--zone", "hqq"], "did you mean `hq`?"),
        (["--category", "webmial"], "did you mean `webmail`?"),
        (["--list", "webmail"], "did you mean `webmail/main`?"),
        (["--list", "WEBMAIL/main"], "did you mean `webmail/main`?"),
    ] {
        for command in ["search", "stats"] {
            let text = said(&[&[command][..], &words].concat());
            let expected = format!("{} {}: neither the configuration nor the log knows it", words[0], words[1]);
            assert!(text.contains(&expected), "{text}");
            assert!(text.contains(advice) || advice == "the only one", "{text}");
        }
    }
    // What is known and has no such rows is no slip, and neither is what nobody can know.
    for words in [&["search", "--zone", "hq", "--user", "nobody"][..], &["search", "--name", "none.example"]] {
        assert_eq!(said(words), "no rows match\n");
    }
    let text = said(&["search", "--name", "*.bet365.com"]);
    assert!(text.contains("all names below bet365.com are --under bet365.com"), "{text}");
    assert_eq!(said(&["stats", "--under", "*.example.com"]), said(&["stats", "--under", "example.com"]));
    // Nothing of it is among the objects.
    assert_eq!(typed(dir.path(), true, &["search", "--zone", "nosuch"]).text, "");
}

#[test]
fn a_csv_runs_nothing_in_a_spreadsheet_and_other_forms_have_every_text_as_it_is() {
    let names =
        ["=cmd|' /C calc'!A0.example", "-1.example", "@sum.example", "'quoted.example", "a;=b.example", "www.example"];
    let row = |name: &&str| Row { qname: Some((*name).into()), user: Some("+u1".into()), ..Row::default() };
    let dir = log(&names.iter().map(row).collect::<Vec<_>>(), 10);
    let export = |format: &str| {
        let file = dir.path().join(format!("o.{format}"));
        typed(dir.path(), true, &["export", "--format", format, "-o", file.to_str().unwrap()]).ended.unwrap();
        std::fs::read_to_string(file).unwrap()
    };
    let text = export("csv");
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let heading = csv.headers().unwrap().clone();
    let column = |name: &str| heading.iter().position(|found| found == name).unwrap();
    let (qname, user, client) = (column("qname"), column("user"), column("client"));
    let records: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    let found: Vec<&str> = records.iter().map(|record| &record[qname]).collect();
    assert_eq!(
        found,
        [
            "'=cmd|' /C calc'!A0.example",
            "'-1.example",
            "'@sum.example",
            "''quoted.example",
            "a;'=b.example",
            "www.example"
        ]
    );
    assert!(records.iter().all(|record| &record[user] == "'+u1" && &record[client] == "10.20.0.1"));
    assert!(records.iter().all(|record| record.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@']))));
    let lines = export("jsonl");
    let found: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.iter().map(|row| row["qname"].as_str().unwrap()).collect::<Vec<_>>(), names);
}

#[test]
fn every_look_is_recorded_with_filter_reason_and_rows() {
    let dir = day();
    typed(dir.path(), true, &["search", "--user", "U4711", "--reason", " case 17/26 "]).ended.unwrap();
    typed(dir.path(), true, &["stats", "--by", "zone,action", "--bucket", "1m"]).ended.unwrap();
    let looks = looks(dir.path());
    assert_eq!(looks[0]["command"], "search");
    assert_eq!(looks[0]["filter"].to_string(), r#"{"user":["U4711"]}"#);
    assert_eq!((&looks[0]["reason"], &looks[0]["rows"]), (&"case 17/26".into(), &60.into()));
    assert_eq!(looks[0]["uid"], audit::Person::here().uid);
    assert_eq!(looks[1]["asked"]["by"].to_string(), r#"["network_zone","action"]"#);
    assert_eq!(looks[1]["rows"], 120);
    assert_eq!(audit::verify(dir.path()).unwrap(), (2, vec![]));
}

#[test]
fn where_a_reason_is_a_duty_nothing_is_shown_without() {
    let dir = day();
    let config = config(dir.path(), RequireReason::Required);
    let file = dir.path().join("o.csv");
    let export = ["export", "--format", "csv", "-o", file.to_str().unwrap()];
    for words in [&["search"][..], &["search", "--reason", "  "], &["stats"], &["tail", "--for", "0s"], &export] {
        let ran = typed_with(&config, false, words);
        assert_eq!((ran.exit(), ran.text.as_str()), (Some(Exit::Usage), ""), "{words:?}");
    }
    assert!(!file.exists() && looks(dir.path()).is_empty());
    assert!(typed_with(&config, false, &["search", "--reason", "case 17/26"]).ended.is_ok());
}

#[test]
fn what_cannot_be_recorded_is_not_shown() {
    let dir = day();
    std::fs::write(dir.path().join("audit"), "a file where the folder should be").unwrap();
    let file = dir.path().join("o.csv");
    let export = ["export", "--format", "csv", "-o", file.to_str().unwrap()];
    for words in [&["search"][..], &["stats"], &["tail", "--for", "0s"], &export] {
        let ran = typed(dir.path(), false, words);
        assert_eq!((ran.exit(), ran.text.as_str()), (Some(Exit::Failed), ""), "{words:?}");
        assert!(ran.ended.unwrap_err().text.contains("cannot be recorded"));
    }
    assert!(!file.exists());
}

#[test]
fn counts_come_as_a_table_or_as_objects() {
    let dir = day();
    let ran = typed(dir.path(), false, &["stats", "--by", "action", "--distinct", "user", "--top", "1"]);
    let lines: Vec<String> = ran.text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines, ["ACTION ROWS DISTINCT", "allowed 96 1", "1 of 2 groups; 120 rows in all."]);
    let ran = typed(dir.path(), true, &["stats", "--bucket", "1m", "--by", "action"]);
    let first = r#"{"bucket":"1970-01-01T00:00:00.000000Z","action":"allowed","rows":48}"#;
    assert_eq!(ran.text.lines().next(), Some(first));
    assert_eq!(ran.objects().len(), 4);
    let nought = typed(dir.path(), true, &["stats", "--user", "nobody"]);
    assert_eq!((nought.text.as_str(), nought.exit()), ("{\"rows\":0}\n", None));
}

#[test]
fn an_unreadable_part_is_named_and_the_exit_code_is_one() {
    let dir = day();
    std::fs::write(dir.path().join("parts/date=1970-01-01/0001.parquet"), "no parquet").unwrap();
    for words in [&["search"][..], &["stats"]] {
        let ran = typed(dir.path(), false, words);
        assert_eq!(ran.exit(), Some(Exit::Failed));
        assert!(ran.text.lines().count() > 1, "what could be read is shown: {}", ran.text);
        assert!(ran.ended.unwrap_err().text.contains("0001.parquet"), "{words:?}");
        // For programs it is the last object, behind what could be read.
        let objects = typed(dir.path(), true, words).objects();
        let problem = objects.last().unwrap()["errors"][0]["problem"].as_str().unwrap();
        assert!(objects.len() > 1 && problem.contains("0001.parquet"), "{words:?}: {problem}");
    }
}

#[test]
fn a_search_that_asks_before_the_log_began_is_told() {
    let dir = day();
    let ran = typed(dir.path(), false, &["search", "--from", "1969-12-31T00:00:00Z", "--limit", "1"]);
    assert!(ran.text.contains("The log begins at 1970-01-01T00:00:00.000000Z"), "{}", ran.text);
}

#[test]
fn wrong_usage_ends_with_two_and_advice() {
    let dir = day();
    let said = |words: &[&str]| {
        let ran = typed(dir.path(), false, words);
        assert_eq!(ran.exit(), Some(Exit::Usage), "{words:?}");
        ran.ended.unwrap_err().text
    };
    assert!(said(&["search", "--action", "block"]).contains("did you mean blocked?"));
    assert!(said(&["search", "--from", "soon"]).contains("2026-11-22"));
    assert!(said(&["search", "--from", "1h", "--to", "2h"]).contains("nothing lies between"));
    assert!(said(&["stats", "--by", "catgory"]).contains("did you mean category?"));
    for words in [&["stats", "--bucket", "0s"], &["stats", "--timeout", "0s"], &["search", "--timeout", "0ms"]] {
        assert!(said(words).contains(words[1]) && said(words).contains("no time at all"), "{}", said(words));
    }
    assert!(said(&["search", "--limit", "0"]).contains("1..=1000000"));
    let nowhere = typed(&dir.path().join("none"), false, &["search"]);
    assert!(nowhere.exit() == Some(Exit::Failed) && nowhere.ended.unwrap_err().text.contains("log.dir"));
}

#[test]
fn an_export_never_replaces_a_file_unasked() {
    let dir = day();
    let file = dir.path().join("o.jsonl");
    let words = ["export", "--format", "jsonl", "--action", "blocked", "-o", file.to_str().unwrap()];
    let ran = typed(dir.path(), true, &words);
    assert_eq!(ran.objects()[0]["rows"], 24);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 24);
    assert_eq!(looks(dir.path())[0]["asked"]["sha256"], ran.objects()[0]["sha256"]);
    assert_eq!(typed(dir.path(), true, &words).exit(), Some(Exit::Failed));
    assert!(typed(dir.path(), true, &[&words[..], &["--force"]].concat()).ended.is_ok());
}

#[test]
fn tail_shows_the_last_rows_and_those_that_come() {
    let dir = day();
    let twenty = |from: i64| (from..from + 20).map(|time| Row { time, ..Row::default() }).collect::<Vec<_>>();
    let mut live = Live::open(dir.path());
    live.put(&twenty(110_000_000));
    std::thread::scope(|scope| {
        let page = Page::default();
        let (written, config) = (page.clone(), config(dir.path(), RequireReason::Optional));
        let words = ["tail", "--last", "5", "--limit", "25", "--for", "1m"];
        let tail = scope.spawn(move || typed_on(&written, &config, true, &words));
        while page.0.lock().unwrap().is_empty() && !tail.is_finished() {
            std::thread::yield_now();
        }
        live.put(&twenty(130_000_000));
        let rows = tail.join().unwrap().objects();
        let shown: Vec<&str> = rows.iter().map(|row| row["time"].as_str().unwrap()).collect();
        assert_eq!(shown.len(), 25);
        assert!(shown.is_sorted(), "{shown:?}");
        assert!(shown.last().unwrap().ends_with("02:10.000019Z"), "{shown:?}");
    });
    let rows: Vec<Value> = looks(dir.path()).iter().map(|look| look["rows"].clone()).collect();
    assert_eq!(rows, [Value::Null, 25.into()], "recorded when it begins and when it ends");
}

#[test]
fn verify_tells_a_changed_record_of_looks() {
    let dir = day();
    typed(dir.path(), true, &["search"]).ended.unwrap();
    typed(dir.path(), true, &["search"]).ended.unwrap();
    let before = typed(dir.path(), false, &["verify"]).text;
    assert!(before.contains("proven      the record of looks: 2 lines"), "{before}");
    let text = std::fs::read_to_string(audit::path(dir.path())).unwrap();
    std::fs::write(audit::path(dir.path()), text.replacen("\"rows\":100", "\"rows\":1", 1)).unwrap();
    let ran = typed(dir.path(), true, &["verify"]);
    assert_eq!(ran.exit(), Some(Exit::Failed));
    let problems = &ran.objects()[0]["problems"];
    assert!(
        problems.as_array().unwrap().iter().any(|p| p["line"] == 2 && p["file"] == "audit/audit.jsonl"),
        "{problems}"
    );
}

#[test]
fn help_names_every_column() {
    use clap::CommandFactory;
    Typed::command().debug_assert();
    let mut command = Typed::command();
    let help = command.find_subcommand_mut("stats").unwrap().render_long_help().to_string();
    for column in crate::record::columns::COLUMNS {
        assert!(help.contains(column.meaning), "{}", column.name);
    }
}
