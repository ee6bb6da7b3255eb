//! Lists at the scale of a large force: reading and compiling, the size of the file, look-ups, and that nothing is found that is not there.
//!
//! ```sh
//! cargo bench --bench lists                        # 5,000,000 synthetic names
//! cargo bench --bench lists -- FILE [FORMAT]       # a list of one's own
//! cargo bench --bench lists -- --random 100000000  # and so many random names against the compiled file
//! ```
//!
//! One line a figure. Times are of one thread; beside each stands the same by a set of names as the standard library has it, in the same
//! run, since machines differ and are shared.

use std::collections::HashSet;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use cordon::dns::Name;
use cordon::dns::types::rtype;
use cordon::list::{Ahead, Compiler, Format, Hits, Matcher, Role, read};
use cordon::load::names::{self, Dice, host, unlisted};
use cordon::verdict::{CategoryId, ListId};

/// Look-ups that are timed together: reading the clock costs as much as one.
const BATCH: usize = 192;
/// Packets of a batch of a busy worker, and how far ahead of the one it answers it takes the steps of a look-up (`engine::worker`).
const PACKETS: usize = 64;
const REACH: usize = 6;
const GRASP: usize = 3;
/// How many batches a median is taken of.
const BATCHES: usize = 2_000;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let random = take_option(&mut arguments, "--random").unwrap_or(0);
    let count = take_option(&mut arguments, "--names").unwrap_or(5_000_000);
    let (list, format) = match arguments.first() {
        Some(path) => {
            let format = arguments.get(1).map(|word| Format::from_word(word).expect("a format"));
            (std::fs::read(path).expect("the list can be read"), format)
        }
        None => (names::list(count as usize), None),
    };
    figure("list", format_args!("{} octets", list.len()));
    let path = std::env::temp_dir().join(format!("cordon-bench-lists-{}", std::process::id()));
    compile(&list, format, &path);
    let matcher = opened(&path);
    let names: Vec<Name> = {
        let mut names = Vec::new();
        read(&list, format, |_, rule| names.push(rule.name));
        names
    };
    drop(list);
    look_ups(&matcher, &names);
    if random > 0 {
        never_wrong(&matcher, &names, random);
    }
    std::fs::remove_file(&path).expect("our own file can be removed");
}

fn figure(what: &str, value: std::fmt::Arguments<'_>) {
    use std::io::Write;
    writeln!(std::io::stdout(), "{what:<28} {value}").expect("standard output is there");
}

fn take_option(arguments: &mut Vec<String>, option: &str) -> Option<u64> {
    let at = arguments.iter().position(|argument| argument == option)?;
    arguments.remove(at);
    Some(arguments.remove(at).parse().expect("a number"))
}

fn compile(list: &[u8], format: Option<Format>, path: &std::path::Path) {
    let before = resident();
    let started = Instant::now();
    let mut compiler = Compiler::new(*b"a key of a bench");
    let reading = read(list, format, |line, rule| {
        compiler.add(ListId(0), CategoryId(0), Role::Lists, line, rule).expect("it fits");
    });
    let read_in = started.elapsed();
    let file = std::fs::File::create(path).expect("a file can be made");
    let report = compiler.finish([0; 32], &file).expect("it can be written");
    let whole = started.elapsed();
    figure("format", format_args!("{}", reading.format.word()));
    figure("lines", format_args!("{} ({} refused)", reading.lines, reading.refused_lines));
    figure("names", format_args!("{}", report.names));
    figure(
        "read",
        format_args!("{:.2} s, {:.0} ns a line", read_in.as_secs_f64(), per(read_in.as_nanos(), reading.lines)),
    );
    figure("read and compiled", format_args!("{:.2} s", whole.as_secs_f64()));
    figure(
        "file",
        format_args!("{} octets, {:.2} a name", report.octets, per(u128::from(report.octets), report.names)),
    );
    figure(
        "peak memory",
        format_args!("{} MB, {} MB of it the list and the process before", peak() >> 20, before >> 20),
    );
}

fn per(whole: u128, of: u64) -> f64 {
    whole as f64 / of.max(1) as f64
}

fn opened(path: &std::path::Path) -> Matcher {
    let started = Instant::now();
    let file = std::fs::File::open(path).expect("it was just written");
    // As the server holds it: in memory of its own, in large pages where the system gives them.
    let length = file.metadata().expect("it is there").len() as usize;
    let mut memory = memmap2::MmapOptions::new().len(length).map_anon().expect("there is memory");
    let _ = memory.advise(memmap2::Advice::HugePage);
    file.read_exact_at(&mut memory, 0).expect("it can be read");
    let matcher = Matcher::open(memory.make_read_only().expect("it is our own")).expect("it is whole");
    figure("opened", format_args!("{:.1} ms", started.elapsed().as_secs_f64() * 1e3));
    matcher
}

