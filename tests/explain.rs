//! `cordon explain` through the real binary: the walk of a decision, and what another configuration would change.

use std::path::Path;
use std::process::{Command, Output};

use cordon::access::{Entry, Whose};
use cordon::moment::Moment;
use cordon::verdict::Transport;
use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::support::client::Ask;
use crate::support::cordon::Cordon;
use crate::support::house::{House, TableUpstream};

/// A folder with a configuration and its lists, and no server.
fn laid(config: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, Cordon) {
    let dir = tempfile::tempdir().unwrap();
    let cordon = Cordon::prepare(dir.path(), config, files).unwrap();
    (dir, cordon)
}

fn text(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    out.into_owned()
}

const LISTS: &[(&str, &str)] = &[
    ("gambling.txt", "# betting\nbet.example\n"),
    ("more-gambling.txt", "poker.example\nwww.bet.example\n"),
    ("charity.txt", "charity.bet.example\n"),
    ("social.txt", "social.example\n"),
    ("streaming.txt", "live.social.example\n"),
];

const RULES: &str = r#"
[upstream]
servers = ["udp://127.0.0.1:9"]
timeout = "1s"

[[category]]
name = "gambling"
clause = "5.2"
lists = [{ path = "gambling.txt" }, { path = "more-gambling.txt" }]
except = ["charity.txt"]
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "streaming"
lists = [{ path = "streaming.txt" }]

[policy.standard]
block = ["gambling", "social"]
monitor = ["streaming"]
deny = ["firm.example"]
allow = ["docs.firm.example"]
[[policy.standard.timed]]
categories = ["social"]
during = "lunch"
action = "allow"
[[policy.standard.exception]]
group = "press-office"
categories = ["social"]
names = ["paper.firm.example"]
action = "allow"

[policy.hq]
inherits = "standard"
monitor = ["gambling"]

[schedule.lunch]
timezone = "Europe/London"
windows = ["mon-fri 12:00-14:00"]

[group.press-office]
users = ["u1"]
devices = ["02:00:00:00:00:01"]
clients = ["127.0.7.0/24"]

[[network_zone]]
name = "stations"
clients = ["127.0.0.0/8"]
policy = "standard"
[[network_zone]]
name = "hq"
clients = ["127.1.0.0/16"]
policy = "hq"
"#;

