//! Rules into one flat file (see [`super::layout`]).

use std::collections::HashMap;
use std::io::{self, Write};

use crate::list::keyed::Keyed;
use crate::list::layout::{self, FILL, HEAD_MAGIC, SLOT, Trailer};
use crate::list::rule::{Role, Rule, Says};
use crate::verdict::{CategoryId, ListId, MAX_CATEGORIES};

/// Takes rules in and writes the compiled file. Everything is held in memory until [`Compiler::finish`].
pub struct Compiler {
    seed: [u8; 16],
    keyed: Keyed,
    /// Length octet and wire form without the root label, one after the other, in the order added.
    names: Vec<u8>,
    entries: Vec<Entry>,
    sources: Vec<Source>,
    known: HashMap<Source, u32>,
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
    /// More names than places of 32 bits can tell apart.
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
    /// Names kept.
    pub entries: u64,
    /// Lines that repeat a name of the same list; the first one stays.
    pub duplicates: u64,
}

/// Who holds a name: one member of a set.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Source {
    category: u8,
    except: bool,
    list: u16,
}

#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    name_at: u32,
    line: u32,
    source: u32,
}

impl Compiler {
    /// An empty compiler whose file will hash names by `seed`: draw it at random for each file, lists and clients may be hostile.
    pub fn new(seed: [u8; 16]) -> Compiler {
        Compiler {
            seed,
            keyed: Keyed::new(&seed),
            names: Vec::new(),
            entries: Vec::new(),
            sources: Vec::new(),
            known: HashMap::new(),
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
        let name = &rule.name;
        let except = role != Role::Lists || !matches!(rule.says, Says::Lists(_) | Says::ListsImportant);
        if name.is_root() {
            return Err(CompileError::Root);
        }
        if category.0 as usize >= MAX_CATEGORIES {
            return Err(CompileError::Category(category.0));
        }
        let source = self.source(Source { category: category.0, except, list: list.0 });
        let name_at = u32::try_from(self.names.len()).map_err(|_| CompileError::TooLarge)?;
        let wire = &name.as_wire()[..name.wire_len() - 1];
        self.names.push(wire.len() as u8);
        self.names.extend_from_slice(wire);
        self.depths |= 1 << name.label_count();
        self.entries.push(Entry { hash: self.keyed.whole(name), name_at, line, source });
        Ok(())
    }

    /// Writes the compiled file. `fingerprint` stands for what it was compiled from; [`super::Matcher::fingerprint`] gives it back.
    pub fn finish(mut self, fingerprint: [u8; 32], to: impl Write) -> Result<CompileReport, CompileError> {
        // Names were added with rising places, so sorting by place within a hash keeps the order of adding.
        self.entries.sort_unstable_by_key(|entry| (entry.hash, entry.name_at));
        let mut out = Counted::new(to);
        out.put(HEAD_MAGIC)?;
        out.put(&layout::VERSION.to_le_bytes())?;

        let mut work = Work { counts: vec![(0, 0); self.sources.len()], ..Work::default() };
        let mut rest = &self.entries[..];
        while let Some(first) = rest.first() {
            let run = rest.iter().take_while(|entry| entry.hash == first.hash).count();
            let (same, others) = rest.split_at(run);
            rest = others;
            self.write_names(same, &mut work, &mut out)?;
        }

        let names = work.tagged.len() as u64;
        let homes = (names * 100).div_ceil(FILL).max(1);
        out.pad_to(64)?;
        let slots_at = out.at;
        let slots = write_slots(&work.tagged, homes, &mut out)?;
        let sets_at = out.at;
        for start in work.sets.starts.iter().chain([&(work.sets.members.len() as u32)]) {
            out.put(&start.to_le_bytes())?;
        }
        for &member in &work.sets.members {
            let Source { category, except, list } = self.sources[member as usize];
            let [low, high] = list.to_le_bytes();
            out.put(&[category, except as u8, low, high])?;
        }
        let trailer = Trailer {
            seed: self.seed,
            fingerprint,
            depths: self.depths,
            names,
            rules: work.rules,
            slots_at,
            homes,
            slots,
            sets_at,
            sets: work.sets.starts.len() as u32,
            members: work.sets.members.len() as u32,
            crc: 0,
        };
        let octets = out.end(trailer)?;
        Ok(CompileReport { names, rules: work.rules, octets, lists: counted_by_list(&self.sources, &work.counts) })
    }

    /// The place of a source; lists come one after the other, so the last one used is looked at first.
    fn source(&mut self, source: Source) -> u32 {
        if let Some(last) = self.entries.last()
            && self.sources[last.source as usize] == source
        {
            return last.source;
        }
        let next = self.sources.len() as u32;
        let place = *self.known.entry(source).or_insert(next);
        if place == next {
            self.sources.push(source);
        }
        place
    }

    /// Writes the records of entries of one hash: nearly always one name.
    fn write_names(&self, same: &[Entry], work: &mut Work, out: &mut Counted<impl Write>) -> Result<(), CompileError> {
        let mut left = std::mem::take(&mut work.left);
        left.clear();
        left.extend_from_slice(same);
        while let Some(first) = left.first() {
            let name = self.name(first.name_at);
            let mut kept = std::mem::take(&mut work.kept);
            kept.clear();
            for entry in left.iter().filter(|entry| self.name(entry.name_at) == name) {
                let count = &mut work.counts[entry.source as usize];
                if kept.iter().any(|other: &Entry| other.source == entry.source) {
                    count.1 += 1;
                } else {
                    count.0 += 1;
                    kept.push(*entry);
                }
            }
            kept.sort_by_key(|entry| {
                let source = self.sources[entry.source as usize];
                (source.category, !source.except, source.list)
            });
            let place = u32::try_from(out.at).map_err(|_| CompileError::TooLarge)?;
            let set = work.sets.intern(kept.iter().map(|entry| entry.source))?;
            out.put(&[name.len() as u8])?;
            out.put(name)?;
            out.put(&set.to_le_bytes())?;
            for entry in &kept {
                out.put(&entry.line.to_le_bytes())?;
            }
            work.tagged.push((layout::tag(first.hash), place));
            work.rules += kept.len() as u64;
            work.kept = kept;
            left.retain(|entry| self.name(entry.name_at) != name);
        }
        work.left = left;
        Ok(())
    }

    fn name(&self, at: u32) -> &[u8] {
        let at = at as usize;
        &self.names[at + 1..at + 1 + self.names[at] as usize]
    }
}

/// What the records leave behind for the sections after them.
#[derive(Default)]
struct Work {
    tagged: Vec<(u32, u32)>,
    sets: Sets,
    rules: u64,
    /// By source: names kept, repetitions.
    counts: Vec<(u64, u64)>,
    left: Vec<Entry>,
    kept: Vec<Entry>,
}

/// Interned sets of sources.
#[derive(Default)]
struct Sets {
    starts: Vec<u32>,
    members: Vec<u32>,
    known: HashMap<Box<[u32]>, u32>,
    key: Vec<u32>,
    last: Option<u32>,
}

impl Sets {
    fn intern(&mut self, sources: impl Iterator<Item = u32>) -> Result<u32, CompileError> {
        self.key.clear();
        self.key.extend(sources);
        if let Some(last) = self.last
            && self.members[self.starts[last as usize] as usize..] == self.key
        {
            return Ok(last);
        }
        if let Some(&set) = self.known.get(&self.key[..]) {
            return Ok(set);
        }
        let set = u32::try_from(self.starts.len()).map_err(|_| CompileError::TooLarge)?;
        self.starts.push(u32::try_from(self.members.len()).map_err(|_| CompileError::TooLarge)?);
        self.members.extend_from_slice(&self.key);
        self.known.insert(self.key[..].into(), set);
        self.last = Some(set);
        Ok(set)
    }
}

/// Puts each record into the first slot that is free from its home on; records come in the order of their hashes.
fn write_slots(tagged: &[(u32, u32)], homes: u64, out: &mut Counted<impl Write>) -> io::Result<u64> {
    let mut next = 0u64;
    for &(tag, place) in tagged {
        let home = layout::home(tag, homes);
        while next < home {
            out.put(&[0; SLOT])?;
            next += 1;
        }
        out.put(&((tag as u64) << 32 | place as u64).to_le_bytes())?;
        next += 1;
    }
    while next < homes {
        out.put(&[0; SLOT])?;
        next += 1;
    }
    Ok(next)
}

fn counted_by_list(sources: &[Source], counts: &[(u64, u64)]) -> Vec<ListCount> {
    let mut lists: Vec<ListCount> = Vec::new();
    for (source, &(entries, duplicates)) in sources.iter().zip(counts) {
        match lists.iter_mut().find(|count| count.list.0 == source.list) {
            Some(count) => {
                count.entries += entries;
                count.duplicates += duplicates;
            }
            None => lists.push(ListCount { list: ListId(source.list), entries, duplicates }),
        }
    }
    lists.sort_by_key(|count| count.list);
    lists
}

/// A writer that knows how far it is and what the CRC is so far. It gathers small writes.
struct Counted<W> {
    to: W,
    at: u64,
    crc: crc32fast::Hasher,
    held: Vec<u8>,
}

impl<W: Write> Counted<W> {
    const HELD: usize = 64 << 10;

    fn new(to: W) -> Counted<W> {
        Counted { to, at: 0, crc: crc32fast::Hasher::new(), held: Vec::with_capacity(Counted::<W>::HELD + 512) }
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        self.at += bytes.len() as u64;
        if self.held.len() >= Counted::<W>::HELD { self.pass_on() } else { Ok(()) }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.crc.update(&self.held);
        self.to.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }

    fn pad_to(&mut self, alignment: u64) -> io::Result<()> {
        while !self.at.is_multiple_of(alignment) {
            self.put(&[0])?;
        }
        Ok(())
    }

    /// Writes the trailer with the CRC of everything before it; how long the file is.
    fn end(mut self, mut trailer: Trailer) -> io::Result<u64> {
        self.pass_on()?;
        self.crc.update(&trailer.to_bytes()[..Trailer::LENGTH - Trailer::UNCOVERED]);
        trailer.crc = self.crc.finalize();
        self.to.write_all(&trailer.to_bytes())?;
        self.to.flush()?;
        Ok(self.at + Trailer::LENGTH as u64)
    }
}
