//! A question as octets, and an answer that is so plain that its octets can be kept as they came.
//!
//! Most answers are of a few types, with the question in front and compressed against it. [`plain`] reads those once and copies them.
//! Everything else (other types, signatures, extended errors, what is malformed) is none of its business: `dns::convert` reads it.

use crate::dns::Question;
use crate::dns::name::MAX_WIRE;
use crate::dns::types::{class, rcode, rtype};

/// UDP payload offered (DNS flag day 2020; RFC 9715): fits every path unfragmented.
pub(super) const PAYLOAD: u16 = 1232;
/// Octets of a header.
const HEADER: usize = 12;
/// Option code of extended DNS errors (RFC 8914 section 2).
const EDE_OPTION: u16 = 15;

/// Writes the query for `question` as it goes up, without its id: RD, DO and CD as asked, AD to be told of validation (RFC 6840
/// section 5.7), and OPT if `edns`. Gives the place behind the question.
pub(super) fn query(question: &Question, edns: bool, out: &mut Vec<u8>) -> usize {
    out.clear();
    let flags = 0x20 | u8::from(question.checking_disabled) << 4;
    out.extend_from_slice(&[0, 0, 0x01, flags, 0, 1, 0, 0, 0, 0, 0, u8::from(edns)]);
    out.extend_from_slice(question.name.as_wire());
    out.extend_from_slice(&question.qtype.to_be_bytes());
    out.extend_from_slice(&question.qclass.to_be_bytes());
    let end = out.len();
    if edns {
        let [high, low] = PAYLOAD.to_be_bytes();
        let dnssec_ok = u8::from(question.dnssec_ok) << 7;
        out.extend_from_slice(&[0, 0, 41, high, low, 0, 0, dnssec_ok, 0, 0, 0]);
    }
    end
}

/// Turns letters of a query's name to upper case where `random`, asked for an octet for eight letters, has a bit set.
pub(super) fn mix_case(query: &mut [u8], mut random: impl FnMut() -> Option<u8>) -> Option<()> {
    let mut at = HEADER;
    let (mut bits, mut left) = (0, 0);
    while let Some(length @ 1..=63) = query.get(at).copied() {
        at += 1;
        for octet in query.get_mut(at..at + usize::from(length))? {
            if octet.is_ascii_lowercase() {
                if left == 0 {
                    (bits, left) = (random()?, 8);
                }
                *octet ^= (bits & 1) << 5;
                (bits, left) = (bits >> 1, left - 1);
            }
        }
        at += usize::from(length);
    }
    Some(())
}

/// What a datagram is to the question whose id it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// A response with the question as it was sent.
    Same,
    /// The question in another case than it was sent in.
    OtherCase,
    /// A response to another question.
    Other,
    /// No response, or one whose question cannot be read.
    Garbled,
}

/// Compares a datagram with the query that was sent, whose question ends at `end`.
pub(super) fn likeness(datagram: &[u8], query: &[u8], end: usize) -> Likeness {
    let (Some(flags), Some(asked)) = (datagram.get(2), query.get(HEADER..end)) else { return Likeness::Garbled };
    if flags & 0x80 == 0 || datagram.len() < HEADER {
        return Likeness::Garbled;
    }
    match datagram.get(HEADER..end) {
        Some(came) if datagram.get(4..6) == Some(&[0, 1]) && came.eq_ignore_ascii_case(asked) => match came == asked {
            true => Likeness::Same,
            false => Likeness::OtherCase,
        },
        _ if is_question(datagram) => Likeness::Other,
        _ => Likeness::Garbled,
    }
}

/// Whether a message has no question or one that can be read.
fn is_question(datagram: &[u8]) -> bool {
    match datagram.get(4..6) {
        Some(&[0, 0]) => true,
        Some(_) => {
            let name = datagram.get(HEADER..).and_then(|rest| crate::dns::Name::from_wire(rest).ok());
            name.is_some_and(|name| datagram.len() >= HEADER + name.wire_len() + 4)
        }
        None => false,
    }
}

/// A plain answer, in the form that is kept (see [`super::Fetched::wire`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) wire: Vec<u8>,
    pub(super) rcode: u16,
    /// AD as it came.
    pub(super) authentic: bool,
}

/// Reads an answer of which [`likeness`] said that it has the question: the same that [`crate::dns::convert::normalise`] makes of it, but
/// compressed as it came. None: it is not plain.
pub(super) fn plain(datagram: &[u8], question: &Question) -> Option<Plain> {
    let header: &[u8; HEADER] = datagram.first_chunk()?;
    let (opcode, truncated, code) = (header[2] >> 3 & 0x0f, header[2] & 0x02 != 0, u16::from(header[3] & 0x0f));
    if opcode != 0 || truncated || !matches!(code, rcode::NOERROR | rcode::NXDOMAIN) {
        return None;
    }
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let name = question.name.as_wire();
    let question = HEADER + name.len();
    let mut walk = Walk { octets: datagram, asked: name, question, at: question + 4 };
    for _ in 0..usize::from(count(6)) + usize::from(count(8)) {
        walk.record()?;
    }
    let end = walk.at;
    for _ in 0..count(10) {
        walk.additional()?;
    }
    if walk.at != datagram.len() {
        return None;
    }
    let mut wire = Vec::with_capacity(end);
    wire.extend_from_slice(&[0, 0, 0x81 | header[2] & 0x04, 0x80 | code as u8]);
    wire.extend_from_slice(&header[4..10]);
    wire.extend_from_slice(&[0, 0]);
    // Compression that points into the question finds it in lower case again.
    wire.extend_from_slice(name);
    wire.extend_from_slice(datagram.get(HEADER + name.len()..end)?);
    Some(Plain { wire, rcode: code, authentic: header[3] & 0x20 != 0 })
}

