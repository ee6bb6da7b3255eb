//! The immutable look-up over a compiled file.

mod ahead;
mod bucket;
mod open;
mod resolve;

pub use ahead::Ahead;

use bytes::Bytes;

use crate::dns::Name;
use crate::dns::keyed::Keyed;
use crate::list::code::Code;
use crate::list::compile::Compiler;
use crate::list::hits::{Found, Hit, Hits};
use crate::list::layout::{self, Member, OWN, Trailer, u32_at};
use crate::list::own;
use crate::list::rule::{OwnRecord, Scope, Types};
use crate::verdict::{CategoryId, ListId};

/// Answers which categories a name is in, and by which rules.
///
/// It reads the octets of a compiled file in place, be they on the heap or memory-mapped; a clone is another look at the same octets.
/// Every read is checked against the bounds, so octets that change after [`Matcher::open`] can make it miss, never panic.
#[derive(Clone)]
pub struct Matcher {
    bytes: Bytes,
    keyed: Keyed,
    trailer: Trailer,
    filters_at: usize,
    places_at: usize,
    own_at: usize,
    line_width: usize,
    /// Bit n: some name has n labels; of the first sixteen.
    shallow: u16,
    deepest: usize,
    code: Code,
    sets: Box<[Set]>,
    members: Box<[Member]>,
    types: Box<[Types]>,
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

/// Who speaks for a name, as a range of members.
#[derive(Clone, Copy, Debug, Default)]
struct Set {
    start: u32,
    count: u32,
    /// Every member is what nearly every rule is, and each is of a category of its own or of an earlier list than the next.
    plain: bool,
}

/// The record of a suffix: its set, and where its lines are.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    labels: u8,
    set: Set,
    lines_at: usize,
}

/// The records of a name and its parents, shortest first: on the stack, and as many as a name has labels.
struct Records {
    count: usize,
    held: [std::mem::MaybeUninit<Record>; 128],
}

impl Records {
    const fn new() -> Records {
        Records { count: 0, held: [std::mem::MaybeUninit::uninit(); 128] }
    }

    #[inline]
    fn push(&mut self, record: Record) {
        if let Some(slot) = self.held.get_mut(self.count) {
            slot.write(record);
            self.count += 1;
        }
    }

    #[inline]
    fn iter(&self) -> impl Iterator<Item = Record> + Clone + '_ {
        // SAFETY: the first `count` slots have been written by `push`.
        self.held[..self.count].iter().map(|slot| unsafe { slot.assume_init() })
    }
}

impl Matcher {
    /// Finds, for each category that holds `name` or a parent of it for questions of type `qtype`, the rule with the most labels. Within
    /// each list its own exceptions count (see [`crate::list::Says`]); then an exception of the category takes out what has as many labels
    /// or fewer. Does not allocate; what was in `hits` is forgotten.
    #[inline]
    pub fn look_up(&self, name: &Name, qtype: u16, hits: &mut Hits) {
        let mut ahead = Ahead::NOTHING;
        self.foresee(name, &mut ahead);
        self.look_up_ahead(name, &ahead, qtype, hits);
    }

    /// As [`Matcher::look_up`], for a name that [`Matcher::foresee`] of this matcher has been asked for, and as many of the steps after it.
    #[inline]
    pub fn look_up_ahead(&self, name: &Name, ahead: &Ahead, qtype: u16, hits: &mut Hits) {
        hits.clear();
        let mut records = Records::new();
        self.records_of(name, ahead, &mut records);
        if records.count == 0 {
            return;
        }
        if records.iter().all(|record| record.set.plain) {
            for record in records.iter() {
                self.put_plain(record, hits);
            }
        } else {
            self.resolve(&records, name, qtype, hits);
        }
    }

