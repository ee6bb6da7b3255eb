//! Octets that come again and again, each kept once and known by a number from 0 on.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

/// From so many octets on a call of the C library costs less than comparing them here.
const LONG: usize = 48;

/// Whether two keys are the same.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if a.len() >= LONG {
        return a == b;
    }
    let (words_a, rest_a) = a.as_chunks::<8>();
    let (words_b, rest_b) = b.as_chunks::<8>();
    let words = words_a.iter().zip(words_b).all(|(a, b)| u64::from_le_bytes(*a) == u64::from_le_bytes(*b));
    // What is left of a word is in the last whole one, too, where there is one.
    words
        && match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
            (Some(a), Some(b)) => a == b,
            _ => rest_a.iter().zip(rest_b).all(|(a, b)| a == b),
        }
}

/// Keys and their numbers.
pub(crate) struct Keys {
    octets: Vec<u8>,
    /// Where each begins, and where the last ends.
    starts: Vec<u32>,
    /// Upper half: of the hash. Lower half: the number and 1; 0 for an empty slot. As many as a power of two; a hash's place begins with
    /// its upper bits, so that there can be more of them without a look at the keys.
    slots: Vec<u64>,
    hasher: RandomState,
}

impl Default for Keys {
    /// None.
    fn default() -> Keys {
        Keys { octets: Vec::new(), starts: vec![0], slots: Vec::new(), hasher: RandomState::default() }
    }
}

impl Keys {
    /// The key of a number that was given out.
    #[inline]
    pub(crate) fn of(&self, number: u32) -> &[u8] {
        let number = number as usize;
        &self.octets[self.starts[number] as usize..self.starts[number + 1] as usize]
    }

    /// How long all keys are together.
    pub(crate) fn octets(&self) -> usize {
        self.octets.len()
    }

    /// Forgets all keys, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.octets.clear();
        self.starts.truncate(1);
        self.slots.fill(0);
    }

    /// The number of a key, and whether it is new.
    #[inline]
    pub(crate) fn number(&mut self, key: &[u8]) -> (u32, bool) {
        self.number_within(key, usize::MAX).unwrap_or((0, false))
    }

    /// As [`Keys::number`]; none for a new key by which all would be longer than `most` octets.
    #[inline]
    pub(crate) fn number_within(&mut self, key: &[u8], most: usize) -> Option<(u32, bool)> {
        let hash = self.hasher.hash_one(key);
        let write = |to: &mut Vec<u8>| to.extend_from_slice(key);
        self.number_of(hash, |other| same(other, key), key.len(), write, most)
    }

    /// What hashes keys that are not in one piece.
    #[inline]
    pub(crate) fn hasher(&self) -> impl Hasher {
        self.hasher.build_hasher()
    }

    /// As [`Keys::number_within`], for a key of this hash and length that `is` knows again and `write` appends.
    #[inline]
    pub(crate) fn number_of(
        &mut self,
        hash: u64,
        is: impl Fn(&[u8]) -> bool,
        length: usize,
        write: impl FnOnce(&mut Vec<u8>),
        most: usize,
    ) -> Option<(u32, bool)> {
        if self.slots.len() < 2 * self.starts.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut at = self.place(hash);
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                if self.octets.len() + length > most {
                    return None;
                }
                let number = self.starts.len() as u32 - 1;
                self.slots[at] = hash >> 32 << 32 | u64::from(number + 1);
                write(&mut self.octets);
                self.starts.push(self.octets.len() as u32);
                return Some((number, true));
            }
            if slot >> 32 == hash >> 32 && is(self.of(slot as u32 - 1)) {
                return Some((slot as u32 - 1, false));
            }
            at = (at + 1) & mask;
        }
    }

    /// Where the slot of a hash is looked for first.
    #[inline]
    fn place(&self, hash: u64) -> usize {
        (hash >> (u64::BITS - self.slots.len().trailing_zeros())) as usize
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 4).max(256);
        let slots = std::mem::replace(&mut self.slots, vec![0; size]);
        for slot in slots.into_iter().filter(|slot| *slot != 0) {
            let mut at = self.place(slot);
            while self.slots[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn equal_keys_have_one_number_and_others_another(
            keys in prop::collection::vec(prop::collection::vec(0u8..3, 0..12), 0..900),
            most in 0usize..2_000,
        ) {
            let (mut numbers, mut known) = (Keys::default(), HashMap::new());
            for key in &keys {
                let fits = numbers.octets() + key.len() <= most;
                let next = known.len() as u32;
                let wanted = match known.get(key) {
                    Some(number) => Some((*number, false)),
                    None if fits => {
                        known.insert(key.clone(), next);
                        Some((next, true))
                    }
                    None => None,
                };
                prop_assert_eq!(numbers.number_within(key, most), wanted);
            }
            for (key, number) in &known {
                prop_assert_eq!(numbers.of(*number), &key[..]);
            }
            numbers.clear();
            prop_assert_eq!(numbers.number(b"one"), (0, true));
        }
    }
}
