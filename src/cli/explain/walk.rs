//! One decision, told step by step.

mod access;

use serde::Serialize;

use crate::cli::Out;
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::engine::Snapshot;
use crate::engine::gate::{self, Place};
use crate::engine::outcome::spoken;
use crate::engine::rooms::{Goes, Ruled, verdict_for_name};
use crate::engine::text::ShortText;
use crate::list::Found;
use crate::moment::Moment;
use crate::policy::decide::{Ruling, Step};
use crate::policy::model::{Act, Response};
use crate::policy::names::NameHit;
use crate::record::Rule;
use crate::record::rtype::Rtype;
use crate::subject::Subject;
use crate::verdict::{Action, EntryId, Verdict};

/// One decision, for people and for programs.
#[derive(Debug, Serialize)]
pub struct Walk {
    name: String,
    #[serde(rename = "type")]
    qtype: String,
    at: String,
    client: String,
    network_zone: String,
    policy: Option<String>,
    user: Option<String>,
    device: Option<String>,
    host: Option<String>,
    via: Option<&'static str>,
    looked_at: Vec<Told>,
    schedules: Vec<Told>,
    action: &'static str,
    reason: &'static str,
    category: Option<String>,
    clause: Option<String>,
    list: Option<String>,
    rule: Option<String>,
    answer: String,
}

/// One thing looked at and what it said.
#[derive(Debug, Serialize)]
struct Told {
    what: String,
    said: String,
}

fn told(what: impl Into<String>, said: impl Into<String>) -> Told {
    Told { what: what.into(), said: said.into() }
}

impl Walk {
    /// Walks the decision for one client.
    pub fn of(snapshot: &Snapshot, name: &Name, qtype: u16, subject: &Subject, at: Moment) -> Walk {
        let model = snapshot.model();
        let standing = snapshot.standing(at);
        let mut steps: Vec<Step> = Vec::new();
        let (place, verdict, goes) = match gate::admit(model, subject.client) {
            Err(verdict) => (Place::NOWHERE, verdict, Goes::Upstream(None)),
            Ok(place) => {
                let rules = snapshot.rules(&standing);
                let Ruled { verdict, goes, .. } =
                    verdict_for_name(snapshot, &rules, place, name, qtype, subject, &mut steps);
                (place, verdict, goes)
            }
        };
        let mut looked_at = vec![internal(snapshot, &goes)];
        looked_at.extend(steps.iter().flat_map(|step| step_told(snapshot, place, name, step)));
        let schedules = model.schedules.iter().enumerate().map(|(number, schedule)| {
            let state = if standing.has(number) { "in force" } else { "not in force" };
            let until = schedule.next_change(at).map_or_else(
                || "never changes".to_owned(),
                |next| format!("until {}", in_zone(next, &schedule.timezone)),
            );
            told(format!("schedule {}", schedule.name), format!("{state} {until}"))
        });
        let why = verdict.why();
        let mut text = ShortText::new();
        let (category, list, rule) = spoken(snapshot, &verdict, None, &mut text);
        let rule = match rule {
            Rule::None => None,
            Rule::Line { line, labels } => Some(format!("line {line}: {}", name.last_labels(labels as usize))),
            Rule::Text(text) => Some(text.to_owned()),
        };
        let known = subject.known.as_deref();
        Walk {
            name: name.to_string(),
            qtype: Rtype(qtype).to_string(),
            at: in_zone(at, &jiff::tz::TimeZone::system()),
            client: subject.client.to_string(),
            network_zone: place.zone_name(model).to_owned(),
            policy: place.policy(model).map(|policy| policy.name.to_string()),
            user: subject.user().map(str::to_owned),
            device: subject.mac().map(|mac| mac.to_string()),
            host: subject.host().map(str::to_owned),
            via: known.map(|known| known.via.word()),
            looked_at,
            schedules: schedules.collect(),
            action: verdict.action().word(),
            reason: why.reason.word(),
            category: category.map(str::to_owned),
            clause: why.category.and_then(|id| model.category(id).clause.as_deref()).map(str::to_owned),
            list: list.map(str::to_owned),
            rule,
            answer: answer(snapshot, place, &verdict, &goes),
        }
    }

