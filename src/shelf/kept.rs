//! Compiled files on disk: written aside and renamed, mapped, removed when old.
//!
//! A compiled file is never changed once it has its name: another content is another name. Mapping it rests on that.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use memmap2::Mmap;

use crate::hex::hex;
use crate::list::{Matcher, MatcherError};
use crate::shelf::{Shelf, ShelfError, Yield, receipt};

/// How much older than the newest compiled file an unfinished one must be to count as left behind by a killed process.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

/// A file of more octets has its checksum made by two threads: a restart waits for it.
const WORTH_TWO: usize = 8 << 20;

/// The checksum over all octets.
fn checksum(octets: &[u8]) -> crc32fast::Hasher {
    let of = |octets: &[u8]| {
        let mut crc = crc32fast::Hasher::new();
        crc.update(octets);
        crc
    };
    if octets.len() < WORTH_TWO {
        return of(octets);
    }
    let (first, second) = octets.split_at(octets.len() / 2);
    std::thread::scope(|scope| match std::thread::Builder::new().spawn_scoped(scope, || of(second)) {
        Ok(second) => {
            let mut crc = of(first);
            match second.join() {
                Ok(second) => crc.combine(&second),
                // Its fault was told; the other half is not found whole without it.
                Err(fault) => std::panic::resume_unwind(fault),
            }
            crc
        }
        Err(_) => of(octets),
    })
}

/// A file being written, removed again unless it gets its name.
pub(super) struct Aside {
    file: File,
    path: PathBuf,
    named: bool,
}

impl Write for &Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
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

    /// Gives a compiled file its name, the receipt first, so that where the one is the other is too; maps it.
    pub(super) fn keep(
        &self,
        compiled: Aside,
        fingerprint: &[u8; 32],
        yields: &[Yield],
    ) -> Result<(PathBuf, Matcher), ShelfError> {
        let (file, receipt_file) = self.paths(fingerprint);
        let json = receipt::to_json(yields).map_err(io::Error::from).map_err(at(&receipt_file))?;
        let beside = self.aside()?;
        (&beside).write_all(&json).map_err(at(&beside.path))?;
        beside.name(&receipt_file)?;
        compiled.name(&file)?;
        let mapped = map(&file).map_err(at(&file))?;
        match Matcher::open_by(mapped, checksum) {
            Ok(matcher) => Ok((file, matcher)),
            Err(error) => Err(ShelfError::ReadBack { path: file, error }),
        }
    }

    /// The compiled file of this fingerprint with its receipt, if both are there and whole.
    pub(super) fn kept(&self, fingerprint: &[u8; 32]) -> Option<(PathBuf, Matcher, Vec<Yield>)> {
        let (file, receipt_file) = self.paths(fingerprint);
        let mapped = map(&file).ok()?;
        let matcher = match Matcher::open_by(mapped, checksum) {
            Ok(matcher) if matcher.fingerprint() == fingerprint => matcher,
            Ok(_) => return None,
            Err(error) => {
                told(&file, error);
                return None;
            }
        };
        let yields = receipt::from_json(&fs::read(receipt_file).ok()?)?;
        Some((file, matcher, yields))
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

    fn paths(&self, fingerprint: &[u8; 32]) -> (PathBuf, PathBuf) {
        let stem = hex(fingerprint);
        (self.dir.join(format!("{stem}.cordon")), self.dir.join(format!("{stem}.json")))
    }
}

fn map(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: the octets of a mapping must not change while it is read. A compiled file gets its name by a rename after its last write
    // and is never opened for writing again, by this or another process of ours: a new content is a new file, and removing a name leaves
    // the mapped octets in place. Somebody else who writes into the data directory breaks this contract; every read of the matcher is
    // checked against the bounds, so changed octets give wrong answers but lead nowhere else, and a file cut short ends the process.
    unsafe { Mmap::map(&file) }
}

fn told(file: &Path, error: MatcherError) {
    tracing::warn!(file = %file.display(), "compiled list file {error}; compiling anew");
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ShelfError {
    let path = path.to_owned();
    move |error| ShelfError::Keep { path, error }
}
