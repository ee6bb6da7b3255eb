//! List files, packed ones and folders of them, and the fingerprint of their content.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use memmap2::{Mmap, UncheckedAdvice};
use sha2::{Digest, Sha256};

use crate::behind;
use crate::config::checked::{ListSource, ut1_files};
use crate::list::journal::Journal;
use crate::list::{Format, READING_VERSION, Reading, Role, layout};
use crate::moment::Moment;
use crate::shelf::seen::{Seen, at_rest};
use crate::shelf::{Shelf, ShelfError};

/// How a file packed with gzip begins (RFC 1952 section 2.3.1).
const PACKED: [u8; 2] = [0x1f, 0x8b];
/// A file of so many octets is copied aside rather than held in memory.
const LARGE: u64 = 8 << 20;
/// Largest content of a packed list, in octets.
pub(super) const LARGEST: u64 = 1 << 30;

/// What is known of a list's file, or files.
pub(super) struct Content {
    pub(super) sha256: [u8; 32],
    pub(super) octets: u64,
    pub(super) modified: Moment,
    /// What it came to, when it was read and not just looked at.
    pub(super) reading: Option<Reading>,
    /// How its file stood while it was read: none for a folder, and for a file that may be changing.
    pub(super) stood: Option<Metadata>,
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
        let (role, of) = match list.role {
            Role::Lists => (0, 0),
            Role::ExceptCategory => (1, 0),
            Role::ExceptList(of) => (2, of.0),
        };
        self.0.update([list.category.0, role]);
        self.0.update(of.to_le_bytes());
        self.0.update(list.format.map_or("", |format| format.word()));
        self.0.update([0]);
        self.0.update(content);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Hashes a list's files without keeping them; a file that stands as it did when it was hashed before is not read.
pub(super) fn looked_at(list: &ListSource, seen: &Seen) -> Result<Content, ShelfError> {
    if list.added.is_some() {
        return added(list).map(|(content, _)| content);
    }
    if is_to_come(list) {
        return Ok(nothing_yet());
    }
    let files = Files::of(list)?;
    if let Some(what) = &files.alone
        && let Some(sha256) = seen.sha256(&list.path, what)
    {
        let modified = modified(list, &list.path, what)?;
        return Ok(Content { sha256, octets: what.len(), modified, reading: None, stood: None });
    }
    let mut content = Gathered::of(&files);
    for path in &files.paths {
        let (mut file, modified) = open(list, path)?;
        let octets = each_piece(list, path, &mut file, |piece| {
            content.hash.update(piece);
            Ok(())
        })?;
        content.end_file(octets, modified);
        content.stood(&files, &file);
    }
    Ok(content.finish())
}

/// Hands a file over piece by piece; how many octets it has.
fn each_piece(
    list: &ListSource,
    path: &Path,
    file: &mut File,
    mut take: impl FnMut(&[u8]) -> Result<(), ShelfError>,
) -> Result<u64, ShelfError> {
    let mut buffer = vec![0u8; 256 << 10];
    let mut octets = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(octets),
            Ok(got) => {
                take(&buffer[..got])?;
                octets += got as u64;
                behind::rest();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(list, path, error)),
        }
    }
}

/// Reads a list's files, one after the other and unpacked, and tells the format to read them in when it is known. They are not mapped:
/// whoever keeps the list may change them at any time. A large one is copied aside, to a shelf that is given, so that
/// it does not take up memory while it is read.
pub(super) fn read(list: &ListSource, aside: Option<&Shelf>) -> Result<(Content, Text, Option<Format>), ShelfError> {
    if list.added.is_some() {
        return added(list).map(|(content, bytes)| (content, Text::Held(bytes), Some(Format::Domains)));
    }
    if is_to_come(list) {
        return Ok((nothing_yet(), Text::Held(Vec::new()), list.format));
    }
    let files = Files::of(list)?;
    if let (Some(aside), Some(what)) = (aside, &files.alone)
        && what.len() >= LARGE
        && let Some((content, text)) = copied(list, &files, aside)?
    {
        return Ok((content, text, list.format));
    }
    let mut content = Gathered::of(&files);
    let mut all = Vec::new();
    for path in &files.paths {
        let (mut file, modified) = open(list, path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| unreadable(list, path, error))?;
        content.hash.update(&bytes);
        content.end_file(bytes.len() as u64, modified);
        content.stood(&files, &file);
        if bytes.starts_with(&PACKED) {
            bytes = unpacked(list, path, &bytes)?;
        }
        if all.is_empty() {
            all = bytes;
        } else {
            // The lines of the next file are counted on from those of the last.
            if !all.ends_with(b"\n") {
                all.push(b'\n');
            }
            all.extend_from_slice(&bytes);
        }
    }
    let format = list.format.or(files.is_folder.then_some(Format::Ut1));
    Ok((content.finish(), Text::Held(all), format))
}

/// The text of a list.
pub(super) enum Text {
    /// In memory.
    Held(Vec<u8>),
    /// In a file of our own that nobody else can open, mapped.
    Aside(Mmap),
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Text::Held(bytes) => bytes,
            Text::Aside(map) => map,
        }
    }
}

impl Text {
    /// Gives back the memory that what was read of it takes up.
    pub(super) fn let_go(&self) {
        if let Text::Aside(map) = self {
            // SAFETY: the mapping is shared, read only and of a file, so a page that is let go comes back as it was when it is read again.
            // Refused, the memory is held for a little longer.
            let _ = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) };
        }
    }
}

