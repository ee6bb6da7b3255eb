//! A reload, from the signal to the swap. A step that fails leaves the old snapshot in force, says why and never ends the process.

use std::sync::{Arc, PoisonError};

use super::{Parts, compile, load};
use crate::engine::reload::{ReloadError, assemble, needs_restart, probe};
use crate::web::Reload;

/// Reads, checks, compiles aside, probes and swaps; away from the threads that answer.
pub(super) async fn reload(parts: &Arc<Parts>) {
    let at_work = Arc::clone(parts);
    let worked = tokio::task::spawn_blocking(move || prepare_and_swap(&at_work)).await;
    let error = match worked {
        Ok(Ok(generation)) => {
            parts.metrics.reloaded(parts.engine.clock.now());
            tracing::info!(generation, "a new snapshot is in force");
            None
        }
        Ok(Err(error)) => Some(error.to_string()),
        Err(panic) => Some(format!("the reload ended in a fault of ours: {panic}")),
    };
    if let Some(error) = &error {
        parts.metrics.reload_failed();
        tracing::error!(
            generation = parts.engine.generation(),
            "reload failed, the old snapshot stays in force: {error}"
        );
    }
    let reload = Reload { at: parts.engine.clock.now(), error };
    *parts.last_reload.lock().unwrap_or_else(PoisonError::into_inner) = Some(reload);
}

fn prepare_and_swap(parts: &Parts) -> Result<u64, ReloadError> {
    let config = load(&parts.path, &parts.listen)?;
    let before = parts.engine.snapshot();
    if let Some(error) = needs_restart(&before.config, &config) {
        return Err(error);
    }
    let now = parts.engine.clock.now();
    let lists = compile(&config)?;
    // Grants and withdrawals may have changed while the lists were compiled.
    let _swapping = parts.swap.lock().unwrap_or_else(PoisonError::into_inner);
    let before = parts.engine.snapshot();
    let candidate = assemble(config, lists, &parts.own, Some(&before), &parts.metrics, now)?;
    probe(&candidate, now)?;
    let generation = candidate.generation;
    // The manifest names the configuration before a record can carry its generation.
    if let Err(error) = parts.store.note_config(generation, &candidate.config.sha256) {
        tracing::error!(%error, "the manifest could not take note of the configuration");
    }
    parts.engine.put_in_force(Arc::new(candidate));
    Ok(generation)
}
