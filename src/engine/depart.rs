//! Queries that only have to be fetched: they leave for their upstream together, batch by batch, and each comes back by itself on the
//! thread that hears of its answer. No task, no future, no wake-up for any of them.

use std::cell::RefCell;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::dns::Question;
use crate::dns::view::{Look, Seen, look};
use crate::engine::fast::{self, Slow};
use crate::engine::fetch::Room;
use crate::engine::rooms::Goes;
use crate::engine::{Engine, pipeline, refresh};
use crate::upstream::{Answered, Asker, Upstreams};
use crate::verdict::{Source, Verdict};

/// The way back to the client.
pub trait Home: Send {
    /// Sends the octets; none: silence. Called once the record is in the lane (Q4), on a thread that must not wait.
    fn bring(self: Box<Self>, octets: Option<&[u8]>);

    /// Whether nobody waits any more, since the doors have closed.
    fn is_shut(&self) -> bool;
}

/// A query under way, with all that is needed to close it.
struct Departed {
    engine: Arc<Engine>,
    slow: Box<Slow>,
    home: Box<dyn Home>,
}

/// Whether a query can go this way: a name that is allowed and asked of an upstream, whose answer is the answer. What begins with an
/// alias of ours is followed, and a record that has to be on the disk first is waited for: the pipeline does both.
pub fn is_simple(engine: &Engine, slow: &Slow) -> bool {
    let allowed = matches!(slow.ticket.known().verdict, Verdict::Allow(_) | Verdict::Monitor(_) | Verdict::Grant(_));
    allowed && matches!(slow.goes, Goes::Upstream(_)) && !engine.sync_each
}

/// Begins a query's way to its upstream. It leaves with [`Upstreams::set_off`].
pub fn begin(engine: &Arc<Engine>, slow: Box<Slow>, home: Box<dyn Home>, runtime: &Handle) {
    let mut seen = Seen::EMPTY;
    let Look::Query(view) = look(&slow.packet, &mut seen) else { return home.bring(None) };
    let upstreams = Arc::clone(&slow.ticket.snapshot().upstreams);
    let question = Question {
        dnssec_ok: view.dnssec_ok(),
        checking_disabled: view.checking_disabled,
        ..Question::new(view.name, view.qtype)
    };
    let stale = {
        let (snapshot, at) = (slow.ticket.snapshot(), slow.ticket.known().at);
        refresh::stale_at_once(engine, snapshot, &question, at, runtime)
    };
    let departed = Box::new(Departed { engine: Arc::clone(engine), slow, home });
    if stale.is_some() {
        return departed.told(Some(Err(Upstreams::down())));
    }
    upstreams.begin(upstreams.route(&question.name), &question, departed, runtime);
}

thread_local! {
    /// Where a thread writes answers.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Asker<Answered> for Departed {
    /// Room 5 from where the answer is there, and room 6.
    fn told(self: Box<Self>, answered: Option<Answered>) {
        let Departed { engine, slow, home } = *self;
        let Slow { mut ticket, packet, standing, limit, seat: _seat, .. } = *slow;
        let mut seen = Seen::EMPTY;
        let Look::Query(view) = look(&packet, &mut seen) else { return home.bring(None) };
        let answered = answered.unwrap_or_else(|| Err(Upstreams::stopped()));
        BUFFER.with_borrow_mut(|out| {
            let made = {
                let (snapshot, open, now) = (ticket.snapshot(), ticket.known(), engine.clock.now());
                let room = Room { snapshot, standing: &standing, open, view: &view, limit, now };
                pipeline::told(&engine, &room, answered, out)
            };
            if made.source != Some(Source::Cache) {
                ticket.desk(|desk| desk.counters.cache_miss());
            }
            let octets = fast::close(&engine, ticket, made, &view, limit, out);
            home.bring(octets.and_then(|octets| out.get(..octets)));
        });
    }

    fn is_wanted(&self) -> bool {
        !self.home.is_shut()
    }
}
