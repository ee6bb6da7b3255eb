//! Names written in a policy: a small set asked by suffix.

use std::collections::HashMap;

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
    by_suffix: HashMap<Box<[u8]>, Spoken>,
}

/// What is said of one name: for the name with all below it, and for the name alone.
#[derive(Clone, Copy, Debug, Default)]
struct Spoken {
    below: Option<(NameAct, EntryId)>,
    exact: Option<(NameAct, EntryId)>,
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
            let best = match (spoken.exact.filter(|_| skipped == 0), spoken.below) {
                (Some(exact), Some(below)) if below.0.rank() < exact.0.rank() => Some(below),
                (exact, below) => exact.or(below),
            };
            if let Some((act, entry)) = best {
                return Some(NameHit { act, entry, labels: (whole - skipped) as u8 });
            }
        }
        None
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
}
