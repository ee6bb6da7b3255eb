//! Room 4, verdict, for one question: internal names first, then policy, then what a resolver answers by itself. And where an allowed
//! question goes.

use crate::dns::Name;
use crate::dns::types::{class, rtype};
use crate::dns::view::{View, is_internet};
use crate::engine::Snapshot;
use crate::engine::gate::Place;
use crate::moment::Moment;
use crate::policy::decide::{Decided, Rules, Trace, decide};
use crate::policy::special::{Special, SpecialAnswer, of_the_server, special};
use crate::subject::Subject;
use crate::verdict::{Reason, RuleRef, Transport, Verdict, Why};

/// Where an allowed question goes.
#[derive(Clone, Copy, Debug)]
pub enum Goes {
    /// To the local zone at this place.
    Local(u16),
    /// Upstream: to the servers of this forward zone, or to the default ones.
    Upstream(Option<u16>),
    /// Nowhere: the resolver answers it itself.
    Special(Special),
}

/// The rules for a question that came over `transport`.
pub fn over(rules: Rules<'_>, transport: Transport) -> Rules<'_> {
    Rules { over_stream: transport != Transport::Udp, ..rules }
}

/// Where a name goes: to the local zone or forward zone with the longest name above it; special names go nowhere; all others upstream.
pub fn goes(snapshot: &Snapshot, name: &Name, qtype: u16) -> Goes {
    let config = &*snapshot.config;
    let local = snapshot.local.find(name).map(|zone| zone.place());
    let labels_of_local = local.map(|place| config.local_zones[place as usize].name.label_count());
    let forward = snapshot.forward_zone(name);
    let labels_of_forward = forward.map(|place| config.forward_zones[place as usize].name.label_count());
    match (local, forward) {
        (Some(local), _) if labels_of_local >= labels_of_forward => Goes::Local(local),
        (_, Some(forward)) => Goes::Upstream(Some(forward)),
        _ => match special(name, qtype) {
            Some(special) => Goes::Special(special),
            None => Goes::Upstream(None),
        },
    }
}

/// The zone that makes a name internal: one without `filter`, whose names policy does not judge.
pub fn internal(snapshot: &Snapshot, goes: Goes) -> Option<RuleRef> {
    let config = &*snapshot.config;
    match goes {
        Goes::Local(place) if !config.local_zones[place as usize].filter => Some(RuleRef::LocalZone(place)),
        Goes::Upstream(Some(place)) if !config.forward_zones[place as usize].filter => {
            Some(RuleRef::ForwardZone(place))
        }
        _ => None,
    }
}

/// What was decided for a question.
#[derive(Clone, Copy, Debug)]
pub struct Ruled {
    /// The verdict.
    pub verdict: Verdict,
    /// Where the question goes, where it is allowed.
    pub goes: Goes,
    /// The first moment at which the verdict may be another by itself.
    pub until: Moment,
}

/// Decides a name for a subject, internal names included.
pub fn verdict_for_name<T: Trace>(
    snapshot: &Snapshot,
    rules: &Rules<'_>,
    place: Place,
    name: &Name,
    qtype: u16,
    subject: &Subject,
    trace: &mut T,
) -> Ruled {
    let goes = goes(snapshot, name, qtype);
    let always = |verdict| Ruled { verdict, goes, until: Moment(i64::MAX) };
    let internal = internal(snapshot, goes);
    if internal.is_some() {
        return always(Verdict::Allow(Why { reason: Reason::Internal, category: None, rule: internal }));
    }
    let Some(policy) = place.policy(snapshot.model()) else {
        let why = Why { reason: Reason::Unmatched, category: None, rule: Some(RuleRef::Builtin("unmatched.action")) };
        return always(Verdict::Refuse(why));
    };
    let Decided { verdict, until } = decide(rules, policy, name, qtype, subject, trace);
    let to_the_internet = match verdict {
        Verdict::Allow(_) | Verdict::Monitor(_) | Verdict::Grant(_) => true,
        // What is withdrawn is access to the internet, and so is what a policy blocks by default; a name that goes nowhere is no part of it.
        Verdict::Block(why) => matches!(why.reason, Reason::Withdrawn | Reason::Default),
        _ => false,
    };
    match goes {
        // A block that means a special name stays a block; an allow does not send it upstream.
        Goes::Special(special) if to_the_internet => {
            let why = Why { reason: Reason::SpecialUse, category: None, rule: Some(RuleRef::Builtin(special.rule)) };
            Ruled { verdict: Verdict::Allow(why), goes, until }
        }
        _ => Ruled { verdict, goes, until },
    }
}

/// Room 4 for a whole question: a name that is blocked is blocked for every type and under every flag; then what a resolver does not do
/// is refused.
pub fn verdict<T: Trace>(
    snapshot: &Snapshot,
    rules: &Rules<'_>,
    place: Place,
    view: &View<'_>,
    subject: &Subject,
    trace: &mut T,
) -> Ruled {
    let ruled = verdict_for_name(snapshot, rules, place, &view.name, view.qtype, subject, trace);
    let Ruled { verdict, goes, .. } = ruled;
    let unsupported = |rule| {
        let why = Why { reason: Reason::Unsupported, category: None, rule: Some(RuleRef::Builtin(rule)) };
        Ruled { verdict: Verdict::Refuse(why), ..ruled }
    };
    if let Some(special) = of_this_server(snapshot, view) {
        let why = Why { reason: Reason::SpecialUse, category: None, rule: Some(RuleRef::Builtin(special.rule)) };
        let always = Moment(i64::MAX);
        return Ruled { verdict: Verdict::Allow(why), goes: Goes::Special(special), until: always };
    }
    // What is blocked is of class IN, and so is what blocks it: no name of another class is answered at all.
    if !is_internet(view.qclass) {
        return unsupported("a class other than IN is not served");
    }
    if matches!(verdict, Verdict::Block(_) | Verdict::Refuse(_) | Verdict::Drop(_)) {
        return ruled;
    }
    match view.qtype {
        rtype::AXFR | rtype::IXFR => return unsupported("zones are not transferred"),
        rtype::MAILA | rtype::MAILB => return unsupported("MAILA and MAILB are obsolete (RFC 1035)"),
        _ => {}
    }
    // Without RD only what we are an authority for: an answer from the cache would tell what others asked (RFC 8932 section 5.1.2 calls
    // it cache snooping).
    let ours = matches!(goes, Goes::Local(_) | Goes::Special(_)) || matches!(verdict, Verdict::Rewrite(..));
    if !view.recursion_desired && !ours {
        return unsupported("recursion was not asked for");
    }
    ruled
}

/// What is said of the server itself, where the configuration has a text for it (RFC 4892). It is no name of the Internet, so no policy is
/// asked.
fn of_this_server(snapshot: &Snapshot, view: &View<'_>) -> Option<Special> {
    if view.qclass != class::CH || !matches!(view.qtype, rtype::TXT | rtype::ANY) {
        return None;
    }
    of_the_server(&view.name).filter(|special| own_text(snapshot, special.answer).is_some())
}

/// The text of the configuration for what is said of the server itself.
pub fn own_text(snapshot: &Snapshot, answer: SpecialAnswer) -> Option<&str> {
    let listen = &snapshot.config.listen;
    match answer {
        SpecialAnswer::Version => listen.version.as_deref(),
        SpecialAnswer::Id => listen.id.as_deref(),
        _ => None,
    }
}
