//! Room 4, verdict: the order of rules, as one function. Most specific tier first; within a tier the longest matching name wins; at
//! equal length an allow beats a block.

use std::borrow::Borrow;

use crate::dns::Name;
use crate::list::{Ahead, Hit, Hits, Matcher};
use crate::moment::Moment;
use crate::policy::access::{Access, Granted};
use crate::policy::model::Act;
use crate::policy::names::{NameAct, NameHit};
use crate::policy::{Model, Policy, Standing};
use crate::subject::Subject;
use crate::verdict::{AccessId, By, CategoryId, CategorySet, EntryId, Given, Reason, RuleRef, Verdict, Why};

/// What a question is decided by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The policy of the whole configuration.
    pub model: &'a Model,
    /// The names of every category.
    pub matcher: &'a Matcher,
    /// Which schedules are in force, and at which moment.
    pub standing: &'a Standing,
    /// Grants and withdrawals.
    pub access: &'a Access,
    /// The name asked for is essential, and what is decided is where its answer leads: a withdrawal does not speak.
    pub led_by_essential: bool,
    /// The question came over a stream: what a list wants truncated is resolved.
    pub over_stream: bool,
    /// How far the matcher was asked for the name beforehand, where it is the name of the question itself.
    pub ahead: Option<&'a Ahead>,
}

/// One rule that was looked at on the way to a verdict.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// The withdrawals of the subject's access.
    Withdrawn {
        /// The one in force, and by what the subject is known.
        by: Option<(AccessId, By)>,
        /// Whether the name is essential, so that no withdrawal speaks for it.
        essential: bool,
    },
    /// The grants in force for the subject, and the one that opens the name.
    Grant(Option<AccessId>),
    /// The names of an exception for a group.
    GroupNames {
        /// Place of the exception in the policy.
        exception: usize,
        /// Whether the subject belongs to the group.
        member: bool,
        /// What it says of the name.
        hit: Option<NameHit>,
    },
    /// The names written in the policy.
    PolicyNames(Option<NameHit>),
    /// A category that holds the name.
    Category(Hit, Ruling),
    /// No category holds the name.
    NoCategory,
    /// The policy's default.
    Default {
        /// Whether it blocks.
        block: bool,
    },
}

/// What the policy does with a category for this subject at this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The action; none where the policy does not mention the category.
    pub act: Option<Act>,
    /// Which tier gave it.
    pub reason: Reason,
    /// Where it is written.
    pub entry: Option<EntryId>,
}

/// Who listens to the steps of a decision: `explain` does; on the way of a query nobody does, and `()` costs nothing.
pub trait Trace {
    /// Takes note of a step.
    fn step(&mut self, step: Step);
}

impl Trace for () {
    #[inline(always)]
    fn step(&mut self, _: Step) {}
}

impl Trace for Vec<Step> {
    fn step(&mut self, step: Step) {
        self.push(step);
    }
}

/// A tier of the order of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// The subject's access is withdrawn: everything but the essential names is blocked.
    Withdrawn,
    /// A grant in force.
    Grant,
    /// Names of exceptions for the subject's groups.
    GroupNames,
    /// Names of the policy.
    PolicyNames,
    /// Categories: by group, by schedule, plain; the strictest wins.
    Categories,
    /// What the policy does with names nothing speaks for.
    Default,
}

/// The order of rules: the first tier that speaks decides.
pub const ORDER: [Tier; 6] =
    [Tier::Withdrawn, Tier::Grant, Tier::GroupNames, Tier::PolicyNames, Tier::Categories, Tier::Default];

/// A verdict, and how long it holds by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The verdict.
    pub verdict: Verdict,
    /// The first moment at which what was looked at may say something else: a schedule changes, a grant ends, a withdrawal begins or ends.
    pub until: Moment,
}

