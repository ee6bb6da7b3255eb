//! Who has a connection open: caps in all and for each client, and who makes place when they are reached.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::serve::counters::DoorCounters;

/// Every connection of the TCP doors.
///
/// When a cap is reached, the connection that has been idle for longest makes place: of the same client at its own cap, of
/// all at the cap in all. RFC 7766 section 6.2.3 lets a server close an idle connection at any time, and clients come back.
/// A connection with a query in flight or a message half read is never closed for another one; when there is no idle one,
/// the new one is refused.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    most_per_client: usize,
    pressed_from: usize,
    born: Instant,
    table: Mutex<Table>,
    /// Connections whose task still runs, those that were told to go among them.
    alive: AtomicUsize,
    empty: Notify,
    counters: Arc<DoorCounters>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    seats: HashMap<u64, Arc<Seat>>,
    per_client: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Seat {
    client: IpAddr,
    /// Microseconds from the birth of the table to the moment it became idle; [`BUSY`] while it is not.
    idle_since: AtomicU64,
    told: AtomicBool,
    tell: Notify,
}

const BUSY: u64 = u64::MAX;

/// Whose places are counted together: an IPv4 address, or the /64 of an IPv6 one, since a machine has all of it (RFC 7934).
fn one_client(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !(u64::MAX as u128)).into()),
        v4 => v4,
    }
}

impl Places {
    pub(super) fn new(most: usize, most_per_client: usize, counters: Arc<DoorCounters>) -> Arc<Places> {
        Arc::new(Places {
            most,
            most_per_client,
            pressed_from: most - most / 4,
            born: Instant::now(),
            table: Mutex::default(),
            alive: AtomicUsize::new(0),
            empty: Notify::new(),
            counters,
        })
    }

    /// A place for a new connection, where there is one or one can be made.
    pub(super) fn enter(self: &Arc<Places>, client: IpAddr) -> Option<Place> {
        let client = one_client(client);
        let mut table = self.lock();
        if table.per_client.get(&client).is_some_and(|&count| count >= self.most_per_client) {
            self.make_place(&mut table, Some(client))?;
        } else if table.seats.len() >= self.most {
            self.make_place(&mut table, None)?;
        }
        let seat = Arc::new(Seat {
            client,
            idle_since: AtomicU64::new(self.now()),
            told: AtomicBool::new(false),
            tell: Notify::new(),
        });
        let id = table.next;
        table.next += 1;
        table.seats.insert(id, seat.clone());
        *table.per_client.entry(client).or_default() += 1;
        self.alive.fetch_add(1, Ordering::AcqRel);
        self.counters.tcp_open.fetch_add(1, Ordering::Relaxed);
        Some(Place { places: self.clone(), id, seat })
    }

    /// Tells the connection that has been idle for longest to go, whoever's it is; whether there was one.
    pub(super) fn evict(&self) -> bool {
        self.make_place(&mut self.lock(), None).is_some()
    }

    /// Whether three quarters of the places are taken.
    pub(super) fn is_pressed(&self) -> bool {
        self.lock().seats.len() >= self.pressed_from
    }

    /// Waits until no connection's task runs.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.empty.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            if self.alive.load(Ordering::Acquire) == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// How many connections' tasks still run.
    pub(super) fn alive(&self) -> usize {
        self.alive.load(Ordering::Acquire)
    }

    fn make_place(&self, table: &mut Table, client: Option<IpAddr>) -> Option<()> {
        let idle = |seat: &Seat| seat.idle_since.load(Ordering::Relaxed);
        let (&id, _) = table
            .seats
            .iter()
            .filter(|(_, seat)| client.is_none_or(|client| seat.client == client) && idle(seat) != BUSY)
            .min_by_key(|(id, seat)| (idle(seat), **id))?;
        let seat = table.remove(id)?;
        seat.told.store(true, Ordering::Release);
        seat.tell.notify_one();
        DoorCounters::add(&self.counters.tcp_evicted);
        Some(())
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_micros()).unwrap_or(BUSY - 1)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn remove(&mut self, id: u64) -> Option<Arc<Seat>> {
        let seat = self.seats.remove(&id)?;
        if let Some(count) = self.per_client.get_mut(&seat.client) {
            *count -= 1;
            if *count == 0 {
                self.per_client.remove(&seat.client);
            }
        }
        Some(seat)
    }
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    id: u64,
    seat: Arc<Seat>,
}

impl Place {
    /// Says whether the connection is idle: only then may it be told to go.
    pub(super) fn set_idle(&self, idle: bool) {
        let was_idle = self.seat.idle_since.load(Ordering::Relaxed) != BUSY;
        if idle != was_idle {
            self.seat.idle_since.store(if idle { self.places.now() } else { BUSY }, Ordering::Relaxed);
        }
    }

    /// Waits until the connection is told to go.
    pub(super) async fn told_to_go(&self) {
        while !self.seat.told.load(Ordering::Acquire) {
            self.seat.tell.notified().await;
        }
    }

    /// Whether places are short.
    pub(super) fn is_pressed(&self) -> bool {
        self.places.is_pressed()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().remove(self.id);
        self.places.counters.tcp_open.fetch_sub(1, Ordering::Relaxed);
        if self.places.alive.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.places.empty.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, n])
    }

    fn places(most: usize, per_client: usize) -> (Arc<Places>, Arc<DoorCounters>) {
        let counters = Arc::new(DoorCounters::default());
        (Places::new(most, per_client, counters.clone()), counters)
    }

    #[test]
    fn the_one_idle_for_longest_makes_place() {
        let (places, counters) = places(2, 2);
        let first = places.enter(client(1)).expect("a place");
        let second = places.enter(client(2)).expect("a place");
        first.set_idle(false);
        let third = places.enter(client(3)).expect("the second's place");
        assert!(second.seat.told.load(Ordering::Acquire) && !first.seat.told.load(Ordering::Acquire));
        third.set_idle(false);
        assert!(places.enter(client(4)).is_none(), "both are busy");
        assert_eq!(counters.read().tcp_evicted, 1);
    }

    #[test]
    fn a_client_at_its_cap_takes_from_itself_alone() {
        let (places, _) = places(10, 1);
        let other = places.enter(client(1)).expect("a place");
        let own = places.enter(client(2)).expect("a place");
        own.set_idle(false);
        assert!(places.enter(client(2)).is_none());
        own.set_idle(true);
        assert!(places.enter(client(2)).is_some());
        assert!(!other.seat.told.load(Ordering::Acquire));
    }

    #[test]
    fn a_place_is_given_back_once() {
        let (places, counters) = places(1, 1);
        let first = places.enter(client(1)).expect("a place");
        let second = places.enter(client(1)).expect("its place");
        drop(first);
        second.set_idle(false);
        assert!(places.enter(client(1)).is_none(), "the evicted one has not freed it twice");
        assert_eq!(places.alive(), 1);
        drop(second);
        assert_eq!((places.alive(), counters.read().tcp_open), (0, 0));
        assert!(places.lock().per_client.is_empty());
    }
}
