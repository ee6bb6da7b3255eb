//! How names lie in a compiled file: a prefix code made for the names at hand, so that a name takes about half a byte a character.
//!
//! Labels are coded from right to left, the characters of a label from left to right, each label closed by [`END`]; a frequent top-level
//! domain is one symbol, its end included. So the code of a parent is the beginning of the code of a name. What stood before tells which
//! characters are likely, vowels after consonants, so each of a few kinds of places has a code of its own.
//!
//! Each code is complete, and where a label begins the word of all ones is [`PAD`], which no name has. Octets are filled up with ones:
//! fewer than eight of them are never a symbol, so that two different names never have the same octets, and comparing octets is comparing
//! names.

use std::collections::HashMap;

/// The symbol that closes a label.
const END: usize = 256;
/// The symbol that fills the last octet; the last one of the longest words, all ones.
const PAD: usize = 257;
/// How many symbols each kind of place has; top-level domains come on top of those of [`FIRST`].
const SYMBOLS: usize = 258;
/// Kinds of places: the beginning of a name, the beginning of a label, after a vowel, a consonant, a digit, anything else.
const PLACES: usize = 6;
/// The beginning of a name, which is its top-level domain.
const FIRST: usize = 0;
/// The beginning of a further label.
const LABEL: usize = 1;
/// The kind of place that comes after each octet.
const AFTER: [u8; 256] = {
    let mut after = [5; 256];
    let mut octet = 0;
    while octet < 256 {
        after[octet] = match octet as u8 {
            b'a' | b'e' | b'i' | b'o' | b'u' | b'y' => 2,
            b'a'..=b'z' => 3,
            b'0'..=b'9' => 4,
            _ => 5,
        };
        octet += 1;
    }
    after
};
/// Most top-level domains with a symbol of their own.
const MOST_TOPS: usize = 766;
/// Longest word, in bits.
const LONGEST: u8 = 24;
/// A top-level domain is worth a symbol of its own from so many names on.
const WORTH: u64 = 16;
/// Slots of the table of top-level domains: a power of two above twice their number.
const TABLE: usize = 2048;

/// Most octets a coded name takes: each of 255 octets a longest word.
pub(super) const MOST_OCTETS: usize = 768;
/// Most octets an octet of a name takes.
pub(super) const OF_AN_OCTET: usize = LONGEST as usize / 8;

/// How often each symbol comes.
pub(super) struct Frequencies {
    /// By kind of place and symbol.
    symbols: Box<[[u64; SYMBOLS]; PLACES]>,
    tops: HashMap<Box<[u8]>, u64>,
}

/// A prefix code for each kind of place.
#[derive(Clone)]
pub(super) struct Code {
    /// By kind of place and symbol, the top-level domains at the end: the word, above it its length in bits.
    words: Box<[u32]>,
    tops: Box<[Box<[u8]>]>,
    /// By hash of the label: its place in `tops`, plus one.
    table: Box<[u16]>,
}

impl Frequencies {
    pub(super) fn new() -> Frequencies {
        Frequencies { symbols: Box::new([[0; SYMBOLS]; PLACES]), tops: HashMap::new() }
    }

    /// Counts a name, given as wire form without the root label.
    #[inline]
    pub(super) fn count(&mut self, wire: &[u8]) {
        let mut rest = wire;
        while let Some((&length, others)) = rest.split_first() {
            let (label, others) = others.split_at(usize::from(length).min(others.len()));
            if others.is_empty() {
                match self.tops.get_mut(label) {
                    Some(count) => *count += 1,
                    None => {
                        self.tops.insert(label.into(), 1);
                    }
                }
                return;
            }
            self.count_label(LABEL, label, 1);
            rest = others;
        }
    }

    #[inline]
    fn count_label(&mut self, mut place: usize, label: &[u8], times: u64) {
        for &octet in label {
            self.symbols[place][usize::from(octet)] += times;
            place = usize::from(AFTER[usize::from(octet)]);
        }
        self.symbols[place][END] += times;
    }

    /// The code that suits what was counted.
    pub(super) fn code(mut self) -> Code {
        let mut tops: Vec<(Box<[u8]>, u64)> = std::mem::take(&mut self.tops).into_iter().collect();
        // By count, and by name where counts are equal: the same input makes the same file.
        tops.sort_unstable_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        let worth = tops.iter().take(MOST_TOPS).take_while(|(_, count)| *count >= WORTH).count();
        for (label, count) in tops.drain(worth..) {
            self.count_label(FIRST, &label, count);
        }
        // Every symbol has a word at every place, so that any name can be coded; the filling is the rarest.
        let mut of_places: Vec<Vec<u8>> = Vec::with_capacity(PLACES);
        for (place, symbols) in self.symbols.iter().enumerate() {
            let mut counts: Vec<u64> = symbols.iter().map(|count| count * 4 + 4).collect();
            counts[PAD] = 1;
            if place == FIRST {
                counts.extend(tops.iter().map(|(_, count)| count * 4));
            }
            of_places.push(lengths(counts));
        }
        let of_tops = of_places[FIRST].split_off(SYMBOLS);
        let lengths = [of_places.concat(), of_tops].concat();
        let tops: Box<[Box<[u8]>]> = tops.into_iter().map(|(label, _)| label).collect();
        Code { words: words_of_places(&lengths), table: table(&tops), tops }
    }
}

