//! When to look at what again: a wheel of ticks. Nearly every question is answered long before its time, so a deadline is never taken
//! out; what comes up and is no longer there is passed over.

use std::time::{Duration, Instant};

/// The length of a tick.
const TICK: Duration = Duration::from_millis(10);
/// Ticks of the wheel; what is further away comes up early and is put in again.
const TICKS: usize = 256;

/// Things to be looked at, by when.
pub(super) struct Deadlines<T> {
    wheel: Box<[Vec<T>]>,
    begun: Instant,
    /// The next tick to come up, counted from `begun`.
    next: u64,
    held: usize,
}

impl<T> Deadlines<T> {
    pub(super) fn new(now: Instant) -> Deadlines<T> {
        Deadlines { wheel: (0..TICKS).map(|_| Vec::new()).collect(), begun: now, next: 0, held: 0 }
    }

    /// Has `what` come up at `at` or a tick later; earlier only when that is further away than the wheel reaches.
    pub(super) fn put(&mut self, at: Instant, what: T) {
        let tick = (self.tick(at) + 1).clamp(self.next, self.next + TICKS as u64 - 1);
        if let Some(slot) = self.wheel.get_mut(tick as usize % TICKS) {
            slot.push(what);
            self.held += 1;
        }
    }

    /// Moves what has come up by `now` into `up`.
    pub(super) fn come_up(&mut self, now: Instant, up: &mut Vec<T>) {
        let current = self.tick(now);
        if self.held == 0 {
            self.next = self.next.max(current + 1);
        }
        // After a long sleep one turn of the wheel is enough.
        let first = self.next.max(current.saturating_sub(TICKS as u64 - 1));
        for tick in first..=current {
            if let Some(slot) = self.wheel.get_mut(tick as usize % TICKS) {
                self.held -= slot.len();
                up.append(slot);
            }
        }
        self.next = self.next.max(current + 1);
    }

    /// How long until the next thing comes up; none when there is none.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        if self.held == 0 {
            return None;
        }
        let filled = |tick: &u64| self.wheel.get(*tick as usize % TICKS).is_some_and(|slot| !slot.is_empty());
        let tick = (self.next..self.next + TICKS as u64).find(filled)?;
        let at = self.begun + TICK * u32::try_from(tick).unwrap_or(u32::MAX);
        Some(at.saturating_duration_since(now))
    }

    fn tick(&self, at: Instant) -> u64 {
        (at.saturating_duration_since(self.begun).as_nanos() / TICK.as_nanos()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_comes_up_before_its_time_and_everything_a_tick_after_it() {
        let begun = Instant::now();
        let mut deadlines = Deadlines::new(begun);
        let ms = Duration::from_millis;
        deadlines.put(begun + ms(25), 25);
        deadlines.put(begun, 0);
        let mut up = Vec::new();
        assert_eq!(deadlines.pause(begun), Some(TICK));
        deadlines.come_up(begun + ms(24), &mut up);
        assert_eq!(up, [0]);
        assert_eq!(deadlines.pause(begun + ms(24)), Some(ms(6)));
        deadlines.come_up(begun + ms(30), &mut up);
        assert_eq!(up, [0, 25]);
        assert_eq!(deadlines.pause(begun + ms(40)), None);
    }

    proptest! {
        #[test]
        fn everything_comes_up_once(steps in prop::collection::vec((0u64..4_000, 0u64..4_000), 1..60)) {
            let begun = Instant::now();
            let mut deadlines = Deadlines::new(begun);
            let (mut now, mut up, mut put) = (begun, Vec::new(), 0);
            for (away, pass) in steps {
                let at = now + Duration::from_millis(away);
                deadlines.put(at, (put, at));
                put += 1;
                now += Duration::from_millis(pass);
                let before = up.len();
                deadlines.come_up(now, &mut up);
                let far = TICK * (TICKS as u32 - 2);
                for (_, at) in &up[before..] {
                    prop_assert!(*at <= now || *at - now < far + TICK * TICKS as u32);
                }
            }
            deadlines.come_up(now + Duration::from_secs(60), &mut up);
            prop_assert_eq!(deadlines.pause(now), None);
            let mut numbers: Vec<_> = up.into_iter().map(|(number, _)| number).collect();
            numbers.sort_unstable();
            prop_assert_eq!(numbers, (0..put).collect::<Vec<_>>());
        }
    }
}
