//! Which pages of a segment are in the process's memory. A lane finds those it writes next there and writable; those behind it are given
//! back, so that what the log takes up in memory does not grow with what is not sealed yet.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::MmapRaw;

/// How far ahead of a lane its pages are there at least, in octets.
const LEAST_AHEAD: usize = 256 * 1024;
/// How many times what was written since the last look is there at least: a sync may take as long as some rounds on a busy disk.
const ROUNDS_AHEAD: usize = 4;
/// And at most, in octets: it counts as memory of the process.
const MOST_AHEAD: usize = 4 << 20;

/// What is known of a segment's pages; looked after by the supply alone, but for what is given back.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Where the lane stood at the last look.
    looked_at: AtomicUsize,
    /// Up to where they were brought in, and how far ahead of the lane that was.
    there: AtomicUsize,
    ahead: AtomicUsize,
}

/// Octets of a page.
pub(super) fn size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| {
        // SAFETY: a plain question to the system.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).ok().filter(|size| size.is_power_of_two()).unwrap_or(super::SMALLEST_PAGE)
    })
}

/// Up to where anything was ever written to a file of this size: what is behind was only reserved, and is millions of zeros to look through.
pub(super) fn begun(file: &File, size: u64) -> u64 {
    let seek = |from: u64, whence| {
        // SAFETY: a plain system call on a descriptor that is open over the call.
        let at = unsafe { libc::lseek(file.as_raw_fd(), from as libc::off_t, whence) };
        u64::try_from(at).ok()
    };
    let mut end = 0;
    while end < size {
        match seek(end, libc::SEEK_DATA) {
            Some(start) => match seek(start, libc::SEEK_HOLE) {
                Some(hole) if hole > end => end = hole,
                _ => return size,
            },
            // Nothing but holes to come; or the system does not tell, and then everything may be written.
            None if std::io::Error::last_os_error().raw_os_error() == Some(libc::ENXIO) => return end,
            None => return size,
        }
    }
    size
}

/// Keeps the system from reading what is only reserved into memory, page after page of zeros, at the lane's first faults.
pub(super) fn nothing_read_ahead(map: &MmapRaw) {
    // SAFETY: the range is the whole map; it is only advice.
    unsafe { libc::madvise(map.as_mut_ptr().cast(), map.len(), libc::MADV_RANDOM) };
}

impl Pages {
    /// Brings the first ones in, `ahead` octets of them or the fewest there are.
    pub(super) fn begin(&self, map: &MmapRaw, ahead: usize) {
        let to = ahead.max(LEAST_AHEAD).min(map.len());
        populate(map, 0, to);
        self.there.fetch_max(to, Ordering::Relaxed);
    }

    /// Brings those in that a lane at `end` will write next, if it wrote anything since the last look or one of them may have been made
    /// read-only (`again`), as the system does with what it puts on the medium.
    pub(super) fn go_ahead(&self, map: &MmapRaw, end: usize, again: bool) {
        let before = self.looked_at.swap(end, Ordering::Relaxed);
        // A lane at rest needs no system call, and makes no page dirty.
        if before == end && !again {
            return;
        }
        let ahead = end.saturating_sub(before).saturating_mul(ROUNDS_AHEAD).clamp(LEAST_AHEAD, MOST_AHEAD);
        let to = end.saturating_add(ahead).min(map.len());
        populate(map, end, to);
        if !again {
            self.ahead.store(ahead, Ordering::Relaxed);
        }
        self.there.fetch_max(to, Ordering::Relaxed);
    }

    /// When the last of them are there: how far ahead of its lane the next segment's should be.
    pub(super) fn to_come(&self, map: &MmapRaw) -> Option<usize> {
        (self.there.load(Ordering::Relaxed) >= map.len()).then(|| self.ahead.load(Ordering::Relaxed))
    }

    /// Gives those back that lie wholly before `to`, but for the head's.
    pub(super) fn let_go(&self, map: &MmapRaw, to: usize) {
        let (from, to) = (size(), to & !(size() - 1));
        if from < to {
            // SAFETY: the range lies within the map, which is shared with its file: the content stays there.
            unsafe { libc::madvise(map.as_mut_ptr().add(from).cast(), to - from, libc::MADV_DONTNEED) };
        }
    }
}

/// Brings pages into memory for writing. It only spares the lane their faults: kernels before 5.14 refuse, which is fine.
fn populate(map: &MmapRaw, from: usize, to: usize) {
    let from = from & !(size() - 1);
    if from < to {
        // SAFETY: the range lies within the map.
        unsafe { libc::madvise(map.as_mut_ptr().add(from).cast(), to - from, libc::MADV_POPULATE_WRITE) };
    }
}
