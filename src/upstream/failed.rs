//! Questions that nobody answered lately: whoever asks one again within a few seconds is told so at once, and no upstream is asked (RFC 9520
//! section 3.2). A stale answer then has its turn without a wait: the failure recheck timer of RFC 8767 section 5.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::time::Instant;

use crate::dns::Question;

use super::failure::Failure;

/// How long a failure is told again. RFC 9520 wants a second at least and five minutes at most, and has this for an example; with more an
/// outage would go on for clients after it has ended. Servers that stay silent have rests of their own that grow (`plan`).
pub(super) const TOLD_AGAIN: Duration = Duration::from_secs(5);
/// Most failures that are remembered. What is one too many takes the place of another.
const MOST: usize = 4_096;
/// Parts of the table, so that threads seldom wait for one another.
const PARTS: usize = 16;

/// The failures of one pool.
pub(super) struct Failed {
    parts: [Mutex<HashMap<Question, Told, RandomState>>; PARTS],
    hash: RandomState,
    since: Instant,
    /// When the last of them is forgotten, in microseconds after `since`: where nothing fails nobody waits for a lock.
    until: AtomicU64,
}

struct Told {
    failure: Failure,
    until: Instant,
}

impl Failed {
    pub(super) fn new() -> Failed {
        let parts = std::array::from_fn(|_| Mutex::new(HashMap::default()));
        Failed { parts, hash: RandomState::default(), since: Instant::now(), until: AtomicU64::new(0) }
    }

    /// How a question failed, where it did within the last seconds.
    pub(super) fn lately(&self, question: &Question, now: Instant) -> Option<Failure> {
        if self.micros(now) >= self.until.load(Ordering::Relaxed) {
            return None;
        }
        let part = self.part(question).lock().unwrap_or_else(PoisonError::into_inner);
        part.get(question).filter(|told| now < told.until).map(|told| told.failure.clone())
    }

    /// Takes note of a failure.
    pub(super) fn remember(&self, question: &Question, failure: &Failure, now: Instant) {
        let until = now + TOLD_AGAIN;
        let mut part = self.part(question).lock().unwrap_or_else(PoisonError::into_inner);
        if part.len() >= MOST / PARTS && !part.contains_key(question) {
            part.retain(|_, told| now < told.until);
            if part.len() >= MOST / PARTS
                && let Some(any) = part.keys().next().copied()
            {
                part.remove(&any);
            }
        }
        part.insert(*question, Told { failure: failure.clone(), until });
        drop(part);
        self.until.fetch_max(self.micros(until), Ordering::Relaxed);
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.since).as_micros()).unwrap_or(u64::MAX)
    }

    fn part(&self, question: &Question) -> &Mutex<HashMap<Question, Told, RandomState>> {
        // The upper bits: the table within a part goes by others.
        &self.parts[(self.hash.hash_one(question) >> 40) as usize % PARTS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;
    use crate::upstream::Blame;

    fn question(number: usize) -> Question {
        Question::new(Name::parse(&format!("n{number}.test")).unwrap(), 1)
    }

    fn silent() -> Failure {
        Failure { blame: Blame::Timeout, upstream: None }
    }

    #[tokio::test]
    async fn a_failure_is_told_again_for_a_while_and_only_to_the_same_question() {
        let (failed, now) = (Failed::new(), Instant::now());
        assert_eq!(failed.lately(&question(1), now), None);
        failed.remember(&question(1), &silent(), now);
        assert_eq!(failed.lately(&question(1), now + TOLD_AGAIN - Duration::from_millis(1)), Some(silent()));
        assert_eq!(failed.lately(&question(1), now + TOLD_AGAIN), None);
        for other in [question(2), Question { qtype: 28, ..question(1) }, Question { dnssec_ok: true, ..question(1) }] {
            assert_eq!(failed.lately(&other, now), None);
        }
        // One that fails later does not keep the first alive.
        let later = now + TOLD_AGAIN - Duration::from_secs(1);
        failed.remember(&question(2), &silent(), later);
        assert_eq!(failed.lately(&question(1), now + TOLD_AGAIN), None);
        assert_eq!(failed.lately(&question(2), now + TOLD_AGAIN), Some(silent()));
    }

    #[tokio::test]
    async fn failures_are_bounded_and_the_newest_is_known() {
        let (failed, now) = (Failed::new(), Instant::now());
        for number in 0..3 * MOST {
            failed.remember(&question(number), &silent(), now);
            assert_eq!(failed.lately(&question(number), now), Some(silent()));
        }
        let kept = || failed.parts.iter().map(|part| part.lock().unwrap().len()).sum::<usize>();
        assert!(kept() <= MOST && kept() > MOST / 2, "{}", kept());
        // What is over makes place first.
        failed.remember(&question(0), &silent(), now + TOLD_AGAIN);
        (0..MOST).for_each(|number| failed.remember(&question(number), &silent(), now + TOLD_AGAIN));
        assert!(kept() <= MOST);
    }
}
