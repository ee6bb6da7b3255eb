//! One query on its way. Closing its ticket is the only way to answer, and makes the record.

use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Instant;

use crate::dns::Name;
use crate::engine::Snapshot;
use crate::engine::desk::At;
use crate::engine::gate::Place;
use crate::engine::outcome::{Made, Said, spoken};
use crate::engine::text::ShortText;
use crate::moment::Moment;
use crate::record::Record;
use crate::subject::Subject;
use crate::verdict::{Action, Source, Transport, Verdict};

/// What a ticket knows from the start.
pub struct Open<'q> {
    /// When the query arrived.
    pub at: Moment,
    /// The same, on the steady clock, for the duration.
    pub since: Instant,
    /// Who sent it.
    pub client: SocketAddr,
    /// How it came.
    pub transport: Transport,
    /// For whom.
    pub subject: Subject,
    /// Network zone and policy.
    pub place: Place,
    /// The name asked for, where there is a readable question.
    pub qname: Option<Asked<'q>>,
    /// The type asked for; 0 without a question.
    pub qtype: u16,
    /// What was decided.
    pub verdict: Verdict,
    /// The first moment at which it may be decided otherwise: no answer lives longer.
    pub until: Moment,
}

/// The name asked for: seen in the packet while a worker has it, kept when the ticket is handed over.
pub enum Asked<'q> {
    /// Seen by the worker.
    Seen(&'q Name),
    /// Kept.
    Kept(Box<Name>),
}

impl Deref for Asked<'_> {
    type Target = Name;

    #[inline]
    fn deref(&self) -> &Name {
        match self {
            Asked::Seen(name) => name,
            Asked::Kept(name) => name,
        }
    }
}

impl Open<'_> {
    fn kept(self) -> Open<'static> {
        let qname = self.qname.map(|name| {
            Asked::Kept(match name {
                Asked::Seen(name) => Box::new(*name),
                Asked::Kept(name) => name,
            })
        });
        Open { qname, ..self }
    }
}

/// One query on its way. A ticket that is dropped unclosed (a panic, a cancelled task, a stop) still leaves its record (Q1).
pub struct Ticket<'q, S: Deref<Target = Snapshot>, D: At> {
    open: Option<Open<'q>>,
    snapshot: S,
    desk: D,
}

/// The proof that a ticket was closed: only with it do octets leave.
#[must_use = "what is closed is to be sent"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    octets: usize,
    recorded: bool,
}

impl Closed {
    /// How many octets of the buffer are to be sent; none for silence.
    pub fn octets(self) -> Option<usize> {
        (self.octets > 0).then_some(self.octets)
    }

    /// Whether the record is in the lane. Where it is not, `log.when_full` says what leaves.
    pub fn recorded(self) -> bool {
        self.recorded
    }
}

impl<'q, S: Deref<Target = Snapshot>, D: At> Ticket<'q, S, D> {
    /// Opens a ticket.
    #[inline]
    pub fn open(open: Open<'q>, snapshot: S, desk: D) -> Ticket<'q, S, D> {
        Ticket { open: Some(open), snapshot, desk }
    }

    /// What it knows. A ticket that exists is open: closing takes it away.
    #[inline]
    pub fn known(&self) -> &Open<'q> {
        match &self.open {
            Some(open) => open,
            None => unreachable!("a ticket is taken when it closes"),
        }
    }

    /// The snapshot it is decided by.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Gives the ticket's desk to `work`, to move counters.
    pub fn desk<R>(&mut self, work: impl FnOnce(&mut crate::engine::Desk) -> R) -> R {
        self.desk.desk(work)
    }

    /// Hands the open ticket over to another desk: nothing is decided twice.
    pub fn hand_over<T: Deref<Target = Snapshot>, E: At>(mut self, snapshot: T, desk: E) -> Ticket<'static, T, E> {
        Ticket { open: self.open.take().map(Open::kept), snapshot, desk }
    }

    /// Room 6, close: the record enters the lane, then the counters move; the caller may send what is closed.
    #[inline]
    pub fn close(mut self, made: Made<'_>) -> Closed {
        match self.open.take() {
            Some(open) => enter(&open, &self.snapshot, &mut self.desk, &made),
            None => Closed { octets: 0, recorded: false },
        }
    }
}

impl<S: Deref<Target = Snapshot>, D: At> Drop for Ticket<'_, S, D> {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let _ = enter(&open, &self.snapshot, &mut self.desk, &Made::lost());
        }
    }
}

fn enter<D: At>(open: &Open<'_>, snapshot: &Snapshot, desk: &mut D, made: &Made<'_>) -> Closed {
    let verdict = made.verdict.as_ref().map_or(&open.verdict, |(verdict, _)| verdict);
    let judged = made.verdict.as_ref().map(|(_, name)| name);
    let action = made.action.unwrap_or_else(|| verdict.action());
    let mut rule_text = ShortText::new();
    let (category, list, rule) = spoken(snapshot, verdict, judged, &mut rule_text);
    let (answer, upstream) = match &made.said {
        Said::Nothing => ("", None),
        Said::Text(text) => (text.as_str(), None),
        Said::Kept(kept) => (kept.ready.summary(), (made.source == Some(Source::Upstream)).then_some(&*kept.upstream)),
    };
    desk.desk(|desk| {
        let duration_us = u32::try_from(desk.clock().duration_since(open.since).as_micros()).unwrap_or(u32::MAX);
        let record = Record {
            time: open.at,
            client: open.client,
            transport: open.transport,
            network_zone: open.place.zone_name(snapshot.model()),
            generation: snapshot.generation,
            subject: &open.subject,
            qname: open.qname.as_deref(),
            qtype: open.qtype,
            action,
            category,
            list,
            rule,
            rcode: made.rcode,
            ede: made.ede,
            answer,
            source: made.source,
            upstream: upstream.or(made.upstream.as_deref()),
            duration_us,
        };
        let recorded = desk.lane.append(&record).is_ok();
        let counters = &mut desk.counters;
        if recorded {
            counters.record();
        } else {
            counters.lost(1);
        }
        let zone = snapshot.labels.zone(open.place.network_zone.map(usize::from));
        counters.query(zone, open.transport, action);
        if action == Action::Blocked {
            counters.blocked(zone, snapshot.labels.category(verdict.why().category));
        }
        if let Some(source) = made.source {
            counters.answered(source, duration_us);
        }
        match made.source {
            Some(Source::Cache) => counters.cache_hit(),
            Some(Source::Stale) => counters.stale_answer(),
            _ => {}
        }
        Closed { octets: made.octets, recorded }
    })
}
