//! One connection: many queries at once, answers in whatever order they are ready (RFC 7766 sections 6.2.1.1 and 7).

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::TcpShared;
use super::frames::{self, Frames, Front};
use super::places::Place;
use crate::serve::Answerer;
use crate::serve::counters::{DoorCounters, Trouble};
use crate::serve::stop::{Stage, reached};
use crate::verdict::Transport;

/// Most octets of answers put together for one write, save for the last answer of them.
const WRITE: usize = 64 << 10;

/// A connection over any stream: plain TCP, or TLS.
pub(super) struct Connection<S, A> {
    stream: S,
    client: SocketAddr,
    transport: Transport,
    answerer: Arc<A>,
    shared: Arc<TcpShared>,
    frames: Frames,
    asked: JoinSet<Option<Vec<u8>>>,
    /// Whether more is read; once it is not, the connection ends with its last answer.
    reading: bool,
    /// Whether a whole message waits for a permit of all connections' queries.
    starved: bool,
    permit: Option<OwnedSemaphorePermit>,
    /// Whether no whole query has come yet.
    fresh: bool,
    idle_since: Option<Instant>,
    part_since: Option<Instant>,
    // Last: the place is given back only after everything in flight was let go.
    place: Place,
}

/// What woke a connection.
enum Woke {
    Abandoned,
    Draining,
    Evicted,
    Answered(Result<Option<Vec<u8>>, JoinError>),
    Permitted(Option<OwnedSemaphorePermit>),
    Read(std::io::Result<usize>),
    Timer,
}

