//! One decision, told step by step.

use serde::Serialize;

use super::access;
use super::changes::Changes;
use super::decided::{Decided, Spoken};
use super::in_zone;
use super::looked::{Looked, Looking};
use crate::cli::Out;
use crate::dns::Name;
use crate::engine::Snapshot;
use crate::engine::rooms::Goes;
use crate::moment::Moment;
use crate::policy::Model;
use crate::policy::decide::Step;
use crate::policy::model::Response;
use crate::record::rtype::Rtype;
use crate::subject::Subject;
use crate::verdict::{Action, Verdict};

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
    /// The policies it starts from, nearest first.
    inherits: Vec<String>,
    user: Option<String>,
    device: Option<String>,
    host: Option<String>,
    via: Option<&'static str>,
    looked_at: Vec<Looked>,
    schedules: Vec<Standing>,
    changes: Changes,
    #[serde(flatten)]
    spoken: Spoken,
    clause: Option<String>,
    answer: String,
}

/// A schedule and where it stands.
#[derive(Debug, Serialize)]
struct Standing {
    schedule: String,
    in_force: bool,
    /// When it begins or ends next, by its own clock; none: never.
    until: Option<String>,
    /// The same in UTC (RFC 3339).
    until_utc: Option<String>,
}

impl Walk {
    /// Walks the decision for one client.
    pub fn of(snapshot: &Snapshot, name: &Name, qtype: u16, subject: &Subject, at: Moment) -> Walk {
        let model = snapshot.model();
        let standing = snapshot.standing(at);
        let mut steps: Vec<Step> = Vec::new();
        let decided = Decided::of(snapshot, &standing, name, qtype, subject, &mut steps);
        let spoken = decided.spoken(snapshot, name);
        let policy = decided.place.policy(model);
        let looking = Looking { snapshot, policy, name, qtype, subject, at, decided: &decided };
        let schedules = model.schedules.iter().enumerate().map(|(number, schedule)| {
            let next = schedule.next_change(at);
            Standing {
                schedule: schedule.name.to_string(),
                in_force: standing.has(number),
                until: next.map(|next| in_zone(next, &schedule.timezone)),
                until_utc: next.map(|next| next.to_string()),
            }
        });
        let category = decided.verdict.why().category;
        Walk {
            name: name.to_string(),
            qtype: Rtype(qtype).to_string(),
            at: in_zone(at, &jiff::tz::TimeZone::system()),
            client: subject.client.to_string(),
            network_zone: decided.place.zone_name(model).to_owned(),
            policy: policy.map(|policy| policy.name.to_string()),
            inherits: inherited(model, decided.place.policy),
            user: subject.user().map(str::to_owned),
            device: subject.mac().map(|mac| mac.to_string()),
            host: subject.host().map(str::to_owned),
            via: subject.known.as_deref().map(|known| known.via.word()),
            looked_at: looking.all(&steps),
            schedules: schedules.collect(),
            changes: Changes::of(snapshot, name, qtype, subject, at, &decided),
            clause: category.and_then(|id| model.category(id).clause.as_deref()).map(str::to_owned),
            answer: answer(snapshot, &decided, name),
            spoken,
        }
    }

    /// Tells it to a person.
    pub fn print(&self, out: &mut Out) -> std::io::Result<()> {
        let bold = anstyle::Style::new().bold();
        let colour = match self.spoken.action {
            word if word == Action::Blocked.word() || word == Action::Refused.word() => anstyle::AnsiColor::Red,
            word if word == Action::Monitored.word() => anstyle::AnsiColor::Yellow,
            _ => anstyle::AnsiColor::Green,
        };
        let strong = anstyle::Style::new().bold().fg_color(Some(colour.into()));
        let mut line = |head: &str, text: &str| out.line(format_args!("{bold}{head:<13}{bold:#} {text}"));
        line("name", &format!("{}, type {}", self.name, self.qtype))?;
        line("at", &self.at)?;
        let policy = self.policy.as_deref().map_or("not served".to_owned(), |policy| {
            let from = self.inherits.iter().map(|parent| format!(", inherits {parent}"));
            format!("policy {policy}{}", from.collect::<String>())
        });
        line("client", &format!("{}: network zone {}, {policy}", self.client, self.network_zone))?;
        line("subject", &self.subject())?;
        for (number, looked) in self.looked_at.iter().enumerate() {
            let head = if number == 0 { "looked at" } else { "" };
            let mark = |speaks: bool| if speaks { '>' } else { '-' };
            line(head, &format!("{} {}: {}", mark(looked.spoke), looked.what, looked.said))?;
            for part in &looked.within {
                line("", &format!("    {} {}: {}", mark(part.counts), part.what, part.said))?;
            }
        }
        for (number, schedule) in self.schedules.iter().enumerate() {
            let head = if number == 0 { "schedules" } else { "" };
            let state = if schedule.in_force { "in force" } else { "not in force" };
            let until = schedule.until.as_deref().map_or("for good".to_owned(), |until| format!("until {until}"));
            line(head, &format!("{}: {state} {until}", schedule.schedule))?;
        }
        let mut spoke = format!("{strong}{}{strong:#} ({})", self.spoken.action, self.spoken.reason);
        spoke.push_str(self.spoken.told().strip_prefix(self.spoken.reason).unwrap_or_default());
        spoke.extend(self.clause.iter().map(|clause| format!(", clause {clause}")));
        line("verdict", &spoke)?;
        line("answer", &self.answer)?;
        for (number, change) in self.changes.told().iter().enumerate() {
            line(if number == 0 { "changes next" } else { "" }, change)?;
        }
        Ok(())
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

/// The policies that the one at `place` starts from, nearest first.
fn inherited(model: &Model, place: Option<usize>) -> Vec<String> {
    let parent = |place: &usize| model.policies.get(*place).and_then(|policy| policy.inherits);
    let chain = std::iter::successors(place.as_ref().and_then(parent), parent);
    chain.filter_map(|place| model.policies.get(place)).map(|policy| policy.name.to_string()).collect()
}

fn answer(snapshot: &Snapshot, decided: &Decided, name: &Name) -> String {
    let model = snapshot.model();
    let Decided { place, verdict, goes, .. } = decided;
    let sinkhole = place.sinkhole(model);
    let policy = place.policy(model);
    let own = |why| policy.and_then(|policy| access::own_way(snapshot, policy, why, name));
    let signalled = |why| policy.and_then(|policy| policy.signalled(access::given(why), name));
    match verdict {
        Verdict::Block(why) if let Some(own) = own(why) => format!("{own}; extended error 15 (blocked)"),
        Verdict::Block(why) if let Some(signalled) = signalled(why) => {
            format!("NXDOMAIN in place of the sinkhole, since {signalled}; extended error 15 (blocked)")
        }
        Verdict::Block(why) => match policy.map(|policy| policy.response(access::given(why), name)) {
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
