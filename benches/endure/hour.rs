//! An hour of load: whether anything grows.

use std::path::Path;
use std::time::Duration;

use cordon::load::{Pace, Plan, Work, measure, warm};

use crate::{House, Options, say, told};

/// Minutes at the beginning and at the end whose least are compared: at any moment a seal may be under way, which has memory of its own for
/// as long as it takes.
const ENDS: usize = 5;

pub(crate) fn run(folder: &Path, options: &mut Options) {
    let minutes: usize = options.take("--minutes", 60);
    let qps: f64 = options.take("--qps", 50_000.0);
    options.all_taken();
    let house = House::start(folder, "", true);
    let target = house.target();
    warm(&Work::each_once(&house.names), &target).expect("the cache can be filled");
    say(format_args!("resident before: {:.1} MB", house.memory("VmRSS:")));
    let work = Work::mixed(&house.names);
    let mut owned = Vec::new();
    for minute in 1..=minutes {
        let plan = Plan {
            pace: Pace::Rate(qps),
            warm: Duration::ZERO,
            seconds: Duration::from_secs(60),
            cores: house.cores.clone(),
        };
        let measured = measure(&work, &target, &plan).expect("the load can be made");
        let (all, own) = (house.memory("VmRSS:"), house.memory("RssAnon:"));
        owned.push(own);
        say(format_args!(
            "minute {minute}: {:.0}/s, {:.2} us each, resident {all:.1} MB of which own {own:.1} MB, live rows {:.0}, {}",
            measured.rate(),
            measured.cpu(),
            house.metric("cordon_log_live_rows"),
            told(&measured.tally)
        ));
    }
    let least = |minutes: &[f64]| minutes.iter().copied().fold(f64::INFINITY, f64::min);
    let ends = ENDS.min(owned.len().div_ceil(2));
    let (first, last) = (least(&owned[..ends]), least(&owned[owned.len() - ends..]));
    say(format_args!("own memory, least of the first {ends} minutes {first:.1} MB, of the last {last:.1} MB"));
    say(format_args!(
        "records {:.0}, lost {:.0}, most resident ever {:.1} MB",
        house.metric("cordon_log_records_total"),
        house.metric("cordon_log_lost_total"),
        house.memory("VmHWM:")
    ));
}
