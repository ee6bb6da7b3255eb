//! Renewing a list that is fetched: the words for how an attempt ended, and when the next is due. Times and chance are handed in.

use std::time::Duration;

use crate::list::candidate::Unfit;
use crate::moment::Moment;

/// Why an attempt to renew a list changed nothing. The content from before stays in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// Nothing was sent.
    Empty,
    /// A page for people.
    Html,
    /// Not a text.
    Binary,
    /// Fewer entries than `min_entries`.
    TooFew,
    /// Far fewer entries than are in force.
    Shrunk,
    /// Far more entries than are in force.
    Grown,
    /// More octets than `max_size`.
    TooLarge,
    /// It cannot be unpacked.
    Damaged,
    /// An archive without a list in it.
    Archive,
    /// The server's certificate is not trusted.
    Certificate,
    /// The server has no such thing.
    NotFound,
    /// Another status than 200 that does not pass by itself.
    Status,
    /// The server is overloaded or out of order.
    ServerError,
    /// The transfer broke off.
    Cut,
    /// The transfer took longer than `timeout`.
    Slow,
    /// No connection, or none that holds.
    Unreachable,
    /// It leads to another address too often, or away from TLS.
    Redirect,
    /// What was fetched could not be kept.
    Disk,
}

impl Refused {
    /// Every one.
    pub const ALL: [Refused; 18] = [
        Refused::Empty,
        Refused::Html,
        Refused::Binary,
        Refused::TooFew,
        Refused::Shrunk,
        Refused::Grown,
        Refused::TooLarge,
        Refused::Damaged,
        Refused::Archive,
        Refused::Certificate,
        Refused::NotFound,
        Refused::Status,
        Refused::ServerError,
        Refused::Cut,
        Refused::Slow,
        Refused::Unreachable,
        Refused::Redirect,
        Refused::Disk,
    ];

    /// The word of status, metric and log.
    pub const fn word(self) -> &'static str {
        match self {
            Refused::Empty => "empty",
            Refused::Html => "html",
            Refused::Binary => "binary",
            Refused::TooFew => "too-few",
            Refused::Shrunk => "shrunk",
            Refused::Grown => "grown",
            Refused::TooLarge => "too-large",
            Refused::Damaged => "damaged",
            Refused::Archive => "archive",
            Refused::Certificate => "certificate",
            Refused::NotFound => "not-found",
            Refused::Status => "status",
            Refused::ServerError => "server-error",
            Refused::Cut => "cut",
            Refused::Slow => "slow",
            Refused::Unreachable => "unreachable",
            Refused::Redirect => "redirect",
            Refused::Disk => "disk",
        }
    }

    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Refused::Empty | Refused::Html | Refused::Binary => {
                "look at the address in a browser; the list may have moved"
            }
            Refused::TooFew => "compare it with its source; lower min_entries if so few are right",
            Refused::Shrunk | Refused::Grown => {
                "compare it with its source; if it is right, `cordon lists update --force` takes it"
            }
            Refused::TooLarge => "see whether it is the right file; raise max_size if it is",
            Refused::Damaged => {
                "what packed it made a mistake, or the transfer did; tell who keeps the list if it stays"
            }
            Refused::Archive => "name a tar archive with a member `domains` or `urls`, or the list itself",
            Refused::Certificate => {
                "if a proxy opens TLS here, add its authority to the system's; else do not trust the server"
            }
            Refused::NotFound => "correct the address; the list may have moved",
            Refused::Status => "see whether the server asks for a password or refuses this network",
            Refused::ServerError | Refused::Cut | Refused::Unreachable => {
                "it is tried again by itself; see the network if it stays"
            }
            Refused::Slow => "raise timeout if the list is large; see the network if it stays",
            Refused::Redirect => "name the address it leads to",
            Refused::Disk => "the data directory must be writable and have space left",
        }
    }

    /// Whether another attempt within seconds may go better.
    pub const fn passes_quickly(self) -> bool {
        matches!(self, Refused::ServerError | Refused::Cut | Refused::Unreachable)
    }

    /// Whether it may be over within minutes, rather than when somebody has done something about it.
    pub const fn passes_by_itself(self) -> bool {
        self.passes_quickly() || matches!(self, Refused::Slow | Refused::Disk)
    }
}

