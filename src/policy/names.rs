//! Names written in a policy: a small set asked by suffix.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::dns::Name;
use crate::verdict::EntryId;

/// What a policy says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameAct {
    /// Answer.
    Allow,
    /// Answer, and mark the record.
    Monitor,
    /// Answer with something else.
    Rewrite,
    /// Do not answer.
    Block,
}

impl NameAct {
    /// At equal length an allow beats a block: lower is stronger.
    pub const fn rank(self) -> u8 {
        match self {
            NameAct::Allow => 0,
            NameAct::Monitor => 1,
            NameAct::Rewrite => 2,
            NameAct::Block => 3,
        }
    }
}

/// Names with an action each, found by the longest suffix.
#[derive(Clone, Debug, Default)]
pub struct NameRules {
    /// Asked some times a query; who asks has no say in what is in it, so that a quick hash will do.
    by_suffix: HashMap<Box<[u8]>, Spoken, RandomState>,
}

/// What is said of one name: for the name with all below it, and for the name alone.
#[derive(Clone, Copy, Debug, Default)]
struct Spoken {
    below: Option<(NameAct, EntryId)>,
    exact: Option<(NameAct, EntryId)>,
    /// `below` is not asked for the name itself: a policy that inherits it says something else of that.
    only_below: bool,
}

/// What spoke for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameHit {
    /// What it says.
    pub act: NameAct,
    /// Where it is written.
    pub entry: EntryId,
    /// How many labels it covers.
    pub labels: u8,
}

/// A rule at or above a name, whether or not it came to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Above {
    /// What it says.
    pub hit: NameHit,
    /// Whether it stands for its name alone.
    pub alone: bool,
    /// Whether it applies to the name asked for: one for a parent alone does not, nor does one whose own name was taken out of it.
    pub applies: bool,
}

impl NameRules {
    /// Adds a rule for `name`: alone when `exact`, with all below it otherwise. Where two rules are for the same name, an allow beats
    /// a block, and otherwise the first stays.
    pub fn add(&mut self, name: &Name, exact: bool, act: NameAct, entry: EntryId) {
        let spoken = self.by_suffix.entry(name.as_wire().into()).or_default();
        let slot = if exact { &mut spoken.exact } else { &mut spoken.below };
        match slot {
            Some((present, _)) if present.rank() <= act.rank() => {}
            _ => *slot = Some((act, entry)),
        }
    }

    /// Whether no name is in it.
    pub fn is_empty(&self) -> bool {
        self.by_suffix.is_empty()
    }

    /// The rule for `name`: that of the longest suffix; for the whole name one written for it alone comes first, unless the other allows.
    pub fn find(&self, name: &Name) -> Option<NameHit> {
        if self.by_suffix.is_empty() {
            return None;
        }
        let whole = name.label_count();
        for (skipped, suffix) in name.suffixes().chain(std::iter::once(&[0u8][..])).enumerate() {
            let Some(spoken) = self.by_suffix.get(suffix) else { continue };
            let below = spoken.below.filter(|_| skipped > 0 || !spoken.only_below);
            let best = match (spoken.exact.filter(|_| skipped == 0), below) {
                (Some(exact), Some(below)) if below.0.rank() < exact.0.rank() => Some(below),
                (exact, below) => exact.or(below),
            };
            if let Some((act, entry)) = best {
                return Some(NameHit { act, entry, labels: (whole - skipped) as u8 });
            }
        }
        None
    }

    /// Every rule at or above `name`, in the order they are asked: the first that applies is what [`NameRules::find`] gives.
    pub fn at_or_above(&self, name: &Name) -> Vec<Above> {
        let whole = name.label_count();
        let mut found = Vec::new();
        for (skipped, suffix) in name.suffixes().chain(std::iter::once(&[0u8][..])).enumerate() {
            let Some(spoken) = self.by_suffix.get(suffix) else { continue };
            let labels = (whole - skipped) as u8;
            let here = skipped == 0;
            let rule = |slot: Option<(NameAct, EntryId)>, alone: bool, applies: bool| {
                slot.map(|(act, entry)| Above { hit: NameHit { act, entry, labels }, alone, applies })
            };
            let exact = rule(spoken.exact, true, here);
            let below = rule(spoken.below, false, !(here && spoken.only_below));
            let below_first = matches!((&exact, &below), (Some(exact), Some(below))
                if below.applies && below.hit.act.rank() < exact.hit.act.rank());
            match below_first {
                true => found.extend(below.into_iter().chain(exact)),
                false => found.extend(exact.into_iter().chain(below)),
            }
        }
        found
    }

    /// Takes out what `nearer` speaks of by the same name: a name with all below it takes out both rules of that name; a name alone
    /// takes out the rule for it alone, and of the other what that says of the name itself.
    pub fn give_way(&mut self, nearer: &NameRules) {
        for (suffix, theirs) in &nearer.by_suffix {
            let Some(ours) = self.by_suffix.get_mut(suffix) else { continue };
            if theirs.below.is_some() {
                self.by_suffix.remove(suffix);
                continue;
            }
            ours.exact = None;
            ours.only_below = true;
            if ours.below.is_none() {
                self.by_suffix.remove(suffix);
            }
        }
    }

