//! One measurement: load for some seconds, and what the server under test cost meanwhile.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::calls::{self, ticks_a_second};
use super::generator::{Generator, Pace, Phase, Tally};
use super::machine::Cores;
use super::process::{self, Spent, Thread, core_time, spent};
use super::work::Work;

/// The server under test.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it answers.
    pub address: SocketAddr,
    /// Its processes.
    pub processes: Vec<u32>,
    /// Threads that count; none: all of them.
    pub only: Option<&'static str>,
    /// Whether it is the bare echo.
    pub echo: bool,
}

/// How it is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// When queries are sent, by all generators together.
    pub pace: Pace,
    /// How long answers are not counted.
    pub warm: Duration,
    /// How long they are.
    pub seconds: Duration,
    /// Which cores are whose.
    pub cores: Cores,
}

/// What a measurement found.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Answers while it was counted.
    pub answered: u64,
    /// How long that was, in seconds.
    pub seconds: f64,
    /// Lost, wrong, and how long answers took.
    pub tally: Tally,
    /// What the server's threads cost meanwhile, by name.
    pub spent: Vec<Spent>,
    /// The share of the server's cores that other programs used, 0 to 1; not known where no cores are kept apart.
    pub foreign: Option<f64>,
    /// The share of these cores that the host gave to others, 0 to 1.
    pub stolen: f64,
}

impl Measured {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds.max(1e-9)
    }

    /// Microseconds of CPU a query, of all the server's threads.
    pub fn cpu(&self) -> f64 {
        self.cpu_of(|_| true)
    }

    /// Microseconds of CPU a query, of the threads whose names are wanted.
    pub fn cpu_of(&self, wanted: impl Fn(&str) -> bool) -> f64 {
        let nanos: u64 = self.spent.iter().filter(|spent| wanted(&spent.name)).map(|spent| spent.nanos).sum();
        nanos as f64 / 1e3 / self.answered.max(1) as f64
    }

    /// The share of the CPU that was spent in the kernel, 0 to 1.
    pub fn system(&self) -> f64 {
        let all: u64 = self.spent.iter().map(|spent| spent.nanos).sum();
        self.spent.iter().map(|spent| spent.system * spent.nanos as f64).sum::<f64>() / all.max(1) as f64
    }
}

/// What is read at the beginning and at the end.
struct Look {
    at: Instant,
    threads: Vec<Thread>,
    cores: process::CoreTime,
    answered: u64,
}

/// Measures the server under test with this work.
///
/// # Errors
/// A socket cannot be had, or the server's processes are gone.
pub fn measure(work: &Work, target: &Target, plan: &Plan) -> io::Result<Measured> {
    let count = plan.cores.generators.max(1);
    let pace = match plan.pace {
        Pace::Outstanding(_) | Pace::Apart(_) => plan.pace,
        Pace::Rate(rate) => Pace::Rate(rate / count as f64),
    };
    let (phase, answered) = (Phase::default(), AtomicU64::new(0));
    let look = || -> io::Result<Look> {
        let mut threads = Vec::new();
        for &process in &target.processes {
            threads.extend(process::threads(process)?);
        }
        threads.retain(|thread| target.only.is_none_or(|only| thread.name.starts_with(only)));
        let cores = core_time(&plan.cores.server);
        Ok(Look { at: Instant::now(), threads, cores, answered: answered.load(Ordering::Acquire) })
    };
    let gives_way = plan.cores.others.is_empty();
    // All of them before one runs: those that run would wait for an end that nobody tells them.
    let generators = (0..count)
        .map(|number| Generator::new(work, pace, target.address, number, target.echo, gives_way))
        .collect::<io::Result<Vec<_>>>()?;
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for (number, generator) in generators.into_iter().enumerate() {
            let core = plan.cores.others.get(number).copied();
            let (phase, answered) = (&phase, &answered);
            running.push(scope.spawn(move || {
                // Where it may not be kept there, the figures of the machine's cores tell.
                let _ = calls::pin(core.as_slice());
                generator.run(u64::MAX, phase, answered)
            }));
        }
        std::thread::sleep(plan.warm);
        phase.begin(Phase::COUNTING);
        let first = look();
        std::thread::sleep(plan.seconds);
        let last = look();
        phase.begin(Phase::ENDING);
        let mut measured = Measured::default();
        for generator in running {
            measured.tally.merge(generator.join().map_err(|_| io::Error::other("a thread of load panicked"))??);
        }
        let (first, last) = (first?, last?);
        measured.answered = last.answered - first.answered;
        measured.seconds = (last.at - first.at).as_secs_f64();
        measured.spent = spent(&first.threads, &last.threads);
        let whole = measured.seconds * plan.cores.server.len().max(1) as f64;
        let ticks = ticks_a_second() as f64;
        measured.stolen = last.cores.stolen.saturating_sub(first.cores.stolen) as f64 / ticks / whole;
        if !plan.cores.server.is_empty() {
            let busy = last.cores.busy.saturating_sub(first.cores.busy) as f64 / ticks;
            let ours = measured.spent.iter().map(|spent| spent.nanos as f64 / 1e9).sum::<f64>();
            measured.foreign = Some(((busy - ours) / whole).max(0.0));
        }
        Ok(measured)
    })
}

/// Asks for everything once, a few at a time, so that it is in the server's cache.
///
/// # Errors
/// As [`measure`].
pub fn warm(work: &Work, target: &Target) -> io::Result<Tally> {
    let phase = Phase::default();
    phase.begin(Phase::COUNTING);
    let generator = Generator::new(work, Pace::Outstanding(64), target.address, 0, target.echo, true)?;
    generator.run(work.len() as u64, &phase, &AtomicU64::new(0))
}
