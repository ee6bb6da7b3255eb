//! How names lie in a compiled file: a prefix code made for the names at hand, so that a name takes about half a byte a character.
//!
//! First comes the top-level domain, a frequent one as one symbol; then the octets of the other labels from left to right. What stood before
//! tells which characters are likely, vowels after consonants, so each of a few kinds of places has a code of its own. Octets below the
//! hyphen are no part of usual names, so on the wire they are lengths: all of them are the symbol [`END`], which closes the label before. So
//! the word of an octet depends on it and the one before it alone, and names are coded eight octets at a time without a look at where their
//! labels begin.
//!
//! Two kinds of names have another beginning: one with a rare top-level domain has [`OTHER`] and then all its labels, and one that is [`ODD`],
//! because it has such octets in a label or a label as long as a letter's code, has its wire form as it is.
//!
//! Each code is complete, and where a label begins the word of all ones is [`PAD`], which no name has. Octets are filled up with ones:
//! fewer than eight of them are never a symbol, so that two different names never have the same octets, and comparing octets is comparing
//! names.

mod bits;
mod tops;
mod words;

use std::collections::HashMap;

use crate::dns::Name;
use crate::list::layout::u64_at;
use bits::{Reader, Writer};
use tops::{MOST_TOPS, Tops};

/// The symbol that closes a label: every octet up to [`LAST_LENGTH`].
const END: usize = 0;
/// The greatest octet that is a length and no character: the hyphen comes after it.
const LAST_LENGTH: u8 = b'-' - 1;
/// The symbol that fills the last octet.
const PAD: usize = 212;
/// How many symbols each kind of place has.
const SYMBOLS: usize = 213;
/// Kinds of places: the beginning of a label, and after each of the groups below.
const PLACES: usize = GROUPS.len() + 1;
/// The beginning of a label.
const LABEL: usize = 0;
/// Characters that much the same comes after, so grouped as lists of names have them. All others are in the last group.
const GROUPS: [&[u8]; 7] = [b"0123456789", b"bf", b"dhjlmrv", b"knqswyz", b"ox", b"cgpt", b"aeiu-_"];
/// The kind of place that comes after each octet, as its row of the table of words.
const AFTER: [u16; 256] = {
    let mut after = [(GROUPS.len() as u16) << 8; 256];
    let mut octet = 0;
    while octet <= LAST_LENGTH as usize {
        after[octet] = (LABEL as u16) << 8;
        octet += 1;
    }
    let mut group = 0;
    while group < GROUPS.len() {
        let mut nth = 0;
        while nth < GROUPS[group].len() {
            after[GROUPS[group][nth] as usize] = (group as u16 + 1) << 8;
            nth += 1;
        }
        group += 1;
    }
    after
};
/// What a name begins with whose top-level domain has no symbol.
const OTHER: usize = 0;
/// What a name begins with that lies as it is.
const ODD: usize = 1;
/// Beginnings before those that are top-level domains.
const BEFORE_TOPS: usize = 2;
/// A top-level domain is worth a symbol of its own from so many names on.
const WORTH: u64 = 16;
/// Octets of the table of words: a row of 256 for each kind of place, and a power of two.
const TABLE: usize = 2048;
/// By count: that many octets of all ones, the first lowest.
const FIRST_OCTETS: [u64; 9] =
    [0, 0xff, 0xffff, 0xff_ffff, u32::MAX as u64, u64::MAX >> 24, u64::MAX >> 16, u64::MAX >> 8, u64::MAX];
/// Where a word stands above its length and the mark of [`END`].
const WORD_AT: u32 = 16;
const END_MARK: u32 = 1 << 8;
/// Most bits that are handed over at once.
const MOST_AT_ONCE: u32 = 56;

/// Most octets a coded name takes: each of 255 octets a longest word, and what it begins with.
pub(super) const MOST_OCTETS: usize = 512;

/// How often each symbol comes.
pub(super) struct Frequencies {
    /// By kind of place and symbol.
    symbols: Box<[[u64; SYMBOLS]; PLACES]>,
    tops: HashMap<Box<[u8]>, u64>,
    odd: u64,
}

