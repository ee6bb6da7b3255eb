//! A lane: where one worker appends its records. A copy into mapped memory and a CRC; no lock, no system call, no allocation.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::record::Record;
use crate::store::error::StoreError;
use crate::store::frame::Draft;
use crate::store::segment::{self, Segment};
use crate::store::{Shared, locked, supply};

/// There was no space for a record. It is counted, its sequence number is spent, and the manifest will say so in a `gap` leaf (L3);
/// whether the query is answered all the same is for `log.when_full` to say (L5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no space for record {seq} of lane {lane}")]
pub struct Full {
    /// The lane.
    pub lane: u16,
    /// The sequence number the record would have had.
    pub seq: u64,
}

/// What the keeper and the supply know of a lane while its worker has it.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Desk {
    /// The lane's number.
    pub(crate) lane: u16,
    /// A segment made ready.
    pub(crate) spare: Mutex<Option<Arc<Segment>>>,
    /// Records appended since the lane was opened. Written by the lane alone.
    pub(crate) appended: AtomicU64,
    /// Records lost since the lane was opened. Written by the lane alone.
    pub(crate) lost: AtomicU64,
    /// The lane has no space; it waits for a spare.
    pub(crate) starved: AtomicBool,
    /// The worker has let go of the lane.
    pub(crate) closed: AtomicBool,
}

impl Desk {
    pub(crate) fn new(lane: u16) -> Desk {
        Desk {
            lane,
            spare: Mutex::new(None),
            appended: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            starved: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// Whether anything was ever appended. A lane that never was needs no spare, and a start does not wait for one.
    pub(crate) fn is_used(&self) -> bool {
        self.appended.load(Ordering::Relaxed) > 0
    }
}

/// A lane, for one worker alone.
#[derive(Debug)]
pub struct Lane {
    shared: Arc<Shared>,
    desk: Arc<Desk>,
    segment: Arc<Segment>,
    /// Where the next frame goes.
    at: usize,
    /// The next sequence number.
    next: u64,
    /// Where a frame is put together.
    draft: Draft,
    /// Segments left behind that may not be on the medium yet. They are not held: the last to let go of one that was removed unmaps it, and
    /// with that the file system frees its blocks, which may take many milliseconds. What is gone was sealed.
    behind: Vec<Weak<Segment>>,
}

impl Lane {
    /// Opens a lane whose next record has the number `next`.
    pub(crate) fn open(shared: Arc<Shared>, desk: Arc<Desk>, next: u64) -> Result<Lane, StoreError> {
        let segment = supply::prepare(&shared, &desk)?;
        segment.begin(next);
        let segment = Arc::new(segment);
        locked(&shared.segments).push(segment.clone());
        Ok(Lane { shared, desk, segment, at: segment::HEAD, next, draft: Draft::new(), behind: Vec::new() })
    }

    /// The lane's number.
    pub fn number(&self) -> u16 {
        self.desk.lane
    }

    /// Appends a record and gives its sequence number. When it returns, a kill of the process cannot take the record any more; a power cut
    /// can, until the next sync.
    #[inline]
    pub fn append(&mut self, record: &Record<'_>) -> Result<u64, Full> {
        self.draft.take(record);
        let room = self.draft.room();
        // A page that is on its way to the medium is not written to again.
        self.at = self.at.max(self.segment.aside());
        if self.at + room > self.segment.size() && !self.roll() {
            return Err(self.lose());
        }
        let seq = self.next;
        let next_at = self.at + room;
        // SAFETY: this lane is the only writer of its segment; `at` is behind every frame published, a multiple of 8, and the room is in the map
        // (a segment is never smaller than the longest frame).
        unsafe {
            let length = self.draft.write(self.segment.room(self.at, room), seq, self.segment.salt());
            self.segment.publish(self.at, length, next_at);
        }
        self.at = next_at;
        self.next = seq + 1;
        let appended = self.desk.appended.load(Ordering::Relaxed);
        self.desk.appended.store(appended + 1, Ordering::Relaxed);
        Ok(seq)
    }

    /// Waits until everything appended so far is on the medium: for `sync_interval = "0ms"`, before the answers leave.
    pub fn sync(&self) -> Result<(), StoreError> {
        for segment in self.behind.iter().filter_map(Weak::upgrade) {
            segment.sync()?;
        }
        self.segment.sync()
    }

    /// Goes on in a fresh segment; false when there is none to be had.
    #[cold]
    fn roll(&mut self) -> bool {
        let spare = locked(&self.desk.spare).take();
        let starved = self.desk.starved.load(Ordering::Relaxed);
        let fresh = match spare {
            Some(spare) => Ok(spare),
            // Once refused, only the supply asks the disk again: an answer must not wait for a full disk each time.
            None if starved => return false,
            None => supply::prepare(&self.shared, &self.desk).map(Arc::new),
        };
        let fresh = match fresh {
            Ok(fresh) => fresh,
            Err(error) => {
                if !starved {
                    tracing::error!(lane = self.desk.lane, %error, "no space for records; counting what is lost");
                }
                self.desk.starved.store(true, Ordering::Relaxed);
                self.shared.wake_supply();
                return false;
            }
        };
        if starved {
            tracing::warn!(lane = self.desk.lane, lost = self.segment.lost(), "there is space for records again");
            self.desk.starved.store(false, Ordering::Relaxed);
        }
        fresh.begin(self.next);
        // Retired before the next one is known: whoever sees both sees that the old one is complete.
        let old = std::mem::replace(&mut self.segment, fresh.clone());
        self.at = segment::HEAD;
        old.retire();
        locked(&self.shared.segments).push(fresh);
        self.behind.retain(|segment| segment.strong_count() > 0);
        self.behind.push(Arc::downgrade(&old));
        self.shared.wake_supply();
        true
    }

    #[cold]
    fn lose(&mut self) -> Full {
        // Nothing smaller may slip in behind a record that was lost: the count belongs to the end of the segment.
        self.at = self.segment.size();
        let full = Full { lane: self.desk.lane, seq: self.next };
        self.segment.lose_one();
        self.next += 1;
        let lost = self.desk.lost.load(Ordering::Relaxed);
        self.desk.lost.store(lost + 1, Ordering::Relaxed);
        full
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.segment.retire();
        self.desk.closed.store(true, Ordering::Release);
    }
}
