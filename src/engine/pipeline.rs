//! The conductor for every query that has to be fetched: local zones, upstreams, what a rewrite or an alias leads to.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::cache::{Bits, Found, Kept, Key};
use crate::dns::answer::Writer;
use crate::dns::ede::Ede;
use crate::dns::question::Question;
use crate::dns::ready::{Loose, assemble};
use crate::dns::types::{class, rcode, rtype};
use crate::dns::view::{Look, Seen, View, look};
use crate::dns::{Name, Ready};
use crate::engine::fast::{self, Packet, Slow, Way};
use crate::engine::fetch::{self, LOCAL, Room};
use crate::engine::outcome::{Held, Made};
use crate::engine::rooms::{self, Goes, Ruled};
use crate::engine::{Engine, Snapshot, refresh};
use crate::moment::Moment;
use crate::policy::decide::vouches;
use crate::policy::model::Rewrite;
use crate::upstream::{Answered, Blame, Failure, Fetched};
use crate::verdict::{Action, Reason, Source, Verdict};

/// Most aliases that are followed from zone to zone for one question.
const MOST_ALIASES: usize = 8;
/// TTL of an alias that policy makes, in seconds.
const ALIAS_TTL: u32 = 300;
/// Octets of the buffer an answer is written to before it leaves by a stream.
const STREAM_BUFFER: usize = crate::dns::answer::STREAM_LIMIT;

/// The whole journey of a packet, for doors that can wait.
pub async fn answer(engine: &Arc<Engine>, packet: Packet<'_>) -> Option<Vec<u8>> {
    let mut out = vec![0u8; STREAM_BUFFER];
    let snapshot = engine.snapshot();
    let way = engine.desks.with(|desk| fast::answer_alone(engine, &snapshot, desk, packet, &mut out));
    let octets = match way {
        Way::NotAQuery => None,
        Way::Done(octets) => octets,
        Way::Slow(slow) => {
            // Not held while an upstream is waited for.
            drop(out);
            return finish(engine, slow).await;
        }
    };
    leave(engine, out, octets)
}

/// The rest of the journey of a query that has to be fetched: room 5 and room 6.
pub async fn finish(engine: &Arc<Engine>, slow: Box<Slow>) -> Option<Vec<u8>> {
    let Slow { mut ticket, packet, goes, standing, limit, seat: _seat } = *slow;
    // The packet was looked at before; it is still the same query.
    let mut seen = Seen::EMPTY;
    let Look::Query(view) = look(&packet, &mut seen) else { return None };
    let mut out = Vec::new();
    let made = {
        let (snapshot, open, now) = (ticket.snapshot(), ticket.known(), engine.clock.now());
        let room = Room { snapshot, standing: &standing, open, view: &view, limit, now };
        fetched(engine, &room, goes, &mut out).await
    };
    if made.source != Some(Source::Cache) {
        ticket.desk(|desk| desk.counters.cache_miss());
    }
    let octets = fast::close(engine, ticket, made, &view, limit, &mut out);
    leave(engine, out, octets)
}

/// Closes a query that there is no room to fetch for: the client hears so, and the record says so.
pub fn too_busy(engine: &Engine, slow: Box<Slow>, out: &mut [u8]) -> Option<usize> {
    let Slow { ticket, packet, limit, .. } = *slow;
    let mut seen = Seen::EMPTY;
    let Look::Query(view) = look(&packet, &mut seen) else { return None };
    let told = Ede { code: crate::dns::ede::NOT_READY, text: "too many queries wait for an upstream" };
    let made = failed(&view, limit, told, out);
    let octets = fast::close(engine, ticket, made, &view, limit, out);
    let synced = !engine.sync_each || engine.desks.with(|desk| engine.synced(desk));
    octets.filter(|_| synced)
}

/// The last step before octets leave: with `log.sync_interval = "0s"` the record is on the disk first (Q4).
fn leave(engine: &Engine, mut out: Vec<u8>, octets: Option<usize>) -> Option<Vec<u8>> {
    if engine.sync_each && !engine.desks.with(|desk| engine.synced(desk)) {
        return None;
    }
    out.truncate(octets?);
    out.shrink_to_fit();
    Some(out)
}

