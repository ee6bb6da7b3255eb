//! One question decided by one snapshot, as a query would be: the rooms of the engine, and nothing of our own.

use super::access;
use crate::dns::Name;
use crate::engine::Snapshot;
use crate::engine::gate::{self, Place};
use crate::engine::outcome::spoken;
use crate::engine::rooms::{Goes, Ruled, verdict_for_name};
use crate::engine::text::ShortText;
use crate::moment::Moment;
use crate::policy::Standing;
use crate::policy::decide::Trace;
use crate::policy::model::{Response, Rewrite};
use crate::record::Rule;
use crate::subject::Subject;
use crate::verdict::Verdict;

/// A decision and where it was made.
#[derive(Clone, Copy, Debug)]
pub struct Decided {
    /// Where the client stands.
    pub place: Place,
    /// What was decided.
    pub verdict: Verdict,
    /// Where the name goes when it is allowed.
    pub goes: Goes,
    /// The first moment at which it may be decided otherwise by itself.
    pub until: Moment,
}

/// What spoke, in the words of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Spoken {
    /// What is done.
    pub action: &'static str,
    /// Which tier spoke.
    pub reason: &'static str,
    /// For which category.
    pub category: Option<String>,
    /// By which list.
    pub list: Option<String>,
    /// By which line of it, or which entry of the configuration.
    pub rule: Option<String>,
}

impl Decided {
    /// Decides a name for a subject while `standing` holds.
    pub fn of<T: Trace>(
        snapshot: &Snapshot,
        standing: &Standing,
        name: &Name,
        qtype: u16,
        subject: &Subject,
        trace: &mut T,
    ) -> Decided {
        match gate::admit(snapshot.model(), subject.client) {
            Err(verdict) => {
                Decided { place: Place::NOWHERE, verdict, goes: Goes::Upstream(None), until: Moment(i64::MAX) }
            }
            Ok(place) => {
                let rules = snapshot.rules(standing);
                let Ruled { verdict, goes, until } =
                    verdict_for_name(snapshot, &rules, place, name, qtype, subject, trace);
                Decided { place, verdict, goes, until }
            }
        }
    }

    /// How it is answered, in a few words that are the same whenever the answer is made in the same way.
    pub fn answer(&self, snapshot: &Snapshot, name: &Name) -> String {
        let model = snapshot.model();
        let sinkhole = self.place.sinkhole(model);
        let ttl = sinkhole.ttl;
        let policy = self.place.policy(model);
        let own = |why| policy.and_then(|policy| access::own_way(snapshot, policy, why, name));
        match &self.verdict {
            Verdict::Block(why) if let Some(own) = own(why) => own,
            Verdict::Block(why) => match policy.map(|policy| policy.response(access::given(why), name)) {
                Some(Response::Sinkhole) => format!("sinkhole {}, {}, {ttl} s", sinkhole.ipv4, sinkhole.ipv6),
                Some(Response::Nxdomain) => format!("NXDOMAIN, {ttl} s"),
                Some(Response::Nodata) => format!("no data, {ttl} s"),
                Some(Response::Refused) | None => "REFUSED".to_owned(),
                Some(Response::Drop) => "silence".to_owned(),
            },
            Verdict::Refuse(_) => "REFUSED".to_owned(),
            Verdict::Drop(_) => "silence".to_owned(),
            Verdict::Rewrite(entry, _) => {
                let rewrite = policy.and_then(|policy| policy.rewrites.iter().find(|(at, _)| at == entry));
                match rewrite {
                    Some((_, Rewrite::Name(name))) => format!("rewritten to {name}"),
                    Some((_, Rewrite::Addresses(addresses))) => {
                        let addresses: Vec<String> = addresses.iter().map(|address| address.to_string()).collect();
                        format!("rewritten to {}", addresses.join(", "))
                    }
                    None => "rewritten".to_owned(),
                }
            }
            Verdict::Allow(_) | Verdict::Monitor(_) | Verdict::Grant(_) => match self.goes {
                Goes::Local(place) => {
                    let zone = snapshot.config.local_zones.get(place as usize);
                    zone.map_or("local zone".to_owned(), |zone| format!("local zone {}", zone.name))
                }
                Goes::Upstream(Some(place)) => {
                    let zone = snapshot.config.forward_zones.get(place as usize);
                    zone.map_or("forward zone".to_owned(), |zone| format!("forward zone {}", zone.name))
                }
                Goes::Upstream(None) => "upstream".to_owned(),
                Goes::Special(special) => special.rule.to_owned(),
            },
        }
    }

    /// What spoke for `name`.
    pub fn spoken(&self, snapshot: &Snapshot, name: &Name) -> Spoken {
        let mut text = ShortText::new();
        let (category, list, rule) = spoken(snapshot, &self.verdict, None, &mut text);
        let rule = match rule {
            Rule::None => None,
            Rule::Line { line, labels } => Some(format!("line {line}: {}", name.last_labels(labels as usize))),
            Rule::Text(text) => Some(text.to_owned()),
        };
        Spoken {
            action: self.verdict.action().word(),
            reason: self.verdict.why().reason.word(),
            category: category.map(str::to_owned),
            list: list.map(str::to_owned),
            rule,
        }
    }
}

impl Spoken {
    /// Action and rule as short as they can be said.
    pub fn brief(&self) -> String {
        let by = match (&self.category, &self.list, &self.rule) {
            (Some(category), Some(list), Some(rule)) => format!("{category}, {list} {rule}"),
            (_, _, Some(rule)) => rule.clone(),
            _ => self.reason.to_owned(),
        };
        match self.reason {
            "schedule" | "group" => format!("{} ({}: {by})", self.action, self.reason),
            _ => format!("{} ({by})", self.action),
        }
    }

    /// All but the action, on one line.
    pub fn told(&self) -> String {
        let mut text = self.reason.to_owned();
        for (what, value) in [("category", &self.category), ("list", &self.list), ("rule", &self.rule)] {
            if let Some(value) = value {
                text.push_str(&format!(", {what} {value}"));
            }
        }
        text
    }
}
