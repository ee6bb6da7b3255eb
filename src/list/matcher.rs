//! The immutable look-up over a compiled file.

use bytes::Bytes;

use crate::dns::Name;
use crate::list::compile::Compiler;
use crate::list::hits::{Found, Hit, Hits};
use crate::list::keyed::Keyed;
use crate::list::layout::{self, HEAD, HEAD_MAGIC, MEMBER, SLOT, Trailer, u32_at};
use crate::list::rule::OwnRecord;
use crate::verdict::{CategoryId, Given, ListId, MAX_CATEGORIES};

/// Answers which categories a name is in, and by which rules.
///
/// It reads the octets of a compiled file in place, be they on the heap or memory-mapped; a clone is another look at the same octets.
/// Every read is checked against the bounds, so octets that change after [`Matcher::open`] can make it miss, never panic.
#[derive(Clone)]
pub struct Matcher {
    bytes: Bytes,
    keyed: Keyed,
    trailer: Trailer,
    /// Places of slots, set starts and members: checked in `open` against the length.
    slots_at: usize,
    sets_at: usize,
    members_at: usize,
    deepest: usize,
}

/// Why octets are not a compiled file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// It does not begin as one, or is too short to be one.
    #[error("is not a compiled list file")]
    Magic,
    /// Another layout.
    #[error("has layout version {0}, this program reads {expected}", expected = layout::VERSION)]
    Version(u32),
    /// It does not end as one.
    #[error("is cut short")]
    CutShort,
    /// The checksum is not that of the content.
    #[error("is damaged: its checksum does not fit")]
    Checksum,
    /// Counts and places contradict each other.
    #[error("is damaged: its counts and places contradict each other")]
    Contradiction,
}

impl Matcher {
    /// Checks length, version and checksum of a compiled file and reads it in place.
    ///
    /// It reads every octet once, for the checksum.
    pub fn open(bytes: impl AsRef<[u8]> + Send + 'static) -> Result<Matcher, MatcherError> {
        let bytes = Bytes::from_owner(bytes);
        let trailer = checked_trailer(&bytes)?;
        let (slots_at, sets_at, members_at) = checked_places(&bytes, &trailer).ok_or(MatcherError::Contradiction)?;
        let deepest = 127usize.saturating_sub(trailer.depths.leading_zeros() as usize);
        Ok(Matcher { keyed: Keyed::new(&trailer.seed), bytes, trailer, slots_at, sets_at, members_at, deepest })
    }

    /// Finds, for each category that holds `name` or a parent of it, the rule with the most labels. An exception of the category takes
    /// out what has as many labels or fewer. Does not allocate; what was in `hits` is forgotten.
    #[inline]
    pub fn look_up(&self, name: &Name, _qtype: u16, hits: &mut Hits) {
        hits.clear();
        self.walk(name, |labels, members, lines| {
            let mut previous = None;
            for (member, line) in members.chunks_exact(MEMBER).zip(lines.chunks_exact(4)) {
                let &[category, except, list_low, list_high] = member else { continue };
                // Exceptions come first within a category, then the list that is first in the configuration.
                if previous.replace(category) == Some(category) {
                    continue;
                }
                let category = CategoryId(category);
                match (except, line) {
                    (0, &[a, b, c, d]) => {
                        let list = ListId(u16::from_le_bytes([list_low, list_high]));
                        let given = Given::Policy;
                        hits.put(Hit { category, list, line: u32::from_le_bytes([a, b, c, d]), labels, given });
                    }
                    _ => hits.cancel(category),
                }
            }
        });
    }

    /// Every rule and exception for `name` and its parents, those that do not come to count included: longest first, then by category,
    /// exceptions first, then by list. For explaining, not for the way of a query.
    pub fn every_rule(&self, name: &Name) -> Vec<Found> {
        let mut found = Vec::new();
        self.walk(name, |labels, members, lines| {
            for (member, line) in members.chunks_exact(MEMBER).zip(lines.chunks_exact(4)) {
                if let (&[category, except, low, high], &[a, b, c, d]) = (member, line) {
                    found.push(Found {
                        category: CategoryId(category),
                        list: ListId(u16::from_le_bytes([low, high])),
                        line: u32::from_le_bytes([a, b, c, d]),
                        labels,
                        except: except != 0,
                    });
                }
            }
        });
        found.sort_by_key(|rule| std::cmp::Reverse(rule.labels));
        found
    }

    /// Distinct names.
    pub fn names(&self) -> u64 {
        self.trailer.names
    }

    /// Rules and exceptions.
    pub fn rules(&self) -> u64 {
        self.trailer.rules
    }

    /// Length of the compiled file in octets.
    pub fn octets(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// What it was compiled from, as handed to [`Compiler::finish`].
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.trailer.fingerprint
    }

    /// Whether every list and category it speaks of is below these counts.
    pub fn fits(&self, lists: usize, categories: usize) -> bool {
        let members = self.bytes.get(self.members_at..).unwrap_or_default();
        members.chunks_exact(MEMBER).take(self.trailer.members as usize).all(|member| {
            matches!(member, &[category, _, low, high]
                if (category as usize) < categories && (u16::from_le_bytes([low, high]) as usize) < lists)
        })
    }

