//! The thread that carries questions: sends them, compares what comes back, and keeps their time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::deadlines::Deadlines;
use super::poll::{Inbox, NO_BUFFERS, Poll};
use super::ports::Sources;
use super::random::Random;
use super::{Asked, HandOver, Sending, Silence, Target};
use crate::upstream::wire::{self, Likeness};

/// A datagram is sent at most so often, the first time included. The time between doubles.
const SENDS: u8 = 4;
/// The longest time between.
const LONGEST_RETRY: Duration = Duration::from_secs(2);
/// Refusals of the network that end a question. One may be of a server that is just starting, or forged.
const REFUSALS: u8 = 2;
/// How often is looked whether a question is still wanted.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Calls by which a source is emptied before others have their turn.
const ROUNDS: usize = 4;
/// Ids tried before it is said that none is free; a source has no more than a few questions of 65,536.
const TRIES: usize = 16;
/// Buffers kept for later questions.
const SPARE: usize = 1_024;

/// A question on its way.
struct Pending {
    to: Arc<Target>,
    /// By which source it left, and under which id; none after a refusal, until it is sent again.
    source: Option<(u64, u16)>,
    /// What was sent.
    query: Vec<u8>,
    /// Where the question ends in it.
    end: usize,
    asked: Box<dyn Asked>,
    sends: u8,
    refusals: u8,
    why: String,
    retry: Duration,
    again: Instant,
    patience: Option<Instant>,
    deadline: Instant,
}

/// One place of the questions on their way.
#[derive(Default)]
struct Slot {
    turn: u32,
    pending: Option<Pending>,
}

/// What comes up at a deadline.
#[derive(Clone, Copy)]
enum Due {
    /// A question, by its place and which turn of it.
    Question(u32, u32),
    /// A source, by its number.
    Source(u64),
}

/// Carries questions on a thread of its own.
pub(super) struct Carrier {
    shared: Arc<HandOver>,
    poll: Poll,
    inbox: Inbox,
    random: Random,
    sources: Sources,
    slots: Vec<Slot>,
    free: Vec<u32>,
    deadlines: Deadlines<Due>,
    spare: Vec<Vec<u8>>,
}

impl Carrier {
    pub(super) fn new(shared: Arc<HandOver>, poll: Poll) -> Carrier {
        Carrier {
            shared,
            poll,
            inbox: Inbox::new(),
            random: Random::new(),
            sources: Sources::default(),
            slots: Vec::new(),
            free: Vec::new(),
            deadlines: Deadlines::new(Instant::now()),
            spare: Vec::new(),
        }
    }

    /// Carries until the exchange is let go. What is on its way then is dropped, and whoever asked learns of it by that.
    pub(super) fn run(mut self) {
        let (mut taken, mut ready, mut up) = (Vec::new(), Vec::new(), Vec::new());
        while !self.shared.has_ended() {
            self.shared.take(&mut taken);
            let now = Instant::now();
            for sending in taken.drain(..) {
                self.start(sending, now);
            }
            self.deadlines.come_up(now, &mut up);
            for due in up.drain(..) {
                match due {
                    Due::Question(place, turn) => self.look_at(place, turn, now),
                    Due::Source(source) => self.sources.retire(source),
                }
            }
            let pause = match self.shared.may_sleep() {
                true => self.deadlines.pause(now),
                false => Some(Duration::ZERO),
            };
            self.poll.wait(pause, &mut ready);
            self.shared.woke();
            for source in ready.drain(..) {
                self.receive(source);
            }
        }
    }

    fn start(&mut self, sending: Sending, now: Instant) {
        let Sending { to, question, edns, retry, patience, deadline, asked } = sending;
        let mut query = self.spare.pop().unwrap_or_default();
        let end = wire::query(&question, edns, &mut query);
        let random = &mut self.random;
        let mixed = wire::mix_case(&mut query, || random.octets().ok().map(|[octet]| octet));
        let scatter = u32::from(self.random.octets().map_or(0, |[octet]| octet));
        let again = now + retry + retry / 512 * scatter;
        let pending = Pending {
            to,
            source: None,
            query,
            end,
            asked,
            sends: 0,
            refusals: 0,
            why: String::new(),
            retry,
            again,
            patience,
            deadline,
        };
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        slot.turn = slot.turn.wrapping_add(1);
        slot.pending = Some(pending);
        let turn = slot.turn;
        match mixed {
            Some(()) => self.send(place, now),
            None => self.end(place, Err(Silence::Unreachable("there are no random numbers".to_owned()))),
        }
        self.put(place, turn, now);
    }

