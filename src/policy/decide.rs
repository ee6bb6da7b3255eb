//! Room 4, verdict: the order of rules, as one function. Most specific tier first; within a tier the longest matching name wins; at
//! equal length an allow beats a block.

use crate::dns::Name;
use crate::list::{Hit, Hits, Matcher};
use crate::policy::model::Act;
use crate::policy::names::{NameAct, NameHit};
use crate::policy::{Model, Policy, Standing};
use crate::subject::Subject;
use crate::verdict::{EntryId, Reason, RuleRef, Verdict, Why};

/// What a question is decided by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The policy of the whole configuration.
    pub model: &'a Model,
    /// The names of every category.
    pub matcher: &'a Matcher,
    /// Which schedules are in force.
    pub standing: &'a Standing,
}

/// One rule that was looked at on the way to a verdict.
#[derive(Clone, Copy, Debug)]
pub enum Step {
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

/// Decides a question for `name` and `qtype` by `policy`.
pub fn decide<T: Trace>(
    rules: &Rules<'_>,
    policy: &Policy,
    name: &Name,
    qtype: u16,
    subject: &Subject,
    trace: &mut T,
) -> Verdict {
    if let Some(hit) = group_names(rules, policy, name, subject, trace) {
        return by_name(hit, Reason::Group);
    }
    let hit = policy.names.find(name);
    trace.step(Step::PolicyNames(hit));
    if let Some(hit) = hit {
        return by_name(hit, Reason::Name);
    }
    if let Some(verdict) = by_category(rules, policy, name, qtype, subject, trace) {
        return verdict;
    }
    trace.step(Step::Default { block: policy.default_block });
    match policy.default_entry {
        Some(entry) if policy.default_block => {
            Verdict::Block(Why { rule: Some(RuleRef::Config(entry)), ..Why::DEFAULT })
        }
        _ => Verdict::Allow(Why::DEFAULT),
    }
}

/// The names of the exceptions for the subject's groups: the longest one speaks; at equal length an allow beats a block.
fn group_names<T: Trace>(
    rules: &Rules<'_>,
    policy: &Policy,
    name: &Name,
    subject: &Subject,
    trace: &mut T,
) -> Option<NameHit> {
    let mut best: Option<NameHit> = None;
    for (place, exception) in policy.exceptions.iter().enumerate() {
        if exception.names.is_empty() {
            continue;
        }
        let member = rules.model.groups[exception.group].has(subject);
        let hit = exception.names.find(name);
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

fn by_name(hit: NameHit, reason: Reason) -> Verdict {
    let why = Why { reason, category: None, rule: Some(RuleRef::Config(hit.entry)) };
    match hit.act {
        NameAct::Allow => Verdict::Allow(why),
        NameAct::Monitor => Verdict::Monitor(why),
        NameAct::Rewrite => Verdict::Rewrite(hit.entry, why),
        NameAct::Block => Verdict::Block(why),
    }
}

/// The strictest action of the categories that hold the name; of equally strict ones, that of the most specific rule.
fn by_category<T: Trace>(
    rules: &Rules<'_>,
    policy: &Policy,
    name: &Name,
    qtype: u16,
    subject: &Subject,
    trace: &mut T,
) -> Option<Verdict> {
    let mut hits = Hits::new();
    rules.matcher.look_up(name, qtype, &mut hits);
    if hits.is_empty() {
        trace.step(Step::NoCategory);
        return None;
    }
    let mut best: Option<(Act, Hit, Reason)> = None;
    for hit in hits.iter() {
        let ruling = ruling(rules, policy, &hit, subject);
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
fn ruling(rules: &Rules<'_>, policy: &Policy, hit: &Hit, subject: &Subject) -> Ruling {
    let category = hit.category;
    let by_group = policy
        .exceptions
        .iter()
        .filter(|e| e.categories.has(category) && rules.model.groups[e.group].has(subject))
        .map(|e| (e.action, e.entry))
        .max_by_key(|(act, _)| *act);
    if let Some((act, entry)) = by_group {
        return Ruling { act: Some(act), reason: Reason::Group, entry: Some(entry) };
    }
    let by_time = policy
        .timed
        .iter()
        .filter(|t| t.categories.has(category) && rules.standing.has(t.schedule))
        .map(|t| (t.action, t.entry))
        .max_by_key(|(act, _)| *act);
    if let Some((act, entry)) = by_time {
        return Ruling { act: Some(act), reason: Reason::Schedule, entry: Some(entry) };
    }
    let plain = policy.actions.get(category.0 as usize).copied().flatten();
    Ruling { act: plain.map(|(act, _)| act), reason: Reason::Category, entry: plain.map(|(_, entry)| entry) }
}

/// Whether a verdict speaks for where the answer leads, too: a name that the policy itself allows does; nothing else.
pub fn vouches(asked: &Verdict) -> bool {
    match asked {
        Verdict::Allow(why) => why.reason == Reason::Name || why.reason == Reason::Group && why.category.is_none(),
        _ => false,
    }
}

/// Judges an upstream's or a local zone's answer: every name it leads to is decided like a question of its own, unless the name asked
/// for vouches for it. The first block is what it comes to; without one, the first name that is to be marked.
pub fn judge<'t>(
    rules: &Rules<'_>,
    policy: &Policy,
    asked: &Verdict,
    targets: impl IntoIterator<Item = &'t Name>,
    qtype: u16,
    subject: &Subject,
) -> Option<(Name, Verdict)> {
    if vouches(asked) {
        return None;
    }
    let mut marked = None;
    for target in targets {
        match decide(rules, policy, target, qtype, subject, &mut ()) {
            // A policy that blocks by default speaks of the names people ask for; whoever may ask may be led on.
            Verdict::Block(why) if why.reason != Reason::Default => return Some((*target, Verdict::Block(why))),
            Verdict::Monitor(why) if marked.is_none() && !matches!(asked, Verdict::Monitor(_)) => {
                marked = Some((*target, Verdict::Monitor(Why { reason: Reason::Answer, ..why })));
            }
            _ => {}
        }
    }
    marked
}

#[cfg(test)]
mod tests;
