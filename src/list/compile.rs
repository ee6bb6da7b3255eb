//! Rules into one flat file (see [`super::layout`]).

mod file;
mod sets;

use std::collections::HashMap;
use std::io::{self, Write};

use crate::list::code::{Code, Frequencies, MOST_OCTETS};
use crate::list::hits::Kind;
use crate::list::keyed::Keyed;
use crate::list::layout::{self, FAR, FILTER, LOAD, LONG, Member, START_MAGIC, Trailer};
use crate::list::own;
use crate::list::rule::{Answer, Role, Rule, Says, Types};
use crate::list::soon;
use crate::verdict::{CategoryId, ListId, MAX_CATEGORIES};
use file::Counted;
use sets::{Interned, Sets};

/// Takes rules in and writes the compiled file. Everything is held in memory until [`Compiler::finish`].
pub struct Compiler {
    seed: [u8; 16],
    keyed: Keyed,
    /// Names in the order added, each with its length before it: in wire form without the root label until there is a code, coded then.
    names: Vec<u8>,
    frequencies: Frequencies,
    /// Made for the first names that come: what lists hold is alike enough, and coded names take half the memory.
    code: Option<Code>,
    /// Room for the name that is coded.
    coded: Box<[u8; MOST_OCTETS]>,
    entries: Vec<Entry>,
    /// Who speaks, by [`Entry::source`].
    sources: Interned<Member>,
    types: Interned<Types>,
    own: Vec<Own>,
    greatest_line: u32,
    depths: u128,
}

/// Why no file came out.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The root would put every name into the category.
    #[error("the root of all names cannot be on a list")]
    Root,
    /// A category beyond the bound.
    #[error("category {0} is beyond the {MAX_CATEGORIES} there can be")]
    Category(u8),
    /// More than places of 32 bits can tell apart.
    #[error("the lists together are above 4 GiB of names; leave some of them out")]
    TooLarge,
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// What went into the compiled file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompileReport {
    /// Distinct names.
    pub names: u64,
    /// Rules and exceptions, repetitions not counted.
    pub rules: u64,
    /// Length of the file in octets.
    pub octets: u64,
    /// What came of each list that added something, by its id.
    pub lists: Vec<ListCount>,
}

/// What came of one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListCount {
    /// The list.
    pub list: ListId,
    /// Rules kept.
    pub entries: u64,
    /// Lines that repeat a rule of the same list; the first one stays.
    pub duplicates: u64,
}

/// Without gaps: there are millions of them.
#[derive(Clone, Copy)]
#[repr(C, packed(4))]
struct Entry {
    hash: u64,
    name_at: u32,
    line: u32,
    source: u32,
}

/// How many names the code is made for.
const SAMPLE: usize = 1 << 17;
/// How many names ahead memory is asked for.
const AHEAD: usize = 24;
/// A length that stands in two octets of its own, in [`Compiler::names`].
const TWO_OCTETS: u8 = u8::MAX;

/// What a list answers itself, by a line of it.
struct Own {
    list: u16,
    line: u32,
    octets: Vec<u8>,
}

impl Compiler {
    /// An empty compiler whose file will hash names by `seed`: draw it at random for each file, lists and clients may be hostile.
    pub fn new(seed: [u8; 16]) -> Compiler {
        Compiler {
            seed,
            keyed: Keyed::new(&seed),
            names: Vec::new(),
            frequencies: Frequencies::new(),
            code: None,
            coded: Box::new([0; MOST_OCTETS]),
            entries: Vec::new(),
            sources: Interned::default(),
            types: Interned::default(),
            own: Vec::new(),
            greatest_line: 0,
            depths: 0,
        }
    }

