//! When a decision will change by itself: decided again at every moment at which a schedule that bears on it begins
//! or ends.

use serde::Serialize;

use super::decided::{Decided, Spoken};
use super::in_zone;
use crate::dns::Name;
use crate::engine::Snapshot;
use crate::list::Hits;
use crate::moment::Moment;
use crate::policy::Schedule;
use crate::subject::Subject;
use crate::verdict::{CategoryId, Reason};

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
        let bearing = bearing(snapshot, name, subject, now);
        let now = now.spoken(snapshot, name);
        let mut next: Vec<Change> = Vec::new();
        let mut from = at;
        for _ in 0..LOOKED_AT {
            let changes = bearing.iter().filter_map(|schedule| schedule.next_change(from).map(|at| (at, schedule)));
            let Some((moment, schedule)) = changes.min_by_key(|(at, _)| *at) else {
                return Changes { next, looked_until: None };
            };
            let standing = snapshot.standing(moment);
            let then = Decided::of(snapshot, &standing, name, qtype, subject, &mut ()).spoken(snapshot, name);
            if then != *next.last().map_or(&now, |last| &last.then) {
                next.push(Change { at: in_zone(moment, &schedule.timezone), at_utc: moment.to_string(), then });
            }
            from = moment;
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
            (None, true) => lines.push("never by itself: no schedule bears on it".to_owned()),
            (Some(until), true) => lines.push(format!("not by itself until {until}, which is as far as was looked")),
            _ => {}
        }
        lines
    }
}

/// The schedules that can change what is decided: those that the client's policy has for a category the name is in, unless a group of the
/// subject's speaks of that category at any time. A name that is written in the policy is decided before every schedule.
fn bearing<'a>(snapshot: &'a Snapshot, name: &Name, subject: &Subject, now: &Decided) -> Vec<&'a Schedule> {
    let model = snapshot.model();
    let why = now.verdict.why();
    let timeless = match why.reason {
        Reason::Name | Reason::Internal | Reason::Unmatched => true,
        Reason::Group => why.category.is_none(),
        _ => false,
    };
    let Some(policy) = now.place.policy(model).filter(|_| !timeless) else { return Vec::new() };
    let mut hits = Hits::new();
    snapshot.matcher().look_up(name, &mut hits);
    let of_group = |category: CategoryId| {
        let groups = policy.exceptions.iter().filter(|exception| exception.categories.has(category));
        groups.filter_map(|exception| model.groups.get(exception.group)).any(|group| group.has(subject))
    };
    let open: Vec<CategoryId> = hits.iter().map(|hit| hit.category).filter(|category| !of_group(*category)).collect();
    let timed = policy.timed.iter().filter(|timed| open.iter().any(|category| timed.categories.has(*category)));
    let mut places: Vec<usize> = timed.map(|timed| timed.schedule).collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().filter_map(|place| model.schedules.get(place)).collect()
}
