//! Time: a [`Moment`] is a value; only a [`Clock`] makes one, so that tests can script it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Moment {
        Moment(seconds * 1_000_000)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment and `span` later; the far end of time when it would overflow.
    pub fn plus(self, span: Duration) -> Moment {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Moment(self.0.saturating_add(micros))
    }

    /// This moment and `span` earlier; the beginning of time when it would overflow.
    pub fn minus(self, span: Duration) -> Moment {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Moment(self.0.saturating_sub(micros))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As a timestamp of the calendar; moments out of its range become its ends.
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl std::fmt::Display for Moment {
    /// RFC 3339 in UTC with microseconds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.6}", self.timestamp())
    }
}

impl From<jiff::Timestamp> for Moment {
    fn from(timestamp: jiff::Timestamp) -> Moment {
        Moment(timestamp.as_microsecond())
    }
}

/// Where moments come from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    Real,
    /// A clock that stands where a test has put it.
    Scripted(Arc<AtomicI64>),
}

impl Clock {
    /// A scripted clock that stands at `moment`.
    pub fn scripted(moment: Moment) -> Clock {
        Clock::Scripted(Arc::new(AtomicI64::new(moment.0)))
    }

    /// What time it is.
    #[inline]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> Moment {
        match self {
            Clock::Real => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => Moment(since.as_micros() as i64),
                Err(before) => Moment(-(before.duration().as_micros() as i64)),
            },
            Clock::Scripted(at) => Moment(at.load(Ordering::Relaxed)),
        }
    }

    /// Puts a scripted clock to `moment`; a real one cannot be set and stays as it is.
    pub fn set(&self, moment: Moment) {
        if let Clock::Scripted(at) = self {
            at.store(moment.0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scripted_clock_stands_still_until_it_is_set() {
        let clock = Clock::scripted(Moment::from_seconds(1_000));
        assert_eq!(clock.now(), clock.now());
        clock.set(Moment::from_seconds(2_000));
        assert_eq!(clock.now().seconds(), 2_000);
    }

    #[test]
    fn spans_never_overflow() {
        assert_eq!(Moment(i64::MAX).plus(Duration::MAX), Moment(i64::MAX));
        assert_eq!(Moment(0).since(Moment(5)), Duration::ZERO);
        assert_eq!(Moment(7).since(Moment(5)), Duration::from_micros(2));
    }

    #[test]
    fn a_moment_is_shown_in_utc() {
        assert_eq!(Moment(1_500_000).to_string(), "1970-01-01T00:00:01.500000Z");
    }
}
