//! The compiled file as it lies on disk. Everything is little-endian; places are octets from the start of the file.
//!
//! ```text
//! head      magic "cordon-lists", version u32
//! records   one a name: length u8, wire form without the root label, set u32, one line u32 for each member of the set
//! slots     u64 each, 0 when free: the high half of the name's keyed hash, above the place of its record
//! sets      starts: u32 x (sets + 1), places among the members; members: category u8, except u8, list u16
//! trailer   of fixed length: seed, fingerprint, counts, places, CRC-32 of all that stands before it, magic
//! ```
//!
//! The slots are ordered by hash: a name's home is its hash scaled to the number of homes, and it stands there or, where homes are taken,
//! in the next free slot. A search walks from the home and ends at a free slot or at a greater hash.
//!
//! A set is the interned list of who holds a name (category, list, rule or exception), sorted by category, exceptions first, then by
//! list; only the line numbers are kept with the name.
//!
//! Another layout is another [`VERSION`]; a file of another version is compiled anew, never converted.

/// Version of the layout.
pub const VERSION: u32 = 1;

pub(super) const HEAD_MAGIC: &[u8; 12] = b"cordon-lists";
pub(super) const TAIL_MAGIC: &[u8; 4] = b"done";
pub(super) const HEAD: usize = 16;
pub(super) const SLOT: usize = 8;
pub(super) const MEMBER: usize = 4;
/// Of a hundred homes, how many names: fuller is smaller, emptier ends a search for an unlisted name sooner.
pub(super) const FILL: u64 = 75;

/// The end of a compiled file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trailer {
    /// Key of the hash.
    pub(super) seed: [u8; 16],
    /// What the file was compiled from.
    pub(super) fingerprint: [u8; 32],
    /// Bit n: some name has n labels.
    pub(super) depths: u128,
    /// Names.
    pub(super) names: u64,
    /// Rules and exceptions.
    pub(super) rules: u64,
    /// Place of the slots.
    pub(super) slots_at: u64,
    /// Number of homes.
    pub(super) homes: u64,
    /// Number of slots: homes and what ran over the last one.
    pub(super) slots: u64,
    /// Place of the sets.
    pub(super) sets_at: u64,
    /// Number of sets.
    pub(super) sets: u32,
    /// Number of members of all sets.
    pub(super) members: u32,
    /// CRC-32 of the file up to this field.
    pub(super) crc: u32,
}

impl Trailer {
    /// Its length in octets.
    pub(super) const LENGTH: usize = 16 + 32 + 16 + 6 * 8 + 3 * 4 + TAIL_MAGIC.len();
    /// How much of it the CRC does not cover: the CRC and the magic.
    pub(super) const UNCOVERED: usize = 4 + TAIL_MAGIC.len();

    pub(super) fn to_bytes(self) -> [u8; Trailer::LENGTH] {
        let mut to = [0; Trailer::LENGTH];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            to[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&self.seed);
        put(&self.fingerprint);
        put(&self.depths.to_le_bytes());
        for value in [self.names, self.rules, self.slots_at, self.homes, self.slots, self.sets_at] {
            put(&value.to_le_bytes());
        }
        for value in [self.sets, self.members, self.crc] {
            put(&value.to_le_bytes());
        }
        put(TAIL_MAGIC);
        to
    }

    /// None when the magic is not there.
    pub(super) fn from_bytes(from: &[u8; Trailer::LENGTH]) -> Option<Trailer> {
        let mut rest = &from[..];
        let trailer = Trailer {
            seed: take(&mut rest)?,
            fingerprint: take(&mut rest)?,
            depths: u128::from_le_bytes(take(&mut rest)?),
            names: u64::from_le_bytes(take(&mut rest)?),
            rules: u64::from_le_bytes(take(&mut rest)?),
            slots_at: u64::from_le_bytes(take(&mut rest)?),
            homes: u64::from_le_bytes(take(&mut rest)?),
            slots: u64::from_le_bytes(take(&mut rest)?),
            sets_at: u64::from_le_bytes(take(&mut rest)?),
            sets: u32::from_le_bytes(take(&mut rest)?),
            members: u32::from_le_bytes(take(&mut rest)?),
            crc: u32::from_le_bytes(take(&mut rest)?),
        };
        (rest == TAIL_MAGIC).then_some(trailer)
    }
}

/// The home of a hash among `homes` (at most 2^32 - 1, as many as records of 10 octets and more below 4 GiB need): grows with the hash.
#[inline]
pub(super) fn home(tag: u32, homes: u64) -> u64 {
    (tag as u64 * homes) >> 32
}

/// The part of the hash that a slot keeps.
#[inline]
pub(super) fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    Some(u32::from_le_bytes(bytes.get(at..end)?.try_into().ok()?))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk::<N>()?;
    *rest = others;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_goes_there_and_back() {
        let trailer = Trailer {
            seed: [1; 16],
            fingerprint: [2; 32],
            depths: 3 << 100,
            names: 4,
            rules: 5,
            slots_at: 6,
            homes: 7,
            slots: 8,
            sets_at: 9,
            sets: 10,
            members: 11,
            crc: 12,
        };
        let mut bytes = trailer.to_bytes();
        assert_eq!(Trailer::from_bytes(&bytes), Some(trailer));
        bytes[Trailer::LENGTH - 1] ^= 1;
        assert_eq!(Trailer::from_bytes(&bytes), None);
    }

    #[test]
    fn homes_grow_with_the_hash_and_stay_within() {
        for homes in [1, 2, 1000, u32::MAX as u64] {
            assert_eq!(home(0, homes), 0);
            assert_eq!(home(u32::MAX, homes), homes - 1);
            assert!(home(u32::MAX / 2, homes) <= home(u32::MAX / 2 + 1, homes));
        }
    }
}
