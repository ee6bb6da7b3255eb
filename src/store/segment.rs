//! A segment: a file of a lane, mapped into memory, its space reserved beforehand.
//!
//! The head is 512 octets, little-endian: magic (8), version u32, lane u16, length of the node's name u16, first sequence number u64 (0: not in use
//! yet), lost records behind the last frame u64, salt u32, CRC-32 u32 of everything in the head but the two changing numbers, node's name.
//! Frames follow, each aligned to 8 octets, then zeros. Between two frames there may be zeros up to where a page begins: a page that was put
//! on the medium is write-protected, and the first to write to it again waits for the file system. So the lane goes on with the next one
//! ([`Segment::step_aside`]).

mod pages;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use crate::dns::soon;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::frame;
use pages::Pages;
pub(crate) use walk::{Met, Walk};

/// Octets of the head.
pub(crate) const HEAD: usize = 512;
/// Smallest segment: room for the longest frame.
pub(crate) const SMALLEST: usize = 64 * 1024;
/// Pages begin at multiples of this at least, and of [`LARGEST_PAGE`] at most, on the machines we know.
const SMALLEST_PAGE: usize = 4096;
const LARGEST_PAGE: usize = 64 * 1024;
/// A lane that wrote so many pages since the last sync loses little with the rest of one.
const BUSY_PAGES: usize = 4;
/// Longest name of a node, in octets.
pub(crate) const MAX_NODE: usize = 255;
const MAGIC: &[u8; 8] = b"CORDSEG\0";
const VERSION: u32 = 2;
const FIRST: usize = 16;
const LOST: usize = 24;
const SALT: usize = 32;
const CRC: usize = 36;
const NODE: usize = 40;

/// A segment, mapped.
#[derive(Debug)]
pub(crate) struct Segment {
    map: MmapRaw,
    path: PathBuf,
    lane: u16,
    node: Box<str>,
    salt: u32,
    /// First sequence number by its frames, for a head that a power cut kept from saying it.
    guess: u64,
    /// Where the next frame goes: set by the lane after each frame. Of a segment that is only read, up to where anything was ever written.
    end: AtomicU64,
    /// Up to where it is on the medium.
    synced: AtomicU64,
    /// Up to where the lane is asked to leave it empty.
    aside: AtomicU64,
    /// Which of its pages are in the process's memory.
    pages: Pages,
    /// No lane will write to it again.
    retired: AtomicBool,
}

/// Name of a new file. It is never given another: a lane must not wait for a folder, and a reader who lists one would meet a file that is
/// renamed twice or not at all.
fn file_name(lane: u16) -> Result<String, StoreError> {
    let mut number = [0; 8];
    getrandom::fill(&mut number).map_err(|_| StoreError::Random("a segment"))?;
    Ok(format!("lane-{lane:05}-{:016x}.seg", u64::from_le_bytes(number)))
}

impl Segment {
    /// Makes a segment for `lane` in `folder`: space reserved, head written, on the medium.
    pub(crate) fn prepare(
        disk: &Disk,
        folder: &Path,
        size: usize,
        lane: u16,
        node: &str,
    ) -> Result<Segment, StoreError> {
        let path = &folder.join(file_name(lane)?);
        let mut salt = [0; 4];
        getrandom::fill(&mut salt).map_err(|_| StoreError::Random("a segment"))?;
        let salt = u32::from_le_bytes(salt);
        let mut file = disk.create(path)?;
        let made = (|| {
            reserve(disk, &mut file, path, size)?;
            let map = MmapOptions::new().len(size).map_raw(&file).map_err(StoreError::file(path, "map the file"))?;
            pages::nothing_read_ahead(&map);
            let mut head = [0u8; HEAD];
            head[..8].copy_from_slice(MAGIC);
            head[8..12].copy_from_slice(&VERSION.to_le_bytes());
            head[12..14].copy_from_slice(&lane.to_le_bytes());
            head[14..16].copy_from_slice(&(node.len() as u16).to_le_bytes());
            head[SALT..SALT + 4].copy_from_slice(&salt.to_le_bytes());
            head[NODE..NODE + node.len()].copy_from_slice(node.as_bytes());
            let crc = head_crc(&head);
            head[CRC..CRC + 4].copy_from_slice(&crc.to_le_bytes());
            // SAFETY: the map has at least HEAD octets and no one else knows of it yet.
            unsafe { std::ptr::copy_nonoverlapping(head.as_ptr(), map.as_mut_ptr(), HEAD) };
            disk.sync(&file, path)?;
            Ok(map)
        })();
        match made {
            Ok(map) => Ok(Segment::of(map, path, lane, node, salt, HEAD)),
            Err(error) => {
                // What could not be finished must not keep the space that was missing.
                let _ = std::fs::remove_file(path);
                Err(error)
            }
        }
    }