#[test]
fn an_explanation_names_everything_looked_at_and_why_it_did_or_did_not_speak() {
    let (_kept, cordon) = laid(RULES, LISTS);
    let walk = |arguments: &[&str]| {
        let mut walks = cordon.json(&[&["explain"], arguments, &["--at", "2026-11-23T11:00:00Z"]].concat());
        assert_eq!(walks.len(), 1);
        walks.remove(0)
    };
    let looked = |walk: &Value, what: &str| {
        let all = walk["looked_at"].as_array().unwrap();
        all.iter().find(|looked| looked["what"] == what).unwrap_or_else(|| panic!("no {what}: {walk:#}")).clone()
    };
    let part = |looked: &Value, what: &str| {
        let all = looked["within"].as_array().unwrap();
        all.iter()
            .find(|part| part["what"].as_str().unwrap().starts_with(what))
            .unwrap_or_else(|| panic!("no {what}: {looked:#}"))
            .clone()
    };

    let social = walk(&["www.social.example", "--client", "127.0.0.9"]);
    assert_eq!((&social["action"], &social["reason"]), (&"blocked".into(), &"category".into()));
    let category = looked(&social, "category social");
    assert_eq!(category["spoke"], true);
    let timed = part(&category, "policy.standard.timed[0] lunch");
    assert_eq!(timed["said"], "would be allowed; not in force until Mon 2026-11-23 12:00 GMT");
    let exception = part(&category, "policy.standard.exception[0] press-office")["said"].to_string();
    for why in
        ["not a member", "127.0.0.9 is in none of its prefixes", "the device is not known", "the user is not known"]
    {
        assert!(exception.contains(why), "{why}: {exception}");
    }
    assert_eq!(part(&category, "policy.standard.block social")["counts"], true);
    let next = social["changes"]["next"].as_array().unwrap();
    let told: Vec<_> = next.iter().map(|c| (c["at"].as_str().unwrap(), c["action"].as_str().unwrap())).collect();
    assert_eq!(told, [("Mon 2026-11-23 12:00 GMT", "allowed"), ("Mon 2026-11-23 14:00 GMT", "blocked")]);

    // For a member of the group, and through what.
    for (client, user, through) in [("127.0.7.9", None, "127.0.7.0/24"), ("127.0.0.9", Some("U1"), "user u1")] {
        let mut arguments = vec!["www.social.example", "--client", client];
        arguments.extend(user.iter().flat_map(|user| ["--user", *user]));
        let member = walk(&arguments);
        assert_eq!((&member["action"], &member["reason"]), (&"allowed".into(), &"group".into()));
        let exception = part(&looked(&member, "category social"), "policy.standard.exception[0]");
        assert!(exception["said"].as_str().unwrap().contains(through), "{exception}");
        assert_eq!(exception["counts"], true);
        let never = serde_json::json!({ "next": [], "looked_until": null });
        assert_eq!(member["changes"], never, "a group speaks at any time");
    }

    // Of two categories the strictest, and every list and line.
    let live = walk(&["live.social.example", "--client", "127.0.0.9"]);
    assert_eq!(
        looked(&live, "the strictest counts")["said"],
        "blocked (social) before answered and marked (streaming)"
    );
    assert_eq!(looked(&live, "category streaming")["spoke"], false);
    let bet = walk(&["www.bet.example", "--client", "127.0.0.9"]);
    let gambling = looked(&bet, "category gambling");
    assert_eq!(part(&gambling, "gambling/more-gambling.txt line 2")["counts"], true);
    assert_eq!(part(&gambling, "gambling/gambling.txt line 2")["counts"], false);
    let charity = looked(&walk(&["charity.bet.example", "--client", "127.0.0.9"]), "category gambling");
    assert!(charity["said"].as_str().unwrap().contains("takes it out"), "{charity}");

    // Names: the nearest speaks, the others are told.
    let docs = looked(&walk(&["www.docs.firm.example", "--client", "127.0.0.9"]), "names of the policy");
    assert_eq!(docs["spoke"], true);
    assert_eq!(part(&docs, "policy.standard.allow[0]")["counts"], true);
    assert!(part(&docs, "policy.standard.deny[0]")["said"].as_str().unwrap().starts_with("would be blocked"));
    let paper = walk(&["paper.firm.example", "--client", "127.0.7.9"]);
    assert_eq!(looked(&paper, "names for group press-office")["spoke"], true);

    // What is inherited is named by where it is written.
    let hq = walk(&["www.social.example", "--client", "127.1.0.9"]);
    assert_eq!((&hq["policy"], &hq["inherits"]), (&"hq".into(), &serde_json::json!(["standard"])));
    assert_eq!(part(&looked(&hq, "category social"), "policy.standard.block social")["counts"], true);
    let bet = walk(&["www.bet.example", "--client", "127.1.0.9"]);
    assert_eq!(bet["action"], "monitored");
    assert_eq!(part(&looked(&bet, "category gambling"), "policy.hq.monitor gambling")["counts"], true);
    let told = text(&cordon.command(&["explain", "www.bet.example", "--client", "127.1.0.9"]));
    assert!(told.contains("network zone hq, policy hq, inherits standard"), "{told}");
}

