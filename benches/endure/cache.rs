//! Millions of answers in the cache: whether an answer from it ever has to wait while more come and the oldest go.

use std::path::Path;
use std::sync::atomic::AtomicU64;

use cordon::dns::Name;
use cordon::load::answer::{Expected, address_of};
use cordon::load::generator::{Generator, Phase};
use cordon::load::work::query;
use cordon::load::{Pace, Tally, Work, warm};

use crate::{House, Options, say, told};

/// New names that are asked for before a line is written.
const CHUNK: u64 = 500_000;
/// Queries a second for names that are in the cache, beside the new ones.
const AGAIN: f64 = 2_000.0;

pub(crate) fn run(folder: &Path, options: &mut Options) {
    let answers: u64 = options.take("--answers", 10_000_000);
    let beyond: u64 = options.take("--beyond", answers / 10);
    let qps: f64 = options.take("--qps", 25_000.0);
    let size: String = options.take("--size", "4GiB".to_owned());
    options.all_taken();
    let house = House::start(folder, &format!("[cache]\nsize = \"{size}\"\n"), true);
    let target = house.target();
    let popular = Work::each_once(&house.names);
    let mut done = 0;
    while done < answers + beyond {
        let work = new_names(done);
        // What is asked for all the time stays in the cache, and is answered from it.
        warm(&popular, &target).expect("the cache can be filled");
        let (phase, hits, count) = (Phase::default(), Phase::default(), AtomicU64::new(0));
        phase.begin(Phase::COUNTING);
        hits.begin(Phase::COUNTING);
        let generator = |work, rate, number| {
            Generator::new(work, Pace::Rate(rate), target.address, number, false, true).expect("sockets")
        };
        let (new, again) = (generator(&work, qps, 1), generator(&popular, AGAIN, 2));
        let (new, again) = std::thread::scope(|scope| {
            let again = scope.spawn(|| again.run(u64::MAX, &hits, &AtomicU64::new(0)));
            let new = new.run(CHUNK, &phase, &count).expect("the load can be made");
            hits.begin(Phase::ENDING);
            let again: Tally = again.join().expect("it does not panic").expect("the load can be made");
            (new, again)
        });
        done += CHUNK;
        say(format_args!(
            "{done} names: {:.0} in the cache, {:.0} MB of it, resident {:.0} MB\n    new:   {}\n    again: {}",
            house.metric("cordon_cache_entries"),
            house.metric("cordon_cache_bytes") / f64::from(1 << 20),
            house.memory("VmRSS:"),
            told(&new),
            told(&again)
        ));
    }
}

/// Names that nobody asked for before.
fn new_names(from: u64) -> Work {
    let mut work = Work::default();
    for number in from..from + CHUNK {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let name = format!("h{number:x}.{:x}.d{}.example", mixed >> 44, mixed % 10_000);
        let name = Name::parse(&name).expect("a name");
        work.add(&query(&name), Expected::Address(address_of(&name)));
    }
    work
}
