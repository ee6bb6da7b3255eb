//! A record as octets in a lane, and back.
//!
//! A frame is aligned to 8 octets, all numbers little-endian: length u32 (from the length's own first octet to the last of the texts, without
//! the padding behind), CRC-32 u32 (over everything from the sequence number on, started with the segment's salt), sequence number u64, the fixed
//! fields, the asked name in wire form, eight texts. The length is written last: a frame whose length is zero is not there.

pub(crate) mod pieces;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::dns::Name;
use crate::dns::name::{MAX_LABEL, MAX_WIRE};
use crate::moment::Moment;
use crate::record::codes::{self, RuleKind};
use crate::record::{Record, Rule};
use crate::subject::{Mac, Via};
use crate::verdict::{Action, Source, Transport};

/// Octets before the fixed fields: length, CRC, sequence number.
pub(crate) const HEAD: usize = 16;
/// Octets of the fixed fields.
const FIXED: usize = 88;
/// Longest text kept, in octets. A longer one is cut at a character and ends in `…`, so that the cut shows.
pub const MAX_TEXT: usize = 4096;
/// Number of texts.
const TEXTS: usize = 8;
/// Longest frame with its padding.
pub(crate) const MAX_FRAME: usize = (HEAD + FIXED + 255 + TEXTS * MAX_TEXT).next_multiple_of(8);
const CUT_MARK: &str = "…";

const V6: u16 = 1;
const RCODE: u16 = 1 << 1;
const EDE: u16 = 1 << 2;
const QNAME: u16 = 1 << 3;
const MAC: u16 = 1 << 4;
const HOST: u16 = 1 << 5;
const USER: u16 = 1 << 6;
const CATEGORY: u16 = 1 << 7;
const LIST: u16 = 1 << 8;
const UPSTREAM: u16 = 1 << 9;
const AS_OF: u16 = 1 << 10;
const ALL_FLAGS: u16 = (1 << 11) - 1;

/// A record read back from a frame; texts are borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'a> {
    /// When the query arrived.
    pub time: Moment,
    /// Source address; never an IPv4-mapped one.
    pub client: IpAddr,
    /// Source port.
    pub client_port: u16,
    /// How it came.
    pub transport: Transport,
    /// Name of the network zone.
    pub network_zone: &'a str,
    /// Generation of the snapshot it was decided by.
    pub generation: u64,
    /// Link-layer address of the device.
    pub device: Option<Mac>,
    /// Host name of the device.
    pub host: Option<&'a str>,
    /// The user; never one of a shared device.
    pub user: Option<&'a str>,
    /// How the subject was known.
    pub via: Option<Via>,
    /// Since when it was so.
    pub as_of: Option<Moment>,
    /// The name asked for, in uncompressed wire form; [`Row::name`] gives it as a name.
    pub qname: Option<&'a [u8]>,
    /// The type asked for.
    pub qtype: u16,
    /// What happened.
    pub action: Action,
    /// Category that spoke.
    pub category: Option<&'a str>,
    /// List that spoke.
    pub list: Option<&'a str>,
    /// Rule that spoke.
    pub rule: Rule<'a>,
    /// Response code sent.
    pub rcode: Option<u16>,
    /// Extended error sent.
    pub ede: Option<u16>,
    /// What was answered.
    pub answer: &'a str,
    /// Where the answer came from.
    pub source: Option<Source>,
    /// Upstream that answered or failed.
    pub upstream: Option<&'a str>,
    /// From arrival to closing, in microseconds.
    pub duration_us: u32,
}

/// Where a text ends up in the frame: its octets, and whether the cut mark follows.
#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    cut: bool,
}

