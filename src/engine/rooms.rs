//! Room 4, verdict, for one question: internal names first, then policy, then what a resolver answers by itself. And where an allowed
//! question goes.

use crate::dns::Name;
use crate::dns::types::rtype;
use crate::dns::view::{View, is_internet};
use crate::engine::Snapshot;
use crate::engine::gate::Place;
use crate::policy::Standing;
use crate::policy::decide::{Trace, decide};
use crate::policy::special::{Special, special};
use crate::subject::Subject;
use crate::verdict::{Reason, RuleRef, Verdict, Why};

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

/// Decides a name for a subject, internal names included.
pub fn verdict_for_name<T: Trace>(
    snapshot: &Snapshot,
    standing: &Standing,
    place: Place,
    name: &Name,
    qtype: u16,
    subject: &Subject,
    trace: &mut T,
) -> (Verdict, Goes) {
    let goes = goes(snapshot, name, qtype);
    let internal = internal(snapshot, goes);
    if internal.is_some() {
        return (Verdict::Allow(Why { reason: Reason::Internal, category: None, rule: internal }), goes);
    }
    let Some(policy) = place.policy(snapshot.model()) else {
        let why = Why { reason: Reason::Unmatched, category: None, rule: Some(RuleRef::Builtin("unmatched.action")) };
        return (Verdict::Refuse(why), goes);
    };
    let verdict = decide(&snapshot.rules(standing), policy, name, qtype, subject, trace);
    match (verdict, goes) {
        // A block of a special name stays a block; an allow does not send it upstream.
        (Verdict::Allow(_) | Verdict::Monitor(_), Goes::Special(special)) => {
            let rule = Some(RuleRef::Builtin(special.rule));
            (Verdict::Allow(Why { reason: Reason::SpecialUse, category: None, rule }), goes)
        }
        _ => (verdict, goes),
    }
}

/// Room 4 for a whole question: a name that is blocked is blocked for every type and under every flag; then what a resolver does not do
/// is refused.
pub fn verdict<T: Trace>(
    snapshot: &Snapshot,
    standing: &Standing,
    place: Place,
    view: &View<'_>,
    subject: &Subject,
    trace: &mut T,
) -> (Verdict, Goes) {
    let (verdict, goes) = verdict_for_name(snapshot, standing, place, &view.name, view.qtype, subject, trace);
    let unsupported = |rule| {
        let why = Why { reason: Reason::Unsupported, category: None, rule: Some(RuleRef::Builtin(rule)) };
        (Verdict::Refuse(why), goes)
    };
    // What is blocked is of class IN, and so is what blocks it: no name of another class is answered at all.
    if !is_internet(view.qclass) {
        return unsupported("a class other than IN is not served");
    }
    if matches!(verdict, Verdict::Block(_) | Verdict::Refuse(_) | Verdict::Drop(_)) {
        return (verdict, goes);
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
    (verdict, goes)
}
