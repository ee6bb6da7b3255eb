//! The roster: who has which address now.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::subject::{Known, Subject};

/// A view of who has which address. Immutable: a change makes a new one, swapped whole.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    by_client: HashMap<IpAddr, Arc<Known>>,
}

impl Roster {
    /// A roster of static entries; the last entry for an address counts (the configuration check refuses a second one).
    pub fn of_statics(entries: impl IntoIterator<Item = (IpAddr, Arc<Known>)>) -> Roster {
        let by_client = entries.into_iter().map(|(client, known)| (client.to_canonical(), known)).collect();
        Roster { by_client }
    }

    /// For whom a query from `client` is decided.
    #[inline]
    pub fn subject(&self, client: IpAddr) -> Subject {
        let client = client.to_canonical();
        let known = if self.by_client.is_empty() { None } else { self.by_client.get(&client).cloned() };
        Subject { client, known }
    }

    /// How many addresses are known.
    pub fn len(&self) -> usize {
        self.by_client.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.by_client.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_address_has_its_subject_and_an_unknown_one_is_bare() {
        let known = Arc::new(Known { user: Some("u1".into()), ..Known::default() });
        let roster = Roster::of_statics([("10.0.0.1".parse().unwrap(), known)]);
        assert_eq!(roster.subject("::ffff:10.0.0.1".parse().unwrap()).user(), Some("u1"));
        assert_eq!(roster.subject("10.0.0.2".parse().unwrap()).user(), None);
        assert_eq!(roster.len(), 1);
    }
}
