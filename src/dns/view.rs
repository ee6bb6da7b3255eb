//! Room 1, look: a borrowed look at one packet. Cheap checks before dear ones; nothing is copied but the name.

use crate::dns::name::Name;
use crate::dns::types::{class, opcode, rtype};

/// Length of a message's header (RFC 1035 section 4.1.1).
pub const HEADER: usize = 12;

/// What a packet is.
#[derive(Clone, Debug)]
pub enum Look<'a> {
    /// One question, well-formed.
    Query(View<'a>),
    /// A question that deserves an error at once.
    Wrong(Wrong<'a>),
    /// Not a query: too short to have a header, or a response. Nothing is ever sent back.
    NotAQuery,
}

/// A packet that gets an error, and which.
#[derive(Clone, Debug)]
pub struct Wrong<'a> {
    /// The packet; at least a header long.
    pub packet: &'a [u8],
    /// What is wrong with it.
    pub fault: Fault,
    /// The question, where it could be read.
    pub view: Option<View<'a>>,
}

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// FORMERR: it does not follow RFC 1035, or has not exactly one question.
    Malformed,
    /// NOTIMP: an opcode other than QUERY.
    Opcode,
    /// BADVERS: an EDNS version other than 0 (RFC 6891 section 6.1.3).
    Version,
}

/// One query: who asks what, and how it wants to be answered.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Message id.
    pub id: u16,
    /// Recursion desired.
    pub recursion_desired: bool,
    /// Authentic data (RFC 6840 section 5.7: the client understands the bit).
    pub authentic_data: bool,
    /// Checking disabled.
    pub checking_disabled: bool,
    /// The question section as it came, to be echoed byte for byte (Q8).
    pub question: &'a [u8],
    /// The name asked for, lower-cased.
    pub name: Name,
    /// The type asked for.
    pub qtype: u16,
    /// The class asked for.
    pub qclass: u16,
    /// EDNS, where the client speaks it.
    pub edns: Option<Edns>,
}

/// What the client's OPT record says (RFC 6891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns {
    /// Largest UDP payload the client takes, in octets.
    pub payload: u16,
    /// DNSSEC OK (RFC 3225).
    pub dnssec_ok: bool,
    /// EDNS version.
    pub version: u8,
}

impl View<'_> {
    /// Whether the client wants DNSSEC records.
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }
}

/// Looks at a packet.
pub fn look(packet: &[u8]) -> Look<'_> {
    if packet.len() < HEADER || packet[2] & 0x80 != 0 {
        return Look::NotAQuery;
    }
    let wrong = |fault, view| Look::Wrong(Wrong { packet, fault, view });
    if packet[2] >> 3 & 0x0f != opcode::QUERY {
        return wrong(Fault::Opcode, None);
    }
    let count = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    if count(4) != 1 {
        return wrong(Fault::Malformed, None);
    }
    let Some(mut view) = question(packet) else {
        return wrong(Fault::Malformed, None);
    };
    // A query carries nothing but its question and what stands in the additional section.
    if count(6) != 0 || count(8) != 0 || view.qtype == rtype::OPT {
        return wrong(Fault::Malformed, Some(view));
    }
    match additional(packet, HEADER + view.question.len(), count(10)) {
        Err(Broken) => wrong(Fault::Malformed, Some(view)),
        Ok(edns) => {
            view.edns = edns;
            match edns {
                Some(Edns { version: 1.., .. }) => wrong(Fault::Version, Some(view)),
                _ => Look::Query(view),
            }
        }
    }
}

/// The question of a packet that has one.
fn question(packet: &[u8]) -> Option<View<'_>> {
    let name = Name::from_wire(&packet[HEADER..]).ok()?;
    let end = HEADER + name.wire_len();
    let rest = packet.get(end..end + 4)?;
    Some(View {
        id: u16::from_be_bytes([packet[0], packet[1]]),
        recursion_desired: packet[2] & 0x01 != 0,
        authentic_data: packet[3] & 0x20 != 0,
        checking_disabled: packet[3] & 0x10 != 0,
        question: &packet[HEADER..end + 4],
        name,
        qtype: u16::from_be_bytes([rest[0], rest[1]]),
        qclass: u16::from_be_bytes([rest[2], rest[3]]),
        edns: None,
    })
}

struct Broken;

/// Walks the additional section for the OPT record; anything cut short, doubled or left over is broken.
fn additional(packet: &[u8], mut at: usize, count: u16) -> Result<Option<Edns>, Broken> {
    let mut edns = None;
    for _ in 0..count {
        let owner = at;
        at = skip_name(packet, at).ok_or(Broken)?;
        let fixed = packet.get(at..at + 10).ok_or(Broken)?;
        let rtype = u16::from_be_bytes([fixed[0], fixed[1]]);
        let length = u16::from_be_bytes([fixed[8], fixed[9]]) as usize;
        let rdata = packet.get(at + 10..at + 10 + length).ok_or(Broken)?;
        if rtype == rtype::OPT {
            if edns.is_some() || packet[owner] != 0 || !options_fit(rdata) {
                return Err(Broken);
            }
            edns = Some(Edns {
                payload: u16::from_be_bytes([fixed[2], fixed[3]]),
                version: fixed[5],
                dnssec_ok: fixed[6] & 0x80 != 0,
            });
        }
        at += 10 + length;
    }
    if at == packet.len() { Ok(edns) } else { Err(Broken) }
}

