//! Grants and withdrawals from outside: through the real commands, on a running server, over restarts, and what is told when the journal was
//! tampered with.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::support::client::Ask;
use crate::support::cordon::Cordon;

const CONFIG: &str = "[withdrawal]\nessential = [\"portal.desk.example\"]\n\
    [[local_zone]]\nname = \"desk.example\"\nfile = \"desk.zone\"\nfilter = true\n\
    [[category]]\nname = \"betting\"\nlists = [{ path = \"betting.txt\" }]\n\
    [policy.standard]\nblock = [\"betting\"]\nresponse = \"nxdomain\"\n\
    [[network_zone]]\nname = \"desks\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n\
    [[attribution.static]]\nclient = \"127.0.0.1\"\nuser = \"u4711\"\n";

const ZONE: &str = "$TTL 3600\n@ IN SOA ns hostmaster 1 7200 3600 1209600 300\n  IN NS ns\nns IN A 192.0.2.53\n\
    bet IN A 192.0.2.7\nplain IN A 192.0.2.8\nportal IN A 192.0.2.9\n";

const FILES: &[(&str, &str)] = &[("desk.zone", ZONE), ("betting.txt", "bet.desk.example\n")];

const GRANT: &[&str] = &[
    "grant",
    "add",
    "--user",
    "U4711",
    "--name",
    "bet.desk.example",
    "--minutes",
    "60",
    "--reason",
    "inquiry",
    "--approver",
    "Sgt Example",
];

fn start() -> Cordon {
    Cordon::start(CONFIG, FILES)
}

/// The response code of a question for an A record, and the TTL of the first record.
fn ask(cordon: &Cordon, name: &str) -> (ResponseCode, Option<u32>) {
    let answer = Ask::new(&format!("{name}."), RecordType::A).from("127.0.0.1").at(cordon.addr);
    (answer.metadata.response_code, answer.answers.first().map(|record| record.ttl))
}

