//! Floor 2: the journal of grants and withdrawals, `<data_dir>/access/journal.jsonl`. It is append-only and itself evidence: one JSON object a
//! line, each with the SHA-256 of the line before, who wrote it, when and why. Commands append to it with or without a running server; a
//! server takes over what was appended, and puts what it took over under its signature.
//!
//! ```text
//! command: lock -> read and check every line -> number -> append -> synced        (one writer at a time)
//! server:  changed? -> read and check -> begins with what was in force? -> leaf in the manifest -> next generation
//! ```

pub mod error;
pub mod ledger;
pub mod line;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::moment::Moment;
use crate::ownership;
use crate::policy::Access;
use crate::policy::model::Category;
use crate::verdict::AccessId;

pub use error::JournalError;
pub use ledger::{Ended, Granting, Ledger, Withdrawing};
pub use line::{Entry, Line, Meant, Whose};

/// The journal's name in the manifest, below `data_dir`.
pub const FILE: &str = "access/journal.jsonl";

/// The journal of one `data_dir`.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
}

/// A journal as it was read: every line holds and continues the one before.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    octets: Vec<u8>,
    /// What it adds up to.
    pub ledger: Ledger,
    /// SHA-256 of its last line, hex.
    last: Option<String>,
}

/// How far a journal was taken over: so many octets with this hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Octets from the beginning.
    pub bytes: u64,
    /// SHA-256 of them, hex.
    pub sha256: String,
    /// Lines in them.
    pub rows: u64,
}

/// By what a changed file is told from an unchanged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    inode: u64,
    length: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Journal {
    /// The journal below a `data_dir`.
    pub fn below(data_dir: &Path) -> Journal {
        Journal { path: data_dir.join(FILE) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the file looks from outside; none when it is not there.
    pub fn look(&self) -> Option<Look> {
        let found = std::fs::metadata(&self.path).ok()?;
        Some(Look {
            inode: found.ino(),
            length: found.len(),
            written: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }

    /// Reads and checks the whole journal; one that is not there is empty. A writer is waited for.
    ///
    /// # Errors
    /// A file that cannot be read, a line that is not whole, was changed, or does not continue the one before.
    pub fn read(&self) -> Result<Taken, JournalError> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Taken::default()),
            Err(error) => return Err(JournalError::file(&self.path, "open")(error)),
        };
        file.lock_shared().map_err(JournalError::file(&self.path, "lock"))?;
        self.taken(&mut file)
    }

    /// Appends what `entry` makes of the journal as it stands, and waits until the disk has it. The entry's id is that of a grant or
    /// withdrawal in the journal, or none for a new one. Gives the id and the journal with the new line.
    ///
    /// # Errors
    /// As [`Journal::read`]; what `entry` refuses; a disk that does not take the line, which is then not in the journal.
    pub fn append(
        &self,
        who: &str,
        now: Moment,
        entry: impl FnOnce(&Ledger) -> Result<(Option<AccessId>, Entry), JournalError>,
    ) -> Result<(AccessId, Taken), JournalError> {
        let mut file = self.open()?;
        file.lock().map_err(JournalError::file(&self.path, "lock"))?;
        let mut taken = self.taken(&mut file)?;
        let (id, entry) = entry(&taken.ledger)?;
        let id = id.unwrap_or_else(|| taken.ledger.next_id(matches!(entry, Entry::Withdraw { .. }), now));
        let line = Line {
            v: line::VERSION,
            id: id.to_string(),
            at: now,
            who: who.to_owned(),
            entry,
            prev: taken.last.clone(),
        };
        let mut octets =
            serde_json::to_vec(&line).map_err(|error| JournalError::file(&self.path, "write")(error.into()))?;
        octets.push(b'\n');
        let length = taken.octets.len() as u64;
        let written = file.write_all(&octets).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // Half a line must not stay: nobody could append after it.
            let _ = file.set_len(length).and_then(|()| file.sync_all());
            return Err(JournalError::file(&self.path, "write")(error));
        }
        taken.add(&octets, &self.path)?;
        Ok((id, taken))
    }

    /// Makes the file where it is not there yet, so that it belongs to whoever owns `data_dir`: a server must be able to read what an
    /// administrator writes.
    ///
    /// # Errors
    /// A folder or file that cannot be made.
    pub fn make(&self) -> Result<(), JournalError> {
        self.open().map(drop)
    }

    fn open(&self) -> Result<File, JournalError> {
        let wrong = JournalError::file(&self.path, "open");
        if let Some(folder) = self.path.parent()
            && !folder.is_dir()
        {
            ownership::make_folder(folder, 0o750).map_err(JournalError::file(folder, "make"))?;
        }
        let new = !self.path.exists();
        let mut options = OpenOptions::new();
        let file = ownership::open(options.read(true).append(true).mode(0o640), &self.path).map_err(wrong)?;
        if new && let Some(folder) = self.path.parent() {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(JournalError::file(folder, "sync"))?;
        }
        Ok(file)
    }

    fn taken(&self, file: &mut File) -> Result<Taken, JournalError> {
        let mut octets = Vec::new();
        file.read_to_end(&mut octets).map_err(JournalError::file(&self.path, "read"))?;
        let mut taken = Taken::default();
        taken.add(&octets, &self.path)?;
        Ok(taken)
    }
}

