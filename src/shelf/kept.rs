//! Compiled files on disk: written aside and renamed, loaded, removed when old.
//!
//! A compiled file is never changed once it has its name: another content is another name. Whoever has it loaded or mapped rests on that.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use memmap2::{Mmap, MmapOptions};

use crate::behind;
use crate::hex::hex;
use crate::list::{Matcher, MatcherError};
use crate::shelf::{Shelf, ShelfError, Yield, receipt};

/// How much older than the newest compiled file an unfinished one must be to count as left behind by a killed process.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

/// A page of the larger kind (2 MiB on x86-64 and, by default, on aarch64).
const LARGE_PAGE: usize = 2 << 20;
/// Most threads that read a compiled file, and how much they read at a time.
const MOST_READERS: usize = 4;
const PIECE: usize = 256 << 10;

/// A file being written, removed again unless it gets its name.
pub(super) struct Aside {
    file: File,
    path: PathBuf,
    named: bool,
}

impl Write for &Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        behind::rest();
        (&self.file).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.file).flush()
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.named {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Aside {
    /// Where it is until it has its name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of it.
    pub(super) fn put(&self, octets: &[u8]) -> Result<(), ShelfError> {
        (&self.file).write_all(octets).map_err(at(&self.path))
    }

    /// Gives the file its name. It is not put on the medium at once: a disk that is kept busy with it makes lanes wait for their pages, and
    /// so answers. What a power cut leaves of it does not pass for whole, and is compiled anew.
    fn name(mut self, path: &Path) -> Result<(), ShelfError> {
        fs::rename(&self.path, path).map_err(at(path))?;
        self.named = true;
        Ok(())
    }
}

impl Shelf {
    /// A new file in the folder, which is made when missing.
    pub(super) fn aside(&self) -> Result<Aside, ShelfError> {
        fs::create_dir_all(&self.dir).map_err(at(&self.dir))?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(ShelfError::Random)?;
        let path = self.dir.join(format!("{}.part", hex(&random)));
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(at(&path))?;
        Ok(Aside { file, path, named: false })
    }

    /// A file without a name, for what does not fit into memory: it is gone when it is closed, however that comes about.
    pub(super) fn unnamed(&self) -> Result<File, ShelfError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(ShelfError::Random)?;
        let path = self.dir.join(format!("{}.part", hex(&random)));
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).map_err(at(&path))?;
        fs::remove_file(&path).map_err(at(&path))?;
        Ok(file)
    }

    /// Gives a compiled file its name, the receipt first, so that where the one is the other is too; loads it.
    pub(super) fn keep(
        &self,
        compiled: Aside,
        fingerprint: &[u8; 32],
        yields: &[Yield],
    ) -> Result<(PathBuf, Matcher), ShelfError> {
        let (file, receipt_file) = self.paths(fingerprint);
        let json = receipt::to_json(yields).map_err(io::Error::from).map_err(at(&receipt_file))?;
        let beside = self.aside()?;
        beside.put(&json)?;
        beside.name(&receipt_file)?;
        compiled.name(&file)?;
        behind::give_back();
        let octets = load(&file, self.readers()).map_err(at(&file))?;
        match octets.open() {
            Ok(matcher) => Ok((file, matcher)),
            Err(error) => Err(ShelfError::ReadBack { path: file, error }),
        }
    }

    /// The compiled file of this fingerprint with its receipt, if both are there and whole.
    pub(super) fn kept(&self, fingerprint: &[u8; 32]) -> Option<(PathBuf, Arc<Matcher>, Vec<Yield>)> {
        let (file, receipt_file) = self.paths(fingerprint);
        if let Some(in_force) = self.in_force.as_ref().filter(|matcher| matcher.fingerprint() == fingerprint)
            && file.is_file()
        {
            let yields = receipt::from_json(&fs::read(receipt_file).ok()?)?;
            return Some((file, Arc::clone(in_force), yields));
        }
        let octets = load(&file, self.readers()).ok()?;
        let matcher = match octets.open() {
            Ok(matcher) if matcher.fingerprint() == fingerprint => matcher,
            Ok(_) => return None,
            Err(error) => {
                told(&file, error);
                return None;
            }
        };
        let yields = receipt::from_json(&fs::read(receipt_file).ok()?)?;
        Some((file, Arc::new(matcher), yields))
    }

    /// Removes all compiled files but the one in use and the newest of the others, and what killed processes left unfinished. A file
    /// that another process has mapped stays readable for it. What cannot be removed is left for the next time.
    pub(super) fn prune(&self, in_use: &str) {
        let mut others = Vec::new();
        let mut unfinished = Vec::new();
        let mut newest = None;
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(modified) = entry.metadata().and_then(|what| what.modified()) else { continue };
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("cordon") => {
                    newest = newest.max(Some(modified));
                    if path.file_stem().is_none_or(|stem| stem != in_use) {
                        others.push((modified, path));
                    }
                }
                Some("part") => unfinished.push((modified, path)),
                _ => {}
            }
        }
        others.sort();
        others.pop();
        for (_, path) in others {
            // The compiled file first: a receipt alone is never used.
            let _ = fs::remove_file(&path);
            let _ = fs::remove_file(path.with_extension("json"));
        }
        for (modified, path) in unfinished {
            let age = newest.and_then(|newest| newest.duration_since(modified).ok());
            if age.is_some_and(|age| age > LEFT_BEHIND) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// How many threads read a compiled file: a start waits for it, while a server that answers needs the processors for that.
    fn readers(&self) -> usize {
        match self.in_force {
            Some(_) => 1,
            None => std::thread::available_parallelism().map_or(1, |cores| cores.get()).min(MOST_READERS),
        }
    }

    fn paths(&self, fingerprint: &[u8; 32]) -> (PathBuf, PathBuf) {
        let stem = hex(fingerprint);
        (self.dir.join(format!("{stem}.cordon")), self.dir.join(format!("{stem}.json")))
    }
}

