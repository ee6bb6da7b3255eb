//! What the log costs: appending a record, sealing a row, and how long an append waits while the disk is busy.
//!
//! ```sh
//! cargo bench --bench log                                # sealing: a row of figures for each of four rounds of 500,000 rows
//! cargo bench --bench log -- waits --seconds 20          # appends at a steady rate, without and with a thread that writes and syncs
//! cargo bench --bench log -- sealing --queries FILE      # names from a file: one a line, what follows a space is left out
//! ```
//!
//! Rows are as people ask: ten thousand names by Zipf's law, 2000 clients, 15 of 100 blocked by a line of a list, 4 of 100 from upstream.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cordon::config::checked::{Log, RequireReason, WhenFull};
use cordon::dns::Name;
use cordon::moment::{Clock, Moment};
use cordon::record::{Record, Rule};
use cordon::store::{Lane, Store};
use cordon::subject::Subject;
use cordon::verdict::{Action, Source, Transport};

const ROWS: usize = 500_000;
const ROUNDS: usize = 4;
const NOON: Moment = Moment::from_seconds(1_800_014_400);

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let mut option = |name: &str, usual: &str| match arguments.iter().position(|argument| argument == name) {
        Some(at) => {
            arguments.remove(at);
            arguments.remove(at)
        }
        None => usual.to_owned(),
    };
    let seconds = Duration::from_secs(option("--seconds", "20").parse().expect("a number"));
    let rate: f64 = option("--qps", "20000").parse().expect("a number");
    let queries = option("--queries", "");
    let below = PathBuf::from(option("--dir", &std::env::temp_dir().to_string_lossy()));
    let dir = below.join(format!("cordon-bench-log-{}", std::process::id()));
    let asked = Asked::new(&queries);
    match arguments.first().map(String::as_str) {
        Some("waits") => waits(&dir, &asked, rate, seconds),
        _ => sealing(&dir, &asked),
    }
    std::fs::remove_dir_all(&dir).expect("our own folder can be removed");
}

fn figure(value: std::fmt::Arguments<'_>) {
    writeln!(std::io::stdout(), "{value}").expect("standard output is there");
}

/// What people ask.
struct Asked {
    names: Vec<Name>,
    subjects: Vec<Subject>,
    answers: Vec<String>,
}

impl Asked {
    fn new(queries: &str) -> Asked {
        let names = if queries.is_empty() { zipf() } else { read(queries) };
        let v4 = |n: usize| Ipv4Addr::new(10, 20, (n / 250) as u8, (n % 250) as u8);
        let answer = |n: usize| match n % 3 {
            0 => format!("192.0.{}.{},192.0.{}.{}", n / 250, n % 250, n / 240, n % 240),
            _ => format!("198.51.{}.{}", n / 250, n % 250),
        };
        Asked {
            names,
            subjects: (0..2000).map(|n| Subject::bare(IpAddr::V4(v4(n)))).collect(),
            answers: (0..5000).map(answer).collect(),
        }
    }

    /// Appends the `n`th row, as of a time.
    fn append(&self, lane: &mut Lane, n: usize, time: Moment) {
        let name = &self.names[n % self.names.len()];
        let chance = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        let subject = &self.subjects[chance as usize % self.subjects.len()];
        let of_name = name.as_wire().iter().fold(0usize, |sum, octet| sum.wrapping_mul(31) + *octet as usize);
        let (blocked, fetched) = (chance % 100 < 15, chance % 100 > 95);
        let record = Record {
            time,
            client: (subject.client, 1024 + (chance % 60_000) as u16).into(),
            transport: Transport::Udp,
            network_zone: "hq-desktops",
            generation: 3,
            subject,
            qname: Some(name),
            qtype: if chance % 7 < 5 { 1 } else { 28 },
            action: if blocked { Action::Blocked } else { Action::Allowed },
            category: blocked.then_some("advertising"),
            list: blocked.then_some("advertising/feed.txt"),
            rule: if blocked { Rule::Line { line: (of_name % 1_000_000) as u32, labels: 2 } } else { Rule::None },
            rcode: Some(0),
            ede: blocked.then_some(15),
            answer: if blocked { "0.0.0.0" } else { &self.answers[of_name % self.answers.len()] },
            source: Some(match (blocked, fetched) {
                (true, _) => Source::Policy,
                (false, true) => Source::Upstream,
                (false, false) => Source::Cache,
            }),
            upstream: (fetched && !blocked).then_some("udp://192.0.2.53"),
            duration_us: if fetched { 3000 + (chance % 5000) as u32 } else { 4 + (chance % 9) as u32 },
        };
        lane.append(&record).expect("there is space");
    }
}

fn zipf() -> Vec<Name> {
    let names: Vec<Name> = (0..10_000usize)
        .map(|n| Name::parse(&format!("{}.site-{n}.example", ["www", "cdn", "api", "mail"][n % 4])).expect("a name"))
        .collect();
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=names.len())
        .map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        })
        .collect();
    let chance = |n: usize| ((n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1u64 << 53) as f64;
    (0..ROWS).map(|n| names[sums.partition_point(|&upto| upto < chance(n) * sum).min(names.len() - 1)]).collect()
}

fn read(queries: &str) -> Vec<Name> {
    let text = std::fs::read_to_string(queries).expect("the queries can be read");
    text.lines().take(ROWS).filter_map(|line| Name::parse(line.split(' ').next()?).ok()).collect()
}

fn open(dir: &Path) -> Store {
    let log = Log {
        dir: dir.join("log"),
        sync_interval: Duration::from_millis(200),
        seal_every: Duration::from_secs(36_000),
        retain: Duration::from_secs(90 * 86_400),
        when_full: WhenFull::Answer,
        require_reason: RequireReason::Off,
        signing_key: dir.join("log.key"),
    };
    Store::open(&log, "bench", Clock::Real).expect("the log can be opened")
}