/// Decides a question for `name` and `qtype` by `policy`.
pub fn decide<T: Trace>(
    rules: &Rules<'_>,
    policy: &Policy,
    name: &Name,
    qtype: u16,
    subject: &Subject,
    trace: &mut T,
) -> Decided {
    let mut asking = Asking {
        rules,
        policy,
        name,
        qtype,
        subject,
        hits: Hits::new(),
        looked_up: false,
        opened: CategorySet::EMPTY,
        until: Moment(i64::MAX),
    };
    let spoke = ORDER.into_iter().find_map(|tier| match tier {
        Tier::Withdrawn => asking.withdrawn(trace),
        Tier::Grant => asking.granted(trace),
        Tier::GroupNames => asking.group_names(trace).map(|hit| by_name(hit, Reason::Group)),
        Tier::PolicyNames => asking.policy_names(trace).map(|hit| by_name(hit, Reason::Name)),
        Tier::Categories => asking.by_category(trace),
        Tier::Default => Some(asking.by_default(trace)),
    });
    Decided { verdict: spoke.unwrap_or(Verdict::Allow(Why::DEFAULT)), until: asking.until }
}

/// A question on its way through the tiers.
struct Asking<'a> {
    rules: &'a Rules<'a>,
    policy: &'a Policy,
    name: &'a Name,
    qtype: u16,
    subject: &'a Subject,
    /// The categories that hold the name, once a tier has asked for them.
    hits: Hits,
    looked_up: bool,
    /// Categories that grants open, where another one keeps the name shut.
    opened: CategorySet,
    until: Moment,
}

