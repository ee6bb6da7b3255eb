//! How many instructions a query takes on the fast way: counted by valgrind, which sees no other program and no speed of the machine, and
//! compared with the figures that are kept.
//!
//! More than a few in a hundred over a kept figure is told, not failed: a change may be worth it. To keep new figures:
//!
//! ```sh
//! UPDATE_GOLDEN=1 cargo test --release --test main instructions
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use cordon::engine::fast::{Packet, Way};
use cordon::moment::Moment;
use cordon::verdict::Transport;
use hickory_proto::rr::RecordType;
use serde::{Deserialize, Serialize};

use crate::support::client::Ask;
use crate::support::house::{House, TableUpstream};

/// What is counted: its name, what is asked, and by whom.
const CASES: [(&str, &str, &str); 4] = [
    ("blocked", "www.listed777.example", "10.0.0.1"),
    ("cached", "www.example.net", "10.0.0.1"),
    ("refused", "www.example.net", "192.0.2.1"),
    ("handed_over", "www.example.org", "10.0.0.1"),
];
/// Queries of a short run and of a long one: what both do besides cancels out.
const RUNS: [u64; 2] = [1_000, 11_000];
/// A figure that is higher by more is told.
const MUCH: f64 = 0.05;
/// How often such a figure is counted again before it is told.
const AGAIN: usize = 2;
/// What the counted process is told: the case and how many queries.
const ORDER: &str = "CORDON_TEST_COUNTED";
const KEPT: &str = "benches/runs/instructions.toml";
const ABOUT: &str = "# Instructions a query takes on the fast way: release profile, one query a batch, its record made, without the socket.\n\
                     # `UPDATE_GOLDEN=1 cargo test --release --test main instructions` writes them; docs/PERFORMANCE.md says more.\n";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    architecture: String,
    instructions: BTreeMap<String, u64>,
}

#[test]
fn a_query_takes_about_as_many_instructions_as_before() {
    // Without optimisation the figures say nothing of the program that runs.
    if cfg!(debug_assertions) {
        return tell("instructions a query are counted with --release only");
    }
    let now: BTreeMap<String, u64> = CASES.iter().map(|(case, ..)| ((*case).to_owned(), counted(case))).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(KEPT);
    let here = std::env::consts::ARCH;
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let kept = Kept { architecture: here.to_owned(), instructions: now };
        return std::fs::write(&path, format!("{ABOUT}{}", toml::to_string(&kept).unwrap())).unwrap();
    }
    let kept: Kept = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for (case, count) in &now {
        let before = *kept.instructions.get(case).unwrap_or_else(|| panic!("{KEPT} has no figure for {case}"));
        if kept.architecture != here {
            tell(&format!("instructions a query, {case}: {count}; kept figures are of {}", kept.architecture));
            continue;
        }
        let over = |count: u64| count as f64 / before as f64 - 1.0;
        // Tables are keyed at random, and in one run of many a name shares its place with another one: the least of a few counts.
        let count =
            &(0..AGAIN).fold(*count, |least, _| if over(least) > MUCH { least.min(counted(case)) } else { least });
        let more = over(*count);
        let mark =
            if more > MUCH { "WARNING: more instructions a query than are kept" } else { "instructions a query" };
        tell(&format!("{mark}, {case}: {count}, kept {before} ({:+.1} %)", more * 100.0));
    }
    let known: Vec<&str> = CASES.iter().map(|(case, ..)| *case).collect();
    assert!(kept.instructions.keys().all(|case| known.contains(&case.as_str())), "{KEPT} has a figure of no case");
}

/// Past what the test harness catches, so that it is seen when nothing fails.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Instructions a query of a case.
fn counted(case: &str) -> u64 {
    let [short, long] = RUNS.map(|queries| instructions(case, queries));
    assert!(long > short, "{case}: {long} instructions for {} queries, {short} for {}", RUNS[1], RUNS[0]);
    (long - short) / (RUNS[1] - RUNS[0])
}

/// Instructions of a whole run.
fn instructions(case: &str, queries: u64) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}/out", folder.path().display()));
    command.arg(std::env::current_exe().unwrap());
    command.args(["instructions::what_is_counted", "--exact", "--ignored", "--test-threads=1"]);
    let output = command.env(ORDER, format!("{case} {queries}")).output();
    let output =
        output.unwrap_or_else(|error| panic!("valgrind does not run ({error}): install it, as scripts/test does"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {said}\n{}", String::from_utf8_lossy(&output.stdout));
    // ==1== Collected : 123456
    let line = said.lines().find_map(|line| line.split_once("Collected : "));
    line.and_then(|(_, number)| number.trim().parse().ok())
        .unwrap_or_else(|| panic!("valgrind tells no count:\n{said}"))
}

#[test]
#[ignore = "the test above runs it under valgrind"]
fn what_is_counted() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let (case, queries) = order.split_once(' ').unwrap();
    let (_, name, client) = CASES.into_iter().find(|(known, ..)| *known == case).unwrap();
    let upstream = TableUpstream::start();
    let house = house(&upstream);
    house.ask(&Ask::new("www.example.net", RecordType::A).wire(7), client_at("10.0.0.1"), Transport::Udp).unwrap();
    let (mut worker, wire) = (house.worker(), Ask::new(name, RecordType::A).wire(7));
    let (client, since) = (client_at(client), Instant::now());
    let mut out = vec![0; 4096];
    for _ in 0..queries.parse::<u64>().unwrap() {
        let packet = Packet { octets: &wire, client, transport: Transport::Udp, at: house.clock.now(), since };
        worker.begin_batch();
        worker.foresee(&wire);
        let way = worker.answer(0, packet, &mut out);
        assert!(worker.end_batch());
        match way {
            Way::Done(Some(_)) if case != "handed_over" => {}
            Way::Slow(slow) if case == "handed_over" => drop(slow),
            _ => panic!("{case} goes another way"),
        }
    }
}

fn client_at(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), 4444)
}

/// As a force has it, smaller: a few categories, a group's exception, a thousand names.
fn house(upstream: &TableUpstream) -> House {
    let config = format!(
        "[upstream]\nservers = [\"udp://{}\"]\n[[category]]\nname = \"bad\"\nlists = [{{ path = \"bad.txt\" }}]\n\
         [[category]]\nname = \"worse\"\nlists = [{{ path = \"worse.txt\" }}]\n\
         [group.press]\nclients = [\"10.7.0.0/16\"]\n[policy.standard]\nblock = [\"bad\", \"worse\"]\ndeny = [\"never.example\"]\n\
         allow = [\"always.example\"]\n[[policy.standard.exception]]\ngroup = \"press\"\ncategories = [\"bad\"]\naction = \"allow\"\n\
         [[network_zone]]\nname = \"hq\"\nclients = [\"10.0.0.0/8\"]\npolicy = \"standard\"\n",
        upstream.peer.addr
    );
    let names = |of: &str| (0..1_000).map(|n| format!("{of}{n}.example\n")).collect::<String>();
    let files = [("bad.txt".to_owned(), names("listed")), ("worse.txt".to_owned(), names("other"))];
    upstream.add("www.example.net", RecordType::A, "192.0.2.7", 86_400).unwrap();
    House::new(&config, &files, Moment::from_seconds(1_800_000_000)).unwrap()
}
