//! Things that repeat, kept once: values by place, and sets of places.

use std::collections::HashMap;
use std::hash::Hash;

use super::CompileError;

/// Values, each kept once.
pub(super) struct Interned<T> {
    pub(super) values: Vec<T>,
    known: HashMap<T, u32>,
    last: u32,
}

impl<T> Default for Interned<T> {
    fn default() -> Interned<T> {
        Interned { values: Vec::new(), known: HashMap::new(), last: 0 }
    }
}

impl<T: Clone + Eq + Hash> Interned<T> {
    /// The place of a value. Lists come one after the other, so the last one used is looked at first.
    #[inline]
    pub(super) fn place(&mut self, value: &T) -> Result<u32, CompileError> {
        if self.values.get(self.last as usize) == Some(value) {
            return Ok(self.last);
        }
        if let Some(&place) = self.known.get(value) {
            self.last = place;
            return Ok(place);
        }
        let place = u32::try_from(self.values.len()).map_err(|_| CompileError::TooLarge)?;
        self.values.push(value.clone());
        self.known.insert(value.clone(), place);
        self.last = place;
        Ok(place)
    }
}

/// Sets of sources, one for each name.
#[derive(Default)]
pub(super) struct Sets {
    interned: Interned<Box<[u32]>>,
    used: Vec<u64>,
    key: Vec<u32>,
    /// By place in `interned`: the place in the file; and the other way round.
    places: Vec<u32>,
    order: Vec<u32>,
    /// The set of each name, as its place in `interned`.
    pub(super) of_names: Vec<u32>,
}

impl Sets {
    /// Adds the set of the next name.
    pub(super) fn add(&mut self, sources: impl Iterator<Item = u32>) -> Result<(), CompileError> {
        self.key.clear();
        self.key.extend(sources);
        let same_as_last =
            self.interned.values.get(self.interned.last as usize).is_some_and(|last| **last == self.key[..]);
        let set = match same_as_last {
            true => self.interned.last,
            false => self.interned.place(&self.key[..].into())?,
        };
        if self.used.len() <= set as usize {
            self.used.resize(set as usize + 1, 0);
        }
        self.used[set as usize] += 1;
        self.of_names.push(set);
        Ok(())
    }

    /// Gives the sets their places in the file: the most used first.
    pub(super) fn sort_by_use(&mut self) {
        self.order = (0..self.interned.values.len() as u32).collect();
        self.order.sort_by_key(|set| std::cmp::Reverse(self.used[*set as usize]));
        self.places = vec![0; self.order.len()];
        for (place, set) in (0..).zip(&self.order) {
            self.places[*set as usize] = place;
        }
    }

    /// The place in the file of a set of `of_names`.
    pub(super) fn place(&self, set: u32) -> u32 {
        self.places[set as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Where each set begins among the members, and where the last one ends.
    pub(super) fn starts(&self) -> impl Iterator<Item = u32> {
        let mut next = 0u32;
        let lengths = self.order.iter().map(|set| self.interned.values[*set as usize].len() as u32);
        std::iter::once(0).chain(lengths.map(move |length| {
            next += length;
            next
        }))
    }

    /// The members of all sets, one after the other.
    pub(super) fn members(&self) -> impl Iterator<Item = &u32> {
        self.order.iter().flat_map(|set| self.interned.values[*set as usize].iter())
    }
}
