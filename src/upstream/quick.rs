//! The way of nearly every question: one server in working order, over UDP, a plain answer. No task, no timer of its own.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::dns::Question;

use super::exchange::{Asked, Silence};
use super::link::{Heard, Tell};
use super::pool::{Begun, Outlook, Pool};
use super::server::Server;
use super::{Fetched, OnItsWay, spawn, wire};

/// A question on the quick way. What it cannot end it hands to a task, with all that is known.
pub(super) struct Quick {
    flight: OnItsWay,
    question: Question,
    server: Arc<Server>,
    pool: Arc<Pool>,
    outlook: Outlook,
    since: Instant,
    patience: Option<Instant>,
    deadline: Instant,
    runtime: Handle,
}

impl Quick {
    /// Begins a question, or gives it back where it cannot go this way.
    pub(super) fn begin(
        flight: OnItsWay,
        pool: &Arc<Pool>,
        question: &Question,
        deadline: Instant,
        runtime: &Handle,
    ) -> Result<(), OnItsWay> {
        let since = Instant::now();
        let outlook = pool.outlook(since);
        let Some((server, patience)) = pool.simple(&outlook, since, deadline) else { return Err(flight) };
        let quick = Box::new(Quick {
            flight,
            question: *question,
            server: server.clone(),
            pool: pool.clone(),
            outlook,
            since,
            patience,
            deadline,
            runtime: runtime.clone(),
        });
        server.begin(question, patience, deadline, since, quick);
        Ok(())
    }

    /// Goes on as a task, which asks the next server at `until`.
    fn as_task(self, heard: Heard, until: Instant) {
        let Quick { flight, question, pool, outlook, since, deadline, runtime, .. } = self;
        spawn(flight, pool, question, deadline, Some(Begun { outlook, since, heard, until }), &runtime);
    }
}

impl Asked for Quick {
    fn ended(self: Box<Self>, end: Result<&[u8], Silence>) {
        if let Ok(octets) = end
            && let Some(plain) = wire::plain(octets, &self.question)
        {
            let Quick { flight, question, server, since, .. } = *self;
            server.answered(since, plain.rcode);
            let authentic = !question.checking_disabled && server.vouches(plain.authentic);
            let (rcode, upstream) = (plain.rcode, server.text.clone());
            return flight.land(Ok(Fetched { wire: plain.wire, rcode, authentic, upstream, ede: None }));
        }
        let (tell, heard) = oneshot::channel();
        let _ = tell.send(end.map(<[u8]>::to_vec));
        let until = self.patience.unwrap_or(self.deadline);
        self.as_task(heard, until);
    }

    fn impatient(self: Box<Self>) -> Option<Box<dyn Asked>> {
        let (tell, heard) = oneshot::channel();
        let now = Instant::now();
        self.as_task(heard, now);
        Some(Box::new(Tell(tell)))
    }

    fn is_wanted(&self) -> bool {
        self.flight.is_wanted()
    }
}
