//! Looking a name up in steps, so that a worker with a batch of questions can take each step for all of them.
//!
//! Memory is what takes time: a name is looked for in a filter, then in a table of places, then among the records of its bucket, and each of
//! these is a wait of its own when nothing else is done meanwhile. Each step here asks for the memory of the next one and waits for none.

use std::mem::MaybeUninit;

use super::{Matcher, Record, Records};
use crate::dns::Name;
use crate::dns::soon;
use crate::list::layout::{self, FILTER, PLACE, u32_at};

/// Most labels of a suffix whose hash is kept. Rules for deeper names are rare, and found all the same: by hashing once more.
const KEPT: usize = 12;

/// How far a name has been looked up.
#[derive(Clone, Copy)]
pub struct Ahead {
    /// The keyed hash of the whole name.
    whole: u64,
    /// Bit n: the hash of the last n labels is kept, and their record may be there as far as was looked.
    open: u16,
    filtered: bool,
    /// Invariant: the slot of every bit in `open` has been written.
    hashes: [MaybeUninit<u64>; KEPT + 1],
}

impl Ahead {
    /// Not looked up at all.
    pub const NOTHING: Ahead = Ahead { whole: 0, open: 0, filtered: true, hashes: [MaybeUninit::uninit(); KEPT + 1] };

    /// The keyed hash of the whole name, by the key of the matcher that was asked.
    #[inline]
    pub fn whole(&self) -> u64 {
        self.whole
    }

    #[inline]
    fn hash(&self, labels: usize) -> u64 {
        debug_assert!(self.open >> labels & 1 == 1);
        // SAFETY: it is asked for the bits of `open` alone, whose slots have been written.
        unsafe { self.hashes[labels].assume_init() }
    }
}

/// The numbers of the bits that are set, lowest first.
fn bits(mut of: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (of != 0).then(|| of.trailing_zeros() as usize);
        of &= of.wrapping_sub(1);
        lowest
    })
}

impl Matcher {
    /// First step: the hashes of the name and its parents. Asks for their filters.
    #[inline]
    pub fn foresee(&self, name: &Name, ahead: &mut Ahead) {
        let filters = &self.bytes[self.filters_at..self.places_at];
        let mut suffixes = self.keyed.suffixes(name);
        (ahead.open, ahead.filtered) = (0, false);
        while let Some((labels, _)) = suffixes.step() {
            if labels > KEPT || self.trailer.depths >> labels & 1 == 0 {
                continue;
            }
            let hash = suffixes.hash();
            soon::will_read(filters.get(self.bucket(hash) * FILTER..).unwrap_or_default());
            ahead.hashes[labels].write(hash);
            ahead.open |= 1 << labels;
        }
        ahead.whole = suffixes.hash();
    }

    /// Second step: the filters. Asks for the places of what may be there. A name that is on no list has come to its end here.
    #[inline]
    pub fn filter_ahead(&self, ahead: &mut Ahead) {
        let (filters, places) = (&self.bytes[self.filters_at..self.places_at], &self.bytes[self.places_at..]);
        for labels in bits(ahead.open) {
            let hash = ahead.hash(labels);
            let bucket = self.bucket(hash);
            let filter = filters.get(bucket * FILTER..bucket * FILTER + FILTER).map(<[u8; FILTER]>::try_from);
            let wanted = layout::filter(hash);
            match filter {
                Some(Ok(filter)) if u64::from_le_bytes(filter) & wanted == wanted => {
                    soon::will_read(places.get(bucket * PLACE..).unwrap_or_default());
                }
                _ => ahead.open &= !(1 << labels),
            }
        }
        ahead.filtered = true;
    }

    /// Third step: the places. Asks for the records, of which most buckets have two lines of memory.
    #[inline]
    pub fn place_ahead(&self, ahead: &Ahead) {
        for labels in bits(ahead.open) {
            let bucket = self.bucket(ahead.hash(labels));
            let Some(place) = u32_at(&self.bytes, self.places_at + bucket * PLACE) else { continue };
            let records = self.bytes.get(place as usize..).unwrap_or_default();
            soon::will_read(records);
            soon::will_read(records.get(64..).unwrap_or_default());
        }
    }

    /// Last step: the records of the name and its parents, shortest first.
    #[inline]
    pub(super) fn records_of(&self, name: &Name, mut ahead: Ahead, records: &mut Records) {
        if !ahead.filtered {
            self.filter_ahead(&mut ahead);
        }
        for labels in bits(ahead.open) {
            if let Some(record) = self.record(name, labels, self.bucket(ahead.hash(labels))) {
                records.push(record);
            }
        }
        if self.deepest > KEPT && name.label_count() > KEPT {
            self.deep_records(name, records);
        }
    }

    #[cold]
    fn deep_records(&self, name: &Name, records: &mut Records) {
        let mut suffixes = self.keyed.suffixes(name);
        while let Some((labels, _)) = suffixes.step() {
            if labels <= KEPT || self.trailer.depths >> labels & 1 == 0 {
                continue;
            }
            let found: Option<Record> = self.record(name, labels, self.bucket(suffixes.hash()));
            if let Some(record) = found {
                records.push(record);
            }
        }
    }
}
