//! An answer kept ready: a whole message in wire form, with the places that change from client to client known beforehand.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::dns::Name;
use crate::dns::answer::write_opt;
use crate::dns::ede::Ede;
use crate::dns::name::MAX_WIRE;
use crate::dns::soon;
use crate::dns::types::{class, rcode, rtype};
use crate::dns::view::{HEADER, View, skip_name};

/// Longest time an answer is kept, in seconds: one day (RFC 1035 leaves the bound to the resolver; RFC 8767 section 4 asks for one).
pub const MAX_TTL: u32 = 86_400;
/// Longest time a negative answer is kept, in seconds (RFC 2308 section 5 recommends one to three hours).
pub const MAX_NEGATIVE_TTL: u32 = 3_600;
/// The summary of an answer shows at most this many addresses.
const SHOWN_ADDRESSES: usize = 4;

/// A response message ready to be sent to anyone who asks its question.
///
/// It has no OPT record and its id is zero; both are the client's own. It holds an answer, never a verdict (Q6).
#[derive(Clone, Debug)]
pub struct Ready {
    /// The message, then its summary, then where its TTLs stand (u16 each), then the names it leads to in wire form: one piece of memory,
    /// so that an answer costs one wait for it.
    body: Box<[u8]>,
    summary_at: u32,
    ttls_at: u32,
    targets_at: u32,
    question: u16,
    rcode: u16,
    ttl: u32,
}

/// Why octets are not a message that can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is cut short or malformed")]
pub struct NotReady;

/// How a ready answer goes out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dress<'a> {
    /// Most octets the client takes.
    pub limit: usize,
    /// Whole seconds it has been kept.
    pub age: u32,
    /// The TTL of every record instead of what is left of its own, for an answer past its time (RFC 8767 section 4).
    pub stale_ttl: Option<u32>,
    /// The most any TTL may be, in seconds, where something bounds it: after that the name may be decided otherwise.
    pub most_ttl: Option<u32>,
    /// Whether it is authoritative.
    pub authoritative: bool,
    /// Whether it was validated.
    pub authentic: bool,
    /// An extended error to go with it.
    pub ede: Option<Ede<'a>>,
}

impl Ready {
    /// Takes a message in wire form: a response with one question and no OPT record. `rcode` is the whole response code.
    pub fn from_wire(wire: Vec<u8>, rcode: u16) -> Result<Ready, NotReady> {
        if wire.len() > u16::MAX as usize {
            return Err(NotReady);
        }
        let mut walk = Walk::new(&wire)?;
        let question = walk.at;
        let mut ttls = Vec::new();
        let name = Name::from_wire(&wire[HEADER..]).map_err(|_| NotReady)?;
        let mut seen = Seen::of(name);
        for section in 0..3 {
            for _ in 0..walk.count(section) {
                let record = walk.record()?;
                if record.rtype == rtype::OPT {
                    return Err(NotReady);
                }
                ttls.push(record.ttl_at as u16);
                seen.record(&wire, section, &record)?;
            }
        }
        if walk.at != wire.len() {
            return Err(NotReady);
        }
        let ttl = seen.ttl(rcode);
        // Exactly as long as it has to be: a vector that grew would have to be moved once more to become a box.
        let names = seen.targets.iter().map(Name::wire_len).sum::<usize>();
        let mut body = Vec::with_capacity(wire.len() + seen.summary.len() + 2 * ttls.len() + names);
        body.extend_from_slice(&wire);
        // As names are, so that it can be compared with one; each client gets its own question back.
        body[HEADER..question - 4].copy_from_slice(name.as_wire());
        let summary_at = body.len() as u32;
        body.extend_from_slice(seen.summary.as_bytes());
        let ttls_at = body.len() as u32;
        ttls.iter().for_each(|place| body.extend_from_slice(&place.to_le_bytes()));
        let targets_at = body.len() as u32;
        seen.targets.iter().for_each(|name| body.extend_from_slice(name.as_wire()));
        Ok(Ready { body: body.into(), summary_at, ttls_at, targets_at, question: question as u16, rcode, ttl })
    }

    /// Response code, extended ones included.
    pub fn rcode(&self) -> u16 {
        self.rcode
    }

    /// Whether who gave it vouches for it (RFC 1035 section 4.1.1: AA); a referral is nobody's word.
    pub fn is_authoritative(&self) -> bool {
        self.wire()[2] & 0x04 != 0
    }

    /// Whether there is a record in its answer section.
    pub fn has_answers(&self) -> bool {
        self.wire()[6..8] != [0, 0]
    }

    /// How long it may be kept, in seconds: the least TTL of its answer, or the negative TTL of RFC 2308 section 5; zero when it may not.
    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    #[inline]
    fn wire(&self) -> &[u8] {
        &self.body[..self.summary_at as usize]
    }

