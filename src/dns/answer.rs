//! Writes finished answers straight into the octets that leave: no message object, no allocation.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::dns::Name;
use crate::dns::ede::Ede;
use crate::dns::types::rtype;
use crate::dns::view::{HEADER, View, Wrong};

/// The UDP payload size our own OPT announces, and the most we send over UDP (the value of the DNS flag day 2020).
pub const PAYLOAD: u16 = 1232;
/// The most a client without EDNS takes over UDP (RFC 1035 section 4.2.1).
pub const PLAIN_LIMIT: usize = 512;
/// Buffers for answers have at least this many octets; every answer Cordon makes itself fits.
pub const LEAST_BUFFER: usize = 1232;
/// The largest message over a stream.
pub const STREAM_LIMIT: usize = 65_535;

/// The most octets the client takes over UDP.
pub fn udp_limit(view: &View<'_>) -> usize {
    match view.edns {
        Some(edns) => (edns.payload.min(PAYLOAD) as usize).max(PLAIN_LIMIT),
        None => PLAIN_LIMIT,
    }
}

/// Writes an answer: header and question first, then records, then [`Writer::finish`].
pub struct Writer<'b> {
    out: &'b mut [u8],
    at: usize,
    edns: Option<bool>,
    class: u16,
    rcode: u16,
    question: usize,
    counts: [u16; 3],
}

/// Names of the SOA that goes with a block: nothing is to be found there (RFC 2606 keeps `invalid` free).
const SOA_NAMES: &[u8] = b"\x07blocked\x07invalid\x00\x0ahostmaster\x07blocked\x07invalid\x00";
/// Who is responsible for an empty zone (RFC 6303 section 3).
const NOBODY: &[u8] = b"\x06nobody\x07invalid\x00";

/// Sections a record of ours can stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What was asked for.
    Answer,
    /// What goes with "no".
    Authority,
}

