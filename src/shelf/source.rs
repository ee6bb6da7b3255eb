//! List files and the fingerprint of their content.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use crate::config::checked::ListSource;
use crate::list::{READING_VERSION, Reading, layout};
use crate::moment::Moment;
use crate::shelf::ShelfError;

/// What is known of a list's file.
pub(super) struct Content {
    pub(super) sha256: [u8; 32],
    pub(super) octets: u64,
    pub(super) modified: Moment,
    /// What it came to, when it was read and not just looked at.
    pub(super) reading: Option<Reading>,
}

/// SHA-256 over everything a compiled file depends on.
pub(super) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(super) fn new(lists: usize) -> Fingerprint {
        let mut hash = Sha256::new();
        hash.update(b"cordon lists\0");
        hash.update(env!("CARGO_PKG_VERSION"));
        hash.update([0]);
        hash.update(layout::VERSION.to_le_bytes());
        hash.update(READING_VERSION.to_le_bytes());
        hash.update((lists as u64).to_le_bytes());
        Fingerprint(hash)
    }

    /// Adds the next list. Every part has a fixed length or a fixed end, so that two inputs never look the same.
    pub(super) fn add(&mut self, list: &ListSource, content: &[u8; 32]) {
        self.0.update([list.category.0, list.except as u8]);
        self.0.update(list.format.map_or("", |format| format.word()));
        self.0.update([0]);
        self.0.update(content);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Hashes a list's file without keeping it.
pub(super) fn looked_at(list: &ListSource) -> Result<Content, ShelfError> {
    let Some((mut file, modified)) = open(list)? else { return Ok(nothing_yet()) };
    let mut hash = Sha256::new();
    let mut octets = 0u64;
    let mut buffer = vec![0u8; 256 << 10];
    loop {
        let got = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(list, error)),
        };
        hash.update(&buffer[..got]);
        octets += got as u64;
    }
    Ok(Content { sha256: hash.finalize().into(), octets, modified, reading: None })
}

/// Reads a list's file. It is not mapped: whoever keeps the list may change the file at any time.
pub(super) fn read(list: &ListSource) -> Result<(Content, Vec<u8>), ShelfError> {
    let Some((mut file, modified)) = open(list)? else { return Ok((nothing_yet(), Vec::new())) };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| unreadable(list, error))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(ShelfError::Packed { list: list.name.clone(), path: list.path.clone() });
    }
    let content =
        Content { sha256: Sha256::digest(&bytes).into(), octets: bytes.len() as u64, modified, reading: None };
    Ok((content, bytes))
}

/// The octets in hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// What a list is worth that was never fetched: it is empty, and a start does not fail for it.
fn nothing_yet() -> Content {
    Content { sha256: Sha256::digest([]).into(), octets: 0, modified: Moment::default(), reading: None }
}

/// The file, and when it was last changed; none: it is still to be fetched.
fn open(list: &ListSource) -> Result<Option<(File, Moment)>, ShelfError> {
    // Asked before opening: opening a pipe would wait for its other end.
    let what = match std::fs::metadata(&list.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && list.download.is_some() => return Ok(None),
        what => what.map_err(|error| unreadable(list, error))?,
    };
    if !what.is_file() {
        return Err(ShelfError::NotAFile { list: list.name.clone(), path: list.path.clone() });
    }
    let file = File::open(&list.path).map_err(|error| unreadable(list, error))?;
    let modified = file.metadata().and_then(|what| what.modified()).map_err(|error| unreadable(list, error))?;
    let micros = match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    Ok(Some((file, Moment(micros))))
}

fn unreadable(list: &ListSource, error: io::Error) -> ShelfError {
    ShelfError::Read { list: list.name.clone(), path: list.path.clone(), error }
}