impl From<Unfit> for Refused {
    fn from(unfit: Unfit) -> Refused {
        match unfit {
            Unfit::Empty => Refused::Empty,
            Unfit::Html => Refused::Html,
            Unfit::Binary(_) => Refused::Binary,
            Unfit::TooFew { .. } => Refused::TooFew,
            Unfit::Shrunk { .. } => Refused::Shrunk,
            Unfit::Grown { .. } => Refused::Grown,
        }
    }
}

/// Attempts in one run, the first included.
pub const ATTEMPTS: u32 = 3;
/// The longest a run waits between two of its attempts, whatever the server asks for.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The longest between two runs that fail, and the longest a server can put off the next one.
const LONGEST_DELAY: Duration = Duration::from_secs(86_400);

/// How long to wait before the next attempt of the same run, after `attempt` (from 1) failed; none: the run is over. `chance` is a
/// number from 0 to 1; `asked` what the server asked for (RFC 9110 section 10.2.3).
pub fn pause(attempt: u32, refused: Refused, asked: Option<Duration>, chance: f64) -> Option<Duration> {
    if attempt >= ATTEMPTS || !refused.passes_quickly() {
        return None;
    }
    match asked {
        Some(asked) if asked > LONGEST_PAUSE => None,
        Some(asked) => Some(asked),
        // 1 s, 2 s, ... each up to half shorter, so that nodes that failed together do not come back together.
        None => {
            let whole = Duration::from_secs(1 << (attempt - 1).min(8));
            Some(whole.mul_f64(1.0 - 0.5 * portion(chance)).min(LONGEST_PAUSE))
        }
    }
}

/// When a list that was renewed, or found unchanged, is due again: after `refresh`, up to a twentieth sooner or later.
pub fn after_success(now: Moment, refresh: Duration, chance: f64) -> Moment {
    now.plus(refresh.mul_f64(0.95 + 0.1 * portion(chance)))
}

/// When a list is due again whose last `failures` runs (at least 1) have failed: what passes by itself is tried after 5 minutes, then 10,
/// 20, ...; what does not after 1 hour, 2, 4, ...; never later than `refresh`
/// or a day, and not before the server `asked`.
pub fn after_failure(
    now: Moment,
    refresh: Duration,
    refused: Refused,
    failures: u32,
    asked: Option<Duration>,
    chance: f64,
) -> Moment {
    let first = Duration::from_secs(if refused.passes_by_itself() { 300 } else { 3_600 });
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(12));
    let spread = doubled.min(refresh).min(LONGEST_DELAY).mul_f64(0.8 + 0.2 * portion(chance));
    now.plus(spread.max(asked.unwrap_or_default().min(LONGEST_DELAY)))
}

/// When a list that is overdue at start is due: at once where there is no content yet, else within a twentieth of `refresh` and a minute at
/// most, so that nodes that start together do not all ask at once.
pub fn at_start(now: Moment, refresh: Duration, has_content: bool, chance: f64) -> Moment {
    if !has_content {
        return now;
    }
    now.plus((refresh / 20).min(Duration::from_secs(60)).mul_f64(portion(chance)))
}

/// When a list is due, by what was noted. A note that lies too far ahead was made by another clock, or when `refresh` was longer: now.
pub fn due(noted: Option<Moment>, now: Moment, refresh: Duration) -> Moment {
    let farthest = now.plus(refresh.mul_f64(1.05)).plus(LONGEST_DELAY);
    noted.filter(|noted| *noted <= farthest).unwrap_or(now)
}

