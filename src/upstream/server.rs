//! One upstream server: how it is spoken to, and the book kept on it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_net::NetError;
use hickory_proto::op::{DnsResponse, ResponseCode};
use tokio::time::{Instant, timeout_at};

use crate::config::checked::Protocol;
use crate::dns::{Question, convert};

use super::exchange::Asked;
use super::failure::Blame;
use super::health::{Health, ServerHealth};
use super::link::{Heard, Link, Refusal};
use super::plan::Standing;

/// Extended errors that say: the signatures, or their absence, do not hold. Bogus, expired, not yet valid, and what is missing
/// for a chain of trust (RFC 8914 section 4.7 to 4.13).
const SIGNATURES: std::ops::RangeInclusive<u16> = 6..=12;

/// One upstream server. Two pools that name the same one share it, and a reload keeps it with its connections and figures.
pub(super) struct Server {
    /// Its name in metrics and in the log.
    pub(super) text: Arc<str>,
    health: Health,
    link: Link,
    /// Whether nobody between it and us can set AD: its answers come from this host or over TLS (RFC 6840 section 5.8 and 5.9).
    trusted_path: bool,
}

impl Server {
    pub(super) fn new(text: &str, protocol: Protocol, address: SocketAddr, link: Link) -> Server {
        let trusted_path =
            matches!(protocol, Protocol::Tls | Protocol::Https) || address.ip().to_canonical().is_loopback();
        Server { text: text.into(), health: Health::new(), link, trusted_path }
    }

    /// Asks, with retries and the way over TCP, until `deadline`. NOERROR, NXDOMAIN and YXDOMAIN are answers; the rest is blamed.
    pub(super) async fn ask(&self, question: &Question, deadline: Instant) -> Result<DnsResponse, Blame> {
        let since = Instant::now();
        self.health.asked(since);
        self.go_on(question, deadline, since, None).await
    }

    /// The same for what is on its way over UDP already, since `since`.
    pub(super) async fn go_on(
        &self,
        question: &Question,
        deadline: Instant,
        since: Instant,
        begun: Option<Heard>,
    ) -> Result<DnsResponse, Blame> {
        let result = match timeout_at(deadline, self.exchange(question, deadline, begun)).await {
            Ok(result) => result,
            Err(_) => Err(Blame::Timeout),
        };
        let now = Instant::now();
        match result {
            Ok(response) => {
                self.health.answered(since, now, response.response_code.into());
                judged(response)
            }
            Err(blame) => {
                self.health.failed(since, now, &blame);
                Err(blame)
            }
        }
    }

    /// One answer of whatever response code. A server that does not know EDNS says FORMERR or NOTIMP and leaves OPT out; it is
    /// asked again without (RFC 6891 section 7).
    async fn exchange(
        &self,
        question: &Question,
        deadline: Instant,
        begun: Option<Heard>,
    ) -> Result<DnsResponse, Blame> {
        let srtt = self.health.standing(Instant::now()).srtt;
        let response = self.link.exchange(question, true, srtt, deadline, begun).await.map_err(blame)?;
        let knows_no_edns =
            response.edns.is_none() && matches!(response.response_code, ResponseCode::FormErr | ResponseCode::NotImp);
        let response = match knows_no_edns {
            true => self.link.exchange(question, false, srtt, deadline, None).await.map_err(blame)?,
            false => response,
        };
        // An error may come without the question (RFC 1035 section 7.3 leaves it open); an answer may not.
        let bare_error = response.queries.is_empty()
            && !matches!(response.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
        match convert::check(&response, question) {
            Err(_) if bare_error => Ok(response),
            Err(error) => Err(Blame::Malformed(error.to_string())),
            Ok(()) => Ok(response),
        }
    }

    /// Whether the server is asked over UDP first.
    pub(super) fn is_udp(&self) -> bool {
        self.link.is_udp()
    }

    /// Puts a question on its way over UDP, and nothing else: what comes of it, for better or worse, is told to `asked`, who enters it
    /// into the book by [`Server::answered`] or [`Server::go_on`].
    pub(super) fn begin(
        &self,
        question: &Question,
        srtt: Option<Duration>,
        patience: Option<Instant>,
        deadline: Instant,
        since: Instant,
        asked: Box<dyn Asked>,
    ) {
        self.health.asked(since);
        self.link.send(question, true, srtt, patience, deadline, asked);
    }

    /// The server answered with `rcode` what it was asked at `since`.
    pub(super) fn answered(&self, since: Instant, rcode: u16) {
        self.health.answered(since, Instant::now(), rcode);
    }

    /// Whether AD in an answer is to be believed.
    pub(super) fn vouches(&self, authentic: bool) -> bool {
        self.trusted_path && authentic
    }

    /// Whether it is known to be down.
    pub(super) fn is_down(&self) -> bool {
        self.health.is_down()
    }

    pub(super) fn standing(&self, now: Instant) -> Standing {
        self.health.standing(now)
    }

    pub(super) fn figures(&self) -> ServerHealth {
        ServerHealth { ignored: self.link.ignored(), ..self.health.figures(self.text.clone()) }
    }
}

/// An answer, or what its response code blames.
fn judged(response: DnsResponse) -> Result<DnsResponse, Blame> {
    let ede = || convert::ede(response.edns.as_ref());
    match response.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain | ResponseCode::YXDomain => Ok(response),
        ResponseCode::ServFail => Err(match ede() {
            Some(ede) if SIGNATURES.contains(&ede.0) => Blame::Bogus(ede),
            ede => Blame::ServFail(ede),
        }),
        ResponseCode::Refused => Err(Blame::Refused(ede())),
        other => Err(Blame::Rcode(other.into(), ede())),
    }
}

fn blame(refusal: Refusal) -> Blame {
    match refusal {
        Refusal::Net(NetError::Timeout) => Blame::Timeout,
        Refusal::Net(NetError::Proto(error)) => Blame::Malformed(error.to_string()),
        Refusal::Net(error) => Blame::Unreachable(error.to_string()),
        Refusal::Truncated => Blame::Malformed("is truncated although it came over a stream".to_owned()),
    }
}
