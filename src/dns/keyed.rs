//! The keyed hash of names: over the labels from right to left, so that one pass gives the hash of every parent.
//!
//! Lists and clients may be hostile, so the key is drawn at random for each compiled file and never leaves the machine. Each label goes in with its
//! length octet, which makes the input of two different names different.

use std::hash::Hasher;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

use crate::dns::name::Name;

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
        let wire = name.as_wire();
        let mut starts = [0u8; 128];
        let mut left = 0;
        let mut at = 0usize;
        while wire[at] != 0 {
            starts[left] = at as u8;
            left += 1;
            at += 1 + wire[at] as usize;
        }
        let hasher = FoldHasher::with_seed(self.first, &self.second);
        KeyedSuffixes { wire: &wire[..at], starts, left, start: at, labels: 0, hasher }
    }
}

/// A walk over the suffixes of a name, from the top-level domain to the name itself.
pub struct KeyedSuffixes<'n> {
    wire: &'n [u8],
    starts: [u8; 128],
    left: usize,
    start: usize,
    labels: usize,
    hasher: FoldHasher<'n>,
}

impl<'n> KeyedSuffixes<'n> {
    /// Goes one label further: how many labels the suffix has now, and its wire form without the root label.
    #[inline]
    pub fn step(&mut self) -> Option<(usize, &'n [u8])> {
        self.left = self.left.checked_sub(1)?;
        let end = self.start;
        self.start = self.starts[self.left] as usize;
        self.hasher.write(&self.wire[self.start..end]);
        self.labels += 1;
        Some((self.labels, &self.wire[self.start..]))
    }

    /// The hash of the suffix reached.
    #[inline]
    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }
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
        while let Some((labels, suffix)) = suffixes.step() {
            let alone = name.last_labels(labels);
            assert_eq!(&alone.as_wire()[..alone.wire_len() - 1], suffix);
            assert_eq!(keyed.whole(&alone), suffixes.hash());
            seen.push(labels);
        }
        assert_eq!(seen, [1, 2, 3, 4]);
        assert!(keyed.suffixes(&Name::ROOT).step().is_none());
    }

    #[test]
    fn the_longest_names_are_walked_whole() {
        let keyed = Keyed::new(&[7; 16]);
        let deep = Name::parse(&["a"; 127].join(".")).unwrap();
        let mut suffixes = keyed.suffixes(&deep);
        let mut steps = 0;
        while suffixes.step().is_some() {
            steps += 1;
        }
        assert_eq!(steps, 127);
    }

    #[test]
    fn another_seed_gives_other_hashes_and_label_borders_count() {
        let (a, b) = (Keyed::new(&[1; 16]), Keyed::new(&[2; 16]));
        let name = |text| Name::parse(text).unwrap();
        assert_ne!(a.whole(&name("bet.example")), b.whole(&name("bet.example")));
        assert_ne!(a.whole(&name("bet.example")), a.whole(&name("be.texample")));
    }
}