fn look_ups(matcher: &Matcher, names: &[Name]) {
    let mut dice = Dice::new(7);
    let many = BATCH * BATCHES;
    let pick = |dice: &mut Dice| names[dice.below(names.len())];
    let hits: Vec<Name> = (0..many).map(|_| pick(&mut dice)).collect();
    let below: Vec<Name> =
        (0..many).map(|_| Name::parse(&format!("www.{}", pick(&mut dice))).unwrap_or(Name::ROOT)).collect();
    let misses: Vec<Name> = (0..many).map(|_| unlisted(&mut dice)).collect();
    let deep: Vec<Name> = (0..many)
        .map(|_| Name::parse(&format!("a.b.c.d.e.f.g.{}", unlisted(&mut dice))).unwrap_or(Name::ROOT))
        .collect();
    // As people ask: few names often, many hardly ever (Zipf's law over ten thousand names).
    let popular = |of: &[Name], dice: &mut Dice| -> Vec<Name> {
        (0..many).map(|_| of[dice.zipf(of.len().min(10_000))]).collect()
    };
    let (popular_hits, popular_misses) = (popular(&hits, &mut dice), popular(&misses, &mut dice));
    let set: HashSet<Box<[u8]>> = names.iter().map(|name| name.as_wire().into()).collect();
    for (what, asked) in [
        ("hit, as people ask", &popular_hits),
        ("miss, as people ask", &popular_misses),
        ("hit", &hits),
        ("hit, a host below", &below),
        ("miss", &misses),
        ("miss, ten labels", &deep),
    ] {
        let mut found = Hits::new();
        let mut ours = || {
            timed(asked, |name| {
                matcher.look_up(name, rtype::A, &mut found);
                found.is_empty()
            })
        };
        let theirs = || timed(asked, |name| name.suffixes().any(|suffix| set.contains(suffix)));
        // Interleaved, so that all see the same machine.
        let rounds: Vec<(f64, f64, f64)> = (0..3).map(|_| (ours(), together(matcher, asked), theirs())).collect();
        let median = |of: fn(&(f64, f64, f64)) -> f64| median(rounds.iter().map(of).collect());
        let (ours, together, theirs) = (median(|round| round.0), median(|round| round.1), median(|round| round.2));
        figure(what, format_args!("{together:.0} ns in a batch, {ours:.0} ns alone; a set of names {theirs:.0} ns"));
    }
    drop(set);
    // One at a time with everything else thrown out of the processor's caches before.
    let mut rubbish = vec![1u8; 64 << 20];
    let empty = {
        let times = (0..2_000).map(|_| Instant::now().elapsed().as_nanos() as f64).collect();
        median(times)
    };
    for (what, asked) in [("hit, cold caches", &hits), ("miss, cold caches", &misses)] {
        let mut found = Hits::new();
        let times = asked.iter().take(200).map(|name| {
            rubbish.iter_mut().step_by(64).for_each(|octet| *octet = octet.wrapping_add(1));
            let started = Instant::now();
            matcher.look_up(black_box(name), rtype::A, &mut found);
            black_box(found.is_empty());
            started.elapsed().as_nanos() as f64 - empty
        });
        figure(what, format_args!("{:.0} ns", median(times.collect())));
    }
    figure("resident", format_args!("{} MB", resident() >> 20));
}

/// The median of batches, in nanoseconds a look-up.
fn timed(asked: &[Name], mut look_up: impl FnMut(&Name) -> bool) -> f64 {
    let batches = asked.chunks_exact(BATCH).map(|batch| {
        // A question has just been read from its packet: the name itself is at hand.
        let batch = black_box(batch.to_vec());
        let started = Instant::now();
        for name in &batch {
            black_box(look_up(black_box(name)));
        }
        started.elapsed().as_nanos() as f64 / BATCH as f64
    });
    median(batches.collect())
}

/// The same asked as a busy worker does: step by step for the packets of a batch, a few packets ahead.
fn together(matcher: &Matcher, asked: &[Name]) -> f64 {
    let mut found = Hits::new();
    let mut aheads = vec![Ahead::NOTHING; PACKETS];
    let batches = asked.chunks_exact(BATCH).map(|batch| {
        let batch = black_box(batch.to_vec());
        let started = Instant::now();
        for packets in batch.chunks(PACKETS) {
            packets.iter().zip(&mut aheads).for_each(|(name, ahead)| matcher.foresee(black_box(name), ahead));
            let count = packets.len();
            aheads.iter_mut().take(count.min(REACH)).for_each(|ahead| matcher.filter_ahead(ahead));
            aheads.iter().take(count.min(GRASP)).for_each(|ahead| matcher.place_ahead(ahead));
            for at in 0..count {
                if at + REACH < count {
                    matcher.filter_ahead(&mut aheads[at + REACH]);
                }
                if at + GRASP < count {
                    matcher.place_ahead(&aheads[at + GRASP]);
                }
                matcher.look_up_ahead(&packets[at], &aheads[at], rtype::A, &mut found);
                black_box(found.is_empty());
            }
        }
        started.elapsed().as_nanos() as f64 / BATCH as f64
    });
    median(batches.collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Random names against the compiled file, each that is found against the list itself.
fn never_wrong(matcher: &Matcher, names: &[Name], random: u64) {
    let set: HashSet<&[u8]> = names.iter().map(|name| name.as_wire()).collect();
    let (mut dice, mut found, mut listed, mut wrong) = (Dice::new(11), Hits::new(), 0u64, 0u64);
    for n in 0..random {
        // Half of them are made as listed names are, so that some are listed indeed.
        let name = if n % 2 == 0 { unlisted(&mut dice) } else { Name::parse(&host(&mut dice)).unwrap_or(Name::ROOT) };
        matcher.look_up(&name, rtype::A, &mut found);
        let holds = name.suffixes().any(|suffix| set.contains(suffix));
        listed += u64::from(holds);
        wrong += u64::from(found.is_empty() == holds);
    }
    figure("random names", format_args!("{random}, {listed} of them listed, {wrong} told wrongly"));
    assert_eq!(wrong, 0);
}

/// Resident octets of this process now.
fn resident() -> u64 {
    status("VmRSS:")
}

/// The most octets that were resident.
fn peak() -> u64 {
    status("VmHWM:")
}

fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("/proc is there");
    let line = text.lines().find_map(|line| line.strip_prefix(key)).expect("the kernel tells it");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") << 10
}
