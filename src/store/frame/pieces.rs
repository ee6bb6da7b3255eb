//! A frame in pieces: what is the record's own, who asked, and in what manner it was answered.
//!
//! The last two come again and again, whatever name was asked for. Each lies in one piece, so that it can be told to be the same without
//! being read, and a seal reads each of them once. What a piece does not say it has no octets for; lengths and most numbers are small and take
//! one octet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::dns::Name;
use crate::dns::name::{MAX_LABEL, MAX_WIRE};
use crate::moment::Moment;
use crate::record::codes::{self, RuleKind};
use crate::record::{Record, Rule};
use crate::store::frame::{HEAD, MAX_TEXT, Text};
use crate::subject::{Mac, Via};
use crate::varint;
use crate::verdict::{Action, Source, Transport};

/// What other records seldom say: 24 octets, the name, the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Own<'a> {
    /// When the query arrived.
    pub(crate) time: Moment,
    /// Sequence number.
    pub(crate) seq: u64,
    /// Source port.
    pub(crate) client_port: u16,
    /// From arrival to closing, in microseconds.
    pub(crate) duration_us: u32,
    /// The name asked for, in wire form; empty where there is none.
    pub(crate) qname: &'a [u8],
    /// Where a line of a list spoke: which one.
    pub(crate) line: u32,
    /// And how many labels of the name it covers.
    pub(crate) labels: u8,
    /// What was answered, a text; empty where there is nothing of the kind.
    pub(crate) answer: &'a [u8],
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Subject<'a> {
    /// Source address; never an IPv4-mapped one.
    pub(crate) client: IpAddr,
    /// Link-layer address of the device.
    pub(crate) device: Option<Mac>,
    /// Host name of the device.
    pub(crate) host: Option<&'a str>,
    /// The user; never one of a shared device.
    pub(crate) user: Option<&'a str>,
    /// How the subject was known.
    pub(crate) via: Option<Via>,
    /// Since when it was so.
    pub(crate) as_of: Option<Moment>,
}

/// In what manner it was answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Manner<'a> {
    /// Whether there was a readable question.
    pub(crate) named: bool,
    /// How it came.
    pub(crate) transport: Transport,
    /// Name of the network zone.
    pub(crate) network_zone: &'a str,
    /// Generation of the snapshot it was decided by.
    pub(crate) generation: u64,
    /// The type asked for.
    pub(crate) qtype: u16,
    /// What happened.
    pub(crate) action: Action,
    /// Category that spoke.
    pub(crate) category: Option<&'a str>,
    /// List that spoke.
    pub(crate) list: Option<&'a str>,
    /// Rule that spoke; of a line only that it was one.
    pub(crate) rule: Rule<'a>,
    /// Response code sent.
    pub(crate) rcode: Option<u16>,
    /// Extended error sent.
    pub(crate) ede: Option<u16>,
    /// Where the answer came from.
    pub(crate) source: Option<Source>,
    /// Upstream that answered or failed.
    pub(crate) upstream: Option<&'a str>,
}

/// Octets of a record's own before name and answer.
pub(crate) const FIXED: usize = 24;
/// Most octets of a record's own.
pub(crate) const MOST_OWN: usize = FIXED + MAX_WIRE + MAX_TEXT;
/// Most octets of who asked.
pub(crate) const MOST_SUBJECT: usize = 2 + 16 + 6 + 8 + 2 * MOST_OF_TEXT;
/// Most octets of the manner.
pub(crate) const MOST_MANNER: usize = 5 + 10 + 3 * 3 + 5 * MOST_OF_TEXT;
/// Most octets of a text with its length before it.
const MOST_OF_TEXT: usize = 2 + MAX_TEXT;

// Flags of a subject.
const V6: u8 = 1;
const MAC: u8 = 1 << 1;
const HOST: u8 = 1 << 2;
const USER: u8 = 1 << 3;
const AS_OF: u8 = 1 << 4;
const ALL_OF_SUBJECT: u8 = (1 << 5) - 1;

// Flags of a manner.
const QNAME: u8 = 1;
const RCODE: u8 = 1 << 1;
const EDE: u8 = 1 << 2;
const CATEGORY: u8 = 1 << 3;
const LIST: u8 = 1 << 4;
const UPSTREAM: u8 = 1 << 5;
const ALL_OF_MANNER: u8 = (1 << 6) - 1;