    /// Adds what `line` (from 1) of `list` says for `category`.
    ///
    /// Of two equal rules of one list the first added stays. The same name may be added for any number of lists and categories.
    pub fn add(
        &mut self,
        list: ListId,
        category: CategoryId,
        role: Role,
        line: u32,
        rule: &Rule,
    ) -> Result<(), CompileError> {
        if rule.name.is_root() {
            return Err(CompileError::Root);
        }
        if category.0 as usize >= MAX_CATEGORIES {
            return Err(CompileError::Category(category.0));
        }
        let member = self.member(list, category, role, rule)?;
        if let Says::Lists(Answer::Records(records)) = &rule.says {
            self.own.push(Own { list: list.0, line, octets: own::to_bytes(records) });
        }
        let source = self.sources.place(&member)?;
        let wire = &rule.name.as_wire()[..rule.name.wire_len() - 1];
        let name_at = match &self.code {
            Some(code) => {
                let length = code.encode(wire, &mut self.coded);
                push_name(&mut self.names, &self.coded[..length])?
            }
            None => {
                self.frequencies.count(wire);
                push_name(&mut self.names, wire)?
            }
        };
        self.depths |= 1 << rule.name.label_count();
        self.greatest_line = self.greatest_line.max(line);
        self.entries.push(Entry { hash: self.keyed.whole(&rule.name), name_at, line, source });
        if self.code.is_none() && self.entries.len() == SAMPLE {
            self.code()?;
        }
        Ok(())
    }

    /// The code; made now for the names that are there when there is none yet, and they are coded by it.
    fn code(&mut self) -> Result<Code, CompileError> {
        if let Some(code) = &self.code {
            return Ok(code.clone());
        }
        let code = std::mem::replace(&mut self.frequencies, Frequencies::new()).code();
        let wires = std::mem::take(&mut self.names);
        let mut coded = [0; MOST_OCTETS];
        for entry in &mut self.entries {
            let length = code.encode(name(&wires, entry.name_at), &mut coded);
            entry.name_at = push_name(&mut self.names, &coded[..length])?;
        }
        self.code = Some(code.clone());
        Ok(code)
    }

    fn member(&mut self, list: ListId, category: CategoryId, role: Role, rule: &Rule) -> Result<Member, CompileError> {
        let says = match &rule.says {
            Says::Lists(_) => Kind::Lists,
            Says::ListsImportant => Kind::ListsImportant,
            Says::Except => Kind::Except,
            Says::ExceptAlways => Kind::ExceptAlways,
            Says::ExceptImportant => Kind::ExceptImportant,
            Says::Hole => Kind::Hole,
        };
        // In a file of exceptions every line is one, however its format would write it.
        let (kind, of) = match role {
            Role::Lists => (says, list),
            Role::ExceptCategory => (Kind::ExceptCategory, list),
            Role::ExceptList(of) => (Kind::Except, of),
        };
        let given = match (&rule.says, kind) {
            (Says::Lists(answer), Kind::Lists) => answer.given(),
            _ => Default::default(),
        };
        let types = match &rule.types {
            Types::All => 0,
            types => {
                let place = self.types.place(types)? + 1;
                u16::try_from(place).map_err(|_| CompileError::TooLarge)?
            }
        };
        Ok(Member { category: category.0, list: list.0, kind, of: of.0, scope: rule.scope, given, types })
    }

    /// Writes the compiled file. `fingerprint` stands for what it was compiled from; [`super::Matcher::fingerprint`] gives it back.
    pub fn finish(mut self, fingerprint: [u8; 32], to: impl Write) -> Result<CompileReport, CompileError> {
        let code = self.code()?;
        // Names were added with rising places, so sorting by place within a hash keeps the order of adding.
        self.entries.sort_unstable_by_key(|entry| (entry.hash, entry.name_at));
        let mut counts = vec![(0, 0); self.sources.values.len()];
        let sets = self.sets(&mut counts)?;

        let mut out = Counted::new(to);
        out.put(START_MAGIC)?;
        out.put(&layout::VERSION.to_le_bytes())?;
        let names = sets.of_names.len() as u64;
        let buckets = names.div_ceil(LOAD).max(1);
        let line_width = (4 - self.greatest_line.leading_zeros() / 8).max(1) as usize;
        let heads = self.write_records(&sets, buckets, line_width, &mut out)?;
        let records_end = out.at;
        out.pad_to(FILTER as u64)?;
        let filters_at = out.at;
        for (_, filter) in &heads[..heads.len() - 1] {
            out.put(&filter.to_le_bytes())?;
        }
        for (place, _) in &heads {
            out.put(&place.to_le_bytes())?;
        }
        let sets_at = out.at;
        for start in sets.starts() {
            out.put(&start.to_le_bytes())?;
        }
        for &source in sets.members() {
            out.put(&self.sources.values[source as usize].to_bytes())?;
        }
        let types_at = out.at;
        for types in &self.types.values {
            out.put(&types_to_bytes(types))?;
        }
        let own_at = out.at;
        self.write_own(&mut out)?;
        let code_at = out.at;
        out.put(&code.to_bytes())?;
        let trailer = Trailer {
            seed: self.seed,
            fingerprint,
            depths: self.depths,
            names,
            rules: counts.iter().map(|(kept, _)| kept).sum(),
            buckets,
            proof: self.keyed.proof(),
            records_end,
            filters_at,
            sets_at,
            types_at,
            own_at,
            code_at,
            sets: sets.len() as u32,
            members: sets.members().count() as u32,
            own: self.own.len() as u32,
            line_width: line_width as u32,
            crc: 0,
        };
        let rules = trailer.rules;
        let octets = out.end(trailer)?;
        Ok(CompileReport { names, rules, octets, lists: counted_by_list(&self.sources.values, &counts) })
    }

