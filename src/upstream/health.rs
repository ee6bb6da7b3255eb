//! What a server has done so far: its standing for the next question, and its figures for the metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Blame;
use super::plan::{Standing, is_down, rest, smoothed};
use crate::metrics::Durations;

/// The figures of one server since the process began.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerHealth {
    /// As the configuration writes it; `system` servers by their address.
    pub upstream: Arc<str>,
    /// Whether the last questions to it were answered.
    pub up: bool,
    /// Questions it answered, with whatever response code.
    pub answered: u64,
    /// Questions it did not answer.
    pub failed: u64,
    /// Datagrams from its address that answered nothing that was asked (another id or question, too late, twice): forgeries, if many.
    pub ignored: u64,
    /// How long its last answer took.
    pub last_latency: Option<Duration>,
    /// Questions by `result`: noerror, nxdomain, servfail, refused, error, timeout, unreachable, malformed. They add up to
    /// `answered` and `failed`.
    pub results: BTreeMap<&'static str, u64>,
    /// How long its answers took.
    pub latencies: Durations,
}

/// The book kept on one server.
pub(super) struct Health {
    book: Mutex<Book>,
    /// What the book says of it, for those who ask nothing else.
    down: AtomicBool,
}

#[derive(Default)]
struct Book {
    srtt: Option<Duration>,
    failures: u32,
    rests_until: Option<Instant>,
    last_asked: Option<Instant>,
    last_answer: Option<Instant>,
    answered: u64,
    failed: u64,
    last_latency: Option<Duration>,
    results: BTreeMap<&'static str, u64>,
    latencies: Durations,
}

impl Health {
    pub(super) fn new() -> Health {
        Health { book: Mutex::new(Book::default()), down: AtomicBool::new(false) }
    }

    /// Whether the server is known to be down.
    pub(super) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// The standing at `now`.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        let book = self.lock();
        Standing {
            srtt: book.srtt,
            failures: book.failures,
            rests: book.rests_until.and_then(|until| until.checked_duration_since(now)).filter(|rest| !rest.is_zero()),
            idle: book.last_asked.map(|last| now.saturating_duration_since(last)),
        }
    }

    /// A question leaves for the server.
    pub(super) fn asked(&self, now: Instant) {
        self.lock().last_asked = Some(now);
    }

    /// The server answered with `rcode` what it was asked at `since`.
    pub(super) fn answered(&self, since: Instant, now: Instant, rcode: u16) {
        let latency = now.saturating_duration_since(since);
        let mut book = self.lock();
        book.srtt = Some(smoothed(book.srtt, latency));
        book.failures = 0;
        self.down.store(false, Ordering::Relaxed);
        book.rests_until = None;
        book.last_answer = Some(now);
        book.last_latency = Some(latency);
        book.answered += 1;
        book.latencies.count(latency);
        *book.results.entry(rcode_label(rcode)).or_default() += 1;
    }

    /// The server did not answer what it was asked at `since`. Silence about one name says nothing of a server that answered
    /// others meanwhile, and a garbled answer may be the doing of the name's owner: then only the figures change.
    pub(super) fn failed(&self, since: Instant, now: Instant, blame: &Blame) {
        let label = match blame {
            Blame::Timeout => "timeout",
            Blame::Malformed(_) => "malformed",
            _ => "unreachable",
        };
        let mut book = self.lock();
        book.failed += 1;
        *book.results.entry(label).or_default() += 1;
        let answers_others = book.last_answer.is_some_and(|last| last >= since);
        if label == "malformed" || (label == "timeout" && answers_others) {
            return;
        }
        book.failures = book.failures.saturating_add(1);
        if is_down(book.failures) {
            self.down.store(true, Ordering::Relaxed);
            book.rests_until = Some(now + rest(book.failures));
        }
        book.srtt = Some(smoothed(book.srtt, now.saturating_duration_since(since).max(Duration::from_millis(200))));
    }

    /// The figures, under the server's name.
    pub(super) fn figures(&self, upstream: Arc<str>) -> ServerHealth {
        let book = self.lock();
        ServerHealth {
            upstream,
            up: !is_down(book.failures),
            answered: book.answered,
            failed: book.failed,
            ignored: 0,
            last_latency: book.last_latency,
            results: book.results.clone(),
            latencies: book.latencies.clone(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Book> {
        // Figures stay usable whatever happened to the thread that wrote them last.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rcode_label(rcode: u16) -> &'static str {
    match rcode {
        0 => "noerror",
        2 => "servfail",
        3 => "nxdomain",
        5 => "refused",
        _ => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failures_in_a_row_take_a_server_down_and_one_answer_brings_it_back() {
        let health = Health::new();
        let start = Instant::now();
        let later = start + Duration::from_millis(20);
        health.asked(start);
        health.failed(start, later, &Blame::Timeout);
        assert!(health.figures("x".into()).up, "one loss is no outage");
        health.failed(start, later, &Blame::Unreachable(String::new()));
        assert!(!health.figures("x".into()).up && health.is_down());
        assert_eq!(health.standing(later).rests, Some(Duration::from_secs(1)));
        assert_eq!(health.standing(later + Duration::from_secs(1)).rests, None);
        health.answered(start, later, 3);
        let figures = health.figures("x".into());
        assert!(figures.up && !health.is_down());
        assert_eq!((figures.answered, figures.failed), (1, 2));
        assert_eq!(
            figures.results.into_iter().collect::<Vec<_>>(),
            [("nxdomain", 1), ("timeout", 1), ("unreachable", 1)]
        );
        let mut one = Durations::default();
        one.count(Duration::from_millis(20));
        assert_eq!(figures.latencies, one);
    }

    #[tokio::test]
    async fn silence_about_one_name_is_no_outage_when_others_are_answered() {
        let health = Health::new();
        let start = Instant::now();
        let later = start + Duration::from_secs(2);
        health.answered(start, start + Duration::from_millis(5), 0);
        for _ in 0..5 {
            health.failed(start, later, &Blame::Timeout);
        }
        assert!(health.figures("x".into()).up);
        assert_eq!(health.standing(later).failures, 0);
        assert_eq!(health.figures("x".into()).failed, 5);
    }
}
