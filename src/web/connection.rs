//! Connections: how many, for how long, how much they may send, and how they end.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{House, routes};

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections open at once; who comes beyond waits in the kernel's queue.
    pub(super) connections: usize,
    /// From the end of one answer, or the beginning, to a request's last header line: also how long a connection may idle.
    pub(super) head: Duration,
    /// Life of a connection, after which it ends with the answer under way. Bounds who reads an answer slowly.
    pub(super) life: Duration,
    /// How long an answer under way may still take, at the end of a life and when the house stops.
    pub(super) grace: Duration,
}

impl Limits {
    /// Enough for a few scrapers, probes and people; a scraper that comes every 30 s keeps its connection.
    pub(super) const HOUSE: Limits = Limits {
        connections: 64,
        head: Duration::from_secs(35),
        life: Duration::from_secs(300),
        grace: Duration::from_secs(3),
    };
}

/// Octets of a request's line and headers together, and of what is read ahead: the least hyper allows. No path reads a body.
const READ_BYTES: usize = 8192;

/// Header lines of a request.
const HEADERS: usize = 64;

/// After an error of `accept` that is not the client's, such as too many open files: gives others time to close some.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Answers on `listener` until `stop` is done; then takes no new connection, lets the answers under way end, for at most 3 s,
/// and returns.
pub async fn serve(listener: TcpListener, house: Arc<House>, stop: impl Future<Output = ()>) {
    serve_within(Limits::HOUSE, listener, house, stop).await;
}

/// [`serve`] within limits of one's own.
pub(super) async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    house: Arc<House>,
    stop: impl Future<Output = ()>,
) {
    let router = routes::router(house);
    let seats = Arc::new(Semaphore::new(limits.connections));
    let (closing, closes) = watch::channel(false);
    let mut open = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let admitted = async { (Arc::clone(&seats).acquire_owned().await, listener.accept().await) };
        let (seat, accepted) = tokio::select! {
            () = &mut stop => break,
            admitted = admitted => admitted,
        };
        while open.try_join_next().is_some() {}
        match (seat, accepted) {
            (Ok(seat), Ok((stream, _))) => {
                let (router, closes) = (router.clone(), closes.clone());
                open.spawn(async move {
                    converse(limits, stream, router, closes).await;
                    drop(seat);
                });
            }
            (Ok(_), Err(error)) if is_the_clients(&error) => {}
            (Ok(_), Err(error)) => {
                tracing::warn!("listen.admin: a connection could not be accepted: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
            // The seats are closed by nobody.
            (Err(_), _) => break,
        }
    }
    drop(listener);
    let _ = closing.send(true);
    let ended = async { while open.join_next().await.is_some() {} };
    if timeout(limits.grace, ended).await.is_err() {
        open.shutdown().await;
    }
}

/// One connection from its first request to its end.
async fn converse(limits: Limits, stream: TcpStream, router: Router, mut closes: watch::Receiver<bool>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(READ_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    tokio::select! {
        // How a client leaves is its own affair: a reset or a malformed request ends its connection and nothing else.
        _ = connection.as_mut() => return,
        () = sleep(limits.life) => {}
        _ = closes.wait_for(|closing| *closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.grace, connection).await;
}

/// Whether an error of `accept` is of the one connection, so that the next can be taken at once.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