#[test]
fn what_another_configuration_would_change_is_counted_exactly_and_worst_first() {
    let cordon = Cordon::start(RULES, LISTS);
    let ask = |from: &str, name: &str, times: usize| {
        for _ in 0..times {
            Ask::new(name, RecordType::A).from(from).at(cordon.addr);
        }
    };
    ask("127.0.0.5", "www.bet.example", 3); // blocked, and would be marked
    ask("127.0.0.6", "www.bet.example", 2);
    ask("127.0.0.5", "a.firm.example", 4); // blocked, and would be allowed
    ask("127.0.0.5", "localhost", 7); // answered here, by both
    ask("127.1.0.5", "www.bet.example", 1); // marked, and would be blocked
    ask("127.0.0.7", "poker.example", 2); // blocked by both, by another list's line
    ask("127.1.0.5", "b.firm.example", 1); // blocked by both, answered otherwise

    let other = RULES
        .replace("block = [\"gambling\", \"social\"]", "block = [\"social\"]")
        .replace("monitor = [\"streaming\"]", "monitor = [\"streaming\", \"gambling\"]")
        .replace("deny = [\"firm.example\"]", "deny = [\"b.firm.example\", \"poker.example\"]")
        .replace(
            "inherits = \"standard\"\nmonitor = [\"gambling\"]",
            "inherits = \"standard\"\nblock = [\"gambling\"]\nresponse = \"nxdomain\"",
        );
    std::fs::write(cordon.dir.join("other.toml"), format!("[node]\ndata_dir = \"data\"\n{other}")).unwrap();

    let before = folder(&cordon.dir.join("data/lists"));
    let objects = cordon.json(&["explain", "--diff", "other.toml", "--log", "1d", "--reason", "change 7"]);
    let told: Vec<String> = objects
        .iter()
        .filter(|o| o["kind"] == "change")
        .map(|o| {
            let clients = o["clients"].as_array().unwrap().len();
            format!("{} {} {} {clients}", o["change"].as_str().unwrap(), o["name"].as_str().unwrap(), o["queries"])
        })
        .collect();
    assert_eq!(
        told,
        [
            "now blocked www.bet.example 1 1",
            "now answered www.bet.example 5 2",
            "now answered a.firm.example 4 1",
            "other answer b.firm.example 1 1",
        ]
    );
    let now_blocked = objects.iter().find(|o| o["change"] == "now blocked").unwrap();
    assert_eq!(now_blocked["old"]["spoken"]["rule"], "line 2: www.bet.example");
    assert_eq!(now_blocked["network_zones"], serde_json::json!(["hq"]));
    let summary = objects.last().unwrap();
    assert_eq!(summary["kind"], "summary");
    let count = |what: &str| summary[what].as_u64().unwrap();
    assert_eq!(count("rows"), 20);
    assert_eq!((count("decided"), count("changed"), count("unchanged")), (7, 5, 2));
    assert_eq!((count("unchanged_by_another_rule"), count("changed_queries")), (1, 11));
    assert_eq!(folder(&cordon.dir.join("data/lists")), before, "nothing on the disk is touched");

    // Only one network zone; only so many lines; as text.
    let hq = cordon.json(&["explain", "--diff", "other.toml", "--zone", "hq"]);
    assert_eq!(hq.iter().filter(|o| o["kind"] == "change").count(), 2);
    let told = text(&cordon.command(&["explain", "--diff", "other.toml", "--limit", "1"]));
    assert!(told.contains("now blocked"), "{told}");
    assert!(told.contains("The worst 1 of 4 lines; --limit 4 shows all."), "{told}");
    assert!(told.contains("20 rows read, 7 different questions decided by both configurations: 2 unchanged"), "{told}");
    assert!(told.contains("What a log cannot tell"), "{told}");
    // The same configuration changes nothing.
    let same = cordon.json(&["explain", "--diff", cordon.config().to_str().unwrap()]);
    assert_eq!((same.len(), same[0]["changed"].as_u64()), (1, Some(0)));

    // Every look is recorded, with its reason.
    let audit = std::fs::read_to_string(cordon.log_dir().join("audit/audit.jsonl")).unwrap();
    let looks: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(looks.len(), 4);
    assert_eq!((&looks[0]["command"], &looks[0]["reason"]), (&"explain --diff".into(), &"change 7".into()));
    assert_eq!(looks[0]["rows"], 20);
}