impl Taken {
    /// Adds lines behind those that are there, each of them checked.
    fn add(&mut self, octets: &[u8], path: &Path) -> Result<(), JournalError> {
        for line in octets.split_inclusive(|octet| *octet == b'\n') {
            let number = self.ledger.lines + 1;
            let Some(text) = line.strip_suffix(b"\n") else {
                return Err(JournalError::Torn {
                    path: path.to_owned(),
                    line: number,
                    whole: self.octets.len() as u64,
                });
            };
            let broken = |what: String| JournalError::Broken { path: path.to_owned(), line: number, what };
            let read: Line =
                serde_json::from_slice(text).map_err(|error| broken(format!("is not understood: {error}")))?;
            if read.prev != self.last {
                return Err(broken(
                    "does not continue the line before it: one of them was changed, or lines are gone".into(),
                ));
            }
            self.ledger.take(&read).map_err(broken)?;
            self.last = Some(hex(&Sha256::digest(text)));
            self.octets.extend_from_slice(line);
        }
        Ok(())
    }

    /// How far it goes.
    pub fn mark(&self) -> Mark {
        let bytes = self.octets.len() as u64;
        Mark { bytes, sha256: hex(&Sha256::digest(&self.octets)), rows: self.ledger.lines }
    }

    /// Whether it begins with what was taken over before.
    pub fn continues(&self, mark: &Mark) -> bool {
        let before = usize::try_from(mark.bytes).ok().and_then(|bytes| self.octets.get(..bytes));
        before.is_some_and(|before| hex(&Sha256::digest(before)) == mark.sha256)
    }

    /// What is in force at `at` or comes to be later, for the policy.
    pub fn access(&self, categories: &[Category], at: Moment) -> Access {
        let grants = self.ledger.grants.iter().map(|one| one.grant.clone()).collect();
        let withdrawals = self.ledger.withdrawals.iter().map(|one| one.withdrawal.clone()).collect();
        Access::new(grants, withdrawals, categories, at)
    }
}

/// Which of these marks do not fit the journal below `data_dir`; each is of its first octets. For verifying.
///
/// # Errors
/// A file that cannot be read.
pub fn misfits(data_dir: &Path, marks: &[Mark]) -> std::io::Result<Vec<u64>> {
    let octets = match std::fs::read(data_dir.join(FILE)) {
        Ok(octets) => octets,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let (mut hasher, mut at) = (Sha256::new(), 0usize);
    let mut marks: Vec<&Mark> = marks.iter().collect();
    marks.sort_by_key(|mark| mark.bytes);
    let mut misfits = Vec::new();
    for mark in marks {
        let end = usize::try_from(mark.bytes).unwrap_or(usize::MAX);
        match octets.get(at..end) {
            Some(more) => {
                hasher.update(more);
                at = end;
                if hex(&hasher.clone().finalize()) != mark.sha256 {
                    misfits.push(mark.rows);
                }
            }
            None => misfits.push(mark.rows),
        }
    }
    Ok(misfits)
}

#[cfg(test)]
mod tests;
