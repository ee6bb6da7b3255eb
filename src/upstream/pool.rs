//! Servers that stand in for each other: the best is asked first, the next when it is slow or fails.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::DnsResponse;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::dns::Question;

use super::failed::Failed;
use super::failure::{Blame, Failure};
use super::link::Heard;
use super::plan::{Plan, Standing, is_down, patience, plan};
use super::server::Server;

/// Servers that stand in for each other.
pub(super) struct Pool {
    servers: Vec<Arc<Server>>,
    /// What none of them answered lately.
    pub(super) failed: Failed,
}

/// What was known of the servers when a question arrived, and in which order they are asked.
pub(super) struct Outlook {
    standings: Vec<Standing>,
    plan: Plan,
}

/// How a question begins that is put to one server and waited for.
pub(super) struct Simple {
    pub(super) server: Arc<Server>,
    /// The server's smoothed round-trip time.
    pub(super) srtt: Option<Duration>,
    /// When the next server is asked as well; none where there is no other.
    pub(super) patience: Option<Instant>,
    /// By what that was decided; none where there is nothing to decide.
    pub(super) outlook: Option<Outlook>,
}

/// A question that is on its way over UDP to the first server of the order.
pub(super) struct Begun {
    pub(super) outlook: Option<Outlook>,
    /// Since when.
    pub(super) since: Instant,
    /// What comes of it.
    pub(super) heard: Heard,
    /// When the next server is asked as well.
    pub(super) until: Instant,
}

impl Pool {
    pub(super) fn new(servers: Vec<Arc<Server>>) -> Pool {
        Pool { servers, failed: Failed::new() }
    }

    /// Whether every server is known to be down.
    pub(super) fn is_down(&self) -> bool {
        self.servers.iter().all(|server| server.is_down())
    }

    fn outlook(&self, now: Instant) -> Outlook {
        let standings: Vec<_> = self.servers.iter().map(|server| server.standing(now)).collect();
        Outlook { plan: plan(&standings), standings }
    }

    /// How a question begins that can begin over UDP with nothing else to be done: the best server is in working order, and none is to be
    /// tried on the side.
    pub(super) fn simple(&self, now: Instant, deadline: Instant) -> Option<Simple> {
        if let [server] = &*self.servers {
            let Standing { srtt, failures, rests, .. } = server.standing(now);
            let well = server.is_udp() && rests.is_none() && !is_down(failures);
            return well.then(|| Simple { server: server.clone(), srtt, patience: None, outlook: None });
        }
        let outlook = self.outlook(now);
        let Outlook { standings, plan } = &outlook;
        let first = *plan.order.first()?;
        let (server, standing) = (self.servers.get(first)?, standings.get(first)?);
        let well = server.is_udp() && plan.probe.is_none() && standing.rests.is_none() && !is_down(standing.failures);
        let left = deadline.saturating_duration_since(now);
        let patience = now + patience(standing, left, plan.order.len() - 1);
        let (server, srtt) = (server.clone(), standing.srtt);
        well.then_some(Simple { server, srtt, patience: Some(patience), outlook: Some(outlook) })
    }

    /// The first answer, and who gave it, before `deadline`. A server that is overtaken is not cut off: its own end, late or
    /// never, goes into its book, so that a dead server is found out even while another answers for it.
    pub(super) async fn ask(
        &self,
        question: &Question,
        deadline: Instant,
        begun: Option<Begun>,
    ) -> Result<(DnsResponse, Arc<Server>), Failure> {
        let (report, mut reports) = mpsc::channel(self.servers.len().max(1));
        let send_to = |server: &Arc<Server>, begun: Option<(Instant, Heard)>| {
            let (server, question, report) = (server.clone(), *question, report.clone());
            tokio::spawn(async move {
                let result = match begun {
                    Some((since, heard)) => server.go_on(&question, deadline, since, Some(heard)).await,
                    None => server.ask(&question, deadline).await,
                };
                // Nobody listens any more when another server was faster.
                let _ = report.send((server, result)).await;
            });
        };
        let mut worst = Failure { blame: Blame::NoServers, upstream: None };
        let (outlook, begun) = match begun {
            Some(Begun { outlook, since, heard, until }) => (outlook, Some((since, heard, until))),
            None => (None, None),
        };
        let Outlook { standings, plan } = outlook.unwrap_or_else(|| self.outlook(Instant::now()));
        let mut waiting: VecDeque<usize> = plan.order.into_iter().filter(|i| Some(*i) != plan.probe).collect();
        let mut on_their_way = 0usize;
        if let Some(probe) = plan.probe.and_then(|probe| self.servers.get(probe)) {
            on_their_way += 1;
            send_to(probe, None);
        }
        let mut patience_left = None;
        if let Some((since, heard, until)) = begun
            && let Some(first) = waiting.pop_front().and_then(|first| self.servers.get(first))
        {
            on_their_way += 1;
            patience_left = Some(if waiting.is_empty() { deadline } else { until });
            send_to(first, Some((since, heard)));
        }
        loop {
            let mut until = deadline;
            if let Some(left) = patience_left.take() {
                until = left;
            } else if let Some(i) = waiting.pop_front() {
                let now = Instant::now();
                until = now + patience(&standings[i], deadline.saturating_duration_since(now), waiting.len());
                on_their_way += 1;
                send_to(&self.servers[i], None);
            } else if on_their_way == 0 {
                return Err(worst);
            }
            match timeout_at(until, reports.recv()).await {
                Ok(Some((server, Ok(response)))) => return Ok((response, server)),
                Ok(Some((server, Err(blame @ Blame::Bogus(_))))) => {
                    return Err(Failure { blame, upstream: Some(server.text.clone()) });
                }
                Ok(Some((server, Err(blame)))) => {
                    on_their_way -= 1;
                    if blame > worst.blame {
                        // Whichever hears first that the time is over: silence is nobody's word.
                        let upstream = (blame != Blame::Timeout).then(|| server.text.clone());
                        worst = Failure { blame, upstream };
                    }
                }
                Ok(None) => return Err(worst),
                Err(_) if !waiting.is_empty() => {}
                Err(_) => {
                    let silent = Failure { blame: Blame::Timeout, upstream: None };
                    return Err(if worst.blame > silent.blame { worst } else { silent });
                }
            }
        }
    }
}