/// Appends a record behind the head of its frame.
#[inline]
pub(crate) fn write(record: &Record<'_>, to: &mut Vec<u8>) {
    let start = to.len();
    let qname = record.qname.map_or(&[][..], Name::as_wire);
    let answer = Text::of(record.answer);
    let (line, labels) = match record.rule {
        Rule::Line { line, labels } => (line, labels),
        Rule::None | Rule::Text(_) => (0, 0),
    };
    to.resize(start + FIXED, 0);
    to.extend_from_slice(qname);
    answer.write(to);
    let before = to.len();
    write_subject(record, to);
    let subject = to.len() - before;
    write_manner(record, to);
    // A word at a time: see `own` for what lies where.
    let lengths = answer.len() as u64 | (subject as u64) << 16 | u64::from(labels) << 32 | (qname.len() as u64) << 40;
    let fixed: [u64; FIXED / 8] = [
        record.time.micros() as u64,
        u64::from(line) << 32 | u64::from(record.duration_us),
        u64::from(record.client.port()) << 48 | lengths,
    ];
    to[start..start + FIXED].copy_from_slice(fixed.map(u64::to_le_bytes).as_flattened());
}

#[inline]
fn write_subject(record: &Record<'_>, to: &mut Vec<u8>) {
    let flag = |flag: u8, is: bool| if is { flag } else { 0 };
    let known = record.subject.known.as_deref();
    let client = record.client.ip().to_canonical();
    let Some(known) = known else {
        to.extend_from_slice(&[flag(V6, client.is_ipv6()), 0]);
        return write_address(client, to);
    };
    let (mac, host, user) = (known.device.mac, record.subject.host(), record.subject.user());
    let flags = flag(V6, client.is_ipv6())
        | flag(MAC, mac.is_some())
        | flag(HOST, host.is_some())
        | flag(USER, user.is_some())
        | flag(AS_OF, known.as_of.is_some());
    to.extend_from_slice(&[flags, codes::of_via(known.via)]);
    write_address(client, to);
    if let Some(mac) = mac {
        to.extend_from_slice(&mac.0);
    }
    if let Some(as_of) = known.as_of {
        to.extend_from_slice(&as_of.micros().to_le_bytes());
    }
    [host, user].into_iter().flatten().for_each(|text| write_text(text, to));
}

#[inline]
fn write_address(address: IpAddr, to: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => to.extend_from_slice(&address.octets()),
        IpAddr::V6(address) => to.extend_from_slice(&address.octets()),
    }
}

#[inline]
fn write_manner(record: &Record<'_>, to: &mut Vec<u8>) {
    let flag = |flag: u8, is: bool| if is { flag } else { 0 };
    let flags = flag(QNAME, record.qname.is_some())
        | flag(RCODE, record.rcode.is_some())
        | flag(EDE, record.ede.is_some())
        | flag(CATEGORY, record.category.is_some())
        | flag(LIST, record.list.is_some())
        | flag(UPSTREAM, record.upstream.is_some());
    to.extend_from_slice(&[
        flags,
        codes::of_transport(record.transport),
        codes::of_action(record.action),
        record.source.map_or(0, codes::of_source),
        codes::of_rule_kind(RuleKind::of(&record.rule)),
    ]);
    varint::write(record.generation, to);
    varint::write(record.qtype.into(), to);
    [record.rcode, record.ede].into_iter().flatten().for_each(|code| varint::write(code.into(), to));
    write_text(record.network_zone, to);
    let rule = match record.rule {
        Rule::Text(text) => Some(text),
        Rule::None | Rule::Line { .. } => None,
    };
    [record.category, record.list, rule, record.upstream].into_iter().flatten().for_each(|text| write_text(text, to));
}

#[inline]
fn write_text(text: &str, to: &mut Vec<u8>) {
    let text = Text::of(text);
    varint::write(text.len() as u64, to);
    text.write(to);
}

/// What is a frame's own, and what is behind it; none when it is not that long.
#[inline]
fn split(frame: &[u8]) -> Option<(Own<'_>, usize, &[u8])> {
    let (fixed, tail) = frame.split_first_chunk::<{ HEAD + FIXED }>()?;
    let (words, _) = fixed.as_chunks::<8>();
    let word = |at: usize| u64::from_le_bytes(words[at]);
    let (line, lengths) = (word(3), word(4));
    let (qname, tail) = tail.split_at_checked((lengths >> 40) as usize & 0xff)?;
    let (answer, tail) = tail.split_at_checked(lengths as usize & 0xffff)?;
    let own = Own {
        time: Moment(word(2) as i64),
        seq: word(1),
        client_port: (lengths >> 48) as u16,
        duration_us: line as u32,
        qname,
        line: (line >> 32) as u32,
        labels: (lengths >> 32) as u8,
        answer,
    };
    Some((own, (lengths >> 16) as usize & 0xffff, tail))
}