/// The single file of a list copied aside; none where it is packed, and has to be unpacked in memory.
fn copied(list: &ListSource, files: &Files, aside: &Shelf) -> Result<Option<(Content, Text)>, ShelfError> {
    let Some(path) = files.paths.first() else { return Ok(None) };
    let unkept = |error| ShelfError::Keep { path: aside.dir().to_owned(), error };
    let (mut file, modified) = open(list, path)?;
    let mut first = [0; PACKED.len()];
    let begun = file.read_at(&mut first, 0).map_err(|error| unreadable(list, path, error))?;
    if first[..begun] == PACKED {
        return Ok(None);
    }
    let mut content = Gathered::of(files);
    let mut copy = aside.unnamed()?;
    let octets = each_piece(list, path, &mut file, |piece| {
        content.hash.update(piece);
        copy.write_all(piece).map_err(unkept)
    })?;
    content.end_file(octets, modified);
    content.stood(files, &file);
    // SAFETY: the file has no name, so no other process can change it, and this one writes to it no more.
    let map = unsafe { Mmap::map(&copy) }.map_err(unkept)?;
    Ok(Some((content.finish(), Text::Aside(map))))
}

/// What the journal of `cordon lists add` says for one list. Lines for other categories do not change it.
fn added(list: &ListSource) -> Result<(Content, Vec<u8>), ShelfError> {
    let (mut file, modified) = open(list, &list.path)?;
    let mut journal = Vec::new();
    file.read_to_end(&mut journal).map_err(|error| unreadable(list, &list.path, error))?;
    let bytes = Journal::read(&journal).as_list(list.added.as_deref().unwrap_or_default(), list.role);
    let content = Content {
        sha256: Sha256::digest(&bytes).into(),
        octets: bytes.len() as u64,
        modified,
        reading: None,
        stood: None,
    };
    Ok((content, bytes))
}

/// The files a list consists of.
struct Files {
    paths: Vec<PathBuf>,
    is_folder: bool,
    /// How a single file stood before it was opened.
    alone: Option<Metadata>,
}

impl Files {
    /// The file itself; of a folder, what it has for names and URLs, packed or not, the names first.
    fn of(list: &ListSource) -> Result<Files, ShelfError> {
        // Asked before opening: opening a pipe would wait for its other end.
        let what = std::fs::metadata(&list.path).map_err(|error| unreadable(list, &list.path, error))?;
        if what.is_file() {
            return Ok(Files { paths: vec![list.path.clone()], is_folder: false, alone: Some(what) });
        }
        let paths: Vec<PathBuf> = ut1_files(&list.path).collect();
        match paths.is_empty() {
            true => Err(ShelfError::NotAFile { list: list.name.clone(), path: list.path.clone() }),
            false => Ok(Files { paths, is_folder: true, alone: None }),
        }
    }
}

/// Hash, length and age over all files.
#[derive(Default)]
struct Gathered {
    hash: Sha256,
    octets: u64,
    modified: Option<Moment>,
    is_folder: bool,
    lengths: Vec<u8>,
    stood: Option<Metadata>,
}

impl Gathered {
    fn of(files: &Files) -> Gathered {
        Gathered { is_folder: files.is_folder, ..Gathered::default() }
    }

    fn end_file(&mut self, octets: u64, modified: Moment) {
        self.octets += octets;
        self.modified = self.modified.max(Some(modified));
        self.lengths.extend_from_slice(&octets.to_le_bytes());
    }

    /// Takes note of how a single file stood while it was read.
    fn stood(&mut self, files: &Files, file: &File) {
        self.stood = files.alone.as_ref().and_then(|before| at_rest(before, file.metadata().ok()?));
    }

    fn finish(mut self) -> Content {
        // The hash of a file is that of its content, as other tools give it; of a folder, that it is one and the borders count too.
        if self.is_folder {
            self.hash.update(&self.lengths);
        }
        let modified = self.modified.unwrap_or(Moment(0));
        Content { sha256: self.hash.finalize().into(), octets: self.octets, modified, reading: None, stood: self.stood }
    }
}

fn unpacked(list: &ListSource, path: &Path, packed: &[u8]) -> Result<Vec<u8>, ShelfError> {
    let mut bytes = Vec::new();
    // One octet more tells that there is more.
    let mut unpacking = flate2::read::MultiGzDecoder::new(packed).take(LARGEST + 1);
    unpacking.read_to_end(&mut bytes).map_err(|error| unreadable(list, path, error))?;
    match bytes.len() as u64 > LARGEST {
        true => Err(ShelfError::TooLarge { list: list.name.clone(), path: path.to_owned() }),
        false => Ok(bytes),
    }
}

/// What a list is worth that was never fetched: it is empty, and a start does not fail for it.
fn nothing_yet() -> Content {
    Content { sha256: Sha256::digest([]).into(), octets: 0, modified: Moment::default(), reading: None, stood: None }
}

/// Whether a list is still to be fetched.
fn is_to_come(list: &ListSource) -> bool {
    list.download.is_some() && std::fs::metadata(&list.path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn open(list: &ListSource, path: &Path) -> Result<(File, Moment), ShelfError> {
    let file = File::open(path).map_err(|error| unreadable(list, path, error))?;
    let what = file.metadata().map_err(|error| unreadable(list, path, error))?;
    let modified = modified(list, path, &what)?;
    Ok((file, modified))
}

fn modified(list: &ListSource, path: &Path, what: &Metadata) -> Result<Moment, ShelfError> {
    let modified = what.modified().map_err(|error| unreadable(list, path, error))?;
    let micros = match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    Ok(Moment(micros))
}

fn unreadable(list: &ListSource, path: &Path, error: io::Error) -> ShelfError {
    ShelfError::Read { list: list.name.clone(), path: path.to_owned(), error }
}
