//! What an error does, and what a record says of it: the one table from blame to response code, extended error and row.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use crate::cache::Kept;
use crate::dns::Name;
use crate::engine::Snapshot;
use crate::engine::text::ShortText;
use crate::record::Rule;
use crate::verdict::{Action, RuleRef, Source, Verdict};

/// What was made of a query, ready to be closed.
pub struct Made<'k> {
    /// Octets of the buffer to send; 0 for silence.
    pub octets: usize,
    /// Response code; none for silence.
    pub rcode: Option<u16>,
    /// First extended error.
    pub ede: Option<u16>,
    /// Where the answer came from.
    pub source: Option<Source>,
    /// What was answered.
    pub said: Said<'k>,
    /// The upstream that failed, where one did.
    pub upstream: Option<Arc<str>>,
    /// The verdict that replaced the ticket's, and the name it was made for, where the answer led to a blocked name.
    pub verdict: Option<(Verdict, Name)>,
    /// The action, where it is not that of the verdict.
    pub action: Option<Action>,
}

/// What was answered, for the record.
pub enum Said<'k> {
    /// No address and no target.
    Nothing,
    /// This.
    Text(ShortText<48>),
    /// What the kept answer says.
    Kept(Held<'k>),
}

/// A kept answer: at hand at the worker's front, or a share in it.
pub enum Held<'k> {
    /// At hand.
    AtHand(&'k Kept),
    /// A share.
    Shared(Arc<Kept>),
}

impl Deref for Held<'_> {
    type Target = Kept;

    #[inline]
    fn deref(&self) -> &Kept {
        match self {
            Held::AtHand(kept) => kept,
            Held::Shared(kept) => kept,
        }
    }
}

impl Said<'_> {
    /// An address.
    pub fn address(address: IpAddr) -> Said<'static> {
        Said::Text(match address {
            IpAddr::V4(address) => ShortText::of_ipv4(address),
            IpAddr::V6(address) => ShortText::of(format_args!("{address}")),
        })
    }
}

impl<'k> Made<'k> {
    /// An answer of `octets` with a response code, written by policy.
    pub fn policy(octets: usize, rcode: u16, ede: Option<u16>) -> Made<'k> {
        Made {
            octets,
            rcode: Some(rcode),
            ede,
            source: Some(Source::Policy),
            said: Said::Nothing,
            upstream: None,
            verdict: None,
            action: None,
        }
    }

    /// Silence by policy.
    pub fn silence() -> Made<'k> {
        Made { octets: 0, rcode: None, ede: None, ..Made::policy(0, 0, None) }
    }

    /// A query that was given up before it could be answered.
    pub fn lost() -> Made<'k> {
        Made { source: None, action: Some(Action::Failed), ..Made::silence() }
    }

    /// What a kept answer was made into.
    pub fn kept(octets: usize, kept: Held<'k>, source: Source, ede: Option<u16>) -> Made<'k> {
        Made {
            rcode: Some(kept.ready.rcode()),
            ede,
            source: Some(source),
            said: Said::Kept(kept),
            ..Made::policy(octets, 0, None)
        }
    }
}

/// What a record says of the rule that spoke: category, list, rule. `judged` is the name the verdict was made for, where it is not the one
/// asked for.
pub fn spoken<'a>(
    snapshot: &'a Snapshot,
    verdict: &Verdict,
    judged: Option<&Name>,
    text: &'a mut ShortText<320>,
) -> (Option<&'a str>, Option<&'a str>, Rule<'a>) {
    let why = verdict.why();
    let category = why.category.map(|id| &*snapshot.model().category(id).name);
    match why.rule {
        None => (category, None, Rule::None),
        Some(RuleRef::List { list, line, labels, .. }) => {
            let rule = match judged {
                None => Rule::Line { line, labels },
                Some(name) => {
                    *text = ShortText::of(format_args!("{line}:{}", name.last_labels(labels as usize)));
                    Rule::Text(text.as_str())
                }
            };
            (category, Some(snapshot.list_name(list)), rule)
        }
        Some(RuleRef::Config(entry)) => {
            (category, None, Rule::Text(snapshot.model().entries.get(entry.0 as usize).map_or("", |e| e)))
        }
        Some(RuleRef::LocalZone(place)) => {
            let zone = snapshot.config.local_zones.get(place as usize).map(|zone| zone.name);
            *text = ShortText::of(format_args!("local_zone {}", zone.unwrap_or(Name::ROOT)));
            (category, None, Rule::Text(text.as_str()))
        }
        Some(RuleRef::ForwardZone(place)) => {
            let zone = snapshot.config.forward_zones.get(place as usize).map(|zone| zone.name);
            *text = ShortText::of(format_args!("forward_zone {}", zone.unwrap_or(Name::ROOT)));
            (category, None, Rule::Text(text.as_str()))
        }
        Some(RuleRef::Builtin(rule)) => (category, None, Rule::Text(rule)),
        Some(RuleRef::Grant(id)) => {
            *text = ShortText::of(format_args!("{id}"));
            (category, None, Rule::Text(text.as_str()))
        }
        Some(RuleRef::Withdrawal(id, by)) => {
            *text = ShortText::of(format_args!("{id} by {}", by.word()));
            (category, None, Rule::Text(text.as_str()))
        }
    }
}
