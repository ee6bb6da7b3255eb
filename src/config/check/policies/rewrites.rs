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

impl Check<'_> {
    /// `rewrite`: each speaks for its name alone, since what is below a name is somebody else's to answer.
    pub(super) fn rewrites(&mut self, written: &v1::Policy, key: &Key, policy: &mut Policy, model: &mut Model) {
        let key = key.of("rewrite");
        let mut leads: HashMap<Name, (Name, usize)> = HashMap::new();
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
                        Ok(name) => {
                            leads.extend(from.map(|from| (from, (name, n))));
                            Some(Rewrite::Name(Box::new(name)))
                        }
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
                policy.rewrites.push((entry, rewrite));
            }
        }
        for (start, (_, n)) in &leads {
            if let (true, Some((text, target))) = (goes_round(start, &leads), written.rewrite.get(*n)) {
                let problem = format!("`{start}` leads back to itself");
                self.error(target.span(), &key.of(text), problem, "let it lead to a name that is not rewritten");
            }
        }
    }
}

fn goes_round(start: &Name, leads: &HashMap<Name, (Name, usize)>) -> bool {
    let mut at = start;
    for _ in 0..=leads.len() {
        match leads.get(at) {
            Some((next, _)) if next == start => return true,
            Some((next, _)) => at = next,
            None => return false,
        }
    }
    false
}
