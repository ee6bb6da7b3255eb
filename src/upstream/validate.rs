//! Validation of answers by their signatures (RFC 4035), through hickory, over a pool.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_net::NetError;
use hickory_net::dnssec::DnssecDnsHandle;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::xfer::{DnsHandle, DnsResponseStream, FirstAnswer};
use hickory_net::{DnsError, xfer};
use hickory_proto::dnssec::{Proof, TrustAnchors};
use hickory_proto::op::{DnsRequest, DnsRequestOptions, Message};
use hickory_proto::rr::{Name as HickoryName, RData, RecordType};
use tokio::time::{Instant, timeout_at};

use crate::dns::{Question, convert};

use super::failure::{Blame, Failure};
use super::pool::Pool;

/// Asks a pool and believes only what validates.
pub(super) struct Validator {
    handle: DnssecDnsHandle<PoolHandle>,
}

/// A validated answer: its message, whether it is secure, and who gave it.
pub(super) struct Validated {
    pub(super) message: Message,
    pub(super) secure: bool,
    pub(super) upstream: Option<Arc<str>>,
}

impl Validator {
    pub(super) fn new(pool: Arc<Pool>, timeout: Duration, anchors: Arc<TrustAnchors>) -> Validator {
        Validator { handle: DnssecDnsHandle::with_trust_anchor(PoolHandle { pool, timeout }, anchors) }
    }

    /// The answer, or [`Blame::Bogus`] when its signatures, or their absence, do not hold.
    pub(super) async fn ask(&self, question: &Question, deadline: Instant) -> Result<Validated, Failure> {
        let trace = Arc::new(Trace::of(*question));
        let asking = TRACE.scope(trace.clone(), async {
            let mut options = DnsRequestOptions::default();
            options.edns_set_dnssec_ok = true;
            let request = DnsRequest::from_query(convert::to_query(question), options);
            self.handle.send(request).first_answer().await
        });
        let result = timeout_at(deadline, asking).await.unwrap_or(Err(NetError::Timeout));
        let upstream = trace.upstream();
        let message = match result {
            Ok(response) => response.into_message(),
            Err(NetError::Dns(DnsError::Nsec { response, proof: Proof::Insecure, .. })) => response.into_message(),
            Err(error) => return Err(trace.failure().unwrap_or_else(|| Failure { blame: blame(&error), upstream })),
        };
        let proofs =
            || message.answers.iter().chain(&message.authorities).filter(|r| r.record_type() != RecordType::RRSIG);
        if let Some(record) = proofs().find(|record| matches!(record.proof, Proof::Bogus | Proof::Indeterminate)) {
            let blame = match trace.failure() {
                Some(failure) => return Err(failure),
                None if record.proof == Proof::Bogus => Blame::Bogus(bogus_text(record.record_type())),
                None => Blame::Bogus("no chain of trust could be built".to_owned()),
            };
            return Err(Failure { blame, upstream });
        }
        let secure = proofs().next().is_some() && proofs().all(|record| record.proof == Proof::Secure);
        Ok(Validated { message: in_order(message, question), secure, upstream })
    }
}

fn blame(error: &NetError) -> Blame {
    match error {
        NetError::Timeout => Blame::Timeout,
        NetError::Dns(DnsError::Nsec { .. }) => Blame::Bogus("the denial of existence is not proven".to_owned()),
        NetError::Dns(DnsError::DnssecBogus) => Blame::Bogus("the signatures do not hold".to_owned()),
        NetError::ForeignClassRecord { .. } | NetError::Proto(_) => Blame::Malformed(error.to_string()),
        _ => Blame::Unreachable(error.to_string()),
    }
}

fn bogus_text(rtype: RecordType) -> String {
    format!("the signature of the {rtype} records does not hold")
}

/// hickory gives record sets back in any order; an answer has its chain of aliases in the order it is followed (RFC 1034
/// section 4.3.2).
fn in_order(mut message: Message, question: &Question) -> Message {
    let mut chain: Vec<HickoryName> = vec![convert::to_hickory(&question.name)];
    while let Some(target) = message.answers.iter().find_map(|record| match &record.data {
        RData::CNAME(target) if Some(&record.name) == chain.last() => Some(target.0.clone()),
        _ => None,
    }) {
        if chain.contains(&target) {
            break;
        }
        chain.push(target);
    }
    message.answers.sort_by_key(|record| {
        let place = chain.iter().position(|name| *name == record.name).unwrap_or(chain.len());
        (place, record.record_type() == RecordType::RRSIG)
    });
    message
}

tokio::task_local! {
    /// What happened below the validation of one question: hickory carries neither the server nor the failure through.
    static TRACE: Arc<Trace>;
}

struct Trace {
    question: Question,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    upstream: Option<Arc<str>>,
    failure: Option<Failure>,
}

impl Trace {
    fn of(question: Question) -> Trace {
        Trace { question, seen: Mutex::new(Seen::default()) }
    }

    fn upstream(&self) -> Option<Arc<str>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).upstream.clone()
    }

    fn failure(&self) -> Option<Failure> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).failure.clone()
    }
}

/// A pool as hickory's validator wants it.
#[derive(Clone)]
struct PoolHandle {
    pool: Arc<Pool>,
    timeout: Duration,
}

impl DnsHandle for PoolHandle {
    type Response = DnsResponseStream;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> xfer::DnsResponseStream {
        let pool = self.pool.clone();
        let deadline = Instant::now() + self.timeout;
        DnsResponseStream::from(Box::pin(async move {
            let query = request.queries.first().ok_or(NetError::Message("no question"))?;
            let question = Question {
                name: convert::from_hickory(&query.name).ok_or(NetError::Message("no name"))?,
                qtype: query.query_type.into(),
                qclass: query.query_class.into(),
                dnssec_ok: true,
                // We validate: an upstream that does too need not hide from us what it thinks bogus (RFC 6840 section 5.9).
                checking_disabled: true,
            };
            let result = pool.ask(&question, deadline).await;
            let _ = TRACE.try_with(|trace| {
                let mut seen = trace.seen.lock().unwrap_or_else(PoisonError::into_inner);
                match &result {
                    Ok((_, server)) if same_question(&trace.question, &question) => {
                        seen.upstream = Some(server.text.clone())
                    }
                    Ok(_) => {}
                    Err(failure) => seen.failure = Some(failure.clone()),
                }
            });
            match result {
                Ok((response, _)) => Ok(response),
                Err(Failure { blame: Blame::Timeout, .. }) => Err(NetError::Timeout),
                Err(failure) => Err(NetError::Msg(failure.ede().1)),
            }
        }))
    }
}

fn same_question(a: &Question, b: &Question) -> bool {
    (a.name, a.qtype, a.qclass) == (b.name, b.qtype, b.qclass)
}
