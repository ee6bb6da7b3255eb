//! Names put into a category by command: kept with who, when and why, in force on a running server, and told by `lists find`.

use std::net::IpAddr;

use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::support::client::{Ask, addresses};
use crate::support::cordon::Cordon;
use crate::support::house::TableUpstream;
use crate::support::rows;
use crate::watch::until;

const CONFIG: &str = "[[category]]\nname = \"gambling\"\n\
     lists = [{ path = \"one.txt\", except = [\"not-one.txt\"] }, { path = \"two.txt\" }]\nexcept = [\"never.txt\"]\n\
     [[category]]\nname = \"webmail\"\nlists = [{ path = \"mail.txt\" }]\n\
     [policy.standard]\nblock = [\"gambling\"]\n\
     [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n";

const LISTS: &[(&str, &str)] = &[
    ("one.txt", "# one\nbet.example.net\nboth.example.net\n"),
    ("two.txt", "both.example.net\n"),
    ("not-one.txt", "www.bet.example.net\nboth.example.net\n"),
    ("never.txt", "good.example.net\n"),
    ("mail.txt", "mail.example.net\n"),
];

/// Without a server.
fn prepared() -> (tempfile::TempDir, Cordon) {
    let kept = tempfile::tempdir().unwrap();
    let cordon = Cordon::prepare(kept.path(), CONFIG, LISTS).unwrap();
    (kept, cordon)
}

/// Runs a command that must end with `code`, and gives what it printed and what it complained of.
#[track_caller]
fn ends(cordon: &Cordon, code: i32, arguments: &[&str]) -> (String, String) {
    let output = cordon.command(arguments);
    let [out, err] = [output.stdout, output.stderr].map(|octets| String::from_utf8(octets).unwrap());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{err}");
    (out, err)
}

fn add(cordon: &Cordon, more: &[&str]) -> (String, String) {
    ends(cordon, 0, &[&["lists", "add", "--category", "gambling", "--reason", "ticket 4711"], more].concat())
}

fn remove(cordon: &Cordon, more: &[&str]) -> (String, String) {
    ends(cordon, 0, &[&["lists", "remove", "--category", "gambling", "--reason", "it was a slip"], more].concat())
}

fn found(cordon: &Cordon, name: &str) -> Vec<Value> {
    cordon.json(&["lists", "find", name])
}

fn journal(cordon: &Cordon) -> std::path::PathBuf {
    cordon.dir.join("data/lists-added/journal.jsonl")
}

#[test]
fn what_was_added_is_kept_with_who_when_and_why_and_removed_by_another_line() {
    let (_kept, cordon) = prepared();
    let (said, _) = add(&cordon, &["Win.Example.NET", "bücher.example.net", "--by", "Head of Unit"]);
    assert!(said.contains("win.example.net: added to gambling, by ") && said.contains("journal.jsonl:1"), "{said}");
    let lines = cordon.json(&["lists", "added"]);
    assert_eq!(lines.len(), 2);
    let mut first = lines[0].clone();
    let who = first["who"].as_str().unwrap().to_owned();
    assert!(!who.is_empty() && first["at"].as_str().unwrap().ends_with('Z'), "{first}");
    first["who"] = "-".into();
    first["at"] = "-".into();
    first["path"] = "-".into();
    assert_eq!(
        first,
        serde_json::json!({
            "v": 1, "at": "-", "who": "-", "by": "Head of Unit", "action": "add", "category": "gambling",
            "name": "win.example.net", "reason": "ticket 4711", "path": "-", "line": 1
        })
    );
    assert_eq!(lines[1]["name"], "xn--bcher-kva.example.net");
    let rule = &found(&cordon, "www.win.example.net")[0];
    assert_eq!((&rule["list"], &rule["line"], &rule["effect"]), (&"gambling/added".into(), &1.into(), &"holds".into()));
    assert_eq!((&rule["added"]["who"], &rule["added"]["reason"]), (&who.into(), &"ticket 4711".into()));
    let (again, _) = add(&cordon, &["win.example.net"]);
    assert!(again.contains("already") && !again.contains("journal.jsonl:3"), "{again}");
    remove(&cordon, &["win.example.net"]);
    ends(&cordon, 1, &["lists", "find", "win.example.net"]);
    assert_eq!(cordon.json(&["lists", "added", "--category", "gambling"]).len(), 1);
    let text = std::fs::read_to_string(journal(&cordon)).unwrap();
    assert_eq!(text.lines().count(), 3, "nothing is taken out of the journal: {text}");
    assert!(text.lines().nth(2).unwrap().contains("it was a slip"));
}

