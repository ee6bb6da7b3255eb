//! What a packet asks and what it must be answered, by a reader that has nothing of the code under test.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::client::over_udp;
use super::wire;

/// Types and codes by their number (RFC 1035, 1995, 6891).
const A: u16 = 1;
const AAAA: u16 = 28;
const OPT: u16 = 41;
const SOA: u16 = 6;
const IXFR: u16 = 251;
/// IXFR, AXFR, MAILB and MAILA: what a resolver does not do.
const NOT_DONE: std::ops::RangeInclusive<u16> = 251..=254;
const ANY: u16 = 255;
const FORMERR: u16 = 1;
const SERVFAIL: u16 = 2;
const NOTIMP: u16 = 4;
const REFUSED: u16 = 5;
const BADVERS: u16 = 16;

/// What a packet must be answered.
#[derive(Debug, PartialEq, Eq)]
struct Fate {
    /// What becomes of it, in a word.
    word: &'static str,
    /// The response code.
    rcode: u16,
    /// The first address of the answer.
    address: Option<IpAddr>,
    /// Whether the answer section holds that address and nothing else.
    alone: bool,
}

/// A packet as it reads.
enum Read<'a> {
    /// Of another opcode than QUERY.
    Other,
    /// No query by the book; with its question, where it has one.
    Broken(Option<Question<'a>>),
    /// Of an EDNS version that is not spoken here.
    Version(Question<'a>),
    /// One question.
    Query(Question<'a>),
}

struct Question<'a> {
    octets: &'a [u8],
    /// In lower case.
    labels: Vec<Vec<u8>>,
    qtype: u16,
    qclass: u16,
}

/// The octets that are left.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(length)?;
        self.0 = left;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().unwrap()))
    }

    /// The labels of a name; a pointer ends it, where there may be one.
    fn name(&mut self, pointers: bool) -> Option<Vec<Vec<u8>>> {
        let mut labels = Vec::new();
        loop {
            match self.take(1)?[0] {
                0 => return Some(labels),
                length @ 1..=63 => labels.push(self.take(usize::from(length))?.to_ascii_lowercase()),
                192.. if pointers => {
                    self.take(1)?;
                    return Some(labels);
                }
                _ => return None,
            }
        }
    }

    /// Type and content of a record, whether the root owns it, and the upper half of its TTL.
    fn record(&mut self) -> Option<(u16, &'a [u8], bool, [u8; 2])> {
        let is_root = self.0.first() == Some(&0);
        self.name(true)?;
        let (rtype, _class) = (self.number()?, self.number()?);
        let ttl = self.take(4)?;
        let length = self.number()?;
        Some((rtype, self.take(usize::from(length))?, is_root, [ttl[0], ttl[1]]))
    }
}

fn question<'a>(rest: &mut Rest<'a>) -> Option<Question<'a>> {
    let from = rest.0;
    let labels = rest.name(false)?;
    let (qtype, qclass) = (rest.number()?, rest.number()?);
    let octets = &from[..from.len() - rest.0.len()];
    (octets.len() <= 255 + 4).then_some(Question { octets, labels, qtype, qclass })
}

/// Reads a packet that has a header and is no response.
fn read(packet: &[u8]) -> Read<'_> {
    let mut rest = Rest(packet);
    let mut next = || rest.number().unwrap();
    let [_id, flags, questions, answers, authorities, additionals] = [next(), next(), next(), next(), next(), next()];
    if flags >> 11 & 15 != 0 {
        return Read::Other;
    }
    let Some(asked) = (questions == 1).then(|| question(&mut rest)).flatten() else { return Read::Broken(None) };
    match version(&mut rest, asked.qtype, [answers, authorities, additionals]) {
        None => Read::Broken(Some(asked)),
        Some(0) => Read::Query(asked),
        Some(_) => Read::Version(asked),
    }
}

/// The EDNS version of a query, 0 where it has none; none where what stands behind the question is wrong.
fn version(rest: &mut Rest<'_>, qtype: u16, [answers, authorities, additionals]: [u16; 3]) -> Option<u8> {
    match (answers, authorities) {
        (0, 0) => {}
        (0, 1) if qtype == IXFR && rest.record()?.0 == SOA => {}
        _ => return None,
    }
    let mut spoken = None;
    for _ in 0..additionals {
        let (rtype, content, is_root, [_, version]) = rest.record()?;
        if rtype == OPT {
            let mut options = Rest(content);
            while !options.0.is_empty() {
                options.number()?;
                let length = options.number()?;
                options.take(usize::from(length))?;
            }
            if !is_root || spoken.replace(version).is_some() {
                return None;
            }
        }
    }
    (rest.0.is_empty() && qtype != OPT).then_some(spoken.unwrap_or(0))
}

/// The fates of packets where `blocked.example` is denied, `home.example` is a local zone of one wildcard, and the upstream has one for the
/// root.
pub struct Fates {
    upstream: SocketAddr,
    /// What the upstream makes of a type, for the root and for any other name.
    theirs: HashMap<(bool, u16), (u16, Option<IpAddr>)>,
    /// How many packets met each fate.
    pub met: BTreeMap<&'static str, usize>,
}

impl Fates {
    /// None met yet; `upstream` is asked itself what it makes of a type.
    pub fn new(upstream: SocketAddr) -> Fates {
        Fates { upstream, theirs: HashMap::new(), met: BTreeMap::new() }
    }