    /// Adds all rules of `further` but those that these here speak of by the same name.
    pub fn inherit(&mut self, further: &NameRules) {
        let mut further = further.clone();
        further.give_way(self);
        for (suffix, theirs) in further.by_suffix {
            let ours = self.by_suffix.entry(suffix).or_default();
            ours.exact = ours.exact.or(theirs.exact);
            ours.below = ours.below.or(theirs.below);
            ours.only_below |= theirs.only_below;
        }
    }

    /// Whether the rule at `entry` is among these.
    pub fn has_entry(&self, entry: EntryId) -> bool {
        let is = |slot: Option<(NameAct, EntryId)>| slot.is_some_and(|(_, at)| at == entry);
        self.by_suffix.values().any(|spoken| is(spoken.below) || is(spoken.exact))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn the_longest_name_speaks_and_an_allow_wins_a_tie() {
        let mut rules = NameRules::default();
        rules.add(&name("example.com"), false, NameAct::Block, EntryId(0));
        rules.add(&name("ok.example.com"), false, NameAct::Allow, EntryId(1));
        rules.add(&name("tie.test"), false, NameAct::Block, EntryId(2));
        rules.add(&name("tie.test"), false, NameAct::Allow, EntryId(3));
        rules.add(&name("tie.test"), false, NameAct::Block, EntryId(4));
        assert_eq!(rules.find(&name("www.example.com")).unwrap().entry, EntryId(0));
        assert_eq!(rules.find(&name("www.example.com")).unwrap().labels, 2);
        assert_eq!(rules.find(&name("a.ok.example.com")).unwrap().entry, EntryId(1));
        assert_eq!(rules.find(&name("tie.test")).unwrap().entry, EntryId(3));
        assert_eq!(rules.find(&name("other.test")), None);
    }

    #[test]
    fn a_name_alone_does_not_speak_for_what_is_below() {
        let mut rules = NameRules::default();
        rules.add(&name("example.com"), true, NameAct::Block, EntryId(0));
        assert!(rules.find(&name("example.com")).is_some());
        assert!(rules.find(&name("www.example.com")).is_none());
        rules.add(&Name::ROOT, false, NameAct::Monitor, EntryId(1));
        assert_eq!(rules.find(&name("www.example.com")).unwrap().labels, 0);
    }

    proptest::proptest! {
        #[test]
        fn the_first_rule_that_applies_is_the_one_that_is_found(
            rules in proptest::collection::vec((0usize..4, proptest::bool::ANY, 0usize..4), 0..8),
            inherited in proptest::collection::vec((0usize..4, proptest::bool::ANY, 0usize..4), 0..8),
        ) {
            const NAMES: [&str; 4] = ["test", "a.test", "b.a.test", "."];
            const ACTS: [NameAct; 4] = [NameAct::Allow, NameAct::Monitor, NameAct::Rewrite, NameAct::Block];
            let made = |from: &[(usize, bool, usize)], first: u32| {
                let mut made = NameRules::default();
                for ((at, exact, act), entry) in from.iter().zip(first..) {
                    made.add(&name(NAMES[*at]), *exact, ACTS[*act], EntryId(entry));
                }
                made
            };
            let mut all = made(&rules, 0);
            all.inherit(&made(&inherited, 100));
            for text in ["test", "a.test", "b.a.test", "x.b.a.test", "other"] {
                let first = all.at_or_above(&name(text)).into_iter().find(|above| above.applies).map(|above| above.hit);
                proptest::prop_assert_eq!(first, all.find(&name(text)), "{}", text);
            }
        }
    }

    #[test]
    fn what_is_inherited_gives_way_to_the_same_name_and_to_no_other() {
        let mut parent = NameRules::default();
        parent.add(&name("example.com"), false, NameAct::Allow, EntryId(0));
        parent.add(&name("example.com"), true, NameAct::Monitor, EntryId(1));
        parent.add(&name("docs.example.com"), false, NameAct::Allow, EntryId(2));
        let with = |exact: bool| {
            let mut child = NameRules::default();
            child.add(&name("example.com"), exact, NameAct::Block, EntryId(9));
            child.inherit(&parent);
            let entry = |of: &str| child.find(&name(of)).map(|hit| hit.entry.0);
            [entry("example.com"), entry("www.example.com"), entry("www.docs.example.com")]
        };
        assert_eq!(with(true), [Some(9), Some(0), Some(2)], "the name alone, though the other rule for it allows");
        assert_eq!(with(false), [Some(9), Some(9), Some(2)]);
        let mut untouched = NameRules::default();
        untouched.inherit(&parent);
        assert_eq!(untouched.find(&name("example.com")).map(|hit| hit.entry), Some(EntryId(0)));
    }
}