impl Asking<'_> {
    fn withdrawn<T: Trace>(&mut self, trace: &mut T) -> Option<Verdict> {
        let Rules { model, access, standing, led_by_essential, .. } = *self.rules;
        if access.is_empty() || led_by_essential {
            return None;
        }
        let found = access.withdrawn(self.subject, standing.at);
        let essential = (found.by.is_some() || found.until < Moment(i64::MAX)) && model.is_essential(self.name);
        trace.step(Step::Withdrawn { by: found.by, essential });
        if essential {
            return None;
        }
        self.until = self.until.min(found.until);
        let (id, by) = found.by?;
        let rule = Some(RuleRef::Withdrawal(id, by));
        Some(Verdict::Block(Why { reason: Reason::Withdrawn, category: None, rule }))
    }

    /// A grant for the name itself; else one for a category that holds it, where no category that is not granted blocks it.
    fn granted<T: Trace>(&mut self, trace: &mut T) -> Option<Verdict> {
        let Rules { access, standing, .. } = *self.rules;
        if access.is_empty() {
            return None;
        }
        let granted = access.grants_name(self.subject, self.name, standing.at).or_else(|| self.category_granted());
        trace.step(Step::Grant(granted.map(|granted| granted.id)));
        let granted = granted?;
        self.until = self.until.min(granted.until);
        let rule = Some(RuleRef::Grant(granted.id));
        Some(Verdict::Grant(Why { reason: Reason::Grant, category: granted.category, rule }))
    }

    fn category_granted(&mut self) -> Option<Granted> {
        let Rules { access, standing, .. } = *self.rules;
        let opened = access.granted_categories(self.subject, standing.at);
        if opened.is_empty() {
            return None;
        }
        self.look_up();
        let mut best: Option<(u8, Granted)> = None;
        let mut until = Moment(i64::MAX);
        for category in self.hits.categories().iter() {
            let Some(hit) = self.hits.get(category) else { continue };
            match access.grants_category(self.subject, category, standing.at).filter(|_| opened.has(category)) {
                Some(granted) => {
                    until = until.min(granted.until);
                    if best.is_none_or(|(labels, _)| hit.labels > labels) {
                        best = Some((hit.labels, granted));
                    }
                }
                // A grant for one category does not open what another keeps shut.
                None if self.ruling(category).act == Some(Act::Block) => {
                    self.opened = opened;
                    return None;
                }
                None => {}
            }
        }
        best.map(|(_, granted)| Granted { until, ..granted })
    }

    fn policy_names<T: Trace>(&self, trace: &mut T) -> Option<NameHit> {
        let hit = self.policy.names.find(self.name);
        trace.step(Step::PolicyNames(hit));
        hit
    }

    fn by_default<T: Trace>(&self, trace: &mut T) -> Verdict {
        trace.step(Step::Default { block: self.policy.default_block });
        match self.policy.default_entry {
            Some(entry) if self.policy.default_block => {
                Verdict::Block(Why { rule: Some(RuleRef::Config(entry)), ..Why::DEFAULT })
            }
            _ => Verdict::Allow(Why::DEFAULT),
        }
    }

    /// The names of the exceptions for the subject's groups: the longest one speaks; at equal length an allow beats a block.
    fn group_names<T: Trace>(&self, trace: &mut T) -> Option<NameHit> {
        let mut best: Option<NameHit> = None;
        for (place, exception) in self.policy.exceptions.iter().enumerate() {
            if exception.names.is_empty() {
                continue;
            }
            let member = self.rules.model.groups[exception.group].has(self.subject);
            let hit = exception.names.find(self.name);
            trace.step(Step::GroupNames { exception: place, member, hit });
            if let Some(hit) = hit.filter(|_| member)
                && best.is_none_or(|best| {
                    hit.labels > best.labels || hit.labels == best.labels && hit.act.rank() < best.act.rank()
                })
            {
                best = Some(hit);
            }
        }
        best
    }

    /// Finds the categories that hold the name, once.
    fn look_up(&mut self) {
        if !self.looked_up {
            match self.rules.ahead {
                Some(ahead) => self.rules.matcher.look_up_ahead(self.name, ahead, self.qtype, &mut self.hits),
                None => self.rules.matcher.look_up(self.name, self.qtype, &mut self.hits),
            }
            self.looked_up = true;
        }
    }

    /// The strictest action of the categories that hold the name; of equally strict ones, that of the most specific rule.
    fn by_category<T: Trace>(&mut self, trace: &mut T) -> Option<Verdict> {
        self.look_up();
        if self.hits.is_empty() {
            trace.step(Step::NoCategory);
            return None;
        }
        let mut best: Option<(Act, Hit, Reason)> = None;
        for category in self.hits.categories().iter() {
            let Some(hit) = self.hits.get(category) else { continue };
            // What is granted does not keep the name shut; the other does, and is to be named.
            if self.opened.has(category) {
                continue;
            }
            // What a list wants truncated is resolved over streams as if it were not listed.
            if hit.given == Given::TcpOnly && self.rules.over_stream && self.policy.response.is_none() {
                continue;
            }
            let ruling = self.ruling(category);
            trace.step(Step::Category(hit, ruling));
            let Some(act) = ruling.act else { continue };
            if best.is_none_or(|(strictest, of, _)| act > strictest || act == strictest && hit.labels > of.labels) {
                best = Some((act, hit, ruling.reason));
            }
        }
        let (act, hit, reason) = best?;
        let rule = RuleRef::List { list: hit.list, line: hit.line, labels: hit.labels, given: hit.given };
        let why = Why { reason, category: Some(hit.category), rule: Some(rule) };
        Some(match act {
            Act::Allow => Verdict::Allow(why),
            Act::Monitor => Verdict::Monitor(why),
            Act::Block => Verdict::Block(why),
        })
    }

    /// What the policy does with a category now, for this subject: a group's exception before a schedule, a schedule before the plain
    /// action; of several that apply in one tier the strictest.
    fn ruling(&mut self, category: CategoryId) -> Ruling {
        let (policy, standing) = (self.policy, self.rules.standing);
        let by_group = policy
            .exceptions
            .iter()
            .filter(|e| e.categories.has(category) && self.rules.model.groups[e.group].has(self.subject))
            .map(|e| (e.action, e.entry))
            .max_by_key(|(act, _)| *act);
        if let Some((act, entry)) = by_group {
            return Ruling { act: Some(act), reason: Reason::Group, entry: Some(entry) };
        }
        let mut by_time: Option<(Act, EntryId)> = None;
        for timed in policy.timed.iter().filter(|timed| timed.categories.has(category)) {
            // In force or not: when its schedule changes, the category may say something else.
            self.until = self.until.min(standing.change(timed.schedule));
            if standing.has(timed.schedule) && by_time.is_none_or(|(strictest, _)| timed.action >= strictest) {
                by_time = Some((timed.action, timed.entry));
            }
        }
        if let Some((act, entry)) = by_time {
            return Ruling { act: Some(act), reason: Reason::Schedule, entry: Some(entry) };
        }
        let plain = policy.actions.get(category.0 as usize).copied().flatten();
        Ruling { act: plain.map(|(act, _)| act), reason: Reason::Category, entry: plain.map(|(_, entry)| entry) }
    }
}

