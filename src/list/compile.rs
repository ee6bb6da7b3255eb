//! Rules into one flat file (see [`super::layout`]).

mod bucket;
mod file;
mod sets;
mod spool;

use std::collections::HashMap;
use std::io::{self, Write};

use crate::dns::keyed::Keyed;
use crate::list::code::{Code, Frequencies, MOST_OCTETS, Spelled};
use crate::list::hits::Kind;
use crate::list::layout::{self, FILTER, LOAD, Member, START_MAGIC, Trailer};
use crate::list::own;
use crate::list::rule::{Answer, Role, Rule, Says, Types};
use crate::verdict::{CategoryId, ListId, MAX_CATEGORIES};
use bucket::Bucket;
use file::Counted;
use sets::{Interned, Sets};
pub use spool::Medium;
use spool::{Entry, PARTS, Spool};

/// Takes rules in and writes the compiled file. What was added is put aside until [`Compiler::finish`].
pub struct Compiler {
    seed: [u8; 16],
    keyed: Keyed,
    frequencies: Frequencies,
    /// Made for the first names that come: what lists hold is alike enough.
    code: Option<Code>,
    /// Names in wire form that wait for a code.
    waiting: Vec<u8>,
    waiting_count: usize,
    /// Room for the name that is coded.
    coded: Box<[u8; MOST_OCTETS]>,
    spool: Spool,
    /// Who speaks, by source, and for how many names.
    sources: Interned<Member>,
    names_of_sources: Vec<u64>,
    /// Who said the last usual rule that was looked for among them: as a rule the next comes of the same.
    usual: Option<(Who, u32)>,
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

/// Who says something: a list, for a category, as what it is there.
type Who = (ListId, CategoryId, Role);

/// How many names the code is made for.
const SAMPLE: usize = 1 << 17;

/// What a list answers itself, by a line of it.
struct Own {
    list: u16,
    line: u32,
    octets: Vec<u8>,
}

impl Compiler {
    /// An empty compiler whose file will hash names by `seed`: draw it at random for each file, lists and clients may be hostile. What it
    /// is given is held in memory.
    pub fn new(seed: [u8; 16]) -> Compiler {
        Compiler::beside(seed, Box::new(io::Cursor::new(Vec::new())))
    }

