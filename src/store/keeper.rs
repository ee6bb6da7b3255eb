//! The keeper: does what the plan says. Seals live rows into parts, commits them to the manifest, removes what is covered, erases what is old.
//!
//! Order is everything here (L2): part durable, leaf durable, checkpoint durable, and only then are segments removed.

pub(crate) mod recover;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::behind;
use crate::moment::Moment;
use crate::store::error::StoreError;
use crate::store::frame::Row;
use crate::store::gather::{Gathered, Key, Rows, key};
use crate::store::manifest::leaf::{Fact, Stamp};
use crate::store::part::{self, Content};
use crate::store::plan::{self, Held, Step};
use crate::store::segment::{self, Segment};
use crate::store::{Shared, locked};

/// How often the keeper asks the plan.
const ROUND: Duration = Duration::from_millis(500);
/// How long it waits after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// A clock that steps back by less is corrected, not set.
const CLOCK_SLACK: Duration = Duration::from_secs(1);

/// The keeper's own memory.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    sealed_at: Moment,
    left_over: bool,
    seen: Moment,
    /// Up to where each segment is sealed, by lane and first sequence number.
    cursors: HashMap<Key, usize>,
}

impl Keeper {
    pub(crate) fn new(shared: Arc<Shared>, left_over: bool) -> Keeper {
        let now = shared.clock.now();
        Keeper { shared, sealed_at: now, left_over, seen: now, cursors: HashMap::new() }
    }

    /// Asks the plan and does the one step it says.
    pub(crate) fn turn(&mut self) -> Result<Step, StoreError> {
        let now = self.shared.clock.now();
        locked(&self.shared.manifest).settle()?;
        self.watch_clock(now)?;
        let step = plan::next_step(&self.held()?, &self.shared.limits, now);
        match step {
            Step::Keep => {}
            Step::Seal => {
                while self.seal(now)? {}
                behind::give_back();
            }
            Step::Expire => self.expire(now)?,
        }
        Ok(step)
    }