    /// Brings its first pages into memory, `ahead` octets at least: those of a spare that is to be used soon.
    pub(crate) fn make_ready(&self, ahead: usize) {
        self.pages.begin(&self.map, ahead);
    }

    /// Brings the pages the lane will write next into memory, so that it is spared their page faults, if it wrote anything since the last
    /// call or was synced (`again`). A lane that is hardly used keeps hardly any memory.
    pub(crate) fn populate_ahead(&self, again: bool) {
        if !self.is_retired() {
            self.pages.go_ahead(&self.map, self.end().max(self.aside()), again);
        }
    }

    /// Gives the memory back that pages behind the lane take up, up to `to`; the system keeps them, and they can be read as before.
    pub(crate) fn let_go(&self, to: usize) {
        // The page a lane stands in is its own.
        let to = if self.is_retired() { to } else { to.min(self.end().max(self.aside())) };
        self.pages.let_go(&self.map, to.min(self.size()));
    }

    /// When the lane will soon need another segment: how many octets of it.
    pub(crate) fn needs_another(&self) -> Option<usize> {
        if self.is_retired() { None } else { self.pages.to_come(&self.map) }
    }

    fn of(map: MmapRaw, path: &Path, lane: u16, node: &str, salt: u32, end: usize) -> Segment {
        Segment {
            map,
            path: path.to_path_buf(),
            lane,
            node: node.into(),
            salt,
            guess: 0,
            end: AtomicU64::new(end as u64),
            aside: AtomicU64::new(0),
            pages: Pages::default(),
            synced: AtomicU64::new(HEAD as u64),
            retired: AtomicBool::new(false),
        }
    }

    /// Opens a segment that another process, or an earlier one, has written; `None` when it is no whole segment file (a spare cut short by a crash).
    pub(crate) fn open(path: &Path) -> Result<Option<Segment>, StoreError> {
        let file = std::fs::File::open(path).map_err(StoreError::file(path, "open the file"))?;
        let size = file.metadata().map_err(StoreError::file(path, "look at the file"))?.len();
        if size < HEAD as u64 {
            return Ok(None);
        }
        let map = MmapOptions::new().map_raw_read_only(&file).map_err(StoreError::file(path, "map the file"))?;
        let mut head = [0u8; HEAD];
        // SAFETY: the map has at least HEAD octets.
        unsafe { std::ptr::copy_nonoverlapping(map.as_ptr(), head.as_mut_ptr(), HEAD) };
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        if head.iter().all(|&octet| octet == 0) {
            return Ok(None);
        }
        if head[..8] != *MAGIC || word(8) != VERSION {
            return Err(StoreError::broken(
                path,
                "is not a segment of version 2; have the version of cordon that wrote it seal it (start and stop it once), or move it away to go on without it",
            ));
        }
        let node_length = u16::from_le_bytes([head[14], head[15]]) as usize;
        let node = head.get(NODE..NODE + node_length.min(MAX_NODE)).and_then(|node| std::str::from_utf8(node).ok());
        let node = match node {
            Some(node) if head_crc(&head) == word(CRC) => node,
            _ => return Err(StoreError::broken(path, "has a damaged head; move it away to go on without it")),
        };
        let lane = u16::from_le_bytes([head[12], head[13]]);
        let end = pages::begun(&file, size).min(size) as usize & !7;
        let mut segment = Segment::of(map, path, lane, node, word(SALT), end.max(HEAD));
        segment.retired.store(true, Ordering::Relaxed);
        if segment.first() == 0 {
            segment.guess = segment.walk_to_zero(HEAD).next().map_or(0, |met| met.seq);
        }
        Ok(Some(segment))
    }

    /// Takes a prepared segment into use: its first sequence number is written.
    pub(crate) fn begin(&self, first: u64) {
        self.counter(FIRST).store(first.to_le(), Ordering::Release);
    }

    /// Which lane wrote it.
    pub(crate) fn lane(&self) -> u16 {
        self.lane
    }

    /// Which node wrote it.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Its file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What its CRCs start with.
    pub(crate) fn salt(&self) -> u32 {
        self.salt
    }

