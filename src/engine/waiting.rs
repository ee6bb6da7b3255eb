//! How many queries of one client wait for an upstream. Places to wait are bounded for all together; without a share for each, one client
//! that asks for names nobody answers would take them all.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// Most queries of one client that wait at a time: a quarter of what may be on its way upstream.
pub const MOST: u16 = 1_024;
/// Clients share counts where their hashes meet; rare with this many, and it only makes a share smaller.
const COUNTS: usize = 8_192;

/// Counts of waiting queries by client.
pub struct Waiting {
    counts: Box<[AtomicU16]>,
    hash: RandomState,
}

/// One query's place. Given back when it is dropped.
pub struct Seat {
    waiting: Arc<Waiting>,
    place: usize,
}

impl Waiting {
    /// Nobody waits.
    pub fn new() -> Arc<Waiting> {
        let counts = (0..COUNTS).map(|_| AtomicU16::new(0)).collect();
        Arc::new(Waiting { counts, hash: RandomState::new() })
    }

    /// A place for one more query of `client`, unless it has its share. An IPv6 client is its /64: a machine has all of it (RFC 7934).
    pub fn seat(self: &Arc<Waiting>, client: IpAddr) -> Option<Seat> {
        let whose: u128 = match client.to_canonical() {
            IpAddr::V4(v4) => u32::from(v4).into(),
            IpAddr::V6(v6) => u128::from(v6) & !(u64::MAX as u128),
        };
        let place = self.hash.hash_one(whose) as usize % COUNTS;
        let count = self.counts.get(place)?;
        let had = count.fetch_add(1, Ordering::Relaxed);
        let seat = Seat { waiting: Arc::clone(self), place };
        (had < MOST).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(count) = self.waiting.counts.get(self.place) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_its_share_and_gives_it_back() {
        let waiting = Waiting::new();
        let client: IpAddr = "2001:db8::1".parse().unwrap();
        let seats: Vec<Seat> = (0..MOST).map_while(|_| waiting.seat(client)).collect();
        assert_eq!(seats.len(), MOST as usize);
        assert!(waiting.seat(client).is_none());
        assert!(waiting.seat("2001:db8::2".parse().unwrap()).is_none(), "the same /64");
        assert!(waiting.seat("192.0.2.1".parse().unwrap()).is_some());
        drop(seats);
        assert!(waiting.seat(client).is_some());
        assert_eq!(waiting.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u16>(), 0);
    }
}