/// The octets of a compiled file, and the checksum over all that it covers.
struct Octets {
    memory: Mmap,
    length: usize,
    checksum: crc32fast::Hasher,
}

impl AsRef<[u8]> for Octets {
    fn as_ref(&self) -> &[u8] {
        &self.memory[..self.length]
    }
}

impl Octets {
    fn open(self) -> Result<Matcher, MatcherError> {
        let checksum = self.checksum.clone();
        Matcher::open_by(self, |_| checksum)
    }
}

/// Reads a compiled file into memory of its own: in large pages where the system gives them, since a look-up reads at places that are far
/// apart, and finding a page takes as long as reading it. Several threads read and make the checksum of what they read: a restart waits for
/// it. Where there is not memory enough, the file itself is mapped.
fn load(path: &Path, readers: usize) -> io::Result<Octets> {
    let file = File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let covered = Matcher::covered(length);
    let Ok(mut memory) = MmapOptions::new().len(length.max(1).next_multiple_of(LARGE_PAGE)).map_anon() else {
        let memory = map(&file)?;
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(memory.get(..covered).unwrap_or_default());
        return Ok(Octets { memory, length, checksum });
    };
    // Refused, the pages are small.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    let (octets, rest) = memory[..length].split_at_mut(covered);
    let of_each = covered.div_ceil(readers).next_multiple_of(LARGE_PAGE).max(LARGE_PAGE);
    let checksum = std::thread::scope(|scope| {
        let parts = octets.chunks_mut(of_each).zip(0u64..);
        let reading: Vec<_> = parts
            .map(|(part, number)| {
                let (file, has_time) = (&file, behind::has_time());
                scope.spawn(move || {
                    if has_time {
                        behind::take_time();
                    }
                    summed(file, part, number * of_each as u64)
                })
            })
            .collect();
        let mut whole = crc32fast::Hasher::new();
        for part in reading {
            let part = part.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault))?;
            whole.combine(&part);
        }
        io::Result::Ok(whole)
    })?;
    file.read_exact_at(rest, covered as u64)?;
    Ok(Octets { memory: memory.make_read_only()?, length, checksum })
}

/// Reads a part of a file from `at` on, piece by piece, so that what the checksum is made of is still in the processor's cache.
fn summed(file: &File, part: &mut [u8], at: u64) -> io::Result<crc32fast::Hasher> {
    let mut checksum = crc32fast::Hasher::new();
    for (piece, number) in part.chunks_mut(PIECE).zip(0u64..) {
        file.read_exact_at(piece, at + number * PIECE as u64)?;
        checksum.update(piece);
        behind::rest();
    }
    Ok(checksum)
}

fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the octets of a mapping must not change while it is read. A compiled file gets its name by a rename after its last write
    // and is never opened for writing again, by this or another process of ours: a new content is a new file, and removing a name leaves
    // the mapped octets in place. Somebody else who writes into the data directory breaks this contract; every read of the matcher is
    // checked against the bounds, so changed octets give wrong answers but lead nowhere else, and a file cut short ends the process.
    unsafe { Mmap::map(file) }
}

fn told(file: &Path, error: MatcherError) {
    tracing::warn!(file = %file.display(), "compiled list file {error}; compiling anew");
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ShelfError {
    let path = path.to_owned();
    move |error| ShelfError::Keep { path, error }
}