    /// The names the answer leads to: aliases, service targets, owners of records for other names. Policy judges them too.
    pub fn targets(&self) -> impl Iterator<Item = Name> + '_ {
        let mut rest = &self.body[self.targets_at as usize..];
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let name = Name::from_wire(rest).ok()?;
            rest = &rest[name.wire_len()..];
            Some(name)
        })
    }

    /// Whether it leads to other names.
    #[inline]
    pub fn has_targets(&self) -> bool {
        (self.targets_at as usize) < self.body.len()
    }

    /// First addresses or target, for the record.
    pub fn summary(&self) -> &str {
        std::str::from_utf8(&self.body[self.summary_at as usize..self.ttls_at as usize]).unwrap_or_default()
    }

    /// How many octets it takes in memory, for the cache's bound.
    pub fn weight(&self) -> usize {
        size_of::<Ready>() + self.body.len()
    }

    /// Asks for the memory it will be answered from. It only saves time.
    #[inline]
    pub fn will_read(&self) {
        soon::will_read(&self.body);
        soon::will_read(self.body.get(64..).unwrap_or_default());
    }

    /// Writes it for one client: id, flags and question are the client's, TTLs counted down. One that does not fit goes out empty
    /// and marked as truncated (RFC 2181 section 9). Gives the length. `out` has at least `LEAST_BUFFER` octets.
    pub fn write(&self, view: &View<'_>, out: &mut [u8], dress: &Dress<'_>) -> usize {
        debug_assert!(self.answers(view), "an answer is looked up by its question");
        let limit = dress.limit.min(out.len());
        let opt = if view.edns.is_some() { 11 } else { 0 };
        let question_end = self.question as usize;
        let wire = self.wire();
        let truncated = wire.len() + opt > limit;
        let body = if truncated { question_end } else { wire.len() };
        let out = &mut out[..limit];
        out[..body].copy_from_slice(&wire[..body]);
        out[0..2].copy_from_slice(&view.id.to_be_bytes());
        out[2] = 0x80 | (dress.authoritative as u8) << 2 | (truncated as u8) << 1 | view.recursion_desired as u8;
        // AD only for a client that asked for it, by the bit or by DO (RFC 6840 section 5.8).
        let authentic = dress.authentic && (view.authentic_data || view.dnssec_ok());
        out[3] = 0x80 | (authentic as u8) << 5 | (view.checking_disabled as u8) << 4 | (self.rcode & 0x0f) as u8;
        out[HEADER..question_end].copy_from_slice(view.question);
        if truncated {
            out[6..HEADER].fill(0);
        } else {
            self.count_down(out, dress);
        }
        match view.edns {
            Some(edns) => {
                let arcount = u16::from_be_bytes([out[10], out[11]]) + 1;
                out[10..12].copy_from_slice(&arcount.to_be_bytes());
                write_opt(out, body, self.rcode, edns.dnssec_ok, dress.ede)
            }
            None => body,
        }
    }

    fn count_down(&self, out: &mut [u8], dress: &Dress<'_>) {
        if dress.age == 0 && dress.stale_ttl.is_none() && dress.most_ttl.is_none() {
            return;
        }
        let most = dress.most_ttl.unwrap_or(u32::MAX);
        let (places, _) = self.body[self.ttls_at as usize..self.targets_at as usize].as_chunks::<2>();
        for at in places {
            let at = u16::from_le_bytes(*at) as usize;
            let place = &mut out[at..at + 4];
            let left = match dress.stale_ttl {
                Some(ttl) => ttl,
                None => u32::from_be_bytes([place[0], place[1], place[2], place[3]]).saturating_sub(dress.age),
            };
            place.copy_from_slice(&left.min(most).to_be_bytes());
        }
    }

    /// Whether it answers the question of `view`: the same name (whatever its case), type and class.
    pub fn answers(&self, view: &View<'_>) -> bool {
        view.qclass == class::IN && self.is_for(&view.name, view.qtype)
    }

    /// Whether it answers the question for `name` and `qtype` in class IN.
    #[inline]
    pub fn is_for(&self, name: &Name, qtype: u16) -> bool {
        let end = self.question as usize;
        let [high, low] = qtype.to_be_bytes();
        self.body[end - 4..end] == [high, low, 0, 1] && self.body[HEADER..end - 4] == *name.as_wire()
    }

    /// The records of answer and authority section with uncompressed names, to be put behind an alias.
    pub fn loose(&self) -> Result<[Vec<Loose>; 2], NotReady> {
        let mut walk = Walk::new(self.wire())?;
        let mut sections = [Vec::new(), Vec::new()];
        for (number, section) in sections.iter_mut().enumerate() {
            for _ in 0..walk.count(number) {
                let record = walk.record()?;
                let (owner, _) = expand(self.wire(), record.owner).ok_or(NotReady)?;
                let rdata = loosen(self.wire(), &record).ok_or(NotReady)?;
                section.push(Loose { owner, rtype: record.rtype, class: record.class, ttl: record.ttl, rdata });
            }
        }
        Ok(sections)
    }
}