    /// The records that the rule at this line of a list gives in the place of the true ones; empty where it gives none.
    pub fn records(&self, _list: ListId, _line: u32) -> Vec<OwnRecord> {
        Vec::new()
    }

    /// Calls `visit` for each suffix of `name` that has a record, shortest first: its labels, the members of its set, their lines.
    #[inline]
    fn walk(&self, name: &Name, mut visit: impl FnMut(u8, &[u8], &[u8])) {
        let mut suffixes = self.keyed.suffixes(name);
        while let Some((labels, suffix)) = suffixes.step() {
            if labels > self.deepest {
                return;
            }
            if self.trailer.depths >> labels & 1 == 0 {
                continue;
            }
            if let Some((members, lines)) = self.record(suffixes.hash(), suffix) {
                visit(labels as u8, members, lines);
            }
        }
    }

    /// The members and lines of the record for `suffix` (without the root label), if there is one.
    #[inline]
    fn record(&self, hash: u64, suffix: &[u8]) -> Option<(&[u8], &[u8])> {
        let bytes = &self.bytes[..];
        let tag = layout::tag(hash);
        let home = layout::home(tag, self.trailer.homes) as usize;
        let slots = bytes.get(self.slots_at + home * SLOT..self.sets_at)?;
        for slot in slots.chunks_exact(SLOT) {
            let slot = u64::from_le_bytes(slot.try_into().ok()?);
            let present = (slot >> 32) as u32;
            if slot == 0 || present > tag {
                return None;
            }
            if present == tag {
                let place = slot as u32 as usize;
                let length = *bytes.get(place)? as usize;
                let end = place + 1 + length;
                if bytes.get(place + 1..end)? == suffix {
                    return self.members(bytes, end);
                }
            }
        }
        None
    }

    #[inline]
    fn members<'b>(&self, bytes: &'b [u8], at: usize) -> Option<(&'b [u8], &'b [u8])> {
        let set = u32_at(bytes, at)? as usize;
        if set >= self.trailer.sets as usize {
            return None;
        }
        let from = u32_at(bytes, self.sets_at + set * 4)? as usize;
        let until = u32_at(bytes, self.sets_at + set * 4 + 4)? as usize;
        let count = until.checked_sub(from)?;
        let members = bytes.get(self.members_at + from * MEMBER..self.members_at + until * MEMBER)?;
        let lines = bytes.get(at + 4..at + 4 + count * 4)?;
        Some((members, lines))
    }
}

impl Default for Matcher {
    /// A matcher without a name.
    fn default() -> Matcher {
        let mut file = Vec::new();
        let written = Compiler::new([0; 16]).finish([0; 32], &mut file);
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        Matcher::open(file).unwrap_or_else(|_| unreachable!("a file without names is whole"))
    }
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matcher").field("names", &self.names()).field("octets", &self.octets()).finish()
    }
}

fn checked_trailer(bytes: &[u8]) -> Result<Trailer, MatcherError> {
    if bytes.get(..HEAD_MAGIC.len()) != Some(HEAD_MAGIC) {
        return Err(MatcherError::Magic);
    }
    match u32_at(bytes, HEAD_MAGIC.len()) {
        Some(layout::VERSION) => {}
        Some(other) => return Err(MatcherError::Version(other)),
        None => return Err(MatcherError::CutShort),
    }
    let (before, end) = bytes.split_last_chunk::<{ Trailer::LENGTH }>().ok_or(MatcherError::CutShort)?;
    let trailer = Trailer::from_bytes(end).ok_or(MatcherError::CutShort)?;
    let mut crc = crc32fast::Hasher::new();
    crc.update(before);
    crc.update(&end[..Trailer::LENGTH - Trailer::UNCOVERED]);
    if crc.finalize() == trailer.crc { Ok(trailer) } else { Err(MatcherError::Checksum) }
}

/// The places of slots, set starts and members, when they follow each other and fill the file to its trailer.
fn checked_places(bytes: &[u8], trailer: &Trailer) -> Option<(usize, usize, usize)> {
    let slots_at = usize::try_from(trailer.slots_at).ok().filter(|&at| at >= HEAD)?;
    let slots = usize::try_from(trailer.slots).ok()?;
    let sets_at = usize::try_from(trailer.sets_at).ok()?;
    let members_at = sets_at.checked_add((trailer.sets as usize + 1).checked_mul(4)?)?;
    let end = members_at.checked_add((trailer.members as usize).checked_mul(MEMBER)?)?;
    let places_fit = slots_at.checked_add(slots.checked_mul(SLOT)?)? == sets_at
        && end.checked_add(Trailer::LENGTH)? == bytes.len()
        && (1..=trailer.slots).contains(&trailer.homes)
        && trailer.names <= trailer.slots
        && trailer.homes <= u32::MAX as u64;
    let categories_fit =
        bytes.get(members_at..end)?.chunks_exact(MEMBER).all(|member| (member[0] as usize) < MAX_CATEGORIES);
    (places_fit && categories_fit).then_some((slots_at, sets_at, members_at))
}

#[cfg(test)]
mod tests;
