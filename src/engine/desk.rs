//! Where tickets close: a lane of the log and the counters of one thread.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::engine::Snapshot;
use crate::metrics::Counters;
use crate::moment::Moment;
use crate::policy::Standing;
use crate::store::Lane;

/// One thread's own lane and counters.
pub struct Desk {
    /// The lane its records enter.
    pub lane: Lane,
    /// The counters it moves.
    pub counters: Counters,
    /// Which schedules are in force, as last worked out, and for which generation. Not there while a query is decided by it: it is large, and
    /// taken and put back it is not copied.
    standing: Option<Box<Standing>>,
    standing_of: u64,
    /// The clock as it was read last, for how many more tickets that will do, and for how many a reading does.
    read: Instant,
    left: u8,
    good_for: u8,
}

/// So many tickets of a batch close by one reading of the clock: each takes about a microsecond, and a reading of it a tenth of one.
const OF_A_BATCH: u8 = 8;

impl Desk {
    /// A desk.
    pub fn new(lane: Lane, counters: Counters) -> Desk {
        Desk { lane, counters, standing: None, standing_of: 0, read: Instant::now(), left: 0, good_for: 1 }
    }

    /// A batch begins: the first ticket of it that closes reads the clock anew, and some others share what it read.
    #[inline]
    pub fn begin_batch(&mut self) {
        (self.left, self.good_for) = (0, OF_A_BATCH);
    }

    /// The clock, for a ticket that closes. In a batch it may be behind by some microseconds.
    #[inline]
    pub fn clock(&mut self) -> Instant {
        if self.left == 0 {
            (self.read, self.left) = (Instant::now(), self.good_for);
        }
        self.left -= 1;
        self.read
    }

    /// Takes which schedules of `snapshot` are in force at `now`: worked out only when a window begins or ends. To be put back.
    #[inline]
    pub fn take_standing(&mut self, snapshot: &Snapshot, now: Moment) -> Box<Standing> {
        let standing = self.standing.take();
        let known = standing.filter(|standing| self.standing_of == snapshot.generation && standing.holds(now));
        let mut standing = known.unwrap_or_else(|| Box::new(snapshot.standing(now)));
        self.standing_of = snapshot.generation;
        standing.at = now;
        standing
    }

    /// Puts back what was taken, for the next query.
    #[inline]
    pub fn put_standing(&mut self, standing: Box<Standing>) {
        self.standing = Some(standing);
    }
}

/// The desks of the slow way. A thread always goes to the same desk, so that no two of the runtime's threads ever wait for one another.
pub struct Desks {
    desks: Box<[Mutex<Desk>]>,
}

/// Something a ticket can close at.
pub trait At {
    /// Gives the desk to `work`.
    fn desk<R>(&mut self, work: impl FnOnce(&mut Desk) -> R) -> R;
}

impl At for &mut Desk {
    #[inline]
    fn desk<R>(&mut self, work: impl FnOnce(&mut Desk) -> R) -> R {
        work(self)
    }
}

impl At for Arc<Desks> {
    fn desk<R>(&mut self, work: impl FnOnce(&mut Desk) -> R) -> R {
        self.with(work)
    }
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
}

impl Desks {
    /// Desks for as many threads as there are entries; at least one.
    pub fn new(desks: impl IntoIterator<Item = Desk>) -> Desks {
        Desks { desks: desks.into_iter().map(Mutex::new).collect() }
    }

    /// Gives this thread's desk to `work`.
    pub fn with<R>(&self, work: impl FnOnce(&mut Desk) -> R) -> R {
        let place = THREAD.get() % self.desks.len();
        // A panic while a desk was held leaves lane and counters whole: both publish in one step.
        let mut desk = self.desks[place].lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut desk)
    }
}
