//! The supply: a thread that has a fresh segment ready for each lane before it is wanted, and puts appended records on the medium.
//! It is apart from the keeper, since a seal takes seconds and a lane must not wait for one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::store::error::StoreError;
use crate::store::lane::Desk;
use crate::store::segment::Segment;
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
    Segment::prepare(&shared.disk, &shared.paths.segments, size, desk.lane, &shared.node)
}

/// One look round: spares where they are missing, everything appended synced. Errors are told once they begin, not at every look.
pub(crate) fn look_round(shared: &Shared, failing: &mut bool) {
    // First of all: a lane may have little left that it can write to without a wait.
    populate_ahead(shared);
    let outcome = sync_by(shared, Segment::sync_what_was_left).and(supply(shared));
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
        } else if locked(&desk.spare).is_none() && desk.is_used() {
            let spare = prepare(shared, &desk)?;
            spare.make_ready(0);
            *locked(&desk.spare) = Some(Arc::new(spare));
        }
    }
    Ok(())
}

/// Brings pages that lanes will write next into memory.
fn populate_ahead(shared: &Shared) {
    let all: Vec<_> = locked(&shared.segments).clone();
    for segment in &all {
        segment.populate_ahead(false);
        if let Some(ahead) = segment.needs_another() {
            let desk = locked(&shared.desks).iter().find(|desk| desk.lane == segment.lane()).cloned();
            // Not under the lock: the lane comes for it.
            if let Some(spare) = desk.and_then(|desk| locked(&desk.spare).clone()) {
                spare.make_ready(ahead);
            }
        }
    }
}

/// Puts everything appended on the medium.
pub(crate) fn sync(shared: &Shared) -> Result<(), StoreError> {
    sync_by(shared, Segment::sync)
}

fn sync_by(shared: &Shared, sync: fn(&Segment) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let all: Vec<_> = locked(&shared.segments).clone();
    // What is appended from here on may wait for the next round.
    let now = shared.clock.now();
    for segment in all.iter().filter(|one| one.wants_sync()) {
        segment.step_aside();
        // Before the sync: each page that is still mapped then has to be made read-only, with an interrupt for the lane's processor.
        segment.let_go(segment.size());
        sync(segment)?;
        segment.populate_ahead(true);
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
