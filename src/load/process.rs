//! What a process costs, thread by thread, as the kernel tells it in `/proc` (proc(5)).

use std::fs;
use std::io;

use super::calls::ticks_a_second;

/// One thread at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its number.
    pub id: u64,
    /// Its name; the kernel keeps 15 octets of it.
    pub name: String,
    /// How long it has run, in nanoseconds.
    pub ran: u64,
    /// How much of that in the program, in ticks.
    pub user: u64,
    /// How much of that in the kernel for it, in ticks.
    pub system: u64,
}

/// Every thread of a process at this moment.
///
/// # Errors
/// There is no such process, or `/proc` may not be read.
pub fn threads(process: u32) -> io::Result<Vec<Thread>> {
    let mut threads = Vec::new();
    for entry in fs::read_dir(format!("/proc/{process}/task"))? {
        let folder = entry?.path();
        // A thread that has ended meanwhile has no files any more.
        let (Ok(ran), Ok(stat)) =
            (fs::read_to_string(folder.join("schedstat")), fs::read_to_string(folder.join("stat")))
        else {
            continue;
        };
        threads.extend(thread(&ran, &stat));
    }
    Ok(threads)
}

fn thread(schedstat: &str, stat: &str) -> Option<Thread> {
    // The name stands in brackets and may hold anything, brackets too.
    let (front, rest) = stat.rsplit_once(')')?;
    let (id, name) = front.split_once(" (")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Counted from field 3, which is the first behind the name.
    let field = |number: usize| fields.get(number - 3)?.parse().ok();
    Some(Thread {
        id: id.parse().ok()?,
        name: name.to_owned(),
        ran: schedstat.split_ascii_whitespace().next()?.parse().ok()?,
        user: field(14)?,
        system: field(15)?,
    })
}

/// What threads of one name have cost between two moments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spent {
    /// Their name; numbers at its end are left out, so that workers stand together.
    pub name: String,
    /// Nanoseconds of CPU.
    pub nanos: u64,
    /// The share of it in the kernel, 0 to 1: counted by ticks, and so rough for what costs little.
    pub system: f64,
}

/// What was spent between two looks at a process: by name, the dearest first. A thread that ended in between is not seen.
pub fn spent(before: &[Thread], after: &[Thread]) -> Vec<Spent> {
    let mut all: Vec<(Spent, u64, u64)> = Vec::new();
    for thread in after {
        let first = before.iter().find(|first| first.id == thread.id);
        let of = |part: fn(&Thread) -> u64| part(thread).saturating_sub(first.map_or(0, part));
        let name = thread.name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
        let at = all.iter().position(|(spent, ..)| spent.name == name).unwrap_or_else(|| {
            all.push((Spent { name: name.to_owned(), ..Spent::default() }, 0, 0));
            all.len() - 1
        });
        if let Some((spent, user, system)) = all.get_mut(at) {
            spent.nanos += of(|thread| thread.ran);
            *user += of(|thread| thread.user);
            *system += of(|thread| thread.system);
        }
    }
    let mut spent: Vec<Spent> = all
        .into_iter()
        .map(|(spent, user, system)| Spent { system: system as f64 / (user + system).max(1) as f64, ..spent })
        .collect();
    spent.sort_by_key(|spent| std::cmp::Reverse(spent.nanos));
    spent
}

/// Octets of a process that are resident.
pub fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok().map(|kilo| kilo << 10)
}

/// CPU seconds of a process so far, of its threads that have ended, too; and whether it has ended itself and was not waited for yet. Told in
/// ticks of 10 ms.
pub fn cpu_so_far(process: u32) -> Option<(f64, bool)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let ticks = thread("0", &stat).map(|thread| thread.user + thread.system)?;
    Some((ticks as f64 / ticks_a_second() as f64, rest.starts_with('Z')))
}

/// What some cores did since the system started, in ticks: what programs and the kernel used, and what the host gave to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoreTime {
    /// In use.
    pub busy: u64,
    /// Stolen: a virtual machine's host ran something else.
    pub stolen: u64,
}

/// What the cores with these numbers did.
pub fn core_time(cores: &[usize]) -> CoreTime {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let (core, rest) = line.strip_prefix("cpu")?.split_once(' ')?;
        cores.contains(&core.parse().ok()?).then_some(rest)
    });
    lines.fold(CoreTime::default(), |sum, line| {
        let ticks: Vec<u64> = line.split_ascii_whitespace().map(|number| number.parse().unwrap_or(0)).collect();
        let of = |places: &[usize]| places.iter().filter_map(|&place| ticks.get(place)).sum::<u64>();
        // user, nice, system; then irq and softirq. idle and iowait stand between them, stolen behind.
        CoreTime { busy: sum.busy + of(&[0, 1, 2, 5, 6]), stolen: sum.stolen + of(&[7]) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_read_whatever_its_name() {
        let stat = "77 (a ) b) S 1 77 77 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 5 0 12345 1000 200";
        let read = thread("1234567 89 10\n", stat).unwrap();
        assert_eq!(read, Thread { id: 77, name: "a ) b".into(), ran: 1_234_567, user: 250, system: 50 });
        assert_eq!(thread("1 2 3", "77 (short) S 1"), None);
    }

    #[test]
    fn workers_stand_together_and_the_dearest_is_first() {
        let thread = |id, name: &str, ran, user, system| Thread { id, name: name.into(), ran, user, system };
        let before = [thread(1, "udp-0", 100, 1, 1), thread(2, "udp-1", 100, 1, 1), thread(3, "log-keeper", 5, 0, 0)];
        let after = [
            thread(1, "udp-0", 400, 2, 2),
            thread(2, "udp-1", 600, 2, 4),
            thread(3, "log-keeper", 6, 0, 0),
            thread(4, "runtime", 50, 0, 0),
        ];
        let spent = spent(&before, &after);
        let told: Vec<(&str, u64)> = spent.iter().map(|spent| (spent.name.as_str(), spent.nanos)).collect();
        assert_eq!(told, [("udp", 800), ("runtime", 50), ("log-keeper", 1)]);
        assert!((spent[0].system - 4.0 / 6.0).abs() < 1e-9);
    }

    #[test]
    fn this_process_has_threads_and_memory() {
        let here = std::process::id();
        assert!(threads(here).unwrap().iter().any(|thread| thread.ran > 0));
        assert!(resident(here).unwrap() > 1 << 20);
        assert!(matches!(cpu_so_far(here), Some((_, false))));
    }
}
