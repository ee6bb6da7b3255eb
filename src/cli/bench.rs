//! `cordon bench`: how quick Cordon is on this machine, and what it costs, beside the least that a UDP server can cost here.

mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;

use super::{Failure, Out};
use crate::load::{
    Cores, Echo, Machine, Measured, Names, Pace, Plan, Sealing, Server, Target, Upstream, Work, calls, generator,
    measure, names, warm,
};

/// Queries awaited at any time where it is as many as the server can take.
pub const OUTSTANDING: usize = 1_000;
/// How long each workload runs before it is counted.
const WARM: Duration = Duration::from_millis(500);

/// What is to be measured.
#[derive(Clone, Debug, Args)]
#[command(long_about = "Measure how quick Cordon is on this machine, and what it costs.

It starts a server of its own beside whatever runs here: with its log on, a list of a million made-up names, and an upstream that is part of \
the bench. Everything stays on 127.0.0.0/8 and in one folder, which is removed at the end. It takes about half a minute and, while it lasts, two \
cores; do not run it on a machine that answers for people.

Each answer is checked. Beside each figure stands the same of a bare echo, which only sends packets back: what the kernel takes, and no \
name server can do without.")]
pub struct BenchArgs {
    /// Block the names of this list instead of made-up ones; plain names, hosts or any form that `lists` takes, not packed
    #[arg(long, value_name = "FILE", conflicts_with = "names")]
    pub list: Option<PathBuf>,
    /// Block so many made-up names
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=20_000_000))]
    pub names: u32,
    /// Workers of the server, each with a core of its own; one core more is wanted for the load
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: u16,
    /// How long each of the four workloads is measured, in seconds; as long again its echo
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub seconds: f64,
    /// Queries a second of the workload at a fixed rate, where answers' times are told best
    #[arg(long, value_name = "QUERIES", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub rate: u32,
    /// Where the server's folder is made; its log should be on a disk like that of the real one [default: the folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.2..=600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0.2 to 600 is wanted".to_owned()),
    }
}

/// Everything a bench found.
pub(super) struct Found {
    machine: Machine,
    cores: Cores,
    workers: usize,
    listed: usize,
    folder: PathBuf,
    started_in: Duration,
    /// Octets resident: when it was ready, and after all load.
    resident: [u64; 2],
    workloads: Vec<Workload>,
    sealing: Option<Sealing>,
    /// Records that the log could not take.
    unrecorded: f64,
    /// Octets of receive buffer there were, of those asked for.
    buffer: usize,
}

/// One workload: what the server did with it, and what the echo did.
pub(super) struct Workload {
    key: &'static str,
    title: String,
    pace: Pace,
    cordon: Measured,
    echo: Measured,
}

/// Measures and tells.
///
/// # Errors
/// The list cannot be read or has no names, the server does not start, or an answer was wrong.
pub fn run(args: &BenchArgs, out: &mut Out) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::start(format!("this program's own file cannot be found, to start a server from: {error}"))
    })?;
    let folder = Folder::make(args.folder.as_deref())?;
    let found = find(args, &program, &folder.0)?;
    report::tell(&found, out)?;
    out.flush()?;
    let wrong: u64 = found.workloads.iter().map(|workload| workload.cordon.tally.wrong).sum();
    if wrong > 0 {
        return Err(Failure::failed(format!("{wrong} answers were wrong: these figures are worth nothing")));
    }
    Ok(())
}