impl<'b> Writer<'b> {
    /// Begins an answer to `view` with `rcode` in `out`, which has at least [`LEAST_BUFFER`] octets. `limit` bounds what may be written.
    pub fn new(view: &View<'_>, rcode: u16, out: &'b mut [u8], limit: usize) -> Writer<'b> {
        let limit = limit.min(out.len());
        let out = &mut out[..limit];
        let end = HEADER + view.question.len();
        out[0..2].copy_from_slice(&view.id.to_be_bytes());
        out[2] = 0x80 | view.recursion_desired as u8;
        // RA: we recurse for every client we answer. CD is copied (RFC 4035 section 3.2.2).
        out[3] = 0x80 | (view.checking_disabled as u8) << 4 | (rcode & 0x0f) as u8;
        out[4..HEADER].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        out[HEADER..end].copy_from_slice(view.question);
        Writer {
            out,
            at: end,
            edns: view.edns.map(|edns| edns.dnssec_ok),
            class: view.qclass,
            rcode,
            question: view.name.wire_len(),
            counts: [0; 3],
        }
    }

    /// Says that the answer is authoritative.
    pub fn authoritative(&mut self) {
        self.out[2] |= 0x04;
    }

    /// An A record for the name asked for.
    pub fn a(&mut self, ttl: u32, address: Ipv4Addr) {
        self.record(0, HEADER, rtype::A, ttl, &address.octets());
    }

    /// An AAAA record for the name asked for.
    pub fn aaaa(&mut self, ttl: u32, address: Ipv6Addr) {
        self.record(0, HEADER, rtype::AAAA, ttl, &address.octets());
    }

    /// A CNAME or PTR record from the name asked for to `target`.
    pub fn pointing(&mut self, kind: u16, ttl: u32, target: &Name) {
        self.record(0, HEADER, kind, ttl, target.as_wire());
    }

    /// A record of any type for the name asked for; its RDATA is in wire form without compression.
    pub fn own(&mut self, kind: u16, ttl: u32, rdata: &[u8]) {
        self.record(0, HEADER, kind, ttl, rdata);
    }

    /// A TXT record of one string for the name asked for; what is beyond 255 octets is left out.
    pub fn text(&mut self, ttl: u32, text: &str) {
        let octets = text.as_bytes();
        let length = octets.len().min(255);
        let mut rdata = [0u8; 256];
        rdata[0] = length as u8;
        rdata[1..=length].copy_from_slice(&octets[..length]);
        self.record(0, HEADER, rtype::TXT, ttl, &rdata[..=length]);
    }

    /// Marks the answer as truncated: there is more over a stream.
    pub fn truncated(&mut self) {
        self.out[2] |= 0x02;
    }

    /// Whether no record is in it, and none was left out for want of room.
    pub fn is_empty(&self) -> bool {
        self.counts == [0; 3] && self.out[2] & 0x02 == 0
    }

    /// The answer to ANY: a HINFO record that says why (RFC 8482 section 4.2).
    pub fn hinfo(&mut self, ttl: u32) {
        self.record(0, HEADER, rtype::HINFO, ttl, b"\x07RFC8482\x00");
    }

    /// An SOA in the authority section, so that a negative answer is cached for `ttl` seconds (RFC 2308). Its owner is the last
    /// `labels` labels of the name asked for.
    pub fn soa(&mut self, labels: usize, ttl: u32) {
        let mut rdata = [0u8; SOA_NAMES.len() + 20];
        let (names, numbers) = rdata.split_at_mut(SOA_NAMES.len());
        names.copy_from_slice(SOA_NAMES);
        for (place, value) in numbers.chunks_exact_mut(4).zip([1u32, 3_600, 600, 86_400, ttl]) {
            place.copy_from_slice(&value.to_be_bytes());
        }
        let owner = self.suffix(labels);
        self.record(1, owner, rtype::SOA, ttl, &rdata);
    }

    /// The SOA of an empty zone that a resolver serves itself, in the values of RFC 6303 section 3. The zone is the last `labels` labels of the
    /// name asked for, and its own name server.
    pub fn soa_of_empty_zone(&mut self, section: Section, labels: usize, ttl: u32) {
        let mut rdata = [0u8; 2 + NOBODY.len() + 20];
        let zone = self.suffix(labels);
        let (names, numbers) = rdata.split_at_mut(2 + NOBODY.len());
        names[..2].copy_from_slice(&pointer(zone));
        names[2..].copy_from_slice(NOBODY);
        for (place, value) in numbers.chunks_exact_mut(4).zip([1u32, 3_600, 1_200, 604_800, ttl]) {
            place.copy_from_slice(&value.to_be_bytes());
        }
        self.record(section as usize, zone, rtype::SOA, ttl, &rdata);
    }

    /// The NS of an empty zone, which is the name asked for and its own name server.
    pub fn ns_of_empty_zone(&mut self, ttl: u32) {
        self.record(0, HEADER, rtype::NS, ttl, &pointer(HEADER));
    }

    /// Where the last `labels` labels of the question's name begin in the message.
    fn suffix(&self, labels: usize) -> usize {
        let name = &self.out[HEADER..HEADER + self.question];
        let (mut total, mut at) = (0, 0);
        while name[at] != 0 {
            total += 1;
            at += 1 + name[at] as usize;
        }
        let (mut skip, mut at) = (total - labels.min(total), 0);
        while skip > 0 {
            at += 1 + name[at] as usize;
            skip -= 1;
        }
        HEADER + at
    }

    /// A record whose owner stands at `owner` in the message (RFC 1035 section 4.1.4: a pointer to it). One that does not fit is
    /// left out and the answer marked as truncated.
    fn record(&mut self, section: usize, owner: usize, kind: u16, ttl: u32, rdata: &[u8]) {
        let end = self.at + 12 + rdata.len();
        if end + self.opt_room() > self.out.len() {
            self.out[2] |= 0x02;
            return;
        }
        let to = &mut self.out[self.at..end];
        to[0..2].copy_from_slice(&pointer(owner));
        to[2..4].copy_from_slice(&kind.to_be_bytes());
        to[4..6].copy_from_slice(&self.class.to_be_bytes());
        to[6..10].copy_from_slice(&ttl.to_be_bytes());
        to[10..12].copy_from_slice(&(rdata.len() as u16).to_be_bytes());
        to[12..].copy_from_slice(rdata);
        self.counts[section] += 1;
        self.at = end;
    }

    fn opt_room(&self) -> usize {
        if self.edns.is_some() { 11 } else { 0 }
    }

    /// Ends the answer, with an OPT record for a client that speaks EDNS (RFC 6891 section 6.1.1), and gives its length.
    pub fn finish(mut self, ede: Option<Ede<'_>>) -> usize {
        if let Some(dnssec_ok) = self.edns {
            self.at = write_opt(self.out, self.at, self.rcode, dnssec_ok, ede);
            self.counts[2] += 1;
        }
        for (place, count) in self.out[6..HEADER].chunks_exact_mut(2).zip(self.counts) {
            place.copy_from_slice(&count.to_be_bytes());
        }
        self.at
    }
}

/// A pointer to a name of the message (RFC 1035 section 4.1.4).
fn pointer(to: usize) -> [u8; 2] {
    (0xc000 | to as u16).to_be_bytes()
}

/// Writes an OPT record at `at` and gives the place behind it. An extended error that does not fit loses its text, then goes.
pub(crate) fn write_opt(out: &mut [u8], at: usize, rcode: u16, dnssec_ok: bool, ede: Option<Ede<'_>>) -> usize {
    let room = out.len() - at;
    let text = match ede {
        Some(ede) if room >= 17 + ede.text.len() => ede.text.as_bytes(),
        _ => &[],
    };
    let ede = ede.filter(|_| room >= 17);
    let length = if ede.is_some() { 6 + text.len() } else { 0 };
    let to = &mut out[at..at + 11 + length];
    to[0] = 0;
    to[1..3].copy_from_slice(&rtype::OPT.to_be_bytes());
    to[3..5].copy_from_slice(&PAYLOAD.to_be_bytes());
    to[5] = (rcode >> 4) as u8;
    to[6] = 0;
    to[7] = (dnssec_ok as u8) << 7;
    to[8] = 0;
    to[9..11].copy_from_slice(&(length as u16).to_be_bytes());
    if let Some(ede) = ede {
        to[11..13].copy_from_slice(&15u16.to_be_bytes());
        to[13..15].copy_from_slice(&(2 + text.len() as u16).to_be_bytes());
        to[15..17].copy_from_slice(&ede.code.to_be_bytes());
        to[17..].copy_from_slice(text);
    }
    at + 11 + length
}