/// A prefix code for each kind of place.
#[derive(Clone)]
pub(super) struct Code {
    /// By kind of place and octet: the word, and above it its length and whether it is [`END`].
    words: Box<[u32; TABLE]>,
    /// By beginning, those of the top-level domains left out.
    beginnings: [u32; BEFORE_TOPS],
    tops: Tops,
    /// As it lies on disk.
    octets: Box<[u8]>,
}

/// A name as it is coded.
#[derive(Clone, Copy)]
pub(super) struct Spelled<'n> {
    /// Its wire form; what comes after it means nothing.
    octets: &'n [u8],
    length: usize,
    labels: usize,
    /// Where its top-level domain begins.
    top: usize,
}

impl<'n> Spelled<'n> {
    /// The last `labels` labels of a name, which begin at `start`; the very last begins at `top`.
    #[inline]
    pub(super) fn new(name: &'n Name, labels: usize, start: usize, top: usize) -> Spelled<'n> {
        let octets = name.held().get(start..).unwrap_or_default();
        Spelled { octets, length: name.wire_len().saturating_sub(start), labels, top: top.saturating_sub(start) }
    }

    /// The name that octets begin with, in wire form.
    #[inline]
    pub(super) fn of(octets: &'n [u8]) -> Spelled<'n> {
        let (mut labels, mut top, mut at) = (0, 0, 0);
        while let Some(&length @ 1..) = octets.get(at) {
            (labels, top) = (labels + 1, at);
            at += 1 + usize::from(length);
        }
        Spelled { octets, length: at + 1, labels, top }
    }

    #[inline]
    fn wire(&self) -> &'n [u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }

    /// Whether every length is an octet that no character has.
    #[inline]
    fn has_short_labels(&self) -> bool {
        // A longer label needs a longer name.
        self.length <= usize::from(LAST_LENGTH) + 2 || self.lengths().all(|length| length <= LAST_LENGTH)
    }

    fn lengths(&self) -> impl Iterator<Item = u8> {
        let mut rest = self.wire();
        std::iter::from_fn(move || {
            let (&length, others) = rest.split_first()?;
            rest = others.get(usize::from(length)..).unwrap_or_default();
            Some(length)
        })
    }

    /// Whether it has to be coded as it is.
    fn is_odd(&self) -> bool {
        let lengths = self.wire().iter().filter(|octet| **octet <= LAST_LENGTH).count();
        !self.has_short_labels() || lengths != self.labels + 1
    }
}

impl Frequencies {
    pub(super) fn new() -> Frequencies {
        Frequencies { symbols: Box::new([[0; SYMBOLS]; PLACES]), tops: HashMap::new(), odd: 0 }
    }

    /// Counts a name.
    #[inline]
    pub(super) fn count(&mut self, name: Spelled<'_>) {
        if name.is_odd() {
            self.odd += 1;
            return;
        }
        let Some((_, top)) = name.wire().get(name.top..).and_then(<[u8]>::split_first) else { return };
        let top = top.strip_suffix(&[0]).unwrap_or(top);
        match self.tops.get_mut(top) {
            Some(count) => *count += 1,
            None => {
                self.tops.insert(top.into(), 1);
            }
        }
        self.count_octets(name.wire().get(..=name.top).unwrap_or_default(), 1);
    }

    /// Counts every octet but the first.
    #[inline]
    fn count_octets(&mut self, octets: &[u8], times: u64) {
        for pair in octets.array_windows::<2>() {
            let &[before, octet] = pair;
            self.symbols[usize::from(AFTER[usize::from(before)] >> 8)][symbol(octet)] += times;
        }
    }

    /// The code that suits what was counted.
    pub(super) fn code(mut self) -> Code {
        let mut tops: Vec<(Box<[u8]>, u64)> = std::mem::take(&mut self.tops).into_iter().collect();
        // By count, and by name where counts are equal: the same input makes the same file.
        tops.sort_unstable_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        let worth = tops.iter().take(MOST_TOPS).take_while(|(_, count)| *count >= WORTH).count();
        let mut others = 0;
        for (label, count) in tops.drain(worth..) {
            others += count;
            self.count_octets(&[&[0], &*label, &[0]].concat(), count);
        }
        // Every symbol has a word at every place, so that any name can be coded; the filling is the rarest.
        let mut all = Vec::new();
        for symbols in self.symbols.iter() {
            let mut counts: Vec<u64> = symbols.iter().map(|count| count * 4 + 4).collect();
            counts[PAD] = 1;
            all.extend(words::lengths(counts));
        }
        let beginnings = [others * 4 + 4, self.odd * 4 + 4].into_iter().chain(tops.iter().map(|(_, count)| count * 4));
        all.extend(words::lengths(beginnings.collect()));
        let tops: Vec<Box<[u8]>> = tops.into_iter().map(|(label, _)| label).collect();
        Code::of(&all, &tops)
    }
}

/// The symbol of an octet.
const fn symbol(octet: u8) -> usize {
    octet.saturating_sub(LAST_LENGTH) as usize
}

impl Code {
    /// The code of these lengths, by kind of place and symbol, the beginnings at the end.
    fn of(lengths: &[u8], tops: &[Box<[u8]>]) -> Code {
        let mut words = Box::new([0; TABLE]);
        let (of_places, of_beginnings) = lengths.split_at(PLACES * SYMBOLS);
        for (place, lengths) in of_places.chunks(SYMBOLS).enumerate() {
            let of_place = words::words(lengths);
            for octet in 0..=u8::MAX {
                let symbol = symbol(octet);
                let mark = if symbol == END { END_MARK } else { 0 };
                // A zero is no octet of a usual name: where some are coded at once, it stands for none, and is counted.
                let word = if octet == 0 { 0 } else { beside(of_place[symbol], lengths[symbol]) };
                words[place * 256 + usize::from(octet)] = word | mark;
            }
        }
        let of_beginning = words::words(of_beginnings);
        let beginnings: Vec<u32> =
            of_beginning.iter().zip(of_beginnings).map(|(word, length)| beside(*word, *length)).collect();
        let octets = (tops.len() as u16).to_le_bytes().into_iter().chain(lengths.iter().copied());
        let names = tops.iter().flat_map(|top| std::iter::once(top.len() as u8).chain(top.iter().copied()));
        Code {
            words,
            beginnings: [beginnings[OTHER], beginnings[ODD]],
            tops: Tops::new(tops, beginnings[BEFORE_TOPS..].iter().copied()),
            octets: octets.chain(names).collect(),
        }
    }

    /// Codes a name; how many octets of `out` it takes, [`MOST_OCTETS`] at most.
    #[inline]
    pub(super) fn encode(&self, name: Spelled<'_>, out: &mut [u8]) -> usize {
        let mut bits = Writer::to(out);
        if !self.spell(name, |word, length| bits.put(word, length)) {
            bits = bits.again();
            self.spell_odd(name, |word, length| bits.put(word, length));
        }
        bits.end()
    }

    /// Whether the first `size` octets of `listed` are the code of a name. More octets may come after them, and as a rule should: eight
    /// are read at a time.
    #[inline]
    pub(super) fn is(&self, listed: &[u8], size: usize, name: Spelled<'_>) -> bool {
        let mut bits = Reader::of(listed);
        if self.spell(name, |word, length| bits.compare(word, length)) {
            return bits.ends_at(size);
        }
        self.is_odd(listed, size, name)
    }

    #[cold]
    fn is_odd(&self, listed: &[u8], size: usize, name: Spelled<'_>) -> bool {
        let mut bits = Reader::of(listed);
        self.spell_odd(name, |word, length| bits.compare(word, length));
        bits.ends_at(size)
    }

    /// Hands over the words of a name, several at once: their bits, and how many these are, 56 at most. Whether this is how it is coded:
    /// where it is not, it is odd.
    #[inline]
    fn spell(&self, name: Spelled<'_>, mut put: impl FnMut(u64, u32)) -> bool {
        let (beginning, until) = match self.tops.get(name.octets, name.top) {
            Some(top) => (top, name.top),
            None => (self.beginnings[OTHER], name.length.saturating_sub(2)),
        };
        put(u64::from(beginning >> WORD_AT), beginning & 0xff);
        // Every octet from the second on, by the one before it. Beyond the last they are zeros, whose words have no bits.
        let (mut at, mut marks) = (0, 0);
        let mut place = LABEL << 8;
        while at < until {
            let octets = eight(name.octets, at + 1) & FIRST_OCTETS[(until - at).min(8)];
            let word = |octet: u8| {
                let word = self.words[(place | usize::from(octet)) & (TABLE - 1)];
                place = usize::from(AFTER[usize::from(octet)]);
                word
            };
            let [a, b, c, d, e, f, g, h] = octets.to_le_bytes().map(word);
            let (first, second) = (joined(a, b, c, d), joined(e, f, g, h));
            let (bits, both) = join(first, second);
            // Eight words of usual octets are never that long.
            if both & 0xff <= MOST_AT_ONCE {
                put(bits, both & 0xff);
            } else {
                put(first.0, first.1 & 0xff);
                put(second.0, second.1 & 0xff);
            }
            marks += both >> 8 & 0xff;
            at += 8;
        }
        if until != name.top {
            let last = name.octets.get(until).copied().unwrap_or(0);
            let place = usize::from(AFTER[usize::from(last)]);
            let end = self.words[(place | usize::from(LAST_LENGTH)) & (TABLE - 1)];
            put(u64::from(end >> WORD_AT), end & 0xff);
        }
        // The octets that are lengths, and those beyond the last one.
        marks as usize == name.labels.wrapping_sub(1).wrapping_add(at - until) && name.has_short_labels()
    }

    fn spell_odd(&self, name: Spelled<'_>, mut put: impl FnMut(u64, u32)) {
        put(u64::from(self.beginnings[ODD] >> WORD_AT), self.beginnings[ODD] & 0xff);
        name.wire().iter().for_each(|octet| put(u64::from(*octet), 8));
    }

    /// As it lies on disk: the number of top-level domains, the length of every word, the top-level domains with their lengths.
    pub(super) fn to_bytes(&self) -> &[u8] {
        &self.octets
    }

    /// None when it is no complete code.
    pub(super) fn from_bytes(from: &[u8]) -> Option<Code> {
        let (count, rest) = from.split_first_chunk::<2>()?;
        let count = usize::from(u16::from_le_bytes(*count));
        if count > MOST_TOPS {
            return None;
        }
        let (lengths, mut rest) = rest.split_at_checked(PLACES * SYMBOLS + BEFORE_TOPS + count)?;
        let (of_places, of_beginnings) = lengths.split_at(PLACES * SYMBOLS);
        if !of_places.chunks(SYMBOLS).all(can_be_filled) || !words::is_complete(of_beginnings) {
            return None;
        }
        let mut tops = Vec::with_capacity(count);
        for _ in 0..count {
            let (&length, others) = rest.split_first()?;
            let (label, others) = others.split_at_checked(usize::from(length))?;
            tops.push(Box::from(label));
            rest = others;
        }
        Some(Code::of(lengths, &tops))
    }
}

/// Whether there is a complete code of these lengths whose filling is long enough.
fn can_be_filled(lengths: &[u8]) -> bool {
    let longest = lengths.iter().max().copied().unwrap_or(0);
    words::is_complete(lengths) && lengths[PAD] == longest && longest >= 8
}

/// A word with its length beside it.
const fn beside(word: u16, length: u8) -> u32 {
    (word as u32) << WORD_AT | length as u32
}

/// Four words as one, with their lengths as one, and above these how many of them are marked.
#[inline]
fn joined(a: u32, b: u32, c: u32, d: u32) -> (u64, u32) {
    // What else stands beside a length comes above it, however many are added.
    let word = |word: u32| (u64::from(word >> WORD_AT), word);
    join(join(word(a), word(b)), join(word(c), word(d)))
}

#[inline]
fn join(a: (u64, u32), b: (u64, u32)) -> (u64, u32) {
    // A shift looks at the low bits of its number alone.
    (a.0.wrapping_shl(b.1) | b.0, a.1.wrapping_add(b.1))
}

/// Eight octets from a place on, the first lowest, zeros where there are none.
#[inline]
fn eight(from: &[u8], at: usize) -> u64 {
    u64_at(from, at).unwrap_or_else(|| last(from, at))
}

#[cold]
fn last(from: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|number| from.get(at + number).copied().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dns::Name;

    fn code(names: &[Name]) -> Code {
        let mut frequencies = Frequencies::new();
        for name in names {
            frequencies.count(Spelled::of(name.as_wire()));
        }
        let code = frequencies.code();
        let again = Code::from_bytes(code.to_bytes()).unwrap();
        assert_eq!(again.to_bytes(), code.to_bytes());
        again
    }

    fn coded(code: &Code, name: &Name) -> Vec<u8> {
        let mut out = [0; MOST_OCTETS];
        let length = code.encode(Spelled::of(name.as_wire()), &mut out);
        out[..length].to_vec()
    }

    #[test]
    fn usual_names_take_half_their_characters() {
        let names: Vec<Name> = (0..1000).map(|n| Name::parse(&format!("casino{n}.com")).unwrap()).collect();
        let code = code(&names);
        let octets: usize = names.iter().map(|name| coded(&code, name).len()).sum();
        assert!(octets < names.len() * 6, "{octets} octets for {} names of 12 or 13 characters", names.len());
    }

    #[test]
    fn the_longest_and_the_strangest_name_can_be_coded() {
        let code = code(&vec![Name::parse("aa.com").unwrap(); 3_000_000]);
        let strange =
            [63u8, 63, 63, 61].map(|length| [&[length][..], &vec![0xfe; usize::from(length)]].concat()).concat();
        let strange = Name::from_wire(&[&strange[..], &[0]].concat()).unwrap();
        assert!(coded(&code, &strange).len() <= MOST_OCTETS);
        assert_ne!(coded(&code, &strange), coded(&code, &strange.last_labels(3)));
    }

    fn any_name() -> impl Strategy<Value = Name> {
        let label = prop_oneof![
            4 => prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'z')], 1..4),
            1 => prop::collection::vec(any::<u8>(), 1..10),
            // What is taken for a length, and lengths that are taken for a character.
            1 => prop::collection::vec(prop_oneof![Just(1u8), Just(0), Just(b'-')], 1..4),
            1 => prop::collection::vec(prop_oneof![Just(b'a'), Just(3)], 44..60),
        ];
        prop::collection::vec(label, 1..5).prop_map(|labels| {
            let mut wire =
                labels.into_iter().flat_map(|label| [vec![label.len() as u8], label].concat()).collect::<Vec<u8>>();
            wire.push(0);
            Name::from_wire(&wire).unwrap()
        })
    }

    proptest! {
        #[test]
        fn different_names_have_different_octets(
            listed in prop::collection::vec(any_name(), 0..60),
            repeated in 0usize..40,
            a in any_name(),
            b in any_name(),
            after in any::<u8>(),
        ) {
            let mut names = listed.clone();
            names.extend(listed.first().into_iter().cycle().take(repeated));
            let code = code(&names);
            let of_a = coded(&code, &a);
            prop_assert_eq!(of_a == coded(&code, &b), a == b);
            prop_assert_eq!(code.is(&of_a, of_a.len(), Spelled::of(b.as_wire())), a == b);
            // Whatever comes after the code, and wherever in a name the suffix begins.
            let followed = [&of_a[..], &[after; 9]].concat();
            for (parent, labels) in a.parents().zip((1..=a.label_count()).rev()) {
                prop_assert_eq!(coded(&code, &parent) == of_a, parent == a);
                let (start, top) = (a.wire_len() - parent.wire_len(), a.wire_len() - a.last_labels(1).wire_len());
                prop_assert_eq!(code.is(&followed, of_a.len(), Spelled::new(&a, labels, start, top)), parent == a);
                let of_parent = coded(&code, &parent);
                prop_assert!(code.is(&of_parent, of_parent.len(), Spelled::new(&a, labels, start, top)));
            }
        }

        #[test]
        fn no_octets_are_taken_for_a_code_that_would_panic(octets in prop::collection::vec(any::<u8>(), 0..600), name in any_name()) {
            if let Some(code) = Code::from_bytes(&octets) {
                coded(&code, &name);
            }
        }
    }
}