    /// Has a question that is still on its way looked at when something is due for it.
    fn put(&mut self, place: u32, turn: u32, now: Instant) {
        if let Some(pending) = self.slots.get(place as usize).and_then(|slot| slot.pending.as_ref()) {
            let again = if pending.sends < SENDS { pending.again } else { pending.deadline };
            let due = pending.deadline.min(again).min(now + LOOK_AGAIN);
            self.deadlines.put(pending.patience.map_or(due, |patience| patience.min(due)), Due::Question(place, turn));
        }
    }

    fn pending(&mut self, place: u32) -> Option<&mut Pending> {
        self.slots.get_mut(place as usize)?.pending.as_mut()
    }

    /// Sends a question, by the source it left by before or by another. One that cannot be sent ends.
    fn send(&mut self, place: u32, now: Instant) {
        for _ in 0..2 {
            let sent = self.address(place, now).and_then(|()| self.transmit(place));
            match sent {
                Ok(()) => return,
                Err(error) if is_full(&error) => return,
                // Perhaps of a question that left before by the same source: that is told, and this one has another try.
                Err(error) => match self.pending(place).and_then(|pending| pending.source) {
                    Some((source, _)) => self.refused(source, &error.to_string()),
                    None => return self.end(place, Err(Silence::Unreachable(error.to_string()))),
                },
            }
        }
    }

    /// Makes sure that a question has a source and an id.
    fn address(&mut self, place: u32, now: Instant) -> std::io::Result<()> {
        let Carrier { slots, sources, random, poll, deadlines, .. } = self;
        let Some(pending) = slots.get_mut(place as usize).and_then(|slot| slot.pending.as_mut()) else { return Ok(()) };
        if pending.source.is_some() {
            return Ok(());
        }
        let (number, new) = sources.choose(&pending.to, random, poll, now)?;
        if new {
            deadlines.put(now + super::ports::LIFE, Due::Source(number));
        }
        for _ in 0..TRIES {
            let id = random.number()?;
            if sources.get_mut(number).is_some_and(|source| source.wait(id, place)) {
                pending.source = Some((number, id));
                if let Some(octets) = pending.query.first_chunk_mut::<2>() {
                    *octets = id.to_be_bytes();
                }
                return Ok(());
            }
        }
        Err(std::io::Error::other("no id is free"))
    }

    fn transmit(&mut self, place: u32) -> std::io::Result<()> {
        let Carrier { slots, sources, .. } = self;
        let Some(pending) = slots.get_mut(place as usize).and_then(|slot| slot.pending.as_mut()) else { return Ok(()) };
        let Some((number, _)) = pending.source else { return Ok(()) };
        let Some(source) = sources.get_mut(number) else { return Ok(()) };
        pending.sends = pending.sends.saturating_add(1);
        source.socket.send(&pending.query).map(drop)
    }

    /// Takes what has come to a source.
    fn receive(&mut self, number: u64) {
        for _ in 0..ROUNDS {
            let Some(source) = self.sources.get_mut(number) else { return };
            match self.inbox.receive(&source.socket) {
                Ok(got) => {
                    for place in 0..got {
                        self.deliver(number, place);
                    }
                    if got < Inbox::MOST {
                        return;
                    }
                }
                Err(error) if is_full(&error) => return,
                Err(error) => self.refused(number, &error.to_string()),
            }
        }
    }

