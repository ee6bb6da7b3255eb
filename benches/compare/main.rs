//! Cordon beside others: dnsdist with a CDB list, Unbound with local zones, and the bare echo, in rounds that take turns.
//!
//! ```sh
//! cargo bench --bench compare                                    # a receipt in benches/runs/DATE-compare
//! cargo bench --bench compare -- --rounds 5 --seconds 3          # the usual
//! cargo bench --bench compare -- --only cordon,unbound --names 100000 --to FOLDER
//! ```
//!
//! Every server has the same list, the same upstream (a thread of the bench), one thread for answers and the same core; the load is on
//! another one. Cordon runs with its log on, and what sealing its records costs is added; the others run without a log. Peers that are not
//! installed are left out, with a line that says so. Every answer is checked; a wrong or lost one is told.

mod peers;
mod plot;
mod receipt;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cordon::load::{
    Cores, Echo, Machine, Measured, Names, Pace, Plan, Target, Upstream, Work, calls, measure, names, warm,
};
use cordon::moment::Clock;

use peers::{Ground, Peer};

/// Queries awaited at any time where it is as many as a server can take.
const OUTSTANDING: usize = 1_000;
/// The share of the server's core that other programs may use before a measurement is made once more.
const MUCH_FOREIGN: f64 = 0.06;

/// What is measured: a key, and what it is for people.
const WORKLOADS: [(&str, &str); 5] = [
    ("cached", "cached"),
    ("blocked", "blocked"),
    ("mixed", "mixed, 15 in 100 blocked"),
    ("apart", "blocked, each query from a port of its own"),
    ("rate", "mixed, 20,000 a second"),
];
const RATE: f64 = 20_000.0;

/// One server in one round.
struct Turn {
    peer: &'static str,
    round: usize,
    ready: f64,
    /// Octets resident: when it was ready, and after the load.
    resident: [u64; 2],
    /// In the order of [`WORKLOADS`], each with the echo's cost beside it.
    measured: Vec<(Measured, f64)>,
    /// Microseconds to seal a record, for Cordon.
    sealing: Option<f64>,
}

struct Asked {
    rounds: usize,
    seconds: f64,
    names: usize,
    only: Option<Vec<String>>,
    to: Option<PathBuf>,
    command: String,
}

fn main() {
    let asked = asked();
    let machine = Machine::here();
    let cores = Cores::share(&calls::allowed_cores().expect("the cores can be told"), 1);
    let folder = std::env::temp_dir().join(format!("cordon-bench-compare-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder can be made");
    let begun = Clock::Real.now();
    let list = folder.join("list.txt");
    let text = names::list(asked.names);
    std::fs::write(&list, &text).expect("a list can be written");
    let names = Names::of(&text);
    drop(text);
    calls::pin(&cores.others).expect("this process can be kept on its cores");
    let upstream = Upstream::start(&cores.others).expect("an upstream starts");
    let ground = Ground { folder: &folder, list: &list, names: &names, upstream: upstream.address(), cores: &cores };

    let (mut there, mut left_out) = (Vec::new(), Vec::new());
    for peer in
        peers::ALL.iter().filter(|peer| asked.only.as_ref().is_none_or(|only| only.iter().any(|one| one == peer.key)))
    {
        match (peer.version)() {
            Ok(version) => there.push((peer, version)),
            Err(why) => left_out.push(format!("{} is left out: {why}", peer.key)),
        }
    }
    left_out.iter().for_each(|line| say(line));
    let works = [Work::cached(&names), Work::blocked(&names), Work::mixed(&names)];
    let first = Work::each_once(&names);
    let mut turns = Vec::new();
    for round in 0..asked.rounds {
        for (peer, _) in &there {
            let turn = turn(peer, round, &ground, &works, &first, asked.seconds);
            say(&receipt::line(&turn));
            turns.push(turn);
        }
    }
    let date = begun.to_string().chars().take(10).collect::<String>();
    let to =
        asked.to.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("benches/runs/{date}-compare")));
    let versions: Vec<(&str, &str, String)> =
        there.iter().map(|(peer, version)| (peer.key, peer.about, version.clone())).collect();
    let told = receipt::Receipt {
        date: &date,
        command: &asked.command,
        machine: &machine,
        seconds: asked.seconds,
        listed: names.listed.len(),
        peers: &versions,
        left_out: &left_out,
        turns: &turns,
    };
    say(&told.tables());
    told.write(&to).expect("the receipt can be written");
    for peer in ["dnsdist", "unbound"] {
        // What they ran with, for whoever wants to argue.
        let _ = std::fs::copy(folder.join(peer).join("config"), to.join(format!("{peer}.conf")));
    }
    say(&format!("written to {}", to.display()));
    std::fs::remove_dir_all(&folder).expect("our own folder can be removed");
    let wrong: u64 = turns.iter().flat_map(|turn| &turn.measured).map(|(measured, _)| measured.tally.wrong).sum();
    assert_eq!(wrong, 0, "wrong answers: the figures are worth nothing");
}