    /// Everything lists say of `name` and its parents, what does not come to count included: longest first, then by category and list. For
    /// explaining, not for the way of a query.
    pub fn every_rule(&self, name: &Name, qtype: u16) -> Vec<Found> {
        let mut records = Records::new();
        self.walk(name, &mut records);
        let mut found = Vec::new();
        for record in records.iter() {
            for (number, member) in self.members(record.set).iter().enumerate() {
                found.push(Found {
                    category: CategoryId(member.category),
                    list: ListId(member.list),
                    line: self.line(record, number),
                    labels: record.labels,
                    except: !member.kind.lists(),
                    kind: member.kind,
                    scope: member.scope,
                    of: ListId(member.of),
                    applies: self.applies(member, record.labels, name, qtype),
                });
            }
        }
        found.sort_by_key(|rule| std::cmp::Reverse(rule.labels));
        found
    }

    /// What a list answers itself for the rule at `line`; nothing where it leaves that to the policy. Allocates: for the few names that
    /// have an answer of their own.
    pub fn records(&self, list: ListId, line: u32) -> Vec<OwnRecord> {
        let entries = self.own_at..self.own_at + self.trailer.own as usize * OWN;
        let Some(table) = self.bytes.get(entries.clone()) else { return Vec::new() };
        let (table, _) = table.as_chunks::<OWN>();
        let key = |entry: &[u8; OWN]| (u32_at(entry, 0).unwrap_or(0), u32_at(entry, 4).unwrap_or(0));
        let Ok(place) = table.binary_search_by_key(&(u32::from(list.0), line), key) else { return Vec::new() };
        let octets = u32_at(&table[place], 8).zip(u32_at(&table[place], 12)).and_then(|(at, length)| {
            let from = entries.end.checked_add(at as usize)?;
            self.bytes.get(from..from.checked_add(length as usize)?)
        });
        own::from_bytes(octets.unwrap_or_default())
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
        let fits = |member: &Member| {
            usize::from(member.category) < categories
                && usize::from(member.list) < lists
                && usize::from(member.of) < lists
        };
        self.members.iter().all(fits)
    }

    /// The records of `name` and its parents.
    fn walk(&self, name: &Name, records: &mut Records) {
        let mut ahead = Ahead::NOTHING;
        self.foresee(name, &mut ahead);
        self.records_of(name, &ahead, records);
    }

    /// The hash of names that the file is built by.
    pub fn keyed(&self) -> &Keyed {
        &self.keyed
    }

    #[inline]
    fn bucket(&self, hash: u64) -> usize {
        layout::bucket(hash, self.trailer.buckets) as usize
    }

    #[inline]
    fn members(&self, set: Set) -> &[Member] {
        self.members.get(set.start as usize..(set.start + set.count) as usize).unwrap_or_default()
    }

    /// The line of the member at place `number` of the record's set.
    #[inline]
    fn line(&self, record: Record, number: usize) -> u32 {
        // Much else comes after the records, so four octets can be read.
        let line = u32_at(&self.bytes, record.lines_at + number * self.line_width).unwrap_or(0);
        line & (u32::MAX >> (32 - 8 * self.line_width))
    }

    /// Whether a rule speaks for a question, by its scope and its types.
    #[inline]
    fn applies(&self, member: &Member, labels: u8, name: &Name, qtype: u16) -> bool {
        let whole = usize::from(labels) == name.label_count();
        let of_scope = match member.scope {
            Scope::Tree => true,
            Scope::Alone => whole,
            Scope::Below => !whole,
        };
        of_scope
            && match usize::from(member.types).checked_sub(1) {
                None => true,
                Some(place) => self.types.get(place).is_some_and(|types| types.has(qtype)),
            }
    }

    #[inline]
    fn put_plain(&self, record: Record, hits: &mut Hits) {
        let mut previous = None;
        for (number, member) in self.members(record.set).iter().enumerate() {
            // Members of a category are sorted by list: the one that is first in the configuration speaks.
            if previous.replace(member.category) != Some(member.category) {
                hits.put(self.hit(member, record, number));
            }
        }
    }

    #[inline]
    fn hit(&self, member: &Member, record: Record, number: usize) -> Hit {
        Hit {
            category: CategoryId(member.category),
            list: ListId(member.list),
            line: self.line(record, number),
            labels: record.labels,
            given: member.given,
        }
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

#[cfg(test)]
mod tests;