/// A record free of its message.
#[derive(Clone, Debug)]
pub struct Loose {
    /// Its owner.
    pub owner: Name,
    /// Its type.
    pub rtype: u16,
    /// Its class.
    pub class: u16,
    /// Its TTL in seconds.
    pub ttl: u32,
    /// Its RDATA, names in it uncompressed.
    pub rdata: Vec<u8>,
}

/// What is gathered while the records are walked.
struct Seen {
    name: Name,
    least: Option<u32>,
    negative: Option<u32>,
    targets: Vec<Name>,
    addresses: usize,
    summary: String,
    pointer: Option<Name>,
}

impl Seen {
    fn of(name: Name) -> Seen {
        let (targets, summary) = (Vec::new(), String::new());
        Seen { name, least: None, negative: None, targets, addresses: 0, summary, pointer: None }
    }

    fn record(&mut self, wire: &[u8], section: usize, record: &Found) -> Result<(), NotReady> {
        let rdata = &wire[record.rdata..record.end];
        match (section, record.rtype) {
            (0, kind) => {
                self.least = Some(self.least.map_or(record.ttl, |least| least.min(record.ttl)));
                // A record of another name than was asked for is either at the end of an alias, or slipped in: both are judged.
                let (owner, _) = expand(wire, record.owner).ok_or(NotReady)?;
                if owner != self.name && !self.targets.contains(&owner) {
                    self.targets.push(owner);
                }
                self.answer(wire, kind, record, rdata)?;
            }
            (1, rtype::SOA) => {
                let minimum = rdata.last_chunk::<4>().ok_or(NotReady)?;
                self.negative = Some(record.ttl.min(u32::from_be_bytes(*minimum)));
            }
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, wire: &[u8], kind: u16, record: &Found, rdata: &[u8]) -> Result<(), NotReady> {
        match kind {
            rtype::A => {
                let octets: [u8; 4] = rdata.try_into().map_err(|_| NotReady)?;
                self.address(Ipv4Addr::from(octets));
            }
            rtype::AAAA => {
                let octets: [u8; 16] = rdata.try_into().map_err(|_| NotReady)?;
                self.address(Ipv6Addr::from(octets));
            }
            rtype::CNAME => self.target(wire, record.rdata, true)?,
            rtype::SVCB | rtype::HTTPS => self.target(wire, record.rdata + 2, true)?,
            rtype::MX => self.target(wire, record.rdata + 2, false)?,
            rtype::SRV => self.target(wire, record.rdata + 6, false)?,
            rtype::NS | rtype::PTR => self.target(wire, record.rdata, false)?,
            _ => {}
        }
        Ok(())
    }

    fn address(&mut self, address: impl std::fmt::Display) {
        self.addresses += 1;
        if self.addresses <= SHOWN_ADDRESSES {
            let comma = if self.summary.is_empty() { "" } else { "," };
            let _ = write!(self.summary, "{comma}{address}");
        }
    }

    fn target(&mut self, wire: &[u8], at: usize, judged: bool) -> Result<(), NotReady> {
        let (target, _) = expand(wire, at).ok_or(NotReady)?;
        if self.pointer.is_none() && !target.is_root() {
            self.pointer = Some(target);
        }
        // A service record that points to itself has the root as its target (RFC 9460 section 2.5).
        if judged && !target.is_root() && !self.targets.contains(&target) {
            self.targets.push(target);
        }
        Ok(())
    }

    fn ttl(&mut self, code: u16) -> u32 {
        if self.summary.is_empty()
            && let Some(pointer) = self.pointer
        {
            self.summary = pointer.to_string();
        }
        match (code, self.least) {
            (rcode::NOERROR, Some(least)) if self.negative.is_none() => least.min(MAX_TTL),
            // An alias that ends in nothing is as short-lived as the nothing (RFC 2308 section 2.1).
            (rcode::NOERROR | rcode::NXDOMAIN, least) => {
                let negative = self.negative.unwrap_or(0).min(MAX_NEGATIVE_TTL);
                negative.min(least.unwrap_or(negative))
            }
            _ => 0,
        }
    }
}

/// Where one record stands in its message.
struct Found {
    owner: usize,
    rtype: u16,
    class: u16,
    ttl: u32,
    ttl_at: usize,
    rdata: usize,
    end: usize,
}

/// A walk over a message, section by section.
struct Walk<'a> {
    wire: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn new(wire: &'a [u8]) -> Result<Walk<'a>, NotReady> {
        if wire.len() < HEADER || wire[4..6] != [0, 1] {
            return Err(NotReady);
        }
        let name = Name::from_wire(&wire[HEADER..]).map_err(|_| NotReady)?;
        let at = HEADER + name.wire_len() + 4;
        if at > wire.len() {
            return Err(NotReady);
        }
        Ok(Walk { wire, at })
    }

    fn count(&self, section: usize) -> u16 {
        u16::from_be_bytes([self.wire[6 + 2 * section], self.wire[7 + 2 * section]])
    }

    fn record(&mut self) -> Result<Found, NotReady> {
        let owner = self.at;
        let fixed_at = skip_name(self.wire, owner).ok_or(NotReady)?;
        let fixed: &[u8; 10] = self.wire.get(fixed_at..).and_then(|rest| rest.first_chunk()).ok_or(NotReady)?;
        let rdata = fixed_at + 10;
        let end = rdata + u16::from_be_bytes([fixed[8], fixed[9]]) as usize;
        if end > self.wire.len() {
            return Err(NotReady);
        }
        self.at = end;
        Ok(Found {
            owner,
            rtype: u16::from_be_bytes([fixed[0], fixed[1]]),
            class: u16::from_be_bytes([fixed[2], fixed[3]]),
            // A TTL with the highest bit set counts as zero (RFC 2181 section 8).
            ttl: match u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]) {
                ttl if ttl > i32::MAX as u32 => 0,
                ttl => ttl,
            },
            ttl_at: fixed_at + 4,
            rdata,
            end,
        })
    }
}

