//! Equal questions at the same time: one goes up, all get its answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;

/// Parts of the table, so that threads seldom wait for one another.
const PARTS: usize = 16;

/// One who asks.
pub trait Asker<V>: Send {
    /// The value; or none, where the work ended without one, since the process is stopping. Called on the thread where the work ends,
    /// where it must not wait. One who is dropped untold was taken along by a panic.
    fn told(self: Box<Self>, value: Option<V>);

    /// Whether the value is still wanted. Work that nobody wants any more is let go.
    fn is_wanted(&self) -> bool;
}

/// All who ask the same but the first, by what they ask.
type Others<K, V> = HashMap<K, Vec<Box<dyn Asker<V>>>, RandomState>;

/// What is on its way, by what is asked, with all who ask but the first. Bounded.
pub(super) struct InFlight<K, V> {
    parts: [Mutex<Others<K, V>>; PARTS],
    hash: RandomState,
    count: AtomicUsize,
    limit: usize,
}

/// What becomes of one who asks.
pub(super) enum Joined<K: Hash + Eq + Copy, V: Clone> {
    /// The first: whoever has this does the work, and lands it.
    First(Flight<K, V>),
    /// Equal work is on its way, and its value will be told.
    Behind,
    /// As much as may be is on its way already.
    Full(Box<dyn Asker<V>>),
}

/// Work on its way. Dropped before it has landed, all who ask are told so; by a panic, they are dropped with it.
pub(super) struct Flight<K: Hash + Eq + Copy, V: Clone> {
    of: Arc<InFlight<K, V>>,
    key: K,
    first: Option<Box<dyn Asker<V>>>,
}

impl<K: Hash + Eq + Copy, V: Clone> InFlight<K, V> {
    pub(super) fn new(limit: usize) -> Arc<InFlight<K, V>> {
        let parts = std::array::from_fn(|_| Mutex::new(HashMap::default()));
        Arc::new(InFlight { parts, hash: RandomState::default(), count: AtomicUsize::new(0), limit })
    }

    /// Joins equal work that is on its way, or begins it.
    pub(super) fn join(self: &Arc<Self>, key: K, asker: Box<dyn Asker<V>>) -> Joined<K, V> {
        match self.part(&key).lock().unwrap_or_else(PoisonError::into_inner).entry(key) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push(asker);
                Joined::Behind
            }
            Entry::Vacant(place) => {
                if self.count.fetch_add(1, Ordering::Relaxed) >= self.limit {
                    self.count.fetch_sub(1, Ordering::Relaxed);
                    return Joined::Full(asker);
                }
                place.insert(Vec::new());
                Joined::First(Flight { of: self.clone(), key, first: Some(asker) })
            }
        }
    }

    /// Begins work, unless equal work is on its way, or as much as may be is: then nobody waits for it.
    pub(super) fn begin(self: &Arc<Self>, key: K, asker: Box<dyn Asker<V>>) -> Option<Flight<K, V>> {
        if self.part(&key).lock().unwrap_or_else(PoisonError::into_inner).contains_key(&key) {
            return None;
        }
        // Who comes between here and there does the work, and one more who is told does no harm.
        match self.join(key, asker) {
            Joined::First(flight) => Some(flight),
            Joined::Behind | Joined::Full(_) => None,
        }
    }

    /// Takes the key out; who asked besides the first.
    fn leave(&self, key: &K) -> Vec<Box<dyn Asker<V>>> {
        let waiting = self.part(key).lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        self.count.fetch_sub(1, Ordering::Relaxed);
        waiting.unwrap_or_default()
    }

    fn part(&self, key: &K) -> &Mutex<Others<K, V>> {
        // The upper bits: the table within a part goes by others.
        &self.parts[(self.hash.hash_one(key) >> 40) as usize % PARTS]
    }
}

impl<K: Hash + Eq + Copy, V: Clone> Flight<K, V> {
    /// Tells the value to all who ask. The work is no longer on its way when the first of them hears of it.
    pub(super) fn land(mut self, value: V) {
        let Some(first) = self.first.take() else { return };
        for asker in self.of.leave(&self.key) {
            asker.told(Some(value.clone()));
        }
        first.told(Some(value));
    }

    /// What is asked.
    pub(super) fn key(&self) -> &K {
        &self.key
    }

    /// Whether anybody wants the value.
    pub(super) fn is_wanted(&self) -> bool {
        let others = || {
            let waiting = self.of.part(&self.key).lock().unwrap_or_else(PoisonError::into_inner);
            waiting.get(&self.key).is_some_and(|waiting| waiting.iter().any(|asker| asker.is_wanted()))
        };
        self.first.as_ref().is_some_and(|first| first.is_wanted()) || others()
    }
}