fn portion(chance: f64) -> f64 {
    if chance.is_finite() { chance.clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_seconds(1_000_000);

    fn seconds(moment: Moment) -> u64 {
        moment.since(NOW).as_secs()
    }

    #[test]
    fn every_word_is_its_own_and_has_advice() {
        let words: std::collections::HashSet<&str> = Refused::ALL.iter().map(|refused| refused.word()).collect();
        assert_eq!(words.len(), Refused::ALL.len());
        assert!(Refused::ALL.iter().all(|refused| !refused.advice().is_empty()));
        assert!(!words.contains("updated") && !words.contains("unchanged"));
    }

    #[test]
    fn a_run_tries_again_what_may_pass_and_nothing_else() {
        let millis = |attempt, refused, asked, chance| pause(attempt, refused, asked, chance).map(|p| p.as_millis());
        assert_eq!(millis(1, Refused::ServerError, None, 0.0), Some(1_000));
        assert_eq!(millis(1, Refused::ServerError, None, 1.0), Some(500));
        assert_eq!(millis(2, Refused::Cut, None, 0.5), Some(1_500));
        assert_eq!(millis(3, Refused::Unreachable, None, 0.0), None);
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(millis(1, Refused::ServerError, asked(7), 0.3), Some(7_000));
        assert_eq!(millis(1, Refused::ServerError, asked(600), 0.3), None, "the next run has to wait for it");
        for lasting in [Refused::NotFound, Refused::Certificate, Refused::Shrunk, Refused::Html, Refused::Slow] {
            assert_eq!(pause(1, lasting, None, 0.0), None, "{lasting:?}");
        }
    }

    #[test]
    fn success_is_followed_by_about_one_refresh() {
        let day = Duration::from_secs(86_400);
        assert_eq!(seconds(after_success(NOW, day, 0.0)), 82_080);
        assert_eq!(seconds(after_success(NOW, day, 0.5)), 86_400);
        assert_eq!(seconds(after_success(NOW, day, 1.0)), 90_720);
        assert_eq!(seconds(after_success(NOW, day, f64::NAN)), 82_080);
    }

    #[test]
    fn failures_are_tried_again_ever_later_but_never_later_than_a_refresh() {
        let day = Duration::from_secs(86_400);
        let after =
            |refused, failures, asked, chance| seconds(after_failure(NOW, day, refused, failures, asked, chance));
        assert_eq!(after(Refused::Unreachable, 1, None, 1.0), 300);
        assert_eq!(after(Refused::Unreachable, 1, None, 0.0), 240);
        assert_eq!(after(Refused::Unreachable, 4, None, 1.0), 2_400);
        assert_eq!(after(Refused::NotFound, 1, None, 1.0), 3_600);
        assert_eq!(after(Refused::NotFound, 3, None, 1.0), 14_400);
        assert_eq!(after(Refused::Shrunk, u32::MAX, None, 1.0), 86_400);
        let minute = Duration::from_secs(60);
        assert_eq!(seconds(after_failure(NOW, minute, Refused::NotFound, 1, None, 1.0)), 60);
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(after(Refused::ServerError, 1, asked(7_200), 1.0), 7_200);
        assert_eq!(after(Refused::ServerError, 1, asked(10), 1.0), 300);
        assert_eq!(after(Refused::ServerError, 1, asked(u64::MAX), 1.0), 86_400, "a server cannot put it off for ever");
    }

    #[test]
    fn a_note_from_another_clock_does_not_put_a_list_off_for_years() {
        let (hour, later) = (Duration::from_secs(3_600), |hours: u64| NOW.plus(Duration::from_secs(hours * 3_600)));
        assert_eq!(due(None, NOW, hour), NOW);
        assert_eq!(due(Some(later(20)), NOW, hour), later(20), "the server may have asked for it");
        assert_eq!(due(Some(later(24 * 30)), NOW, hour), NOW);
        assert_eq!(due(Some(Moment(0)), NOW, hour), Moment(0));
    }

    #[test]
    fn a_start_asks_at_once_only_for_what_is_not_there() {
        let day = Duration::from_secs(86_400);
        assert_eq!(at_start(NOW, day, false, 0.9), NOW);
        assert_eq!(seconds(at_start(NOW, day, true, 0.5)), 30);
        assert_eq!(seconds(at_start(NOW, Duration::from_secs(60), true, 1.0)), 3);
    }
}
