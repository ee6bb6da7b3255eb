//! What people asked, out of the log: rows alike in everything that could bear on a decision are one question with a count.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use crate::dns::Name;
use crate::engine::Snapshot;
use crate::moment::Moment;
use crate::query::aggregate::{Counting, Stretch};
use crate::query::cell::Cell;
use crate::query::filter::Span;
use crate::record::columns::index_of;
use crate::record::rtype::Rtype;
use crate::subject::{Mac, Via};

/// What a row is counted by, in this order, after the moment its stretch stands for.
const BY: [&str; 6] = ["client", "device", "user", "via", "qname", "qtype"];

/// A question, and how often it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When: a moment at which every schedule of both configurations, and every grant and withdrawal, stood as it did when this was asked.
    pub at: Moment,
    /// From where.
    pub client: IpAddr,
    /// By which device, as the log knows.
    pub device: Option<Mac>,
    /// By which user, as the log knows.
    pub user: Option<String>,
    /// How that was known.
    pub via: Option<Via>,
    /// The name.
    pub name: Name,
    /// The type.
    pub qtype: u16,
    /// How many rows.
    pub rows: u64,
}

/// How rows are to be counted. Time matters to a decision only by which schedules, grants and withdrawals are in force, so all the time in
/// which they stand alike in both configurations is one stretch.
pub fn counting(span: Span, old: &Snapshot, new: &Snapshot) -> Counting {
    let by = BY.iter().filter_map(|name| index_of(name)).collect();
    Counting { by, stretches: stretches(span, old, new), ..Counting::default() }
}

fn stretches(span: Span, old: &Snapshot, new: &Snapshot) -> Vec<Stretch> {
    let (from, to) = (span.from.unwrap_or(Moment(0)), span.to.unwrap_or(Moment(i64::MAX)));
    let mut borders = BTreeSet::from([from]);
    for snapshot in [old, new] {
        let mut at = from;
        while at < to {
            at = snapshot.standing(at).until;
            borders.insert(at);
        }
        borders.extend(snapshot.access.borders().filter(|border| *border > from));
    }
    let mut first_alike: HashMap<_, Moment> = HashMap::new();
    let stretches = borders.into_iter().filter(|border| *border < to).map(|from| {
        let alike = [old, new].map(|snapshot| (snapshot.standing(from).in_force, snapshot.access.standing(from)));
        Stretch { from, stands_for: *first_alike.entry(alike).or_insert(from) }
    });
    stretches.collect()
}

/// Reads a group of rows. Rows without a readable question give how many they are.
pub fn read(cells: &[Option<Cell<'_>>], rows: u64) -> Result<Asked, u64> {
    let text = |place: usize| match cells.get(place) {
        Some(Some(Cell::Text(text))) => Some(*text),
        _ => None,
    };
    let read = || {
        let Some(Some(Cell::Time(at))) = cells.first() else { return None };
        Some(Asked {
            at: *at,
            client: text(1)?.parse().ok()?,
            device: text(2).and_then(Mac::parse),
            user: text(3).map(str::to_owned),
            via: text(4).and_then(via),
            name: Name::parse(text(5)?).ok()?,
            qtype: Rtype::parse(text(6)?)?.0,
            rows,
        })
    };
    read().ok_or(rows)
}

fn via(word: &str) -> Option<Via> {
    [Via::Lease, Via::Static, Via::Radius, Via::Signon].into_iter().find(|via| via.word() == word)
}
