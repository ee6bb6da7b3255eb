//! The fast way: rooms 1 to 4, and room 5 as far as nothing has to be waited for. It either finishes or hands the open ticket over.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use crate::config::checked::WhenFull;
use crate::dns::answer::{STREAM_LIMIT, Writer, udp_limit, write_error};
use crate::dns::ede::{self, Ede};
use crate::dns::types::rcode;
use crate::dns::view::{Fault, Look, View, Wrong};
use crate::engine::desk::{At, Desk, Desks};
use crate::engine::fetch::Room;
use crate::engine::front::Front;
use crate::engine::gate::Place;
use crate::engine::glanced::Glanced;
use crate::engine::outcome::Made;
use crate::engine::rooms::{self, Goes, Ruled};
use crate::engine::ticket::{Asked, Open, Ticket};
use crate::engine::waiting::Seat;
use crate::engine::{Engine, Snapshot, pipeline};
use crate::metrics::{Admission, Malformed};
use crate::moment::Moment;
use crate::policy::Standing;
use crate::policy::decide::Rules;
use crate::subject::Subject;
use crate::verdict::{Reason, RuleRef, Transport, Verdict, Why};

/// One packet as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Its octets.
    pub octets: &'a [u8],
    /// Who sent it.
    pub client: SocketAddr,
    /// How it came.
    pub transport: Transport,
    /// When it arrived.
    pub at: Moment,
    /// The same on the steady clock.
    pub since: Instant,
}

/// How far the fast way came.
pub enum Way {
    /// To the end: so many octets are to be sent, or none.
    Done(Option<usize>),
    /// It was not a query: nothing is sent and nothing recorded, only counted.
    NotAQuery,
    /// It has to be fetched.
    Slow(Box<Slow>),
}

/// An open ticket on its way through the slow part of room 5, with the question it is for.
pub struct Slow {
    /// The ticket, with subject and verdict.
    pub ticket: Ticket<'static, Arc<Snapshot>, Arc<Desks>>,
    /// The packet, to be looked at again when the answer is written.
    pub packet: Box<[u8]>,
    /// Where the question goes.
    pub goes: Goes,
    /// Which schedules were in force when it arrived.
    pub standing: Standing,
    /// Most octets the client takes.
    pub limit: usize,
    /// Its place among the queries that wait.
    pub seat: Seat,
}

/// As [`answer`], for a packet that comes alone: it is glanced at now, and no answers are at hand.
pub fn answer_alone(
    engine: &Engine,
    snapshot: &Arc<Snapshot>,
    desk: &mut Desk,
    packet: Packet<'_>,
    out: &mut [u8],
) -> Way {
    let (mut glanced, mut front) = (Glanced::NOTHING, Front::new(0));
    glanced.look(engine, snapshot, &front, packet.octets);
    answer(engine, snapshot, desk, &mut front, &glanced, packet, out)
}

/// Takes a packet that was glanced at under this snapshot as far as it can go without waiting. The answer stands at the front of `out`.
pub fn answer(
    engine: &Engine,
    snapshot: &Arc<Snapshot>,
    desk: &mut Desk,
    front: &mut Front,
    glanced: &Glanced,
    packet: Packet<'_>,
    out: &mut [u8],
) -> Way {
    // 1 look
    let view = match glanced.at(packet.octets) {
        Look::Query(view) => view,
        Look::Wrong(wrong) => return Way::Done(broken(engine, snapshot, desk, packet, &wrong, out)),
        Look::NotAQuery => {
            desk.counters.malformed(Malformed::Dropped);
            return Way::NotAQuery;
        }
    };
    // 2 gate, 3 who
    let (place, subject) = snapshot.admit(packet.client.ip());
    let standing = desk.take_standing(snapshot, packet.at);
    // 4 verdict
    let rules = Rules { ahead: Some(glanced.ahead()), ..rooms::over(snapshot.rules(&standing), packet.transport) };
    let (place, ruled) = match place {
        Ok(place) => (place, rooms::verdict(snapshot, &rules, place, &view, &subject, &mut ())),
        Err(verdict) => (Place::NOWHERE, Ruled { verdict, goes: Goes::Upstream(None), until: Moment(i64::MAX) }),
    };
    let Ruled { verdict, goes, until } = ruled;
    count_in(desk, &verdict, &subject);
    let open = Open { until, ..open(packet, subject, place, Some(view), verdict) };
    let ticket = Ticket::open(open, &**snapshot, &mut *desk);
    // 5 fetch
    let limit = limit(packet.transport, &view);
    let room = Room { snapshot, standing: &standing, open: ticket.known(), view: &view, limit, now: packet.at };
    let way = match room.at_once(&engine.cache, front, glanced.whole(), goes, out) {
        // 6 close
        Some(made) => Way::Done(close(engine, ticket, made, &view, limit, out)),
        None => match engine.waiting.seat(packet.client.ip()) {
            Some(seat) => {
                let ticket = ticket.hand_over(Arc::clone(snapshot), Arc::clone(&engine.desks));
                Way::Slow(Box::new(Slow {
                    ticket,
                    packet: packet.octets.into(),
                    goes,
                    standing: *standing,
                    limit,
                    seat,
                }))
            }
            None => {
                let text = "too many queries of this client wait for an upstream";
                let made = pipeline::failed(&view, limit, Ede { code: ede::NOT_READY, text }, out);
                Way::Done(close(engine, ticket, made, &view, limit, out))
            }
        },
    };
    desk.put_standing(standing);
    way
}