/// The name at `at`, followed through its pointers, and the place behind it. Pointers only lead back, so this ends.
pub(crate) fn expand(wire: &[u8], at: usize) -> Option<(Name, usize)> {
    let mut whole = [0u8; MAX_WIRE];
    let (mut length, mut from, mut behind, mut bound) = (0usize, at, None, at);
    loop {
        match *wire.get(from)? {
            0 => {
                whole[length] = 0;
                let name = Name::from_wire(&whole[..length + 1]).ok()?;
                return Some((name, behind.unwrap_or(from + 1)));
            }
            size @ 1..=63 => {
                let label = wire.get(from..from + 1 + size as usize)?;
                if length + label.len() >= MAX_WIRE {
                    return None;
                }
                whole[length..length + label.len()].copy_from_slice(label);
                length += label.len();
                from += label.len();
            }
            high @ 0xc0.. => {
                let low = *wire.get(from + 1)?;
                behind = behind.or(Some(from + 2));
                from = (high as usize & 0x3f) << 8 | low as usize;
                if from >= bound {
                    return None;
                }
                bound = from;
            }
            _ => return None,
        }
    }
}

/// RDATA with the names in it uncompressed. Only the types of RFC 1035 may compress (RFC 3597 section 4).
fn loosen(wire: &[u8], record: &Found) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (lead, names) = match record.rtype {
        rtype::CNAME | rtype::NS | rtype::PTR | rtype::DNAME => (0, 1),
        rtype::MX => (2, 1),
        rtype::SRV => (6, 1),
        rtype::SOA => (0, 2),
        _ => (0, 0),
    };
    let mut at = record.rdata;
    out.extend_from_slice(wire.get(at..at + lead)?);
    at += lead;
    for _ in 0..names {
        let (name, behind) = expand(wire, at)?;
        out.extend_from_slice(name.as_wire());
        at = behind;
    }
    out.extend_from_slice(wire.get(at..record.end)?);
    Some(out)
}

/// Puts together a message of one question and the loose records of answer and authority section, uncompressed but for owners that are
/// the question's own name.
pub fn assemble(name: &Name, qtype: u16, code: u16, [answers, authorities]: &[Vec<Loose>; 2]) -> Vec<u8> {
    let mut wire = vec![0u8; HEADER];
    wire[2] = 0x80;
    wire[3] = (code & 0x0f) as u8;
    wire[5] = 1;
    wire[6..8].copy_from_slice(&(answers.len() as u16).to_be_bytes());
    wire[8..10].copy_from_slice(&(authorities.len() as u16).to_be_bytes());
    wire.extend_from_slice(name.as_wire());
    wire.extend_from_slice(&qtype.to_be_bytes());
    wire.extend_from_slice(&[0, 1]);
    for record in answers.iter().chain(authorities) {
        if record.owner == *name {
            wire.extend_from_slice(&[0xc0, HEADER as u8]);
        } else {
            wire.extend_from_slice(record.owner.as_wire());
        }
        wire.extend_from_slice(&record.rtype.to_be_bytes());
        wire.extend_from_slice(&record.class.to_be_bytes());
        wire.extend_from_slice(&record.ttl.to_be_bytes());
        wire.extend_from_slice(&(record.rdata.len() as u16).to_be_bytes());
        wire.extend_from_slice(&record.rdata);
    }
    wire
}

#[cfg(test)]
mod tests;
