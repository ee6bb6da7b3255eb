//! The way of nearly every question: one server in working order, over UDP, a plain answer. No task, no timer of its own.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::exchange::{Asked, Silence};
use super::link::{Heard, Tell};
use super::pool::{Begun, Outlook, Pool, Simple};
use super::server::Server;
use super::wire::{self, Plain};
use super::{Fetched, OnItsWay, spawn};

/// A question on the quick way. What it cannot end it hands to a task, with all that is known.
pub(super) struct Quick {
    flight: OnItsWay,
    server: Arc<Server>,
    pool: Arc<Pool>,
    outlook: Option<Outlook>,
    since: Instant,
    patience: Option<Instant>,
    deadline: Instant,
    runtime: Handle,
}

impl Quick {
    /// Begins a question; as a task, where it cannot go this way.
    pub(super) fn begin(flight: OnItsWay, pool: &Arc<Pool>, deadline: Instant, runtime: &Handle) {
        let (since, question) = (Instant::now(), flight.key().1);
        let Some(Simple { server, srtt, patience, outlook }) = pool.simple(since, deadline) else {
            return spawn(flight, pool.clone(), deadline, None, runtime);
        };
        let (pool, runtime, asked) = (pool.clone(), runtime.clone(), server.clone());
        let quick = Box::new(Quick { flight, server, pool, outlook, since, patience, deadline, runtime });
        asked.begin(&question, srtt, patience, deadline, since, quick);
    }

    /// Goes on as a task, which asks the next server at `until`.
    fn go_on_as_task(self, heard: Heard, until: Instant) {
        let Quick { flight, pool, outlook, since, deadline, runtime, .. } = self;
        spawn(flight, pool, deadline, Some(Begun { outlook, since, heard, until }), &runtime);
    }
}

impl Asked for Quick {
    fn ended(self: Box<Self>, end: Result<&[u8], Silence>) {
        let (_, question) = self.flight.key();
        if let Ok(octets) = end
            && let Some(plain) = wire::plain(octets, question)
        {
            let Plain { wire, rcode, authentic } = plain;
            self.server.answered(self.since, rcode);
            let authentic = !question.checking_disabled && self.server.vouches(authentic);
            let upstream = self.server.text.clone();
            return self.flight.land(Ok(Fetched { wire, rcode, authentic, upstream, ede: None }));
        }
        let (tell, heard) = oneshot::channel();
        let _ = tell.send(end.map(<[u8]>::to_vec));
        let until = self.patience.unwrap_or(self.deadline);
        self.go_on_as_task(heard, until);
    }

    fn impatient(self: Box<Self>) -> Option<Box<dyn Asked>> {
        let (tell, heard) = oneshot::channel();
        self.go_on_as_task(heard, Instant::now());
        Some(Box::new(Tell(tell)))
    }

    fn is_wanted(&self) -> bool {
        self.flight.is_wanted()
    }
}
