//! Each question decided by both configurations, and what differs, gathered by name and rule.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::asked::Asked;
use crate::cli::explain::decided::{Decided, Spoken};
use crate::engine::Snapshot;
use crate::moment::Moment;
use crate::policy::Standing;
use crate::subject::{Device, Known, Subject, Via};
use crate::verdict::Verdict;

/// How a decision differs, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Differs {
    /// Answered now, and would not be.
    NowBlocked,
    /// Not answered now, and would be.
    NowAnswered,
    /// Answered, and would be marked.
    NowMarked,
    /// Marked, and would be answered without.
    NoLongerMarked,
    /// Answered or blocked as now, but in another way.
    OtherAnswer,
}

impl Differs {
    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Differs::NowBlocked => "now blocked",
            Differs::NowAnswered => "now answered",
            Differs::NowMarked => "now marked",
            Differs::NoLongerMarked => "no longer marked",
            Differs::OtherAnswer => "other answer",
        }
    }
}

/// What is alike in all that a line is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// How it differs.
    pub differs: Differs,
    /// The name.
    pub name: String,
    /// What speaks now, and how it is answered.
    pub old: (Spoken, String),
    /// What would speak, and how it would be answered.
    pub new: (Spoken, String),
}

/// Whom a line is about.
#[derive(Clone, Debug, Default)]
pub struct Whom {
    /// Rows.
    pub queries: u64,
    /// Clients, and how many rows each has.
    pub clients: BTreeMap<IpAddr, u64>,
    /// Users, as far as the log knows them.
    pub users: BTreeSet<String>,
    /// Types asked for.
    pub types: BTreeSet<u16>,
    /// Network zones of the configuration as it is.
    pub network_zones: BTreeSet<String>,
}

/// Everything compared so far.
pub struct Compared<'a> {
    old: &'a Snapshot,
    new: &'a Snapshot,
    standings: HashMap<Moment, (Standing, Standing)>,
    /// Rows read.
    pub rows: u64,
    /// Of them, those without a readable question.
    pub unreadable: u64,
    /// Questions decided.
    pub decided: u64,
    /// Of them, those that differ.
    pub changed: u64,
    /// Of them, those that come to the same by another rule.
    pub other_rule: u64,
    /// What differs.
    pub lines: BTreeMap<Line, Whom>,
}

/// Whether a client gets what it asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comes {
    Answered,
    Marked,
    Withheld,
}

impl<'a> Compared<'a> {
    /// Of two configurations, before anything is compared.
    pub fn new(old: &'a Snapshot, new: &'a Snapshot) -> Compared<'a> {
        Compared {
            old,
            new,
            standings: HashMap::new(),
            rows: 0,
            unreadable: 0,
            decided: 0,
            changed: 0,
            other_rule: 0,
            lines: BTreeMap::new(),
        }
    }

    /// Decides a question by both.
    pub fn add(&mut self, asked: Result<Asked, u64>) {
        let asked = match asked {
            Ok(asked) => asked,
            Err(rows) => {
                self.rows += rows;
                self.unreadable += rows;
                return;
            }
        };
        let (old, new) = (self.old, self.new);
        let both = self.standings.entry(asked.at).or_insert_with(|| (old.standing(asked.at), new.standing(asked.at)));
        let one = |snapshot: &Snapshot, standing: &Standing| {
            let subject = subject(snapshot, &asked);
            Decided::of(snapshot, standing, &asked.name, asked.qtype, &subject, &mut ())
        };
        let (before, after) = (one(old, &both.0), one(new, &both.1));
        self.rows += asked.rows;
        self.decided += 1;
        let told = |decided: &Decided, snapshot| {
            (decided.spoken(snapshot, &asked.name), decided.answer(snapshot, &asked.name))
        };
        let (was, would) = (told(&before, old), told(&after, new));
        let differs = match (comes(&before.verdict), comes(&after.verdict)) {
            (Comes::Answered | Comes::Marked, Comes::Withheld) => Differs::NowBlocked,
            (Comes::Withheld, Comes::Answered | Comes::Marked) => Differs::NowAnswered,
            (Comes::Answered, Comes::Marked) => Differs::NowMarked,
            (Comes::Marked, Comes::Answered) => Differs::NoLongerMarked,
            _ if was.1 != would.1 => Differs::OtherAnswer,
            _ => {
                self.other_rule += u64::from(was.0 != would.0);
                return;
            }
        };
        self.changed += 1;
        let line = Line { differs, name: asked.name.to_string(), old: was, new: would };
        let whom = self.lines.entry(line).or_default();
        whom.queries += asked.rows;
        *whom.clients.entry(asked.client).or_default() += asked.rows;
        whom.users.extend(asked.user);
        whom.types.insert(asked.qtype);
        whom.network_zones.insert(before.place.zone_name(old.model()).to_owned());
    }

    /// What differs, the worst first: by how, then by queries, then by clients.
    pub fn worst_first(&self) -> Vec<(&Line, &Whom)> {
        let mut lines: Vec<(&Line, &Whom)> = self.lines.iter().collect();
        lines.sort_by_key(|(line, whom)| {
            let (queries, clients) = (whom.queries, whom.clients.len());
            (line.differs, std::cmp::Reverse((queries, clients)))
        });
        lines
    }
}

fn comes(verdict: &Verdict) -> Comes {
    match verdict {
        Verdict::Allow(_) | Verdict::Grant(_) | Verdict::Rewrite(..) => Comes::Answered,
        Verdict::Monitor(_) => Comes::Marked,
        Verdict::Block(_) | Verdict::Refuse(_) | Verdict::Drop(_) => Comes::Withheld,
    }
}

/// Who asked. A lease or a session is as the log knew it then; a static entry is a matter of the configuration, so each has its own, and it
/// outranks a lease. What no row has, directory groups and whether several people share the device, is as the configuration has it.
fn subject(snapshot: &Snapshot, asked: &Asked) -> Subject {
    let mut subject = snapshot.roster.subject(asked.client);
    let written = subject.known.as_deref();
    let logged = match asked.via {
        Some(Via::Radius | Via::Signon) => asked.via,
        Some(Via::Lease) if written.is_none() => asked.via,
        _ => None,
    };
    if let Some(via) = logged {
        let user = asked.user.as_deref().map(|user| user.to_lowercase().into());
        let same = written.filter(|written| written.user == user);
        let device = Device { mac: asked.device, host: written.and_then(|written| written.device.host.clone()) };
        let groups = same.map(|written| written.groups.clone()).unwrap_or_default();
        let shared = user.is_none() && written.is_some_and(|written| written.shared);
        subject.known = Some(Known { device, user, groups, via, as_of: None, shared }.into());
    }
    subject
}