impl<S, A> Connection<S, A>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    A: Answerer,
{
    pub(super) fn new(
        stream: S,
        client: SocketAddr,
        transport: Transport,
        answerer: Arc<A>,
        shared: Arc<TcpShared>,
        place: Place,
    ) -> Connection<S, A> {
        Connection {
            stream,
            client,
            transport,
            answerer,
            shared,
            frames: Frames::default(),
            asked: JoinSet::new(),
            reading: true,
            starved: false,
            permit: None,
            fresh: true,
            idle_since: None,
            part_since: None,
            place,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn serve(mut self) {
        let mut stage = self.shared.stop.watch();
        loop {
            self.take_in();
            if !self.reading && self.asked.is_empty() {
                break;
            }
            let Some(timer) = self.timer() else { break };
            match self.wake(&mut stage, timer).await {
                Woke::Abandoned => return,
                Woke::Draining | Woke::Evicted => self.reading = false,
                Woke::Timer => {}
                Woke::Permitted(permit) => {
                    self.permit = permit;
                    self.starved = false;
                }
                Woke::Read(Ok(0)) => self.reading = false,
                Woke::Read(Ok(_)) => {}
                // The client is gone, and nobody is left to answer.
                Woke::Read(Err(_)) => return,
                Woke::Answered(first) => {
                    if !self.write(first, &mut stage).await {
                        return;
                    }
                }
            }
        }
        let _ = timeout(self.shared.limits.write, self.stream.shutdown()).await;
    }

    /// Asks what stands in the buffer, as far as the bounds allow.
    fn take_in(&mut self) {
        while self.reading && self.asked.len() < self.shared.limits.in_flight {
            match self.frames.front() {
                Front::Empty | Front::Part => break,
                Front::Malformed => {
                    DoorCounters::add(&self.shared.counters.tcp_malformed);
                    self.reading = false;
                }
                Front::Whole => {
                    let permit = self.permit.take().or_else(|| self.shared.in_flight.clone().try_acquire_owned().ok());
                    self.starved = permit.is_none();
                    let Some(permit) = permit else { break };
                    let Some(packet) = self.frames.take() else { break };
                    self.ask(packet, permit);
                }
            }
        }
        // A permit that was waited for and is not needed any more is somebody else's.
        self.permit = None;
    }

    fn ask(&mut self, packet: Vec<u8>, permit: OwnedSemaphorePermit) {
        DoorCounters::add(&self.shared.counters.tcp_queries);
        (self.fresh, self.part_since) = (false, None);
        let (answerer, client, transport) = (self.answerer.clone(), self.client, self.transport);
        self.asked.spawn(async move {
            let answer = answerer.answer(packet, client, transport).await;
            drop(permit);
            answer
        });
    }

    /// Whether octets are wanted now: not while as many queries are in flight as may be.
    fn may_read(&self) -> bool {
        self.reading && !self.starved && self.asked.len() < self.shared.limits.in_flight
    }

    /// When to look again, `Some(None)` for never; none when the time is up and the connection has to end.
    fn timer(&mut self) -> Option<Option<Instant>> {
        let (now, limits) = (Instant::now(), &self.shared.limits);
        let part = self.frames.front() == Front::Part;
        let idle = self.asked.is_empty() && self.frames.front() == Front::Empty;
        self.place.set_idle(idle);
        // The time of a message runs while we are the ones who wait for it.
        self.part_since = (part && self.may_read()).then(|| self.part_since.unwrap_or(now));
        self.idle_since = idle.then(|| self.idle_since.unwrap_or(now));
        if let Some(since) = self.part_since {
            let end = since + limits.message;
            if now >= end {
                DoorCounters::add(&self.shared.counters.tcp_slow);
                return None;
            }
            return Some(Some(end));
        }
        let Some(since) = self.idle_since else { return Some(None) };
        let patience = if self.fresh { limits.first } else { limits.idle };
        let pressed = patience.min(limits.idle_pressed);
        let end = since + if self.place.is_pressed() { pressed } else { patience };
        if now >= end {
            DoorCounters::add(&self.shared.counters.tcp_idle);
            return None;
        }
        // Looks again before its end, since places may become short meanwhile.
        Some(Some(end.min(now + pressed)))
    }

    async fn wake(&mut self, stage: &mut tokio::sync::watch::Receiver<Stage>, timer: Option<Instant>) -> Woke {
        let may_read = self.may_read();
        let mut draining = stage.clone();
        let room = self.frames.room();
        tokio::select! {
            biased;
            () = reached(stage, Stage::Abandoned) => Woke::Abandoned,
            () = reached(&mut draining, Stage::Draining), if self.reading => Woke::Draining,
            () = self.place.told_to_go(), if self.reading => Woke::Evicted,
            Some(answer) = self.asked.join_next(), if !self.asked.is_empty() => Woke::Answered(answer),
            permit = self.shared.in_flight.clone().acquire_owned(), if self.starved && self.reading => {
                Woke::Permitted(permit.ok())
            }
            read = self.stream.read_buf(room), if may_read => Woke::Read(read),
            () = async { match timer { Some(at) => sleep_until(at).await, None => pending().await } } => Woke::Timer,
        }
    }

    /// Writes the answer and whichever others are ready; whether the connection can go on.
    async fn write(
        &mut self,
        first: Result<Option<Vec<u8>>, JoinError>,
        stage: &mut tokio::sync::watch::Receiver<Stage>,
    ) -> bool {
        let counters = self.shared.counters.clone();
        let (mut out, mut count) = (Vec::new(), 0_u64);
        let mut next = Some(first);
        while let Some(answered) = next {
            match answered {
                Ok(Some(answer)) if frames::put(&answer, &mut out) => count += 1,
                Ok(Some(_)) => counters.send.add(Trouble::TooBig, 1),
                Ok(None) => {}
                Err(_) => DoorCounters::add(&counters.panics),
            }
            next = if out.len() < WRITE { self.asked.try_join_next() } else { None };
        }
        if count == 0 {
            return true;
        }
        let stream = &mut self.stream;
        // Length and message in one write (RFC 7766 section 8).
        let write = async {
            stream.write_all(&out).await?;
            stream.flush().await
        };
        tokio::select! {
            written = timeout(self.shared.limits.write, write) => match written {
                Ok(Ok(())) => {
                    counters.tcp_answers.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
                    true
                }
                Ok(Err(error)) => {
                    counters.send.add(Trouble::of(&error), count);
                    false
                }
                Err(_) => {
                    counters.send.add(Trouble::TooSlow, count);
                    DoorCounters::add(&counters.tcp_slow);
                    false
                }
            },
            () = reached(stage, Stage::Abandoned) => false,
        }
    }
}