impl Code {
    /// Codes a name, given as wire form without the root label; how many octets of `out` it takes: three for each of the name's at most.
    #[inline]
    pub(super) fn encode(&self, wire: &[u8], out: &mut [u8]) -> usize {
        let mut starts = [0u8; 128];
        let (mut labels, mut at) = (0usize, 0usize);
        while let Some(&length) = wire.get(at) {
            starts[labels & 127] = at as u8;
            labels += 1;
            at += 1 + usize::from(length);
        }
        let mut bits = Bits { held: 0, count: 0, out, at: 0 };
        let mut end = wire.len();
        for number in (0..labels.min(128)).rev() {
            let start = usize::from(starts[number]);
            let label = &wire[start + 1..end];
            end = start;
            let mut place = LABEL;
            if number + 1 == labels {
                if let Some(top) = self.top(label) {
                    bits.put(self.words[PLACES * SYMBOLS + top]);
                    continue;
                }
                place = FIRST;
            }
            for &octet in label {
                bits.put(self.words[place * SYMBOLS + usize::from(octet)]);
                place = usize::from(AFTER[usize::from(octet)]);
            }
            bits.put(self.words[place * SYMBOLS + END]);
        }
        bits.end()
    }

    /// The place of a top-level domain that has a symbol of its own.
    #[inline]
    fn top(&self, label: &[u8]) -> Option<usize> {
        let mut slot = hash(label);
        loop {
            let place = usize::from(self.table[slot & (TABLE - 1)]).checked_sub(1)?;
            if *self.tops[place] == *label {
                return Some(place);
            }
            slot += 1;
        }
    }

    /// As it lies on disk: the number of top-level domains, the length of every word, the top-level domains with their lengths.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut to = (self.tops.len() as u16).to_le_bytes().to_vec();
        to.extend(self.words.iter().map(|word| (word >> LONGEST) as u8));
        for top in &self.tops {
            to.push(top.len() as u8);
            to.extend_from_slice(top);
        }
        to
    }

    /// None when it is no complete code.
    pub(super) fn from_bytes(from: &[u8]) -> Option<Code> {
        let (count, rest) = from.split_first_chunk::<2>()?;
        let count = usize::from(u16::from_le_bytes(*count));
        if count > MOST_TOPS {
            return None;
        }
        let (lengths, mut rest) = rest.split_at_checked(PLACES * SYMBOLS + count)?;
        if !(0..PLACES).all(|place| is_complete(&of_place(lengths, place))) {
            return None;
        }
        let mut tops = Vec::with_capacity(count);
        for _ in 0..count {
            let (&length, others) = rest.split_first()?;
            let (label, others) = others.split_at_checked(usize::from(length))?;
            tops.push(Box::from(label));
            rest = others;
        }
        Some(Code { words: words_of_places(lengths), table: table(&tops), tops: tops.into() })
    }
}

/// The lengths of one kind of place among those of all; the top-level domains belong to the first.
fn of_place(lengths: &[u8], place: usize) -> Vec<u8> {
    let mut of_place = lengths[place * SYMBOLS..(place + 1) * SYMBOLS].to_vec();
    if place == FIRST {
        of_place.extend_from_slice(&lengths[PLACES * SYMBOLS..]);
    }
    of_place
}

/// Whether there is a complete code of these lengths whose filling is long enough.
fn is_complete(lengths: &[u8]) -> bool {
    let fits = lengths.iter().all(|length| (1..=LONGEST).contains(length));
    let longest = lengths.iter().max().copied().unwrap_or(0);
    fits && lengths.iter().map(|length| 1u64 << (LONGEST - length)).sum::<u64>() == 1 << LONGEST
        && lengths[PAD] == longest
        && longest >= 8
}

/// The words of every kind of place, each with its length above it.
fn words_of_places(lengths: &[u8]) -> Box<[u32]> {
    let mut all = vec![0; lengths.len()];
    for place in 0..PLACES {
        let words = words(&of_place(lengths, place));
        let (symbols, tops) = words.split_at(SYMBOLS);
        all[place * SYMBOLS..(place + 1) * SYMBOLS].copy_from_slice(symbols);
        if place == FIRST {
            all[PLACES * SYMBOLS..].copy_from_slice(tops);
        }
    }
    all.into()
}

