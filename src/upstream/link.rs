//! The way to one server: questions over UDP by the exchange, or one kept stream that many questions share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hickory_net::NetError;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::tcp::TcpClientStream;
use hickory_net::xfer::{DnsExchange, DnsHandle, FirstAnswer};
use hickory_proto::op::{DnsRequest, DnsRequestOptions, DnsResponse};
use hickory_resolver::config::ConnectionConfig;
use hickory_resolver::{ConnectionProvider, PoolContext};
use tokio::sync::{Mutex, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::dns::{Question, convert};

use super::exchange::{Asked, Exchange, Sending, Silence, Target};
use super::wire::PAYLOAD;

/// A lost datagram is sent again after at least this.
const RETRY_FLOOR: Duration = Duration::from_millis(150);
/// And after at most this.
const RETRY_CEILING: Duration = Duration::from_secs(1);
/// Questions on one stream at a time.
pub(super) const ON_ONE_STREAM: usize = 4096;
/// Longest pause before a question tries again to enter a stream whose queue is full.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// Bound inside hickory; the deadline of the question is always sooner.
pub(super) const INNER_TIMEOUT: Duration = Duration::from_secs(30);

/// What comes of a question over UDP, once.
pub(super) type Heard = oneshot::Receiver<Result<Vec<u8>, Silence>>;

/// How the server is spoken to.
#[derive(Clone)]
pub(super) enum Way {
    /// UDP; TCP for what is truncated, garbled, or came back in another case.
    Udp,
    /// TCP only.
    Tcp,
    /// TLS or HTTPS, with what makes the connection.
    Secure(ConnectionConfig, Arc<PoolContext>),
}

/// Why no response came.
pub(super) enum Refusal {
    /// The network, TLS, HTTP or the message's form.
    Net(NetError),
    /// TC over a stream.
    Truncated,
}

/// The way to one server.
pub(super) struct Link {
    address: SocketAddr,
    way: Way,
    exchange: Arc<Exchange>,
    target: Arc<Target>,
    runtime: TokioRuntimeProvider,
    kept: Arc<Mutex<Kept>>,
}

/// How long a connection may take to be made. It is made for all who wait, so no single question's deadline ends it.
const CONNECT: Duration = Duration::from_secs(5);

/// What has become of a connection that is being made; nothing yet while it is.
type Made = watch::Receiver<Option<Result<Arc<Stream>, NetError>>>;

/// The stream that is kept.
enum Kept {
    /// There is none.
    Nothing,
    /// One is being made.
    InTheMaking(Made),
    /// This one.
    Stream(Arc<Stream>),
}

/// A stream that questions share.
struct Stream {
    exchange: DnsExchange<TokioRuntimeProvider>,
    answers: AtomicU64,
}

impl Link {
    pub(super) fn new(address: SocketAddr, way: Way, exchange: Arc<Exchange>) -> Link {
        let (target, kept) = (exchange.target(address), Arc::new(Mutex::new(Kept::Nothing)));
        Link { address, way, exchange, target, runtime: TokioRuntimeProvider::new(), kept }
    }

    /// Whether questions go over UDP first.
    pub(super) fn is_udp(&self) -> bool {
        matches!(self.way, Way::Udp)
    }

    /// Datagrams of the server that answered nothing that was asked.
    pub(super) fn ignored(&self) -> u64 {
        self.target.ignored()
    }

    /// One question, one response with whatever response code; never truncated. `begun` is the same question over UDP, on its way
    /// already.
    pub(super) async fn exchange(
        &self,
        question: &Question,
        edns: bool,
        srtt: Option<Duration>,
        deadline: Instant,
        begun: Option<Heard>,
    ) -> Result<DnsResponse, Refusal> {
        if self.is_udp() {
            let heard = begun.unwrap_or_else(|| {
                let (tell, heard) = oneshot::channel();
                self.send(question, edns, srtt, None, deadline, Box::new(Tell(tell)));
                self.exchange.set_off();
                heard
            });
            // A carrier that ends lets go of what is on its way.
            match response(heard.await.unwrap_or(Err(Silence::Timeout))) {
                Ok(response) if !response.truncation => return Ok(response),
                // Truncated, garbled or in another case than sent: the last two may be an attack, which TCP withstands.
                Ok(_) | Err(NetError::Proto(_) | NetError::QueryCaseMismatch) => {}
                Err(error) => return Err(Refusal::Net(error)),
            }
        }
        match self.stream(question, edns, deadline).await {
            Ok(response) if response.truncation => Err(Refusal::Truncated),
            Ok(response) => Ok(response),
            Err(error) => Err(Refusal::Net(error)),
        }
    }

    /// Puts a question on its way over UDP. It leaves at the latest when the exchange is set off.
    pub(super) fn send(
        &self,
        question: &Question,
        edns: bool,
        srtt: Option<Duration>,
        patience: Option<Instant>,
        deadline: Instant,
        asked: Box<dyn Asked>,
    ) {
        self.exchange.hand_over(Sending {
            to: self.target.clone(),
            question: *question,
            edns,
            retry: srtt.map_or(RETRY_FLOOR * 2, |srtt| srtt * 2).clamp(RETRY_FLOOR, RETRY_CEILING),
            patience: patience.map(Instant::into_std),
            deadline: deadline.into_std(),
            asked,
        });
    }

    /// Over the kept stream. One that fails, or that is silent for half the time left, may have been closed by the other side
    /// while idle: then the question goes out once more over a fresh one.
    async fn stream(&self, question: &Question, edns: bool, deadline: Instant) -> Result<DnsResponse, NetError> {
        let (stream, fresh) = self.connected().await?;
        if fresh {
            return self.over(&stream, question, edns, deadline).await;
        }
        let answers = stream.answers.load(Ordering::Relaxed);
        let now = Instant::now();
        let half = now + deadline.saturating_duration_since(now) / 2;
        let mut waiting = Box::pin(self.over(&stream, question, edns, deadline));
        match timeout_at(half, &mut waiting).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(_)) => {}
            Err(_) if stream.answers.load(Ordering::Relaxed) != answers => return waiting.await,
            Err(_) => self.forget(&stream).await,
        }
        drop(waiting);
        let (stream, _) = self.connected().await?;
        self.over(&stream, question, edns, deadline).await
    }

    async fn over(
        &self,
        stream: &Arc<Stream>,
        question: &Question,
        edns: bool,
        deadline: Instant,
    ) -> Result<DnsResponse, NetError> {
        let mut pause = Duration::from_millis(1);
        loop {
            let answer = stream.exchange.send(request(question, edns)).first_answer();
            match timeout_at(deadline, answer).await {
                Ok(Ok(response)) => {
                    stream.answers.fetch_add(1, Ordering::Relaxed);
                    return Ok(response);
                }
                Ok(Err(error)) if is_full(&error) && Instant::now() < deadline => {
                    sleep_until((Instant::now() + pause).min(deadline)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Ok(Err(error)) => {
                    self.forget(stream).await;
                    return Err(error);
                }
                Err(_) => return Err(NetError::Timeout),
            }
        }
    }

    /// The kept stream, or a new one, and whether it is new. One connection is made for all who come meanwhile; everybody waits for it by
    /// a deadline of their own, and who gives up does not end it.
    async fn connected(&self) -> Result<(Arc<Stream>, bool), NetError> {
        let mut made = {
            let mut kept = self.kept.lock().await;
            match &*kept {
                Kept::Stream(stream) => return Ok((stream.clone(), false)),
                Kept::InTheMaking(made) => made.clone(),
                Kept::Nothing => {
                    let (tell, made) = watch::channel(None);
                    *kept = Kept::InTheMaking(made.clone());
                    let (address, way, runtime) = (self.address, self.way.clone(), self.runtime.clone());
                    let place = self.kept.clone();
                    tokio::spawn(async move {
                        let result = timeout(CONNECT, connect(address, way, runtime)).await;
                        let result = result.unwrap_or(Err(NetError::Timeout));
                        *place.lock().await = match &result {
                            Ok(stream) => Kept::Stream(stream.clone()),
                            Err(_) => Kept::Nothing,
                        };
                        let _ = tell.send(Some(result));
                    });
                    made
                }
            }
        };
        match made.wait_for(Option::is_some).await.map(|result| result.clone()) {
            Ok(Some(result)) => result.map(|stream| (stream, true)),
            // The task was ended with its runtime.
            _ => Err(NetError::Timeout),
        }
    }

    async fn forget(&self, stream: &Arc<Stream>) {
        let mut kept = self.kept.lock().await;
        if matches!(&*kept, Kept::Stream(present) if Arc::ptr_eq(present, stream)) {
            *kept = Kept::Nothing;
        }
    }
}

/// Tells a task what comes of a question over UDP.
pub(super) struct Tell(pub(super) oneshot::Sender<Result<Vec<u8>, Silence>>);

impl Asked for Tell {
    fn ended(self: Box<Self>, end: Result<&[u8], Silence>) {
        // Nobody listens any more when another server was faster, and the time was up.
        let _ = self.0.send(end.map(<[u8]>::to_vec));
    }

    fn impatient(self: Box<Self>) -> Option<Box<dyn Asked>> {
        Some(self)
    }

    fn is_wanted(&self) -> bool {
        !self.0.is_closed()
    }
}

/// What came over UDP, read.
fn response(heard: Result<Vec<u8>, Silence>) -> Result<DnsResponse, NetError> {
    match heard {
        Ok(octets) => Ok(DnsResponse::from_buffer(octets)?),
        Err(Silence::Timeout) => Err(NetError::Timeout),
        Err(Silence::OtherCase) => Err(NetError::QueryCaseMismatch),
        Err(Silence::Unreachable(text)) => Err(NetError::Msg(text)),
    }
}

/// Makes a connection.
async fn connect(address: SocketAddr, way: Way, runtime: TokioRuntimeProvider) -> Result<Arc<Stream>, NetError> {
    let exchange = match &way {
        Way::Udp | Way::Tcp => {
            TcpClientStream::exchange(address, None, INNER_TIMEOUT, Some(ON_ONE_STREAM), runtime).await?
        }
        Way::Secure(config, context) => runtime.new_connection(address.ip(), config, context)?.await?,
    };
    Ok(Arc::new(Stream { exchange, answers: AtomicU64::new(0) }))
}

/// hickory queues 33 messages before a stream and refuses more until the socket has taken some. It has no error of its own for
/// that, only the words of its channel.
fn is_full(error: &NetError) -> bool {
    matches!(error, NetError::Msg(text) if text.ends_with("channel is full"))
}

/// The query as it goes up: RD, DO and CD as asked, AD to be told of validation (RFC 6840 section 5.7).
fn request(question: &Question, edns: bool) -> DnsRequest {
    let mut options = DnsRequestOptions::default();
    options.use_edns = edns;
    options.edns_payload_len = PAYLOAD;
    options.edns_set_dnssec_ok = question.dnssec_ok;
    options.recursion_desired = true;
    let mut request = DnsRequest::from_query(convert::to_query(question), options);
    request.metadata.checking_disabled = question.checking_disabled;
    request.metadata.authentic_data = true;
    request
}
