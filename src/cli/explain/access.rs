//! What withdrawals, grants and lists with answers of their own said.

use crate::dns::Name;
use crate::engine::Snapshot;
use crate::list::OwnRecord;
use crate::policy::Policy;
use crate::record::rtype::Rtype;
use crate::verdict::{AccessId, By, Given, RuleRef, Why};

/// What the withdrawals said.
pub fn withdrawn(by: Option<(AccessId, By)>, essential: bool) -> String {
    match (by, essential) {
        (Some((id, by)), true) => format!("{id}, by {}, does not speak for this name: it is essential", by.word()),
        (Some((id, by)), false) => format!("access is withdrawn by {id}; the subject is meant by {}", by.word()),
        (None, _) => "none is in force for the subject".to_owned(),
    }
}

/// What the grants said.
pub fn granted(id: Option<AccessId>) -> String {
    match id {
        Some(id) => format!("{id} opens the name"),
        None => "none that is in force for the subject opens the name".to_owned(),
    }
}

/// How the list that spoke wants its block answered.
pub fn given(why: &Why) -> Given {
    match why.rule {
        Some(RuleRef::List { given, .. }) => given,
        _ => Given::Policy,
    }
}

/// How the list answers in a way of its own, where the policy leaves it to the list; none: as the policy answers a block.
pub fn own_way(snapshot: &Snapshot, policy: &Policy, why: &Why, name: &Name) -> Option<String> {
    let RuleRef::List { list, line, given, .. } = why.rule? else { return None };
    if policy.response.is_some() {
        return None;
    }
    match given {
        Given::TcpOnly => {
            Some("over UDP only that there is more over TCP; over TCP as if it were not listed".to_owned())
        }
        Given::Records if policy.signalled(given, name).is_none() => {
            let records = snapshot.matcher().records(list, line);
            let told: Vec<String> = records.iter().map(record).collect();
            let alias = records.iter().any(|record| matches!(record, OwnRecord::Alias { .. }));
            match (told.is_empty(), alias) {
                (true, _) => None,
                (_, true) => Some(format!("from the list: {}; where that leads is judged, too", told.join(", "))),
                _ => Some(format!("from the list: {}, no data for other types", told.join(", "))),
            }
        }
        _ => None,
    }
}

/// A record of a list, as far as it can be told in a word.
fn record(record: &OwnRecord) -> String {
    match record {
        OwnRecord::Alias { target, prefixed: false, .. } => format!("alias of {target}"),
        OwnRecord::Alias { target, prefixed: true, .. } => format!("alias of the name before {target}"),
        OwnRecord::Other { rtype, rdata, .. } => match (Rtype(*rtype), &**rdata) {
            (kind @ Rtype(1), &[a, b, c, d]) => format!("{kind} {}", std::net::Ipv4Addr::new(a, b, c, d)),
            (kind @ Rtype(28), octets) if let Ok(octets) = <[u8; 16]>::try_from(octets) => {
                format!("{kind} {}", std::net::Ipv6Addr::from(octets))
            }
            (kind, _) => kind.to_string(),
        },
    }
}
