//! Contents that were hashed before: so that a restart need not read a hundred megabytes of lists to learn that nothing changed.
//!
//! A file is taken for unchanged when device, inode, size, time of change of its content and of its inode are what they were when it was
//! hashed. The last of them is set by the kernel at every write and cannot be set back by whoever writes. A file that changed within two
//! seconds before it was hashed is not noted: it could change again within the same tick of the clock.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::checked::ListSource;
use crate::hex::hex;
use crate::moment::Clock;
use crate::shelf::source::Content;

const VERSION: u32 = 1;
/// The file, in the folder of compiled lists.
const FILE: &str = "seen";
/// How long a file must have rested before its hash is noted, in seconds.
const REST: i64 = 2;

/// Hashes of contents, by file.
#[derive(Debug, Default)]
pub(super) struct Seen {
    files: BTreeMap<PathBuf, Noted>,
    changed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    stands: Stands,
    sha256: String,
}

/// What tells a file's content from any other it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stands {
    device: u64,
    inode: u64,
    size: u64,
    content_seconds: i64,
    content_nanos: i64,
    inode_seconds: i64,
    inode_nanos: i64,
}

#[derive(Serialize, Deserialize)]
struct SeenV1 {
    version: u32,
    files: BTreeMap<PathBuf, Noted>,
}

impl Seen {
    /// What was noted in `dir`; nothing where nothing was, or in another version.
    pub(super) fn load(dir: &Path) -> Seen {
        let read = std::fs::read(dir.join(FILE)).ok();
        let seen = read.and_then(|bytes| serde_json::from_slice::<SeenV1>(&bytes).ok());
        let files = seen.filter(|seen| seen.version == VERSION).map(|seen| seen.files).unwrap_or_default();
        Seen { files, changed: false }
    }

    /// The hash of a file's content, when it was noted and the file stands as it did.
    pub(super) fn sha256(&self, path: &Path, what: &Metadata) -> Option<[u8; 32]> {
        let noted = self.files.get(path).filter(|noted| noted.stands == Stands::of(what))?;
        octets(&noted.sha256)
    }

    /// Notes the hashes of files that stood still while they were read.
    pub(super) fn note_all(&mut self, lists: &[ListSource], contents: &[Content]) {
        for (list, content) in lists.iter().zip(contents) {
            if let Some(stood) = &content.stood {
                self.note(&list.path, stood, &content.sha256);
            }
        }
    }

    fn note(&mut self, path: &Path, what: &Metadata, sha256: &[u8; 32]) {
        let noted = Noted { stands: Stands::of(what), sha256: hex(sha256) };
        if self.files.get(path) != Some(&noted) {
            self.files.insert(path.to_owned(), noted);
            self.changed = true;
        }
    }

    /// Writes what is noted of the files of these lists, when that is another thing than before; by another name first, so that a reader finds it whole.
    pub(super) fn save(&mut self, dir: &Path, lists: &[ListSource]) -> io::Result<()> {
        let before = self.files.len();
        self.files.retain(|path, _| lists.iter().any(|list| list.path == *path));
        if !self.changed && self.files.len() == before {
            return Ok(());
        }
        let seen = SeenV1 { version: VERSION, files: self.files.clone() };
        let aside = dir.join(format!("{FILE}.{}.part", std::process::id()));
        std::fs::write(&aside, serde_json::to_vec(&seen).map_err(io::Error::from)?)?;
        self.changed = false;
        std::fs::rename(&aside, dir.join(FILE))
    }
}

/// How a file stood while it was read, if it stood still. To be called when it has been read.
pub(super) fn at_rest(before: &Metadata, after: Metadata) -> Option<Metadata> {
    let stands = Stands::of(&after);
    let newest = stands.content_seconds.max(stands.inode_seconds);
    let rested = Clock::Real.now().seconds().saturating_sub(newest) >= REST;
    (rested && stands == Stands::of(before)).then_some(after)
}

impl Stands {
    fn of(what: &Metadata) -> Stands {
        Stands {
            device: what.dev(),
            inode: what.ino(),
            size: what.size(),
            content_seconds: what.mtime(),
            content_nanos: what.mtime_nsec(),
            inode_seconds: what.ctime(),
            inode_nanos: what.ctime_nsec(),
        }
    }
}

fn octets(hex: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (octet, place) in octets.iter_mut().zip((0..64).step_by(2)) {
        *octet = u8::from_str_radix(hex.get(place..place + 2)?, 16).ok()?;
    }
    Some(octets)
}
