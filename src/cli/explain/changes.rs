//! When a decision will change by itself: decided again at every moment at which a schedule, a grant or a withdrawal that bears on it
//! begins or ends.

use serde::Serialize;

use super::decided::{Decided, Spoken};
use super::in_zone;
use crate::dns::Name;
use crate::engine::Snapshot;
use crate::moment::Moment;
use crate::subject::Subject;

/// How many changes are told.
const TOLD: usize = 2;
/// How many moments are looked at before it is given up: with four a day, two months.
const LOOKED_AT: usize = 240;

/// A change to come.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// When, by the clock of the schedule that begins or ends.
    pub at: String,
    /// The same in UTC (RFC 3339).
    pub at_utc: String,
    /// What speaks then.
    #[serde(flatten)]
    pub then: Spoken,
}

/// The changes to come, as far as they were looked for.
#[derive(Clone, Debug, Serialize)]
pub struct Changes {
    /// The next of them, in order.
    pub next: Vec<Change>,
    /// Until when it was looked; none: no schedule ever changes again after the last that is told.
    pub looked_until: Option<String>,
}

impl Changes {
    /// Looks for the changes after `at` of what is decided now.
    pub fn of(snapshot: &Snapshot, name: &Name, qtype: u16, subject: &Subject, at: Moment, now: &Decided) -> Changes {
        let model = snapshot.model();
        let (mut until, now) = (now.until, now.spoken(snapshot, name));
        let mut next: Vec<Change> = Vec::new();
        let mut from = at;
        for _ in 0..LOOKED_AT {
            if until == Moment(i64::MAX) {
                return Changes { next, looked_until: None };
            }
            let moment = until;
            let standing = snapshot.standing(moment);
            let decided = Decided::of(snapshot, &standing, name, qtype, subject, &mut ());
            let then = decided.spoken(snapshot, name);
            if then != *next.last().map_or(&now, |last| &last.then) {
                // By the clock of the schedule that changes; a grant or a withdrawal has none.
                let schedule = model.schedules.iter().find(|schedule| schedule.next_change(from) == Some(moment));
                let zone = schedule.map_or_else(jiff::tz::TimeZone::system, |schedule| schedule.timezone.clone());
                next.push(Change { at: in_zone(moment, &zone), at_utc: moment.to_string(), then });
            }
            (from, until) = (moment, decided.until);
            if next.len() == TOLD {
                break;
            }
        }
        Changes { next, looked_until: Some(in_zone(from, &jiff::tz::TimeZone::system())) }
    }

    /// The lines a person reads.
    pub fn told(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .next
            .iter()
            .map(|change| format!("{}, then: {} ({})", change.at, change.then.action, change.then.reason))
            .collect();
        match (&self.looked_until, lines.is_empty()) {
            (None, true) => lines.push("never by itself: nothing that bears on it has a time".to_owned()),
            (Some(until), true) => lines.push(format!("not by itself until {until}, which is as far as was looked")),
            _ => {}
        }
        lines
    }
}
