//! What happened at the doors, in numbers, for the metrics to read.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::udp::UdpSocket;

/// What kept a packet from being taken in or an answer from going out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The other side said that nobody listens (ICMP port unreachable), or reset the connection.
    Refused,
    /// No way there: network, host or address unreachable.
    Unreachable,
    /// Larger than the way, the buffer or the protocol allows.
    TooBig,
    /// The system had no room: full queue, no memory.
    NoRoom,
    /// The system forbids it: a packet filter.
    Forbidden,
    /// It took longer than it may.
    TooSlow,
    /// A packet nobody could answer: from port 0, or without the address it was sent to.
    Unanswerable,
    /// Anything else.
    Other,
}

impl Trouble {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Trouble; 8] = [
        Trouble::Refused,
        Trouble::Unreachable,
        Trouble::TooBig,
        Trouble::NoRoom,
        Trouble::Forbidden,
        Trouble::TooSlow,
        Trouble::Unanswerable,
        Trouble::Other,
    ];

    /// The word used in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Trouble::Refused => "refused",
            Trouble::Unreachable => "unreachable",
            Trouble::TooBig => "too-big",
            Trouble::NoRoom => "no-room",
            Trouble::Forbidden => "forbidden",
            Trouble::TooSlow => "too-slow",
            Trouble::Unanswerable => "unanswerable",
            Trouble::Other => "other",
        }
    }

    /// The kind of a system error.
    pub(super) fn of(error: &io::Error) -> Trouble {
        match error.raw_os_error() {
            Some(libc::ECONNREFUSED | libc::ECONNRESET | libc::EPIPE | libc::ECONNABORTED) => Trouble::Refused,
            Some(
                libc::EHOSTUNREACH
                | libc::ENETUNREACH
                | libc::ENETDOWN
                | libc::EHOSTDOWN
                | libc::EADDRNOTAVAIL
                | libc::ENODEV,
            ) => Trouble::Unreachable,
            Some(libc::EMSGSIZE) => Trouble::TooBig,
            Some(libc::ENOBUFS | libc::ENOMEM | libc::EAGAIN | libc::EMFILE | libc::ENFILE) => Trouble::NoRoom,
            Some(libc::EPERM | libc::EACCES) => Trouble::Forbidden,
            Some(libc::ETIMEDOUT) => Trouble::TooSlow,
            _ => Trouble::Other,
        }
    }
}

/// A count for each kind of trouble.
#[derive(Debug, Default)]
pub(super) struct Troubles([AtomicU64; Trouble::ALL.len()]);

impl Troubles {
    pub(super) fn add(&self, trouble: Trouble, times: u64) {
        if let Some(count) = self.0.get(trouble as usize) {
            count.fetch_add(times, Ordering::Relaxed);
        }
    }

    fn read(&self) -> [u64; Trouble::ALL.len()] {
        std::array::from_fn(|at| self.0.get(at).map_or(0, |count| count.load(Ordering::Relaxed)))
    }
}

/// What one UDP worker counts: written by its thread alone, once a batch, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct WorkerTally {
    pub(super) batches: AtomicU64,
    pub(super) packets: AtomicU64,
    pub(super) answers: AtomicU64,
}

