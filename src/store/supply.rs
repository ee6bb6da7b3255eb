//! The supply: a thread that has a fresh segment ready for each lane before it is wanted, and puts appended records on the medium.
//! It is apart from the keeper, since a seal takes seconds and a lane must not wait for one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::store::error::StoreError;
use crate::store::lane::Desk;
use crate::store::segment::{self, Segment};
use crate::store::{Shared, locked};

/// How often the supply looks round when nothing wakes it and syncing does not need it.
const ROUND: Duration = Duration::from_millis(200);

/// Makes a segment for a lane, unless too little would be left for sealing what is there.
pub(crate) fn prepare(shared: &Shared, desk: &Desk) -> Result<Segment, StoreError> {
    let size = shared.limits.segment_bytes;
    let free = shared.disk.free(&shared.paths.segments)?;
    if free < shared.limits.keep_free.saturating_add(size as u64) {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        return Err(StoreError::file(&shared.paths.segments, "reserve space")(full));
    }
    let number = desk.spares_made.fetch_add(1, Ordering::Relaxed);
    let path = shared.paths.segments.join(segment::spare_name(desk.lane, number));
    Segment::prepare(&shared.disk, &path, size, desk.lane, &shared.node)
}

/// One look round: spares where they are missing, everything appended synced. Errors are told once they begin, not at every look.
pub(crate) fn look_round(shared: &Shared, failing: &mut bool) {
    let outcome = supply(shared).and(sync(shared));
    if let Err(error) = &outcome
        && !*failing
    {
        tracing::error!(%error, "the log's segments cannot be kept ready or synced");
    }
    *failing = outcome.is_err();
}

fn supply(shared: &Shared) -> Result<(), StoreError> {
    let desks: Vec<Arc<Desk>> = locked(&shared.desks).clone();
    for desk in desks {
        if desk.closed.load(Ordering::Acquire) {
            if let Some(spare) = locked(&desk.spare).take() {
                shared.disk.remove(spare.path())?;
            }
        } else if locked(&desk.spare).is_none() {
            let spare = prepare(shared, &desk)?;
            *locked(&desk.spare) = Some(spare);
        }
    }
    Ok(())
}

/// Puts everything appended on the medium.
pub(crate) fn sync(shared: &Shared) -> Result<(), StoreError> {
    let all: Vec<_> = locked(&shared.segments).clone();
    all.iter().for_each(|segment| segment.populate_ahead());
    let segments = all.iter().filter(|one| one.wants_sync());
    let now = shared.clock.now();
    for segment in segments {
        segment.sync()?;
    }
    shared.synced_at.store(now.micros(), Ordering::Relaxed);
    Ok(())
}

/// The thread's life.
pub(crate) fn run(shared: &Shared) {
    let every = if shared.limits.sync_interval.is_zero() { ROUND } else { shared.limits.sync_interval.min(ROUND) };
    let mut failing = false;
    while !shared.stop.load(Ordering::Acquire) {
        look_round(shared, &mut failing);
        std::thread::park_timeout(every);
    }
}