    /// Tells it to a person.
    pub fn print(&self, out: &mut Out) -> std::io::Result<()> {
        let bold = anstyle::Style::new().bold();
        let colour = match self.action {
            word if word == Action::Blocked.word() || word == Action::Refused.word() => anstyle::AnsiColor::Red,
            word if word == Action::Monitored.word() => anstyle::AnsiColor::Yellow,
            _ => anstyle::AnsiColor::Green,
        };
        let strong = anstyle::Style::new().bold().fg_color(Some(colour.into()));
        let mut line = |head: &str, text: &str| out.line(format_args!("{bold}{head:<13}{bold:#} {text}"));
        line("name", &format!("{}, type {}", self.name, self.qtype))?;
        line("at", &self.at)?;
        let policy = self.policy.as_deref().map_or("not served".to_owned(), |policy| format!("policy {policy}"));
        line("client", &format!("{}: network zone {}, {policy}", self.client, self.network_zone))?;
        line("subject", &self.subject())?;
        for (number, looked) in self.looked_at.iter().enumerate() {
            let head = if number == 0 { "looked at" } else { "" };
            line(head, &format!("{}: {}", looked.what, looked.said))?;
        }
        for (number, schedule) in self.schedules.iter().enumerate() {
            let head = if number == 0 { "times" } else { "" };
            line(head, &format!("{}: {}", schedule.what, schedule.said))?;
        }
        let mut spoke = format!("{strong}{}{strong:#} ({})", self.action, self.reason);
        for (what, value) in
            [("category", &self.category), ("list", &self.list), ("rule", &self.rule), ("clause", &self.clause)]
        {
            if let Some(value) = value {
                spoke.push_str(&format!(", {what} {value}"));
            }
        }
        line("verdict", &spoke)?;
        line("answer", &self.answer)
    }

    fn subject(&self) -> String {
        let parts: Vec<String> = [("user", &self.user), ("device", &self.device), ("host", &self.host)]
            .iter()
            .filter_map(|(what, value)| value.as_ref().map(|value| format!("{what} {value}")))
            .collect();
        match self.via {
            Some(via) if !parts.is_empty() => format!("{} (known via {via})", parts.join(", ")),
            _ => "nothing is known beyond the address".to_owned(),
        }
    }
}

fn in_zone(at: Moment, zone: &jiff::tz::TimeZone) -> String {
    at.timestamp().to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}

fn internal(snapshot: &Snapshot, goes: &Goes) -> Told {
    let config = &snapshot.config;
    let judged = |filter: bool| if filter { "policy judges it, too" } else { "answered without categories" };
    let said = match goes {
        Goes::Local(place) => match config.local_zones.get(*place as usize) {
            Some(zone) => format!("in the local zone {}; {}", zone.name, judged(zone.filter)),
            None => "in a local zone".to_owned(),
        },
        Goes::Upstream(Some(place)) => match config.forward_zones.get(*place as usize) {
            Some(zone) => format!("in the forward zone {}; {}", zone.name, judged(zone.filter)),
            None => "in a forward zone".to_owned(),
        },
        Goes::Special(special) => format!("not internal; answered here: {}", special.rule),
        Goes::Upstream(None) => "in no local zone and no forward zone".to_owned(),
    };
    told("internal names", said)
}

