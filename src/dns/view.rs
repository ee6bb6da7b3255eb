//! Room 1, look: a borrowed look at one packet. Cheap checks before dear ones; nothing is copied but the name.

use std::ops::Deref;

use crate::dns::name::Name;
use crate::dns::types::{class, opcode, rtype};

/// Length of a message's header (RFC 1035 section 4.1.1).
pub const HEADER: usize = 12;

/// What a packet is.
#[derive(Clone, Copy, Debug)]
pub enum Look<'a> {
    /// One question, well-formed.
    Query(View<'a>),
    /// A question that deserves an error at once.
    Wrong(Wrong<'a>),
    /// Not a query: too short to have a header, or a response. Nothing is ever sent back.
    NotAQuery,
}

/// A packet that gets an error, and which.
#[derive(Clone, Copy, Debug)]
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

/// What a query says: who asks what, and how it wants to be answered. Owned, so that a batch of them can be looked at before the first is
/// answered, in memory that is used again.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Message id.
    pub id: u16,
    /// Recursion desired.
    pub recursion_desired: bool,
    /// Authentic data (RFC 6840 section 5.7: the client understands the bit).
    pub authentic_data: bool,
    /// Checking disabled.
    pub checking_disabled: bool,
    /// The name asked for, lower-cased.
    pub name: Name,
    /// The type asked for.
    pub qtype: u16,
    /// The class asked for.
    pub qclass: u16,
    /// EDNS, where the client speaks it.
    pub edns: Option<Edns>,
}

/// One query, by what it says and its packet.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    seen: &'a Seen,
    /// The question section as it came, to be echoed byte for byte (Q8).
    pub question: &'a [u8],
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

impl Seen {
    /// Nothing seen yet.
    pub const EMPTY: Seen = Seen {
        id: 0,
        recursion_desired: false,
        authentic_data: false,
        checking_disabled: false,
        name: Name::ROOT,
        qtype: 0,
        qclass: 0,
        edns: None,
    };

    /// Whether the client wants DNSSEC records.
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }

    /// Reads header and question; where the question ends, if there is one.
    #[inline]
    fn question(&mut self, packet: &[u8]) -> Option<usize> {
        self.name.read_wire(packet.get(HEADER..)?).ok()?;
        let end = HEADER + self.name.wire_len() + 4;
        let fixed = packet.get(end - 4..end)?;
        self.id = u16::from_be_bytes([packet[0], packet[1]]);
        self.recursion_desired = packet[2] & 0x01 != 0;
        self.authentic_data = packet[3] & 0x20 != 0;
        self.checking_disabled = packet[3] & 0x10 != 0;
        self.qtype = u16::from_be_bytes([fixed[0], fixed[1]]);
        self.qclass = u16::from_be_bytes([fixed[2], fixed[3]]);
        self.edns = None;
        Some(end)
    }
}

impl Deref for View<'_> {
    type Target = Seen;

    #[inline]
    fn deref(&self) -> &Seen {
        self.seen
    }
}

impl<'a> View<'a> {
    /// What the query says, for as long as it is kept.
    #[inline]
    pub fn seen(self) -> &'a Seen {
        self.seen
    }
}

/// Looks at a packet; what it says is written to `seen`.
#[inline]
pub fn look<'a>(packet: &'a [u8], seen: &'a mut Seen) -> Look<'a> {
    let glance = glance(packet, seen);
    again(packet, seen, glance)
}

/// What a packet is, in few octets: with its [`Seen`] it makes a [`Look`] again without another look at the packet.
#[derive(Clone, Copy, Debug)]
pub struct Glance {
    kind: Kind,
    /// Where the question ends; 0 where it could not be read.
    question_end: u16,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Query,
    Wrong(Fault),
    NotAQuery,
}

impl Glance {
    /// No packet at all.
    pub const NOTHING: Glance = Glance { kind: Kind::NotAQuery, question_end: 0 };

