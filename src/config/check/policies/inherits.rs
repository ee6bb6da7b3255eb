//! `inherits`: a policy that starts from another one.

use std::collections::HashMap;

use super::super::Check;
use super::rewrites::{Leads, goes_round};
use crate::config::file::key::Key;
use crate::config::file::v1;
use crate::config::file::written::Named;
use crate::policy::Model;

impl Check<'_> {
    /// Lets each policy that inherits take over what it does not say itself. Every policy is in the model already, with what it says.
    /// `leads` has what each one's own rewrites lead to.
    pub(super) fn inherit(&mut self, written: &Named<v1::Policy>, leads: &[Leads], model: &mut Model) {
        let names: Vec<Box<str>> = model.policies.iter().map(|policy| policy.name.clone()).collect();
        let known: Vec<&str> = names.iter().map(|name| &**name).collect();
        for (place, (text, policy)) in written.iter().enumerate() {
            let key = Key::new("policy").of(text).of("inherits");
            let parent = policy.inherits.as_ref().and_then(|text| self.refer(text, &key, "policy", "policy", &known));
            if let Some(policy) = model.policies.get_mut(place) {
                policy.inherits = parent;
            }
        }
        for chain in chains(model) {
            match chain {
                Chain::Round(places) => self.goes_round_in(&places, written, &names),
                Chain::Down(place, parent) => {
                    let Some(from) = model.policies.get(parent).cloned() else { continue };
                    let Some((policy, (text, own))) = model.policies.get_mut(place).zip(written.get(place)) else {
                        continue;
                    };
                    policy.inherit(&from);
                    self.led_round(place, &Key::new("policy").of(text), own, leads, model);
                }
            }
        }
    }

    fn goes_round_in(&mut self, places: &[usize], written: &Named<v1::Policy>, names: &[Box<str>]) {
        let Some((text, policy)) = places.first().and_then(|first| written.get(*first)) else { return };
        let Some(inherits) = &policy.inherits else { return };
        let round: Vec<&str> =
            places.iter().chain(places.first()).filter_map(|place| names.get(*place)).map(|name| &**name).collect();
        let (problem, advice) = match places.len() {
            1 => (format!("`{}` inherits itself", text.as_str()), "name another policy, or take the line out"),
            _ => (
                format!("goes round in a circle: {}", round.join(" -> ")),
                "one of them has to start from none: take its `inherits` out",
            ),
        };
        self.error(inherits.span(), &Key::new("policy").of(text).of("inherits"), problem, advice);
    }

    /// A rewrite of a policy's own may close a circle with those it inherits.
    fn led_round(&mut self, place: usize, key: &Key, written: &v1::Policy, leads: &[Leads], model: &Model) {
        let Some(own) = leads.get(place).filter(|own| !own.is_empty()) else { return };
        let mut all: Leads = HashMap::new();
        let mut at = Some(place);
        while let Some((policy, leads)) = at.and_then(|at| model.policies.get(at).zip(leads.get(at))) {
            for (from, to) in leads {
                // A rewrite that a nearer policy replaced does not speak any more.
                let speaks = model.policies.get(place).and_then(|policy| policy.names.find(from));
                if speaks.is_some_and(|hit| hit.entry == to.entry) {
                    all.insert(*from, *to);
                }
            }
            at = policy.inherits;
        }
        for (start, led) in own {
            if let (true, Some((text, target))) = (goes_round(start, &all), written.rewrite.get(led.number)) {
                if goes_round(start, own) {
                    continue;
                }
                let problem = format!("`{start}` leads back to itself by way of what is inherited");
                let key = key.of("rewrite").of(text);
                self.error(target.span(), &key, problem, "let it lead to a name that is not rewritten");
            }
        }
    }
}

/// What there is to do for inheritance, in an order in which every parent is finished before its children.
enum Chain {
    /// The policy at the first place takes over from the one at the second.
    Down(usize, usize),
    /// These inherit each other, each the next and the last the first.
    Round(Vec<usize>),
}

fn chains(model: &Model) -> Vec<Chain> {
    let parent = |place: usize| model.policies.get(place).and_then(|policy| policy.inherits);
    let mut done = vec![false; model.policies.len()];
    let mut steps = Vec::new();
    for start in 0..model.policies.len() {
        let mut way = Vec::new();
        let mut at = Some(start);
        while let Some(place) = at.filter(|place| !done.get(*place).copied().unwrap_or(true)) {
            if let Some(first) = way.iter().position(|before| *before == place) {
                let mut round = way.split_off(first);
                // Told where the file writes the first of them.
                let lowest = round.iter().enumerate().min_by_key(|(_, place)| **place).map_or(0, |(n, _)| n);
                round.rotate_left(lowest);
                round.iter().for_each(|place| done[*place] = true);
                steps.push(Chain::Round(round));
                break;
            }
            way.push(place);
            at = parent(place);
        }
        for place in way.into_iter().rev() {
            done[place] = true;
            steps.extend(parent(place).map(|parent| Chain::Down(place, parent)));
        }
    }
    steps
}
