//! Questions over UDP. Threads of our own carry them: a task, a timer and a socket for every question cost more than the question.
//!
//! ```text
//! ask -> hand-over (bounded) -> carrier: a source (socket), an id, the case of the name -> server
//!                               carrier: source and id -> question compared -> [`Asked::ended`], on the carrier's thread
//! ```
//!
//! What an attacker who sees nothing has to guess (RFC 5452 section 9):
//! - the port: a source is bound to a random one of 64,512. A question leaves by one of [`ports::CHOICE`] sources, chosen at random, so
//!   that it is not known by which port the next one leaves; a source takes [`ports::MOST_QUESTIONS`] questions within
//!   [`ports::LIFE`] at most and gives way to one with another port, so that a port that was found out is soon worth nothing;
//! - the id: 16 random bits, no two alike on one source at a time;
//! - the case of each letter of the name, which has to come back as it was sent.
//!
//! A question that is sent again leaves by the same source under the same id: a guess never has more than one aim. Equal questions are
//! not asked at the same time ([`super::coalesce`]), so that no birthday helps. Sources are connected: the kernel takes only what comes
//! from the server's address and port, and tells of ICMP errors.

mod carrier;
mod deadlines;
mod poll;
mod ports;
mod random;

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::dns::Question;

use carrier::Carrier;
use poll::{Poll, Waker};

/// Most questions handed over and not yet taken by a carrier. It takes all there are each time it looks, so this is a carrier that hangs.
const HANDED_OVER: usize = 8_192;
/// Most carriers: misses are the smaller part of all queries, and one carrier does tens of thousands a second.
const MOST_CARRIERS: usize = 8;

/// A server as questions over UDP know it.
pub(super) struct Target {
    address: SocketAddr,
    /// Tells targets apart, also of one address.
    number: u32,
    ignored: AtomicU64,
}

impl Target {
    /// Datagrams from the server's address that answered nothing that was asked: another id, another question, too late, or twice.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored.load(Ordering::Relaxed)
    }
}

/// One question for one server.
pub(super) struct Sending {
    pub(super) to: Arc<Target>,
    pub(super) question: Question,
    /// Whether OPT goes with it.
    pub(super) edns: bool,
    /// Sent again after this, when nothing came.
    pub(super) retry: Duration,
    /// When whoever asks wants to be told that nothing has come yet.
    pub(super) patience: Option<Instant>,
    /// When it is given up.
    pub(super) deadline: Instant,
    pub(super) asked: Box<dyn Asked>,
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing came in time.
    Timeout,
    /// The network says that the server cannot be reached, or nothing could be sent.
    Unreachable(String),
    /// The question came back in another case than it was sent in: perhaps a forgery.
    OtherCase,
}

/// Who asked. Dropped when the process stops before there is an end.
pub(super) trait Asked: Send {
    /// The answer: octets whose id and question are those that were sent, and nothing else of which is known; or why there is none.
    /// Called on the carrier's thread, where it must not wait.
    fn ended(self: Box<Self>, end: Result<&[u8], Silence>);

    /// The patience is over. The question stays on its way; who is told of its end is given back. None: nobody, it is let go.
    fn impatient(self: Box<Self>) -> Option<Box<dyn Asked>>;

    /// Whether anybody still waits. Asked now and then.
    fn is_wanted(&self) -> bool;
}

/// The carriers, made when the first question comes.
pub(super) struct Exchange {
    handovers: OnceLock<Result<Box<[Arc<HandOver>]>, String>>,
    targets: AtomicU32,
}

/// Where questions wait for a carrier to take them.
struct HandOver {
    waiting: Mutex<Vec<Sending>>,
    /// Whether the carrier sleeps, or is about to, and has to be woken.
    asleep: AtomicBool,
    ended: AtomicBool,
    waker: Waker,
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// A thread always hands over to the same carrier, so that what it has in a batch leaves together.
    static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
}

impl Exchange {
    pub(super) fn new() -> Arc<Exchange> {
        Arc::new(Exchange { handovers: OnceLock::new(), targets: AtomicU32::new(0) })
    }

    pub(super) fn target(&self, address: SocketAddr) -> Arc<Target> {
        let number = self.targets.fetch_add(1, Ordering::Relaxed);
        Arc::new(Target { address, number, ignored: AtomicU64::new(0) })
    }

    /// Hands a question over. It leaves when the carrier looks next: [`Exchange::set_off`] makes sure that it does.
    pub(super) fn hand_over(&self, sending: Sending) {
        let refused = match self.mine() {
            Err(text) => Some((sending, text)),
            Ok(mine) => mine.push(sending).map(|sending| (sending, "too many questions wait to be sent".to_owned())),
        };
        if let Some((sending, text)) = refused {
            sending.asked.ended(Err(Silence::Unreachable(text)));
        }
    }

    /// Wakes this thread's carrier for what was handed over, if it sleeps.
    pub(super) fn set_off(&self) {
        if let Ok(mine) = self.mine() {
            mine.wake();
        }
    }

    fn mine(&self) -> Result<&HandOver, String> {
        match self.handovers.get_or_init(|| start().map_err(|error| error.to_string())) {
            Ok(handovers) => handovers
                .get(THREAD.get() % handovers.len().max(1))
                .map(|mine| &**mine)
                .ok_or_else(|| "there is no thread for questions".to_owned()),
            Err(text) => Err(format!("no thread for questions could be made: {text}")),
        }
    }
}

impl Drop for Exchange {
    /// Carriers end by themselves soon afterwards. Nobody waits for them: the last to let go may be one of them.
    fn drop(&mut self) {
        if let Some(Ok(handovers)) = self.handovers.get() {
            for handover in handovers {
                handover.ended.store(true, Ordering::Release);
                handover.waker.wake();
            }
        }
    }
}

/// How many carriers there are: one for two processors.
pub(super) fn carriers() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)).min(MOST_CARRIERS)
}

fn start() -> std::io::Result<Box<[Arc<HandOver>]>> {
    let count = carriers();
    let mut handovers = Vec::with_capacity(count);
    for number in 0..count {
        let (poll, waker) = Poll::new()?;
        let handover = Arc::new(HandOver {
            waiting: Mutex::default(),
            asleep: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            waker,
        });
        let carrier = Carrier::new(handover.clone(), poll);
        thread::Builder::new().name(format!("upstream-{number}")).spawn(move || carrier.run())?;
        handovers.push(handover);
    }
    Ok(handovers.into())
}

impl HandOver {
    /// Gives the question back when too many wait.
    fn push(&self, sending: Sending) -> Option<Sending> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= HANDED_OVER {
            return Some(sending);
        }
        waiting.push(sending);
        None
    }

    fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.waker.wake();
        }
    }

    /// Puts everything that waits into `taken`, which is empty.
    fn take(&self, taken: &mut Vec<Sending>) {
        std::mem::swap(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner), taken);
    }

    /// Says that the carrier is about to sleep; false when there is something to do after all.
    fn may_sleep(&self) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        let nothing = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if !nothing {
            self.asleep.store(false, Ordering::SeqCst);
        }
        nothing && !self.has_ended()
    }

    fn woke(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests;
