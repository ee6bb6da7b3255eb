//! What lists answer themselves, as octets in a compiled file.

use crate::dns::Name;
use crate::list::rule::OwnRecord;

const OTHER: u8 = 0;
const ALIAS: u8 = 1;
const PREFIXED_ALIAS: u8 = 2;

/// Records one after the other: kind, TTL u32, then a name in wire form, or type u16, length u16 and RDATA.
pub(super) fn to_bytes(records: &[OwnRecord]) -> Vec<u8> {
    let mut to = Vec::new();
    for record in records {
        match record {
            OwnRecord::Alias { target, prefixed, ttl } => {
                to.push(if *prefixed { PREFIXED_ALIAS } else { ALIAS });
                to.extend_from_slice(&ttl.to_le_bytes());
                to.extend_from_slice(target.as_wire());
            }
            // RDATA of more than 65,535 octets fits into no message.
            OwnRecord::Other { rtype, ttl, rdata } => {
                let Ok(length) = u16::try_from(rdata.len()) else { continue };
                to.push(OTHER);
                to.extend_from_slice(&ttl.to_le_bytes());
                to.extend_from_slice(&rtype.to_le_bytes());
                to.extend_from_slice(&length.to_le_bytes());
                to.extend_from_slice(rdata);
            }
        }
    }
    to
}

/// The records, as far as the octets are records.
pub(super) fn from_bytes(mut from: &[u8]) -> Vec<OwnRecord> {
    let mut records = Vec::new();
    while let Some((record, rest)) = first(from) {
        records.push(record);
        from = rest;
    }
    records
}

fn first(from: &[u8]) -> Option<(OwnRecord, &[u8])> {
    let (&kind, rest) = from.split_first()?;
    let (ttl, rest) = rest.split_first_chunk::<4>()?;
    let ttl = u32::from_le_bytes(*ttl);
    if kind == OTHER {
        let (rtype, rest) = rest.split_first_chunk::<2>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (rdata, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        return Some((OwnRecord::Other { rtype: u16::from_le_bytes(*rtype), ttl, rdata: rdata.into() }, rest));
    }
    let target = Name::from_wire(rest).ok()?;
    let rest = rest.get(target.wire_len()..)?;
    Some((OwnRecord::Alias { target: Box::new(target), prefixed: kind == PREFIXED_ALIAS, ttl }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_go_there_and_back_and_broken_ones_end_them() {
        let target = Box::new(Name::parse("walled.garden.example").unwrap());
        let records = [
            OwnRecord::Alias { target: target.clone(), prefixed: true, ttl: 5 },
            OwnRecord::Other { rtype: 1, ttl: 60, rdata: [192, 0, 2, 33].into() },
            OwnRecord::Other { rtype: 16, ttl: 60, rdata: Box::new([]) },
            OwnRecord::Alias { target, prefixed: false, ttl: 0 },
        ];
        let octets = to_bytes(&records);
        assert_eq!(from_bytes(&octets), records);
        for length in 0..octets.len() {
            assert!(from_bytes(&octets[..length]).len() < records.len());
        }
    }
}
