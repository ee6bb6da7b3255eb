//! How everything behind the doors is told to stop.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// How far the doors are on their way to being closed; it only ever goes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Queries are taken in.
    Open,
    /// No more are taken in; what is in flight finishes.
    Draining,
    /// What is still in flight is dropped.
    Abandoned,
}

/// The stage, for threads to look at and for tasks to wait on.
#[derive(Debug)]
pub(super) struct Stop {
    stage: watch::Sender<Stage>,
    // Looked at once a batch by every UDP worker: no lock there.
    draining: AtomicBool,
}

impl Stop {
    pub(super) fn new() -> Stop {
        Stop { stage: watch::Sender::new(Stage::Open), draining: AtomicBool::new(false) }
    }

    /// Raises the stage; a lower one than it stands at changes nothing.
    pub(super) fn raise(&self, to: Stage) {
        if to > Stage::Open {
            self.draining.store(true, Ordering::Release);
        }
        self.stage.send_if_modified(|stage| {
            let higher = to > *stage;
            *stage = (*stage).max(to);
            higher
        });
    }

    /// Whether intake has ended.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Whether nothing is waited for any more.
    pub(super) fn is_abandoned(&self) -> bool {
        *self.stage.borrow() == Stage::Abandoned
    }

    /// For a task to wait on.
    pub(super) fn watch(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }
}

/// Waits until the stage is at least `stage`; for ever when that can no longer be.
pub(super) async fn reached(watch: &mut watch::Receiver<Stage>, stage: Stage) {
    if watch.wait_for(|now| *now >= stage).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_never_goes_back() {
        let stop = Stop::new();
        assert!(!stop.is_draining());
        stop.raise(Stage::Abandoned);
        stop.raise(Stage::Draining);
        assert_eq!(*stop.watch().borrow(), Stage::Abandoned);
        assert!(stop.is_draining());
    }
}