/// Asks until the response code is this one: a change is in force within a second, and a test waits for as long as it takes.
#[track_caller]
fn becomes(cordon: &Cordon, name: &str, code: ResponseCode) {
    for _ in 0..1_200 {
        if ask(cordon, name).0 == code {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("{name} does not become {code}; cordon says:\n{}", cordon.stderr());
}

fn journal(cordon: &Cordon) -> std::path::PathBuf {
    cordon.dir.join("data/access/journal.jsonl")
}

#[track_caller]
fn done(cordon: &Cordon, arguments: &[&str]) -> Value {
    cordon.json(arguments).into_iter().next().unwrap_or_else(|| panic!("{arguments:?} says nothing"))
}

#[track_caller]
fn refused(cordon: &Cordon, arguments: &[&str], code: i32) -> String {
    let output = cordon.command(arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    text
}

#[test]
fn a_grant_is_in_force_at_once_on_a_running_server_survives_a_restart_and_ends_when_it_is_revoked() {
    let mut cordon = start();
    assert_eq!(ask(&cordon, "bet.desk.example").0, ResponseCode::NXDomain);
    let granted = done(&cordon, GRANT);
    let id = granted["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("g-") && granted["subject"]["user"] == "u4711", "{granted}");
    becomes(&cordon, "bet.desk.example", ResponseCode::NoError);
    let (_, ttl) = ask(&cordon, "bet.desk.example");
    assert!(ttl.unwrap() <= 3_600, "no answer outlives the grant");
    let row = cordon.rows(&["--action", "granted"]).remove(0);
    assert_eq!((row["rule"].as_str(), row["qname"].as_str()), (Some(&*id), Some("bet.desk.example")), "{row}");
    assert_eq!(cordon.metric("cordon_access_changes_total{result=\"ok\"}"), 1.0);
    let series = "cordon_queries_total{network_zone=\"desks\",transport=\"udp\",action=\"granted\"}";
    assert!(cordon.metric(series) >= 1.0, "{}", cordon.metrics());

    assert_eq!(cordon.stop(), Some(0));
    cordon.spawn().unwrap();
    assert_eq!(ask(&cordon, "bet.desk.example").0, ResponseCode::NoError, "a restart keeps it");
    let revoked = done(&cordon, &["grant", "revoke", &id, "--reason", "closed"]);
    assert_eq!(revoked["state"], "revoked");
    becomes(&cordon, "bet.desk.example", ResponseCode::NXDomain);
    assert!(refused(&cordon, &["grant", "revoke", &id, "--reason", "again"], 1).contains("it is revoked"));
    assert_eq!(cordon.json(&["grant", "list"]).len(), 0);
    assert_eq!(cordon.json(&["grant", "list", "--all"])[0]["revoked"]["reason"], "closed");

    let verified = done(&cordon, &["log", "verify"]);
    assert_eq!(verified["ok"], true, "{verified}");
    let proven = verified["proven"].as_array().unwrap().iter().any(|text| {
        text.as_str().unwrap().contains("journal of grants and withdrawals: 2 lines")
            && text.as_str().unwrap().contains("first 2")
    });
    assert!(proven, "{verified}");
}

#[test]
fn a_withdrawal_blocks_everything_but_essential_names_until_access_is_restored() {
    let cordon = start();
    let added = done(
        &cordon,
        &[
            "withdraw",
            "add",
            "--user",
            "u4711",
            "--authoriser",
            "Supt Example",
            "--reason",
            "conduct",
            "--review",
            "2099-01-01",
            "--expires",
            "2099-02-01",
        ],
    );
    let id = added["id"].as_str().unwrap().to_owned();
    becomes(&cordon, "plain.desk.example", ResponseCode::NXDomain);
    assert_eq!(ask(&cordon, "portal.desk.example").0, ResponseCode::NoError);
    let row = cordon.rows(&["--name", "plain.desk.example", "--action", "blocked"]).remove(0);
    assert_eq!(row["rule"], format!("{id} by user"), "{row}");
    let told = cordon.json(&["explain", "plain.desk.example", "--client", "127.0.0.1"]).remove(0);
    assert_eq!((told["reason"].as_str(), told["action"].as_str()), (Some("withdrawn"), Some("blocked")), "{told}");
    done(&cordon, GRANT);
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(ask(&cordon, "bet.desk.example").0, ResponseCode::NXDomain, "a grant lifts no withdrawal");
    done(&cordon, &["withdraw", "restore", &id, "--authoriser", "Supt Example", "--reason", "review"]);
    becomes(&cordon, "plain.desk.example", ResponseCode::NoError);
    assert_eq!(cordon.json(&["withdraw", "list"]).len(), 0);
    assert_eq!(cordon.json(&["withdraw", "list", "--all"])[0]["state"], "restored");
}

#[test]
fn a_journal_that_was_tampered_with_changes_nothing_on_a_running_server_and_stops_the_next_start() {
    let mut cordon = start();
    done(
        &cordon,
        &[
            "withdraw",
            "add",
            "--client",
            "127.0.0.1",
            "--authoriser",
            "Supt Example",
            "--reason",
            "conduct",
            "--review",
            "2099-01-01",
            "--expires",
            "2099-02-01",
        ],
    );
    becomes(&cordon, "plain.desk.example", ResponseCode::NXDomain);
    let text = std::fs::read_to_string(journal(&cordon)).unwrap();
    let failed = "cordon_access_changes_total{result=\"failed\"}";
    let mut failures = 0.0;
    // Taken away, emptied, changed within.
    let changed = text.replace("conduct", "nothing");
    for tampered in [None, Some(String::new()), Some(changed)] {
        match &tampered {
            None => std::fs::remove_file(journal(&cordon)).unwrap(),
            Some(text) => std::fs::write(journal(&cordon), text).unwrap(),
        }
        for _ in 0..1_200 {
            if cordon.metric(failed) > failures {
                break;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        assert!(cordon.metric(failed) > failures, "{tampered:?}: {}", cordon.stderr());
        failures = cordon.metric(failed);
        assert_eq!(
            ask(&cordon, "plain.desk.example").0,
            ResponseCode::NXDomain,
            "a withdrawal is not forgotten: {tampered:?}"
        );
    }
    assert!(cordon.stderr().contains("grants and withdrawals stay as they were"), "{}", cordon.stderr());
    let verified = done(&cordon, &["log", "verify"]);
    assert_eq!(verified["ok"], false, "{verified}");
    assert_eq!(verified["problems"][0]["file"], "access/journal.jsonl", "{verified}");

    assert_eq!(cordon.stop(), Some(0));
    cordon.launch().unwrap();
    assert_eq!(cordon.wait_for_end(), Some(3), "{}", cordon.stderr());
    assert!(cordon.stderr().contains("put it back from a backup"), "{}", cordon.stderr());
    std::fs::write(journal(&cordon), &text[..text.len() - 5]).unwrap();
    assert!(refused(&cordon, GRANT, 1).contains("the last line has no end"));
    std::fs::write(journal(&cordon), &text).unwrap();
    cordon.spawn().unwrap();
    assert_eq!(ask(&cordon, "plain.desk.example").0, ResponseCode::NXDomain);
}

#[test]
fn what_is_given_wrongly_is_told_with_what_to_do() {
    let kept = tempfile::tempdir().unwrap();
    let cordon = Cordon::prepare(kept.path(), CONFIG, FILES).unwrap();
    let grant = |rest: &[&str]| {
        let arguments = [&["grant", "add", "--reason", "r", "--approver", "a"], rest].concat();
        refused(&cordon, &arguments, 2)
    };
    assert!(grant(&["--user", "u", "--category", "beting", "--minutes", "5"]).contains("did you mean `betting`?"));
    assert!(grant(&["--user", "u", "--name", "x.test", "--minutes", "0"]).contains("1..=43200"));
    assert!(
        grant(&["--user", "u", "--client", "10.0.0.1", "--name", "x.test", "--minutes", "5"])
            .contains("cannot be used with")
    );
    assert!(grant(&["--user", "u", "--minutes", "5"]).contains("--category"));
    assert!(grant(&["--device", "00:11", "--name", "x.test", "--minutes", "5"]).contains("00:11:22:33:44:55"));
    assert!(grant(&["--client", "10.0.0.1/8", "--name", "x.test", "--minutes", "5"]).contains("write 10.0.0.0/8"));
    assert!(grant(&["--user", "u", "--name", "https://x.test/", "--minutes", "5"]).contains("--name"));
    let withdraw = |rest: &[&str]| {
        let arguments = [&["withdraw", "add", "--user", "u", "--authoriser", "a", "--reason", "r"], rest].concat();
        refused(&cordon, &arguments, 2)
    };
    assert!(withdraw(&["--review", "2020-01-01", "--expires", "2020-02-01"]).contains("is past"));
    assert!(withdraw(&["--review", "2020-01-01", "--expires", "2099-02-01"]).contains("not after the start"));
    assert!(withdraw(&["--review", "2099-03-01", "--expires", "2099-02-01"]).contains("review it before"));
    assert!(
        withdraw(&["--start", "2099-03-01", "--review", "2099-03-02", "--expires", "2099-02-01"])
            .contains("nothing lies between")
    );
    assert!(refused(&cordon, &["grant", "revoke", "g-1", "--reason", "r"], 2).contains("g-20261125-0001"));
    assert!(
        refused(&cordon, &["withdraw", "restore", "w-20261125-0001", "--authoriser", "a", "--reason", "r"], 1)
            .contains("there is no withdrawal")
    );
    // Without a server it is written all the same, and in force at the next start.
    let added = done(
        &cordon,
        &[
            "grant",
            "add",
            "--client",
            "::ffff:127.0.0.1",
            "--category",
            "betting",
            "--minutes",
            "5",
            "--reason",
            "r",
            "--approver",
            "a",
        ],
    );
    let subject: IpAddr = added["subject"]["client"].as_str().unwrap().parse().unwrap();
    assert_eq!(subject, IpAddr::from([127, 0, 0, 1]));
    assert!(journal(&cordon).exists());
}