/// A walk over the records of a message.
struct Walk<'a> {
    octets: &'a [u8],
    /// The question's name, in small letters.
    asked: &'a [u8],
    /// Where the question's name ends.
    question: usize,
    at: usize,
}

impl Walk<'_> {
    /// A record of the answer or authority section: of class IN, of a type that is known here, and whole.
    fn record(&mut self) -> Option<()> {
        let at = self.name(self.at)?;
        let fixed: &[u8; 10] = self.octets.get(at..)?.first_chunk()?;
        let kind = u16::from_be_bytes([fixed[0], fixed[1]]);
        let rdata = at + 10;
        let end = rdata + usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        if [fixed[2], fixed[3]] != class::IN.to_be_bytes() || end > self.octets.len() {
            return None;
        }
        let whole = match kind {
            rtype::A => end - rdata == 4,
            rtype::AAAA => end - rdata == 16,
            rtype::CNAME | rtype::NS | rtype::PTR => self.name(rdata)? == end,
            rtype::MX => self.name(rdata + 2)? == end,
            rtype::SOA => self.name(self.name(rdata)?)? + 20 == end,
            rtype::TXT => self.are_strings(rdata, end),
            _ => false,
        };
        self.at = end;
        whole.then_some(())
    }

    /// A record of the additional section, which is not kept: addresses, or an OPT record that says nothing.
    fn additional(&mut self) -> Option<()> {
        let fixed: &[u8; 11] = self.octets.get(self.at..)?.first_chunk()?;
        if fixed[0] != 0 || u16::from_be_bytes([fixed[1], fixed[2]]) != rtype::OPT {
            return self.record();
        }
        // Neither upper bits of the response code nor another version (RFC 6891 section 6.1.3).
        if [fixed[5], fixed[6]] != [0, 0] {
            return None;
        }
        let mut at = self.at + 11;
        let end = at + usize::from(u16::from_be_bytes([fixed[9], fixed[10]]));
        while at < end {
            let option: &[u8; 4] = self.octets.get(at..)?.first_chunk()?;
            if u16::from_be_bytes([option[0], option[1]]) == EDE_OPTION {
                return None;
            }
            at += 4 + usize::from(u16::from_be_bytes([option[2], option[3]]));
        }
        self.at = at;
        (at == end && at <= self.octets.len()).then_some(())
    }

    /// The place behind the name at `at`. It is whole, its pointers lead back, and its letters are small, or else they are the
    /// question's: the case of those is ours. What it has in common with the question is left out: servers that take the case for a part of
    /// a name leave out less, as chance would have it.
    fn name(&self, at: usize) -> Option<usize> {
        let (mut from, mut behind, mut bound, mut length) = (at, None, at, 0);
        // What a pointer leads to ends before whatever has the pointer.
        let mut limit = self.octets.len();
        let mut last: Option<&[u8]> = None;
        loop {
            match *self.octets.get(from..limit)?.first()? {
                0 => {
                    let common = behind.is_none() && last.is_some() && self.before(self.question - 1)? == last;
                    return Some(behind.unwrap_or(from + 1)).filter(|_| !common && length < MAX_WIRE);
                }
                size @ 1..=63 => {
                    let label = self.octets.get(from + 1..limit)?.get(..usize::from(size))?;
                    if from >= self.question && label.iter().any(u8::is_ascii_uppercase) {
                        return None;
                    }
                    last = Some(label);
                    from += 1 + usize::from(size);
                    length += 1 + usize::from(size);
                }
                high @ 0xc0.. => {
                    let low = *self.octets.get(from + 1..limit)?.first()?;
                    let to = usize::from(high & 0x3f) << 8 | usize::from(low);
                    if to >= bound || to < HEADER {
                        return None;
                    }
                    if behind.is_none() {
                        if to < self.question && last.is_some() && self.before(to)? == last {
                            return None;
                        }
                        behind = Some(from + 2);
                    }
                    (limit, bound, from) = (bound, to, to);
                }
                _ => return None,
            }
        }
    }

    /// The label of the question that ends at `end`, in small letters as those that are compared with it; an empty one is none. None at
    /// all: no label ends there.
    fn before(&self, end: usize) -> Option<Option<&[u8]>> {
        let (mut at, mut last) = (HEADER, None);
        let name = self.asked;
        while at < end {
            let length = usize::from(*name.get(at - HEADER)?);
            last = Some(name.get(at - HEADER + 1..)?.get(..length)?);
            at += 1 + length;
        }
        (at == end).then_some(last)
    }

    /// Whether character strings fill the room exactly (RFC 1035 section 3.3).
    fn are_strings(&self, mut at: usize, end: usize) -> bool {
        let some = at < end;
        while at < end {
            let Some(length) = self.octets.get(at) else { return false };
            at += 1 + usize::from(*length);
        }
        some && at == end
    }
}

#[cfg(test)]
mod tests;
