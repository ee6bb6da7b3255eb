//! Looking a name up in steps, so that a worker with a batch of questions can take each step for all of them.
//!
//! Memory is what takes time: a name is looked for in a filter, then in a table of places, then among the records of its bucket, and each of
//! these is a wait of its own when nothing else is done meanwhile. Each step here asks for the memory of the next one and waits for none.

use std::mem::MaybeUninit;

use super::bucket::Suffix;
use super::{Matcher, Records};
use crate::dns::Name;
use crate::dns::soon;
use crate::list::layout::{self, FILTER, PLACE, u64_at};

/// Most labels of a suffix whose hash is kept. Rules for deeper names are rare, and found all the same: by hashing once more.
const KEPT: usize = 12;

/// How far a name has been looked up.
#[derive(Clone, Copy)]
pub struct Ahead {
    /// The keyed hash of the whole name.
    whole: u64,
    /// Bit n: suffix n may be on a list, as far as was looked.
    open: u16,
    /// Whether the filters have been asked.
    filtered: bool,
    /// How many suffixes there are whose number of labels some listed name has, shortest first. Beyond them may be left over from others.
    count: u8,
    /// Where the last label of the name begins.
    top: u8,
    /// By suffix: where it begins.
    starts: [u8; KEPT],
    /// By suffix: its labels.
    labels: [u8; KEPT],
    /// By suffix. Invariant: the first `count` are written, and as many more as make it an even number.
    hashes: [MaybeUninit<u64>; KEPT],
}

impl Ahead {
    /// Not looked up at all.
    pub const NOTHING: Ahead = Ahead {
        whole: 0,
        open: 0,
        filtered: true,
        count: 0,
        top: 0,
        starts: [0; KEPT],
        labels: [0; KEPT],
        hashes: [MaybeUninit::uninit(); KEPT],
    };

    /// The keyed hash of the whole name, by the key of the matcher that was asked.
    #[inline]
    pub fn whole(&self) -> u64 {
        self.whole
    }

    #[inline]
    fn hash(&self, number: usize) -> u64 {
        debug_assert!(number < usize::from(self.count).next_multiple_of(2));
        // SAFETY: it is asked for bits of `open`, which are below `count`, and by `filter_ahead`, which goes up to the next even number.
        unsafe { self.hashes[number].assume_init() }
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
        let mut suffixes = self.keyed.suffixes(name);
        let mut count = 0;
        while let Some((labels, start)) = suffixes.step() {
            if labels == 1 {
                ahead.top = start as u8;
            }
            if labels > KEPT || self.shallow >> labels & 1 == 0 {
                continue;
            }
            let hash = suffixes.hash();
            soon::will_read(self.bytes.get(self.filter_at(hash)..).unwrap_or_default());
            // The one after it is what makes an odd number even, unless another comes.
            (ahead.starts[count], ahead.labels[count]) = (start as u8, labels as u8);
            ahead.hashes[count].write(hash);
            ahead.hashes[(count + 1) % KEPT].write(hash);
            count += 1;
        }
        (ahead.count, ahead.open, ahead.filtered) = (count as u8, (1 << count) - 1, false);
        ahead.whole = suffixes.hash();
    }

    /// Second step: the filters. Asks for the places of what may be there. A name that is on no list has come to its end here.
    #[inline]
    pub fn filter_ahead(&self, ahead: &mut Ahead) {
        let mut passing = 0;
        // Two at a time, which most names have or fewer: how many there are is a guess for the processor, and so is which of them pass. The
        // one too many is one asked before, and what does not pass asks for what is there already.
        for number in (0..usize::from(ahead.count)).step_by(2) {
            for number in [number, number + 1] {
                let hash = ahead.hash(number);
                let passes = self.passes(hash);
                passing |= u16::from(passes) << number;
                let wanted = std::hint::select_unpredictable(passes, self.place_at(hash), self.filter_at(hash));
                soon::will_read(self.bytes.get(wanted..).unwrap_or_default());
            }
        }
        ahead.open &= passing;
        ahead.filtered = true;
    }

    #[inline]
    fn filter_at(&self, hash: u64) -> usize {
        self.filters_at + self.bucket(hash) * FILTER
    }

    #[inline]
    pub(super) fn place_at(&self, hash: u64) -> usize {
        self.places_at + self.bucket(hash) * PLACE
    }

    /// Whether the filter of its bucket lets a hash pass.
    #[inline]
    fn passes(&self, hash: u64) -> bool {
        let wanted = layout::filter(hash);
        u64_at(&self.bytes, self.filter_at(hash)).unwrap_or(0) & wanted == wanted
    }

    /// Third step: the places. Asks for the bucket, of which most have two lines of memory, some three.
    #[inline]
    pub fn place_ahead(&self, ahead: &Ahead) {
        for number in bits(ahead.open) {
            let places = u64_at(&self.bytes, self.place_at(ahead.hash(number))).unwrap_or(0);
            let (from, until) = (places as u32 as usize, (places >> 32) as usize);
            for place in [from, from + 64, until.saturating_sub(1)] {
                soon::will_read(self.bytes.get(place..).unwrap_or_default());
            }
        }
    }

    /// Last step: the records of the name and its parents, shortest first.
    #[inline]
    pub(super) fn records_of(&self, name: &Name, ahead: &Ahead, records: &mut Records) {
        for number in bits(ahead.open) {
            let hash = ahead.hash(number);
            if !ahead.filtered && !self.passes(hash) {
                continue;
            }
            let (labels, start) = (usize::from(ahead.labels[number]), usize::from(ahead.starts[number]));
            if let Some(record) = self.record(&Suffix::new(name, labels, start, usize::from(ahead.top), hash)) {
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
        let mut top = 0;
        while let Some((labels, start)) = suffixes.step() {
            if labels == 1 {
                top = start;
            }
            if labels <= KEPT || self.trailer.depths >> labels & 1 == 0 {
                continue;
            }
            if let Some(record) = self.record(&Suffix::new(name, labels, start, top, suffixes.hash())) {
                records.push(record);
            }
        }
    }
}