    /// Whether it is one question, well-formed.
    #[inline]
    pub fn is_query(self) -> bool {
        matches!(self.kind, Kind::Query)
    }
}

/// Looks at a packet; what it says is written to `seen`, and is to be had by [`again`].
pub fn glance(packet: &[u8], seen: &mut Seen) -> Glance {
    if packet.len() < HEADER || packet[2] & 0x80 != 0 {
        return Glance::NOTHING;
    }
    let unread = |fault| Glance { kind: Kind::Wrong(fault), question_end: 0 };
    if packet[2] >> 3 & 0x0f != opcode::QUERY {
        return unread(Fault::Opcode);
    }
    let count = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    if count(4) != 1 {
        return unread(Fault::Malformed);
    }
    let Some(end) = seen.question(packet) else {
        return unread(Fault::Malformed);
    };
    // A query carries nothing but its question and what stands in the additional section; an IXFR carries more.
    let rest = if count(6) != 0 || count(8) != 0 || seen.qtype == rtype::OPT {
        behind_soa(packet, end, seen.qtype, [count(6), count(8)])
    } else {
        Ok(end)
    };
    let kind = match rest.and_then(|at| additional(packet, at, count(10))) {
        Err(Broken) => Kind::Wrong(Fault::Malformed),
        Ok(edns) => {
            seen.edns = edns;
            match edns {
                Some(Edns { version: 1.., .. }) => Kind::Wrong(Fault::Version),
                _ => Kind::Query,
            }
        }
    };
    // A name has 255 octets at most, so this is no more than 271.
    Glance { kind, question_end: end as u16 }
}

/// What a glance at a packet came to. `packet` and `seen` are those of the glance.
#[inline]
pub fn again<'a>(packet: &'a [u8], seen: &'a Seen, glance: Glance) -> Look<'a> {
    let view = packet.get(HEADER..usize::from(glance.question_end)).map(|question| View { seen, question });
    match (glance.kind, view) {
        (Kind::Query, Some(view)) => Look::Query(view),
        (Kind::Wrong(fault), view) => Look::Wrong(Wrong { packet, fault, view }),
        _ => Look::NotAQuery,
    }
}

struct Broken;

