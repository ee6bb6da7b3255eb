//! Floor 2: threads that stand behind answers. What seals, reloads or reads the log has time; whoever asked for a name has none.
//!
//! Such a thread has a low priority ([`stand`]) and does not keep memory for the next time (`give_back`). A reload, which takes a processor for
//! seconds, rests now and then, too ([`take_time`]); a seal does not: whoever has rested is owed a turn, and then comes before a worker.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread that has time works at once.
const WORK: Duration = Duration::from_millis(2);
/// How long it rests then.
const REST: Duration = Duration::from_millis(1);

/// How far behind answers such a thread stands (nice(2)).
const BEHIND: i32 = 10;
/// The shortest slice of processor time a thread can ask for, in nanoseconds (sched(7), since Linux 6.12; what is older takes no notice).
const SHORTEST_SLICE: u64 = 100_000;

/// This thread gives way to those that answer from now on. Not by the idle class, which would leave a reload undone for as long as a
/// machine is busy. The short slice is for whoever wakes up while this thread has the processor: it is kept until its slice is used up, which
/// is some milliseconds else, and a worker with a query would wait for that.
pub fn stand() {
    // SAFETY: `attributes` is a valid value of its C struct in which all zeros mean the usual class, and it lives for the calls, which concern
    // the calling thread alone; on Linux a thread has its own priority. Refused, nothing is lost.
    unsafe {
        let mut attributes: libc::sched_attr = std::mem::zeroed();
        attributes.size = size_of::<libc::sched_attr>() as u32;
        attributes.sched_policy = libc::SCHED_OTHER as u32;
        attributes.sched_nice = BEHIND;
        attributes.sched_runtime = SHORTEST_SLICE;
        if libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) != 0 {
            let thread = libc::syscall(libc::SYS_gettid) as libc::id_t;
            libc::setpriority(libc::PRIO_PROCESS, thread, BEHIND);
        }
    }
}

thread_local! {
    /// Since when this thread has been at work; none for a thread that does not rest. It goes by thread because lists are read and
    /// written by way of closures and writers that know nothing of it.
    static AT_WORK: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// This thread has time from now on: it rests when it is at a place to do so.
///
/// A low priority is not enough. With every processor busy all the time, whoever wakes waits until one is given away, and a machine that is
/// rented by the hour may be held back as a whole. So it works for a moment and rests for a moment, and takes half as long again.
pub fn take_time() {
    AT_WORK.set(Some(Instant::now()));
}

/// Whether this thread has time.
pub(crate) fn has_time() -> bool {
    AT_WORK.get().is_some()
}

/// A place to rest: does so where this thread has time and has worked for a while. To be called some times a millisecond.
pub(crate) fn rest() {
    if AT_WORK.get().is_some_and(|since| since.elapsed() >= WORK) {
        thread::sleep(REST);
        take_time();
    }
}

/// Gives free memory back to the system. A seal or a list takes tens of megabytes in small pieces, which the C library would keep for the
/// next one.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it is called with a plain number, locks what it looks at, and touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_thread_that_has_time_rests() {
        thread::spawn(|| {
            rest();
            assert!(!has_time());
            take_time();
            let began = AT_WORK.get();
            while AT_WORK.get() == began {
                rest();
            }
            assert!(AT_WORK.get() >= began.map(|began| began + WORK + REST));
        })
        .join()
        .unwrap();
    }
}