#[test]
fn an_exception_by_command_takes_a_name_out_of_every_list_of_the_category() {
    let (_kept, cordon) = prepared();
    let (said, _) = add(&cordon, &["both.example.net", "nowhere.example.net", "--except"]);
    assert!(said.contains("an exception of gambling"), "{said}");
    let rules = found(&cordon, "both.example.net");
    let effect = |list: &str| rules.iter().find(|rule| rule["list"] == list).map(|rule| rule["effect"].clone());
    assert_eq!(effect("gambling/added-except"), Some("exempts".into()));
    assert_eq!(effect("gambling/one.txt"), Some("overruled".into()));
    assert_eq!(effect("gambling/two.txt"), Some("overruled".into()));
    assert_eq!(rules[0]["categories"], serde_json::json!([]));
    // Added after all: the last line counts.
    add(&cordon, &["both.example.net"]);
    assert_eq!(found(&cordon, "both.example.net")[0]["categories"], serde_json::json!(["gambling"]));
    let present = cordon.json(&["lists", "added"]);
    let actions: Vec<_> = present.iter().map(|line| (line["line"].clone(), line["action"].clone())).collect();
    assert_eq!(actions, [(2.into(), "except".into()), (3.into(), "add".into())]);
}

#[test]
fn what_cannot_be_meant_is_refused_with_advice_and_nothing_is_written() {
    let (_kept, cordon) = prepared();
    for (arguments, said) in [
        (&["co.uk", "win.example.net", "--category", "gambling", "--reason", "r"][..], "`co.uk` is a public suffix"),
        (&["com", "--category", "gambling", "--reason", "r"], "`com` is a public suffix"),
        (&["https://x.example/", "--category", "gambling", "--reason", "r"], "is a URL"),
        (&["win.example.net", "--category", "gamblin", "--reason", "r"], "did you mean `gambling`?"),
        (&["win.example.net", "--category", "gambling", "--reason", " "], "--reason is empty"),
        (&["win.example.net", "--category", "gambling", "--reason", "a\nb"], "--reason must be one line"),
        (&["win.example.net", "--category", "gambling"], "--reason"),
    ] {
        let (_, complaint) = ends(&cordon, 2, &[&["lists", "add"], arguments].concat());
        assert!(complaint.contains(said), "{said}: {complaint}");
    }
    let no_line = std::fs::read(journal(&cordon)).unwrap_or_default().is_empty();
    assert!(no_line, "nothing is written when one of the names is wrong");
}

#[test]
fn removing_what_a_list_holds_says_where_it_is_written_and_what_to_do() {
    let (_kept, cordon) = prepared();
    let arguments = ["lists", "remove", "www.bet.example.net", "--category", "gambling", "--reason", "r"];
    let (_, complaint) = ends(&cordon, 1, &arguments);
    assert!(complaint.contains("gambling/one.txt line 2 (bet.example.net)"), "{complaint}");
    assert!(complaint.contains("cordon lists add www.bet.example.net --category gambling --except"), "{complaint}");
    let (_, complaint) =
        ends(&cordon, 1, &["lists", "remove", "x.example.net", "--category", "gambling", "--reason", "r"]);
    assert!(complaint.contains("no list of it holds the name"), "{complaint}");
}

#[test]
fn a_name_that_a_file_excepts_is_added_and_it_is_said_that_it_does_not_count() {
    let (_kept, mut cordon) = prepared();
    // A start compiles the lists, so that they can be looked at.
    cordon.spawn().unwrap();
    cordon.stop();
    let (said, _) = add(&cordon, &["good.example.net"]);
    assert!(said.contains("never.txt:1 excepts it, so it is not in gambling"), "{said}");
    assert_eq!(found(&cordon, "good.example.net")[0]["categories"], serde_json::json!([]));
}

