//! The look-up in a zone: RFC 1034 section 4.3.2 with the wildcards of RFC 4592.

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};

use crate::dns::convert::{self, ConvertError};
use crate::dns::{Name, Question};

use super::LocalAnswer;
use super::zone::{Node, Zone};

/// Aliases followed in a row; a longer chain is a fault of the zone and ends unfollowed.
const LONGEST_CHAIN: usize = 16;
/// QTYPE ANY (RFC 1035 section 3.2.3).
const ANY: u16 = 255;

/// What is at a name.
enum Found<'a> {
    /// The name exists; or a wildcard stands for it.
    Node(&'a Node),
    /// A zone cut at or above the name: how many labels it has, and its node.
    Cut(usize, &'a Node),
    /// Nothing, and no wildcard.
    Nothing,
}

/// Answers `question` from `zone`, which its name must be in.
pub(super) fn answer(zone: &Zone, question: &Question) -> Result<LocalAnswer, ConvertError> {
    if !question.name.is_at_or_below(&zone.origin()) {
        return Err(ConvertError::OtherQuestion);
    }
    let mut message = Message::response(0, OpCode::Query);
    message.add_query(convert::to_query(question));
    message.metadata.authoritative = true;
    let rtype = RecordType::from(question.qtype);
    let (mut leads_out, mut delegated, mut seen) = (None, None, Vec::new());
    let mut name = question.name;
    loop {
        seen.push(name);
        let node = match find(zone, &name, rtype) {
            Found::Node(node) => node,
            Found::Cut(labels, node) => {
                refer(zone, node, &mut message);
                // The aliases that led here are still ours to vouch for (RFC 1035 section 4.1.1: AA is about the first name).
                message.metadata.authoritative = !message.answers.is_empty();
                delegated = Some(name.last_labels(labels));
                break;
            }
            Found::Nothing => {
                message.metadata.response_code = ResponseCode::NXDomain;
                message.add_authority(zone.negative_soa().clone());
                break;
            }
        };
        if question.qtype == ANY && node.sets().next().is_some() {
            node.sets().for_each(|set| give(set, &name, &mut message));
        } else if let Some(set) = node.set(rtype) {
            give(set, &name, &mut message);
            addresses(zone, set, &mut message);
        } else if let Some([alias, ..]) = node.set(RecordType::CNAME) {
            give(std::slice::from_ref(alias), &name, &mut message);
            let target = match &alias.data {
                RData::CNAME(target) => convert::from_hickory(&target.0),
                _ => None,
            };
            match target {
                Some(target) if !zone.holds(&target) => leads_out = Some(target),
                Some(target) if !seen.contains(&target) && seen.len() < LONGEST_CHAIN => {
                    name = target;
                    continue;
                }
                // A circle, or a chain too long: what was found so far is all there is to say.
                _ => {}
            }
        } else {
            message.add_authority(zone.negative_soa().clone());
        }
        break;
    }
    let normal = convert::normalise(message, question)?;
    Ok(LocalAnswer { wire: normal.wire, rcode: normal.rcode, leads_out, delegated })
}

/// Walks down from the origin to `name`: a cut on the way ends the zone, a name that is missing asks the wildcard beside it.
fn find<'a>(zone: &'a Zone, name: &Name, rtype: RecordType) -> Found<'a> {
    let origin = zone.origin();
    let depth = name.label_count() - origin.label_count();
    let below: Vec<&[u8]> = name.suffixes().take(depth).collect();
    for (i, suffix) in below.iter().enumerate().rev() {
        let Some(node) = zone.node(suffix) else {
            return wildcard(zone, below.get(i + 1).copied().unwrap_or(origin.as_wire()));
        };
        // DS of a cut is the business of this side of it (RFC 4035 section 3.1.4.1).
        let own_side = i == 0 && rtype == RecordType::DS;
        if node.set(RecordType::NS).is_some() && !own_side {
            return Found::Cut(name.label_count() - i, node);
        }
    }
    match zone.node(name.as_wire()) {
        Some(node) => Found::Node(node),
        None => Found::Nothing,
    }
}

/// The wildcard right below the closest encloser, and no other, stands for a name that does not exist (RFC 4592 section 3.3.1).
fn wildcard<'a>(zone: &'a Zone, encloser: &[u8]) -> Found<'a> {
    let mut wire = vec![1, b'*'];
    wire.extend_from_slice(encloser);
    match zone.node(&wire) {
        Some(node) => Found::Node(node),
        None => Found::Nothing,
    }
}

/// Adds a record set under the name asked for: that of a wildcard becomes it.
fn give(set: &[Record], owner: &Name, message: &mut Message) {
    let name = convert::to_hickory(owner);
    message.add_answers(set.iter().map(|record| {
        let mut record = record.clone();
        record.name = name.clone();
        record
    }));
}

/// A referral: the name servers of the cut, and their addresses. Without DS: the zone is not signed, so none could be trusted.
fn refer(zone: &Zone, cut: &Node, message: &mut Message) {
    let servers = cut.set(RecordType::NS).unwrap_or_default();
    message.add_authorities(servers.iter().cloned());
    addresses(zone, servers, message);
}

/// The addresses of those name servers that lie in this zone.
fn addresses(zone: &Zone, servers: &[Record], message: &mut Message) {
    for server in servers {
        let RData::NS(target) = &server.data else { continue };
        let Some(target) = convert::from_hickory(&target.0) else { continue };
        let Some(node) = zone.node(target.as_wire()) else { continue };
        for rtype in [RecordType::A, RecordType::AAAA] {
            message.add_additionals(node.set(rtype).unwrap_or_default().iter().cloned());
        }
    }
}