    /// Its size in octets, head included.
    pub(crate) fn size(&self) -> usize {
        self.map.len()
    }

    /// Its first sequence number; 0 when it is not in use.
    pub(crate) fn first(&self) -> u64 {
        match u64::from_le(self.counter(FIRST).load(Ordering::Acquire)) {
            0 => self.guess,
            first => first,
        }
    }

    /// How many records were lost behind its last frame because there was no space.
    pub(crate) fn lost(&self) -> u64 {
        u64::from_le(self.counter(LOST).load(Ordering::Acquire))
    }

    /// Counts one more record lost behind the last frame. It is in mapped memory, so a kill does not forget it.
    pub(crate) fn lose_one(&self) {
        self.counter(LOST).store((self.lost() + 1).to_le(), Ordering::Release);
    }

    /// Up to where frames are.
    pub(crate) fn end(&self) -> usize {
        self.end.load(Ordering::Acquire) as usize
    }

    /// Whether no lane will write to it again.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Says that no lane will write to it again.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Whether it holds frames that may not be on the medium.
    pub(crate) fn wants_sync(&self) -> bool {
        self.synced.load(Ordering::Acquire) < self.end() as u64
    }

    /// Up to where the lane is asked to leave it empty.
    #[inline]
    pub(crate) fn aside(&self) -> usize {
        self.aside.load(Ordering::Relaxed) as usize
    }

    /// Asks the lane to leave the rest of the page it stands in empty, since the page is to be put on the medium. One that has little in it
    /// yet is gone on with by a lane that writes little: it would else fill its segments with nothing.
    pub(crate) fn step_aside(&self) {
        let (end, page) = (self.end(), pages::size());
        let next = end.next_multiple_of(page);
        let written = end.saturating_sub(self.synced.load(Ordering::Relaxed) as usize);
        if !self.is_retired() && written > 0 && (next - end <= page / 2 || written >= BUSY_PAGES * page) {
            self.aside.store(next as u64, Ordering::Relaxed);
        }
    }

