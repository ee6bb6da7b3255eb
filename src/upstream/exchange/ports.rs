//! Sources: connected sockets with random ports, each for a few questions and a short time.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Target;
use super::poll::Poll;
use super::random::Random;

/// Of how many sources a question's is chosen at random, where there are as many questions.
pub(super) const CHOICE: usize = 16;
/// Most questions that leave by one source.
pub(super) const MOST_QUESTIONS: usize = 128;
/// How long questions leave by one source.
pub(super) const LIFE: Duration = Duration::from_secs(1);
/// Least port: those below it are the system's.
const LEAST_PORT: u16 = 1_024;
/// Random ports tried before the kernel chooses one, as random as it does.
const TRIES: usize = 10;

/// A connected socket, and which questions wait for an answer at it.
pub(super) struct Source {
    pub(super) socket: UdpSocket,
    pub(super) to: Arc<Target>,
    place: usize,
    left: usize,
    until: Instant,
    waiting: Vec<(u16, u32)>,
}

impl Source {
    /// The question that waits under an id.
    pub(super) fn under(&self, id: u16) -> Option<u32> {
        self.waiting.iter().find(|(waiting, _)| *waiting == id).map(|(_, question)| *question)
    }

    /// Has a question wait under an id, unless another does.
    pub(super) fn wait(&mut self, id: u16, question: u32) -> bool {
        let free = self.under(id).is_none();
        if free {
            self.waiting.push((id, question));
        }
        free
    }

    /// The questions that wait.
    pub(super) fn waiting(&self) -> &[(u16, u32)] {
        &self.waiting
    }
}

/// One place of the sources; a number that is given out is not mistaken for a later one's of the same place.
#[derive(Default)]
struct Slot {
    turn: u32,
    source: Option<Source>,
}

/// All sources of a carrier.
#[derive(Default)]
pub(super) struct Sources {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Those in use for each target, by its number.
    in_use: HashMap<u32, [Option<u64>; CHOICE]>,
}

/// The number of a source: its place, and above that which turn.
fn number(place: u32, turn: u32) -> u64 {
    u64::from(turn) << 32 | u64::from(place)
}

impl Sources {
    /// The source by which the next question for `to` leaves; one question more is counted for it. Says whether it is new.
    pub(super) fn choose(
        &mut self,
        to: &Arc<Target>,
        random: &mut Random,
        poll: &Poll,
        now: Instant,
    ) -> io::Result<(u64, bool)> {
        let [octet] = random.octets()?;
        let place = usize::from(octet) % CHOICE;
        let chosen = self.in_use.get(&to.number).and_then(|in_use| in_use.get(place).copied().flatten());
        if let Some(chosen) = chosen {
            match self.get_mut(chosen) {
                Some(source) if source.left > 0 && now < source.until => {
                    source.left -= 1;
                    return Ok((chosen, false));
                }
                _ => self.retire(chosen),
            }
        }
        let socket = open(to.address, random)?;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let Some(at) = self.slots.get_mut(slot as usize) else { return Err(io::ErrorKind::OutOfMemory.into()) };
        at.turn = at.turn.wrapping_add(1) & (u32::MAX >> 1);
        let chosen = number(slot, at.turn);
        if let Err(error) = poll.watch(&socket, chosen) {
            self.free.push(slot);
            return Err(error);
        }
        let (left, until) = (MOST_QUESTIONS - 1, now + LIFE);
        at.source = Some(Source { socket, to: to.clone(), place, left, until, waiting: Vec::new() });
        if let Some(in_use) = self.in_use.entry(to.number).or_default().get_mut(place) {
            *in_use = Some(chosen);
        }
        Ok((chosen, true))
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Source> {
        let slot = self.slots.get_mut(number as u32 as usize).filter(|slot| slot.turn == (number >> 32) as u32)?;
        slot.source.as_mut()
    }

    /// No question waits under `id` any more. A source that no questions leave by and none waits at is closed.
    pub(super) fn done(&mut self, number: u64, id: u16) {
        let Some(source) = self.get_mut(number) else { return };
        if let Some(at) = source.waiting.iter().position(|(waiting, _)| *waiting == id) {
            source.waiting.swap_remove(at);
        }
        if source.left == 0 && source.waiting.is_empty() {
            self.retire(number);
        }
    }

    /// No more questions leave by the source; it is closed once none waits.
    pub(super) fn retire(&mut self, number: u64) {
        let Some(source) = self.get_mut(number) else { return };
        source.left = 0;
        let (target, place, idle) = (source.to.number, source.place, source.waiting.is_empty());
        if let Some(in_use) = self.in_use.get_mut(&target) {
            if let Some(at) = in_use.get_mut(place).filter(|at| **at == Some(number)) {
                *at = None;
            }
            if in_use.iter().all(Option::is_none) {
                self.in_use.remove(&target);
            }
        }
        if idle && let Some(slot) = self.slots.get_mut(number as u32 as usize) {
            slot.source = None;
            self.free.push(number as u32);
        }
    }
}

/// A socket for questions to `to`, at a random port.
fn open(to: SocketAddr, random: &mut Random) -> io::Result<UdpSocket> {
    let any: IpAddr = if to.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let mut bound = None;
    for _ in 0..TRIES {
        let port = random.number()?;
        if port < LEAST_PORT {
            continue;
        }
        match UdpSocket::bind((any, port)) {
            Ok(socket) => {
                bound = Some(socket);
                break;
            }
            // Somebody else's.
            Err(error) if matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {}
            Err(error) => return Err(error),
        }
    }
    let socket = match bound {
        Some(socket) => socket,
        None => UdpSocket::bind((any, 0))?,
    };
    socket.connect(to)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
