//! Floor 2: the keeper of lists. Reads list files, compiles them aside, keeps the compiled file and loads it.
//!
//! ```text
//! list files -> fingerprint -> <data_dir>/lists/<fingerprint>.cordon there and whole? -> loaded
//!                              else compiled under another name, renamed              -> loaded
//! ```
//!
//! Beside each compiled file lies a receipt, `<fingerprint>.json`: what each list yielded, so that a restart need not read the lists anew
//! to tell.

pub mod added;
mod kept;
mod receipt;
mod seen;
mod source;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::behind;
use crate::config::checked::ListSource;
use crate::hex::hex;
use crate::list::{CompileError, CompileReport, Compiler, Format, Matcher, MatcherError, Medium, Rule};
use crate::moment::Moment;
use crate::policy::Model;
use crate::shelf::seen::Seen;
use crate::shelf::source::{Content, Fingerprint};
use crate::verdict::ListId;

/// The folder of compiled lists.
#[derive(Clone, Debug)]
pub struct Shelf {
    dir: PathBuf,
    /// What a server runs by, where one does: it is not loaded twice, and what is compiled anew has its key.
    in_force: Option<Arc<Matcher>>,
}

/// After so many rules the text they were read from is let go of.
const LET_GO: u32 = 100_000;

/// So many rules take a part of a millisecond.
const A_LITTLE: u32 = 512;

/// Lists, ready to be asked.
#[derive(Clone, Debug)]
pub struct Shelved {
    /// The look-up.
    pub matcher: Arc<Matcher>,
    /// What each list yielded, by [`ListId`].
    pub lists: Vec<ListReport>,
    /// SHA-256 over everything the compiled file depends on, in hex.
    pub fingerprint: String,
    /// The compiled file; none when it was compiled in memory only.
    pub file: Option<PathBuf>,
    /// Whether the compiled file was there already.
    pub reused: bool,
}

/// What one list yielded.
#[derive(Clone, Debug)]
pub struct ListReport {
    /// Its place.
    pub list: ListId,
    /// Where it comes from and what it feeds.
    pub source: ListSource,
    /// When its file was last changed.
    pub modified: Moment,
    /// Length of its file in octets.
    pub octets: u64,
    /// What its content came to.
    pub yielded: Yield,
}

/// What the content of a list came to: the same whenever the same content is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yield {
    /// SHA-256 of the content, in hex.
    pub sha256: String,
    /// The format it was read in.
    pub format: Format,
    /// Lines, comments and empty ones included.
    pub lines: u64,
    /// Names kept.
    pub entries: u64,
    /// Names that an earlier line of the same list has already; the first line stays.
    pub duplicates: u64,
    /// Entries passed over because they are no statement about a name, as `localhost` in a hosts file.
    pub furniture: u64,
    /// Entries that are right, but not for a resolver, as cosmetic rules.
    pub not_for_dns: u64,
    /// Lines with at least one refused entry.
    pub refused_lines: u64,
    /// Refused entries by kind, in the order they first came.
    pub flaws: Vec<(Box<str>, u64)>,
    /// The first refusals of each kind.
    pub examples: Vec<Example>,
}

/// A refused entry, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its line, from 1.
    pub line: u32,
    /// What is written there, bounded and printable.
    pub text: Box<str>,
    /// What is wrong, to be read on from the text: `is an address, not a name`.
    pub why: Box<str>,
}