/// A packet that gets an error: it has its ticket and its record, too.
fn broken(
    engine: &Engine,
    snapshot: &Arc<Snapshot>,
    desk: &mut Desk,
    packet: Packet<'_>,
    wrong: &Wrong<'_>,
    out: &mut [u8],
) -> Option<usize> {
    let (place, subject) = snapshot.admit(packet.client.ip());
    let (code, rule) = match wrong.fault {
        Fault::Malformed => (rcode::FORMERR, "malformed packet"),
        Fault::Opcode => (rcode::NOTIMP, "opcode other than QUERY"),
        Fault::Version => (rcode::BADVERS, "EDNS version other than 0"),
    };
    desk.counters.malformed(if code == rcode::NOTIMP { Malformed::NotImp } else { Malformed::FormErr });
    let why = Why { reason: Reason::Unsupported, category: None, rule: Some(RuleRef::Builtin(rule)) };
    // Whoever is not to hear from us does not hear of broken packets either.
    let (place, verdict) = match place {
        Err(Verdict::Drop(why)) => (Place::NOWHERE, Verdict::Drop(why)),
        place => (place.unwrap_or(Place::NOWHERE), Verdict::Refuse(why)),
    };
    let made = match verdict {
        Verdict::Drop(_) => Made::silence(),
        _ => Made::policy(write_error(wrong, code, out), code, None),
    };
    let ticket = Ticket::open(open(packet, subject, place, wrong.view, verdict), &**snapshot, desk);
    let closed = ticket.close(made);
    closed.octets().filter(|_| closed.recorded() || engine.when_full == WhenFull::Answer)
}

fn count_in(desk: &mut Desk, verdict: &Verdict, subject: &Subject) {
    desk.counters.admission(match verdict {
        Verdict::Refuse(why) if why.reason == Reason::Unmatched => Admission::Refused,
        Verdict::Drop(_) => Admission::Dropped,
        _ => Admission::Admitted,
    });
    if subject.known.is_none() {
        desk.counters.unattributed();
    }
}

/// Closes a ticket; where the record could not be made and the configuration wants it so, a refusal leaves instead of the answer (L5).
pub fn close<S, D>(
    engine: &Engine,
    ticket: Ticket<'_, S, D>,
    made: Made<'_>,
    view: &View<'_>,
    limit: usize,
    out: &mut [u8],
) -> Option<usize>
where
    S: Deref<Target = Snapshot>,
    D: At,
{
    let closed = ticket.close(made);
    if closed.recorded() || engine.when_full == WhenFull::Answer {
        return closed.octets();
    }
    let told = Ede { code: ede::NOT_READY, text: "the query log cannot take a record" };
    closed.octets().map(|_| Writer::new(view, rcode::REFUSED, out, limit).finish(Some(told)))
}

/// Most octets an answer may have.
fn limit(transport: Transport, view: &View<'_>) -> usize {
    match transport {
        Transport::Udp => udp_limit(view),
        _ => STREAM_LIMIT,
    }
}

fn open<'q>(packet: Packet<'_>, subject: Subject, place: Place, view: Option<View<'q>>, verdict: Verdict) -> Open<'q> {
    Open {
        at: packet.at,
        since: packet.since,
        client: packet.client,
        transport: packet.transport,
        subject,
        place,
        qname: view.map(|view| Asked::Seen(&view.seen().name)),
        qtype: view.map_or(0, |view| view.qtype),
        verdict,
        until: Moment(i64::MAX),
    }
}
