//! Every rule that was looked at, and why it did or did not speak. What was decided comes from the steps of the decision itself; what
//! did not come to count is told beside it from the same model.

use serde::Serialize;

use super::access;
use super::decided::Decided;
use super::{in_zone, members};
use crate::dns::Name;
use crate::engine::Snapshot;
use crate::engine::rooms::Goes;
use crate::list::{Found, Hit};
use crate::moment::Moment;
use crate::policy::Policy;
use crate::policy::decide::{Ruling, Step};
use crate::policy::model::Act;
use crate::policy::names::{NameAct, NameRules};
use crate::subject::Subject;
use crate::verdict::{CategoryId, EntryId, Reason, RuleRef};

/// One thing looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Looked {
    /// What.
    pub what: String,
    /// What it said, or why it said nothing.
    pub said: String,
    /// Whether it decided the verdict.
    pub spoke: bool,
    /// What it consists of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Part>,
}

/// A part of what was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// What.
    pub what: String,
    /// What it said, or why it said nothing.
    pub said: String,
    /// Whether it is the part that counts.
    pub counts: bool,
}

/// What is looked at: one question, and what is true while it is decided.
pub struct Looking<'a> {
    /// By what.
    pub snapshot: &'a Snapshot,
    /// Of which policy.
    pub policy: Option<&'a Policy>,
    /// The name.
    pub name: &'a Name,
    /// The type.
    pub qtype: u16,
    /// For whom.
    pub subject: &'a Subject,
    /// When.
    pub at: Moment,
    /// What it came to.
    pub decided: &'a Decided,
}

