//! Answers past their time that are given at once, since every upstream is known to be down, and fetched anew behind the back of whoever gets
//! them (RFC 8767 section 5): nobody waits for an outage to be found out once more, and the first server that is back is noticed.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::cache::{Bits, Found, Kept};
use crate::dns::Question;
use crate::engine::{Engine, Snapshot, pipeline};
use crate::moment::Moment;
use crate::upstream::{Answered, Asker};

/// A question on its way up for the cache alone.
struct Refresh {
    engine: Arc<Engine>,
    routes: u64,
    question: Question,
}

/// The stale answer to a question of which every upstream is known to be down; one of them is asked all the same. It leaves with
/// [`crate::upstream::Upstreams::set_off`].
pub fn stale_at_once(
    engine: &Arc<Engine>,
    snapshot: &Snapshot,
    question: &Question,
    at: Moment,
    runtime: &Handle,
) -> Option<Arc<Kept>> {
    let route = snapshot.upstreams.route(&question.name);
    if !snapshot.upstreams.is_down(route) {
        return None;
    }
    let Question { name, qtype, dnssec_ok, checking_disabled, .. } = question;
    let (dnssec_ok, checking_disabled) = (*dnssec_ok, *checking_disabled);
    let key = engine.cache.key(name, *qtype, Bits { dnssec_ok, checking_disabled });
    let Found::Stale(kept) = engine.cache.find(&key, at, snapshot.routes) else { return None };
    let refresh = Refresh { engine: Arc::clone(engine), routes: snapshot.routes, question: *question };
    snapshot.upstreams.refresh(route, question, Box::new(refresh), runtime);
    Some(kept)
}

impl Asker<Answered> for Refresh {
    fn told(self: Box<Self>, answered: Option<Answered>) {
        let Refresh { engine, routes, question } = *self;
        let Question { name, qtype, dnssec_ok, checking_disabled, .. } = question;
        if let Some(Ok(fetched)) = answered {
            let key = engine.cache.key(&name, qtype, Bits { dnssec_ok, checking_disabled });
            // What cannot be kept leaves the stale answer where it is.
            let _ = pipeline::keep(&engine, routes, &key, fetched);
        }
    }

    fn is_wanted(&self) -> bool {
        true
    }
}
