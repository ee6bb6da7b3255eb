//! The compiled file as it lies on disk. Everything is little-endian; places are octets from the start of the file.
//!
//! ```text
//! start     magic "cordon-lists", version u32
//! records   by bucket (see below)
//! filters   one a bucket: u64, from a place that is a multiple of 8
//! places    one a bucket and one more: place of its first record u32
//! sets      starts: u32 x (sets + 1), places among the members; members: see `Member`
//! types     what rules for some types are for: kind u8, count u8, types u16
//! own       what lists answer themselves: (list u16, 0 u16, line u32, place u32, length u32), sorted, and the octets they point to
//! code      how names are coded (see `super::code`)
//! trailer   of fixed length: seed, fingerprint, counts, places, CRC-32 of all that stands before it, magic
//! ```
//!
//! A name's bucket is its keyed hash scaled to the number of buckets, which have eight names each on average. Three bits of the filter of
//! its bucket say that it may be there; whoever finds them set reads the bucket and compares the whole name. The filters lie
//! together, an octet a name, so that they stay in the processor's caches: most names asked for are on no list.
//!
//! ```text
//! bucket    how many names it has u8 (127: it follows as u32), and 128 when it is even
//! tags      one a name: eight more bits of its hash
//! heads     one a name: size and set
//! names     one a name: size u16 and set varint where the head has no room for them, coded name, a line for each member of the set
//! ```
//!
//! So of a bucket only the records are touched whose tag fits, which is one in 256 of the others. A head has the length of the coded name in
//! its low five bits (31: it follows as u16) and the place of the name's set in the high three (7: it follows as a varint). In a bucket that is
//! even, as most are, no such thing follows and every set has one member: where a record lies is the sum of the sizes before it, eight of which
//! are added at once. Sets are ordered by how often they come, so that few lists need nothing more. A set is the interned list of who speaks
//! for a name; only the line numbers are kept with the name, in as many octets as the greatest needs.
//!
//! Another layout is another [`VERSION`]; a file of another version is compiled anew, never converted.

use crate::list::hits::Kind;
use crate::list::rule::Scope;
use crate::verdict::Given;

/// Version of the layout.
pub const VERSION: u32 = 3;

pub(super) const START_MAGIC: &[u8; 12] = b"cordon-lists";
pub(super) const END_MAGIC: &[u8; 4] = b"done";
pub(super) const START: usize = 16;
/// Octets of a bucket's filter.
pub(super) const FILTER: usize = 8;
/// Octets of a bucket's place.
pub(super) const PLACE: usize = 4;
/// Octets of a member of a set.
pub(super) const MEMBER: usize = 12;
/// Octets of an entry of the table of own answers.
pub(super) const OWN: usize = 16;
/// Names a bucket has on average.
pub(super) const LOAD: u64 = 8;
/// A length that stands in two octets of its own.
pub(super) const LONG: usize = 31;
/// A set that stands in octets of its own.
pub(super) const FAR: usize = 7;
/// A count of names that stands in octets of its own.
pub(super) const MANY: usize = 127;
/// What the first octet of an even bucket has beside the count.
pub(super) const EVEN: u8 = 128;

/// Who speaks for a name: one member of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Member {
    /// For which category.
    pub(super) category: u8,
    /// Which list speaks.
    pub(super) list: u16,
    /// What it says.
    pub(super) kind: Kind,
    /// For which list it speaks: itself, or the one that an exception file is for.
    pub(super) of: u16,
    /// For which names.
    pub(super) scope: Scope,
    /// How a block is answered.
    pub(super) given: Given,
    /// For which types: 0 for all, else the place in the table of types, from 1.
    pub(super) types: u16,
}

impl Member {
    pub(super) fn to_bytes(self) -> [u8; MEMBER] {
        let ([a, b], [c, d], [e, f]) = (self.list.to_le_bytes(), self.of.to_le_bytes(), self.types.to_le_bytes());
        [self.category, self.kind.code(), scope_code(self.scope), given_code(self.given), a, b, c, d, e, f, 0, 0]
    }

    /// None for codes that nothing has.
    pub(super) fn from_bytes(from: &[u8; MEMBER]) -> Option<Member> {
        let &[category, kind, scope, given, a, b, c, d, e, f, _, _] = from;
        Some(Member {
            category,
            kind: Kind::from_code(kind)?,
            scope: scope_of(scope)?,
            given: given_of(given)?,
            list: u16::from_le_bytes([a, b]),
            of: u16::from_le_bytes([c, d]),
            types: u16::from_le_bytes([e, f]),
        })
    }

    /// Whether it is what nearly every rule is: the name with all below it is on the list, for every type.
    pub(super) fn is_plain(&self) -> bool {
        self.kind == Kind::Lists && self.scope == Scope::Tree && self.types == 0
    }
}

const fn scope_code(scope: Scope) -> u8 {
    match scope {
        Scope::Tree => 0,
        Scope::Alone => 1,
        Scope::Below => 2,
    }
}

const fn scope_of(code: u8) -> Option<Scope> {
    Some(match code {
        0 => Scope::Tree,
        1 => Scope::Alone,
        2 => Scope::Below,
        _ => return None,
    })
}

const fn given_code(given: Given) -> u8 {
    match given {
        Given::Policy => 0,
        Given::Nxdomain => 1,
        Given::Nodata => 2,
        Given::Drop => 3,
        Given::TcpOnly => 4,
        Given::Records => 5,
    }
}