impl<'a> Text<'a> {
    #[inline]
    fn of(text: &'a str) -> Text<'a> {
        if text.len() <= MAX_TEXT {
            return Text { bytes: text.as_bytes(), cut: false };
        }
        let end = text.floor_char_boundary(MAX_TEXT - CUT_MARK.len());
        Text { bytes: &text.as_bytes()[..end], cut: true }
    }

    #[inline]
    fn len(self) -> usize {
        self.bytes.len() + if self.cut { CUT_MARK.len() } else { 0 }
    }
}

/// A record measured and ready to be written: how many octets it needs is known before a place for it is.
pub(crate) struct Draft<'a> {
    record: &'a Record<'a>,
    texts: [Text<'a>; TEXTS],
    flags: u16,
    length: usize,
}

impl<'a> Draft<'a> {
    /// Measures a record.
    #[inline]
    pub(crate) fn of(record: &'a Record<'a>) -> Draft<'a> {
        let mut flags = 0;
        let mut pick = |flag: u16, text: Option<&'a str>| {
            if text.is_some() {
                flags |= flag;
            }
            Text::of(text.unwrap_or_default())
        };
        let rule = match record.rule {
            Rule::Text(text) => text,
            Rule::None | Rule::Line { .. } => "",
        };
        let texts = [
            Text::of(record.network_zone),
            pick(HOST, record.subject.host()),
            pick(USER, record.subject.user()),
            pick(CATEGORY, record.category),
            pick(LIST, record.list),
            Text::of(rule),
            Text::of(record.answer),
            pick(UPSTREAM, record.upstream),
        ];
        let qname = record.qname.map_or(0, Name::wire_len);
        let length = HEAD + FIXED + qname + texts.iter().map(|text| text.len()).sum::<usize>();
        Draft { record, texts, flags, length }
    }

    /// Octets the frame takes up, padding included.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.length.next_multiple_of(8)
    }

    /// Writes everything but the length to `room` ([`Draft::room`] octets, zeroed) and gives the length, which the caller publishes.
    #[inline]
    pub(crate) fn write(&self, room: &mut [u8], seq: u64, salt: u32) -> u32 {
        let record = self.record;
        let known = record.subject.known.as_deref();
        let mut flags = self.flags;
        let mut raise = |flag: u16, is: bool| {
            if is {
                flags |= flag;
            }
        };
        let as_of = known.and_then(|known| known.as_of);
        let mac = known.and_then(|known| known.device.mac);
        let qname = record.qname.map_or(&[][..], Name::as_wire);
        let (low, high, v6) = match record.client.ip().to_canonical() {
            IpAddr::V4(v4) => (u64::from(u32::from_le_bytes(v4.octets())), 0, false),
            IpAddr::V6(v6) => {
                let both = u128::from_le_bytes(v6.octets());
                (both as u64, (both >> 64) as u64, true)
            }
        };
        raise(AS_OF, as_of.is_some());
        raise(RCODE, record.rcode.is_some());
        raise(EDE, record.ede.is_some());
        raise(MAC, mac.is_some());
        raise(V6, v6);
        raise(QNAME, !qname.is_empty());
        let (line, labels) = match record.rule {
            Rule::Line { line, labels } => (line, labels),
            Rule::None | Rule::Text(_) => (0, 0),
        };
        let shorts = |shorts: [u16; 4]| shorts.iter().rev().fold(0, |word, &short| word << 16 | u64::from(short));
        let octets = |octets: [u8; 8]| u64::from_le_bytes(octets);
        let [m0, m1, m2, m3, m4, m5] = mac.map_or([0; 6], |mac| mac.0);
        let length = |text: usize| self.texts[text].len() as u16;
        let [f0, f1] = flags.to_le_bytes();
        // The fixed fields, a word at a time: see `Row::read` for what lies where.
        let fixed: [u64; FIXED / 8] = [
            record.time.micros() as u64,
            as_of.map_or(0, |as_of| as_of.micros() as u64),
            record.generation,
            u64::from(line) << 32 | u64::from(record.duration_us),
            shorts([
                record.qtype,
                record.client.port(),
                record.rcode.unwrap_or_default(),
                record.ede.unwrap_or_default(),
            ]),
            octets([
                f0,
                f1,
                codes::of_transport(record.transport),
                codes::of_action(record.action),
                record.source.map_or(0, codes::of_source),
                known.map_or(0, |known| codes::of_via(known.via)),
                codes::of_rule_kind(RuleKind::of(&record.rule)),
                labels,
            ]),
            octets([m0, m1, m2, m3, m4, m5, qname.len() as u8, 0]),
            low,
            high,
            shorts([length(0), length(1), length(2), length(3)]),
            shorts([length(4), length(5), length(6), length(7)]),
        ];
        room[8..HEAD].copy_from_slice(&seq.to_le_bytes());
        for (place, word) in room[HEAD..HEAD + FIXED].chunks_exact_mut(8).zip(fixed) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let mut at = append(room, HEAD + FIXED, qname);
        for text in &self.texts {
            if text.bytes.is_empty() {
                continue;
            }
            at = append(room, at, text.bytes);
            if text.cut {
                at = append(room, at, CUT_MARK.as_bytes());
            }
        }
        let crc = checksum(&room[8..at], salt);
        room[4..8].copy_from_slice(&crc.to_le_bytes());
        at as u32
    }
}

#[inline]
fn append(room: &mut [u8], at: usize, bytes: &[u8]) -> usize {
    room[at..at + bytes.len()].copy_from_slice(bytes);
    at + bytes.len()
}

#[inline]
fn checksum(bytes: &[u8], salt: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(bytes);
    hasher.finalize()
}

/// Whether `length` can be the length of a frame.
#[inline]
pub(crate) fn is_length(length: u32) -> bool {
    (HEAD + FIXED..=MAX_FRAME).contains(&(length as usize))
}

/// Sequence number of the frame in `bytes` (as long as its length says), when its CRC holds.
#[inline]
pub(crate) fn check(bytes: &[u8], salt: u32) -> Option<u64> {
    let crc = u32::from_le_bytes(array(bytes, 4)?);
    let covered = bytes.get(8..)?;
    if checksum(covered, salt) != crc {
        return None;
    }
    number(bytes)
}

