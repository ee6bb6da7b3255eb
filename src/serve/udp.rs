//! DNS over UDP: one thread a worker, with a socket of its own for each address (SO_REUSEPORT), many packets a system call.
//!
//! A batch is what has already arrived, never what is waited for: a single query is answered at once, and under load the
//! batches grow by themselves. The answers of a batch leave together, after [`Worker::end_batch`].

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::counters::{DoorCounters, Trouble, WorkerTally, bump};
use super::stop::{Stage, Stop, reached};
use super::{Arrived, Step, Worker};
use crate::moment::Clock;
use crate::verdict::Transport;

mod batch;
mod bundle;
mod control;
pub(super) mod pin;
mod send;
mod socket;

use batch::{Batch, Peer};
pub(super) use socket::UdpSocket;

/// Bounds of the UDP doors.
#[derive(Clone, Debug)]
pub struct UdpLimits {
    /// Most packets of a batch. Default 64.
    pub batch: usize,
    /// Most [`Step::Later`] in flight, all workers together. Default 8192.
    pub later: usize,
}

impl UdpLimits {
    /// Octets there is room for in a packet and in an answer. Queries are asked to be no larger than 1232 (CONTRACT), so a
    /// packet that is larger than this is not a query of a well-behaved client: it is counted and not looked at.
    pub const ANSWER: usize = 4096;

    /// How long a worker with nothing to do waits before it looks whether it is to stop, in milliseconds.
    pub(super) const LOOK_UP_MILLIS: u64 = 200;
}

impl Default for UdpLimits {
    fn default() -> UdpLimits {
        UdpLimits { batch: 64, later: 8192 }
    }
}

/// Least and first number of packets asked for in one call: making room for 64 costs more than a single query does.
const FEW: usize = 8;
/// How long a worker rests when its sockets give nothing but errors.
const ERROR_REST: Duration = Duration::from_millis(10);
/// Errors in a row after which it does.
const ERRORS_IN_A_ROW: u32 = 16;
/// Batches still answered from each socket's buffer after intake has ended.
const LAST_BATCHES: usize = 64;
/// How often, and first after how long, a `Later` answer is tried again when the send buffer is full.
const LATER_TRIES: u32 = 6;
const LATER_REST: Duration = Duration::from_millis(1);

/// What all UDP workers share.
#[derive(Clone)]
pub(super) struct UdpShared {
    pub(super) clock: Clock,
    pub(super) stop: Arc<Stop>,
    pub(super) runtime: Handle,
    /// One permit for each `Later` that may be in flight.
    pub(super) laters: Arc<Semaphore>,
    pub(super) counters: Arc<DoorCounters>,
    pub(super) batch: usize,
}

/// One UDP worker on its thread.
pub(super) struct UdpLoop<W> {
    pub(super) worker: W,
    pub(super) sockets: Vec<Arc<UdpSocket>>,
    pub(super) tally: Arc<WorkerTally>,
    pub(super) shared: UdpShared,
    most: usize,
    errors: u32,
}

impl<W: Worker> UdpLoop<W> {
    pub(super) fn new(
        worker: W,
        sockets: Vec<Arc<UdpSocket>>,
        tally: Arc<WorkerTally>,
        shared: UdpShared,
    ) -> UdpLoop<W> {
        UdpLoop { worker, sockets, tally, shared, most: FEW, errors: 0 }
    }

    /// Answers until intake ends, then what had arrived by then.
    pub(super) fn run(mut self) {
        let mut batch = Batch::new(self.shared.batch.max(1));
        let mut ready = vec![true; self.sockets.len()];
        let alone = self.sockets.len() == 1;
        // After a batch of several packets the sockets are tried again without asking whether they are ready.
        let mut busy = false;
        while !self.shared.stop.is_draining() {
            if !alone && !busy {
                self.wait(&mut ready);
            }
            let mut most_got = 0;
            for (at, ready) in ready.iter_mut().enumerate() {
                if std::mem::replace(ready, true) {
                    most_got = most_got.max(self.turn(at, &mut batch, alone));
                }
            }
            busy = most_got > 1;
            self.most = (most_got * 2).clamp(FEW, batch.slots().max(FEW));
        }
        self.most = batch.slots();
        for at in 0..self.sockets.len() {
            for _ in 0..LAST_BATCHES {
                if self.turn(at, &mut batch, false) == 0 {
                    break;
                }
            }
        }
    }

    fn wait(&mut self, ready: &mut [bool]) {
        let wait = Duration::from_millis(UdpLimits::LOOK_UP_MILLIS);
        match socket::wait_readable(&self.sockets, ready, wait) {
            Ok(()) => {}
            Err(error) => self.count_receive(&error),
        }
    }

