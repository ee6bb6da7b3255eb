//! Servers that stand in for each other: the best is asked first, the next when it is slow or fails.

use std::collections::VecDeque;
use std::sync::Arc;

use hickory_proto::op::DnsResponse;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::dns::Question;

use super::failure::{Blame, Failure};
use super::plan::{patience, plan};
use super::server::Server;

/// Servers that stand in for each other.
pub(super) struct Pool {
    servers: Vec<Arc<Server>>,
}

impl Pool {
    pub(super) fn new(servers: Vec<Arc<Server>>) -> Pool {
        Pool { servers }
    }

    /// The first answer, and who gave it, before `deadline`. A server that is overtaken is not cut off: its own end, late or
    /// never, goes into its book, so that a dead server is found out even while another answers for it.
    pub(super) async fn ask(
        &self,
        question: &Question,
        deadline: Instant,
    ) -> Result<(DnsResponse, Arc<Server>), Failure> {
        let now = Instant::now();
        let standings: Vec<_> = self.servers.iter().map(|server| server.standing(now)).collect();
        let plan = plan(&standings);
        let (report, mut reports) = mpsc::channel(self.servers.len().max(1));
        let send_to = |i: usize| {
            let (server, question, report) = (self.servers[i].clone(), *question, report.clone());
            tokio::spawn(async move {
                let result = server.ask(&question, deadline).await;
                // Nobody listens any more when another server was faster.
                let _ = report.send((server, result)).await;
            });
        };
        let mut worst = Failure { blame: Blame::NoServers, upstream: None };
        let mut waiting: VecDeque<usize> = plan.order.into_iter().filter(|i| Some(*i) != plan.probe).collect();
        let mut on_their_way = 0usize;
        if let Some(probe) = plan.probe {
            on_their_way += 1;
            send_to(probe);
        }
        loop {
            let mut until = deadline;
            if let Some(i) = waiting.pop_front() {
                let now = Instant::now();
                until = now + patience(&standings[i], deadline.saturating_duration_since(now), waiting.len());
                on_their_way += 1;
                send_to(i);
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
                        worst = Failure { blame, upstream: Some(server.text.clone()) };
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