    /// Waits until everything appended so far is on the medium.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.sync_to(self.end())
    }

    /// As [`Segment::sync`], for everything appended before the last [`Segment::step_aside`]. What the lane appended since on the page it
    /// went on with is left for the next time: that page would be write-protected right under it.
    pub(crate) fn sync_what_was_left(&self) -> Result<(), StoreError> {
        let (end, aside) = (self.end(), self.aside());
        let stands_behind = self.synced.load(Ordering::Acquire) < aside as u64 && aside < end;
        self.sync_to(if stands_behind { aside } else { end })
    }

    fn sync_to(&self, end: usize) -> Result<(), StoreError> {
        let from = self.synced.load(Ordering::Acquire) as usize;
        if from >= end {
            return Ok(());
        }
        let sync = |at, length| self.map.flush_range(at, length).map_err(StoreError::file(&self.path, "sync the file"));
        sync(from, end - from)?;
        if from == HEAD {
            sync(0, HEAD)?;
        }
        self.synced.fetch_max(end as u64, Ordering::Release);
        Ok(())
    }

    fn counter(&self, at: usize) -> &AtomicU64 {
        debug_assert!(at.is_multiple_of(8) && at + 8 <= HEAD);
        // SAFETY: inside the head, aligned to 8 since maps start at a page; only ever touched as an atomic once the segment is known to others.
        // A map that is only read is never written through: every store is behind a lane, which has a writable one.
        unsafe { &*self.map.as_ptr().add(at).cast::<AtomicU64>() }
    }

    fn length_at(&self, at: usize) -> u32 {
        debug_assert!(at.is_multiple_of(8) && at + 8 <= self.size());
        // SAFETY: inside the map and aligned, as callers check; length words are only ever written as atomics.
        u32::from_le(unsafe { &*self.map.as_ptr().add(at).cast::<AtomicU32>() }.load(Ordering::Acquire))
    }

    /// The first place from `at` on that is not zero, or `limit`: the rest of a segment that a killed process left is millions of zeros.
    fn behind_zeros(&self, mut at: usize, limit: usize) -> usize {
        const AT_ONCE: usize = 8;
        let limit = limit.min(self.size()) & !7;
        while at + 8 * AT_ONCE <= limit {
            // SAFETY: inside the map and aligned; only ever read as atomics where a lane may still write.
            let words = unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(at).cast::<AtomicU64>(), AT_ONCE) };
            if words.iter().fold(0, |sum, word| sum | word.load(Ordering::Relaxed)) != 0 {
                break;
            }
            at += 8 * AT_ONCE;
        }
        while at < limit && self.length_at(at) == 0 {
            at += 8;
        }
        at
    }

    /// Room for a frame of `length` octets at `at`, for the lane alone.
    ///
    /// # Safety
    /// The map is writable, `at + length` is within it, and only one lane writes, at a place no frame was published at.
    #[expect(clippy::mut_from_ref, reason = "the map is raw memory, and the one writer hands each octet out once")]
    pub(crate) unsafe fn room(&self, at: usize, length: usize) -> &mut [u8] {
        debug_assert!(at >= HEAD && at + length <= self.size());
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().add(at), length) }
    }

    /// Makes a frame visible: its length is the last thing written.
    ///
    /// # Safety
    /// As for [`Segment::room`]; the frame at `at` is complete but for its length.
    pub(crate) unsafe fn publish(&self, at: usize, length: u32, next: usize) {
        // SAFETY: inside the map and aligned, as the caller promises.
        let word = unsafe { &*self.map.as_mut_ptr().add(at).cast::<AtomicU32>() };
        word.store(length.to_le(), Ordering::Release);
        self.end.store(next as u64, Ordering::Release);
    }

    /// The frame at `at`: its sequence number and octets, when its length is possible and its CRC holds.
    pub(crate) fn frame(&self, at: usize) -> Option<(u64, &[u8])> {
        let bytes = self.octets(at)?;
        Some((frame::check(bytes, self.salt)?, bytes))
    }

    /// Tells the processor that what is at a place will soon be read.
    #[inline]
    pub(crate) fn will_read(&self, at: usize) {
        if at < self.size() {
            soon::will_read_at(self.map.as_ptr().wrapping_add(at));
        }
    }

    /// As [`Segment::frame`], for a place that was walked over a moment ago: the CRC was held against it then.
    #[inline]
    pub(crate) fn frame_again(&self, at: usize) -> Option<(u64, &[u8])> {
        let bytes = self.octets(at)?;
        Some((frame::number(bytes)?, bytes))
    }

    /// What would be a frame at `at`, when its length is possible.
    #[inline]
    fn octets(&self, at: usize) -> Option<&[u8]> {
        if at < HEAD || !at.is_multiple_of(8) || at.checked_add(frame::HEAD)? > self.size() {
            return None;
        }
        let length = self.length_at(at);
        if !frame::is_length(length) || at + length as usize > self.size() {
            return None;
        }
        // SAFETY: inside the map. The frame is published, and published octets are never written again.
        Some(unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(at), length as usize) })
    }

    /// Walks the frames from `from` (a place a walk stood at, or [`HEAD`]) to what is published now.
    pub(crate) fn walk(&self, from: usize) -> Walk<'_> {
        Walk { segment: self, at: from, limit: self.end().min(self.size()), to_zero: false, damaged: false }
    }

    /// Walks as [`Segment::walk`], but ends where no frame was begun, nor on the next page: for the segment a lane of another process
    /// writes to, whose empty rest is not worth a look.
    pub(crate) fn walk_to_zero(&self, from: usize) -> Walk<'_> {
        Walk { to_zero: true, ..self.walk(from) }
    }

    /// Whether no frame was ever begun in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.size() < HEAD + frame::HEAD || (self.walk(HEAD).next().is_none() && self.length_at(HEAD) == 0)
    }
}

fn head_crc(head: &[u8; HEAD]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&head[..FIRST]);
    hasher.update(&head[SALT..CRC]);
    hasher.update(&head[NODE..]);
    hasher.finalize()
}

/// Reserves `size` octets, so that writing to the map can never meet a full disk.
fn reserve(disk: &Disk, file: &mut std::fs::File, path: &Path, size: usize) -> Result<(), StoreError> {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open over the call.
    let outcome = unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, size as libc::off_t) };
    if outcome == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    if error.raw_os_error() != Some(libc::EOPNOTSUPP) {
        return Err(StoreError::file(path, "reserve space")(error));
    }
    // A file system that cannot reserve is given zeros to keep instead.
    let zeros = vec![0u8; 64 * 1024];
    let mut left = size;
    while left > 0 {
        let now = left.min(zeros.len());
        disk.write(file, path, &zeros[..now])?;
        left -= now;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