async fn fetched(engine: &Arc<Engine>, room: &Room<'_>, goes: Goes, out: &mut Vec<u8>) -> Made<'static> {
    let view = room.view;
    let question = room.question();
    if let Verdict::Rewrite(entry, _) = room.open.verdict
        && let Some(Rewrite::Name(target)) = room.rewrite(entry)
    {
        let target = **target;
        return follow(engine, room, &question, vec![alias(view.name, &target)], target, Source::Policy, out).await;
    }
    if let Verdict::Block(why) = &room.open.verdict
        && let Some(records) = room.own_records(why)
        && let Some((target, ttl)) = room.alias_among(&records)
    {
        let first = Loose { ttl, ..alias(view.name, &target) };
        return follow(engine, room, &question, vec![first], target, Source::Policy, out).await;
    }
    let obtained = obtain(engine, room.snapshot, goes, &question, room.open.at).await;
    // What bounds a TTL is counted from when the answer leaves.
    let room = &Room { now: engine.clock.now(), ..*room };
    match obtained {
        Err(failure) => failed_upstream(room, &failure, room.buffer(out)),
        Ok(Obtained { kept, source, age, leads_out: None }) => {
            room.kept(Held::Shared(kept), source, age, room.buffer(out))
        }
        Ok(Obtained { kept, source, leads_out: Some(target), .. }) => match kept.ready.loose() {
            Ok([answers, _]) => follow(engine, room, &question, answers, target, source, out).await,
            Err(_) => failed(view, room.limit, UNREADABLE, room.buffer(out)),
        },
    }
}

/// An answer and where it came from.
struct Obtained {
    kept: Arc<Kept>,
    source: Source,
    age: u32,
    leads_out: Option<Name>,
}

/// The failure of an answer that cannot be kept.
fn unreadable(upstream: &Arc<str>) -> Failure {
    Failure { blame: Blame::Malformed("it cannot be kept".to_owned()), upstream: Some(Arc::clone(upstream)) }
}

/// An answer of ours that cannot be read back.
const UNREADABLE: Ede<'static> = Ede { code: crate::dns::ede::INVALID_DATA, text: "the answer could not be read" };

/// Gets the answer to a question: from its local zone, the cache or an upstream; past its TTL where no upstream answers (RFC 8767).
async fn obtain(
    engine: &Arc<Engine>,
    snapshot: &Snapshot,
    goes: Goes,
    question: &Question,
    at: Moment,
) -> Result<Obtained, Failure> {
    if let Goes::Local(place) = goes {
        return local(snapshot, place, question, at);
    }
    let bits = Bits { dnssec_ok: question.dnssec_ok, checking_disabled: question.checking_disabled };
    let key = engine.cache.key(&question.name, question.qtype, bits);
    let stale = match engine.cache.find(&key, at, snapshot.routes) {
        Found::Fresh(kept, age) => return Ok(Obtained { kept, source: Source::Cache, age, leads_out: None }),
        Found::Stale(kept) => Some(kept),
        Found::Missing => None,
    };
    if stale.is_some()
        && let Some(kept) = refresh::stale_at_once(engine, snapshot, question, at, &Handle::current())
    {
        snapshot.upstreams.set_off();
        return Ok(Obtained { kept, source: Source::Stale, age: 0, leads_out: None });
    }
    let route = snapshot.upstreams.route(&question.name);
    let fetched = match snapshot.upstreams.ask(route, question).await {
        Ok(fetched) => fetched,
        Err(failure) => {
            return match stale {
                // What does not validate is not made good by what validated once.
                Some(kept) if !matches!(failure.blame, Blame::Bogus(_)) => {
                    Ok(Obtained { kept, source: Source::Stale, age: 0, leads_out: None })
                }
                _ => Err(failure),
            };
        }
    };
    keep(engine, snapshot.routes, &key, fetched).map(from_upstream)
}

/// Keeps what an upstream answered by `routes`.
pub(super) fn keep(engine: &Engine, routes: u64, key: &Key<'_>, fetched: Fetched) -> Result<Arc<Kept>, Failure> {
    let Fetched { wire, rcode, authentic, upstream, ede } = fetched;
    let ready = Ready::from_wire(wire, rcode).map_err(|_| unreadable(&upstream))?;
    let born = engine.clock.now();
    let kept = Arc::new(Kept { ready, born, routes, bits: key.bits(), authentic, upstream, ede: ede.map(Box::new) });
    engine.cache.keep(key, Arc::clone(&kept));
    Ok(kept)
}

/// What has just come from an upstream.
fn from_upstream(kept: Arc<Kept>) -> Obtained {
    Obtained { kept, source: Source::Upstream, age: 0, leads_out: None }
}

/// What is made of an upstream's answer, or its failure, to a question that is not followed any further.
pub(super) fn told(engine: &Engine, room: &Room<'_>, answered: Answered, out: &mut Vec<u8>) -> Made<'static> {
    let Question { name, qtype, dnssec_ok, checking_disabled, .. } = room.question();
    let key = engine.cache.key(&name, qtype, Bits { dnssec_ok, checking_disabled });
    let obtained = match answered {
        Ok(fetched) => keep(engine, room.snapshot.routes, &key, fetched).map(from_upstream),
        // What does not validate is not made good by what validated once.
        Err(failure) if matches!(failure.blame, Blame::Bogus(_)) => Err(failure),
        Err(failure) => match engine.cache.find(&key, room.open.at, room.snapshot.routes) {
            Found::Fresh(kept, age) => Ok(Obtained { kept, source: Source::Cache, age, leads_out: None }),
            Found::Stale(kept) => Ok(Obtained { kept, source: Source::Stale, age: 0, leads_out: None }),
            Found::Missing => Err(failure),
        },
    };
    match obtained {
        Ok(Obtained { kept, source, age, .. }) => room.kept(Held::Shared(kept), source, age, room.buffer(out)),
        Err(failure) => failed_upstream(room, &failure, room.buffer(out)),
    }
}

fn local(snapshot: &Snapshot, place: u16, question: &Question, at: Moment) -> Result<Obtained, Failure> {
    let (kept, leads_out) =
        fetch::from_local_zone(snapshot, place, question, at).ok_or_else(|| unreadable(&LOCAL.into()))?;
    Ok(Obtained { kept, source: Source::Local, age: 0, leads_out })
}

/// Follows an alias of ours (a rewrite's or a local zone's) to where it leads. Every target is judged like a question of its own.
async fn follow(
    engine: &Arc<Engine>,
    room: &Room<'_>,
    question: &Question,
    mut answers: Vec<Loose>,
    mut target: Name,
    mut source: Source,
    out: &mut Vec<u8>,
) -> Made<'static> {
    let Room { snapshot, open, view, limit, .. } = *room;
    for _ in 0..MOST_ALIASES {
        let rules = room.rules();
        let Ruled { verdict, goes, until } =
            rooms::verdict_for_name(snapshot, &rules, open.place, &target, question.qtype, &open.subject, &mut ());
        match verdict {
            Verdict::Block(why) if why.reason != Reason::Default && !vouches(&open.verdict) => {
                return room.led_to_blocked(&target, &why, until.min(open.until), room.buffer(out));
            }
            // The alias itself was asked for, and where it leads may be told.
            _ if question.qtype == rtype::CNAME => return own(room, answers, source, out),
            // A rewrite holds for whoever comes to the name, also by an alias of ours.
            Verdict::Rewrite(entry, _) => match room.rewrite(entry) {
                Some(Rewrite::Name(next)) => {
                    answers.push(alias(target, next));
                    target = **next;
                    continue;
                }
                Some(Rewrite::Addresses(addresses)) => {
                    answers.extend(addresses.iter().filter_map(|address| fixed(target, *address, question.qtype)));
                    return own(room, answers, source, out);
                }
                None => {}
            },
            _ => {}
        }
        if let Goes::Special(special) = goes {
            return broken_alias(view, limit, special.rule, room.buffer(out));
        }
        let asked = Question { name: target, ..*question };
        let obtained = match obtain(engine, snapshot, goes, &asked, open.at).await {
            Ok(obtained) => obtained,
            Err(failure) => return failed_upstream(room, &failure, room.buffer(out)),
        };
        let Ok([mut more, mut authorities]) = obtained.kept.ready.loose() else {
            return failed(view, limit, UNREADABLE, room.buffer(out));
        };
        // What was kept has aged, the alias before it has not. Stale is the whole when its end is.
        more.iter_mut().chain(&mut authorities).for_each(|record| record.ttl = record.ttl.saturating_sub(obtained.age));
        if obtained.source == Source::Stale {
            source = Source::Stale;
        }
        answers.extend(more);
        if let Some(next) = obtained.leads_out {
            target = next;
            continue;
        }
        let Kept { upstream, ede, .. } = &*obtained.kept;
        let from = Giver { rcode: obtained.kept.ready.rcode(), upstream: Arc::clone(upstream), ede: ede.clone() };
        let room = &Room { now: engine.clock.now(), ..*room };
        return whole(room, from, [answers, authorities], source, out);
    }
    broken_alias(view, limit, "too many aliases one after the other", room.buffer(out))
}

/// Who gave the last part of an answer that begins with an alias of ours, with which response code and extended error.
struct Giver {
    rcode: u16,
    upstream: Arc<str>,
    ede: Option<Box<(u16, String)>>,
}

/// Puts an answer together from the aliases that led to it and what is there.
fn whole(room: &Room<'_>, from: Giver, records: [Vec<Loose>; 2], source: Source, out: &mut Vec<u8>) -> Made<'static> {
    let Giver { rcode, upstream, ede } = from;
    let mut wire = assemble(&room.view.name, room.view.qtype, rcode, &records);
    // AA is about the first name (RFC 1035 section 4.1.1), whoever answers for the last.
    wire[2] |= if source == Source::Local { 0x04 } else { 0 };
    let Ok(ready) = Ready::from_wire(wire, rcode) else {
        return failed(room.view, room.limit, UNREADABLE, room.buffer(out));
    };
    // An alias of ours is not signed: what it leads to may be authentic, the whole is not.
    let (born, routes) = (room.open.at, room.snapshot.routes);
    let kept = Kept { ready, born, routes, bits: room.bits(), authentic: false, upstream, ede };
    room.kept(Held::Shared(Arc::new(kept)), source, 0, room.buffer(out))
}

/// As [`whole`], where nobody else had to be asked.
fn own(room: &Room<'_>, answers: Vec<Loose>, source: Source, out: &mut Vec<u8>) -> Made<'static> {
    let from = Giver { rcode: rcode::NOERROR, upstream: LOCAL.into(), ede: None };
    whole(room, from, [answers, Vec::new()], source, out)
}

/// An alias that policy makes.
fn alias(owner: Name, target: &Name) -> Loose {
    let rdata = target.as_wire().to_vec();
    Loose { owner, rtype: rtype::CNAME, class: class::IN, ttl: ALIAS_TTL, rdata }
}

/// An address that policy gives a name, where it is of the type asked for.
fn fixed(owner: Name, address: IpAddr, qtype: u16) -> Option<Loose> {
    let rdata = match (address, qtype) {
        (IpAddr::V4(v4), rtype::A) => v4.octets().to_vec(),
        (IpAddr::V6(v6), rtype::AAAA) => v6.octets().to_vec(),
        _ => return None,
    };
    Some(Loose { owner, rtype: qtype, class: class::IN, ttl: ALIAS_TTL, rdata })
}

fn broken_alias(view: &View<'_>, limit: usize, text: &'static str, out: &mut [u8]) -> Made<'static> {
    failed(view, limit, Ede { code: crate::dns::ede::OTHER, text }, out)
}

fn failed_upstream(room: &Room<'_>, failure: &Failure, out: &mut [u8]) -> Made<'static> {
    let (code, text) = failure.ede();
    let made = failed(room.view, room.limit, Ede { code, text: &text }, out);
    Made { source: Some(Source::Upstream), upstream: failure.upstream.clone(), ..made }
}

/// SERVFAIL, with the reason.
pub(super) fn failed(view: &View<'_>, limit: usize, told: Ede<'_>, out: &mut [u8]) -> Made<'static> {
    let octets = Writer::new(view, rcode::SERVFAIL, out, limit).finish(Some(told));
    let ede = view.edns.map(|_| told.code);
    Made { source: None, action: Some(Action::Failed), ..Made::policy(octets, rcode::SERVFAIL, ede) }
}