impl<K: Hash + Eq + Copy, V: Clone> Drop for Flight<K, V> {
    fn drop(&mut self) {
        if let Some(first) = self.first.take() {
            let others = self.of.leave(&self.key);
            // Whoever is told may do much, and a panic within a panic would end the process.
            if std::thread::panicking() {
                return;
            }
            for asker in others {
                asker.told(None);
            }
            first.told(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    struct One(SyncSender<Option<u32>>, Arc<AtomicBool>);

    impl Asker<u32> for One {
        fn told(self: Box<Self>, value: Option<u32>) {
            let _ = self.0.send(value);
        }

        fn is_wanted(&self) -> bool {
            self.1.load(Ordering::Relaxed)
        }
    }

    type Told = Receiver<Option<u32>>;

    fn ask_while(flights: &Arc<InFlight<u32, u32>>, key: u32, wanted: &Arc<AtomicBool>) -> (Joined<u32, u32>, Told) {
        let (tell, told) = sync_channel(1);
        (flights.join(key, Box::new(One(tell, wanted.clone()))), told)
    }

    fn ask(flights: &Arc<InFlight<u32, u32>>, key: u32) -> (Joined<u32, u32>, Told) {
        ask_while(flights, key, &Arc::new(AtomicBool::new(true)))
    }

    fn first((joined, told): (Joined<u32, u32>, Told)) -> (Flight<u32, u32>, Told) {
        match joined {
            Joined::First(flight) => (flight, told),
            _ => panic!("not the first"),
        }
    }

    fn behind((joined, told): (Joined<u32, u32>, Told)) -> Told {
        assert!(matches!(joined, Joined::Behind));
        told
    }

    fn on_their_way(flights: &InFlight<u32, u32>) -> (usize, usize) {
        (flights.count.load(Ordering::Relaxed), flights.parts.iter().map(|part| part.lock().unwrap().len()).sum())
    }

    #[test]
    fn equal_work_is_done_once_and_unequal_work_apart() {
        let flights = InFlight::new(10);
        let (one, told) = first(ask(&flights, 1));
        let others = [behind(ask(&flights, 1)), behind(ask(&flights, 1))];
        let (two, told_two) = first(ask(&flights, 2));
        one.land(2);
        two.land(4);
        assert_eq!(told.recv(), Ok(Some(2)));
        assert!(others.iter().all(|told| told.recv() == Ok(Some(2))));
        assert_eq!(told_two.recv(), Ok(Some(4)));
        assert_eq!(on_their_way(&flights), (0, 0));
    }

    #[test]
    fn work_that_is_on_its_way_is_not_begun_again() {
        let flights = InFlight::new(2);
        let begin = |key| {
            let (tell, told) = sync_channel(1);
            (flights.begin(key, Box::new(One(tell, Arc::new(AtomicBool::new(true))))), told)
        };
        let (flight, told) = begin(1);
        let (again, untold) = begin(1);
        assert!(again.is_none() && untold.recv().is_err());
        let _other = begin(2);
        assert!(begin(3).0.is_none(), "as much as may be is on its way");
        flight.unwrap().land(5);
        assert_eq!(told.recv(), Ok(Some(5)));
        assert!(begin(1).0.is_some());
    }

    #[test]
    fn an_asker_that_goes_away_strands_nobody() {
        let flights = InFlight::new(10);
        let (flight, told) = first(ask(&flights, 1));
        let other = behind(ask(&flights, 1));
        drop(told);
        flight.land(7);
        assert_eq!(other.recv(), Ok(Some(7)));
    }

    #[test]
    fn work_is_wanted_while_anybody_wants_it() {
        let flights = InFlight::new(10);
        let (one, other) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
        let (flight, _told) = first(ask_while(&flights, 1, &one));
        let _behind = behind(ask_while(&flights, 1, &other));
        one.store(false, Ordering::Relaxed);
        assert!(flight.is_wanted());
        other.store(false, Ordering::Relaxed);
        assert!(!flight.is_wanted());
    }

    #[test]
    fn what_is_given_up_is_told() {
        let flights = InFlight::new(10);
        let (flight, told) = first(ask(&flights, 1));
        let other = behind(ask(&flights, 1));
        drop(flight);
        assert_eq!((told.recv(), other.recv()), (Ok(None), Ok(None)));
    }

    #[test]
    fn what_is_too_much_or_panics_leaves_no_trace() {
        let flights = InFlight::new(1);
        let (flight, told) = first(ask(&flights, 1));
        let other = behind(ask(&flights, 1));
        assert!(matches!(ask(&flights, 2).0, Joined::Full(_)));
        let panicked = std::thread::spawn(move || {
            let _flight = flight;
            std::panic::resume_unwind(Box::new("broken"));
        });
        assert!(panicked.join().is_err());
        assert!(told.recv().is_err() && other.recv().is_err());
        drop(first(ask(&flights, 1)).0);
        let (flight, told) = first(ask(&flights, 1));
        flight.land(3);
        assert_eq!(told.recv(), Ok(Some(3)));
        assert_eq!(on_their_way(&flights), (0, 0));
    }
}