    /// One batch from one socket; how many packets it had.
    fn turn(&mut self, at: usize, batch: &mut Batch, wait: bool) -> usize {
        let Some(socket) = self.sockets.get(at).cloned() else { return 0 };
        let got = match socket.receive(batch, self.most, wait) {
            Ok(got) => got,
            Err(error) => {
                self.count_receive(&error);
                return 0;
            }
        };
        self.errors = 0;
        if got == 0 {
            return 0;
        }
        let (at, since) = (self.shared.clock.now(), Instant::now());
        batch.forget_outgoing();
        let begun = self.guarded(|worker| worker.begin_batch()).is_some();
        if begun {
            for slot in 0..got {
                let (packet, _) = batch.slot(slot);
                self.guarded(|worker| worker.foresee(packet));
            }
            for slot in 0..got {
                if batch.is_truncated(slot) {
                    self.shared.counters.receive.add(Trouble::TooBig, 1);
                    continue;
                }
                let Some(client) = batch.turn_round(slot, socket.tells()) else {
                    self.shared.counters.receive.add(Trouble::Unanswerable, 1);
                    continue;
                };
                let (packet, out) = batch.slot(slot);
                let arrived = Arrived { place: slot, packet, client, transport: Transport::Udp, at, since };
                let step = self.guarded(|worker| worker.answer(arrived, out)).unwrap_or(Step::Silence);
                let length = match step {
                    Step::Send(length) => Some(length),
                    Step::Silence => None,
                    Step::Later(later) => self.later(later, slot, batch, &socket),
                };
                match length {
                    Some(length) if length <= UdpLimits::ANSWER => batch.send_answer(slot, length),
                    Some(_) => self.shared.counters.send.add(Trouble::TooBig, 1),
                    None => {}
                }
            }
        }
        // Nothing leaves that is not recorded (Q4): no end of the batch, no answers.
        if self.guarded(|worker| worker.end_batch()) == Some(true) && begun {
            let sent = send::all(batch, &socket, &self.shared.counters.send);
            bump(&self.tally.answers, sent);
        }
        bump(&self.tally.batches, 1);
        bump(&self.tally.packets, got as u64);
        got
    }

    /// Lets a later answer run, or gives it back to the worker when there is no room for it.
    fn later(&mut self, later: W::Later, slot: usize, batch: &mut Batch, socket: &Arc<UdpSocket>) -> Option<usize> {
        let counters = &self.shared.counters;
        let Ok(permit) = self.shared.laters.clone().try_acquire_owned() else {
            DoorCounters::add(&counters.later_refused);
            let (_, out) = batch.slot(slot);
            return self.guarded(|worker| worker.too_busy(later, out)).flatten();
        };
        DoorCounters::add(&counters.later_started);
        let way = Way {
            socket: socket.clone(),
            peer: batch.peer(slot),
            stop: self.shared.stop.clone(),
            counters: counters.clone(),
            runtime: self.shared.runtime.clone(),
            _flight: Flight { _permit: permit, counters: counters.clone() },
        };
        if let Some((later, way)) = self.guarded(|worker| worker.depart(later, way)).flatten() {
            self.shared.runtime.spawn(finish(later, way));
        }
        None
    }

    /// Calls the worker; a panic is counted (the program's panic hook has told of it) and gives none.
    fn guarded<T>(&mut self, call: impl FnOnce(&mut W) -> T) -> Option<T> {
        let worker = &mut self.worker;
        // The worker's own state is the worker's: its tickets close themselves when they are dropped by a panic (Q1).
        match catch_unwind(AssertUnwindSafe(|| call(worker))) {
            Ok(given) => Some(given),
            Err(_) => {
                DoorCounters::add(&self.shared.counters.panics);
                None
            }
        }
    }

    fn count_receive(&mut self, error: &io::Error) {
        if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::TimedOut) {
            return;
        }
        self.shared.counters.receive.add(Trouble::of(error), 1);
        self.errors += 1;
        // An error that stays must not eat the processor; one that comes with a packet (ICMP) must not cost time.
        if self.errors >= ERRORS_IN_A_ROW {
            thread::sleep(ERROR_REST);
        }
    }
}

/// The way of a later answer back to its client. As long as it is there, closing the doors waits for it.
#[derive(Debug)]
pub struct Way {
    socket: Arc<UdpSocket>,
    peer: Peer,
    stop: Arc<Stop>,
    counters: Arc<DoorCounters>,
    runtime: Handle,
    _flight: Flight,
}

impl Way {
    /// The runtime of the doors.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Whether the doors do not wait for it any more.
    pub fn is_shut(&self) -> bool {
        self.stop.is_abandoned()
    }

    /// Sends an answer without waiting; none: silence. Where there is no room for it, a task tries again.
    pub fn bring(self, answer: Option<&[u8]>) {
        let Some(answer) = answer.filter(|_| !self.is_shut()) else { return };
        match self.socket.send_one(&self.peer, answer) {
            Ok(()) => DoorCounters::add(&self.counters.later_sent),
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {
                let answer = answer.to_vec();
                self.runtime.clone().spawn(async move { send_later(&self, &answer).await });
            }
            Err(error) => self.counters.send.add(Trouble::of(&error), 1),
        }
    }
}

/// The permit of a later answer; tells the counters when the answer's future panicked.
#[derive(Debug)]
struct Flight {
    _permit: OwnedSemaphorePermit,
    counters: Arc<DoorCounters>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        if thread::panicking() {
            DoorCounters::add(&self.counters.panics);
        }
    }
}

/// Waits for a later answer and sends it, unless the doors stop waiting for it first.
async fn finish<L: Future<Output = Option<Vec<u8>>>>(later: L, way: Way) {
    // `later` is moved into the block and dropped with it, before the flight in `way` tells that it has ended.
    let answer = {
        let mut watch = way.stop.watch();
        tokio::select! {
            biased;
            answer = later => answer,
            () = reached(&mut watch, Stage::Abandoned) => None,
        }
    };
    if let Some(answer) = answer {
        send_later(&way, &answer).await;
    }
    // Field by field: the socket first, and the flight, with its permit, last.
    drop(way);
}

async fn send_later(way: &Way, answer: &[u8]) {
    let mut rest = LATER_REST;
    for _ in 0..LATER_TRIES {
        match way.socket.send_one(&way.peer, answer) {
            Ok(()) => return DoorCounters::add(&way.counters.later_sent),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(rest).await;
                rest *= 2;
            }
            Err(error) => return way.counters.send.add(Trouble::of(&error), 1),
        }
    }
    way.counters.send.add(Trouble::NoRoom, 1);
}
