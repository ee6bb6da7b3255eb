//! The keyed hash of names: over the labels from right to left, so that one pass gives the hash of every parent.
//!
//! Lists and clients may be hostile, so the key is drawn at random for each compiled file and never leaves the machine. Each label goes in with its
//! length octet, which makes the input of two different names different.

use std::hash::Hasher;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

use crate::dns::name::Name;

/// Octets that are hashed at once. The last block of a label is filled up with zeros: its length, which comes first, tells how many.
const BLOCK: usize = 16;
/// How many labels' beginnings are kept; few names have more labels, and those are walked through again.
const AT_HAND: usize = 16;
/// By count: that many octets of all ones.
const FIRST: [u128; BLOCK + 1] = {
    let mut first = [0; BLOCK + 1];
    let mut count = 1;
    while count <= BLOCK {
        first[count] = first[count - 1] << 8 | 0xff;
        count += 1;
    }
    first
};

/// A keyed hash of names.
#[derive(Clone)]
pub struct Keyed {
    seed: [u8; 16],
    first: u64,
    second: SharedSeed,
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Keyed) -> bool {
        self.seed == other.seed
    }
}

impl Eq for Keyed {}

impl std::fmt::Debug for Keyed {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed")
    }
}

impl Keyed {
    /// The hash with this key.
    pub fn new(seed: &[u8; 16]) -> Keyed {
        let &[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = seed;
        let second = SharedSeed::from_u64(u64::from_le_bytes([i, j, k, l, m, n, o, p]));
        Keyed { seed: *seed, first: u64::from_le_bytes([a, b, c, d, e, f, g, h]), second }
    }

    /// Its key.
    pub fn seed(&self) -> &[u8; 16] {
        &self.seed
    }

    /// What the hash makes of a name that is always the same. A file keeps it: where another version of the hash makes another thing of
    /// it, the file is not for this program.
    pub fn proof(&self) -> u64 {
        self.whole(&Name::from_wire(b"\x05proof\x12of-the-hash-of-lists\x07invalid\0").unwrap_or(Name::ROOT))
    }

    /// The hash of the whole name.
    pub fn whole(&self, name: &Name) -> u64 {
        let mut suffixes = self.suffixes(name);
        while suffixes.step().is_some() {}
        suffixes.hash()
    }

    /// The suffixes of `name`, shortest first.
    #[inline]
    pub fn suffixes<'n>(&'n self, name: &'n Name) -> KeyedSuffixes<'n> {
        let (mut starts, mut at) = ([0; AT_HAND], 0usize);
        let left = name.label_count();
        for number in 0..left {
            starts[number % AT_HAND] = at as u8;
            at += 1 + usize::from(name.held().get(at).copied().unwrap_or(0));
        }
        let hasher = FoldHasher::with_seed(self.first, &self.second);
        KeyedSuffixes { name, starts, left, start: name.wire_len() - 1, labels: 0, hasher }
    }
}

/// A walk over the suffixes of a name, from the top-level domain to the name itself.
pub struct KeyedSuffixes<'n> {
    name: &'n Name,
    /// Where the last labels begin, each at the place that the count of those before it has left over.
    starts: [u8; AT_HAND],
    left: usize,
    start: usize,
    labels: usize,
    hasher: FoldHasher<'n>,
}

impl KeyedSuffixes<'_> {
    /// Goes one label further: how many labels the suffix has now, and where it begins.
    #[inline]
    pub fn step(&mut self) -> Option<(usize, usize)> {
        self.left = self.left.checked_sub(1)?;
        self.labels += 1;
        let end = self.start;
        self.start = match self.labels {
            ..=AT_HAND => usize::from(self.starts[self.left % AT_HAND]),
            _ => self.far_start(),
        };
        let mut from = self.start;
        while end - from > BLOCK {
            self.hasher.write_u128(block(self.name, from, BLOCK));
            from += BLOCK;
        }
        self.hasher.write_u128(block(self.name, from, end - from));
        Some((self.labels, self.start))
    }

    #[cold]
    fn far_start(&self) -> usize {
        self.name.suffixes().take(self.left).map(|suffix| 1 + usize::from(suffix[0])).sum()
    }

    /// The hash of the suffix reached.
    #[inline]
    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }
}

/// `count` octets of a name from a place on, as one number whatever comes after them: labels are of all lengths, and a way of their own
/// for each would be a guess of the processor's.
#[inline]
fn block(name: &Name, from: usize, count: usize) -> u128 {
    let octets = match name.held().get(from..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        Some(octets) => *octets,
        None => last(name, from),
    };
    u128::from_le_bytes(octets) & FIRST[count.min(BLOCK)]
}

#[cold]
fn last(name: &Name, from: usize) -> [u8; BLOCK] {
    std::array::from_fn(|number| name.held().get(from + number).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_reached_on_the_way_hashes_as_it_does_alone() {
        let keyed = Keyed::new(&[7; 16]);
        let name = Name::parse("www.a.bet.example").unwrap();
        let mut suffixes = keyed.suffixes(&name);
        let mut seen = Vec::new();
        while let Some((labels, start)) = suffixes.step() {
            let alone = name.last_labels(labels);
            assert_eq!(alone.as_wire(), &name.as_wire()[start..]);
            assert_eq!(keyed.whole(&alone), suffixes.hash());
            seen.push(labels);
        }
        assert_eq!(seen, [1, 2, 3, 4]);
        assert!(keyed.suffixes(&Name::ROOT).step().is_none());
    }

    #[test]
    fn the_longest_names_are_walked_whole() {
        let keyed = Keyed::new(&[7; 16]);
        let label = "b".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}.c", "d".repeat(59));
        for (text, labels) in [(["a"; 127].join("."), 127), (longest, 5)] {
            let name = Name::parse(&text).unwrap();
            assert_eq!(name.wire_len(), 255);
            let mut suffixes = keyed.suffixes(&name);
            let mut steps = 0;
            while let Some((labels, start)) = suffixes.step() {
                steps += 1;
                assert_eq!(labels, steps);
                let alone = name.last_labels(labels);
                assert_eq!(alone.as_wire(), &name.as_wire()[start..]);
                assert_eq!(keyed.whole(&alone), suffixes.hash(), "the last {labels} labels");
            }
            assert_eq!(steps, labels);
        }
    }

    #[test]
    fn what_a_name_held_before_does_not_count() {
        let keyed = Keyed::new(&[7; 16]);
        let fresh = Name::parse("bet.example").unwrap();
        let mut used = Name::parse("a-longer-name.that-was-here-before.example").unwrap();
        used.read_wire(fresh.as_wire()).unwrap();
        assert_eq!(keyed.whole(&used), keyed.whole(&fresh));
    }

    #[test]
    fn another_seed_gives_other_hashes_and_label_borders_count() {
        let (a, b) = (Keyed::new(&[1; 16]), Keyed::new(&[2; 16]));
        let name = |text| Name::parse(text).unwrap();
        assert_ne!(a.whole(&name("bet.example")), b.whole(&name("bet.example")));
        assert_ne!(a.whole(&name("bet.example")), a.whole(&name("be.texample")));
    }
}