    /// The set of each distinct name in the order of the sorted entries. Counts by source what is kept and what is repeated.
    fn sets(&self, counts: &mut [(u64, u64)]) -> Result<Sets, CompileError> {
        let mut sets = Sets::default();
        let mut kept = Vec::new();
        self.each_name(|same, _| {
            self.keep(same, &mut kept);
            for entry in &kept {
                counts[entry.source as usize].0 += 1;
            }
            if same.len() > kept.len() {
                for entry in same {
                    counts[entry.source as usize].1 += 1;
                }
                for entry in &kept {
                    counts[entry.source as usize].1 -= 1;
                }
            }
            sets.add(kept.iter().map(|entry| entry.source))
        })?;
        sets.sort_by_use();
        Ok(sets)
    }

    /// Calls `visit` with the entries of each distinct name, in the order of their hashes, and with the entries to come.
    fn each_name(
        &self,
        mut visit: impl FnMut(&[Entry], &[Entry]) -> Result<(), CompileError>,
    ) -> Result<(), CompileError> {
        let mut rest = &self.entries[..];
        let mut mixed = Vec::new();
        while let Some(first) = rest.first() {
            let run = 1 + rest[1..].iter().take_while(|entry| entry.hash == first.hash).count();
            let (same, others) = rest.split_at(run);
            rest = others;
            let all_one = run == 1 || {
                let name = self.name(first.name_at);
                same.iter().all(|entry| self.name(entry.name_at) == name)
            };
            if all_one {
                visit(same, rest)?;
                continue;
            }
            // Different names of one hash, which hardly ever happens: one after the other.
            mixed.clear();
            mixed.extend_from_slice(same);
            while let Some(first) = mixed.first() {
                let name = self.name(first.name_at);
                let (these, those): (Vec<Entry>, Vec<Entry>) =
                    mixed.iter().partition(|entry| self.name(entry.name_at) == name);
                visit(&these, rest)?;
                mixed = those;
            }
        }
        Ok(())
    }

    /// Of the entries of one name the first of each source, sorted as a set's members are.
    fn keep(&self, same: &[Entry], kept: &mut Vec<Entry>) {
        kept.clear();
        for entry in same {
            if kept.iter().all(|other| other.source != entry.source) {
                kept.push(*entry);
            }
        }
        if kept.len() > 1 {
            kept.sort_by_key(|entry| self.sources.values[entry.source as usize]);
        }
    }

