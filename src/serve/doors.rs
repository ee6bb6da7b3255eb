//! Opening and closing all doors together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::bind::{self, DoorError};
use super::counters::{DoorCounters, WorkerTally};
use super::inherited::Inherited;
use super::stop::{Stage, Stop};
use super::tcp::{self, TcpShared};
use super::udp::{UdpLoop, UdpShared, pin};
use super::{Answerer, TcpLimits, UdpLimits, Worker};
use crate::config::checked::Listen;
use crate::moment::Clock;

/// What the doors need besides addresses and an engine; the default suits a server.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where moments of arrival come from.
    pub clock: Clock,
    /// Bounds of the UDP doors.
    pub udp: UdpLimits,
    /// Bounds of the TCP doors.
    pub tcp: TcpLimits,
}

/// Open doors. Dropped without [`Doors::close`], they stop as if closed with no time to finish.
#[derive(Debug)]
pub struct Doors {
    addresses: Vec<SocketAddr>,
    counters: Arc<DoorCounters>,
    stop: Arc<Stop>,
    workers: Vec<Thread>,
    accepting: Vec<tokio::task::JoinHandle<()>>,
    laters: Arc<Semaphore>,
    most_laters: u32,
    tcp: Arc<TcpShared>,
}

/// A UDP worker's thread, and the word that it has ended.
#[derive(Debug)]
struct Thread {
    handle: JoinHandle<()>,
    ended: oneshot::Receiver<()>,
}

/// How closing went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// UDP answers that were still awaited when the time was up; their futures were dropped.
    pub laters_abandoned: usize,
    /// TCP connections with answers still awaited when the time was up; their futures were dropped.
    pub connections_abandoned: usize,
    /// UDP workers that did not come back from the engine and were left behind.
    pub workers_stuck: usize,
}

impl Closed {
    /// Whether everything finished in time.
    pub fn is_clean(&self) -> bool {
        *self == Closed::default()
    }
}

/// How long dropping what was abandoned may take.
const LAST_WORD: Duration = Duration::from_secs(1);

impl Doors {
    /// Binds UDP and TCP of every address of `listen.dns`, and only when all are bound makes the workers (one for each of
    /// `listen.workers`, 0: one a core) and begins to answer. Port 0 picks a free port, the same for UDP and TCP.
    ///
    /// `Later` futures and connections run on `runtime`, which needs its I/O and time drivers. Fails, with everything let go, when an address cannot be had or a
    /// thread cannot be made. An address of a family the machine does not have is left out, where there is another.
    pub fn open<W, A>(
        listen: &Listen,
        settings: Settings,
        mut make_worker: impl FnMut(usize) -> W,
        answerer: Arc<A>,
        runtime: &Handle,
    ) -> Result<Doors, DoorError>
    where
        W: Worker + 'static,
        A: Answerer,
    {
        let count = match listen.workers {
            0 => thread::available_parallelism().map_or(1, |cores| cores.get()),
            count => count,
        };
        let tallies: Vec<_> = (0..count).map(|_| Arc::new(WorkerTally::default())).collect();
        let counters = Arc::new(DoorCounters::new(tallies.clone()));
        let bound = bind::bind_all(listen, count, Inherited::from_env(), &counters.dropped_before)?;
        counters.watch(bound.iter().flat_map(|bound| &bound.udp));

        let stop = Arc::new(Stop::new());
        let most_laters = u32::try_from(settings.udp.later.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        let laters = Arc::new(Semaphore::new(most_laters as usize));
        let shared = UdpShared {
            clock: settings.clock,
            stop: stop.clone(),
            runtime: runtime.clone(),
            laters: laters.clone(),
            counters: counters.clone(),
            batch: settings.udp.batch,
        };
        let tcp = TcpShared::new(settings.tcp, stop.clone(), counters.clone());
        // From here on an error drops `doors`, which stops what was started.
        let mut doors = Doors {
            addresses: bound.iter().map(|bound| bound.address).collect(),
            counters,
            stop,
            workers: Vec::with_capacity(count),
            accepting: Vec::new(),
            laters,
            most_laters,
            tcp,
        };
        for (index, tally) in tallies.into_iter().enumerate() {
            let sockets = bound.iter().filter_map(|bound| bound.udp.get(index).cloned()).collect();
            let udp = UdpLoop::new(make_worker(index), sockets, tally, shared.clone());
            let (tell, ended) = oneshot::channel();
            let pinned = listen.pin;
            let handle = thread::Builder::new()
                .name(format!("udp-{index}"))
                .spawn(move || {
                    if pinned && let Err(error) = pin::to_a_processor(index) {
                        tracing::warn!(worker = index, %error, "listen.pin: the worker cannot be kept on a processor");
                    }
                    udp.run();
                    let _ = tell.send(());
                })
                .map_err(|error| DoorError::Thread { worker: index, error })?;
            doors.workers.push(Thread { handle, ended });
        }
        for bound in bound {
            doors.accepting.push(runtime.spawn(tcp::accept(bound.tcp, answerer.clone(), doors.tcp.clone())));
        }
        Ok(doors)
    }

    /// Where the doors are, in the order of `listen.dns`, with the ports that were picked; without what could not be for want of IPv6 or IPv4.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How many more `Later` answers may be in flight.
    pub fn laters_free(&self) -> usize {
        self.laters.available_permits()
    }

    /// What happens at the doors; may be kept after they are closed.
    pub fn counters(&self) -> Arc<DoorCounters> {
        self.counters.clone()
    }

    /// Ends intake: UDP workers answer what had already arrived and end, TCP connections answer what was asked and are closed.
    /// What has not finished within `limit` is dropped, so that its ticket closes. Workers have been dropped, and every
    /// socket is closed, when this returns; save for workers that are stuck in the engine, which no one can end.
    pub async fn close(mut self, limit: Duration) -> Closed {
        let begun = Instant::now();
        let end = begun + limit;
        self.stop.raise(Stage::Draining);
        for accepting in &mut self.accepting {
            // Ends by itself as soon as it is polled; the listener is closed with it.
            let _ = timeout_at(end, accepting).await;
        }
        let mut closed = Closed::default();
        for Thread { handle, ended } in std::mem::take(&mut self.workers) {
            // Even a limit of nothing lets a worker look up from its sockets. A sender that is gone tells of an end, too.
            match timeout_at(end.max(begun + LAST_WORD), ended).await {
                Ok(_) => drop(handle.join()),
                Err(_) => closed.workers_stuck += 1,
            }
        }
        if timeout_at(end, self.emptied()).await.is_err() {
            closed.laters_abandoned = (self.most_laters as usize).saturating_sub(self.laters.available_permits());
            closed.connections_abandoned = self.tcp.alive();
            self.stop.raise(Stage::Abandoned);
            let _ = timeout(LAST_WORD, self.emptied()).await;
        }
        closed
    }

    /// Waits until nothing is in flight.
    async fn emptied(&self) {
        let _ = self.laters.acquire_many(self.most_laters).await;
        self.tcp.emptied().await;
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.stop.raise(Stage::Abandoned);
    }
}
