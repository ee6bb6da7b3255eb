//! Room 5, fetch: what can be answered at once, without an upstream and without waiting.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::cache::Age;
use crate::cache::{Bits, Cache, Found, Kept, Key};
use crate::dns::answer::{LEAST_BUFFER, Section, Writer};
use crate::dns::ede::{self, Ede};
use crate::dns::ready::Dress;
use crate::dns::types::{class, rcode, rtype};
use crate::dns::view::View;
use crate::dns::{Name, Question, Ready};
use crate::engine::Snapshot;
use crate::engine::front::Front;
use crate::engine::outcome::{Held, Made, Said, spoken};
use crate::engine::rooms::{self, Goes};
use crate::engine::text::ShortText;
use crate::engine::ticket::Open;
use crate::moment::Moment;
use crate::policy::Standing;
use crate::policy::decide::{Rules, judge};
use crate::policy::model::{Response, Rewrite};
use crate::policy::special::{Special, SpecialAnswer};
use crate::record::Rule;
use crate::verdict::{Given, Reason, RuleRef, Source, Verdict, Why};

/// TTL of what policy and special names answer, in seconds, where nothing else says.
const OWN_TTL: u32 = 3_600;

/// Everything a question is answered from, for one client.
#[derive(Clone, Copy)]
pub struct Room<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// Which schedules are in force.
    pub standing: &'a Standing,
    /// What the ticket knows.
    pub open: &'a Open<'a>,
    /// The question.
    pub view: &'a View<'a>,
    /// Most octets the client takes.
    pub limit: usize,
    /// When the answer is written.
    pub now: Moment,
}