/// Whether octets read as the frame of a row, whatever their CRC says: what a reader makes of them once that holds. For those who try it
/// with octets that no lane wrote.
pub fn reads_as_row(bytes: &[u8]) -> bool {
    let is_whole = array(bytes, 0)
        .map(u32::from_le_bytes)
        .is_some_and(|length| is_length(length) && length as usize == bytes.len());
    let _ = check(bytes, 0);
    is_whole && Row::read(bytes).is_some_and(|row| row.qname.is_none() || row.name().is_some())
}

/// Sequence number of the frame in `bytes`.
#[inline]
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    array(bytes, 8).map(u64::from_le_bytes)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Whether this is the wire form of a name and nothing besides: what [`Name::from_wire`] takes whole.
fn is_name(wire: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&length) = wire.get(at) {
        at += 1 + length as usize;
        if length == 0 {
            return at == wire.len() && at <= MAX_WIRE;
        }
        if length as usize > MAX_LABEL {
            return false;
        }
    }
    false
}

impl<'a> Row<'a> {
    /// The name asked for.
    pub fn name(&self) -> Option<Name> {
        Name::from_wire(self.qname?).ok()
    }

    /// Reads a frame whose CRC holds; none when a field is out of its range all the same (a later version, or a forged file).
    #[inline]
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Row<'a>> {
        let fixed: &[u8; FIXED] = bytes.get(HEAD..HEAD + FIXED)?.try_into().ok()?;
        let u16_at = |at| array(fixed, at).map(u16::from_le_bytes);
        let flags = u16_at(40)?;
        if flags & !ALL_FLAGS != 0 {
            return None;
        }
        let has = |flag: u16| flags & flag != 0;
        let (qname, rest) = bytes.get(HEAD + FIXED..)?.split_at_checked(fixed[54] as usize)?;
        let qname = match (has(QNAME), qname) {
            (false, []) => None,
            (true, wire) if is_name(wire) => Some(wire),
            (true, _) => return None,
            (false, _) => return None,
        };
        // All texts at once: what is UTF-8 as a whole, and begins each text with a character, is so in each.
        let mut rest = std::str::from_utf8(rest).ok()?;
        let mut texts = [""; TEXTS];
        for (i, text) in texts.iter_mut().enumerate() {
            (*text, rest) = rest.split_at_checked(u16_at(72 + 2 * i)? as usize)?;
        }
        if !rest.is_empty() {
            return None;
        }
        let [network_zone, host, user, category, list, rule, answer, upstream] = texts;
        let optional = |flag, text: &'a str| match (has(flag), text) {
            (true, text) => Some(Some(text)),
            (false, "") => Some(None),
            (false, _) => None,
        };
        let rule = match (codes::rule_kind(fixed[46])?, rule) {
            (RuleKind::None, "") => Rule::None,
            (RuleKind::Line, "") => Rule::Line { line: u32::from_le_bytes(array(fixed, 28)?), labels: fixed[47] },
            (RuleKind::Text, text) => Rule::Text(text),
            _ => return None,
        };
        let none_or = |code: u8| (code != 0).then_some(code);
        Some(Row {
            time: Moment(i64::from_le_bytes(array(fixed, 0)?)),
            client: if has(V6) {
                IpAddr::V6(Ipv6Addr::from(array::<16>(fixed, 56)?))
            } else {
                IpAddr::V4(Ipv4Addr::from(array::<4>(fixed, 56)?))
            },
            client_port: u16_at(34)?,
            transport: codes::transport(fixed[42])?,
            network_zone,
            generation: u64::from_le_bytes(array(fixed, 16)?),
            device: if has(MAC) { Some(Mac(array(fixed, 48)?)) } else { None },
            host: optional(HOST, host)?,
            user: optional(USER, user)?,
            via: match none_or(fixed[45]) {
                Some(code) => Some(codes::via(code)?),
                None => None,
            },
            as_of: if has(AS_OF) { Some(Moment(i64::from_le_bytes(array(fixed, 8)?))) } else { None },
            qname,
            qtype: u16_at(32)?,
            action: codes::action(fixed[43])?,
            category: optional(CATEGORY, category)?,
            list: optional(LIST, list)?,
            rule,
            rcode: if has(RCODE) { Some(u16_at(36)?) } else { None },
            ede: if has(EDE) { Some(u16_at(38)?) } else { None },
            answer,
            source: match none_or(fixed[44]) {
                Some(code) => Some(codes::source(code)?),
                None => None,
            },
            upstream: optional(UPSTREAM, upstream)?,
            duration_us: u32::from_le_bytes(array(fixed, 24)?),
        })
    }
}

#[cfg(test)]
mod tests;