    /// Writes a record for each name; place and filter of each bucket, and where the last one ends.
    fn write_records(
        &self,
        sets: &Sets,
        buckets: u64,
        line_width: usize,
        out: &mut Counted<impl Write>,
    ) -> Result<Vec<(u32, u64)>, CompileError> {
        let mut heads: Vec<(u32, u64)> = Vec::with_capacity(buckets as usize + 1);
        let mut kept = Vec::new();
        let mut set_of_name = sets.of_names.iter();
        self.each_name(|same, to_come| {
            let Some(first) = same.first() else { return Ok(()) };
            // Names lie in the order they were added, not in that of their hashes: each would have to be waited for.
            if let Some(soon) = to_come.get(AHEAD) {
                soon::will_read(&self.names[soon.name_at as usize..]);
            }
            let Some(set) = set_of_name.next().map(|set| sets.place(*set)) else { return Ok(()) };
            let place = u32::try_from(out.at).map_err(|_| CompileError::TooLarge)?;
            let bucket = layout::bucket(first.hash, buckets) as usize;
            while heads.len() <= bucket {
                heads.push((place, 0));
            }
            if let Some((_, filter)) = heads.last_mut() {
                *filter |= layout::filter(first.hash);
            }
            let coded = self.name(first.name_at);
            let length = coded.len();
            out.put(&[(length.min(LONG) | (set as usize).min(FAR) << 5) as u8])?;
            if length >= LONG {
                out.put(&(length as u16).to_le_bytes())?;
            }
            if set as usize >= FAR {
                put_varint(set, out)?;
            }
            out.put(coded)?;
            self.keep(same, &mut kept);
            for entry in &kept {
                out.put(&entry.line.to_le_bytes()[..line_width])?;
            }
            Ok(())
        })?;
        let end = u32::try_from(out.at).map_err(|_| CompileError::TooLarge)?;
        heads.resize(buckets as usize + 1, (end, 0));
        Ok(heads)
    }

    /// The table of own answers, then the answers; places count from the end of the table.
    fn write_own(&mut self, out: &mut Counted<impl Write>) -> Result<(), CompileError> {
        self.own.sort_by_key(|own| (own.list, own.line));
        self.own.dedup_by_key(|own| (own.list, own.line));
        let mut place = 0u32;
        for own in &self.own {
            let length = u32::try_from(own.octets.len()).map_err(|_| CompileError::TooLarge)?;
            out.put(&u32::from(own.list).to_le_bytes())?;
            for value in [own.line, place, length] {
                out.put(&value.to_le_bytes())?;
            }
            place = place.checked_add(length).ok_or(CompileError::TooLarge)?;
        }
        for own in &self.own {
            out.put(&own.octets)?;
        }
        Ok(())
    }

    fn name(&self, at: u32) -> &[u8] {
        name(&self.names, at)
    }
}

/// Adds a name, in whatever form; where it is.
#[inline]
fn push_name(names: &mut Vec<u8>, octets: &[u8]) -> Result<u32, CompileError> {
    let at = u32::try_from(names.len()).map_err(|_| CompileError::TooLarge)?;
    match u8::try_from(octets.len()) {
        Ok(length) if length < TWO_OCTETS => names.push(length),
        _ => {
            names.push(TWO_OCTETS);
            names.extend_from_slice(&(octets.len() as u16).to_le_bytes());
        }
    }
    names.extend_from_slice(octets);
    Ok(at)
}

#[inline]
fn name(names: &[u8], at: u32) -> &[u8] {
    let at = at as usize;
    match names[at] {
        TWO_OCTETS => {
            let length = u16::from_le_bytes([names[at + 1], names[at + 2]]);
            &names[at + 3..at + 3 + usize::from(length)]
        }
        length => &names[at + 1..at + 1 + usize::from(length)],
    }
}

fn put_varint(mut value: u32, out: &mut Counted<impl Write>) -> io::Result<()> {
    while value >= 0x80 {
        out.put(&[value as u8 | 0x80])?;
        value >>= 7;
    }
    out.put(&[value as u8])
}

/// At most 255 types; a rule for more of them would be longer than a line may be.
fn types_to_bytes(types: &Types) -> Vec<u8> {
    let (kind, types): (u8, &[u16]) = match types {
        Types::All => (0, &[]),
        Types::Only(types) => (1, types),
        Types::AllBut(types) => (2, types),
    };
    let mut to = vec![kind, types.len().min(255) as u8];
    to.extend(types.iter().take(255).flat_map(|rtype| rtype.to_le_bytes()));
    to
}

fn counted_by_list(sources: &[Member], counts: &[(u64, u64)]) -> Vec<ListCount> {
    let mut lists: HashMap<u16, ListCount> = HashMap::new();
    for (source, &(entries, duplicates)) in sources.iter().zip(counts) {
        let empty = ListCount { list: ListId(source.list), entries: 0, duplicates: 0 };
        let count = lists.entry(source.list).or_insert(empty);
        count.entries += entries;
        count.duplicates += duplicates;
    }
    let mut lists: Vec<ListCount> = lists.into_values().collect();
    lists.sort_by_key(|count| count.list);
    lists
}