const fn given_of(code: u8) -> Option<Given> {
    Some(match code {
        0 => Given::Policy,
        1 => Given::Nxdomain,
        2 => Given::Nodata,
        3 => Given::Drop,
        4 => Given::TcpOnly,
        5 => Given::Records,
        _ => return None,
    })
}

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
    /// What lists say of them, repetitions not counted.
    pub(super) rules: u64,
    /// Number of buckets.
    pub(super) buckets: u64,
    /// What the keyed hash makes of a name that is always the same.
    pub(super) proof: u64,
    /// Where the records end.
    pub(super) records_end: u64,
    /// Place of the filters.
    pub(super) filters_at: u64,
    /// Place of the sets.
    pub(super) sets_at: u64,
    /// Place of the types.
    pub(super) types_at: u64,
    /// Place of the own answers.
    pub(super) own_at: u64,
    /// Place of the code.
    pub(super) code_at: u64,
    /// Number of sets.
    pub(super) sets: u32,
    /// Number of members of all sets.
    pub(super) members: u32,
    /// Number of entries of the table of own answers.
    pub(super) own: u32,
    /// Octets of a line number, 1 to 4.
    pub(super) line_width: u32,
    /// CRC-32 of the file up to this field.
    pub(super) crc: u32,
}

impl Trailer {
    /// Its length in octets.
    pub(super) const LENGTH: usize = 16 + 32 + 16 + 10 * 8 + 5 * 4 + END_MAGIC.len();
    /// How much of it the CRC does not cover: the CRC and the magic.
    pub(super) const UNCOVERED: usize = 4 + END_MAGIC.len();

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
        let places = [self.records_end, self.filters_at, self.sets_at, self.types_at, self.own_at, self.code_at];
        for value in [self.names, self.rules, self.buckets, self.proof].into_iter().chain(places) {
            put(&value.to_le_bytes());
        }
        for value in [self.sets, self.members, self.own, self.line_width, self.crc] {
            put(&value.to_le_bytes());
        }
        put(END_MAGIC);
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
            buckets: u64::from_le_bytes(take(&mut rest)?),
            proof: u64::from_le_bytes(take(&mut rest)?),
            records_end: u64::from_le_bytes(take(&mut rest)?),
            filters_at: u64::from_le_bytes(take(&mut rest)?),
            sets_at: u64::from_le_bytes(take(&mut rest)?),
            types_at: u64::from_le_bytes(take(&mut rest)?),
            own_at: u64::from_le_bytes(take(&mut rest)?),
            code_at: u64::from_le_bytes(take(&mut rest)?),
            sets: u32::from_le_bytes(take(&mut rest)?),
            members: u32::from_le_bytes(take(&mut rest)?),
            own: u32::from_le_bytes(take(&mut rest)?),
            line_width: u32::from_le_bytes(take(&mut rest)?),
            crc: u32::from_le_bytes(take(&mut rest)?),
        };
        (rest == END_MAGIC).then_some(trailer)
    }
}

/// The bucket of a hash among `buckets`: grows with the hash.
#[inline]
pub(super) fn bucket(hash: u64, buckets: u64) -> u64 {
    ((hash >> 32) * buckets) >> 32
}

/// The bits a hash sets in the filter of its bucket.
#[inline]
pub(super) fn filter(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63)
}

/// The tag of a hash within its bucket.
#[inline]
pub(super) fn tag(hash: u64) -> u8 {
    (hash >> 18) as u8
}

#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    Some(u32::from_le_bytes(bytes.get(at..end)?.try_into().ok()?))
}

#[inline]
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|octets| u64::from_le_bytes(*octets))
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
            buckets: 6,
            proof: 17,
            records_end: 7,
            filters_at: 18,
            sets_at: 8,
            types_at: 9,
            own_at: 10,
            code_at: 11,
            sets: 12,
            members: 13,
            own: 14,
            line_width: 15,
            crc: 16,
        };
        let mut bytes = trailer.to_bytes();
        assert_eq!(Trailer::from_bytes(&bytes), Some(trailer));
        bytes[Trailer::LENGTH - 1] ^= 1;
        assert_eq!(Trailer::from_bytes(&bytes), None);
    }

    #[test]
    fn a_member_goes_there_and_back() {
        for (kind, scope, given) in [
            (Kind::Lists, Scope::Tree, Given::Policy),
            (Kind::ListsImportant, Scope::Alone, Given::Nxdomain),
            (Kind::Except, Scope::Below, Given::Nodata),
            (Kind::ExceptAlways, Scope::Tree, Given::Drop),
            (Kind::ExceptImportant, Scope::Tree, Given::TcpOnly),
            (Kind::Hole, Scope::Tree, Given::Records),
            (Kind::ExceptCategory, Scope::Tree, Given::Policy),
        ] {
            let member = Member { category: 127, list: 515, kind, of: 1029, scope, given, types: 2057 };
            let bytes = member.to_bytes();
            assert_eq!(Member::from_bytes(&bytes), Some(member));
            for code in 1..4 {
                let mut other = bytes;
                other[code] = 99;
                assert_eq!(Member::from_bytes(&other), None);
            }
        }
    }

    #[test]
    fn buckets_grow_with_the_hash_and_stay_within() {
        for buckets in [1, 2, 1000, u32::MAX as u64] {
            assert_eq!(bucket(0, buckets), 0);
            assert_eq!(bucket(u64::MAX, buckets), buckets - 1);
            assert!(bucket(u64::MAX / 2, buckets) <= bucket(u64::MAX / 2 + (1 << 40), buckets));
        }
    }
}