fn find(args: &BenchArgs, program: &Path, folder: &Path) -> Result<Found, Failure> {
    let stage = ProgressBar::new_spinner();
    let say = |text: &str| {
        stage.set_message(text.to_owned());
        stage.tick();
    };
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| Failure::failed(format!("{what}: {error}"))
    };
    // Read before any load of ours.
    let machine = Machine::here();
    let allowed = calls::allowed_cores().map_err(failed("the cores of this machine cannot be told"))?;
    let workers = usize::from(args.workers);
    let cores = Cores::share(&allowed, workers);
    say("making names");
    let (path, text) = list(args, folder)?;
    let names = Names::of(&text);
    drop(text);
    if names.listed.is_empty() {
        let problem = "there is no name in it that is blocked beyond doubt; give a list of names, not packed";
        return Err(Failure::failed(format!("{}: {problem}", path.display())));
    }
    // What this process does from here on, the echo aside, is not to be done on the server's cores.
    calls::pin(&cores.others).map_err(failed("this process cannot be kept on its cores"))?;
    let upstream = Upstream::start(&cores.others).map_err(failed("an upstream cannot be started"))?;
    let echo = Echo::start(workers, &cores.server).map_err(failed("an echo cannot be started"))?;
    let echo =
        Target { address: echo.address(), processes: vec![std::process::id()], only: Some(Echo::THREADS), echo: true };
    say("starting the server; it compiles the list");
    let server = Server::start(program, folder, &path, upstream.address(), workers, &cores, "")
        .map_err(|error| Failure::start(error.to_string()))?;
    let target = Target { address: server.address, processes: vec![server.process()], only: None, echo: false };
    let ready = server.resident().unwrap_or(0);
    let buffer = buffer().map_err(failed("a socket cannot be had"))?;
    say("filling the cache");
    fill(&names, &target)?;
    let (saturated, fixed) = (Pace::Outstanding(OUTSTANDING), Pace::Rate(f64::from(args.rate)));
    let mut workloads = Vec::new();
    for (key, title, pace, work) in [
        ("cached", "cached".to_owned(), saturated, Work::cached as fn(&Names) -> Work),
        ("blocked", "blocked".to_owned(), saturated, Work::blocked),
        ("mixed", "mixed, 15 in 100 blocked".to_owned(), saturated, Work::mixed),
        ("rate", format!("mixed, {} a second", report::count(u64::from(args.rate))), fixed, Work::mixed),
    ] {
        say(&format!("measuring: {title}"));
        let work = work(&names);
        let plan = Plan { pace, warm: WARM, seconds: Duration::from_secs_f64(args.seconds), cores: cores.clone() };
        let cordon = measure(&work, &target, &plan).map_err(failed("the load cannot be made"))?;
        let echo = measure(&work, &echo, &plan).map_err(failed("the load cannot be made"))?;
        workloads.push(Workload { key, title, pace, cordon, echo });
    }
    let resident = [ready, server.resident().unwrap_or(0)];
    let unrecorded = server.metric("cordon_log_lost_total").unwrap_or(0.0);
    let started_in = server.started_in;
    say("sealing what was recorded");
    let sealing = server.stop().map_err(failed("stopping the server"))?;
    stage.finish_and_clear();
    let (listed, folder) = (names.listed.len(), folder.to_owned());
    Ok(Found { machine, cores, workers, listed, folder, started_in, resident, workloads, sealing, unrecorded, buffer })
}

/// The list and where it is.
fn list(args: &BenchArgs, folder: &Path) -> Result<(PathBuf, Vec<u8>), Failure> {
    let unreadable = |path: &Path, error| {
        let advice = "name a file that is there and that you may read, or leave --list out for names that are made up";
        Failure::failed(format!("{}: cannot be read: {error}; {advice}", path.display()))
    };
    if let Some(path) = &args.list {
        let path = fs::canonicalize(path).map_err(|error| unreadable(path, error))?;
        let text = fs::read(&path).map_err(|error| unreadable(&path, error))?;
        return Ok((path, text));
    }
    let (path, text) = (folder.join("list.txt"), names::list(args.names as usize));
    fs::write(&path, &text).map_err(|error| {
        Failure::failed(format!("{}: cannot be written: {error}; name another --folder", path.display()))
    })?;
    Ok((path, text))
}

/// Asks for every ordinary name until each is answered.
fn fill(names: &Names, target: &Target) -> Result<(), Failure> {
    let work = Work::each_once(names);
    let mut last = String::new();
    for _ in 0..5 {
        let tally = warm(&work, target).map_err(|error| Failure::failed(format!("filling the cache: {error}")))?;
        if tally.lost == 0 && tally.wrong == 0 {
            return Ok(());
        }
        last = tally.first_wrong.unwrap_or_else(|| format!("{} of {} were not answered", tally.lost, work.len()));
    }
    Err(Failure::failed(format!("the server does not answer ordinary names as it should: {last}")))
}

/// Octets of receive buffer that a socket is granted here.
fn buffer() -> std::io::Result<usize> {
    calls::buffers(&std::net::UdpSocket::bind("127.0.0.1:0")?, generator::BUFFER)
}

/// The folder of one run; gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn make(within: Option<&Path>) -> Result<Folder, Failure> {
        let within = within.map_or_else(std::env::temp_dir, Path::to_owned);
        let path = within.join(format!("cordon-bench-{}", std::process::id()));
        // Never one that is there already: whoever made it might have laid something into it.
        fs::create_dir(&path).map_err(|error| {
            let advice = "choose another with --folder, or remove what an interrupted run left there";
            Failure::failed(format!("{}: cannot be made: {error}; {advice}", path.display()))
        })?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
