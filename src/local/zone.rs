//! A zone as a tree: its names, those without records of their own included (RFC 4592 section 2.2.2).

use std::collections::HashMap;
use std::path::Path;

use hickory_proto::rr::{RData, Record, RecordType};

use crate::dns::Name;

use super::LocalZoneError;
use super::master::{self, Written};

/// A zone that has passed the checks.
#[derive(Debug)]
pub(super) struct Zone {
    origin: Name,
    nodes: HashMap<Box<[u8]>, Node>,
    negative_soa: Record,
    deeper: Vec<Name>,
}

/// A name that exists. Without record sets it is an empty non-terminal.
#[derive(Debug, Default)]
pub(super) struct Node {
    sets: Vec<Vec<Record>>,
}

impl Node {
    /// The records of one type; none of a type the name does not have.
    pub(super) fn set(&self, rtype: RecordType) -> Option<&[Record]> {
        self.sets().find(|set| set.first().is_some_and(|record| record.record_type() == rtype))
    }

    /// All record sets.
    pub(super) fn sets(&self) -> impl Iterator<Item = &[Record]> {
        self.sets.iter().map(Vec::as_slice)
    }
}

impl Zone {
    /// Reads and checks a zone.
    pub(super) fn read(origin: Name, file: &Path) -> Result<Zone, LocalZoneError> {
        let mut nodes: HashMap<Box<[u8]>, Node> = HashMap::new();
        for written in master::read(origin, file)? {
            add(&mut nodes, origin, written)?;
        }
        let missing =
            |what: &str| LocalZoneError::whole(file, format!("has no {what} for {origin}: every zone needs one"));
        let apex = nodes.get(origin.as_wire());
        let soa = apex
            .and_then(|apex| apex.set(RecordType::SOA))
            .and_then(<[Record]>::first)
            .ok_or_else(|| missing("SOA"))?;
        let mut negative_soa = soa.clone();
        if let RData::SOA(soa) = &soa.data {
            // RFC 2308 section 3: how long "no" may be believed.
            negative_soa.ttl = negative_soa.ttl.min(soa.minimum);
        }
        apex.and_then(|apex| apex.set(RecordType::NS)).ok_or_else(|| missing("NS"))?;
        Ok(Zone { origin, nodes, negative_soa, deeper: Vec::new() })
    }

    /// The same zone beside zones of others below it.
    pub(super) fn beside(self, deeper: Vec<Name>) -> Zone {
        Zone { deeper, ..self }
    }

    /// Whether a name is this zone's to answer: in it, and in none of those below it.
    pub(super) fn holds(&self, name: &Name) -> bool {
        name.is_at_or_below(&self.origin) && !self.deeper.iter().any(|zone| name.is_at_or_below(zone))
    }

    pub(super) fn origin(&self) -> Name {
        self.origin
    }

    /// A name that exists.
    pub(super) fn node(&self, wire: &[u8]) -> Option<&Node> {
        self.nodes.get(wire)
    }

    /// The SOA as it goes with "no".
    pub(super) fn negative_soa(&self) -> &Record {
        &self.negative_soa
    }
}

fn add(nodes: &mut HashMap<Box<[u8]>, Node>, origin: Name, written: Written) -> Result<(), LocalZoneError> {
    let Written { owner, record, file, line } = written;
    let wrong = |text: String| Err(LocalZoneError::at(&file, line, text));
    let rtype = record.record_type();
    if !owner.is_at_or_below(&origin) {
        return wrong(format!("{owner} is not in the zone {origin}"));
    }
    if rtype == RecordType::SOA && owner != origin {
        return wrong(format!("{owner} has an SOA; only {origin} may: a zone below is another file"));
    }
    if rtype == RecordType::NS && owner.labels().next() == Some(b"*") {
        return wrong("a wildcard cannot be delegated (RFC 4592 section 4.2)".to_owned());
    }
    // The names between the owner and the origin exist, too.
    let depth = owner.label_count() - origin.label_count();
    for between in owner.suffixes().take(depth).skip(1) {
        if !nodes.contains_key(between) {
            nodes.insert(between.into(), Node::default());
        }
    }
    let node = nodes.entry(owner.as_wire().into()).or_default();
    let alias_beside_others = node.sets().any(|set| {
        set.first().is_some_and(|r| {
            r.record_type() != rtype && (rtype == RecordType::CNAME || r.record_type() == RecordType::CNAME)
        })
    });
    if alias_beside_others {
        return wrong(format!("{owner} is an alias (CNAME) and has other records: it can only be one of both"));
    }
    match node.sets.iter_mut().find(|set| set.first().is_some_and(|r| r.record_type() == rtype)) {
        Some(set) if set.iter().any(|r| r.data == record.data) => Ok(()),
        Some(_) if matches!(rtype, RecordType::SOA | RecordType::CNAME) => {
            wrong(format!("{owner} has a second {rtype}"))
        }
        Some(set) => {
            // RFC 2181 section 5.2: one TTL for a set; the shortest does no harm.
            let ttl = set.iter().map(|r| r.ttl).fold(record.ttl, u32::min);
            set.push(record);
            set.iter_mut().for_each(|r| r.ttl = ttl);
            Ok(())
        }
        None => {
            node.sets.push(vec![record]);
            Ok(())
        }
    }
}