/// Whether a chain of EDNS options fills its record exactly (RFC 6891 section 6.1.2).
fn options_fit(mut rdata: &[u8]) -> bool {
    while !rdata.is_empty() {
        let Some(length) = rdata.get(2..4) else { return false };
        let length = u16::from_be_bytes([length[0], length[1]]) as usize;
        match rdata.get(4 + length..) {
            Some(rest) => rdata = rest,
            None => return false,
        }
    }
    true
}

/// The place behind a name that may be compressed.
pub(crate) fn skip_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *packet.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + length as usize,
            0xc0.. => return packet.get(at + 1).map(|_| at + 2),
            _ => return None,
        }
    }
}

/// Whether a class is one that policy judges: the Internet, or any.
pub fn is_internet(qclass: u16) -> bool {
    qclass == class::IN
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(name: &[u8], tail: &[u8], counts: [u16; 4]) -> Vec<u8> {
        let mut packet = vec![0xab, 0xcd, 0x01, 0x10];
        for count in counts {
            packet.extend(count.to_be_bytes());
        }
        packet.extend(name);
        packet.extend(tail);
        packet
    }

    const NAME: &[u8] = b"\x03wWw\x04Test\x00";
    const A_IN: &[u8] = b"\x00\x01\x00\x01";

    #[test]
    fn a_plain_question_is_seen_as_it_is() {
        let packet = query(NAME, A_IN, [1, 0, 0, 0]);
        let Look::Query(view) = look(&packet) else { panic!("not a query") };
        assert_eq!(view.id, 0xabcd);
        assert_eq!(view.name.to_string(), "www.test");
        assert_eq!(&view.question[..10], NAME, "case is kept for the echo");
        assert!(view.recursion_desired && view.checking_disabled && !view.authentic_data);
        assert_eq!((view.qtype, view.qclass, view.edns), (1, 1, None));
    }

    #[test]
    fn edns_is_read_and_a_second_opt_is_malformed() {
        let opt = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00";
        let packet = query(NAME, &[A_IN, opt].concat(), [1, 0, 0, 1]);
        let Look::Query(view) = look(&packet) else { panic!("not a query") };
        assert_eq!(view.edns, Some(Edns { payload: 1232, dnssec_ok: true, version: 0 }));
        let packet = query(NAME, &[A_IN, opt, opt].concat(), [1, 0, 0, 2]);
        assert!(matches!(look(&packet), Look::Wrong(Wrong { fault: Fault::Malformed, .. })));
        let version_1 = b"\x00\x00\x29\x04\xd0\x00\x01\x80\x00\x00\x00";
        let packet = query(NAME, &[A_IN, version_1].concat(), [1, 0, 0, 1]);
        assert!(matches!(look(&packet), Look::Wrong(Wrong { fault: Fault::Version, view: Some(_), .. })));
    }

    #[test]
    fn what_is_not_one_question_is_malformed_and_a_response_is_no_query() {
        for counts in [[0, 0, 0, 0], [2, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]] {
            let packet = query(NAME, A_IN, counts);
            assert!(matches!(look(&packet), Look::Wrong(Wrong { fault: Fault::Malformed, .. })), "{counts:?}");
        }
        let mut packet = query(NAME, A_IN, [1, 0, 0, 0]);
        packet.push(0);
        assert!(matches!(look(&packet), Look::Wrong(_)), "left-over octets");
        packet[2] |= 0x80;
        assert!(matches!(look(&packet), Look::NotAQuery));
        assert!(matches!(look(&packet[..11]), Look::NotAQuery));
        let pointer = query(b"\xc0\x0c", A_IN, [1, 0, 0, 0]);
        assert!(matches!(look(&pointer), Look::Wrong(Wrong { fault: Fault::Malformed, view: None, .. })));
        let mut update = query(NAME, A_IN, [1, 0, 0, 0]);
        update[2] = 5 << 3;
        assert!(matches!(look(&update), Look::Wrong(Wrong { fault: Fault::Opcode, .. })));
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(packet in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = look(&packet);
        }

        #[test]
        fn a_mutated_query_never_makes_it_panic(at in 0usize..60, octet in any::<u8>(), cut in 0usize..60) {
            let opt = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x0c\x00\x0a\x00\x08abcdefgh";
            let mut packet = query(NAME, &[A_IN, opt].concat(), [1, 0, 0, 1]);
            if let Some(place) = packet.get_mut(at) { *place = octet; }
            packet.truncate(packet.len().saturating_sub(cut));
            let _ = look(&packet);
        }
    }
}