fn folder(path: &Path) -> Vec<(std::ffi::OsString, std::time::SystemTime)> {
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<_> = entries.map(|e| (e.file_name(), e.metadata().unwrap().modified().unwrap())).collect();
    all.sort();
    all
}

#[test]
fn a_comparison_needs_a_reason_where_the_log_does_and_a_configuration_that_is_sound() {
    let rules = format!("{RULES}\n[log]\nrequire_reason = \"required\"\n");
    let (_kept, cordon) = laid(&rules, LISTS);
    std::fs::create_dir_all(cordon.log_dir()).unwrap();
    std::fs::write(cordon.dir.join("other.toml"), RULES.replace("[policy.hq]", "[policy.hqq]")).unwrap();
    let fails = |arguments: &[&str], code: i32, word: &str| {
        let output = cordon.command(&[&["explain"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    };
    fails(&["--diff", "other.toml"], 3, "unknown policy `hq`");
    fails(&["--diff", "cordon.toml"], 2, "log.require_reason");
    fails(&["--diff", "cordon.toml", "--log", "soon"], 2, "is not a time");
    fails(&["--diff", "cordon.toml", "--zone", "hqq", "--reason", "r"], 2, "a network zone `hqq`; did you mean `hq`?");
    fails(&["https://www.bet.example/x"], 2, "is a URL; write the name alone");
    fails(&["www.bet.example", "--diff", "cordon.toml"], 2, "cannot be used with");
    fails(&["www.bet.example", "--log", "7d"], 2, "--diff");
    fails(&[], 2, "<NAME>");
}

#[test]
fn an_explanation_says_how_a_list_answers_where_the_policy_leaves_it_to_the_list() {
    let zone = "$ORIGIN rpz.example.\n@ 60 IN SOA a b 1 2 3 4 5\nrecords.example 60 A 192.0.2.33\nrecords.example 60 TXT x\n\
                alias.example 60 CNAME garden.example.\n*.wild.example 60 CNAME *.garden.example.\ntcp.example 60 CNAME rpz-tcp-only.\n\
                nx.example 60 CNAME .\n";
    let rules = "[[category]]\nname = \"rpz\"\nlists = [{ path = \"rpz.zone\", format = \"rpz\" }]\n\
                 [policy.list]\nblock = [\"rpz\"]\n[policy.own]\nblock = [\"rpz\"]\nresponse = \"nodata\"\n\
                 [[network_zone]]\nname = \"hq\"\nclients = [\"10.0.0.0/8\"]\npolicy = \"list\"\n\
                 [[network_zone]]\nname = \"lab\"\nclients = [\"10.9.0.0/16\"]\npolicy = \"own\"\n";
    let (_kept, cordon) = laid(rules, &[("rpz.zone", zone)]);
    let answer = |name: &str, client: &str| {
        let told = cordon.json(&["explain", name, "--client", client]);
        assert_eq!(told[0]["action"], "blocked", "{told:?}");
        told[0]["answer"].as_str().unwrap().strip_suffix("; extended error 15 (blocked)").unwrap().to_owned()
    };
    for (name, said) in [
        ("records.example", "from the list: A 192.0.2.33, TXT, no data for other types"),
        ("alias.example", "from the list: alias of garden.example; where that leads is judged, too"),
        ("a.wild.example", "from the list: alias of the name before garden.example; where that leads is judged, too"),
        ("tcp.example", "over UDP only that there is more over TCP; over TCP as if it were not listed"),
        ("nx.example", "NXDOMAIN"),
    ] {
        assert_eq!(answer(name, "10.0.0.1"), said, "{name}");
        assert_eq!(answer(name, "10.9.0.1"), "no data", "{name}: the policy writes how it answers");
    }
}

#[test]
fn an_explanation_says_why_a_signal_gets_no_sinkhole() {
    let zone = "$ORIGIN rpz.example.\n@ 60 IN SOA a b 1 2 3 4 5\nmask.icloud.com 60 A 192.0.2.33\n";
    let rules = "[[category]]\nname = \"signals\"\nlists = [{ path = \"names.txt\" }, { path = \"rpz.zone\", format = \"rpz\" }]\n\
                 [policy.sink]\nblock = [\"signals\"]\n[policy.own]\nblock = [\"signals\"]\nresponse = \"nodata\"\n\
                 [[network_zone]]\nname = \"hq\"\nclients = [\"10.0.0.0/8\"]\npolicy = \"sink\"\n\
                 [[network_zone]]\nname = \"lab\"\nclients = [\"10.9.0.0/16\"]\npolicy = \"own\"\n";
    let names = "use-application-dns.net\nbet.example\n";
    let (_kept, cordon) = laid(rules, &[("rpz.zone", zone), ("names.txt", names)]);
    let answer = |name: &str, client: &str| {
        let told = cordon.json(&["explain", name, "--client", client]);
        assert_eq!((&told[0]["action"], &told[0]["category"]), (&"blocked".into(), &"signals".into()), "{told:?}");
        told[0]["answer"].as_str().unwrap().to_owned()
    };
    for (name, who) in [("use-application-dns.net", "Firefox"), ("mask.icloud.com", "Apple devices")] {
        let told = answer(name, "10.0.0.1");
        let begins = format!("NXDOMAIN in place of the sinkhole, since an address here would tell {who} to ");
        assert!(told.starts_with(&begins) && told.ends_with("extended error 15 (blocked)"), "{told}");
        assert!(answer(name, "10.9.0.1").starts_with("no data"), "what the policy writes holds");
    }
    assert!(answer("bet.example", "10.0.0.1").starts_with("A 0.0.0.0"));
}

#[test]
fn the_explanation_in_the_readme_is_a_real_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let policy = std::fs::read_to_string(root.join("docs/POLICY.md")).unwrap();
    let (_, config) = policy.split_once("```toml\n# cordon.toml\n").unwrap();
    let (config, _) = config.split_once("```").unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("config")).unwrap();
    std::os::unix::fs::symlink(root.join("blocklists"), dir.path().join("blocklists")).unwrap();
    let path = dir.path().join("config/cordon.toml");
    std::fs::write(&path, config).unwrap();
    let (_, picture) = readme.split_once("$ cordon explain ").unwrap();
    let (command, picture) = picture.split_once('\n').unwrap();
    let (picture, _) = picture.split_once("```").unwrap();
    let mut arguments: Vec<&str> = Vec::new();
    for (n, quoted) in command.split('"').enumerate() {
        match n % 2 {
            0 => arguments.extend(quoted.split_whitespace()),
            _ => arguments.push(quoted),
        }
    }
    let output = Command::new(env!("CARGO_BIN_EXE_cordon"))
        .args([&["--config", path.to_str().unwrap(), "explain"][..], &arguments].concat())
        .env("TZ", "Europe/London")
        .output()
        .unwrap();
    assert_eq!(text(&output), picture);
}

fn moment(text: &str) -> Moment {
    Moment::from(text.parse::<jiff::Timestamp>().unwrap())
}

/// An engine whose clock is the test's, by these rules; its upstream has one name.
fn house(name: &str, at: &str) -> (TableUpstream, String, House) {
    let upstream = TableUpstream::start();
    upstream.add(name, RecordType::A, "192.0.2.7", 60).unwrap();
    let rules = RULES.replace("udp://127.0.0.1:9", &format!("udp://{}", upstream.peer.addr));
    let files: Vec<(String, String)> = LISTS.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    let house = House::new(&rules, &files, moment(at)).unwrap();
    (upstream, rules, house)
}

/// Asks for an address, so many times.
fn ask(house: &House, name: &str, client: &str, times: usize) {
    for _ in 0..times {
        let asked = Ask::new(name, RecordType::A).wire(7);
        house.ask(&asked, format!("{client}:4444").parse().unwrap(), Transport::Udp).unwrap();
    }
}

/// What its log says other rules would change.
fn compared(house: &House, other: &str) -> Vec<Value> {
    let dir = house.log_dir().join("../..");
    std::fs::write(dir.join("other.toml"), format!("[node]\nname = \"story\"\n{other}")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cordon"))
        .current_dir(&dir)
        .args(["--config", "cordon.toml", "--json", "explain", "--diff", "other.toml", "--log", "2025-11-20"])
        .output()
        .unwrap();
    text(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_question_is_decided_at_a_time_like_the_one_it_was_asked_at() {
    // A Monday: before lunch, at lunch, in the evening; and the Sunday before, at the hour of lunch.
    let (_upstream, rules, house) = house("www.social.example", "2025-11-23T12:30:00Z");
    for (at, times) in [
        ("2025-11-23T12:30:00Z", 5),
        ("2025-11-24T11:30:00Z", 2),
        ("2025-11-24T12:30:00Z", 3),
        ("2025-11-24T18:30:00Z", 4),
    ] {
        house.clock.set(moment(at));
        ask(&house, "www.social.example", "127.0.0.5", times);
    }
    let other = rules.replace("windows = [\"mon-fri 12:00-14:00\"]", "windows = [\"mon-fri 18:00-20:00\"]");
    let objects = compared(&house, &other);
    let told: Vec<String> =
        objects.iter().map(|o| format!("{} {} {}", o["change"], o["queries"], o["new"]["spoken"]["reason"])).collect();
    // At lunch it was answered and would not be; in the evening the other way round; at any other time nothing changes.
    assert_eq!(told[..2], ["\"now blocked\" 3 \"category\"", "\"now answered\" 4 \"schedule\""]);
    let summary = &objects[2];
    assert_eq!((&summary["rows"], &summary["decided"], &summary["changed"]), (&14.into(), &3.into(), &2.into()));
}

#[test]
fn grants_and_withdrawals_count_in_a_comparison_as_they_stood_when_it_was_asked() {
    let (_upstream, rules, house) = house("www.news.example", "2025-11-24T09:00:00Z");
    let grant = Entry::Grant {
        subject: Whose::Client("127.0.0.5".into()),
        name: Some("news.example".into()),
        category: None,
        minutes: 60,
        expires: moment("2025-11-24T11:00:00Z"),
        reason: "a story".into(),
        approver: "Sgt Example".into(),
    };
    let withdrawal = Entry::Withdraw {
        subject: Whose::Client("127.0.0.6".into()),
        authoriser: "Insp Example".into(),
        reason: "a story".into(),
        start: moment("2025-11-24T10:00:00Z"),
        review: moment("2025-11-24T10:30:00Z"),
        expires: moment("2025-11-24T11:00:00Z"),
    };
    for (at, entry) in [("2025-11-24T10:00:00Z", grant), ("2025-11-24T10:00:00Z", withdrawal)] {
        house.journal().append("teller", moment(at), |_| Ok((None, entry))).unwrap();
    }
    house.take_journal().unwrap();
    // Each client before, while and after.
    for (at, times) in [("2025-11-24T09:30:00Z", 1), ("2025-11-24T10:30:00Z", 2), ("2025-11-24T11:30:00Z", 4)] {
        house.clock.set(moment(at));
        for client in ["127.0.0.5", "127.0.0.6", "127.0.0.8"] {
            ask(&house, "www.news.example", client, times);
        }
    }
    let other = rules.replace("deny = [\"firm.example\"]", "deny = [\"firm.example\", \"news.example\"]");
    let objects = compared(&house, &other);
    let change = &objects[0];
    assert_eq!(
        (objects.len(), &change["change"], &change["queries"]),
        (2, &"now blocked".into(), &17.into()),
        "{change}"
    );
    let of = |client: &str| {
        let clients = change["clients"].as_array().unwrap();
        clients.iter().find(|found| found["client"] == client).unwrap()["queries"].as_u64()
    };
    assert_eq!(of("127.0.0.5"), Some(5), "while the grant held the name comes either way");
    assert_eq!(of("127.0.0.6"), Some(5), "while access was withdrawn nothing came");
    assert_eq!(of("127.0.0.8"), Some(7));
}
