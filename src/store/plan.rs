//! What the log should do next: numbers in, one step out. Segments need no step of their own to be rolled (a lane goes on by itself when one
//! is full, and a seal takes rows out of segments still in use), and parts are not merged yet.

use std::time::Duration;

use crate::moment::Moment;

/// What the log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Octets of frames not sealed yet.
    pub live_bytes: u64,
    /// When rows were last sealed, or the log was opened.
    pub sealed_at: Moment,
    /// Live rows were found at start: an earlier process did not end well.
    pub left_over: bool,
    /// Time of the last row of the part whose last row is oldest.
    pub oldest_part: Option<Moment>,
    /// A legal hold is in force.
    pub on_hold: bool,
    /// There is little space left on the disk.
    pub low_on_space: bool,
}

/// What it should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long rows may stay live.
    pub seal_every: Duration,
    /// How many octets of frames may stay live.
    pub seal_bytes: u64,
    /// Most rows sealed in one step: bounds the memory of a seal.
    pub seal_rows: usize,
    /// How long rows are kept.
    pub retain: Duration,
    /// Size of a segment, in octets.
    pub segment_bytes: usize,
    /// Octets of the disk left free for sealing what is there.
    pub keep_free: u64,
    /// What a power cut may take; zero: the doors sync before they answer.
    pub sync_interval: Duration,
}

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do.
    Keep,
    /// Seal live rows into parts.
    Seal,
    /// Erase the parts whose rows are all older than they may be kept.
    Expire,
}

/// What the log should do next. Told everything it may know; touches nothing.
pub fn next_step(held: &Held, limits: &Limits, now: Moment) -> Step {
    let expired = !held.on_hold && held.oldest_part.is_some_and(|last| is_expired(last, limits, now));
    // With little space left, what may go goes first: sealing needs space itself.
    if expired && held.low_on_space {
        return Step::Expire;
    }
    if held.live_bytes > 0 {
        // A clock that was set back must not keep rows live for as long as it was set back.
        let due = now.since(held.sealed_at) >= limits.seal_every || now < held.sealed_at;
        if due || held.left_over || held.live_bytes >= limits.seal_bytes {
            return Step::Seal;
        }
    }
    if expired { Step::Expire } else { Step::Keep }
}

/// Whether a part whose last row is of `last` is past its time.
pub fn is_expired(last: Moment, limits: &Limits, now: Moment) -> bool {
    last < now.minus(limits.retain)
}

impl Limits {
    /// The limits a configuration asks for.
    pub fn of(log: &crate::config::checked::Log) -> Limits {
        Limits {
            seal_every: log.seal_every,
            seal_bytes: 256 << 20,
            seal_rows: 4 * 131_072,
            retain: log.retain,
            segment_bytes: 16 << 20,
            keep_free: 128 << 20,
            sync_interval: log.sync_interval,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn limits() -> Limits {
        Limits {
            seal_every: HOUR,
            seal_bytes: 1000,
            seal_rows: 10,
            retain: 24 * HOUR,
            segment_bytes: 1 << 16,
            keep_free: 0,
            sync_interval: Duration::ZERO,
        }
    }

    #[test]
    fn each_state_has_its_one_step() {
        let now = Moment::from_seconds(10_000_000);
        let calm = Held { sealed_at: now, ..Held::default() };
        let some = Held { live_bytes: 1, ..calm };
        let old = Some(now.minus(25 * HOUR));
        let table: &[(&str, Held, Step)] = &[
            ("nothing at all", calm, Step::Keep),
            ("nothing, though an hour has passed", Held { sealed_at: now.minus(2 * HOUR), ..calm }, Step::Keep),
            ("a few young rows", some, Step::Keep),
            ("rows of a whole hour", Held { sealed_at: now.minus(HOUR), ..some }, Step::Seal),
            ("not quite an hour", Held { sealed_at: now.minus(HOUR - Duration::from_micros(1)), ..some }, Step::Keep),
            ("many young rows", Held { live_bytes: 1000, ..calm }, Step::Seal),
            ("rows of a process that was killed", Held { left_over: true, ..some }, Step::Seal),
            ("the clock was set back", Held { sealed_at: now.plus(HOUR), ..some }, Step::Seal),
            ("an old part", Held { oldest_part: old, ..calm }, Step::Expire),
            ("a part just young enough", Held { oldest_part: Some(now.minus(24 * HOUR)), ..calm }, Step::Keep),
            ("an old part on hold", Held { oldest_part: old, on_hold: true, ..calm }, Step::Keep),
            ("seal before expiry", Held { oldest_part: old, live_bytes: 1000, ..calm }, Step::Seal),
            (
                "expiry before seal when space is low",
                Held { oldest_part: old, live_bytes: 1000, low_on_space: true, ..calm },
                Step::Expire,
            ),
            (
                "a hold stands even when space is low",
                Held { oldest_part: old, live_bytes: 1000, low_on_space: true, on_hold: true, ..calm },
                Step::Seal,
            ),
        ];
        for (what, held, step) in table {
            assert_eq!(next_step(held, &limits(), now), *step, "{what}");
        }
    }
}