impl Looking<'_> {
    /// Everything looked at, in the order it was.
    pub fn all(&self, steps: &[Step]) -> Vec<Looked> {
        let mut all = vec![self.internal()];
        if steps.is_empty() {
            let said = match self.decided.verdict.why().reason {
                Reason::Internal => "not looked at: the name is the organisation's own",
                _ => "none: the client is in no network zone",
            };
            all.push(Looked { what: "policy".to_owned(), said: said.to_owned(), spoke: false, within: Vec::new() });
        }
        let mut strict: Vec<(Act, CategoryId)> = Vec::new();
        let mut in_these: Vec<CategoryId> = Vec::new();
        for step in steps {
            if let Step::Category(hit, ruling) = step {
                strict.extend(ruling.act.map(|act| (act, hit.category)));
                in_these.push(hit.category);
            }
            all.extend(self.told(step));
        }
        if !in_these.is_empty() {
            let mut others = self.snapshot.matcher().every_rule(self.name, self.qtype);
            others.retain(|found| !in_these.contains(&found.category));
            all.extend(self.taken_out(&others));
        }
        all.extend(self.strictest(&strict));
        all.extend(self.not_reached(steps));
        all
    }

    fn told(&self, step: &Step) -> Vec<Looked> {
        match step {
            Step::Withdrawn { by, essential } => {
                let spoke = self.decided.verdict.why().reason == Reason::Withdrawn;
                let said = access::withdrawn(*by, *essential);
                vec![Looked { what: "withdrawals".to_owned(), said, spoke, within: Vec::new() }]
            }
            Step::Grant(id) => {
                let spoke = self.decided.verdict.why().reason == Reason::Grant;
                let said = access::granted(*id);
                vec![Looked { what: "grants".to_owned(), said, spoke, within: Vec::new() }]
            }
            Step::GroupNames { exception, member, hit } => {
                let Some(exception) = self.policy.and_then(|policy| policy.exceptions.get(*exception)) else {
                    return Vec::new();
                };
                let group = self.snapshot.model().groups.get(exception.group);
                let spoke = self.spoke_by(hit.map(|hit| hit.entry).filter(|_| *member), Reason::Group);
                let (name, membership) =
                    group.map_or(("", String::new()), |group| (&*group.name, members::told(group, self.subject)));
                let within = self.names(&exception.names, spoke);
                let said = match (within.is_empty(), *member) {
                    (true, _) => format!("none of them is the name or above it; the subject is {membership}"),
                    (false, false) => format!("the subject is {membership}"),
                    (false, true) if spoke => format!("the subject is {membership}"),
                    (false, true) => format!("the subject is {membership}; a longer or stronger name speaks"),
                };
                vec![Looked { what: format!("names for group {name}"), said, spoke, within }]
            }
            Step::PolicyNames(hit) => {
                let spoke = self.spoke_by(hit.map(|hit| hit.entry), Reason::Name);
                let within = self.policy.map_or_else(Vec::new, |policy| self.names(&policy.names, spoke));
                let said = match (hit, within.is_empty()) {
                    (Some(hit), _) => format!("{} by {}", name_word(hit.act), self.entry(hit.entry)),
                    (None, true) => "none of them is the name or above it".to_owned(),
                    (None, false) => "none of them stands for the name".to_owned(),
                };
                vec![Looked { what: "names of the policy".to_owned(), said, spoke, within }]
            }
            Step::Category(hit, ruling) => vec![self.category(hit, ruling)],
            Step::NoCategory => {
                let found = self.snapshot.matcher().every_rule(self.name, self.qtype);
                if found.is_empty() {
                    let said = "the name and its parents are on no list".to_owned();
                    return vec![Looked { what: "categories".to_owned(), said, spoke: false, within: Vec::new() }];
                }
                self.taken_out(&found)
            }
            Step::Default { block } => {
                let said = match (block, self.policy.and_then(|policy| policy.default_entry)) {
                    (true, Some(entry)) => format!("blocks what nothing speaks for, by {}", self.entry(entry)),
                    (true, None) => "blocks what nothing speaks for".to_owned(),
                    (false, _) => "allows what nothing speaks against".to_owned(),
                };
                let spoke = self.decided.verdict.why().reason == Reason::Default;
                vec![Looked { what: "default".to_owned(), said, spoke, within: Vec::new() }]
            }
        }
    }

    fn entry(&self, id: EntryId) -> &str {
        self.snapshot.model().entries.get(id.0 as usize).map_or("", |text| &**text)
    }

    fn spoke_by(&self, entry: Option<EntryId>, reason: Reason) -> bool {
        let why = self.decided.verdict.why();
        why.reason == reason && why.category.is_none() && entry.is_some_and(|e| why.rule == Some(RuleRef::Config(e)))
    }

    fn internal(&self) -> Looked {
        let config = &self.snapshot.config;
        let judged = |filter: bool| if filter { "policy judges it, too" } else { "answered without categories" };
        let said = match &self.decided.goes {
            Goes::Local(place) => match config.local_zones.get(*place as usize) {
                Some(zone) => format!("in the local zone {}; {}", zone.name, judged(zone.filter)),
                None => "in a local zone".to_owned(),
            },
            Goes::Upstream(Some(place)) => match config.forward_zones.get(*place as usize) {
                Some(zone) => format!("in the forward zone {}; {}", zone.name, judged(zone.filter)),
                None => "in a forward zone".to_owned(),
            },
            Goes::Special(special) => format!("not internal; answered here: {}", special.rule),
            Goes::Upstream(None) => "in no local zone and no forward zone".to_owned(),
        };
        let spoke = matches!(self.decided.verdict.why().reason, Reason::Internal | Reason::SpecialUse);
        Looked { what: "internal names".to_owned(), said, spoke, within: Vec::new() }
    }

    /// The names at or above the one asked for, the one that counts among them where there is one.
    fn names(&self, names: &NameRules, spoke: bool) -> Vec<Part> {
        let mut taken = false;
        let above = names.at_or_above(self.name).into_iter().map(|above| {
            let first = above.applies && !taken;
            taken |= above.applies;
            let word = name_word(above.hit.act);
            let said = match (first, above.applies, above.alone) {
                (true, ..) => word.to_owned(),
                (false, true, _) => format!("would be {word}; a nearer or stronger name comes first"),
                (false, false, true) => format!("would be {word}; stands for that name alone"),
                (false, false, false) => format!("would be {word}; the name itself is taken out of it"),
            };
            Part { what: self.entry(above.hit.entry).to_owned(), said, counts: first && spoke }
        });
        above.collect()
    }

    fn category(&self, hit: &Hit, ruling: &Ruling) -> Looked {
        let why = self.decided.verdict.why();
        let spoke = why.category == Some(hit.category) && why.reason == ruling.reason;
        let mut within = Vec::new();
        for found in self.snapshot.matcher().every_rule(self.name, self.qtype) {
            if found.category == hit.category {
                let counts = (found.list, found.line, found.labels) == (hit.list, hit.line, hit.labels);
                within.push(self.line(&found, counts));
            }
        }
        within.extend(self.actions(hit.category, ruling));
        let said = match (ruling.act, ruling.entry) {
            (Some(act), Some(at)) => format!("{} by {}", act_word(act), self.entry(at)),
            _ => "the policy does not mention this category".to_owned(),
        };
        Looked { what: format!("category {}", self.snapshot.model().category(hit.category).name), said, spoke, within }
    }

    fn line(&self, found: &Found, counts: bool) -> Part {
        let list = self.snapshot.list_name(found.list);
        let covered = self.name.last_labels(found.labels as usize);
        let said = match (found.except, counts) {
            (true, _) => "an exception: not in the category",
            (false, true) => "in the category",
            (false, false) => "in the category, too",
        };
        Part { what: format!("{list} line {} ({covered})", found.line), said: said.to_owned(), counts }
    }

    /// What the policy says of a category: exceptions for groups, schedules, the plain action. `ruling` is what it came to.
    fn actions(&self, category: CategoryId, ruling: &Ruling) -> Vec<Part> {
        let (Some(policy), model) = (self.policy, self.snapshot.model()) else { return Vec::new() };
        let counts = |reason, entry| ruling.reason == reason && ruling.entry == Some(entry);
        let mut parts = Vec::new();
        for exception in policy.exceptions.iter().filter(|exception| exception.categories.has(category)) {
            let Some(group) = model.groups.get(exception.group) else { continue };
            let counts = counts(Reason::Group, exception.entry);
            let member = members::told(group, self.subject);
            let said = match (counts, group.has(self.subject)) {
                (true, _) => format!("{}: the subject is {member}", act_word(exception.action)),
                (false, true) => format!("would be {}; a stricter one counts", act_word(exception.action)),
                (false, false) => format!("would be {}; the subject is {member}", act_word(exception.action)),
            };
            parts.push(Part { what: self.entry(exception.entry).to_owned(), said, counts });
        }
        for timed in policy.timed.iter().filter(|timed| timed.categories.has(category)) {
            let Some(schedule) = model.schedules.get(timed.schedule) else { continue };
            let counts = counts(Reason::Schedule, timed.entry);
            let until = match schedule.next_change(self.at) {
                Some(next) => format!(" until {}", in_zone(next, &schedule.timezone)),
                None => " for good".to_owned(),
            };
            let word = act_word(timed.action);
            let said = match (counts, schedule.in_force(self.at), ruling.reason) {
                (true, ..) => format!("{word}: in force{until}"),
                (false, false, _) => format!("would be {word}; not in force{until}"),
                (false, true, Reason::Group) => format!("would be {word}; in force{until}, but a group comes first"),
                (false, true, _) => format!("would be {word}; in force{until}, but a stricter one counts"),
            };
            parts.push(Part { what: self.entry(timed.entry).to_owned(), said, counts });
        }
        if let Some((act, entry)) = policy.actions.get(usize::from(category.0)).copied().flatten() {
            let counts = counts(Reason::Category, entry);
            let said = match (counts, ruling.reason) {
                (true, _) => act_word(act).to_owned(),
                (false, Reason::Group) => format!("would be {}; a group comes first", act_word(act)),
                (false, _) => format!("would be {}; a schedule comes first", act_word(act)),
            };
            parts.push(Part { what: self.entry(entry).to_owned(), said, counts });
        }
        parts
    }

    /// Categories that would hold the name if an exception of theirs did not take it out.
    fn taken_out(&self, found: &[Found]) -> Vec<Looked> {
        let mut categories: Vec<CategoryId> = found.iter().map(|found| found.category).collect();
        categories.sort();
        categories.dedup();
        let told = categories.into_iter().map(|id| Looked {
            what: format!("category {}", self.snapshot.model().category(id).name),
            said: "listed, but an exception of the category takes it out".to_owned(),
            spoke: false,
            within: found.iter().filter(|f| f.category == id).map(|f| self.line(f, false)).collect(),
        });
        told.collect()
    }

    /// How several categories that say something were weighed.
    fn strictest(&self, found: &[(Act, CategoryId)]) -> Option<Looked> {
        if found.len() < 2 {
            return None;
        }
        let mut order = found.to_vec();
        order.sort_by_key(|(act, _)| std::cmp::Reverse(*act));
        let model = self.snapshot.model();
        let words: Vec<String> =
            order.iter().map(|(act, id)| format!("{} ({})", act_word(*act), model.category(*id).name)).collect();
        let all_alike = order.iter().all(|(act, _)| order.first().is_some_and(|(first, _)| first == act));
        let said = match all_alike {
            true => format!("alike: {}; the line for the longest name is named", words.join(", ")),
            false => words.join(" before "),
        };
        Some(Looked { what: "the strictest counts".to_owned(), said, spoke: false, within: Vec::new() })
    }

    /// The tiers that were not come to.
    fn not_reached(&self, steps: &[Step]) -> Option<Looked> {
        let policy = self.policy?;
        let what = match steps.last()? {
            Step::Withdrawn { .. } => "grants, names, categories, default",
            Step::Grant(_) => "names, categories, default",
            Step::GroupNames { .. } => "names of the policy, categories, default",
            Step::PolicyNames(_) => "categories, default",
            Step::Category(..) => "default",
            _ => return None,
        };
        let default = if policy.default_block { "block" } else { "allow" };
        let said = format!("not come to; the default would {default}");
        Some(Looked { what: what.to_owned(), said, spoke: false, within: Vec::new() })
    }
}

fn act_word(act: Act) -> &'static str {
    match act {
        Act::Allow => "allowed",
        Act::Monitor => "answered and marked",
        Act::Block => "blocked",
    }
}

fn name_word(act: NameAct) -> &'static str {
    match act {
        NameAct::Allow => "allowed",
        NameAct::Monitor => "answered and marked",
        NameAct::Rewrite => "rewritten",
        NameAct::Block => "blocked",
    }
}