/// Why lists could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// A list file could not be read.
    #[error("list `{list}`: {}: {error}; {}", path.display(), advice(error.kind()))]
    Read {
        /// The list.
        list: Box<str>,
        /// Its file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// A list's path leads to something that is neither a file nor a category of the Toulouse lists.
    #[error("list `{list}`: {} is not a file; name a file with one entry a line, or a folder with `domains`", path.display())]
    NotAFile {
        /// The list.
        list: Box<str>,
        /// Its path.
        path: PathBuf,
    },
    /// A list's file is packed with gzip (RFC 1952) and holds more than a list may.
    #[error("list `{list}`: {} is larger than {max} when unpacked; split it", path.display(), max = bytesize::ByteSize(source::LARGEST).display().iec())]
    TooLarge {
        /// The list.
        list: Box<str>,
        /// Its file.
        path: PathBuf,
    },
    /// A list could not be compiled.
    #[error("list `{list}`: {}: {error}", path.display())]
    Compile {
        /// The list.
        list: Box<str>,
        /// Its file.
        path: PathBuf,
        /// What happened.
        error: CompileError,
    },
    /// More lists than can be told apart.
    #[error("{0} lists are configured; at most {max} can be told apart", max = u16::MAX)]
    TooMany(usize),
    /// The compiled file could not be made.
    #[error("compiling the lists: {0}")]
    Finish(CompileError),
    /// The folder of compiled lists, or a file in it, could not be used.
    #[error("{}: {error}; the folder of compiled lists must be writable and have space left", path.display())]
    Keep {
        /// The folder or file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// What was just written does not read back: the disk lies.
    #[error("{} {error} although it was just written; check the disk", path.display())]
    ReadBack {
        /// The compiled file.
        path: PathBuf,
        /// What is wrong with it.
        error: MatcherError,
    },
    /// The system gave no random octets for the key of the hash.
    #[error("no random octets from the system: {0}")]
    Random(getrandom::Error),
}

impl ShelfError {
    /// The list at fault; none when the keeping is.
    pub fn list(&self) -> Option<&str> {
        match self {
            ShelfError::Read { list, .. }
            | ShelfError::NotAFile { list, .. }
            | ShelfError::TooLarge { list, .. }
            | ShelfError::Compile { list, .. } => Some(list),
            _ => None,
        }
    }

    /// What is wrong with a list, and what to do; nothing when the keeping is at fault.
    pub fn told(&self) -> Option<(String, &'static str)> {
        let whole = self.to_string();
        let advice = match self {
            ShelfError::Read { error, .. } => advice(error.kind()),
            ShelfError::NotAFile { .. } => "name a file with one entry a line, or a folder with `domains`",
            ShelfError::TooLarge { .. } => "split it",
            ShelfError::Compile { .. } => "put it there anew, or take the list out of the configuration",
            _ => return None,
        };
        let problem = whole.strip_suffix(advice).map_or(&*whole, |problem| problem.trim_end_matches("; "));
        Some((problem.to_owned(), advice))
    }
}

/// What to do about a list that cannot be read.
fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "put the file there or take the list out of the configuration",
        io::ErrorKind::PermissionDenied => "let the account that runs cordon read it",
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            "it is damaged or not whole: put it there anew"
        }
        _ => "see that it can be read, or take the list out of the configuration",
    }
}

impl Shelf {
    /// The shelf of a data directory; nothing is touched yet.
    pub fn new(data_dir: &Path) -> Shelf {
        Shelf { dir: data_dir.join("lists"), in_force: None }
    }

    /// The same shelf beside a server that runs by `matcher`. Files are compiled with its key: a name is then hashed alike by both, and what
    /// was found by the one hash is found by the other.
    #[must_use]
    pub fn beside(self, matcher: &Arc<Matcher>) -> Shelf {
        Shelf { in_force: Some(Arc::clone(matcher)), ..self }
    }

    /// Makes `lists` ready: loads the compiled file of their present content, after compiling it where there is none. Removes compiled
    /// files that are no longer used, but for the last one before.
    ///
    /// `lists` are those of the configuration, in its order: a list's place is its [`ListId`].
    pub fn compile(&self, lists: &[ListSource], model: &Model) -> Result<Shelved, ShelfError> {
        let mut seen = Seen::load(&self.dir);
        let shelved = match self.reuse(lists, model, &mut seen)? {
            Some(shelved) => shelved,
            None => {
                let aside = self.aside()?;
                let (compiled, contents) =
                    compile_to(lists, self.seed(), Some(self), Box::new(self.unnamed()?), &aside)?;
                seen.note_all(lists, &contents);
                let yields = yields(&contents, &compiled.report);
                let (file, matcher) = self.keep(aside, &compiled.fingerprint, &yields)?;
                shelved(lists, contents, yields, Arc::new(matcher), compiled.fingerprint, Some(file))
            }
        };
        self.prune(&shelved.fingerprint);
        if let Err(error) = seen.save(&self.dir, lists) {
            tracing::warn!(dir = %self.dir.display(), %error, "the hashes of lists cannot be kept: the next start reads every list");
        }
        Ok(shelved)
    }