impl Room<'_> {
    /// Answers at once where that is possible: by policy, as a special name, or from the cache. None: it has to be fetched.
    ///
    /// `whole` is the hash of the name by the cache's key.
    pub fn at_once<'k>(
        &self,
        cache: &Cache,
        front: &'k mut Front,
        whole: u64,
        goes: Goes,
        out: &mut [u8],
    ) -> Option<Made<'k>> {
        match (&self.open.verdict, goes) {
            (Verdict::Refuse(why), _) => Some(self.refused(why, out)),
            (Verdict::Drop(_), _) => Some(Made::silence()),
            (Verdict::Block(why), _) => match self.own_records(why) {
                // An alias of the list's own has to be followed.
                Some(records) if self.alias_among(&records).is_some() => None,
                Some(records) => Some(self.given(why, &records, out)),
                None => Some(self.blocked(why, None, self.open.until, out)),
            },
            (Verdict::Rewrite(..), _) if self.view.qtype == rtype::ANY => Some(self.any(Source::Policy, out)),
            (Verdict::Rewrite(entry, _), _) => match self.rewrite(*entry) {
                Some(Rewrite::Addresses(addresses)) => Some(self.rewritten(addresses, out)),
                _ => None,
            },
            (_, Goes::Special(special)) if self.view.qtype == rtype::ANY && special.has_records() => {
                Some(self.any(Source::Policy, out))
            }
            (_, Goes::Special(special)) => Some(self.special(&special, out)),
            (_, Goes::Upstream(_)) if self.view.qtype == rtype::ANY => Some(self.any(Source::Policy, out)),
            (_, Goes::Local(place)) => {
                let (kept, leads_out) = from_local_zone(self.snapshot, place, &self.question(), self.open.at)?;
                // What is not there is denied for ANY as for any type; of what is there nothing is told (RFC 8482 section 4).
                if self.view.qtype == rtype::ANY && kept.ready.has_answers() {
                    return Some(self.any(Source::Local, out));
                }
                // An alias that leads out of the zone has to be followed.
                leads_out.is_none().then(|| self.kept(Held::Shared(kept), Source::Local, 0, out))
            }
            (_, Goes::Upstream(_)) => self.at_hand_or_cached(cache, front, whole, out),
        }
    }

    /// From the worker's front, or else from the cache, where the answer has not passed its TTL.
    #[inline]
    fn at_hand_or_cached<'k>(
        &self,
        cache: &Cache,
        front: &'k mut Front,
        whole: u64,
        out: &mut [u8],
    ) -> Option<Made<'k>> {
        let (at, routes) = (self.open.at, self.snapshot.routes);
        let key = Key::new(whole, &self.view.name, self.view.qtype, self.bits());
        if let Some(place) = front.find(&key)
            && let Some(Age::Fresh(age)) = front.at(place).map(|kept| kept.age(at, routes, cache.serve_stale()))
        {
            return front.at(place).map(|kept| self.kept(Held::AtHand(kept), Source::Cache, age, out));
        }
        match cache.find(&key, at, routes) {
            Found::Fresh(kept, age) => {
                front.keep(&key, Arc::clone(&kept));
                Some(self.kept(Held::Shared(kept), Source::Cache, age, out))
            }
            Found::Stale(_) | Found::Missing => None,
        }
    }

    /// The bits of the question that change its answer.
    #[inline]
    pub fn bits(&self) -> Bits {
        Bits { dnssec_ok: self.view.dnssec_ok(), checking_disabled: self.view.checking_disabled }
    }

    /// Makes `out` large enough for an answer to this client, only when there is one: nothing is held while an upstream is waited for.
    pub fn buffer<'o>(&self, out: &'o mut Vec<u8>) -> &'o mut [u8] {
        out.resize(self.limit.max(LEAST_BUFFER), 0);
        out
    }

    /// The question as upstreams and local zones are asked it.
    pub fn question(&self) -> Question {
        Question {
            name: self.view.name,
            qtype: self.view.qtype,
            qclass: class::IN,
            dnssec_ok: self.view.dnssec_ok(),
            checking_disabled: self.view.checking_disabled,
        }
    }

    /// What the policy puts in the place of the name.
    pub fn rewrite(&self, entry: crate::verdict::EntryId) -> Option<&Rewrite> {
        let policy = self.open.place.policy(self.snapshot.model())?;
        policy.rewrites.iter().find(|(at, _)| *at == entry).map(|(_, rewrite)| rewrite)
    }

    /// A kept answer, judged for this client (Q6: the verdict is never kept with it).
    pub fn kept<'k>(&self, kept: Held<'k>, source: Source, age: u32, out: &mut [u8]) -> Made<'k> {
        let (mut marked, mut until) = (None, self.open.until);
        let own = match &self.open.verdict {
            Verdict::Block(why) => Some(why),
            _ => None,
        };
        if kept.ready.has_targets()
            && let Some(policy) = self.open.place.policy(self.snapshot.model())
        {
            let rules = self.rules();
            // An alias within an internal zone leads to a name that is not judged either.
            let judged = |name: &Name| {
                rooms::internal(self.snapshot, rooms::goes(self.snapshot, name, self.view.qtype)).is_none()
            };
            let targets = kept.ready.targets().filter(judged);
            let judged = judge(&rules, policy, &self.open.verdict, targets, self.view.qtype, &self.open.subject);
            until = until.min(judged.until);
            match judged.found {
                Some((name, Verdict::Block(why))) => return self.led_to_blocked(&name, &why, until, out),
                // What a list answers with records of its own stays its block.
                other => marked = other.filter(|_| own.is_none()).map(|(name, verdict)| (verdict, name)),
            }
        }
        let stale = source == Source::Stale;
        let own = own.map(|why| self.block_text(why, None));
        let told = match (stale, kept.ready.rcode(), &own, &kept.ede) {
            (_, _, Some(text), _) => Some(Ede { code: ede::BLOCKED, text: text.as_str() }),
            (true, rcode::NXDOMAIN, _, _) => Some(Ede { code: ede::STALE_NXDOMAIN, text: "" }),
            (true, _, _, _) => Some(Ede { code: ede::STALE_ANSWER, text: "" }),
            (false, _, _, Some(told)) => Some(Ede { code: told.0, text: &told.1 }),
            (false, _, _, None) => None,
        };
        let dress = Dress {
            limit: self.limit,
            age,
            // RFC 8767 section 4 recommends 30 seconds.
            stale_ttl: stale.then_some(30),
            most_ttl: (until < Moment(i64::MAX)).then(|| self.bounded(u32::MAX, until)),
            authoritative: source == Source::Local && kept.ready.is_authoritative(),
            authentic: kept.authentic,
            ede: told,
        };
        let octets = kept.ready.write(self.view, out, &dress);
        let told = told.filter(|_| self.view.edns.is_some()).map(|told| told.code);
        Made { verdict: marked, ..Made::kept(octets, kept, source, told) }
    }

    /// The answer led to a blocked name: the whole answer is blocked, by the rule of that name.
    pub fn led_to_blocked(&self, name: &Name, why: &Why, until: Moment, out: &mut [u8]) -> Made<'static> {
        let why = Why { reason: Reason::Answer, ..*why };
        let made = self.blocked(&why, Some(name), until, out);
        Made { verdict: Some((Verdict::Block(why), *name)), ..made }
    }

    /// A block, as the policy wants it answered, or else the list; good until `until`.
    pub fn blocked(&self, why: &Why, judged: Option<&Name>, until: Moment, out: &mut [u8]) -> Made<'static> {
        let model = self.snapshot.model();
        let policy = self.open.place.policy(model);
        let (given, labels) = match (why.rule, judged) {
            (Some(RuleRef::List { labels, given, .. }), None) => (given, labels as usize),
            (Some(RuleRef::List { given, .. }), Some(_)) => (given, self.view.name.label_count()),
            _ => (Given::Policy, self.view.name.label_count()),
        };
        if given == Given::TcpOnly && policy.is_some_and(|policy| policy.response.is_none()) {
            return self.told_to_use_tcp(why, judged, out);
        }
        let response = policy.map_or(Response::Refused, |policy| {
            // Software that follows an alias to a signal takes its address for one, too.
            let own = policy.response(given, &self.view.name);
            judged.filter(|_| own == Response::Sinkhole).map_or(own, |name| policy.response(given, name))
        });
        let sinkhole = self.open.place.sinkhole(model);
        let ttl = self.bounded(sinkhole.ttl, until);
        let code = match response {
            Response::Sinkhole | Response::Nodata => rcode::NOERROR,
            Response::Nxdomain => rcode::NXDOMAIN,
            Response::Refused => rcode::REFUSED,
            Response::Drop => return Made { source: Some(Source::Policy), ..Made::silence() },
        };
        let mut writer = Writer::new(self.view, code, out, self.limit);
        let mut said = Said::Nothing;
        match (response, self.view.qtype) {
            (Response::Refused, _) => {}
            (Response::Sinkhole, rtype::A) => {
                writer.a(ttl, sinkhole.ipv4);
                said = Said::address(sinkhole.ipv4.into());
            }
            (Response::Sinkhole, rtype::AAAA) => {
                writer.aaaa(ttl, sinkhole.ipv6);
                said = Said::address(sinkhole.ipv6.into());
            }
            _ => writer.soa(labels, ttl),
        }
        let text = self.block_text(why, judged);
        let octets = writer.finish(Some(Ede { code: ede::BLOCKED, text: text.as_str() }));
        let told = self.view.edns.map(|_| ede::BLOCKED);
        Made { said, ..Made::policy(octets, code, told) }
    }

    /// What the policy decides by where an answer leads.
    pub fn rules(&self) -> Rules<'_> {
        let (snapshot, open) = (self.snapshot, self.open);
        let led_by_essential = !snapshot.access.is_empty() && snapshot.model().is_essential(&self.view.name);
        Rules { led_by_essential, ..rooms::over(snapshot.rules(self.standing), open.transport) }
    }

    /// A TTL in seconds, so that no answer outlives `until`.
    pub fn bounded(&self, ttl: u32, until: Moment) -> u32 {
        let left = until.since(self.now).as_secs();
        ttl.min(u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// Category, clause and reference, for the person behind the client. The reference names generation and rule, so that an admin
    /// finds what spoke; it does not name the person.
    pub(super) fn block_text(&self, why: &Why, judged: Option<&Name>) -> ShortText<192> {
        // Only a client that speaks EDNS can be told.
        if self.view.edns.is_none() {
            return ShortText::new();
        }
        let mut rule_text = ShortText::new();
        let verdict = Verdict::Block(*why);
        let (_, list, rule) = spoken(self.snapshot, &verdict, judged, &mut rule_text);
        let generation = self.snapshot.generation;
        let category = why.category.map(|id| self.snapshot.model().category(id));
        let title = match category {
            Some(category) => &category.title,
            None if matches!(why.rule, Some(RuleRef::Withdrawal(..))) => "Access is withdrawn",
            None => "Blocked by policy",
        };
        let clause = category.and_then(|category| category.clause.as_deref()).unwrap_or("");
        let separator = if clause.is_empty() { "" } else { "; " };
        let mut text = ShortText::new();
        [title, separator, clause, "; ref "].into_iter().for_each(|part| text.add(part));
        text.add_number(generation);
        match (list, why.rule, rule) {
            (Some(list), Some(RuleRef::List { line, .. }), _) => {
                ["/", list, ":"].into_iter().for_each(|part| text.add(part));
                text.add_number(line.into());
            }
            (_, _, Rule::Text(rule)) => ["/", rule].into_iter().for_each(|part| text.add(part)),
            _ => {}
        }
        text
    }

    /// REFUSED, with the reason.
    pub fn refused(&self, why: &Why, out: &mut [u8]) -> Made<'static> {
        let (code, text) = match why.rule {
            Some(RuleRef::Builtin(text)) if why.reason == Reason::Unsupported => (ede::NOT_SUPPORTED, text),
            _ => (ede::PROHIBITED, "this client is in no network zone"),
        };
        let octets = Writer::new(self.view, rcode::REFUSED, out, self.limit).finish(Some(Ede { code, text }));
        Made::policy(octets, rcode::REFUSED, self.view.edns.map(|_| code))
    }

    /// Addresses the policy gives for the name.
    fn rewritten(&self, addresses: &[IpAddr], out: &mut [u8]) -> Made<'static> {
        let mut writer = Writer::new(self.view, rcode::NOERROR, out, self.limit);
        let mut said = Said::Nothing;
        let ttl = self.bounded(OWN_TTL, self.open.until);
        for address in addresses {
            match (address, self.view.qtype) {
                (IpAddr::V4(v4), rtype::A) => writer.a(ttl, *v4),
                (IpAddr::V6(v6), rtype::AAAA) => writer.aaaa(ttl, *v6),
                _ => continue,
            }
            if matches!(said, Said::Nothing) {
                said = Said::address(*address);
            }
        }
        if matches!(said, Said::Nothing) {
            writer.soa(self.view.name.label_count(), ttl);
        }
        Made { said, ..Made::policy(writer.finish(None), rcode::NOERROR, None) }
    }

    fn special(&self, special: &Special, out: &mut [u8]) -> Made<'static> {
        let code = match special.answer {
            SpecialAnswer::Nxdomain => rcode::NXDOMAIN,
            _ => rcode::NOERROR,
        };
        let mut writer = Writer::new(self.view, code, out, self.limit);
        let mut said = Said::Nothing;
        let ttl = self.bounded(OWN_TTL, self.open.until);
        match (special.answer, self.view.qtype) {
            (SpecialAnswer::Loopback, rtype::A) => {
                writer.a(ttl, Ipv4Addr::LOCALHOST);
                said = Said::address(Ipv4Addr::LOCALHOST.into());
            }
            (SpecialAnswer::Loopback, rtype::AAAA) => {
                writer.aaaa(ttl, Ipv6Addr::LOCALHOST);
                said = Said::address(Ipv6Addr::LOCALHOST.into());
            }
            (SpecialAnswer::PointsToLocalhost, _) => {
                writer.pointing(rtype::PTR, ttl, &LOCALHOST);
                said = Said::Text(ShortText::of(format_args!("localhost")));
            }
            (answer @ (SpecialAnswer::Version | SpecialAnswer::Id), _) => {
                let text = rooms::own_text(self.snapshot, answer).unwrap_or_default();
                // Not to be kept by anybody: behind an address that several servers share, the next answer may be another's.
                writer.text(0, text);
                said = Said::Text(ShortText::of(format_args!("{text}")));
            }
            (SpecialAnswer::Apex, rtype::NS) => writer.ns_of_empty_zone(ttl),
            (SpecialAnswer::Apex, _) => writer.soa_of_empty_zone(Section::Answer, special.labels, ttl),
            _ => writer.soa_of_empty_zone(Section::Authority, special.labels, ttl),
        }
        Made { said, ..Made::policy(writer.finish(None), code, None) }
    }

    fn any(&self, source: Source, out: &mut [u8]) -> Made<'static> {
        let mut writer = Writer::new(self.view, rcode::NOERROR, out, self.limit);
        if source == Source::Local {
            writer.authoritative();
        }
        writer.hinfo(self.bounded(OWN_TTL, self.open.until));
        Made { source: Some(source), ..Made::policy(writer.finish(None), rcode::NOERROR, None) }
    }
}

/// What stands for a local zone where an upstream is named.
pub const LOCAL: &str = "local";

/// The answer of a local zone, and where its aliases leave it. None: the answer could not be put into a message.
pub fn from_local_zone(
    snapshot: &Snapshot,
    place: u16,
    question: &Question,
    at: Moment,
) -> Option<(Arc<Kept>, Option<Name>)> {
    let zone = snapshot.local.find(&question.name).filter(|zone| zone.place() == place)?;
    let answer = snapshot.local.answer(zone, question).ok()?;
    let ready = Ready::from_wire(answer.wire, answer.rcode).ok()?;
    let bits = Bits { dnssec_ok: question.dnssec_ok, checking_disabled: question.checking_disabled };
    let (routes, upstream) = (snapshot.routes, LOCAL.into());
    let kept = Kept { ready, born: at, routes, bits, authentic: false, upstream, ede: None };
    Some((Arc::new(kept), answer.leads_out))
}

/// `localhost` in wire form.
static LOCALHOST: std::sync::LazyLock<Name> =
    std::sync::LazyLock::new(|| Name::from_wire(b"\x09localhost\x00").unwrap_or(Name::ROOT));
