//! Network zones, clients of none, and the probe.

use std::collections::HashMap;

use super::{Check, Seen, addresses, names, values};
use crate::config::checked::Probe;
use crate::config::file::key::Key;
use crate::config::file::v1::{self, Text};
use crate::config::file::written::Written;
use crate::dns::Name;
use crate::policy::names::NameAct;
use crate::policy::{Model, NetworkMap, NetworkZone, Sinkhole, Unmatched};
use values::Fault;

impl Check<'_> {
    /// Fills the model's network zones and the map of their prefixes.
    pub(super) fn network_zones(&mut self, written: &[Written<v1::NetworkZone>], model: &mut Model) {
        let policies: Vec<Box<str>> = model.policies.iter().map(|policy| policy.name.clone()).collect();
        let policies: Vec<&str> = policies.iter().map(|name| &**name).collect();
        let (mut seen_names, mut seen_prefixes) = (Seen::default(), Seen::default());
        for (n, zone) in written.iter().enumerate() {
            let key = Key::new("network_zone").nth(n);
            let name = zone.name.as_ref().and_then(|text| {
                let name = self.take(text, &key.of("name"), values::word)?;
                self.is_first(&mut seen_names, &name, text, &key.of("name"), "network zone");
                Some(name)
            });
            if n > usize::from(u16::MAX) {
                self.error(zone.span(), &key, "more than 65536 network zones", "join those with the same policy");
                break;
            }
            if let Some(clients) = zone.clients.as_ref().filter(|clients| clients.is_empty()) {
                let advice = "write `[\"10.20.0.0/16\"]`, or remove the network zone";
                self.error(clients.span(), &key.of("clients"), "is empty: no client could be in it", advice);
            }
            let clients = self.each(zone.clients.as_ref(), &key.of("clients"), addresses::prefix);
            for (m, span, prefix) in &clients {
                if let Some(first) = seen_prefixes.before(prefix.to_string(), span.clone()) {
                    let line = self.source.line_of(first.start);
                    let problem = format!("{prefix} stands in a network zone already (line {line})");
                    self.error(
                        span.clone(),
                        &key.of("clients").nth(*m),
                        problem,
                        "a prefix belongs to one network zone; remove one of the two",
                    );
                }
            }
            let policy = zone
                .policy
                .as_ref()
                .and_then(|text| self.refer(text, &key.of("policy"), "policy", "policy", &policies));
            model.network_zones.push(NetworkZone {
                name: name.unwrap_or_default(),
                clients: clients.into_iter().map(|(_, _, prefix)| prefix).collect(),
                policy: policy.unwrap_or(0),
                sinkhole: zone
                    .sinkhole
                    .as_ref()
                    .map(|written| self.sinkhole(written, &key.of("sinkhole")))
                    .unwrap_or_default(),
            });
        }
        let places = model.network_zones.iter().zip(0u16..);
        model.networks =
            NetworkMap::new(places.flat_map(|(zone, n)| zone.clients.iter().map(move |prefix| (prefix, n))));
    }

    fn sinkhole(&mut self, written: &v1::Sinkhole, key: &Key) -> Sinkhole {
        let usual = Sinkhole::default();
        let ipv4 = written.ipv4.as_ref().and_then(|text| {
            self.take(text, &key.of("ipv4"), |text| {
                text.parse().map_err(|_| {
                    Fault::new(
                        format!("`{text}` is not an IPv4 address"),
                        "write one such as `10.1.1.1`, or put an IPv6 address under `ipv6`",
                    )
                })
            })
        });
        let ipv6 = written.ipv6.as_ref().and_then(|text| {
            self.take(text, &key.of("ipv6"), |text| {
                text.parse().map_err(|_| {
                    Fault::new(
                        format!("`{text}` is not an IPv6 address"),
                        "write one such as `2001:db8::1`, or put an IPv4 address under `ipv4`",
                    )
                })
            })
        });
        let ttl = written.ttl.as_ref().and_then(|ttl| u32::try_from(**ttl).ok());
        Sinkhole { ipv4: ipv4.unwrap_or(usual.ipv4), ipv6: ipv6.unwrap_or(usual.ipv6), ttl: ttl.unwrap_or(usual.ttl) }
    }

    pub(super) fn unmatched(&mut self, written: &v1::Unmatched, file: &v1::File, model: &mut Model) {
        let key = Key::new("unmatched").of("action");
        model.unmatched = match written.action.as_ref() {
            None => Unmatched::Refuse,
            Some(text) => match text.as_str() {
                "refuse" => Unmatched::Refuse,
                "drop" => Unmatched::Drop,
                _ => self.unmatched_policy(text, &key, model),
            },
        };
        let answers = matches!(model.unmatched, Unmatched::Policy(_));
        if file.network_zone.is_empty()
            && !answers
            && !self.lost.iter().any(|lost| lost.is_in("network_zone") || lost.is_in("unmatched"))
        {
            let advice = "add a `[[network_zone]]`, or name a policy under `unmatched.action`";
            self.error(0..0, &Key::new("network_zone"), "there is none: no client would be answered", advice);
        }
    }

    fn unmatched_policy(&mut self, text: &Text, key: &Key, model: &Model) -> Unmatched {
        let mut known: Vec<&str> = model.policies.iter().map(|policy| &*policy.name).collect();
        known.extend(["refuse", "drop"]);
        match self.refer(text, key, "action or policy", "policy", &known) {
            Some(place) if place < model.policies.len() => Unmatched::Policy(place),
            _ => Unmatched::Refuse,
        }
    }

    /// Names that stay answered for whoever's access is withdrawn. What everybody's names are below would leave nothing withdrawn.
    pub(super) fn withdrawal(&mut self, written: &v1::Withdrawal, model: &mut Model) {
        let key = Key::new("withdrawal").of("essential");
        let mut first: HashMap<(Name, bool), usize> = HashMap::new();
        for (n, span, (name, exact)) in self.each(written.essential.as_ref(), &key, names::name_or_exact) {
            if !exact && let Err(fault) = names::not_a_public_suffix(&name) {
                let advice = match name.label_count() {
                    0 => "name what must stay reachable, such as a log-on portal".to_owned(),
                    _ => fault.advice.unwrap_or_default(),
                };
                self.error(span, &key.nth(n), fault.problem, advice);
                continue;
            }
            if let Some(at) = first.insert((name, exact), span.start) {
                let line = self.source.line_of(at);
                let problem = format!("`{name}` stands in it already (line {line})");
                self.error(span, &key.nth(n), problem, "remove one of the two");
                continue;
            }
            let shown = if exact { "=" } else { "" };
            let entry = model.add_entry(format!("{} {shown}{name}", key.nth(n)));
            model.essential.add(&name, exact, NameAct::Allow, entry);
        }
    }

    pub(super) fn probe(&mut self, written: &v1::Probe) -> Probe {
        let key = Key::new("probe");
        let allow = self.each(written.must_allow.as_ref(), &key.of("must_allow"), names::name);
        let block = self.each(written.must_block.as_ref(), &key.of("must_block"), names::name);
        for (n, span, name) in &block {
            if let Some((_, first, _)) = allow.iter().find(|(_, _, other)| other == name) {
                let line = self.source.line_of(first.start);
                let problem = format!("`{name}` must be allowed as well (line {line})");
                self.error(span.clone(), &key.of("must_block").nth(*n), problem, "remove it from one of the two");
            }
        }
        let names = |found: Vec<(_, _, _)>| found.into_iter().map(|(_, _, name)| name).collect();
        Probe { must_allow: names(allow), must_block: names(block) }
    }
}
