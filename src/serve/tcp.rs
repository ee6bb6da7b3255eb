//! DNS over TCP (RFC 7766): listeners, and the bounds within which connections live.

use std::io;
use std::net::TcpListener as StdTcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::Answerer;
use super::counters::{DoorCounters, Trouble};
use super::stop::{Stage, Stop, reached};
use crate::verdict::Transport;

mod connection;
mod frames;
mod places;

use connection::Connection;
use places::Places;

/// Bounds of the TCP doors.
#[derive(Clone, Debug)]
pub struct TcpLimits {
    /// Most connections in all; then the one that has been idle for longest makes place, and when there is none the new one
    /// is refused. Default 2048.
    pub connections: usize,
    /// Most connections of one client address, by the same rule among its own. Default 64.
    pub per_client: usize,
    /// Most queries in flight on a connection; then reading stops until one is answered. Default 100.
    pub in_flight: usize,
    /// Most queries in flight on all connections; then reading stops likewise. Default 8192.
    pub in_flight_total: usize,
    /// How long a new connection may be silent before its first query. Default 5 s.
    pub first: Duration,
    /// How long a connection may be idle (RFC 7766 section 6.2.3: a few seconds). Default 10 s.
    pub idle: Duration,
    /// The same, also for `first`, while three quarters of the places are taken. Default 1 s.
    pub idle_pressed: Duration,
    /// How long a message may take from its first octet to its last. Default 5 s.
    pub message: Duration,
    /// How long a write of answers may take. Default 5 s.
    pub write: Duration,
}

impl Default for TcpLimits {
    fn default() -> TcpLimits {
        TcpLimits {
            connections: 2048,
            per_client: 64,
            in_flight: 100,
            in_flight_total: 8192,
            first: Duration::from_secs(5),
            idle: Duration::from_secs(10),
            idle_pressed: Duration::from_secs(1),
            message: Duration::from_secs(5),
            write: Duration::from_secs(5),
        }
    }
}

/// How long no connection is accepted after the system had no room for one.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// What all TCP connections share.
#[derive(Debug)]
pub(super) struct TcpShared {
    pub(super) limits: TcpLimits,
    pub(super) stop: Arc<Stop>,
    pub(super) counters: Arc<DoorCounters>,
    /// One permit for each query in flight.
    pub(super) in_flight: Arc<Semaphore>,
    places: Arc<Places>,
}

impl TcpShared {
    pub(super) fn new(mut limits: TcpLimits, stop: Arc<Stop>, counters: Arc<DoorCounters>) -> Arc<TcpShared> {
        // Bounds of nothing would answer nothing; one is the least that works.
        limits.in_flight = limits.in_flight.max(1);
        limits.in_flight_total = limits.in_flight_total.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let places = Places::new(limits.connections.max(1), limits.per_client.max(1), counters.clone());
        let in_flight = Arc::new(Semaphore::new(limits.in_flight_total));
        Arc::new(TcpShared { limits, stop, counters, in_flight, places })
    }

    /// Waits until every connection has ended and every query of theirs has been let go.
    pub(super) async fn emptied(&self) {
        self.places.emptied().await;
        let all = u32::try_from(self.limits.in_flight_total).unwrap_or(u32::MAX);
        let _ = self.in_flight.acquire_many(all).await;
    }

    /// How many connections have not ended.
    pub(super) fn alive(&self) -> usize {
        self.places.alive()
    }
}

/// Accepts connections until intake ends.
pub(super) async fn accept<A: Answerer>(listener: StdTcpListener, answerer: Arc<A>, shared: Arc<TcpShared>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            shared.counters.tcp_accept.add(Trouble::of(&error), 1);
            tracing::error!(%error, "a TCP listener could not be taken in by the runtime");
            return;
        }
    };
    let mut stage = shared.stop.watch();
    loop {
        let accepted = tokio::select! {
            biased;
            () = reached(&mut stage, Stage::Draining) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, client)) => {
                let Some(place) = shared.places.enter(client.ip()) else {
                    DoorCounters::add(&shared.counters.tcp_refused);
                    refuse(stream);
                    continue;
                };
                DoorCounters::add(&shared.counters.tcp_accepted);
                // Answers are written whole; waiting to fill a segment would only delay them.
                let _ = stream.set_nodelay(true);
                let connection =
                    Connection::new(stream, client, Transport::Tcp, answerer.clone(), shared.clone(), place);
                tokio::spawn(connection.serve());
            }
            Err(error) => {
                shared.counters.tcp_accept.add(Trouble::of(&error), 1);
                if Trouble::of(&error) == Trouble::NoRoom {
                    rest(&shared, &error).await;
                }
            }
        }
    }
}

/// The system has no room for another connection: an idle one goes, and the others get time to end.
async fn rest(shared: &TcpShared, error: &io::Error) {
    let evicted = shared.places.evict();
    tracing::debug!(%error, evicted, "no room to accept a TCP connection");
    tokio::time::sleep(ACCEPT_REST).await;
}

/// Closes at once with a reset, which leaves nothing behind on our side.
fn refuse(stream: TcpStream) {
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}