    /// Makes `lists` ready without touching the disk: loads the compiled file when it is there, else compiles in memory.
    pub fn look(&self, lists: &[ListSource], model: &Model) -> Result<Shelved, ShelfError> {
        if let Some(shelved) = self.ready(lists, model)? {
            return Ok(shelved);
        }
        let mut file = Vec::new();
        let (compiled, contents) =
            compile_to(lists, self.seed(), None, Box::new(io::Cursor::new(Vec::new())), &mut file)?;
        let yields = yields(&contents, &compiled.report);
        let matcher = Matcher::open(file)
            .map_err(|error| ShelfError::ReadBack { path: PathBuf::from("the lists compiled in memory"), error })?;
        Ok(shelved(lists, contents, yields, Arc::new(matcher), compiled.fingerprint, None))
    }

    /// As [`Shelf::look`], with the journal of names added by command as it would be, which lies on the disk meanwhile.
    ///
    /// # Errors
    /// When a list cannot be read or compiled.
    pub fn look_with(&self, journal: &[u8], lists: &[ListSource], model: &Model) -> Result<Shelved, ShelfError> {
        let aside = self.aside()?;
        aside.put(journal)?;
        let there = |list: &ListSource| match list.added {
            Some(_) => ListSource { path: aside.path().to_owned(), ..list.clone() },
            None => list.clone(),
        };
        self.look(&lists.iter().map(there).collect::<Vec<_>>(), model)
    }

    /// As [`Shelf::look`], when the compiled file is there; none where it would have to be compiled.
    ///
    /// # Errors
    /// When a list cannot be read.
    pub fn ready(&self, lists: &[ListSource], model: &Model) -> Result<Option<Shelved>, ShelfError> {
        self.reuse(lists, model, &mut Seen::load(&self.dir))
    }

    /// A line of a list as it is written, from its file as it is now; none when the file cannot be read or has no such line. It reads the
    /// whole list: for people.
    pub fn written(list: &ListSource, line: u32) -> Option<Vec<u8>> {
        let (_, bytes, _) = source::read(list, None).ok()?;
        bytes.split(|octet| *octet == b'\n').nth((line as usize).checked_sub(1)?).map(<[u8]>::to_vec)
    }

    fn seed(&self) -> Option<[u8; 16]> {
        self.in_force.as_ref().map(|matcher| *matcher.keyed().seed())
    }

    /// The folder of compiled lists.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The compiled file of the present content, when it is there, whole, and has its receipt.
    fn reuse(&self, lists: &[ListSource], model: &Model, seen: &mut Seen) -> Result<Option<Shelved>, ShelfError> {
        if !self.dir.is_dir() {
            return Ok(None);
        }
        let mut contents = Vec::with_capacity(lists.len());
        let mut fingerprint = Fingerprint::new(lists.len());
        for list in lists {
            let content = source::looked_at(list, seen)?;
            fingerprint.add(list, &content.sha256);
            contents.push(content);
        }
        seen.note_all(lists, &contents);
        let fingerprint = fingerprint.finish();
        let Some((file, matcher, yields)) = self.kept(&fingerprint) else {
            return Ok(None);
        };
        let fits = yields.len() == lists.len() && matcher.fits(lists.len(), model.categories.len());
        let mut shelved = shelved(lists, contents, yields, matcher, fingerprint, Some(file));
        shelved.reused = true;
        Ok(fits.then_some(shelved))
    }
}