fn by_name(hit: NameHit, reason: Reason) -> Verdict {
    let why = Why { reason, category: None, rule: Some(RuleRef::Config(hit.entry)) };
    match hit.act {
        NameAct::Allow => Verdict::Allow(why),
        NameAct::Monitor => Verdict::Monitor(why),
        NameAct::Rewrite => Verdict::Rewrite(hit.entry, why),
        NameAct::Block => Verdict::Block(why),
    }
}

/// Whether a verdict speaks for where the answer leads, too: a name that the policy itself allows does, and a name that was granted.
pub fn vouches(asked: &Verdict) -> bool {
    match asked {
        Verdict::Allow(why) => why.reason == Reason::Name || why.reason == Reason::Group && why.category.is_none(),
        Verdict::Grant(why) => why.category.is_none(),
        _ => false,
    }
}

/// What became of the names an answer leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The name and the verdict that the answer comes to, where it is another than that of the name asked for.
    pub found: Option<(Name, Verdict)>,
    /// The first moment at which one of the names may be decided otherwise.
    pub until: Moment,
}

/// Judges an upstream's or a local zone's answer: every name it leads to is decided like a question of its own, unless the name asked
/// for vouches for it. The first block is what it comes to; without one, the first name that is granted, or else is to be marked.
pub fn judge<N: Borrow<Name>>(
    rules: &Rules<'_>,
    policy: &Policy,
    asked: &Verdict,
    targets: impl IntoIterator<Item = N>,
    qtype: u16,
    subject: &Subject,
) -> Judged {
    let mut judged = Judged { found: None, until: Moment(i64::MAX) };
    if vouches(asked) {
        return judged;
    }
    // What was asked for beforehand is not one of these names.
    let rules = &Rules { ahead: None, ..*rules };
    for target in targets {
        let target = target.borrow();
        let decided = decide(rules, policy, target, qtype, subject, &mut ());
        judged.until = judged.until.min(decided.until);
        let granted = matches!(asked, Verdict::Grant(_)) || matches!(judged.found, Some((_, Verdict::Grant(_))));
        let marked = granted || judged.found.is_some() || matches!(asked, Verdict::Monitor(_));
        match decided.verdict {
            // A policy that blocks by default speaks of the names people ask for; whoever may ask may be led on.
            Verdict::Block(why) if why.reason != Reason::Default => {
                return Judged { found: Some((*target, Verdict::Block(why))), ..judged };
            }
            Verdict::Grant(why) if !granted => {
                judged.found = Some((*target, Verdict::Grant(Why { reason: Reason::Answer, ..why })));
            }
            Verdict::Monitor(why) if !marked => {
                judged.found = Some((*target, Verdict::Monitor(Why { reason: Reason::Answer, ..why })));
            }
            _ => {}
        }
    }
    judged
}

#[cfg(test)]
mod tests;
