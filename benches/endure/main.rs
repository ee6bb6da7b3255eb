//! What shows only in the long run, or while much else is to be done.
//!
//! ```sh
//! cargo bench --bench endure                                            # an hour at 50,000 queries a second: memory, minute by minute
//! cargo bench --bench endure -- --minutes 10 --qps 20000
//! cargo bench --bench endure -- cache --answers 10000000 --qps 25000    # so many answers kept: does an answer ever have to wait?
//! cargo bench --bench endure -- busy --seconds 20 --rounds 3            # 20,000 a second while parts are sealed and a list is reloaded
//! ```
//!
//! The server is the real program with a list of 1,000,000 made-up names, one worker and its log on; the load is checked answer by answer,
//! and each query's time counts from the moment it should have been sent.

mod busy;
mod cache;
mod hour;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cordon::load::{Cores, Names, Server, Tally, Target, Upstream, calls, names};

/// Names on the list.
const LISTED: usize = 1_000_000;

/// What is asked for on the command line.
struct Options(Vec<String>);

impl Options {
    /// Nothing may be left when all options were taken.
    fn all_taken(&self) {
        assert!(self.0.is_empty(), "unknown: {:?}; there are cache and busy, and without a word the long run", self.0);
    }

    fn take<T: std::str::FromStr>(&mut self, name: &str, usual: T) -> T {
        let Some(at) = self.0.iter().position(|argument| argument == name) else { return usual };
        self.0.remove(at);
        let value = (at < self.0.len()).then(|| self.0.remove(at));
        match value.and_then(|value| value.parse().ok()) {
            Some(value) => value,
            None => panic!("{name} wants a value"),
        }
    }
}

fn main() {
    let mut options = Options(std::env::args().skip(1).filter(|argument| argument != "--bench").collect());
    let below: String = options.take("--dir", std::env::temp_dir().display().to_string());
    let folder = PathBuf::from(below).join(format!("cordon-bench-endure-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let mut is = |word: &str| {
        let at = options.0.iter().position(|argument| argument == word);
        at.map(|at| options.0.remove(at)).is_some()
    };
    match (is("cache"), is("busy")) {
        (true, _) => cache::run(&folder, &mut options),
        (_, true) => busy::run(&folder, &mut options),
        (false, false) => hour::run(&folder, &mut options),
    }
    std::fs::remove_dir_all(&folder).expect("our own folder can be removed");
}

/// A line for people.
fn say(line: std::fmt::Arguments<'_>) {
    writeln!(std::io::stdout(), "{line}").expect("standard output is there");
}

/// The server and what it needs.
struct House {
    server: Server,
    names: Names,
    cores: Cores,
    list: PathBuf,
    _upstream: Upstream,
}

impl House {
    /// Starts it with this added to its configuration. Where it is not `kept`, it may use every core.
    fn start(folder: &Path, more: &str, kept: bool) -> House {
        let allowed = calls::allowed_cores().expect("the cores of this machine can be told");
        let mut cores = Cores::share(&allowed, 1);
        calls::pin(&cores.others).expect("this process can be kept on its cores");
        let list = folder.join("names.txt");
        let text = names::list(LISTED);
        std::fs::write(&list, &text).expect("a list can be written");
        let names = Names::of(&text);
        drop(text);
        // Threads of load never rest: an upstream that had to share a core with them would be late.
        let upstream = Upstream::start(&allowed).expect("an upstream can be started");
        if !kept {
            cores.server = allowed;
        }
        let program = Path::new(env!("CARGO_BIN_EXE_cordon"));
        let server =
            Server::start(program, folder, &list, upstream.address(), 1, &cores, more).expect("the server starts");
        House { server, names, cores, list, _upstream: upstream }
    }

    fn target(&self) -> Target {
        Target { address: self.server.address, processes: vec![self.server.process()], only: None, echo: false }
    }

    /// A field of the server's `/proc/PID/status`, in MB.
    fn memory(&self, key: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.server.process())).expect("it runs");
        let line = text.lines().find_map(|line| line.strip_prefix(key)).expect("the kernel tells it");
        line.trim().trim_end_matches(" kB").trim().parse::<f64>().expect("a number") / 1024.0
    }

    fn metric(&self, name: &str) -> f64 {
        self.server.metric(name).unwrap_or(f64::NAN)
    }
}

/// How long answers took: p50, p99, p99.9 and the longest, in milliseconds; and how many were lost or wrong.
fn told(tally: &Tally) -> String {
    let ms = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64() * 1e3;
    let at = |share: f64| ms(tally.took.quantile(share));
    let wrong = tally.first_wrong.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
    format!(
        "p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms, longest {:.1} ms; {} lost, {} wrong{wrong}",
        at(0.5),
        at(0.99),
        at(0.999),
        ms(tally.took.longest()),
        tally.lost,
        tally.wrong
    )
}
