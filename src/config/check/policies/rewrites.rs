//! Rewrites: names that are answered with another name or with addresses.

use std::collections::HashMap;
use std::net::IpAddr;

use super::super::values::Fault;
use super::super::{Check, Seen, names};
use crate::config::file::key::Key;
use crate::config::file::v1;
use crate::dns::Name;
use crate::policy::model::Rewrite;
use crate::policy::names::NameAct;
use crate::policy::{Model, Policy};
use crate::verdict::EntryId;

/// Rewritten names, and where each leads when it leads to a name.
pub(super) type Leads = HashMap<Name, Led>;

/// Where a rewritten name leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Led {
    /// The name that stands in.
    to: Name,
    /// Which of the policy's rewrites it is, from 0.
    pub(super) number: usize,
    /// Where it is written.
    pub(super) entry: EntryId,
}

impl Check<'_> {
    /// `rewrite`: each speaks for its name alone, since what is below a name is somebody else's to answer. Gives where they lead.
    pub(super) fn rewrites(
        &mut self,
        written: &v1::Policy,
        key: &Key,
        policy: &mut Policy,
        model: &mut Model,
    ) -> Leads {
        let key = key.of("rewrite");
        let mut leads = Leads::new();
        let mut seen = Seen::default();
        for (n, (text, target)) in written.rewrite.iter().enumerate() {
            let key = key.of(text);
            let from = self.take(text, &key, names::name);
            if let Some(from) = &from {
                self.is_first(&mut seen, &from.to_string(), text, &key, "rewritten name");
            }
            let rewrite = match &**target {
                v1::Rewrite::One(one) => match one.parse::<IpAddr>() {
                    Ok(address) => Some(Rewrite::Addresses(vec![address])),
                    Err(_) => match names::name(one) {
                        Ok(name) => Some(Rewrite::Name(Box::new(name))),
                        Err(Fault { problem, advice }) => {
                            self.error(target.span(), &key, problem, advice.unwrap_or_default());
                            None
                        }
                    },
                },
                v1::Rewrite::Many(many) => {
                    if many.is_empty() {
                        let advice =
                            "write a name, or addresses such as `[\"192.0.2.1\"]`; to block the name use `deny`";
                        self.error(target.span(), &key, "is empty", advice);
                    }
                    let mut addresses = Vec::new();
                    for (n, text) in many.iter().enumerate() {
                        addresses.extend(self.take(text, &key.nth(n), |text| {
                            let advice = "an array holds addresses; a name stands alone, without brackets";
                            text.parse::<IpAddr>()
                                .map_err(|_| Fault::new(format!("`{text}` is not an address"), advice))
                        }));
                    }
                    Some(Rewrite::Addresses(addresses))
                }
            };
            if let (Some(from), Some(rewrite)) = (from, rewrite) {
                if policy
                    .names
                    .find(&from)
                    .is_some_and(|hit| usize::from(hit.labels) == from.label_count() && hit.act != NameAct::Rewrite)
                {
                    let problem = format!("`{from}` stands in `allow` or `deny` as well");
                    self.error(text.span(), &key, problem, "remove one of the two");
                }
                let entry = model.add_entry(format!("{} {from}", Key::new("policy").of(&policy.name).of("rewrite")));
                policy.names.add(&from, true, NameAct::Rewrite, entry);
                if let Rewrite::Name(to) = &rewrite {
                    leads.insert(from, Led { to: **to, number: n, entry });
                }
                policy.rewrites.push((entry, rewrite));
            }
        }
        for (start, led) in &leads {
            if let (true, Some((text, target))) = (goes_round(start, &leads), written.rewrite.get(led.number)) {
                let problem = format!("`{start}` leads back to itself");
                self.error(target.span(), &key.of(text), problem, "let it lead to a name that is not rewritten");
            }
        }
        leads
    }
}

/// Whether a name leads back to itself.
pub(super) fn goes_round(start: &Name, leads: &Leads) -> bool {
    let mut at = start;
    for _ in 0..=leads.len() {
        match leads.get(at) {
            Some(led) if led.to == *start => return true,
            Some(led) => at = &led.to,
            None => return false,
        }
    }
    false
}
