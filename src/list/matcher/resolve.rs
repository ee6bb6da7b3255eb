//! What comes of rules that are more than names: exceptions, important rules, rules for some names and types.

use super::{Matcher, Record, Records};
use crate::dns::Name;
use crate::list::hits::{Hit, Hits, Kind};
use crate::list::layout::Member;

impl Matcher {
    /// Every listing that no exception takes out, the longest of each category; at equal length the list that is first in the
    /// configuration. The rules for one name are few, so each listing is held against all others.
    #[cold]
    pub(super) fn resolve(&self, records: &Records, name: &Name, qtype: u16, hits: &mut Hits) {
        let speaking = || {
            records.iter().flat_map(move |record| {
                let of_set = self.members(record.set).iter().enumerate();
                of_set
                    .filter(move |(_, member)| self.applies(member, record.labels, name, qtype))
                    .map(move |(number, member)| (record, number, member))
            })
        };
        for (record, number, member) in speaking() {
            if !member.kind.lists() || speaking().any(|(by, _, other)| takes_out(other, by, member, record)) {
                continue;
            }
            let hit = self.hit(member, record, number);
            if hits.get(hit.category).is_none_or(|best| goes_before(&hit, &best)) {
                hits.put(hit);
            }
        }
    }
}

/// Whether a rule takes a listing out: of its list, or of the category as a whole.
fn takes_out(other: &Member, by: Record, listing: &Member, record: Record) -> bool {
    if other.category != listing.category {
        return false;
    }
    let important = listing.kind == Kind::ListsImportant;
    let of_its_list = other.of == listing.list;
    match other.kind {
        Kind::Lists | Kind::ListsImportant => false,
        Kind::ExceptCategory => by.labels >= record.labels,
        Kind::ExceptImportant => of_its_list,
        Kind::ExceptAlways => of_its_list && !important,
        // An exception file speaks for the admin, who has the last word over what a list holds important.
        Kind::Except => of_its_list && by.labels >= record.labels && (!important || other.list != listing.list),
        Kind::Hole => of_its_list && !important && by.labels > record.labels,
    }
}

fn goes_before(hit: &Hit, best: &Hit) -> bool {
    hit.labels > best.labels || hit.labels == best.labels && hit.list < best.list
}