fn say(text: &str) {
    writeln!(std::io::stdout(), "{text}").expect("standard output is there");
}

fn asked() -> Asked {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let command = format!("cargo bench --bench compare -- {}", words.join(" "));
    let mut option = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.remove(at);
        (at < words.len()).then(|| words.remove(at))
    };
    let number = |text: Option<String>, usual: f64| text.map_or(usual, |text| text.parse().expect("a number"));
    let asked = Asked {
        rounds: number(option("--rounds"), 3.0) as usize,
        seconds: number(option("--seconds"), 3.0),
        names: number(option("--names"), 1_000_000.0) as usize,
        only: option("--only").map(|list| list.split(',').map(str::to_owned).collect()),
        to: option("--to").map(PathBuf::from),
        command: command.trim_end_matches(" -- ").trim_end().to_owned(),
    };
    assert!(words.is_empty(), "unknown: {words:?}; there are --rounds, --seconds, --names, --only and --to");
    asked
}

/// Starts a server, measures everything, ends it.
fn turn(peer: &Peer, round: usize, ground: &Ground<'_>, works: &[Work; 3], first: &Work, seconds: f64) -> Turn {
    let running = (peer.start)(ground).unwrap_or_else(|error| panic!("{} does not start: {error}", peer.key));
    let target = running.target();
    if !target.echo {
        fill(peer, first, &target);
    }
    let ready = running.resident();
    let echo = Echo::start(1, &ground.cores.server).expect("an echo starts");
    let echo = (
        Target { address: echo.address(), processes: vec![std::process::id()], only: Some(Echo::THREADS), echo: true },
        echo,
    );
    let plan = |pace, seconds: f64| Plan {
        pace,
        warm: Duration::from_millis(300),
        seconds: Duration::from_secs_f64(seconds),
        cores: ground.cores.clone(),
    };
    let [cached, blocked, mixed] = works;
    let measured = WORKLOADS.iter().map(|(key, _)| {
        let (pace, work) = match *key {
            "cached" => (Pace::Outstanding(OUTSTANDING), cached),
            "blocked" => (Pace::Outstanding(OUTSTANDING), blocked),
            "apart" => (Pace::Apart(OUTSTANDING), blocked),
            "mixed" => (Pace::Outstanding(OUTSTANDING), mixed),
            _ => (Pace::Rate(RATE), mixed),
        };
        let mut best: Option<Measured> = None;
        // Once more when others used the core, and the quieter of the two.
        for _ in 0..2 {
            let found = measure(work, &target, &plan(pace, seconds)).expect("the load can be made");
            let quiet = found.foreign.unwrap_or(0.0) < MUCH_FOREIGN;
            if best.as_ref().is_none_or(|best| found.foreign < best.foreign) {
                best = Some(found);
            }
            if quiet {
                break;
            }
        }
        let beside = if target.echo { None } else { measure(work, &echo.0, &plan(pace, seconds / 3.0)).ok() };
        let best = best.expect("it was measured");
        let beside = beside.map_or(best.cpu(), |beside| beside.cpu());
        (best, beside)
    });
    let measured = measured.collect();
    let resident = [ready, running.resident()];
    let ready = running.ready.as_secs_f64();
    Turn { peer: peer.key, round, ready, resident, measured, sealing: running.stop() }
}

/// Asks for every ordinary name until each is answered.
fn fill(peer: &Peer, first: &Work, target: &Target) {
    let mut last = None;
    for _ in 0..5 {
        let tally = warm(first, target).expect("the load can be made");
        if tally.lost == 0 && tally.wrong == 0 {
            return;
        }
        last = tally.first_wrong;
    }
    panic!("{} does not answer ordinary names: {last:?}", peer.key);
}
