//! A reload, from its cause to the swap. A step that fails leaves the old snapshot in force, says why and never ends the process.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::watch::{Stamps, Watched};
use super::{Parts, compile, load};
use crate::behind;
use crate::config::Config;
use crate::config::checked::ut1_files;
use crate::engine::Snapshot;
use crate::engine::reload::{ReloadError, assemble, needs_restart, probe};
use crate::list::journal;
use crate::shelf::{Shelf, ShelfError};
use crate::web::Reload;

/// How long a snapshot that is no longer in force is waited for: a query that waits for an upstream may hold it so long.
const LET_GO: Duration = Duration::from_secs(60);

/// Why there is a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A person asked for it: configuration, lists and local zones are read anew.
    Asked,
    /// The file of a list changed: lists are read anew, and everything else stays as it is. The configuration file may be half edited.
    Lists,
}

/// How the last reload of each cause ended. Lists that are put in force do not end that what was asked for is not.
#[derive(Debug, Default)]
pub(super) struct Ended {
    asked: Option<Reload>,
    /// None as well where one that was asked for has read the lists since.
    lists: Option<Reload>,
}

impl Ended {
    /// What the admin door tells: a failure as long as it stands, and else the newest.
    pub(super) fn told(&self) -> Option<&Reload> {
        let both = || self.asked.iter().chain(&self.lists);
        both().find(|reload| reload.error.is_some()).or_else(|| both().max_by_key(|reload| reload.at))
    }

    fn stands_failed(&self) -> bool {
        self.told().is_some_and(|reload| reload.error.is_some())
    }

    fn take(&mut self, cause: Cause, reload: Reload) {
        match cause {
            Cause::Asked => {
                if reload.error.is_none() {
                    self.lists = None;
                }
                self.asked = Some(reload);
            }
            Cause::Lists => self.lists = Some(reload),
        }
    }
}

/// Reads, checks, compiles aside, probes and swaps; away from the threads that answer.
pub(super) async fn reload(parts: &Arc<Parts>, cause: Cause) {
    let error = match apart(parts, cause).await {
        Ok(Ok(Some(generation))) => {
            tracing::info!(generation, lists_only = cause == Cause::Lists, "a new snapshot is in force");
            None
        }
        Ok(Ok(None)) => return settle(parts),
        Ok(Err(error)) => {
            if cause == Cause::Lists && matches!(error, ReloadError::Lists(_) | ReloadError::Shelf(_)) {
                // A file that is being put in place, a disk that is full: such things pass without another change of a list.
                parts.watch.try_again(Watched::Lists);
            }
            Some(error.lines())
        }
        Err(fault) => Some(vec![fault]),
    };
    let at = parts.engine.clock.now();
    let mut ended = parts.ended.lock().unwrap_or_else(PoisonError::into_inner);
    match error {
        Some(lines) => {
            let error = lines.join("\n");
            let is_known = |last: &Reload| last.error.as_ref() == Some(&error);
            if cause == Cause::Lists && ended.lists.as_ref().is_some_and(is_known) {
                // Tried again and still the same: that was said and counted.
                return;
            }
            parts.metrics.reload_failed();
            for line in &lines {
                tracing::error!(
                    generation = parts.engine.generation(),
                    "reload failed, the old snapshot stays in force: {line}"
                );
            }
            ended.take(cause, Reload { at, error: Some(error) });
        }
        None => {
            ended.take(cause, Reload { at, error: None });
            parts.metrics.reloaded(at, !ended.stands_failed());
        }
    }
}

/// The lists hold what is in force already. If they did not a moment ago, that trouble is over.
fn settle(parts: &Parts) {
    let mut ended = parts.ended.lock().unwrap_or_else(PoisonError::into_inner);
    if ended.lists.as_ref().is_some_and(|last| last.error.is_some()) {
        tracing::info!(generation = parts.engine.generation(), "the lists hold again what is in force");
        ended.take(Cause::Lists, Reload { at: parts.engine.clock.now(), error: None });
        if !ended.stands_failed() {
            parts.metrics.reload_settled();
        }
    }
}