/// What compiling gave, besides the file.
struct Compiled {
    fingerprint: [u8; 32],
    report: CompileReport,
}

/// Reads every list and compiles them to `to`, by way of an empty medium. The fingerprint is made of the content compiled, whatever was looked at before.
fn compile_to(
    lists: &[ListSource],
    seed: Option<[u8; 16]>,
    aside: Option<&Shelf>,
    medium: Box<dyn Medium>,
    to: impl io::Write,
) -> Result<(Compiled, Vec<Content>), ShelfError> {
    if lists.len() > u16::MAX as usize {
        return Err(ShelfError::TooMany(lists.len()));
    }
    let seed = match seed {
        Some(seed) => seed,
        None => {
            let mut seed = [0; 16];
            getrandom::fill(&mut seed).map_err(ShelfError::Random)?;
            seed
        }
    };
    let mut compiler = Compiler::beside(seed, medium);
    let mut fingerprint = Fingerprint::new(lists.len());
    let mut contents = Vec::with_capacity(lists.len());
    for (list, place) in lists.iter().zip(0u16..) {
        let (mut content, text, format) = source::read(list, aside)?;
        fingerprint.add(list, &content.sha256);
        let mut failed = None;
        let mut read = 0u32;
        let visit = |line, rule: &Rule| {
            read = read.wrapping_add(1);
            if read.is_multiple_of(LET_GO) {
                text.let_go();
            }
            if read.is_multiple_of(A_LITTLE) {
                behind::rest();
            }
            if failed.is_none() {
                failed = compiler.add(ListId(place), list.category, list.role, line, rule).err();
            }
        };
        let reading = crate::list::read_and_let_go(&text, format, visit, || text.let_go());
        if let Some(error) = failed {
            return Err(ShelfError::Compile { list: list.name.clone(), path: list.path.clone(), error });
        }
        content.reading = Some(reading);
        contents.push(content);
    }
    let fingerprint = fingerprint.finish();
    let report = compiler.finish(fingerprint, to).map_err(ShelfError::Finish)?;
    Ok((Compiled { fingerprint, report }, contents))
}

fn yields(contents: &[Content], report: &CompileReport) -> Vec<Yield> {
    let of_list = |place: usize| report.lists.iter().find(|count| count.list.0 as usize == place);
    contents
        .iter()
        .enumerate()
        .filter_map(|(place, content)| {
            let reading = content.reading.as_ref()?;
            let count = of_list(place);
            Some(Yield {
                sha256: hex(&content.sha256),
                format: reading.format,
                lines: reading.lines,
                entries: count.map_or(0, |count| count.entries),
                duplicates: count.map_or(0, |count| count.duplicates),
                furniture: reading.furniture,
                not_for_dns: reading.not_for_dns,
                refused_lines: reading.refused_lines,
                flaws: reading.flaws.iter().map(|(word, count)| ((*word).into(), *count)).collect(),
                examples: reading
                    .examples
                    .iter()
                    .map(|refusal| Example {
                        line: refusal.line,
                        text: refusal.text.clone(),
                        why: refusal.why.to_string().into(),
                    })
                    .collect(),
            })
        })
        .collect()
}

fn shelved(
    lists: &[ListSource],
    contents: Vec<Content>,
    yields: Vec<Yield>,
    matcher: Arc<Matcher>,
    fingerprint: [u8; 32],
    file: Option<PathBuf>,
) -> Shelved {
    let reports = lists.iter().zip(contents).zip(yields).zip(0u16..);
    Shelved {
        matcher,
        lists: reports
            .map(|(((source, content), yielded), place)| ListReport {
                list: ListId(place),
                source: source.clone(),
                modified: content.modified,
                octets: content.octets,
                yielded,
            })
            .collect(),
        fingerprint: hex(&fingerprint),
        file,
        reused: false,
    }
}

#[cfg(test)]
mod tests;
