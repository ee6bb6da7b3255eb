//! The log from outside: read, counted and verified by programs of others, while the server runs and after it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::support::client::Ask;
use crate::support::cordon::Cordon;
use crate::support::exported::{assert_verified, export};
use crate::support::python;
use crate::support::wave::{Question, ask};

const LOCAL_ZONE: &str =
    "$TTL 3600\n@ IN SOA ns hostmaster 1 7200 3600 1209600 300\n  IN NS ns\nns IN A 192.0.2.53\n* IN A 192.0.2.7\n";

const CONFIG: &str = "[log]\nseal_every = \"1s\"\n[[local_zone]]\nname = \"home.example\"\nfile = \"home.zone\"\n\
    [[category]]\nname = \"betting\"\nlists = [{ path = \"betting.txt\" }]\n\
    [policy.standard]\nblock = [\"betting\"]\ndeny = [\"blocked.example\"]\n[policy.open]\n\
    [[network_zone]]\nname = \"desks\"\nclients = [\"127.0.1.0/24\"]\npolicy = \"standard\"\n\
    [[network_zone]]\nname = \"labs\"\nclients = [\"127.0.2.0/24\", \"127.0.0.1\"]\npolicy = \"open\"\n";

fn start() -> Cordon {
    Cordon::start(CONFIG, &[("home.zone", LOCAL_ZONE), ("betting.txt", "bet.example\nwin.example\n")])
}

/// Asks `count` questions: most are answered from the local zone, some blocked by name and by category, some refused.
fn ask_some(cordon: &Cordon, run: &str, count: usize) {
    let question = |number: usize| {
        let (zone, qtype) = match number % 10 {
            0 => ("blocked.example", 1),
            1 => ("bet.example", 28),
            2 => ("home.example", 252),
            _ => ("home.example", 1),
        };
        let from = if number.is_multiple_of(3) { [127, 0, 2, 1] } else { [127, 0, 1, 1 + (number % 4) as u8] };
        // What the labs may ask is only what needs no upstream.
        let zone = if number.is_multiple_of(3) { "home.example" } else { zone };
        Question { name: format!("n{number}.{run}.{zone}"), qtype, from: from.into(), tcp: number.is_multiple_of(4) }
    };
    ask(cordon.addr, cordon.addr6, &(0..count).map(question).collect::<Vec<_>>());
}