/// Adds to a counter that only this thread writes: no locked instruction.
pub(super) fn bump(count: &AtomicU64, by: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

/// Counters of all doors. They only grow, except `tcp_open`; [`DoorCounters::read`] gives their values.
#[derive(Debug, Default)]
pub struct DoorCounters {
    workers: Vec<Arc<WorkerTally>>,
    pub(super) receive: Troubles,
    pub(super) send: Troubles,
    pub(super) later_started: AtomicU64,
    pub(super) later_sent: AtomicU64,
    pub(super) later_refused: AtomicU64,
    pub(super) panics: AtomicU64,
    pub(super) tcp_open: AtomicU64,
    pub(super) tcp_accepted: AtomicU64,
    pub(super) tcp_refused: AtomicU64,
    pub(super) tcp_evicted: AtomicU64,
    pub(super) tcp_idle: AtomicU64,
    pub(super) tcp_slow: AtomicU64,
    pub(super) tcp_malformed: AtomicU64,
    pub(super) tcp_queries: AtomicU64,
    pub(super) tcp_answers: AtomicU64,
    pub(super) tcp_accept: Troubles,
    // Weak: whoever reads the counters must not keep a port bound. A socket leaves its last number in `dropped_before`.
    sockets: Mutex<Vec<Weak<UdpSocket>>>,
    pub(super) dropped_before: Arc<AtomicU64>,
}

impl DoorCounters {
    /// Counters of these UDP workers, and of everything else.
    pub(super) fn new(workers: Vec<Arc<WorkerTally>>) -> DoorCounters {
        DoorCounters { workers, ..DoorCounters::default() }
    }

    /// The counters as they stand.
    pub fn read(&self) -> DoorCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let sum = |pick: fn(&WorkerTally) -> &AtomicU64| self.workers.iter().map(|worker| read(pick(worker))).sum();
        let sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = sockets.iter().filter_map(Weak::upgrade).filter_map(|socket| socket.dropped()).sum::<u64>();
        DoorCounts {
            udp_batches: sum(|worker| &worker.batches),
            udp_packets: sum(|worker| &worker.packets),
            udp_answers: sum(|worker| &worker.answers),
            udp_dropped: read(&self.dropped_before) + dropped,
            udp_later_started: read(&self.later_started),
            udp_later_sent: read(&self.later_sent),
            udp_later_refused: read(&self.later_refused),
            udp_receive_troubles: self.receive.read(),
            send_troubles: self.send.read(),
            panics: read(&self.panics),
            tcp_open: read(&self.tcp_open),
            tcp_accepted: read(&self.tcp_accepted),
            tcp_refused: read(&self.tcp_refused),
            tcp_evicted: read(&self.tcp_evicted),
            tcp_idle: read(&self.tcp_idle),
            tcp_slow: read(&self.tcp_slow),
            tcp_malformed: read(&self.tcp_malformed),
            tcp_queries: read(&self.tcp_queries),
            tcp_answers: read(&self.tcp_answers),
            tcp_accept_troubles: self.tcp_accept.read(),
        }
    }

    /// Packets taken in by each UDP worker, to see whether they share the load.
    pub fn packets_by_worker(&self) -> Vec<u64> {
        self.workers.iter().map(|worker| worker.packets.load(Ordering::Relaxed)).collect()
    }

    /// Counts what these sockets drop.
    pub(super) fn watch<'a>(&self, sockets: impl Iterator<Item = &'a Arc<UdpSocket>>) {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).extend(sockets.map(Arc::downgrade));
    }

    pub(super) fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// The values of [`DoorCounters`] at one time. Arrays are in the order of [`Trouble::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoorCounts {
    /// Batches of UDP packets taken in.
    pub udp_batches: u64,
    /// UDP packets taken in and given to a worker.
    pub udp_packets: u64,
    /// UDP answers sent by the workers themselves; those of `Later` are in `udp_later_sent`.
    pub udp_answers: u64,
    /// UDP packets the kernel dropped because a socket's buffer was full.
    pub udp_dropped: u64,
    /// `Later` answers begun.
    pub udp_later_started: u64,
    /// `Later` answers sent.
    pub udp_later_sent: u64,
    /// `Later` answers given back because too many were in flight.
    pub udp_later_refused: u64,
    /// UDP packets that could not be taken in.
    pub udp_receive_troubles: [u64; Trouble::ALL.len()],
    /// Answers that could not be sent, over UDP and TCP.
    pub send_troubles: [u64; Trouble::ALL.len()],
    /// Panics behind a door, each of which cost a query (or a batch) its answer.
    pub panics: u64,
    /// TCP connections open now.
    pub tcp_open: u64,
    /// TCP connections accepted.
    pub tcp_accepted: u64,
    /// TCP connections closed at once because too many were open, none of them idle.
    pub tcp_refused: u64,
    /// Idle TCP connections closed to make place for a new one.
    pub tcp_evicted: u64,
    /// TCP connections closed because they had been idle for too long.
    pub tcp_idle: u64,
    /// TCP connections closed because a message took too long to come or an answer too long to go.
    pub tcp_slow: u64,
    /// TCP connections closed because of a message too short to be one.
    pub tcp_malformed: u64,
    /// Queries taken in over TCP.
    pub tcp_queries: u64,
    /// Answers written to TCP connections.
    pub tcp_answers: u64,
    /// Connections that could not be accepted.
    pub tcp_accept_troubles: [u64; Trouble::ALL.len()],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_stands_at_its_own_number() {
        for (at, trouble) in Trouble::ALL.into_iter().enumerate() {
            assert_eq!(trouble as usize, at, "{}", trouble.word());
        }
    }

    #[test]
    fn system_errors_are_sorted_by_kind() {
        let of = |code| Trouble::of(&io::Error::from_raw_os_error(code));
        assert_eq!(of(libc::ECONNREFUSED), Trouble::Refused);
        assert_eq!(of(libc::EMSGSIZE), Trouble::TooBig);
        assert_eq!(of(libc::ENOBUFS), Trouble::NoRoom);
        assert_eq!(of(libc::ENETUNREACH), Trouble::Unreachable);
        assert_eq!(of(libc::EPERM), Trouble::Forbidden);
        assert_eq!(of(libc::EBADF), Trouble::Other);
    }
}
