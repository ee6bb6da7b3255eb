//! What the kernel says of this process, read from `/proc` (proc(5)) at each scrape.

use std::fs;

use super::families::Families;
use super::table;

/// Adds the `process_*` metrics. What cannot be read is left out: a scrape must not fail for it.
pub(super) fn gather(families: &mut Families) {
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        // One of them is the descriptor the folder itself is read by.
        families.set(table::PROCESS_OPEN_FDS, &[], entries.count().saturating_sub(1) as f64);
    }
    if let Some(most) = read("/proc/self/limits").as_deref().and_then(max_open_files) {
        families.set(table::PROCESS_MAX_FDS, &[], most);
    }
    if let Some(status) = read("/proc/self/status") {
        let numbers = [
            ("VmRSS:", 1024.0, table::PROCESS_RESIDENT),
            ("VmSize:", 1024.0, table::PROCESS_VIRTUAL),
            ("Threads:", 1.0, table::PROCESS_THREADS),
        ];
        for (key, unit, declared) in numbers {
            if let Some(number) = status_number(&status, key) {
                families.set(declared, &[], number * unit);
            }
        }
    }
    let times = read("/proc/self/stat").as_deref().and_then(times);
    let ticks = ticks_a_second();
    if let (Some(times), Some(ticks)) = (times, ticks) {
        families.set(table::PROCESS_CPU, &[], times.used / ticks);
        if let Some(boot) = read("/proc/stat").as_deref().and_then(|text| status_number(text, "btime ")) {
            families.set(table::PROCESS_START, &[], boot + times.started / ticks);
        }
    }
}

/// Of one process, in clock ticks.
#[derive(Debug, PartialEq)]
struct Times {
    /// User and system time.
    used: f64,
    /// Start, counted from boot.
    started: f64,
}

/// From `/proc/self/stat`: fields 14, 15 and 22. The second field is the program's name in brackets and may hold anything, so
/// counting begins behind its last bracket, at field 3.
fn times(stat: &str) -> Option<Times> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some(Times { used: field(14)? + field(15)?, started: field(22)? })
}

/// From `/proc/self/limits`: the soft limit on open files.
fn max_open_files(limits: &str) -> Option<f64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_ascii_whitespace().next()? {
        "unlimited" => Some(f64::INFINITY),
        number => number.parse().ok(),
    }
}

/// The number behind `key` at the beginning of a line.
fn status_number(text: &str, key: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn ticks_a_second() -> Option<f64> {
    // SAFETY: sysconf takes a number, returns a number and touches no memory of ours.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    (ticks > 0).then_some(ticks as f64)
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_brackets_and_blanks_does_not_move_the_fields() {
        let stat = "77 (a ) b) S 1 77 77 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 5 0 12345 1000 200";
        assert_eq!(times(stat), Some(Times { used: 300.0, started: 12345.0 }));
        assert_eq!(times("77 (short) S 1"), None);
    }

    #[test]
    fn limits_are_read_by_their_soft_value() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024       4096      files\n";
        assert_eq!(max_open_files(limits), Some(1024.0));
        assert_eq!(max_open_files("Max open files  unlimited unlimited files"), Some(f64::INFINITY));
        assert_eq!(max_open_files(""), None);
    }

    #[test]
    fn this_process_has_every_number() {
        let mut families = Families::default();
        gather(&mut families);
        let text = families.encode().unwrap();
        for declared in table::TABLE.iter().filter(|declared| declared.name.starts_with("process_")) {
            assert!(text.contains(&format!("\n{} ", declared.name)), "{} is missing in:\n{text}", declared.name);
        }
    }
}