/// The lengths of a complete code whose words are at most [`LONGEST`] bits, near the best for these counts.
fn lengths(mut counts: Vec<u64>) -> Vec<u8> {
    loop {
        let lengths = best_lengths(&counts);
        if lengths.iter().all(|length| *length <= LONGEST) {
            return lengths;
        }
        // Counts nearer to each other make the longest words shorter; at last all are equal.
        for (symbol, count) in counts.iter_mut().enumerate() {
            *count = if symbol == PAD { 1 } else { *count / 2 + 2 };
        }
    }
}

/// Huffman's lengths: the two rarest trees are joined until one is left.
fn best_lengths(counts: &[u64]) -> Vec<u8> {
    let mut trees: std::collections::BinaryHeap<_> =
        counts.iter().enumerate().map(|(node, count)| std::cmp::Reverse((*count, node))).collect();
    let mut parents: Vec<usize> = vec![0; counts.len()];
    while let Some(std::cmp::Reverse((a, first))) = trees.pop() {
        let Some(std::cmp::Reverse((b, second))) = trees.pop() else { break };
        let parent = parents.len();
        parents.push(0);
        parents[first] = parent;
        parents[second] = parent;
        trees.push(std::cmp::Reverse((a + b, parent)));
    }
    let root = parents.len() - 1;
    let mut depths = vec![0u32; parents.len()];
    for node in (0..root).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(counts.len());
    depths.into_iter().map(|depth| u8::try_from(depth).unwrap_or(u8::MAX)).collect()
}

/// The words of these lengths in canonical order, by length and then by symbol, with the filling as the very last.
fn words(lengths: &[u8]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_unstable_by_key(|&symbol| (lengths[symbol], symbol == PAD, symbol));
    let mut words = vec![0u32; lengths.len()];
    let (mut next, mut before) = (0u32, 0u8);
    for symbol in order {
        let length = lengths[symbol];
        next <<= length - before;
        words[symbol] = next | u32::from(length) << LONGEST;
        next = next.wrapping_add(1);
        before = length;
    }
    words
}

fn table(tops: &[Box<[u8]>]) -> Box<[u16]> {
    let mut table = vec![0u16; TABLE];
    for (place, top) in tops.iter().enumerate() {
        let mut slot = hash(top);
        while table[slot & (TABLE - 1)] != 0 {
            slot += 1;
        }
        table[slot & (TABLE - 1)] = place as u16 + 1;
    }
    table.into()
}

/// Spreads labels over the table. It need not withstand anybody: the table is small and at most half full.
#[inline]
fn hash(label: &[u8]) -> usize {
    let hash =
        label.iter().fold(0u32, |hash, &octet| (hash ^ u32::from(octet)).wrapping_mul(0x9e37_79b1).rotate_left(11));
    hash as usize
}

/// Gathers words into octets, first bit highest.
struct Bits<'o> {
    held: u64,
    count: u32,
    out: &'o mut [u8],
    at: usize,
}

impl Bits<'_> {
    #[inline]
    fn put(&mut self, word: u32) {
        let length = word >> LONGEST;
        self.held = self.held << length | u64::from(word & ((1 << LONGEST) - 1));
        self.count += length;
        if self.count >= 32 {
            self.count -= 32;
            let four = ((self.held >> self.count) as u32).to_be_bytes();
            if let Some(to) = self.out.get_mut(self.at..self.at + 4) {
                to.copy_from_slice(&four);
                self.at += 4;
            }
        }
    }

    /// Fills the last octet with ones.
    #[inline]
    fn end(mut self) -> usize {
        let filling = (8 - self.count % 8) % 8;
        self.held = self.held << filling | ((1 << filling) - 1);
        self.count += filling;
        while self.count > 0 {
            self.count -= 8;
            if let Some(to) = self.out.get_mut(self.at) {
                *to = (self.held >> self.count) as u8;
                self.at += 1;
            }
        }
        self.at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dns::Name;

    fn wire(name: &Name) -> &[u8] {
        &name.as_wire()[..name.wire_len() - 1]
    }

    fn code(names: &[Name]) -> Code {
        let mut frequencies = Frequencies::new();
        for name in names {
            frequencies.count(wire(name));
        }
        let code = frequencies.code();
        let again = Code::from_bytes(&code.to_bytes()).unwrap();
        assert_eq!(again.to_bytes(), code.to_bytes());
        again
    }

    fn coded(code: &Code, name: &Name) -> Vec<u8> {
        let mut out = [0; MOST_OCTETS];
        let length = code.encode(wire(name), &mut out);
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
        ) {
            let mut names = listed.clone();
            names.extend(listed.first().into_iter().cycle().take(repeated));
            let code = code(&names);
            prop_assert_eq!(coded(&code, &a) == coded(&code, &b), a == b);
            for parent in a.parents() {
                prop_assert_eq!(coded(&code, &parent) == coded(&code, &a), parent == a);
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
