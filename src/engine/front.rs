//! A worker's own front of the cache: the answers it gave last, found without a lock, without a count of references, and with the memory
//! they lie in asked for before it is needed.
//!
//! An answer comes here when it is found in the cache, that is when it is asked for once more: what is asked for once only passes by. It
//! stays an answer of the cache: its age and its routes are looked at each time, and past its TTL the cache is asked again.

use std::sync::Arc;

use crate::cache::{Kept, Key};
use crate::dns::soon;

/// Slots of a group: as many as a line of the processor's memory has.
const WAYS: usize = 4;

/// The answers a worker has at hand.
pub struct Front {
    groups: Box<[Group]>,
    /// Which slot of a full group is given up next.
    next: u8,
}

#[derive(Default)]
#[repr(align(64))]
struct Group([Slot; WAYS]);

#[derive(Default)]
struct Slot {
    hash: u64,
    kept: Option<Arc<Kept>>,
}

/// Where an answer stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    group: usize,
    slot: usize,
}

impl Front {
    /// A front of about so many answers; none for none.
    pub fn new(answers: usize) -> Front {
        let groups = if answers == 0 { 0 } else { (answers / WAYS).next_power_of_two() };
        Front { groups: (0..groups).map(|_| Group::default()).collect(), next: 0 }
    }

    #[inline]
    fn group(&self, hash: u64) -> usize {
        // The number of groups is a power of two.
        (hash >> 32) as usize & self.groups.len().wrapping_sub(1)
    }

    #[inline]
    fn by_hash(&self, hash: u64) -> Option<&Arc<Kept>> {
        let group = self.groups.get(self.group(hash))?;
        group.0.iter().find(|slot| slot.hash == hash).and_then(|slot| slot.kept.as_ref())
    }

    /// First step: asks for the group of a question.
    #[inline]
    pub fn foresee(&self, hash: u64) {
        if let Some(group) = self.groups.get(self.group(hash)) {
            soon::will_look_at(group);
        }
    }

    /// Second step: asks for what is kept of the answer.
    #[inline]
    pub fn reach(&self, hash: u64) {
        if let Some(kept) = self.by_hash(hash) {
            soon::will_look_at(&**kept);
        }
    }

    /// Third step: asks for the answer itself.
    #[inline]
    pub fn grasp(&self, hash: u64) {
        if let Some(kept) = self.by_hash(hash) {
            kept.ready.will_read();
        }
    }

    /// Where the answer to a question is, if it is here.
    #[inline]
    pub fn find(&self, key: &Key<'_>) -> Option<Place> {
        let group = self.group(key.hash());
        let slots = &self.groups.get(group)?.0;
        let slot = slots.iter().position(|slot| slot.hash == key.hash())?;
        slots[slot].kept.as_ref().filter(|kept| kept.is_for(key)).map(|_| Place { group, slot })
    }

    /// The answer at a place that was found, as long as nothing was kept since.
    #[inline]
    pub fn at(&self, place: Place) -> Option<&Kept> {
        self.groups.get(place.group)?.0.get(place.slot)?.kept.as_deref()
    }

    /// Keeps an answer at hand, in the place of another one where there is no room.
    pub fn keep(&mut self, key: &Key<'_>, kept: Arc<Kept>) {
        let group = self.group(key.hash());
        let Some(Group(slots)) = self.groups.get_mut(group) else { return };
        let here = slots.iter().position(|slot| slot.hash == key.hash());
        let place = here.or_else(|| slots.iter().position(|slot| slot.kept.is_none())).unwrap_or_else(|| {
            self.next = self.next.wrapping_add(1);
            usize::from(self.next) % WAYS
        });
        slots[place] = Slot { hash: key.hash(), kept: Some(kept) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Bits;
    use crate::dns::ready::{Loose, assemble};
    use crate::dns::{Name, Ready};
    use crate::moment::Moment;

    fn kept(name: &Name) -> Arc<Kept> {
        let record = Loose { owner: *name, rtype: 1, class: 1, ttl: 60, rdata: vec![192, 0, 2, 1] };
        let ready = Ready::from_wire(assemble(name, 1, 0, &[vec![record], vec![]]), 0).unwrap();
        Arc::new(Kept {
            ready,
            born: Moment::default(),
            routes: 1,
            bits: Bits::default(),
            authentic: false,
            upstream: "test".into(),
            ede: None,
        })
    }

    fn key(hash: u64, name: &Name) -> Key<'_> {
        Key::new(hash, name, 1, Bits::default())
    }

    #[test]
    fn what_was_kept_is_found_by_its_question_alone() {
        let (a, b) = (Name::parse("a.test").unwrap(), Name::parse("b.test").unwrap());
        let mut front = Front::new(64);
        front.keep(&key(7, &a), kept(&a));
        let place = front.find(&key(7, &a)).unwrap();
        assert!(front.at(place).unwrap().is_for(&key(7, &a)));
        assert!(front.find(&key(8, &a)).is_none());
        assert!(front.find(&key(7, &b)).is_none(), "the same hash is not the same question");
    }

    #[test]
    fn it_holds_no_more_than_it_has_room_for_and_a_later_answer_takes_the_place_of_an_earlier_one() {
        let name = Name::parse("a.test").unwrap();
        let answers: Vec<_> = (0..500).map(|_| kept(&name)).collect();
        let mut front = Front::new(64);
        for (hash, answer) in answers.iter().enumerate() {
            front.keep(&key((hash as u64) << 25, &name), Arc::clone(answer));
            front.keep(&key((hash as u64) << 25, &name), Arc::clone(answer));
        }
        let held = answers.iter().filter(|answer| Arc::strong_count(answer) == 2).count();
        assert_eq!(answers.iter().map(|answer| Arc::strong_count(answer) - 1).sum::<usize>(), held);
        assert!((32..=64).contains(&held), "{held}");
        drop(front);
        assert!(answers.iter().all(|answer| Arc::strong_count(answer) == 1));
    }

    #[test]
    fn a_front_without_room_keeps_nothing() {
        let name = Name::parse("a.test").unwrap();
        let mut front = Front::new(0);
        front.keep(&key(1, &name), kept(&name));
        assert!(front.find(&key(1, &name)).is_none());
        front.foresee(1);
        front.reach(1);
        front.grasp(1);
    }
}