/// Waits until so many parts are sealed, for as long as a hanging test may take.
fn wait_for_parts(cordon: &Cordon, parts: f64) {
    for _ in 0..1_200 {
        if cordon.metric("cordon_log_parts") >= parts {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no part is sealed; cordon says:\n{}", cordon.stderr());
}

/// What `cordon log stats --by action` counts.
fn counts(cordon: &Cordon) -> BTreeMap<String, u64> {
    let objects = cordon.json(&["log", "stats", "--by", "action"]);
    let pair = |object: &Value| (object["action"].as_str().unwrap().to_owned(), object["rows"].as_u64().unwrap());
    objects.iter().map(pair).collect()
}

/// The same by DuckDB, of files.
fn counted_by_duckdb(relation: &str, path: &Path) -> BTreeMap<String, u64> {
    let script = format!(
        "import duckdb, json, sys\nrows = duckdb.connect().execute(\"select action, count(*) from {relation}(?) group by action\", [sys.argv[1]])\n\
         print(json.dumps(dict(rows.fetchall())))"
    );
    serde_json::from_str(&python::says(&script, &[path])).unwrap()
}

#[test]
fn duckdb_counts_what_cordon_counts_in_every_format_and_in_the_parts_themselves() {
    let mut cordon = start();
    ask_some(&cordon, "first", 600);
    wait_for_parts(&cordon, 1.0);
    ask_some(&cordon, "second", 400);
    let by_cordon = counts(&cordon);
    assert_eq!(by_cordon.values().sum::<u64>(), 1_000, "rows are queries: {by_cordon:?}");
    assert!(["allowed", "blocked", "refused"].iter().all(|action| by_cordon[*action] > 50), "{by_cordon:?}");
    for (format, relation) in [("parquet", "read_parquet"), ("csv", "read_csv"), ("jsonl", "read_json")] {
        let file = export(&cordon, format);
        assert_eq!(counted_by_duckdb(relation, &file), by_cordon, "{format}");
    }
    assert_eq!(cordon.stop(), Some(0));
    // Sealed at the stop: now everything is in the parts, and DuckDB needs nothing of ours.
    let parts = cordon.log_dir().join("parts/*/*.parquet");
    assert_eq!(counted_by_duckdb("read_parquet", &parts), by_cordon);
    let columns = python::says(
        "import duckdb, sys\nfor c in duckdb.connect().execute('describe select * from read_parquet(?, hive_partitioning=false)', [sys.argv[1]]).fetchall(): print(c[0], c[1])",
        &[&parts],
    );
    for expected in ["time TIMESTAMP WITH TIME ZONE", "seq UBIGINT", "client_port USMALLINT", "duration_us UINTEGER"] {
        assert!(columns.lines().any(|line| line == expected), "{expected} is not in\n{columns}");
    }
}

/// The program that `docs/EVIDENCE.md` gives to outsiders.
fn script_of_the_manual() -> String {
    let manual = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/EVIDENCE.md")).unwrap();
    let script = manual.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    script.expect("docs/EVIDENCE.md has a program").to_owned()
}

#[test]
fn an_outsider_verifies_the_log_of_a_running_server_by_the_manual() {
    let cordon = start();
    let key = cordon.dir.join("kept-elsewhere.pub");
    std::fs::copy(cordon.log_dir().join("evidence/key.pub"), &key).unwrap();
    let script = script_of_the_manual();
    for round in 1..=5 {
        ask_some(&cordon, &format!("round{round}"), 300);
        wait_for_parts(&cordon, f64::from(round));
        let said = python::says(&script, &[&cordon.log_dir(), &key]);
        assert!(said.contains("rows hold"), "{said}");
        assert_verified(&cordon);
    }
    let output = cordon.command(&["log", "verify", "--key", key.to_str().unwrap()]);
    assert!(output.status.success());
    let other = cordon.dir.join("of-another.pub");
    let text = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&other, text.replace("test-node", "else-node")).unwrap();
    assert!(!cordon.command(&["log", "verify", "--key", other.to_str().unwrap()]).status.success());
    assert!(!python::script(&script, &[&cordon.log_dir(), &other]).status.success());
}

/// Files of parts, in order.
fn parts(cordon: &Cordon) -> Vec<PathBuf> {
    let dates = std::fs::read_dir(cordon.log_dir().join("parts")).unwrap().map(|entry| entry.unwrap().path());
    let files = dates.filter(|path| path.is_dir()).flat_map(|date| std::fs::read_dir(date).unwrap());
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn an_answer_tells_of_parts_whose_leaf_was_cut_off() {
    let mut cordon = start();
    for (parts, run) in [(1.0, "one"), (2.0, "two")] {
        ask_some(&cordon, run, 200);
        wait_for_parts(&cordon, parts);
    }
    assert_eq!(cordon.stop(), Some(0));
    let file = cordon.dir.join("rows.jsonl");
    let looks: [&[&str]; 4] = [
        &["log", "stats"],
        &["log", "search", "--limit", "1"],
        &["log", "tail", "--for", "1ms"],
        &["log", "export", "--force", "--format", "jsonl", "-o", file.to_str().unwrap()],
    ];
    for look in looks {
        assert_eq!(String::from_utf8_lossy(&cordon.command(look).stderr), "", "{look:?}");
    }
    let leaves = cordon.log_dir().join("evidence/leaves.jsonl");
    let text = std::fs::read_to_string(&leaves).unwrap();
    let cut = text.lines().rfind(|line| line.contains("\"kind\":\"part\"")).unwrap();
    std::fs::write(&leaves, text.replace(&format!("{cut}\n"), "")).unwrap();
    let cut: Value = serde_json::from_str(cut).unwrap();
    let part = cut["file"].as_str().unwrap();
    // What is still in a segment is live again, and only the rest is missing.
    let missing = 400 - cordon.json(&["log", "stats"])[0]["rows"].as_u64().unwrap();
    assert!((1..=cut["rows"].as_u64().unwrap()).contains(&missing), "{missing} of {cut}");
    let told = format!(
        "{part} is not in the manifest, so {missing} of its rows are not in the answer: run cordon log verify\n"
    );
    for look in looks {
        let output = cordon.command(look);
        assert_eq!(String::from_utf8_lossy(&output.stderr), told, "{look:?}");
        assert_eq!(output.status.code(), Some(0), "{look:?}");
    }
    let facts = cordon.json(looks[3]).remove(0);
    assert_eq!((&facts["whole"], &facts["not_in_manifest"]), (&false.into(), &serde_json::json!([part])));
}

#[test]
fn whatever_is_changed_in_a_sealed_log_is_found_by_cordon_and_by_the_manual() {
    let mut cordon = start();
    for parts in 1..=3 {
        ask_some(&cordon, &format!("part{parts}"), 200);
        wait_for_parts(&cordon, f64::from(parts));
    }
    assert_eq!(cordon.stop(), Some(0));
    assert_verified(&cordon);
    let (log, script) = (cordon.log_dir(), script_of_the_manual());
    let key = log.join("evidence/key.pub");
    let part = parts(&cordon)[1].clone();
    let name = |path: &Path| path.strip_prefix(&log).unwrap().to_str().unwrap().to_owned();
    let [leaves, checkpoint] = ["leaves.jsonl", "checkpoint"].map(|file| log.join("evidence").join(file));
    type Change = Box<dyn Fn(&[u8]) -> Vec<u8>>;
    let other_note = |note: &[u8]| {
        let text = String::from_utf8(note.to_vec()).unwrap();
        // The same text and another signature.
        let at = text.len() - 10;
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &text[..at], &text[at + 1..]).into_bytes()
    };
    let without_last = |leaves: &[u8]| {
        let text = String::from_utf8(leaves.to_vec()).unwrap();
        let last = text.trim_end().rfind('\n').unwrap();
        text.as_bytes()[..=last].to_vec()
    };
    let flipped = |at: fn(usize) -> usize| -> Change {
        Box::new(move |octets: &[u8]| {
            let mut octets = octets.to_vec();
            let at = at(octets.len());
            octets[at] ^= 1;
            octets
        })
    };
    let changes: Vec<(&str, &Path, Change)> = vec![
        ("an octet in the middle of a part", &part, flipped(|length| length / 2)),
        ("the first octet of a part", &part, flipped(|_| 0)),
        ("the last octet of a part", &part, flipped(|length| length - 1)),
        ("a part cut short", &part, Box::new(|octets: &[u8]| octets[..octets.len() - 1].to_vec())),
        ("a leaf cut off", &leaves, Box::new(without_last)),
        (
            "a leaf changed",
            &leaves,
            Box::new(|octets: &[u8]| {
                String::from_utf8(octets.to_vec()).unwrap().replacen("\"rows\":200", "\"rows\":199", 1).into_bytes()
            }),
        ),
        ("a checkpoint signed by another", &checkpoint, Box::new(other_note)),
        (
            "a checkpoint of another size",
            &checkpoint,
            Box::new(|octets: &[u8]| {
                let text = String::from_utf8(octets.to_vec()).unwrap();
                let size = text.lines().nth(1).unwrap().to_owned();
                text.replacen(&size, "1", 1).into_bytes()
            }),
        ),
    ];
    for (what, path, change) in changes {
        let before = std::fs::read(path).unwrap();
        let after = change(&before);
        assert_ne!(before, after, "{what}");
        std::fs::write(path, after).unwrap();
        let output = cordon.command(&["--json", "log", "verify"]);
        assert_eq!(output.status.code(), Some(1), "{what} is not found");
        let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
        let problems = findings["problems"].as_array().unwrap();
        // A leaf that is gone is noticed at the checkpoints over it.
        let blamed = |problem: &Value| {
            let file = problem["file"].as_str().unwrap();
            file == name(path) || (path == leaves && file.starts_with("evidence/"))
        };
        assert!(problems.iter().any(blamed), "{what}: {problems:?}");
        assert!(!python::script(&script, &[&log, &key]).status.success(), "{what} is not found by the manual");
        std::fs::write(path, before).unwrap();
    }
    let aside = cordon.dir.join("aside.parquet");
    std::fs::rename(&part, &aside).unwrap();
    assert_eq!(cordon.command(&["log", "verify"]).status.code(), Some(1), "a part that is gone");
    std::fs::rename(&aside, &part).unwrap();
    assert_verified(&cordon);
    python::says(&script, &[&log, &key]);
}

#[test]
fn searches_find_what_their_filters_say_and_every_look_leaves_a_line() {
    let cordon = start();
    ask_some(&cordon, "run", 300);
    let all = cordon.rows(&[]);
    assert_eq!(all.len(), 300);
    let seen = |row: &Value| (row["lane"].as_u64(), row["seq"].as_u64());
    type Holds = fn(&Value) -> bool;
    let under = |row: &Value| row["qname"].as_str().unwrap().ends_with(".bet.example");
    let filters: [(&[&str], Holds); 8] = [
        (&["--client", "127.0.1.2"], |row| row["client"] == "127.0.1.2"),
        (&["--client", "127.0.2.0/24"], |row| row["client"] == "127.0.2.1"),
        (&["--zone", "desks"], |row| row["network_zone"] == "desks"),
        (&["--category", "betting"], |row| row["category"] == "betting"),
        (&["--action", "refused"], |row| row["action"] == "refused"),
        (&["--under", "bet.example"], under),
        (&["--name", "n4.run.home.example"], |row| row["qname"] == "n4.run.home.example"),
        (&["--zone", "desks", "--action", "blocked", "--action", "refused"], |row| {
            row["network_zone"] == "desks" && row["action"] != "allowed"
        }),
    ];
    for (filter, holds) in filters {
        let expected: Vec<_> = all.iter().filter(|row| holds(row)).map(seen).collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{filter:?} says nothing");
        let mut found: Vec<_> = cordon.rows(filter).iter().map(seen).collect();
        let mut expected = expected;
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{filter:?}");
    }
    let bet = all.iter().find(|row| under(row) && row["action"] == "blocked").unwrap();
    assert_eq!((&bet["rule"], &bet["rcode"]), (&"1:bet.example".into(), &0.into()), "{bet}");
    assert!(cordon.rows(&["--to", "2020-01-01"]).is_empty());
    cordon.json(&["log", "search", "--limit", "5", "--reason", "case 17/26"]);
    let audit = std::fs::read_to_string(cordon.log_dir().join("audit/audit.jsonl")).unwrap();
    let lines: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1 + 8 + 1 + 1, "a line for every look");
    let last = lines.last().unwrap();
    assert_eq!((&last["command"], &last["reason"], &last["rows"]), (&"search".into(), &"case 17/26".into(), &5.into()));
    counts(&cordon);
    export(&cordon, "csv");
    assert_verified(&cordon);
    let path = cordon.log_dir().join("audit/audit.jsonl");
    let audit = std::fs::read_to_string(&path).unwrap();
    assert_eq!(audit.lines().count(), 13);
    std::fs::write(&path, audit.replacen("\"rows\":5", "\"rows\":6", 1)).unwrap();
    assert_eq!(cordon.command(&["log", "verify"]).status.code(), Some(1), "a changed look");
}

#[test]
fn a_follower_sees_new_rows_as_they_come() {
    let cordon = start();
    Ask::new("before.home.example", RecordType::A).at(cordon.addr);
    let mut child = Command::new(env!("CARGO_BIN_EXE_cordon"))
        .args(["--json", "--config"])
        .arg(cordon.config())
        .args(["log", "tail", "--limit", "5", "--for", "2m"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().expect("a row").unwrap()).unwrap() };
    assert_eq!(next()["qname"], "before.home.example");
    // Each is asked only when the one before was shown; tail itself ends the wait after two minutes.
    for number in 0..4 {
        let name = format!("new{number}.home.example");
        Ask::new(&name, RecordType::A).at(cordon.addr);
        assert_eq!(next()["qname"], name.as_str());
        if number == 1 {
            wait_for_parts(&cordon, 1.0);
        }
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