/// Processor time of this thread.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    Duration::from_nanos(text.split(' ').next().and_then(|word| word.parse().ok()).expect("a number"))
}

/// Octets of memory: of the process alone, and of mapped files.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap_or("0 0");
        line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0) >> 10
    };
    (of("RssAnon:"), of("RssFile:"))
}

fn sealing(dir: &Path, asked: &Asked) {
    let store = open(dir);
    let mut lanes = [store.lane().expect("a lane"), store.lane().expect("a lane")];
    let before = memory();
    for round in 0..ROUNDS {
        let at = |n: usize| NOON.plus(Duration::from_micros(((round * ROWS + n) * 50) as u64));
        let start = spent();
        (0..ROWS).for_each(|n| asked.append(&mut lanes[n % 2], n, at(n)));
        let appended = spent() - start;
        let mapped = memory().1.saturating_sub(before.1);
        let (start, begun) = (spent(), Instant::now());
        store.flush().expect("it is sealed");
        let (sealed, took) = (spent() - start, begun.elapsed());
        let each = |whole: Duration| whole.as_nanos() as f64 / ROWS as f64;
        let own = memory().0 as i64 - before.0 as i64;
        figure(format_args!(
            "round {round}: append {:.0} ns a row, seal {:.0} ns ({:.0} by the clock); own memory {own:+} MB, mapped {mapped:+} MB",
            each(appended),
            each(sealed),
            each(took)
        ));
    }
    let gauges = store.gauges();
    figure(format_args!("parts: {:.1} octets a row", gauges.bytes as f64 / (ROUNDS * ROWS) as f64));
    drop(lanes);
    store.close().expect("it can be closed");
}

/// How long single appends took.
#[derive(Default)]
struct Waits {
    /// The longest, and whether the thread was put to sleep in them: not by the scheduler, but since it had to wait for something.
    longest: Vec<(Duration, bool)>,
    asleep: u64,
    over: [u64; 4],
    count: u64,
    sum: Duration,
}

const STEPS: [Duration; 4] =
    [Duration::from_micros(100), Duration::from_millis(1), Duration::from_millis(5), Duration::from_millis(10)];

fn waits(dir: &Path, asked: &Asked, rate: f64, seconds: Duration) {
    let store = open(dir);
    let mut lane = store.lane().expect("a lane");
    for busy in [false, true, false, true] {
        let stop = AtomicBool::new(false);
        let mut waits = Waits::default();
        std::thread::scope(|scope| {
            if busy {
                for writer in 0..4 {
                    let (path, stop) = (dir.join(format!("busy-{writer}")), &stop);
                    scope.spawn(move || make_busy(&path, stop));
                }
            }
            let begun = Instant::now();
            let before = usage();
            for n in 0.. {
                let due = Duration::from_secs_f64(n as f64 / rate);
                if due > seconds {
                    break;
                }
                if let Some(early) = due.checked_sub(begun.elapsed()).filter(|early| *early > Duration::from_millis(1))
                {
                    std::thread::sleep(early);
                }
                let slept = usage().1;
                let start = Instant::now();
                asked.append(&mut lane, n, NOON.plus(due));
                let wait = start.elapsed();
                waits.take(wait, usage().1 > slept);
            }
            stop.store(true, Ordering::Relaxed);
            let faults = usage().0 - before.0;
            let longest: Vec<String> = waits
                .longest
                .iter()
                .map(|(wait, slept)| format!("{:.2}{}", wait.as_secs_f64() * 1e3, if *slept { " asleep" } else { "" }))
                .collect();
            figure(format_args!(
                "{}: {} appends of {} ns, {faults} page faults, asleep in {}; over 0.1, 1, 5, 10 ms: {:?}; longest in ms: {}",
                if busy { "busy disk" } else { "quiet disk" },
                waits.count,
                waits.sum.as_nanos() as u64 / waits.count.max(1),
                waits.asleep,
                waits.over,
                longest.join(", ")
            ));
        });
    }
    drop(lane);
    store.close().expect("it can be closed");
}

impl Waits {
    fn take(&mut self, wait: Duration, slept: bool) {
        self.count += 1;
        self.sum += wait;
        self.asleep += u64::from(slept);
        for (over, step) in self.over.iter_mut().zip(STEPS) {
            *over += u64::from(wait > step);
        }
        if self.longest.len() < 5 || self.longest.last().is_some_and(|last| last.0 < wait) {
            self.longest.push((wait, slept));
            self.longest.sort_by(|a, b| b.cmp(a));
            self.longest.truncate(5);
        }
    }
}

/// How often this thread so far met a page fault, and how often it gave the processor away to wait for something.
fn usage() -> (i64, i64) {
    // SAFETY: every bit pattern of the struct's numbers is a value, and the call has room for one.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
        (usage.ru_minflt + usage.ru_majflt, usage.ru_nvcsw)
    }
}

/// Writes, syncs, makes and renames files, as a reload and whatever else the machine does, without taking the processor from the lane.
fn make_busy(path: &Path, stop: &AtomicBool) {
    // SAFETY: a plain system call on the calling thread.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, libc::syscall(libc::SYS_gettid) as libc::id_t, 19) };
    let octets = vec![0x5a; 1 << 20];
    for round in 0.. {
        let path = path.with_extension((round % 8).to_string());
        let mut file = std::fs::File::create(&path).expect("a file");
        // A large one now and then, small ones between.
        for _ in 0..if round % 16 == 0 { 48 } else { 1 } {
            file.write_all(&octets).expect("it is written");
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
        file.sync_all().expect("it is synced");
        std::fs::rename(&path, path.with_extension("named")).expect("it is renamed");
    }
}
