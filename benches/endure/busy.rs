//! As people ask, while parts are sealed and the list is reloaded: how much later the late answers are. Beside it a bare echo under the same
//! load tells what this machine makes late by itself.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cordon::load::{Echo, Measured, Pace, Plan, Target, Work, measure, warm};

use crate::{House, Options, say, told};

pub(crate) fn run(folder: &Path, options: &mut Options) {
    let rounds: usize = options.take("--rounds", 3);
    let seconds: u64 = options.take("--seconds", 20);
    let qps: f64 = options.take("--qps", 20_000.0);
    let seal: u64 = options.take("--seal", 3);
    let kept = options.take("--kept", 0) == 1;
    options.all_taken();
    let house = House::start(folder, &format!("[log]\nseal_every = \"{seal}s\"\n"), kept);
    let target = house.target();
    warm(&Work::each_once(&house.names), &target).expect("the cache can be filled");
    let work = Work::mixed(&house.names);
    let echo = Echo::start(1, &house.cores.server).expect("an echo can be started");
    let echo = (
        Target { address: echo.address(), processes: vec![std::process::id()], only: Some(Echo::THREADS), echo: true },
        echo,
    );
    let load = |target: &Target| -> Measured {
        let (pace, warm) = (Pace::Rate(qps), Duration::from_secs(1));
        let plan = Plan { pace, warm, seconds: Duration::from_secs(seconds), cores: house.cores.clone() };
        measure(&work, target, &plan).expect("the load can be made")
    };
    let line = |measured: &Measured| {
        let stolen = measured.stolen * 100.0;
        let late = Duration::from_nanos(measured.tally.late).as_secs_f64() * 1e3;
        format!("{}; the host took {stolen:.1} %, load was up to {late:.1} ms late itself", told(&measured.tally))
    };
    for round in 0..rounds {
        say(format_args!("round {round}, bare echo: {}", line(&load(&echo.0))));
        let parts = house.metric("cordon_log_parts");
        let sealed = load(&target);
        let now = house.metric("cordon_log_parts");
        say(format_args!("round {round}, {} parts sealed: {}", now - parts, line(&sealed)));
        let next = longer_by(&house.list, round);
        let (reloaded, reloaded_in) = std::thread::scope(|scope| {
            let reload = scope.spawn(|| {
                std::thread::sleep(Duration::from_secs(seconds / 4));
                reload(&house, &next)
            });
            (load(&target), reload.join().expect("it does not panic"))
        });
        let parts = house.metric("cordon_log_parts") - now;
        let took = reloaded_in.as_secs_f64();
        say(format_args!("round {round}, {parts} parts sealed, a reload of {took:.1} s: {}", line(&reloaded)));
    }
}

/// A list with one name more, beside the list.
fn longer_by(list: &Path, round: usize) -> std::path::PathBuf {
    let next = list.with_extension("next");
    let mut text = std::fs::read(list).expect("the list is there");
    text.extend_from_slice(format!("added-{round}.bench.example\n").as_bytes());
    std::fs::write(&next, text).expect("a list can be written");
    next
}

/// Puts the next list in force; how long that took.
fn reload(house: &House, next: &Path) -> Duration {
    let before = house.metric("cordon_snapshot_generation");
    std::fs::rename(next, &house.list).expect("it can be renamed");
    let begun = Instant::now();
    let status = Command::new("kill").arg("-HUP").arg(house.server.process().to_string()).status();
    assert!(status.is_ok_and(|status| status.success()), "kill is there");
    while house.metric("cordon_snapshot_generation") <= before {
        assert!(begun.elapsed() < Duration::from_secs(60), "the reload comes to an end");
        std::thread::sleep(Duration::from_millis(50));
    }
    begun.elapsed()
}