/// Prepares on a thread of its own, which those that answer come before: compiling millions of names takes seconds of a processor.
async fn apart(parts: &Arc<Parts>, cause: Cause) -> Result<Result<Option<u64>, ReloadError>, String> {
    let at_work = Arc::clone(parts);
    let (tell, told) = tokio::sync::oneshot::channel();
    let work = move || {
        behind::stand();
        behind::take_time();
        let before = at_work.engine.snapshot();
        let _ = tell.send(prepare_and_swap(&at_work, cause));
        let_go(&at_work, before);
    };
    let thread = std::thread::Builder::new().name("reload".to_owned()).spawn(work);
    thread.map_err(|error| format!("a thread for the reload cannot be made: {error}"))?;
    told.await.map_err(|_| "the reload ended in a fault of ours, which stands above".to_owned())
}

/// Ends a snapshot here: unmapping its lists takes milliseconds, and whoever lets go last has to do it. Nobody who answers should.
fn let_go(parts: &Parts, mut snapshot: Arc<Snapshot>) {
    if Arc::ptr_eq(&parts.engine.snapshot(), &snapshot) {
        return;
    }
    let until = Instant::now() + LET_GO;
    while let Err(still) = Arc::try_unwrap(snapshot) {
        if Instant::now() > until {
            return;
        }
        snapshot = still;
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The generation put in force; none when lists were looked at and hold what is in force already.
fn prepare_and_swap(parts: &Parts, cause: Cause) -> Result<Option<u64>, ReloadError> {
    let before = parts.engine.snapshot();
    let config = match cause {
        Cause::Asked => load(&parts.path, &parts.listen)?,
        Cause::Lists => with_added(&before.config)?,
    };
    if let Some(error) = needs_restart(&before.config, &config) {
        return Err(error);
    }
    let stamps = list_stamps(&config);
    let lists = compile(&config, Shelf::new(&config.node.data_dir).beside(&before.lists.matcher))?;
    if cause == Cause::Lists && lists.fingerprint == before.lists.fingerprint {
        parts.watch.renew(Watched::Lists, stamps);
        return Ok(None);
    }
    // Grants and withdrawals may have changed while the lists were compiled.
    let _swapping = parts.swap.lock().unwrap_or_else(PoisonError::into_inner);
    let before = parts.engine.snapshot();
    let now = parts.engine.clock.now();
    let candidate = match cause {
        Cause::Asked => assemble(config, lists, &parts.own, Some(&before), &parts.metrics, now)?,
        Cause::Lists => before.with_lists(config, lists, now),
    };
    probe(&candidate, now)?;
    let generation = candidate.generation;
    // The manifest names the configuration before a record can carry its generation.
    if let Err(error) = parts.store.note_config(generation, &candidate.config.sha256) {
        tracing::error!(%error, "the manifest could not take note of the configuration");
    }
    parts.engine.put_in_force(Arc::new(candidate));
    parts.watch.renew(Watched::Lists, stamps);
    Ok(Some(generation))
}

/// How the files of all lists look now. To be taken before they are read.
pub(super) fn list_stamps(config: &Config) -> Stamps {
    let journal = journal::path(&config.node.data_dir);
    let files = config.lists.iter().flat_map(|list| ut1_files(&list.path).chain([list.path.clone()]));
    Stamps::of(files.chain([journal]))
}

/// The configuration in force, with the lists that come of what is added by command now.
fn with_added(before: &Config) -> Result<Config, ReloadError> {
    let mut config = before.clone();
    config.take_added().map_err(|error| {
        let path = journal::path(&before.node.data_dir);
        ReloadError::Shelf(ShelfError::Read { list: "added by command".into(), path, error })
    })?;
    Ok(config)
}
