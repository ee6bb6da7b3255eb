//! The doors: DNS over UDP (own loop, batches) and over TCP (RFC 7766), IPv4 and IPv6, on every address of `listen.dns`.
//!
//! A door carries packets and knows nothing of names or policy. The engine behind it is met through two traits:
//! [`Worker`], one a UDP thread, which never blocks; and [`Answerer`], shared by every stream door.
//!
//! - [`Doors::open`] binds everything before anything is answered, [`Doors::close`] stops intake and lets what is in
//!   flight finish.
//! - An answer leaves from the address it was asked at (invariant Q8).
//! - What a door cannot carry is counted in [`DoorCounters`]; it is never lost without a number.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Instant;

use crate::moment::Moment;
use crate::verdict::Transport;

mod bind;
mod counters;
mod doors;
pub mod engine;
mod inherited;
mod occupant;
mod stop;
mod tcp;
mod udp;

pub use bind::{BindCause, DoorError, absent, admin_refused};
pub use counters::{DoorCounters, DoorCounts, Trouble};
pub use doors::{Closed, Doors, Settings};
pub use tcp::TcpLimits;
pub use udp::{UdpLimits, Way};

/// One packet as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// Its place in the batch, as [`Worker::foresee`] was called.
    pub place: usize,
    /// The DNS message, as many octets as came; it may be anything, also nothing.
    pub packet: &'a [u8],
    /// Who sent it; the port is never 0.
    pub client: SocketAddr,
    /// The door it came through.
    pub transport: Transport,
    /// When it was taken from the socket; the packets of one batch share it.
    pub at: Moment,
    /// The same on the steady clock, for durations.
    pub since: Instant,
}

/// What a worker has to say to a packet.
#[derive(Debug)]
pub enum Step<L> {
    /// Send this many octets of the buffer; more than the buffer has are a [`Trouble::TooBig`].
    Send(usize),
    /// Nothing is sent.
    Silence,
    /// The answer needs to wait for something: this future gives it.
    Later(L),
}

/// One UDP worker's side of the engine: it never waits for an upstream and never awaits.
///
/// For each batch the door calls `begin_batch`, then `foresee` for each packet, then `answer` for each packet (and `too_busy` right
/// after an `answer` that gave a `Later` there is no room for, `depart` where there is), then `end_batch`; only then do the answers leave. A panic in `answer` costs
/// that packet its answer, one in `end_batch` costs the batch its answers (nothing unrecorded leaves, invariant Q4); both
/// are counted, and the worker goes on.
pub trait Worker: Send {
    /// An answer that is not ready. It may be dropped before its end, when the doors close.
    type Later: Future<Output = Option<Vec<u8>>> + Send + 'static;

    /// Before the packets of a batch.
    fn begin_batch(&mut self);

    /// One packet of the batch, before the first one is answered: the place to ask for memory that will be needed. The batch may have
    /// packets that are foreseen and never answered.
    fn foresee(&mut self, _packet: &[u8]) {}

    /// One packet. An answer is written to the front of `out`, which is [`UdpLimits::ANSWER`] octets long and holds what
    /// earlier answers left there.
    fn answer(&mut self, arrived: Arrived<'_>, out: &mut [u8]) -> Step<Self::Later>;

    /// As many [`Step::Later`] as may be are in flight, so this one is given back: the engine closes its ticket, with
    /// SERVFAIL say, and tells how many octets of `out` to send; none for silence.
    fn too_busy(&mut self, later: Self::Later, out: &mut [u8]) -> Option<usize>;

    /// A `Later` for which there is room. The engine keeps it and brings its answer home by `way`, or gives it back; then the door
    /// has it run as a task.
    fn depart(&mut self, later: Self::Later, way: Way) -> Option<(Self::Later, Way)> {
        Some((later, way))
    }

    /// After the packets of a batch and before their answers leave: the place for a sync of the log. Says whether they may leave.
    fn end_batch(&mut self) -> bool;
}

/// The engine's side of a stream door: many queries of many connections at once.
pub trait Answerer: Send + Sync + 'static {
    /// The answer to one message of at least 12 octets; none for silence. Called as soon as the last octet is there.
    ///
    /// The future may be dropped before its end: the client went away, or the doors close.
    fn answer(
        &self,
        packet: Vec<u8>,
        client: SocketAddr,
        transport: Transport,
    ) -> impl Future<Output = Option<Vec<u8>>> + Send;
}

#[cfg(test)]
mod tests;