    /// Gives a datagram to the question it answers.
    fn deliver(&mut self, number: u64, datagram: usize) {
        let octets = self.inbox.datagram(datagram);
        let Some(source) = self.sources.get_mut(number) else { return };
        let id = octets.first_chunk::<2>().map(|id| u16::from_be_bytes(*id));
        let question = id.and_then(|id| source.under(id));
        let pending = question.and_then(|place| self.slots.get(place as usize)?.pending.as_ref());
        let (Some(place), Some(pending)) = (question, pending) else {
            source.to.ignored.fetch_add(1, Ordering::Relaxed);
            return;
        };
        match wire::likeness(octets, &pending.query, pending.end) {
            Likeness::Other => _ = source.to.ignored.fetch_add(1, Ordering::Relaxed),
            // What cannot be read is whoever asked's to judge, as is what is truncated.
            Likeness::Same | Likeness::Garbled => {
                if let Some(asked) = self.let_go(place) {
                    let octets = self.inbox.datagram(datagram);
                    guarded(|| asked.ended(Ok(octets)));
                }
            }
            Likeness::OtherCase => self.end(place, Err(Silence::OtherCase)),
        }
    }

    /// The network refused what left by a source. Its questions have another try by another, or end.
    fn refused(&mut self, number: u64, why: &str) {
        let Some(source) = self.sources.get_mut(number) else { return };
        let waiting = source.waiting().to_vec();
        self.sources.retire(number);
        for (id, place) in waiting {
            self.sources.done(number, id);
            let Some(pending) = self.pending(place) else { continue };
            pending.source = None;
            pending.refusals += 1;
            why.clone_into(&mut pending.why);
            let hedged = pending.patience.is_some();
            if pending.refusals >= REFUSALS {
                self.end(place, Err(Silence::Unreachable(why.to_owned())));
            } else if hedged {
                self.lose_patience(place);
            }
        }
    }

    /// Something is due for a question.
    fn look_at(&mut self, place: u32, turn: u32, now: Instant) {
        let Some(slot) = self.slots.get_mut(place as usize).filter(|slot| slot.turn == turn) else { return };
        let Some(pending) = slot.pending.as_mut() else { return };
        if now >= pending.deadline {
            let silence = match pending.refusals {
                0 => Silence::Timeout,
                _ => Silence::Unreachable(std::mem::take(&mut pending.why)),
            };
            return self.end(place, Err(silence));
        }
        if !pending.asked.is_wanted() {
            drop(self.let_go(place));
            return;
        }
        if pending.patience.is_some_and(|patience| now >= patience) {
            self.lose_patience(place);
        }
        if self.pending(place).is_some_and(|pending| now >= pending.again && pending.sends < SENDS) {
            // Not all at the same moment that were lost at the same moment: a full buffer would lose them again.
            let scatter = u32::from(self.random.octets().map_or(0, |[octet]| octet));
            if let Some(pending) = self.pending(place) {
                pending.retry = (pending.retry * 2).min(LONGEST_RETRY);
                pending.again = now + pending.retry + pending.retry / 512 * scatter;
            }
            self.send(place, now);
        }
        self.put(place, turn, now);
    }

    fn lose_patience(&mut self, place: u32) {
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        let Some(mut pending) = slot.pending.take() else { return };
        pending.patience = None;
        let asked = pending.asked;
        match catch_unwind(AssertUnwindSafe(|| asked.impatient())) {
            Ok(Some(asked)) => slot.pending = Some(Pending { asked, ..pending }),
            Ok(None) | Err(_) => self.forget(place, pending.source, pending.query),
        }
    }

    fn end(&mut self, place: u32, end: Result<&[u8], Silence>) {
        if let Some(asked) = self.let_go(place) {
            guarded(|| asked.ended(end));
        }
    }

    /// Takes a question out; who asked it.
    fn let_go(&mut self, place: u32) -> Option<Box<dyn Asked>> {
        let Pending { source, query, asked, .. } = self.slots.get_mut(place as usize)?.pending.take()?;
        self.forget(place, source, query);
        Some(asked)
    }

    fn forget(&mut self, place: u32, source: Option<(u64, u16)>, query: Vec<u8>) {
        if let Some((number, id)) = source {
            self.sources.done(number, id);
        }
        self.free.push(place);
        if self.spare.len() < SPARE {
            self.spare.push(query);
        }
    }
}

/// A panic of whoever asked costs its own question only; the program's panic hook has told of it.
fn guarded(call: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(call));
}

/// Nothing there, or no room just now: the latter is a datagram that was lost, and is sent again in its time.
fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted)
        || error.raw_os_error() == Some(NO_BUFFERS)
}
