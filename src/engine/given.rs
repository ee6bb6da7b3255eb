//! Answers that a list gives in the place of the true ones, where the policy does not write how it answers a block.

use crate::dns::Name;
use crate::dns::answer::Writer;
use crate::dns::ede::{self, Ede};
use crate::dns::types::{rcode, rtype};
use crate::engine::fetch::Room;
use crate::engine::outcome::{Made, Said};
use crate::engine::text::ShortText;
use crate::list::OwnRecord;
use crate::policy::signal::signal;
use crate::verdict::{Given, RuleRef, Why};

impl Room<'_> {
    /// The records a list has for the name it blocks; none: the block is answered otherwise.
    pub fn own_records(&self, why: &Why) -> Option<Vec<OwnRecord>> {
        let Some(RuleRef::List { list, line, given: Given::Records, .. }) = why.rule else { return None };
        let policy = self.open.place.policy(self.snapshot.model())?;
        // Records for a name whose address is a signal would be a yes, whatever they lead to.
        if policy.response.is_some() || signal(&self.view.name).is_some() {
            return None;
        }
        Some(self.snapshot.matcher().records(list, line)).filter(|records| !records.is_empty())
    }

    /// Where the list's own alias leads, with its TTL; none where there is no alias, or where the alias itself is asked for. A target that
    /// would be too long with the name asked for before it is left as it is.
    pub fn alias_among(&self, records: &[OwnRecord]) -> Option<(Name, u32)> {
        if matches!(self.view.qtype, rtype::CNAME | rtype::ANY) {
            return None;
        }
        records.iter().find_map(|record| self.alias(record))
    }

    fn alias(&self, record: &OwnRecord) -> Option<(Name, u32)> {
        let OwnRecord::Alias { target, prefixed, ttl } = record else { return None };
        let ttl = self.bounded(*ttl, self.open.until);
        let whole = prefixed.then(|| joined(&self.view.name, target)).flatten();
        Some((whole.unwrap_or(**target), ttl))
    }

    /// The list's own records of the type asked for; no data where it has none.
    pub fn given(&self, why: &Why, records: &[OwnRecord], out: &mut [u8]) -> Made<'static> {
        let mut writer = Writer::new(self.view, rcode::NOERROR, out, self.limit);
        let mut said = Said::Nothing;
        for record in records {
            match (record, self.view.qtype) {
                (OwnRecord::Alias { .. }, rtype::CNAME) => {
                    let Some((target, ttl)) = self.alias(record) else { continue };
                    writer.pointing(rtype::CNAME, ttl, &target);
                    said = Said::Text(ShortText::of(format_args!("{target}")));
                }
                (OwnRecord::Other { rtype: kind, ttl, rdata }, qtype) if *kind == qtype => {
                    writer.own(*kind, self.bounded(*ttl, self.open.until), rdata);
                    if matches!(said, Said::Nothing) {
                        said = said_of(*kind, rdata);
                    }
                }
                _ => {}
            }
        }
        if writer.is_empty() {
            let ttl = self.open.place.sinkhole(self.snapshot.model()).ttl;
            writer.soa(self.view.name.label_count(), self.bounded(ttl, self.open.until));
        }
        let text = self.block_text(why, None);
        let octets = writer.finish(Some(Ede { code: ede::BLOCKED, text: text.as_str() }));
        Made { said, ..Made::policy(octets, rcode::NOERROR, self.view.edns.map(|_| ede::BLOCKED)) }
    }

    /// Over UDP nothing but the word that there is more over TCP: who forges addresses does not come back.
    pub(super) fn told_to_use_tcp(&self, why: &Why, judged: Option<&Name>, out: &mut [u8]) -> Made<'static> {
        let mut writer = Writer::new(self.view, rcode::NOERROR, out, self.limit);
        writer.truncated();
        let text = self.block_text(why, judged);
        let octets = writer.finish(Some(Ede { code: ede::BLOCKED, text: text.as_str() }));
        Made::policy(octets, rcode::NOERROR, self.view.edns.map(|_| ede::BLOCKED))
    }
}

/// One name before another; none where they are too long together.
fn joined(before: &Name, after: &Name) -> Option<Name> {
    let front = before.as_wire().split_last().map_or(&[][..], |(_, front)| front);
    Name::from_wire(&[front, after.as_wire()].concat()).ok()
}

fn said_of(kind: u16, rdata: &[u8]) -> Said<'static> {
    match kind {
        rtype::A => rdata.try_into().map_or(Said::Nothing, |octets: [u8; 4]| Said::address(octets.into())),
        rtype::AAAA => rdata.try_into().map_or(Said::Nothing, |octets: [u8; 16]| Said::address(octets.into())),
        _ => Said::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_put_before_another_unless_both_are_too_long() {
        let name = |text: &str| Name::parse(text).unwrap();
        assert_eq!(joined(&name("www.bad.test"), &name("garden.test")), Some(name("www.bad.test.garden.test")));
        let long = name(&["a".repeat(60), "b".repeat(60), "c".repeat(60)].join("."));
        assert_eq!(joined(&long, &long), None);
    }
}