#[test]
fn a_change_that_a_probe_speaks_against_is_not_written() {
    let probes = "[probe]\nmust_allow = [\"www.good.example.net\"]\nmust_block = [\"m.bet.example.net\", \"own.example.net\", \"both.example.net\"]\n";
    let (_kept, cordon) = prepared();
    // Before there are probes: what one of them will rest on.
    add(&cordon, &["own.example.net"]);
    let twice = CONFIG.replace("block = [", "deny = [\"both.example.net\"]\nblock = [");
    cordon.write_config(&format!("{twice}{probes}"));
    let before = std::fs::read(journal(&cordon)).unwrap();
    let change = |code: i32, words: &[&str]| {
        let (command, words) = words.split_first().unwrap();
        let head = ["lists", command, "--category", "gambling", "--reason", "ticket 4711"];
        ends(&cordon, code, &[&head[..], words].concat()).1
    };
    let refused: [(&[&str], &str); 4] = [
        (
            &["add", "bet.example.net", "--except"],
            "probe.must_block[0]: m.bet.example.net would be blocked in no network zone",
        ),
        (
            &["add", "win.example.net", "M.BET.example.net", "--except"],
            "probe.must_block[0]: m.bet.example.net would be blocked",
        ),
        (
            &["add", "www.good.example.net"],
            "probe.must_allow[0]: www.good.example.net would be blocked in network zone `here` (gambling)",
        ),
        (&["remove", "own.example.net"], "probe.must_block[1]: own.example.net would be blocked in no network zone"),
    ];
    for (words, why) in refused {
        let said = change(1, words);
        assert!(
            said.contains("nothing was written") && said.contains(why) && said.contains("[probe]"),
            "{words:?}: {said}"
        );
        assert_eq!(std::fs::read(journal(&cordon)).unwrap(), before, "{words:?}");
    }
    let left: Vec<_> = std::fs::read_dir(cordon.dir.join("data/lists")).unwrap().flatten().collect();
    assert!(left.is_empty(), "what was laid aside to ask by is gone: {left:?}");
    // Names that no probe stands at or below, and changes that leave the probes as they must be.
    change(0, &["add", "bad.good.example.net"]);
    change(0, &["add", "good.example.net"]);
    change(0, &["add", "www.bet.example.net", "--except"]);
    change(0, &["add", "both.example.net", "--except"]);
    assert_eq!(cordon.json(&["lists", "added"]).len(), 5);
    let output = cordon.command(&["check"]);
    assert_eq!(output.status.code(), Some(0), "a server starts with it: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_torn_last_line_is_kept_in_sight_and_the_next_line_is_whole() {
    let (_kept, cordon) = prepared();
    add(&cordon, &["win.example.net"]);
    let text = std::fs::read_to_string(journal(&cordon)).unwrap();
    std::fs::write(journal(&cordon), format!("{text}{}", &text[..30])).unwrap();
    let (said, _) = add(&cordon, &["new.example.net"]);
    assert!(said.contains("was not written to its end") && said.contains("journal.jsonl:3"), "{said}");
    let (said, _) = ends(&cordon, 0, &["lists", "added"]);
    assert!(said.contains("journal.jsonl:2 is not a line of the journal"), "{said}");
    assert_eq!(cordon.json(&["lists", "added"]).len(), 2);
    let status = cordon.json(&["lists", "status"]);
    let list = status.iter().find(|list| list["list"] == "gambling/added").unwrap();
    assert_eq!((&list["entries"], &list["refused_lines"]), (&2.into(), &1.into()));
}

#[test]
fn an_exception_of_one_list_leaves_the_name_to_the_others() {
    let (_kept, cordon) = prepared();
    let rules = found(&cordon, "www.bet.example.net");
    assert_eq!(
        (&rules[0]["list"], &rules[0]["effect"]),
        (&"gambling/one.txt/except/not-one.txt".into(), &"exempts".into())
    );
    assert_eq!((&rules[0]["of"], &rules[0]["why"]), (&"gambling/one.txt".into(), &"gambling/one.txt line 2".into()));
    assert_eq!(rules[0]["categories"], serde_json::json!([]));
    assert_eq!(found(&cordon, "bet.example.net")[0]["categories"], serde_json::json!(["gambling"]));
    let rules = found(&cordon, "both.example.net");
    let holds: Vec<_> =
        rules.iter().filter(|rule| rule["effect"] == "holds").map(|rule| rule["list"].clone()).collect();
    assert_eq!(holds, ["gambling/two.txt"]);
}

#[test]
fn a_name_added_by_command_is_in_force_on_a_running_server_and_its_row_names_the_line() {
    let upstream = TableUpstream::start();
    upstream.add("win.example.net.", RecordType::A, "192.0.2.80", 300).unwrap();
    let cordon = Cordon::start(&format!("[upstream]\nservers = [\"udp://{}\"]\n{CONFIG}", upstream.peer.addr), LISTS);
    let is_blocked =
        || addresses(&Ask::new("win.example.net.", RecordType::A).at(cordon.addr)) == [IpAddr::from([0, 0, 0, 0])];
    assert!(!is_blocked());
    ends(&cordon, 0, &["lists", "add", "mail.test.example", "--category", "webmail", "--reason", "r"]);
    add(&cordon, &["win.example.net"]);
    until(&cordon, "added", is_blocked);
    let row = &rows::of(&cordon.log_dir(), "win.example.net")[0];
    assert_eq!((&row["list"], &row["rule"]), (&"gambling/added".into(), &"2:win.example.net".into()), "{row}");
    let told = cordon.json(&["explain", "win.example.net"]);
    assert!(told.iter().any(|zone| zone.to_string().contains("gambling/added line 2")), "{told:?}");
    remove(&cordon, &["win.example.net"]);
    until(&cordon, "removed", || !is_blocked());
}