/// What is a frame's own, of one that was taken apart before.
#[inline]
pub(crate) fn own(frame: &[u8]) -> Option<Own<'_>> {
    split(frame).map(|(own, ..)| own)
}

/// Gives what is a frame's own, who asked, and in what manner it was answered. None when it is no frame; one it is when the two can be read
/// and the answer is a text as well.
#[inline]
pub(crate) fn take_apart(frame: &[u8]) -> Option<(Own<'_>, &[u8], &[u8])> {
    let (own, subject, tail) = split(frame)?;
    let (subject, manner) = tail.split_at_checked(subject)?;
    let named = manner.first()? & QNAME != 0;
    (named != own.qname.is_empty() && (!named || is_name(own.qname))).then_some((own, subject, manner))
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

/// Octets that are read from the front.
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn some(&mut self, count: usize) -> Option<&'a [u8]> {
        let (some, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(some)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.some(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        let (number, rest) = varint::read(self.0)?;
        self.0 = rest;
        Some(number)
    }

    fn short(&mut self) -> Option<u16> {
        self.number()?.try_into().ok()
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.some(length)?).ok()
    }

    /// What `read` reads where it is there; the outer one is none when it cannot be read.
    fn where_there<T>(&mut self, there: bool, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if there { read(self).map(Some) } else { Some(None) }
    }
}

/// What a code that is none for 0 stands for; the outer one is none when it stands for nothing.
fn none_or<T>(code: u8, of: fn(u8) -> Option<T>) -> Option<Option<T>> {
    if code == 0 { Some(None) } else { of(code).map(Some) }
}

impl<'a> Subject<'a> {
    /// Reads who asked; none when it is not to be read, or there is more.
    pub(crate) fn read(piece: &'a [u8]) -> Option<Subject<'a>> {
        let mut octets = Octets(piece);
        let [flags, via] = octets.array()?;
        let has = |flag: u8| flags & flag != 0;
        let subject = Subject {
            client: match has(V6) {
                true => IpAddr::V6(Ipv6Addr::from(octets.array::<16>()?)),
                false => IpAddr::V4(Ipv4Addr::from(octets.array::<4>()?)),
            },
            via: none_or(via, codes::via)?,
            device: octets.where_there(has(MAC), |octets| octets.array().map(Mac))?,
            as_of: octets
                .where_there(has(AS_OF), |octets| octets.array().map(|micros| Moment(i64::from_le_bytes(micros))))?,
            host: octets.where_there(has(HOST), Octets::text)?,
            user: octets.where_there(has(USER), Octets::text)?,
        };
        (flags & !ALL_OF_SUBJECT == 0 && octets.0.is_empty()).then_some(subject)
    }
}

impl<'a> Manner<'a> {
    /// Reads in what manner it was answered; none when it is not to be read, or there is more.
    pub(crate) fn read(piece: &'a [u8]) -> Option<Manner<'a>> {
        let mut octets = Octets(piece);
        let [flags, transport, action, source, rule] = octets.array()?;
        let has = |flag: u8| flags & flag != 0;
        let kind = codes::rule_kind(rule)?;
        let manner = Manner {
            named: has(QNAME),
            transport: codes::transport(transport)?,
            action: codes::action(action)?,
            source: none_or(source, codes::source)?,
            generation: octets.number()?,
            qtype: octets.short()?,
            rcode: octets.where_there(has(RCODE), Octets::short)?,
            ede: octets.where_there(has(EDE), Octets::short)?,
            network_zone: octets.text()?,
            category: octets.where_there(has(CATEGORY), Octets::text)?,
            list: octets.where_there(has(LIST), Octets::text)?,
            rule: match kind {
                RuleKind::None => Rule::None,
                RuleKind::Line => Rule::Line { line: 0, labels: 0 },
                RuleKind::Text => Rule::Text(octets.text()?),
            },
            upstream: octets.where_there(has(UPSTREAM), Octets::text)?,
        };
        (flags & !ALL_OF_MANNER == 0 && octets.0.is_empty()).then_some(manner)
    }
}
