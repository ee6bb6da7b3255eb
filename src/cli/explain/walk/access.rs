//! What withdrawals, grants and lists with answers of their own said.

use crate::verdict::{AccessId, By, Given, RuleRef, Why};

/// What the withdrawals said.
pub(super) fn withdrawn(by: Option<(AccessId, By)>, essential: bool) -> String {
    match (by, essential) {
        (Some((id, by)), true) => format!("{id}, by {}, does not speak for this name: it is essential", by.word()),
        (Some((id, by)), false) => format!("access is withdrawn by {id}; the subject is meant by {}", by.word()),
        (None, _) => "none is in force for the subject".to_owned(),
    }
}

/// What the grants said.
pub(super) fn granted(id: Option<AccessId>) -> String {
    match id {
        Some(id) => format!("{id} opens the name"),
        None => "none that is in force for the subject opens the name".to_owned(),
    }
}

/// How the list that spoke wants its block answered.
pub(super) fn given(why: &Why) -> Given {
    match why.rule {
        Some(RuleRef::List { given, .. }) => given,
        _ => Given::Policy,
    }
}
