//! Grants and withdrawals on a running server: what a command appends to the journal is in force at once. A journal that cannot be believed
//! changes nothing: what was in force stays in force.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Failure, Parts};
use crate::access::{FILE, Journal, JournalError, Look, Mark, Taken};
use crate::config::Config;
use crate::moment::Moment;
use crate::store::manifest::book::Trail;
use crate::store::{Store, StoreError};

/// How often the journal is looked at: one call of `stat`.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The journal, and how far it is in force.
pub(super) struct AccessInForce {
    journal: Journal,
    state: Mutex<State>,
}

struct State {
    /// How the file looked when it was last read, whatever came of it.
    look: Option<Look>,
    mark: Mark,
}

impl AccessInForce {
    /// Reads the journal at start, makes it where there is none yet, and holds it against what the manifest says was in force.
    pub(super) fn at_start(config: &Config) -> Result<(AccessInForce, Taken), Failure> {
        let journal = Journal::below(&config.node.data_dir);
        journal.make().map_err(Failure::start)?;
        let look = journal.look();
        let taken = journal.read().map_err(Failure::configuration)?;
        let state = Mutex::new(State { look, mark: taken.mark() });
        Ok((AccessInForce { journal, state }, taken))
    }

    /// Puts what was read at start under the manifest's signature; before that, it must continue what is under it.
    pub(super) fn note_at_start(&self, store: &Store, taken: &Taken) -> Result<(), Failure> {
        if let Some(trail) = store.audited(FILE) {
            let mark = Mark { bytes: trail.bytes, sha256: trail.sha256, rows: trail.rows };
            if !taken.continues(&mark) {
                let path = self.journal.path().to_owned();
                return Err(Failure::configuration(JournalError::Another { path, rows: mark.rows }));
            }
            if mark.bytes == taken.mark().bytes {
                return Ok(());
            }
        }
        if taken.mark().rows == 0 {
            return Ok(());
        }
        note(store, &taken.mark()).map_err(Failure::start)
    }
}

/// Looks at the journal again and again, for as long as the house is open.
pub(super) async fn follow(parts: Arc<Parts>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let parts = Arc::clone(&parts);
        // Away from the threads that answer: a disk may hang.
        let _ = tokio::task::spawn_blocking(move || refresh(&parts)).await;
    }
}

/// Puts the journal in force where it has changed.
pub(super) fn refresh(parts: &Parts) {
    let mut state = parts.access.state.lock().unwrap_or_else(PoisonError::into_inner);
    let look = parts.access.journal.look();
    if look == state.look {
        return;
    }
    state.look = look;
    match taken_over(parts, &state.mark) {
        Ok(None) => {}
        Ok(Some((mark, generation))) => {
            state.mark = mark;
            parts.metrics.access_changed(true);
            let (grants, withdrawals) = parts.engine.snapshot().access.in_force(parts.engine.clock.now());
            tracing::info!(generation, grants, withdrawals, "a changed journal of grants and withdrawals is in force");
        }
        Err(error) => {
            parts.metrics.access_changed(false);
            tracing::error!("grants and withdrawals stay as they were: {error}");
        }
    }
}

fn taken_over(parts: &Parts, before: &Mark) -> Result<Option<(Mark, u64)>, JournalError> {
    let journal = &parts.access.journal;
    let taken = journal.read()?;
    if !taken.continues(before) {
        return Err(JournalError::Another { path: journal.path().to_owned(), rows: before.rows });
    }
    let mark = taken.mark();
    if mark == *before {
        return Ok(None);
    }
    let generation = put_in_force(parts, &taken, parts.engine.clock.now());
    Ok(Some((mark, generation)))
}

fn put_in_force(parts: &Parts, taken: &Taken, now: Moment) -> u64 {
    let _swapping = parts.swap.lock().unwrap_or_else(PoisonError::into_inner);
    let before = parts.engine.snapshot();
    let access = taken.access(&before.model().categories, now);
    let next = before.with_access(Arc::new(access), now);
    let generation = next.generation;
    // The manifest names journal and generation before a record can carry it. A withdrawal does not wait for a disk that is full.
    let noted =
        note(&parts.store, &taken.mark()).and_then(|()| parts.store.note_config(generation, &next.config.sha256));
    if let Err(error) = noted {
        tracing::error!(%error, "the manifest could not take note of the journal of grants and withdrawals");
    }
    parts.engine.put_in_force(Arc::new(next));
    generation
}

fn note(store: &Store, mark: &Mark) -> Result<(), StoreError> {
    store.note_audit(FILE, &Trail { sha256: mark.sha256.clone(), bytes: mark.bytes, rows: mark.rows })
}
