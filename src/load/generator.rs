//! One thread of load: connected sockets, many packets a call, every answer checked.
//!
//! It never rests while a measurement runs: a server that had to wake it would pay for that. On a machine of one core it gives way when
//! there is nothing to do.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::answer::{Expected, is_right};
use super::calls::{self, Batch, ROOM, passes};
use super::histogram::Histogram;
use super::names::Dice;
use super::work::Work;

/// Sockets of a generator, each from an address of its own: so many clients.
pub const LINKS: usize = 32;
/// Queries of a socket that may be awaited.
const SLOTS: usize = 2048;
/// Queries that are sent together at most.
const TOGETHER: usize = 32;
/// After so long an answer is lost.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// Octets of socket buffer that are asked for.
pub const BUFFER: usize = 4 << 20;

/// When queries are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many are awaited at any time: the next is sent when one is answered.
    Outstanding(usize),
    /// As many are awaited, each on a port of its own, as clients do that take a fresh one for each query. Of other paces several queries come from
    /// one port at a time, as from a server in front of this one.
    Apart(usize),
    /// So many a second, each at its own moment whatever comes of the others (Poisson arrivals). A query's time is counted from the moment
    /// it should have been sent.
    Rate(f64),
}

impl Pace {
    /// How many sockets it takes.
    fn links(self) -> usize {
        if let Pace::Apart(all) = self { all.max(1) } else { LINKS }
    }
}

/// Which part of a measurement it is.
#[derive(Debug, Default)]
pub struct Phase(AtomicU8);

impl Phase {
    /// Answers are not counted yet.
    pub const WARMING: u8 = 0;
    /// Answers are counted.
    pub const COUNTING: u8 = 1;
    /// Nothing more is sent; what is awaited may still come.
    pub const ENDING: u8 = 2;

    /// Begins a part.
    pub fn begin(&self, part: u8) {
        self.0.store(part, Ordering::Release);
    }

    fn now(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

/// What came of the queries.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How long each answer took.
    pub took: Histogram,
    /// Queries that were not answered within [`PATIENCE`].
    pub lost: u64,
    /// Answers that are not what the query has to be answered, also while warming.
    pub wrong: u64,
    /// The first wrong one, in words.
    pub first_wrong: Option<String>,
    /// Packets that answer nothing that is awaited.
    pub stray: u64,
    /// The longest time a query was sent after its moment, in nanoseconds: how far this generator itself was behind.
    pub late: u64,
}

impl Tally {
    /// Adds another generator's.
    pub fn merge(&mut self, other: Tally) {
        self.took.merge(&other.took);
        self.lost += other.lost;
        self.wrong += other.wrong;
        self.first_wrong = self.first_wrong.take().or(other.first_wrong);
        self.stray += other.stray;
        self.late = self.late.max(other.late);
    }
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// When it was sent, or should have been; 0: the slot is free.
    since: u64,
    query: u32,
    id: u16,
}

struct Link {
    socket: UdpSocket,
    slots: Box<[Slot]>,
    next: u16,
    oldest: u16,
    awaited: usize,
}

/// One thread of load.
pub struct Generator<'w> {
    work: &'w Work,
    pace: Pace,
    echo: bool,
    links: Vec<Link>,
    next: usize,
    begun: Instant,
    dice: Dice,
    awaited: usize,
    sent: u64,
    tally: Tally,
    gives_way: bool,
}

