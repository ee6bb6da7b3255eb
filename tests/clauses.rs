//! The clauses of the shipped procedures of which a question and its row show nothing: who looks at the record, and how long it is kept.
//! `tests/stories/README.md` leads here; the other clauses have stories.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use cordon::moment::{Clock, Moment};
use cordon::query::audit::Person;
use cordon::verdict::Transport;
use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::support::client::Ask;
use crate::support::cordon::Cordon;
use crate::support::exported::assert_verified;
use crate::support::house::House;
use crate::support::{rows, shipped};

const PERMITTED: &str = "config/examples/permitted-personal-use.toml";
const RESTRICTED: &str = "config/examples/restricted.toml";
/// What both procedures block, so that no upstream is asked.
const BET: &str = "www.bet365.com";

/// A shipped configuration, with an upstream that nobody is at.
fn configuration(path: &str) -> String {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    shipped::configuration(path, nobody).unwrap() + &format!("\n[upstream]\nservers = [\"udp://{nobody}\"]\n")
}

fn serving(path: &str) -> Cordon {
    let cordon = Cordon::start(&configuration(path), &[]);
    for from in ["127.0.0.1", "127.0.0.1", "127.0.0.2"] {
        Ask::new(BET, RecordType::A).from(from).at(cordon.addr);
    }
    cordon
}

/// The record of looks, a line each.
fn looks(cordon: &Cordon) -> Vec<Value> {
    let text = std::fs::read_to_string(cordon.log_dir().join("audit/audit.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn shown(output: &Output) -> String {
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{text}{errors}");
    text.into_owned()
}

/// The look is refused: nothing is shown, and the reason that is wanted is named.
#[track_caller]
fn assert_refused(output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    // Nothing of the log: with --json the failure alone.
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.is_empty() || (shown.starts_with("{\"errors\":[") && shown.lines().count() == 1), "{shown}");
    assert!(errors.contains("needs a reason") && errors.contains("--reason"), "{errors}");
}

#[test]
fn permitted_5_1_reports_of_use_take_a_reason_and_it_is_recorded_who_had_them_and_why() {
    let cordon = serving(PERMITTED);
    let report = ["--json", "log", "stats", "--client", "127.0.0.1", "--by", "category"];
    let file = cordon.dir.join("report.csv");
    let export = ["log", "export", "--client", "127.0.0.1", "--format", "csv", "-o", file.to_str().unwrap()];
    for words in [&report[..], &export] {
        assert_refused(&cordon.command(words));
        assert_refused(&cordon.command(&[words, &["--reason", " "]].concat()));
    }
    assert!(!file.exists() && looks(&cordon).is_empty());

    let with = |words: &[&str], reason: &str| shown(&cordon.command(&[words, &["--reason", reason]].concat()));
    let counted: Value = serde_json::from_str(&with(&report, "appraisal of u4711, Sgt Example")).unwrap();
    assert_eq!((&counted["category"], &counted["rows"]), (&"gambling".into(), &2.into()));
    with(&export, "complaint 17/26");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1 + 2, "a head, and a line for each question");

    let (looks, person) = (looks(&cordon), Person::here());
    let told: Vec<String> = looks.iter().map(|look| format!("{} {}", look["command"], look["reason"])).collect();
    assert_eq!(told, ["\"stats\" \"appraisal of u4711, Sgt Example\"", "\"export\" \"complaint 17/26\""]);
    for look in &looks {
        assert_eq!((&look["uid"], &look["user"]), (&person.uid.into(), &person.user.clone().into()), "{look}");
        assert_eq!(
            (&look["filter"]["client"], &look["rows"]),
            (&serde_json::json!(["127.0.0.1"]), &2.into()),
            "{look}"
        );
        let age = Clock::Real.now().since(moment(&look["time"]));
        assert!(age < Duration::from_secs(600), "{look}: {age:?}");
    }
    let findings = assert_verified(&cordon);
    assert!(findings["proven"].to_string().contains("the record of looks: 2 lines"), "{findings}");
}

