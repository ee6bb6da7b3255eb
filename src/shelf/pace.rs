//! Rests of a thread that has time, so that those that answer find a processor.
//!
//! A low priority is not enough: with every processor busy all the time, whoever wakes waits until one is given away, and a machine that is
//! rented by the hour may be held back as a whole. So a reload works for a moment and rests for a moment, and takes half as long again.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// How long it works at a time.
const WORK: Duration = Duration::from_millis(2);
/// How long it rests then.
const REST: Duration = Duration::from_millis(1);

thread_local! {
    /// Since when this thread has been at work; none for a thread that does not rest. It goes by thread because lists are read and
    /// written by way of closures and writers that know nothing of it.
    static AT_WORK: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// This thread has time from now on.
pub fn take_time() {
    AT_WORK.set(Some(Instant::now()));
}

/// Whether this thread has time.
pub(super) fn has_time() -> bool {
    AT_WORK.get().is_some()
}

/// Rests, where this thread has time and has worked for a while. To be called some times a millisecond.
pub(super) fn rest() {
    if AT_WORK.get().is_some_and(|since| since.elapsed() >= WORK) {
        thread::sleep(REST);
        take_time();
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
