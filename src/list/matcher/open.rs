//! Opening a compiled file: its checksum, and that its parts lie where its trailer says.

use bytes::Bytes;

use super::{Matcher, MatcherError, Set};
use crate::dns::keyed::Keyed;
use crate::list::code::Code;
use crate::list::layout::{self, FILTER, MEMBER, Member, OWN, PLACE, START, START_MAGIC, Trailer, u32_at};
use crate::list::rule::Types;
use crate::verdict::MAX_CATEGORIES;

impl Matcher {
    /// Checks length, version and checksum of a compiled file and reads it in place.
    ///
    /// It reads every octet once, for the checksum.
    pub fn open(bytes: impl AsRef<[u8]> + Send + 'static) -> Result<Matcher, MatcherError> {
        Matcher::open_by(bytes, |octets| {
            let mut crc = crc32fast::Hasher::new();
            crc.update(octets);
            crc
        })
    }

    /// How many octets of a compiled file of this length its checksum is made of, but for the first part of the trailer, which
    /// [`Matcher::open_by`] adds.
    pub fn covered(length: usize) -> usize {
        length.saturating_sub(Trailer::LENGTH)
    }

    /// As [`Matcher::open`], with a checksum of the caller's making: of many octets it can be made in several threads, which there are
    /// none of on this floor.
    pub fn open_by(
        bytes: impl AsRef<[u8]> + Send + 'static,
        checksum: impl FnOnce(&[u8]) -> crc32fast::Hasher,
    ) -> Result<Matcher, MatcherError> {
        let bytes = Bytes::from_owner(bytes);
        let trailer = checked_trailer(&bytes, checksum)?;
        assembled(bytes, trailer).ok_or(MatcherError::Contradiction)
    }
}

fn checked_trailer(bytes: &[u8], checksum: impl FnOnce(&[u8]) -> crc32fast::Hasher) -> Result<Trailer, MatcherError> {
    if bytes.get(..START_MAGIC.len()) != Some(START_MAGIC) {
        return Err(MatcherError::Magic);
    }
    match u32_at(bytes, START_MAGIC.len()) {
        Some(layout::VERSION) => {}
        Some(other) => return Err(MatcherError::Version(other)),
        None => return Err(MatcherError::CutShort),
    }
    let (before, end) = bytes.split_last_chunk::<{ Trailer::LENGTH }>().ok_or(MatcherError::CutShort)?;
    let trailer = Trailer::from_bytes(end).ok_or(MatcherError::CutShort)?;
    let mut crc = checksum(before);
    crc.update(&end[..Trailer::LENGTH - Trailer::UNCOVERED]);
    if crc.finalize() == trailer.crc { Ok(trailer) } else { Err(MatcherError::Checksum) }
}

/// The matcher, when the parts follow each other and fill the file to its trailer.
fn assembled(bytes: Bytes, trailer: Trailer) -> Option<Matcher> {
    let place = |at: u64| usize::try_from(at).ok();
    let (records_end, filters_at) = (place(trailer.records_end)?, place(trailer.filters_at)?);
    let (sets_at, types_at) = (place(trailer.sets_at)?, place(trailer.types_at)?);
    let (own_at, code_at) = (place(trailer.own_at)?, place(trailer.code_at)?);
    let code_end = bytes.len().checked_sub(Trailer::LENGTH)?;
    let buckets = usize::try_from(trailer.buckets).ok()?;
    let places_at = filters_at.checked_add(buckets.checked_mul(FILTER)?)?;
    let places = buckets.checked_add(1)?.checked_mul(PLACE)?;
    let starts = (trailer.sets as usize).checked_add(1)?.checked_mul(4)?;
    let members = (trailer.members as usize).checked_mul(MEMBER)?;
    let own_table = (trailer.own as usize).checked_mul(OWN)?;
    let fits = (START..=filters_at).contains(&records_end)
        && places_at.checked_add(places)? == sets_at
        && sets_at.checked_add(starts)?.checked_add(members)? == types_at
        && types_at <= own_at
        && own_at.checked_add(own_table)? <= code_at
        && code_at <= code_end
        && (1..=u64::from(u32::MAX)).contains(&trailer.buckets)
        && (1..=4).contains(&trailer.line_width);
    if !fits {
        return None;
    }
    let members = members_of(bytes.get(sets_at + starts..types_at)?)?;
    let types = types_of(bytes.get(types_at..own_at)?)?;
    if members.iter().any(|member| usize::from(member.types) > types.len()) {
        return None;
    }
    let sets = sets_of(bytes.get(sets_at..sets_at + starts)?, &members)?;
    let code = Code::from_bytes(bytes.get(code_at..code_end)?)?;
    let keyed = Keyed::new(&trailer.seed);
    if keyed.proof() != trailer.proof {
        return None;
    }
    Some(Matcher {
        keyed,
        filters_at,
        places_at,
        own_at,
        line_width: trailer.line_width as usize,
        shallow: trailer.depths as u16,
        deepest: 127usize.saturating_sub(trailer.depths.leading_zeros() as usize),
        code,
        sets,
        members,
        types,
        trailer,
        bytes,
    })
}

fn members_of(bytes: &[u8]) -> Option<Box<[Member]>> {
    let (members, _) = bytes.as_chunks::<MEMBER>();
    let member = |octets| Member::from_bytes(octets).filter(|member| usize::from(member.category) < MAX_CATEGORIES);
    members.iter().map(member).collect()
}

fn types_of(mut bytes: &[u8]) -> Option<Box<[Types]>> {
    let mut types = Vec::new();
    while let Some((&[kind, count], rest)) = bytes.split_first_chunk::<2>() {
        let (octets, rest) = rest.split_at_checked(usize::from(count) * 2)?;
        let (pairs, _) = octets.as_chunks::<2>();
        let of: Box<[u16]> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        types.push(match kind {
            0 => Types::All,
            1 => Types::Only(of),
            2 => Types::AllBut(of),
            _ => return None,
        });
        bytes = rest;
    }
    bytes.is_empty().then(|| types.into())
}

fn sets_of(starts: &[u8], members: &[Member]) -> Option<Box<[Set]>> {
    let (starts, _) = starts.as_chunks::<4>();
    let starts: Vec<u32> = starts.iter().map(|start| u32::from_le_bytes(*start)).collect();
    let set = |pair: &[u32]| {
        let &[start, end] = pair else { return None };
        let count = end.checked_sub(start)?;
        let of = members.get(start as usize..end as usize)?;
        Some(Set { start, count, plain: of.iter().all(Member::is_plain) })
    };
    starts.windows(2).map(set).collect()
}
