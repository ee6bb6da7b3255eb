//! Room 2, gate: which network zone, if any. Cheap before dear.

use std::net::IpAddr;

use crate::policy::model::{Model, NetworkZone, Policy, Sinkhole, Unmatched};
use crate::verdict::{Reason, RuleRef, Verdict, Why};

/// Name of the network zone of clients that are in none.
pub const UNMATCHED: &str = "unmatched";

/// Where a client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Place of the network zone in the model; none for a client of no network zone.
    pub network_zone: Option<u16>,
    /// Place of the policy in the model; none where the client is not served.
    pub policy: Option<usize>,
}

/// Finds the network zone of a client and the policy it is decided by; a client that is not served gets its verdict here.
#[inline]
pub fn admit(model: &Model, client: IpAddr) -> Result<Place, Verdict> {
    if let Some(zone) = model.networks.find(client) {
        let policy = model.network_zones[zone as usize].policy;
        return Ok(Place { network_zone: Some(zone), policy: Some(policy) });
    }
    let why = Why { reason: Reason::Unmatched, category: None, rule: Some(RuleRef::Builtin("unmatched.action")) };
    match model.unmatched {
        Unmatched::Refuse => Err(Verdict::Refuse(why)),
        Unmatched::Drop => Err(Verdict::Drop(why)),
        Unmatched::Policy(policy) => Ok(Place { network_zone: None, policy: Some(policy) }),
    }
}

impl Place {
    /// A client that is not served.
    pub const NOWHERE: Place = Place { network_zone: None, policy: None };

    /// The network zone.
    pub fn zone<'m>(&self, model: &'m Model) -> Option<&'m NetworkZone> {
        self.network_zone.map(|place| &model.network_zones[place as usize])
    }

    /// The network zone's name.
    pub fn zone_name<'m>(&self, model: &'m Model) -> &'m str {
        self.zone(model).map_or(UNMATCHED, |zone| &zone.name)
    }

    /// The policy.
    pub fn policy<'m>(&self, model: &'m Model) -> Option<&'m Policy> {
        self.policy.map(|place| &model.policies[place])
    }

    /// Where blocked names lead.
    pub fn sinkhole(&self, model: &Model) -> Sinkhole {
        self.zone(model).map_or_else(Sinkhole::default, |zone| zone.sinkhole.clone())
    }
}
