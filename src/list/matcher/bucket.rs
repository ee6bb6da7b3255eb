//! A name among those of its bucket.

use super::{Matcher, Record};
use crate::dns::Name;
use crate::list::code::Spelled;
use crate::list::layout::{self, EVEN, FAR, LONG, MANY, u32_at, u64_at};
use crate::varint;

/// One in each of the eight octets of a number.
const ONES: u64 = u64::from_le_bytes([1; 8]);
/// The highest bit of each.
const HIGHEST: u64 = ONES << 7;
/// What is the size in each of eight heads.
const SIZES: u64 = ONES * LONG as u64;

/// A suffix of a name that is looked for.
pub(super) struct Suffix<'n> {
    pub(super) spelled: Spelled<'n>,
    pub(super) labels: usize,
    pub(super) hash: u64,
}

/// How a bucket begins.
struct Bucket {
    count: usize,
    even: bool,
    tags_at: usize,
    heads_at: usize,
}

/// Where a record lies, by its head and what comes before it.
struct Lying {
    set: usize,
    at: usize,
    size: usize,
}

impl<'n> Suffix<'n> {
    /// The suffix of `labels` labels that begins at `start`; the last label of the name begins at `top`.
    #[inline]
    pub(super) fn new(name: &'n Name, labels: usize, start: usize, top: usize, hash: u64) -> Suffix<'n> {
        Suffix { spelled: Spelled::new(name, labels, start, top), labels, hash }
    }
}

impl Matcher {
    /// The record of a suffix among those of its bucket.
    #[inline]
    pub(super) fn record(&self, suffix: &Suffix<'_>) -> Option<Record> {
        let bytes = &self.bytes[..];
        let places = u64_at(bytes, self.place_at(suffix.hash))?;
        let (from, until) = (places as u32 as usize, (places >> 32) as usize);
        if from >= until {
            return None;
        }
        let &first = bytes.get(from)?;
        let (mut count, mut tags_at) = (usize::from(first & !EVEN), from + 1);
        if count == MANY {
            (count, tags_at) = (u32_at(bytes, tags_at)? as usize, tags_at + 4);
        }
        let bucket = Bucket { count, even: first & EVEN != 0, tags_at, heads_at: tags_at + count };
        let (mut from, mut sizes) = (0, 0);
        while from < count {
            let mut same = self.same_tags(&bucket, from, layout::tag(suffix.hash))?;
            while same != 0 {
                let nth = same.trailing_zeros() as usize;
                same &= same - 1;
                let lying = if bucket.even {
                    self.lying_even(&bucket, from, nth, sizes)?
                } else {
                    self.lying(&bucket, from + nth)?
                };
                if let Some(record) = self.compared(suffix, lying) {
                    return Some(record);
                }
            }
            from += 16;
            if from < count {
                sizes += self.sizes(&bucket, from - 16)?;
            }
        }
        None
    }

    /// Which of the sixteen records from `from` on have a tag, as a bit each.
    #[inline]
    fn same_tags(&self, bucket: &Bucket, from: usize, tag: u8) -> Option<u32> {
        let wanted = u64::from(tag) * ONES;
        let tags = |number: usize| u64_at(&self.bytes, bucket.tags_at + from + number * 8);
        let same = bits_of_zeros(tags(0)? ^ wanted) | bits_of_zeros(tags(1)? ^ wanted) << 8;
        Some(same & (0xffff >> (16 - (bucket.count - from).min(16))))
    }

    /// The size of sixteen records from `from` on.
    #[cold]
    fn sizes(&self, bucket: &Bucket, from: usize) -> Option<usize> {
        let heads = |number: usize| u64_at(&self.bytes, bucket.heads_at + from + number * 8);
        Some((sum(heads(0)? & SIZES) + sum(heads(1)? & SIZES)) as usize)
    }

    /// Where the `nth` record from `from` on lies in an even bucket, with the size of all those before.
    #[inline]
    fn lying_even(&self, bucket: &Bucket, from: usize, nth: usize, before: usize) -> Option<Lying> {
        let heads = |number: usize| u64_at(&self.bytes, bucket.heads_at + from + number * 8);
        let (low, high) = (heads(0)? & SIZES, heads(1)? & SIZES);
        let head = usize::from(*self.bytes.get(bucket.heads_at + from + nth)?);
        // The sizes of those before it: of all of the first eight, or some of them.
        let below = |count: usize| if count >= 8 { u64::MAX } else { (1 << (count * 8)) - 1 };
        let sizes = sum(low & below(nth)) + sum(high & below(nth.saturating_sub(8)));
        let at = bucket.heads_at + bucket.count + before + sizes as usize + (from + nth) * self.line_width;
        Some(Lying { set: head >> 5, at, size: head & LONG })
    }

    /// The record when its name is the suffix.
    #[inline]
    fn compared(&self, suffix: &Suffix<'_>, lying: Lying) -> Option<Record> {
        let listed = self.bytes.get(lying.at..)?;
        if !self.code.is(listed, lying.size, suffix.spelled) {
            return None;
        }
        let set = *self.sets.get(lying.set)?;
        Some(Record { labels: suffix.labels as u8, set, lines_at: lying.at + lying.size })
    }

    /// Where a record of a bucket lies that is not even: after all before it, one after the other.
    fn lying(&self, bucket: &Bucket, nth: usize) -> Option<Lying> {
        let (heads, mut rest) = self.bytes.get(bucket.heads_at..)?.split_at_checked(bucket.count)?;
        for (number, &head) in heads.iter().enumerate() {
            let mut size = usize::from(head) & LONG;
            if size == LONG {
                let (long, others) = rest.split_first_chunk::<2>()?;
                (size, rest) = (usize::from(u16::from_le_bytes(*long)), others);
            }
            let mut set = usize::from(head) >> 5;
            if set == FAR {
                let (far, others) = varint::read(rest)?;
                (set, rest) = (usize::try_from(far).ok()?, others);
            }
            if number == nth {
                return Some(Lying { set, at: self.bytes.len() - rest.len(), size });
            }
            let lines = self.sets.get(set)?.count as usize * self.line_width;
            rest = rest.get(size.checked_add(lines)?..)?;
        }
        None
    }
}

/// A bit for each octet that is zero, the first octet lowest.
#[inline]
fn bits_of_zeros(of: u64) -> u32 {
    let others = (((of & !HIGHEST) + !HIGHEST) | of) & HIGHEST;
    // Each product of a bit and one of the factor's has a place of its own.
    ((!others & HIGHEST) >> 7).wrapping_mul(0x0102_0408_1020_4080).wrapping_shr(56) as u32
}

/// The sum of eight octets, 255 at most.
#[inline]
fn sum(of: u64) -> u64 {
    of.wrapping_mul(ONES) >> 56
}
