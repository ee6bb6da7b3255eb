//! Equal questions at the same time: one goes up, all get its answer.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// What is on its way, by what is asked. Bounded.
pub(super) struct InFlight<K, V> {
    by_key: Mutex<HashMap<K, watch::Receiver<Option<V>>>>,
    limit: usize,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// As much as may be is on its way already.
    Full,
    /// The work ended without a value: the runtime is stopping, or it panicked.
    Ended,
}

impl<K: Hash + Eq + Copy + Send + 'static, V: Clone + Send + Sync + 'static> InFlight<K, V> {
    pub(super) fn new(limit: usize) -> Arc<InFlight<K, V>> {
        Arc::new(InFlight { by_key: Mutex::new(HashMap::new()), limit })
    }

    /// The value of `work`, or of equal work already on its way. The work is a task of its own: an asker that goes away
    /// neither stops it nor strands the others.
    pub(super) async fn value<F>(self: &Arc<Self>, key: K, work: impl FnOnce() -> F) -> Result<V, Missing>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut receiver = self.join_or_start(key, work)?;
        let value = receiver.wait_for(Option::is_some).await.map_err(|_| Missing::Ended)?;
        value.clone().ok_or(Missing::Ended)
    }

    fn join_or_start<F>(
        self: &Arc<Self>,
        key: K,
        work: impl FnOnce() -> F,
    ) -> Result<watch::Receiver<Option<V>>, Missing>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(receiver) = by_key.get(&key) {
            return Ok(receiver.clone());
        }
        if by_key.len() >= self.limit {
            return Err(Missing::Full);
        }
        let (sender, receiver) = watch::channel(None);
        by_key.insert(key, receiver.clone());
        let entry = Entry { of: self.clone(), key };
        let work = work();
        tokio::spawn(async move {
            let value = work.await;
            drop(entry);
            sender.send_replace(Some(value));
        });
        Ok(receiver)
    }
}

/// Takes the key out again, also when the work panics or its task is dropped.
struct Entry<K: Hash + Eq, V> {
    of: Arc<InFlight<K, V>>,
    key: K,
}

impl<K: Hash + Eq, V> Drop for Entry<K, V> {
    fn drop(&mut self) {
        self.of.by_key.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn equal_work_is_done_once_and_unequal_work_apart() {
        let flights = InFlight::<u32, u32>::new(10);
        let (runs, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ask = |key: u32| {
            let (flights, runs, go) = (flights.clone(), runs.clone(), go.clone());
            tokio::spawn(async move {
                flights
                    .value(key, || async move {
                        runs.fetch_add(1, Ordering::SeqCst);
                        go.notified().await;
                        key * 2
                    })
                    .await
            })
        };
        let asked: Vec<_> = [1, 1, 2, 1].into_iter().map(ask).collect();
        while runs.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        go.notify_waiters();
        let mut values = Vec::new();
        for one in asked {
            values.push(one.await.unwrap());
        }
        assert_eq!(values, [Ok(2), Ok(2), Ok(4), Ok(2)]);
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert!(flights.by_key.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_asker_that_goes_away_strands_nobody() {
        let flights = InFlight::<u32, u32>::new(10);
        let go = Arc::new(Notify::new());
        let first = {
            let (flights, go) = (flights.clone(), go.clone());
            tokio::spawn(async move {
                flights
                    .value(1, || async move {
                        go.notified().await;
                        7
                    })
                    .await
            })
        };
        while flights.by_key.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let second = {
            let flights = flights.clone();
            tokio::spawn(async move { flights.value(1, || async { 8 }).await })
        };
        first.abort();
        tokio::task::yield_now().await;
        go.notify_one();
        assert_eq!(second.await.unwrap(), Ok(7));
    }

    #[tokio::test]
    async fn what_is_too_much_or_panics_is_told_and_leaves_no_trace() {
        let flights = InFlight::<u32, u32>::new(1);
        let running = flights.join_or_start(1, std::future::pending::<u32>).unwrap();
        assert_eq!(flights.value(2, || async { 2 }).await, Err(Missing::Full));
        drop(running);
        let flights = InFlight::<u32, u32>::new(1);
        assert_eq!(flights.value(1, || async { panic!("broken") }).await, Err(Missing::Ended));
        assert_eq!(flights.value(1, || async { 3 }).await, Ok(3));
    }
}