/// The place behind the SOA in the authority section of an IXFR, which says what the client has (RFC 1995 section 3). No other query has
/// records before its additional section.
#[cold]
fn behind_soa(packet: &[u8], at: usize, qtype: u16, [answers, authorities]: [u16; 2]) -> Result<usize, Broken> {
    if qtype != rtype::IXFR || answers != 0 || authorities != 1 {
        return Err(Broken);
    }
    let at = skip_name(packet, at).ok_or(Broken)?;
    let fixed = packet.get(at..at + 10).ok_or(Broken)?;
    let end = at + 10 + usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
    if u16::from_be_bytes([fixed[0], fixed[1]]) == rtype::SOA && end <= packet.len() { Ok(end) } else { Err(Broken) }
}

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
        let mut seen = Seen::EMPTY;
        let Look::Query(view) = look(&packet, &mut seen) else { panic!("not a query") };
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
        let mut seen = Seen::EMPTY;
        let Look::Query(view) = look(&packet, &mut seen) else { panic!("not a query") };
        assert_eq!(view.edns, Some(Edns { payload: 1232, dnssec_ok: true, version: 0 }));
        let packet = query(NAME, &[A_IN, opt, opt].concat(), [1, 0, 0, 2]);
        assert!(matches!(look(&packet, &mut Seen::EMPTY.clone()), Look::Wrong(Wrong { fault: Fault::Malformed, .. })));
        let version_1 = b"\x00\x00\x29\x04\xd0\x00\x01\x80\x00\x00\x00";
        let packet = query(NAME, &[A_IN, version_1].concat(), [1, 0, 0, 1]);
        assert!(matches!(
            look(&packet, &mut Seen::EMPTY.clone()),
            Look::Wrong(Wrong { fault: Fault::Version, view: Some(_), .. })
        ));
    }

    #[test]
    fn what_is_not_one_question_is_malformed_and_a_response_is_no_query() {
        for counts in [[0, 0, 0, 0], [2, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]] {
            let packet = query(NAME, A_IN, counts);
            assert!(
                matches!(look(&packet, &mut Seen::EMPTY.clone()), Look::Wrong(Wrong { fault: Fault::Malformed, .. })),
                "{counts:?}"
            );
        }
        let mut packet = query(NAME, A_IN, [1, 0, 0, 0]);
        packet.push(0);
        assert!(matches!(look(&packet, &mut Seen::EMPTY.clone()), Look::Wrong(_)), "left-over octets");
        packet[2] |= 0x80;
        assert!(matches!(look(&packet, &mut Seen::EMPTY.clone()), Look::NotAQuery));
        assert!(matches!(look(&packet[..11], &mut Seen::EMPTY.clone()), Look::NotAQuery));
        let pointer = query(b"\xc0\x0c", A_IN, [1, 0, 0, 0]);
        assert!(matches!(
            look(&pointer, &mut Seen::EMPTY.clone()),
            Look::Wrong(Wrong { fault: Fault::Malformed, view: None, .. })
        ));
        let mut update = query(NAME, A_IN, [1, 0, 0, 0]);
        update[2] = 5 << 3;
        assert!(matches!(look(&update, &mut Seen::EMPTY.clone()), Look::Wrong(Wrong { fault: Fault::Opcode, .. })));
    }

    #[test]
    fn an_ixfr_has_an_soa_in_its_authority_section_and_nothing_else_has() {
        let soa = [b"\xc0\x0c\x00\x06\x00\x01\x00\x00\x00\x3c\x00\x16\x00\x00", &[7; 20][..]].concat();
        let opt = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00";
        let [ixfr, axfr] = [b"\x00\xfb\x00\x01", b"\x00\xfc\x00\x01"];
        let is_query = |tail: &[u8], counts| matches!(look(&query(NAME, tail, counts), &mut Seen::EMPTY.clone()), Look::Query(view) if view.question.len() == NAME.len() + 4);
        assert!(is_query(&[&ixfr[..], &soa].concat(), [1, 0, 1, 0]));
        assert!(is_query(&[&ixfr[..], &soa, opt].concat(), [1, 0, 1, 1]));
        assert!(is_query(ixfr, [1, 0, 0, 0]));
        let not_soa = [b"\xc0\x0c\x00\x10", &soa[4..]].concat();
        for (tail, counts) in [
            ([&ixfr[..], &soa].concat(), [1, 1, 0, 0]),
            ([&ixfr[..], &soa].concat(), [1, 0, 2, 0]),
            ([&ixfr[..], &soa, &soa].concat(), [1, 0, 2, 0]),
            ([&ixfr[..], &soa, b"x"].concat(), [1, 0, 1, 0]),
            ([&ixfr[..], &soa[..soa.len() - 1]].concat(), [1, 0, 1, 0]),
            ([&ixfr[..], &not_soa].concat(), [1, 0, 1, 0]),
            ([&axfr[..], &soa].concat(), [1, 0, 1, 0]),
            ([A_IN, &soa].concat(), [1, 0, 1, 0]),
        ] {
            assert!(!is_query(&tail, counts), "{counts:?} {tail:02x?}");
        }
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(packet in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = look(&packet, &mut Seen::EMPTY.clone());
        }

        #[test]
        fn a_mutated_query_never_makes_it_panic(at in 0usize..60, octet in any::<u8>(), cut in 0usize..60) {
            let opt = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x0c\x00\x0a\x00\x08abcdefgh";
            let mut packet = query(NAME, &[A_IN, opt].concat(), [1, 0, 0, 1]);
            if let Some(place) = packet.get_mut(at) { *place = octet; }
            packet.truncate(packet.len().saturating_sub(cut));
            let _ = look(&packet, &mut Seen::EMPTY.clone());
        }
    }
}