    /// Seals everything there is, due or not.
    pub(crate) fn seal_all(&mut self) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        locked(&self.shared.manifest).settle()?;
        while self.seal(now)? {}
        Ok(())
    }

    /// Seals what one seal may take; whether there is more.
    pub(crate) fn seal_some(&mut self) -> Result<bool, StoreError> {
        let now = self.shared.clock.now();
        locked(&self.shared.manifest).settle()?;
        self.seal(now)
    }

    fn watch_clock(&mut self, now: Moment) -> Result<(), StoreError> {
        if now.plus(CLOCK_SLACK) < self.seen {
            let fact = Fact::Clock { before: Stamp(self.seen), after: Stamp(now) };
            locked(&self.shared.manifest).append(now, fact)?;
            tracing::warn!(before = %self.seen, after = %now, "the clock stepped back");
            self.seen = now;
        }
        self.seen = self.seen.max(now);
        Ok(())
    }

    /// Segments in the order of their records, lane by lane.
    fn segments(&self) -> Vec<Arc<Segment>> {
        let mut segments = locked(&self.shared.segments).clone();
        segments.sort_by_key(|segment| key(segment));
        segments
    }

    fn held(&self) -> Result<Held, StoreError> {
        let mut live_bytes = 0;
        let mut oldest_live = None;
        for segment in self.segments() {
            let cursor = self.cursors.get(&key(&segment)).copied().unwrap_or(segment::HEAD);
            let first = segment.walk(cursor).next();
            // A segment of an earlier process does not know its end: that it holds anything is enough for the plan.
            live_bytes += match &first {
                Some(met) => segment.end().saturating_sub(met.at) as u64,
                None => u64::from(segment.is_retired()),
            };
            let time = first.and_then(|met| Row::read(met.bytes)).map(|row| row.time);
            oldest_live = [oldest_live, time].into_iter().flatten().min();
        }
        self.shared.oldest_live.store(oldest_live.map_or(i64::MAX, Moment::micros), Ordering::Relaxed);
        let manifest = locked(&self.shared.manifest);
        let book = manifest.book();
        Ok(Held {
            live_bytes,
            sealed_at: self.sealed_at,
            left_over: self.left_over,
            oldest_part: book.parts.values().map(|part| part.to.0).min(),
            on_hold: !book.holds.is_empty(),
            low_on_space: self.shared.disk.free(&self.shared.paths.dir)? < self.shared.limits.keep_free,
        })
    }

    /// One seal: whether there is more to seal.
    fn seal(&mut self, now: Moment) -> Result<bool, StoreError> {
        let segments = self.segments();
        // Of its own: whoever has something for the manifest does not wait for the look.
        let accounted = locked(&self.shared.manifest).book().accounted.clone();
        let found = Gathered::look_through(&segments, &accounted, &self.cursors, self.shared.limits.seal_rows);
        for (lane, run, cause) in &found.gaps {
            let gap = Fact::Gap {
                lane: *lane,
                first: run.first,
                last: run.last,
                rows: run.count(),
                cause: (*cause).to_owned(),
            };
            locked(&self.shared.manifest).append(now, gap)?;
            tracing::error!(lane, first = run.first, last = run.last, cause, "records were lost");
        }
        for mut of_day in found.days {
            // Each lane is in the order of time, or nearly: this sort takes what is sorted as it is.
            of_day.rows.sort_by_key(|row| row.time);
            let (Some(first), Some(last)) = (of_day.rows.first(), of_day.rows.last()) else { continue };
            let content = Content { day: of_day.day, from: first.time, to: last.time, lanes: of_day.lanes };
            let rows = Rows { rows: &of_day.rows, recurring: &found.recurring, segments: &segments };
            self.commit(now, &content, rows)?;
        }
        self.cursors.extend(found.cursors);
        self.remove(&found.finished)?;
        if !found.more {
            self.sealed_at = now;
            self.left_over = false;
        }
        Ok(found.more)
    }

    /// Writes a part and its leaf.
    fn commit(&self, now: Moment, content: &Content, rows: Rows<'_>) -> Result<(), StoreError> {
        let shared = &self.shared;
        let fact = part::write(&shared.disk, &shared.paths, &shared.node, content, rows)?;
        let path = shared.paths.dir.join(&fact.file);
        let mut manifest = locked(&shared.manifest);
        let before = manifest.size();
        let outcome = manifest.append(now, Fact::Part(fact));
        // A leaf that was written and could not be synced is cut off again before its part goes: else it would be believed later.
        if outcome.is_err() && manifest.size() == before && manifest.settle().is_ok() && manifest.size() == before {
            // Not committed: its rows stay live, and the next seal writes them again. Recovery removes it should this fail too.
            let _ = shared.disk.remove(&path);
        } else {
            shared.sealed_rows.fetch_add(rows.rows.len() as u64, Ordering::Relaxed);
        }
        outcome
    }

    /// Removes segments that are wholly in the manifest.
    fn remove(&mut self, finished: &[Arc<Segment>]) -> Result<(), StoreError> {
        for segment in finished {
            self.shared.disk.remove(segment.path())?;
            self.cursors.remove(&key(segment));
            locked(&self.shared.segments).retain(|one| !Arc::ptr_eq(one, segment));
        }
        Ok(())
    }

    /// Erases parts past their time: the leaf first, so that a file that is gone is always accounted for.
    pub(crate) fn expire(&self, now: Moment) -> Result<(), StoreError> {
        let shared = &self.shared;
        let mut manifest = locked(&shared.manifest);
        if !manifest.book().holds.is_empty() {
            return Ok(());
        }
        let old: Vec<_> = manifest.book().parts.values().cloned().collect();
        for part in old.into_iter().filter(|part| plan::is_expired(part.to.0, &shared.limits, now)) {
            let days = shared.limits.retain.as_secs_f64() / 86_400.0;
            let erase = Fact::Erase {
                file: part.file.clone(),
                sha256: part.sha256,
                rows: part.rows,
                rule: format!("retain {days}d"),
            };
            let before = manifest.size();
            let outcome = manifest.append(now, erase);
            // The leaf counts when it is written, whatever became of its checkpoint: the file goes with it.
            if manifest.size() == before {
                outcome?;
                continue;
            }
            if let Some(path) = shared.paths.file(&part.file) {
                shared.disk.remove(&path)?;
                // Only an empty folder goes.
                let _ = path.parent().map(std::fs::remove_dir);
            }
            outcome?;
        }
        Ok(())
    }
}

/// The number behind the last one a segment accounts for, given the one its walk begins at: as [`Gathered::look_through`] counts. Tells each record met.
pub(crate) fn next_after(segment: &Segment, mut next: u64, mut met_one: impl FnMut(u64)) -> u64 {
    next = next.max(segment.first());
    let mut walk = segment.walk(segment::HEAD);
    for met in walk.by_ref().filter(|met| Row::read(met.bytes).is_some()) {
        next = next.max(met.seq.saturating_add(1));
        met_one(met.seq);
    }
    next + u64::from(walk.is_torn()) + segment.lost()
}

/// The thread's life.
pub(crate) fn run(shared: &Shared, keeper: &std::sync::Mutex<Keeper>) {
    let mut failing = false;
    while !shared.stop.load(Ordering::Acquire) {
        let outcome = locked(keeper).turn();
        match &outcome {
            Err(error) if !failing => tracing::error!(%error, "the log cannot be sealed; rows stay live"),
            Ok(_) if failing => tracing::info!("the log is sealed again"),
            _ => {}
        }
        failing = outcome.is_err();
        shared.failing.store(failing, Ordering::Relaxed);
        std::thread::park_timeout(if failing { AFTER_FAILURE } else { ROUND });
    }
}
