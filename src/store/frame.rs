//! A record as octets in a lane, and back.
//!
//! A frame is aligned to 8 octets, all numbers little-endian: length u32 (from the length's own first octet to the last of the frame, without
//! the padding behind), CRC-32 u32 (over everything from the sequence number on, started with the segment's salt), sequence number u64. Then
//! what is the record's own ([`Own`]), who asked and in what manner it was answered ([`pieces`]). The length is written last: a frame whose
//! length is zero is not there. What a record does not say takes no room, since a frame is written, checked, put on the medium and read again.

pub(crate) mod pieces;

use std::net::IpAddr;

use crate::dns::Name;
use crate::moment::Moment;
use crate::record::{Record, Rule};
use crate::store::frame::pieces::{Manner, Own, Subject};
use crate::subject::{Mac, Via};
use crate::verdict::{Action, Source, Transport};

/// Octets before what is the record's own: length, CRC, sequence number.
pub(crate) const HEAD: usize = 16;
/// Longest text kept, in octets. A longer one is cut at a character and ends in `…`, so that the cut shows.
pub const MAX_TEXT: usize = 4096;
/// Longest frame with its padding.
pub(crate) const MAX_FRAME: usize =
    (HEAD + pieces::MOST_OWN + pieces::MOST_SUBJECT + pieces::MOST_MANNER).next_multiple_of(8);
const CUT_MARK: &str = "…";

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

/// Octets of a text, and whether the cut mark follows.
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

    #[inline]
    fn write(self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.bytes);
        if self.cut {
            to.extend_from_slice(CUT_MARK.as_bytes());
        }
    }
}

/// Where a frame is put together: how many octets it needs is known before a place for it is. It is made once and used again.
#[derive(Debug)]
pub(crate) struct Draft {
    octets: Vec<u8>,
}

impl Draft {
    /// One that has room for every frame.
    pub(crate) fn new() -> Draft {
        Draft { octets: Vec::with_capacity(MAX_FRAME) }
    }

    /// Takes a record instead of the one before.
    #[inline]
    pub(crate) fn take(&mut self, record: &Record<'_>) {
        let octets = &mut self.octets;
        octets.clear();
        octets.resize(HEAD, 0);
        pieces::write(record, octets);
    }

    /// Octets the frame takes up, padding included.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.octets.len().next_multiple_of(8)
    }

    /// Writes everything but the length to `room` ([`Draft::room`] octets, zeroed) and gives the length, which the caller publishes.
    #[inline]
    pub(crate) fn write(&mut self, room: &mut [u8], seq: u64, salt: u32) -> u32 {
        self.octets[8..HEAD].copy_from_slice(&seq.to_le_bytes());
        let crc = checksum(&self.octets[8..], salt);
        self.octets[4..8].copy_from_slice(&crc.to_le_bytes());
        room[4..self.octets.len()].copy_from_slice(&self.octets[4..]);
        self.octets.len() as u32
    }
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
    (HEAD + pieces::FIXED..=MAX_FRAME).contains(&(length as usize))
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

impl<'a> Row<'a> {
    /// The name asked for.
    pub fn name(&self) -> Option<Name> {
        Name::from_wire(self.qname?).ok()
    }

    /// Reads a frame whose CRC holds; none when a field is out of its range all the same (a later version, or a forged file).
    #[inline]
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Row<'a>> {
        let (own, subject, manner) = pieces::take_apart(bytes)?;
        Row::of(&own, &Subject::read(subject)?, &Manner::read(manner)?)
    }

    /// Puts together what a record's pieces say.
    pub(crate) fn of(own: &Own<'a>, subject: &Subject<'a>, manner: &Manner<'a>) -> Option<Row<'a>> {
        Some(Row {
            time: own.time,
            client: subject.client,
            client_port: own.client_port,
            transport: manner.transport,
            network_zone: manner.network_zone,
            generation: manner.generation,
            device: subject.device,
            host: subject.host,
            user: subject.user,
            via: subject.via,
            as_of: subject.as_of,
            qname: manner.named.then_some(own.qname),
            qtype: manner.qtype,
            action: manner.action,
            category: manner.category,
            list: manner.list,
            rule: match manner.rule {
                Rule::Line { .. } => Rule::Line { line: own.line, labels: own.labels },
                rule => rule,
            },
            rcode: manner.rcode,
            ede: manner.ede,
            answer: std::str::from_utf8(own.answer).ok()?,
            source: manner.source,
            upstream: manner.upstream,
            duration_us: own.duration_us,
        })
    }
}

#[cfg(test)]
mod tests;