impl<'w> Generator<'w> {
    /// A generator for a server on this machine; generators of one measurement have different numbers. `echo`: a bare echo is asked.
    pub fn new(
        work: &'w Work,
        pace: Pace,
        to: SocketAddr,
        number: usize,
        echo: bool,
        gives_way: bool,
    ) -> io::Result<Generator<'w>> {
        if !to.ip().is_loopback() || work.is_empty() {
            return Err(io::Error::other(format!("{to} is not on this machine, or there is nothing to ask")));
        }
        let links = (0..pace.links()).map(|at| {
            let from = Ipv4Addr::new(127, 77, number as u8, 1 + (at % LINKS) as u8);
            let socket = UdpSocket::bind((from, 0))?;
            socket.connect(to)?;
            calls::buffers(&socket, BUFFER)?;
            let first = (at * 977) as u16;
            Ok(Link { socket, slots: vec![Slot::default(); SLOTS].into(), next: first, oldest: first, awaited: 0 })
        });
        Ok(Generator {
            work,
            pace,
            echo,
            links: links.collect::<io::Result<_>>()?,
            next: work.len() / 7 * number % work.len(),
            begun: Instant::now(),
            dice: Dice::new(99 + number as u64),
            awaited: 0,
            sent: 0,
            tally: Tally::default(),
            gives_way,
        })
    }

    /// Asks until the phase is [`Phase::ENDING`], or `most` queries were sent, and what is awaited has come or is lost. `answered` grows
    /// with each answer.
    pub fn run(mut self, most: u64, phase: &Phase, answered: &AtomicU64) -> io::Result<Tally> {
        let mut batch = Batch::default();
        let (mut part, mut due, mut looked) = (phase.now(), 0.0, 0);
        let patience = PATIENCE.as_nanos() as u64;
        loop {
            let now = phase.now();
            if part == Phase::WARMING && now != part {
                self.tally =
                    Tally { wrong: self.tally.wrong, first_wrong: self.tally.first_wrong.take(), ..Tally::default() };
            }
            part = now;
            let ending = part == Phase::ENDING || self.sent >= most;
            if ending && self.awaited == 0 {
                return Ok(self.tally);
            }
            let mut idle = true;
            for at in 0..self.links.len() {
                if !ending {
                    idle &= match self.pace {
                        Pace::Outstanding(all) | Pace::Apart(all) => self.fill(at, all, most, &mut batch)? == 0,
                        Pace::Rate(rate) => self.send_due(at, rate, &mut due, &mut batch)? == 0,
                    };
                }
                let got = self.take(at, &mut batch)?;
                answered.fetch_add(got, Ordering::Release);
                idle &= got == 0;
            }
            let now = self.now();
            if now - looked > patience / 8 {
                looked = now;
                self.give_up(now.saturating_sub(patience));
            }
            if idle && self.gives_way {
                std::thread::yield_now();
            }
        }
    }

    /// Nanoseconds since it was made, at least 1.
    fn now(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64 + 1
    }

    /// Sends as many as there is room for.
    fn fill(&mut self, at: usize, all: usize, most: u64, batch: &mut Batch) -> io::Result<usize> {
        let room = (all / self.links.len()).max(1).saturating_sub(self.links[at].awaited).min(TOGETHER);
        let count = room.min(usize::try_from(most - self.sent).unwrap_or(TOGETHER));
        if count == 0 {
            return Ok(0);
        }
        let now = self.now();
        self.send(at, &[now; TOGETHER][..count], batch)
    }

    /// Sends those whose moment has come. The generator may be behind: they keep their moments.
    fn send_due(&mut self, at: usize, rate: f64, due: &mut f64, batch: &mut Batch) -> io::Result<usize> {
        let now = self.now();
        if *due == 0.0 {
            *due = now as f64;
        }
        let (mut moments, mut count) = ([0; TOGETHER], 0);
        while count < TOGETHER && *due <= now as f64 {
            moments[count] = (*due as u64).max(1);
            self.tally.late = self.tally.late.max(now - moments[count].min(now));
            *due -= (1.0 - self.dice.share()).ln() * 1e9 / rate;
            count += 1;
        }
        let mut sent = 0;
        while sent < count {
            match self.send(at, &moments[sent..count], batch)? {
                0 => std::thread::yield_now(),
                more => sent += more,
            }
        }
        Ok(count)
    }

    /// Sends the next queries, one for each moment; how many the kernel took.
    fn send(&mut self, at: usize, moments: &[u64], batch: &mut Batch) -> io::Result<usize> {
        let link = &mut self.links[at];
        for slot in 0..moments.len() {
            let number = (self.next + slot) % self.work.len();
            let query = self.work.query(number).map_or(&[][..], |(query, _)| query);
            batch.write(slot, link.next.wrapping_add(slot as u16), query);
        }
        let sent = match batch.send(&link.socket, 0, moments.len(), false) {
            Ok(sent) => sent,
            Err(error) if passes(&error) => 0,
            Err(error) => return Err(error),
        };
        for &since in &moments[..sent] {
            let slot = &mut link.slots[usize::from(link.next) % SLOTS];
            if slot.since != 0 {
                self.tally.lost += 1;
                link.awaited -= 1;
                self.awaited -= 1;
            }
            *slot = Slot { since, query: self.next as u32, id: link.next };
            link.next = link.next.wrapping_add(1);
            self.next = (self.next + 1) % self.work.len();
            link.awaited += 1;
            self.awaited += 1;
            self.sent += 1;
        }
        Ok(sent)
    }

    /// Takes what has come on one socket; how many awaited answers it was.
    fn take(&mut self, at: usize, batch: &mut Batch) -> io::Result<u64> {
        let link = &mut self.links[at];
        if link.awaited == 0 {
            return Ok(0);
        }
        let got = match batch.receive(&link.socket, false) {
            Ok(got) => got,
            Err(error) if passes(&error) => return Ok(0),
            Err(error) => return Err(error),
        };
        let now = self.begun.elapsed().as_nanos() as u64 + 1;
        let mut answered = 0;
        for packet in 0..got {
            let answer = batch.packet(packet);
            let id = answer.get(..2).map_or(0, |id| u16::from_be_bytes([id[0], id[1]]));
            let slot = &mut link.slots[usize::from(id) % SLOTS];
            if slot.since == 0 || slot.id != id || answer.len() == ROOM {
                self.tally.stray += 1;
                continue;
            }
            self.tally.took.add(now.saturating_sub(slot.since));
            slot.since = 0;
            link.awaited -= 1;
            self.awaited -= 1;
            answered += 1;
            let Some((query, expected)) = self.work.query(slot.query as usize) else { continue };
            let expected = if self.echo { Expected::Echo } else { expected };
            if !is_right(query, answer, expected) {
                self.tally.wrong += 1;
                self.tally.first_wrong.get_or_insert_with(|| told(query, answer, expected));
            }
        }
        Ok(answered)
    }

    /// Gives up what was sent before a moment.
    fn give_up(&mut self, before: u64) {
        for link in &mut self.links {
            while link.oldest != link.next {
                let slot = &mut link.slots[usize::from(link.oldest) % SLOTS];
                if slot.id == link.oldest && slot.since != 0 {
                    if slot.since > before {
                        break;
                    }
                    slot.since = 0;
                    link.awaited -= 1;
                    self.awaited -= 1;
                    self.tally.lost += 1;
                }
                link.oldest = link.oldest.wrapping_add(1);
            }
        }
    }
}

/// A wrong answer for people: the name is the bench's own.
fn told(query: &[u8], answer: &[u8], expected: Expected) -> String {
    let wire = query.get(super::answer::HEADER..query.len().saturating_sub(4)).unwrap_or_default();
    let name = crate::dns::Name::from_wire(wire).map_or_else(|_| "a name".to_owned(), |name| name.to_string());
    let code = answer.get(3).map_or(15, |flags| flags & 15);
    let records = answer.get(7).copied().unwrap_or(0);
    format!("{name}: expected {expected:?}, got response code {code} with {records} records, {} octets", answer.len())
}
