//! Things that repeat, kept once: values by place, and sets of sources.

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

/// Sets of sources by place: first each source alone, the one with the most names first, since nearly every name is on one list; then the
/// others as they come.
pub(super) struct Sets {
    /// By source: the place of the set that is it alone.
    alone: Vec<u32>,
    /// The sources in the order of those places.
    order: Vec<u32>,
    others: Interned<Box<[u32]>>,
}

impl Sets {
    /// Sets of sources that have so many names each.
    pub(super) fn of(names: &[u64]) -> Sets {
        let mut order: Vec<u32> = (0..names.len() as u32).collect();
        order.sort_by_key(|source| std::cmp::Reverse(names[*source as usize]));
        let mut alone = vec![0; order.len()];
        for (place, source) in (0..).zip(&order) {
            alone[*source as usize] = place;
        }
        Sets { alone, order, others: Interned::default() }
    }

    /// The place of a set.
    #[inline]
    pub(super) fn place(&mut self, sources: &[u32]) -> Result<u32, CompileError> {
        if let [source] = sources {
            return Ok(self.alone[*source as usize]);
        }
        let place = self.others.place(&Box::from(sources))?;
        u32::try_from(self.order.len()).ok().and_then(|alone| alone.checked_add(place)).ok_or(CompileError::TooLarge)
    }

    pub(super) fn len(&self) -> usize {
        self.order.len() + self.others.values.len()
    }

    fn each(&self) -> impl Iterator<Item = &[u32]> {
        self.order.chunks(1).chain(self.others.values.iter().map(|set| &**set))
    }

    /// Where each set begins among the members, and where the last one ends.
    pub(super) fn starts(&self) -> impl Iterator<Item = u32> {
        let mut next = 0u32;
        std::iter::once(0).chain(self.each().map(move |set| {
            next += set.len() as u32;
            next
        }))
    }

    /// The members of all sets, one after the other.
    pub(super) fn members(&self) -> impl Iterator<Item = &u32> {
        self.each().flatten()
    }
}