#[test]
fn permitted_5_2_records_of_use_are_kept_for_a_year_and_their_end_is_written_down() {
    let config = configuration(PERMITTED);
    let day = Duration::from_secs(86_400);
    let ago = |days: u32| Clock::Real.now().minus(day * days);
    // A year and a day ago, and a day within the year.
    let house = House::new(&config, &[], ago(366)).unwrap();
    let ask = |times: usize| {
        for _ in 0..times {
            let wire = Ask::new(BET, RecordType::A).wire(7);
            house.ask(&wire, "127.0.0.1:4444".parse().unwrap(), Transport::Udp).unwrap();
        }
    };
    ask(3);
    house.clock.set(ago(364));
    ask(2);

    let dir = tempfile::tempdir().unwrap();
    let mut cordon = Cordon::prepare(dir.path(), &config, &[]).unwrap();
    let written = std::fs::read_to_string(cordon.config()).unwrap().replace("test-node", "story");
    std::fs::write(cordon.config(), written).unwrap();
    copy(&house.log_dir().join(".."), &cordon.dir.join("data"));
    drop(house);
    assert_eq!(rows::of(&cordon.log_dir(), BET).len(), 5, "all are there before a server looks at their age");

    cordon.spawn().unwrap();
    let leaves = || std::fs::read_to_string(cordon.log_dir().join("evidence/leaves.jsonl")).unwrap();
    let erased = until("the old rows are erased", || {
        leaves().lines().find(|leaf| leaf.contains("\"kind\":\"erase\"")).map(str::to_owned)
    });
    let erased: Value = serde_json::from_str(&erased).unwrap();
    assert_eq!((&erased["rows"], &erased["rule"]), (&3.into(), &"retain 365d".into()));
    let file = cordon.log_dir().join(erased["file"].as_str().unwrap());
    until("the file is gone", || (!file.exists()).then_some(()));
    let kept = rows::of(&cordon.log_dir(), BET);
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|row| Clock::Real.now().since(moment(&row["time"])) < day * 365), "{kept:?}");

    let findings = assert_verified(&cordon);
    assert_eq!((&findings["erased_parts"], &findings["erased_rows"]), (&1.into(), &3.into()), "{findings}");
    let search = ["log", "search", "--from", "366d", "--reason", "complaint 17/26"];
    let told = shown(&cordon.command(&search));
    assert!(told.contains("The log begins at"), "{told}");
}

#[test]
fn restricted_6_1_nobody_looks_at_the_record_without_a_reason_which_is_recorded_with_the_look() {
    let mut cordon = serving(RESTRICTED);
    let other = cordon.config().display().to_string();
    let file = cordon.dir.join("rows.jsonl");
    let ways: [(&str, &[&str]); 5] = [
        ("search", &["log", "search"]),
        ("tail", &["log", "tail", "--for", "0s"]),
        ("stats", &["log", "stats"]),
        ("export", &["log", "export", "--format", "jsonl", "-o", file.to_str().unwrap()]),
        ("explain --diff", &["explain", "--diff", &other]),
    ];
    // With a server and without one: the files are the same.
    for round in 0..2 {
        for (_, words) in ways {
            assert_refused(&cordon.command(words));
            assert_refused(&cordon.command(&[words, &["--reason", "\t "]].concat()));
        }
        assert!(!file.exists());
        if round == 0 {
            assert!(looks(&cordon).is_empty(), "nobody has looked");
            for door in ["/", "/metrics", "/api/v1/status"] {
                let (code, body) = cordon.get(door).unwrap();
                assert!(code == 200 && !body.contains("bet365"), "{door} shows what was asked: {body}");
            }
            assert_eq!(cordon.stop(), Some(0));
        }
    }
    for (number, (_, words)) in ways.iter().enumerate() {
        shown(&cordon.command(&[words, &["--reason", &format!("enquiry {number}/26")][..]].concat()));
    }
    let looks = looks(&cordon);
    for (number, (command, _)) in ways.iter().enumerate() {
        let of: Vec<&Value> = looks.iter().filter(|look| look["command"] == *command).collect();
        assert!(!of.is_empty(), "{command} left no line: {looks:?}");
        for look in of {
            assert_eq!(look["reason"], format!("enquiry {number}/26"), "{look}");
            assert_eq!(look["uid"], Person::here().uid, "{look}");
        }
    }
    assert_verified(&cordon);

    // A reason that was changed afterwards is noticed, and a look that cannot be recorded is none.
    let audit = cordon.log_dir().join("audit/audit.jsonl");
    let text = std::fs::read_to_string(&audit).unwrap();
    std::fs::write(&audit, text.replacen("enquiry 0/26", "enquiry 9/26", 1)).unwrap();
    let output = cordon.command(&["log", "verify"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("audit/audit.jsonl") && told.contains("does not continue the line before"), "{told}");
    std::fs::remove_file(&audit).unwrap();
    std::fs::create_dir(&audit).unwrap();
    let output = cordon.command(&["log", "search", "--reason", "enquiry 5/26"]);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be recorded, so nothing is shown"));
}

fn moment(text: &Value) -> Moment {
    Moment::from(text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap())
}

/// Waits for something, for as long as a hanging test may take.
#[track_caller]
fn until<T>(what: &str, found: impl Fn() -> Option<T>) -> T {
    for _ in 0..1_200 {
        match found() {
            Some(found) => return found,
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
    panic!("it does not come about that {what}");
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}
