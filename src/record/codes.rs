//! Numbers that stand for words on disk. A number is never reused and never changes its meaning; a word may be renamed on any day.
//!
//! 0 is kept for "none" in every table, so that a zeroed octet never reads as a value.

use crate::record::Rule;
use crate::subject::Via;
use crate::verdict::{Action, Source, Transport};

/// The number of an action.
pub const fn of_action(action: Action) -> u8 {
    match action {
        Action::Allowed => 1,
        Action::Monitored => 2,
        Action::Blocked => 3,
        Action::Granted => 4,
        Action::Refused => 5,
        Action::Dropped => 6,
        Action::Failed => 7,
    }
}

/// The action of a number.
pub const fn action(code: u8) -> Option<Action> {
    Some(match code {
        1 => Action::Allowed,
        2 => Action::Monitored,
        3 => Action::Blocked,
        4 => Action::Granted,
        5 => Action::Refused,
        6 => Action::Dropped,
        7 => Action::Failed,
        _ => return None,
    })
}

/// The number of a transport.
pub const fn of_transport(transport: Transport) -> u8 {
    match transport {
        Transport::Udp => 1,
        Transport::Tcp => 2,
        Transport::Dot => 3,
        Transport::Doh => 4,
        Transport::Doq => 5,
    }
}

/// The transport of a number.
pub const fn transport(code: u8) -> Option<Transport> {
    Some(match code {
        1 => Transport::Udp,
        2 => Transport::Tcp,
        3 => Transport::Dot,
        4 => Transport::Doh,
        5 => Transport::Doq,
        _ => return None,
    })
}

/// The number of a source.
pub const fn of_source(source: Source) -> u8 {
    match source {
        Source::Policy => 1,
        Source::Local => 2,
        Source::Cache => 3,
        Source::Stale => 4,
        Source::Upstream => 5,
    }
}

/// The source of a number.
pub const fn source(code: u8) -> Option<Source> {
    Some(match code {
        1 => Source::Policy,
        2 => Source::Local,
        3 => Source::Cache,
        4 => Source::Stale,
        5 => Source::Upstream,
        _ => return None,
    })
}

/// The number of a way of knowing a subject.
pub const fn of_via(via: Via) -> u8 {
    match via {
        Via::Lease => 1,
        Via::Static => 2,
        Via::Radius => 3,
        Via::Signon => 4,
    }
}

/// The way of knowing a subject of a number.
pub const fn via(code: u8) -> Option<Via> {
    Some(match code {
        1 => Via::Lease,
        2 => Via::Static,
        3 => Via::Radius,
        4 => Via::Signon,
        _ => return None,
    })
}

/// The kind of rule a record closed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleKind {
    /// None spoke.
    None,
    /// A line of a list.
    Line,
    /// An entry of the configuration or a built-in rule.
    Text,
}

impl RuleKind {
    /// Every kind, in the order of their codes.
    pub const ALL: [RuleKind; 3] = [RuleKind::None, RuleKind::Line, RuleKind::Text];

    /// The kind of a rule.
    pub const fn of(rule: &Rule<'_>) -> RuleKind {
        match rule {
            Rule::None => RuleKind::None,
            Rule::Line { .. } => RuleKind::Line,
            Rule::Text(_) => RuleKind::Text,
        }
    }
}

/// The number of a kind of rule. Having none is a kind of its own and no zero.
pub const fn of_rule_kind(kind: RuleKind) -> u8 {
    match kind {
        RuleKind::None => 1,
        RuleKind::Line => 2,
        RuleKind::Text => 3,
    }
}

/// The kind of rule of a number.
pub const fn rule_kind(code: u8) -> Option<RuleKind> {
    Some(match code {
        1 => RuleKind::None,
        2 => RuleKind::Line,
        3 => RuleKind::Text,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::fmt::Debug;
    use std::hash::Hash;

    fn numbers_and_words_agree<T: Copy + Debug + PartialEq + Eq + Hash>(
        all: &[T],
        of: fn(T) -> u8,
        back: fn(u8) -> Option<T>,
    ) {
        let codes: HashSet<u8> = all.iter().map(|&one| of(one)).collect();
        assert_eq!(codes.len(), all.len(), "two words share a number");
        for &one in all {
            assert_eq!(back(of(one)), Some(one));
        }
        for code in 0..=u8::MAX {
            assert_eq!(back(code).is_some(), codes.contains(&code), "{code}");
        }
        assert_eq!(back(0), None);
    }

    #[test]
    fn every_number_has_one_word_and_every_word_one_number() {
        numbers_and_words_agree(&Action::ALL, of_action, action);
        numbers_and_words_agree(&Transport::ALL, of_transport, transport);
        numbers_and_words_agree(&Source::ALL, of_source, source);
        numbers_and_words_agree(&[Via::Lease, Via::Static, Via::Radius, Via::Signon], of_via, via);
        numbers_and_words_agree(&RuleKind::ALL, of_rule_kind, rule_kind);
    }

    #[test]
    fn the_numbers_on_disk_do_not_move() {
        assert_eq!(Action::ALL.map(of_action), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(Transport::ALL.map(of_transport), [1, 2, 3, 4, 5]);
        assert_eq!(Source::ALL.map(of_source), [1, 2, 3, 4, 5]);
        assert_eq!([Via::Lease, Via::Static, Via::Radius, Via::Signon].map(of_via), [1, 2, 3, 4]);
        assert_eq!(RuleKind::ALL.map(of_rule_kind), [1, 2, 3]);
    }
}