fn step_told(snapshot: &Snapshot, place: Place, name: &Name, step: &Step) -> Vec<Told> {
    let model = snapshot.model();
    let entry = |id: EntryId| model.entries.get(id.0 as usize).map_or("", |text| &**text);
    let name_said = |hit: &Option<NameHit>| match hit {
        Some(hit) => format!("{:?} by {}", hit.act, entry(hit.entry)).to_lowercase(),
        None => "none of them is the name or above it".to_owned(),
    };
    match step {
        Step::Withdrawn { by, essential } => vec![told("withdrawals", access::withdrawn(*by, *essential))],
        Step::Grant(id) => vec![told("grants", access::granted(*id))],
        Step::GroupNames { exception, member, hit } => {
            let group = place
                .policy(model)
                .and_then(|policy| policy.exceptions.get(*exception))
                .and_then(|exception| model.groups.get(exception.group))
                .map_or("", |group| &*group.name);
            let said = if *member { name_said(hit) } else { "the subject is not in the group".to_owned() };
            vec![told(format!("names for group {group}"), said)]
        }
        Step::PolicyNames(hit) => vec![told("names of the policy", name_said(hit))],
        Step::Category(hit, ruling) => {
            let category = &model.category(hit.category).name;
            let covered = name.last_labels(hit.labels as usize);
            let list = snapshot.list_name(hit.list);
            let said = format!("{list} line {} ({covered}); {}", hit.line, ruling_said(ruling, &entry));
            vec![told(format!("category {category}"), said)]
        }
        Step::NoCategory => {
            let cancelled = snapshot.matcher().every_rule(name, rtype::A);
            if cancelled.is_empty() {
                vec![told("categories", "the name and its parents are on no list")]
            } else {
                cancelled.iter().map(|found| excepted(snapshot, name, found)).collect()
            }
        }
        Step::Default { block } => {
            vec![told(
                "default",
                if *block { "blocks what nothing speaks for" } else { "allows what nothing speaks against" },
            )]
        }
    }
}

fn ruling_said<'a>(ruling: &Ruling, entry: &impl Fn(EntryId) -> &'a str) -> String {
    match (ruling.act, ruling.entry) {
        (Some(act), Some(at)) => {
            let word = match act {
                Act::Allow => "allowed",
                Act::Monitor => "answered and marked",
                Act::Block => "blocked",
            };
            format!("{word} by {}", entry(at))
        }
        _ => "the policy does not mention this category".to_owned(),
    }
}

fn excepted(snapshot: &Snapshot, name: &Name, found: &Found) -> Told {
    let category = &snapshot.model().category(found.category).name;
    let list = snapshot.list_name(found.list);
    let covered = name.last_labels(found.labels as usize);
    let kind = if found.except { "exception" } else { "listed, but an exception takes it out" };
    told(format!("category {category}"), format!("{list} line {} ({covered}): {kind}", found.line))
}

fn answer(snapshot: &Snapshot, place: Place, verdict: &Verdict, goes: &Goes) -> String {
    let model = snapshot.model();
    let sinkhole = place.sinkhole(model);
    match verdict {
        Verdict::Block(why) => match place.policy(model).map(|policy| policy.response(access::given(why))) {
            Some(Response::Sinkhole) => format!(
                "A {}, AAAA {}, no data for other types, for {} s; extended error 15 (blocked)",
                sinkhole.ipv4, sinkhole.ipv6, sinkhole.ttl
            ),
            Some(Response::Nxdomain) => "NXDOMAIN; extended error 15 (blocked)".to_owned(),
            Some(Response::Nodata) => "no data; extended error 15 (blocked)".to_owned(),
            Some(Response::Refused) | None => "REFUSED; extended error 15 (blocked)".to_owned(),
            Some(Response::Drop) => "none is sent".to_owned(),
        },
        Verdict::Refuse(_) => "REFUSED".to_owned(),
        Verdict::Drop(_) => "none is sent".to_owned(),
        Verdict::Rewrite(..) => "what the policy puts in its place; where that leads is judged, too".to_owned(),
        Verdict::Allow(_) | Verdict::Monitor(_) | Verdict::Grant(_) => match goes {
            Goes::Local(_) => "from the local zone; an alias that leads out of it is judged at its target".to_owned(),
            Goes::Special(_) => "from this resolver itself".to_owned(),
            Goes::Upstream(_) => {
                "from the cache or an upstream; where it leads (CNAME, SVCB, HTTPS) is judged, too".to_owned()
            }
        },
    }
}