    /// Whether `answer` is the one that `query` must have.
    pub fn check(&mut self, query: &[u8], answer: &[u8]) -> Result<(), String> {
        let told = wire::read(answer)?;
        let (fate, echoed) = match read(query) {
            Read::Other => (error("not implemented", NOTIMP), None),
            Read::Broken(question) => (error("malformed", FORMERR), question),
            Read::Version(question) => (error("of another version", BADVERS), Some(question)),
            Read::Query(question) => (self.fate(&question, query[2] & 1 != 0), Some(question)),
        };
        *self.met.entry(fate.word).or_default() += 1;
        // The id, QR, the opcode and RD as asked.
        if answer[..2] != query[..2] || answer[2] & 0xf9 != 0x80 | query[2] & 0x79 {
            return Err(format!("the header is not the query's: {fate:?}"));
        }
        let echo: &[u8] = echoed.as_ref().map_or(&[], |question| question.octets);
        if answer[4..6] != [0, u8::from(echoed.is_some())] || answer.get(12..12 + echo.len()) != Some(echo) {
            return Err(format!("the question is not echoed octet for octet: {fate:?}"));
        }
        // The upper bits of a code stand in the OPT record, which such an answer ends with (RFC 6891 section 6.1.3).
        let upper = if fate.rcode > 15 { answer.len().checked_sub(6).map_or(0, |at| answer[at]) } else { 0 };
        let rcode = u16::from(upper) << 4 | u16::from(told.rcode);
        let records = u16::from_be_bytes([answer[6], answer[7]]);
        let alone = !fate.alone || records == u16::from(fate.address.is_some());
        match (rcode, told.address) == (fate.rcode, fate.address) && alone {
            true => Ok(()),
            false => Err(format!("it must be {fate:?}, and is {rcode} {:?}, {records} records", told.address)),
        }
    }

    fn fate(&mut self, question: &Question<'_>, recursion: bool) -> Fate {
        let Question { labels, qtype, qclass, .. } = question;
        let below = |zone: &[&str]| {
            labels
                .len()
                .checked_sub(zone.len())
                .is_some_and(|at| labels[at..].iter().eq(zone.iter().map(|l| l.as_bytes())))
        };
        let of_type = |v4: [u8; 4], v6: Option<Ipv6Addr>| match *qtype {
            A => Some(IpAddr::from(Ipv4Addr::from(v4))),
            AAAA => v6.map(IpAddr::from),
            _ => None,
        };
        let found = |word, address| Fate { word, rcode: 0, address, alone: *qtype != ANY };
        if *qclass != 1 {
            return error("refused", REFUSED);
        }
        if below(&["blocked", "example"]) {
            return Fate { alone: true, ..found("blocked", of_type([0; 4], Some(Ipv6Addr::UNSPECIFIED))) };
        }
        if NOT_DONE.contains(qtype) {
            return error("refused", REFUSED);
        }
        if below(&["localhost"]) {
            return found("special", of_type([127, 0, 0, 1], Some(Ipv6Addr::LOCALHOST)));
        }
        if below(&["home", "example"]) {
            let address = match labels.as_slice() {
                [_, _] => None,
                [first, _, _] if first == b"ns" => of_type([192, 0, 2, 53], None),
                _ => of_type([192, 0, 2, 7], None),
            };
            return Fate { alone: address.is_some(), ..found("local", address) };
        }
        if !recursion {
            return error("refused", REFUSED);
        }
        let (rcode, address) = match *qtype {
            ANY => (0, None),
            _ => self.theirs(labels.is_empty(), *qtype),
        };
        Fate { word: "upstream", rcode, address, alone: address.is_some() }
    }

    /// What the upstream makes of a type; of its errors a client is told SERVFAIL.
    fn theirs(&mut self, is_root: bool, qtype: u16) -> (u16, Option<IpAddr>) {
        let upstream = self.upstream;
        *self.theirs.entry((is_root, qtype)).or_insert_with(|| {
            let query = wire::query(1, if is_root { "" } else { "fate.example" }, qtype);
            let answer = over_udp(&query, Ipv4Addr::LOCALHOST.into(), upstream).expect("the upstream answers");
            let told = wire::read(&answer).unwrap();
            match told.rcode {
                0 | 3 => (u16::from(told.rcode), told.address),
                _ => (SERVFAIL, None),
            }
        })
    }
}

fn error(word: &'static str, rcode: u16) -> Fate {
    Fate { word, rcode, address: None, alone: true }
}

#[test]
fn a_wrong_answer_to_a_packet_is_noticed() {
    let mut fates = Fates::new(SocketAddr::from(([127, 0, 0, 1], 9)));
    let query = wire::query(7, "wWw.blocked.example", A);
    let answered = |address: [u8; 4]| {
        let mut answer = [
            &query[..query.len() - 11],
            &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4],
            &address,
            &query[query.len() - 11..],
        ]
        .concat();
        (answer[2], answer[3], answer[7]) = (0x81, 0x80, 1);
        answer
    };
    assert_eq!(fates.check(&query, &answered([0; 4])), Ok(()));
    assert!(fates.check(&query, &answered([192, 0, 2, 1])).is_err(), "what is blocked is answered");
    let mut other = answered([0; 4]);
    other[13] ^= 0x20;
    assert!(fates.check(&query, &other).is_err(), "the case of the question is another");
    let mut refused = answered([0; 4]);
    refused[3] |= 5;
    assert!(fates.check(&query, &refused).is_err(), "another code");
    let mut update = query.clone();
    update[2] = 5 << 3;
    assert!(fates.check(&update, &answered([0; 4])).is_err(), "another opcode");
    assert_eq!(fates.met["blocked"], 4);
}