    /// As [`Compiler::new`], with what it is given put aside on an empty medium, so that memory does not grow with it.
    pub fn beside(seed: [u8; 16], medium: Box<dyn Medium>) -> Compiler {
        Compiler {
            seed,
            keyed: Keyed::new(&seed),
            frequencies: Frequencies::new(),
            code: None,
            waiting: Vec::new(),
            waiting_count: 0,
            coded: Box::new([0; MOST_OCTETS]),
            spool: Spool::new(medium),
            sources: Interned::default(),
            names_of_sources: Vec::new(),
            usual: None,
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
        let who = (list, category, role);
        let source = match self.usual {
            Some((before, source)) if before == who && rule.is_usual() => source,
            _ => self.source(who, line, rule)?,
        };
        self.names_of_sources[source as usize] += 1;
        let spelled = Spelled::of(rule.name.held());
        let hash = self.keyed.whole(&rule.name);
        self.depths |= 1 << rule.name.label_count();
        self.greatest_line = self.greatest_line.max(line);
        if let Some(code) = &self.code {
            let length = code.encode(spelled, &mut self.coded[..]);
            return Ok(self.spool.add(hash, line, source, &self.coded[..length])?);
        }
        self.frequencies.count(spelled);
        spool::put(&mut self.waiting, hash, line, source, rule.name.as_wire());
        self.waiting_count += 1;
        if self.waiting_count == SAMPLE {
            self.code()?;
        }
        Ok(())
    }

    /// Who says what a rule says; what it answers itself is kept.
    fn source(&mut self, who: Who, line: u32, rule: &Rule) -> Result<u32, CompileError> {
        let (list, category, role) = who;
        if category.0 as usize >= MAX_CATEGORIES {
            return Err(CompileError::Category(category.0));
        }
        let member = self.member(list, category, role, rule)?;
        if let Says::Lists(Answer::Records(records)) = &rule.says {
            self.own.push(Own { list: list.0, line, octets: own::to_bytes(records) });
        }
        let source = self.sources.place(&member)?;
        self.names_of_sources.resize(self.sources.values.len(), 0);
        if rule.is_usual() {
            self.usual = Some((who, source));
        }
        Ok(source)
    }

    /// The code; made now for the names that wait when there is none yet, and they are coded by it.
    fn code(&mut self) -> Result<Code, CompileError> {
        if let Some(code) = &self.code {
            return Ok(code.clone());
        }
        let code = std::mem::replace(&mut self.frequencies, Frequencies::new()).code();
        let waiting = std::mem::take(&mut self.waiting);
        let mut outcome = Ok(());
        spool::each(&waiting, |entry, wire| {
            let length = code.encode(Spelled::of(wire), &mut self.coded[..]);
            if outcome.is_ok() {
                outcome = self.spool.add(entry.hash, entry.line, entry.source, &self.coded[..length]);
            }
        });
        outcome?;
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
        // Names that wait for a code are put aside by it, and counted there.
        self.code()?;
        let buckets = self.spool.about()?.div_ceil(LOAD).clamp(1, u64::from(u32::MAX));
        self.finish_in(buckets, fingerprint, to)
    }

    /// As [`Compiler::finish`], in so many buckets.
    pub(super) fn finish_in(
        mut self,
        buckets: u64,
        fingerprint: [u8; 32],
        to: impl Write,
    ) -> Result<CompileReport, CompileError> {
        let code = self.code()?;
        let mut out = Counted::new(to);
        out.put(START_MAGIC)?;
        out.put(&layout::VERSION.to_le_bytes())?;
        let line_width = (4 - self.greatest_line.leading_zeros() / 8).max(1) as usize;
        let written = self.write_records(buckets, line_width, &mut out)?;
        let Written { names, sets, counts, places, filters } = written;
        let records_end = out.at;
        out.pad_to(FILTER as u64)?;
        let filters_at = out.at;
        for filter in &filters {
            out.put(&filter.to_le_bytes())?;
        }
        for place in &places {
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
        out.put(code.to_bytes())?;
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

    /// Writes a record for each name, in the order of their hashes.
    fn write_records(
        &mut self,
        buckets: u64,
        line_width: usize,
        out: &mut Counted<impl Write>,
    ) -> Result<Written, CompileError> {
        let mut written = Written {
            names: 0,
            sets: Sets::of(&self.names_of_sources),
            counts: vec![(0, 0); self.sources.values.len()],
            places: Vec::with_capacity(buckets as usize + 1),
            filters: vec![0; buckets as usize],
        };
        let (mut octets, mut entries) = (Vec::new(), Vec::new());
        let mut names = Names { kept: Vec::new(), set: Vec::new(), bucket: Bucket::default(), line_width, buckets };
        for part in 0..PARTS {
            self.spool.part(part, &mut octets, &mut entries)?;
            let mut rest = &entries[..];
            while let Some(first) = rest.first() {
                let run = 1 + rest[1..].iter().take_while(|entry| entry.hash == first.hash).count();
                let (same, others) = rest.split_at(run);
                rest = others;
                let name = first.name(&octets);
                if same.iter().all(|entry| entry.name(&octets) == name) {
                    names.write(same, name, &self.sources.values, &mut written, out)?;
                    continue;
                }
                // Different names of one hash, which hardly ever happens: one after the other.
                let mut left = same.to_vec();
                while let Some(first) = left.first() {
                    let name = first.name(&octets);
                    let (these, those): (Vec<Entry>, Vec<Entry>) =
                        left.iter().partition(|entry| entry.name(&octets) == name);
                    names.write(&these, name, &self.sources.values, &mut written, out)?;
                    left = those;
                }
            }
        }
        names.bucket.write(out)?;
        let end = u32::try_from(out.at).map_err(|_| CompileError::TooLarge)?;
        written.places.resize(buckets as usize + 1, end);
        Ok(written)
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
}

/// What writing the records leaves for what comes after them.
struct Written {
    names: u64,
    sets: Sets,
    /// By source: what was kept, what repeats it.
    counts: Vec<(u64, u64)>,
    /// By bucket: where its first record is; and where the last one ends.
    places: Vec<u32>,
    /// By bucket.
    filters: Vec<u64>,
}

/// How a name becomes a record.
struct Names {
    kept: Vec<Entry>,
    set: Vec<u32>,
    /// The bucket of the names so far.
    bucket: Bucket,
    line_width: usize,
    buckets: u64,
}

impl Names {
    fn write(
        &mut self,
        same: &[Entry],
        coded: &[u8],
        sources: &[Member],
        written: &mut Written,
        out: &mut Counted<impl Write>,
    ) -> Result<(), CompileError> {
        let Some(hash) = same.first().map(|entry| entry.hash) else { return Ok(()) };
        // Of the entries of one source the first stays.
        self.kept.clear();
        for entry in same {
            let count = &mut written.counts[entry.source as usize];
            if self.kept.iter().all(|other| other.source != entry.source) {
                count.0 += 1;
                self.kept.push(*entry);
            } else {
                count.1 += 1;
            }
        }
        if self.kept.len() > 1 {
            self.kept.sort_by_key(|entry| sources[entry.source as usize]);
        }
        self.set.clear();
        self.set.extend(self.kept.iter().map(|entry| entry.source));
        let set = written.sets.place(&self.set)?;
        let bucket = layout::bucket(hash, self.buckets) as usize;
        if written.places.len() <= bucket {
            self.bucket.write(out)?;
            let place = u32::try_from(out.at).map_err(|_| CompileError::TooLarge)?;
            written.places.resize(bucket + 1, place);
        }
        written.filters[bucket] |= layout::filter(hash);
        written.names += 1;
        let lines = self.kept.iter().map(|entry| entry.line);
        self.bucket.add(layout::tag(hash), set, coded, lines, self.line_width);
        Ok(())
    }
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