/// Writes an error without records: with the question where it could be read, the bare header otherwise. Gives its length.
pub fn write_error(wrong: &Wrong<'_>, rcode: u16, out: &mut [u8]) -> usize {
    match &wrong.view {
        Some(view) => Writer::new(view, rcode, out, LEAST_BUFFER).finish(None),
        None => {
            out[..HEADER].fill(0);
            out[0..2].copy_from_slice(&wrong.packet[0..2]);
            // The opcode and RD are copied (RFC 1035 section 4.1.1).
            out[2] = 0x80 | wrong.packet[2] & 0x79;
            out[3] = (rcode & 0x0f) as u8;
            HEADER
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::ede;
    use crate::dns::types::rcode;
    use crate::dns::view::{Look, Seen, look};
    use hickory_proto::op::{Message, ResponseCode};
    use hickory_proto::rr::RecordType;

    fn packet(name: &str, kind: u16, edns: Option<u16>) -> Vec<u8> {
        let mut packet = vec![0x12, 0x34, 0x01, 0x10, 0, 1, 0, 0, 0, 0, 0, edns.is_some() as u8];
        packet.extend(Name::parse(name).unwrap().as_wire());
        packet.extend(kind.to_be_bytes());
        packet.extend([0, 1]);
        if let Some(payload) = edns {
            packet.extend([0, 0, 41]);
            packet.extend(payload.to_be_bytes());
            packet.extend([0, 0, 0x80, 0, 0, 0]);
        }
        packet
    }

    fn view(packet: &[u8]) -> View<'_> {
        match look(packet, Box::leak(Box::new(Seen::EMPTY))) {
            Look::Query(view) => view,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_sinkhole_answer_is_read_by_others_as_meant() {
        let asked = packet("www.bet.example", rtype::A, Some(4096));
        let view = view(&asked);
        let mut out = [0u8; LEAST_BUFFER];
        let mut writer = Writer::new(&view, rcode::NOERROR, &mut out, udp_limit(&view));
        writer.a(10, Ipv4Addr::new(10, 1, 1, 1));
        let length = writer.finish(Some(Ede { code: ede::BLOCKED, text: "gambling" }));
        let message = Message::from_vec(&out[..length]).unwrap();
        assert_eq!(message.metadata.id, 0x1234);
        assert!(message.metadata.recursion_available && message.metadata.checking_disabled);
        assert_eq!(message.answers[0].ttl, 10);
        assert_eq!(message.answers[0].record_type(), RecordType::A);
        assert_eq!(message.answers[0].name.to_string(), "www.bet.example.");
        assert!(message.edns.as_ref().unwrap().flags().dnssec_ok);
        assert!(out[..length].windows(8).any(|w| w == b"gambling"));
    }

    #[test]
    fn a_negative_answer_has_an_soa_above_the_name() {
        let asked = packet("a.b.bet.example", rtype::TXT, None);
        let view = view(&asked);
        let mut out = [0u8; LEAST_BUFFER];
        let mut writer = Writer::new(&view, rcode::NXDOMAIN, &mut out, udp_limit(&view));
        writer.soa(2, 30);
        let length = writer.finish(None);
        let message = Message::from_vec(&out[..length]).unwrap();
        assert_eq!(message.metadata.response_code, ResponseCode::NXDomain);
        assert_eq!(message.authorities[0].name.to_string(), "bet.example.");
        assert!(message.edns.is_none());
    }

    #[test]
    fn every_answer_of_ours_fits_the_smallest_limit_with_the_longest_name() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        let asked = packet(&longest, rtype::AAAA, Some(0));
        let view = view(&asked);
        let mut out = [0u8; LEAST_BUFFER];
        let mut writer = Writer::new(&view, rcode::NXDOMAIN, &mut out, udp_limit(&view));
        writer.soa(200, 30);
        let text = "x".repeat(400);
        let length = writer.finish(Some(Ede { code: ede::BLOCKED, text: &text }));
        assert!(length <= PLAIN_LIMIT);
        let message = Message::from_vec(&out[..length]).unwrap();
        assert_eq!(message.authorities.len(), 1);
        assert!(!message.metadata.truncation);
    }

    #[test]
    fn an_extended_code_is_split_between_header_and_opt() {
        let asked = packet("x.example", rtype::A, Some(1232));
        let view = view(&asked);
        let mut out = [0u8; LEAST_BUFFER];
        let length = Writer::new(&view, rcode::BADVERS, &mut out, 512).finish(None);
        let message = Message::from_vec(&out[..length]).unwrap();
        assert_eq!(u16::from(message.metadata.response_code), rcode::BADVERS);
    }
}
