//! What was decided, and why. Plain values of a few octets, so that the way of a query copies them.

/// Which category, as its place in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CategoryId(pub u8);

/// Most categories a configuration may have: as many as a [`CategorySet`] has bits.
pub const MAX_CATEGORIES: usize = 128;

/// A set of categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CategorySet(pub u128);

impl CategorySet {
    /// No category.
    pub const EMPTY: CategorySet = CategorySet(0);

    /// The set with `category` in it too.
    #[must_use]
    pub const fn with(self, category: CategoryId) -> CategorySet {
        CategorySet(self.0 | 1 << category.0)
    }

    /// Whether `category` is in it.
    #[inline]
    pub const fn has(self, category: CategoryId) -> bool {
        self.0 >> category.0 & 1 == 1
    }

    /// Whether it holds nothing.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its categories, lowest first.
    pub fn iter(self) -> impl Iterator<Item = CategoryId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let lowest = rest.trailing_zeros() as u8;
            rest &= rest - 1;
            Some(CategoryId(lowest))
        })
    }
}

impl FromIterator<CategoryId> for CategorySet {
    fn from_iter<I: IntoIterator<Item = CategoryId>>(ids: I) -> CategorySet {
        ids.into_iter().fold(CategorySet::EMPTY, CategorySet::with)
    }
}

/// Which list, as its place in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListId(pub u16);

/// Which entry of the configuration, as its place in the policy model's table of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryId(pub u32);

/// The rule that spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleRef {
    /// A line of a list.
    List {
        /// The list.
        list: ListId,
        /// The line, from 1.
        line: u32,
        /// How many labels of the asked name the rule covers, from the right (`www.bet.example` by a rule for `bet.example`: 2).
        labels: u8,
        /// How the list wants its block answered.
        given: Given,
    },
    /// An entry of the configuration.
    Config(EntryId),
    /// A local zone, as its place in the configuration.
    LocalZone(u16),
    /// A forward zone, as its place in the configuration.
    ForwardZone(u16),
    /// A rule every resolver has by an RFC; the text says which.
    Builtin(&'static str),
    /// A grant.
    Grant(AccessId),
    /// A withdrawal of the subject's access, and by what the subject was known.
    Withdrawal(AccessId, By),
}

/// Which grant or withdrawal: the day it was written and its number on that day. Its text is `g-20261125-0001` or `w-20261125-0001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessId {
    /// Whether it is a withdrawal; a grant otherwise.
    pub withdrawal: bool,
    /// The day in UTC, as a number of eight digits: 20261125.
    pub day: u32,
    /// Its number on that day, from 1.
    pub number: u32,
}

impl AccessId {
    /// Reads its text.
    pub fn parse(text: &str) -> Option<AccessId> {
        let mut parts = text.split('-');
        let (kind, day, number) = (parts.next()?, parts.next()?, parts.next()?);
        let digits = |part: &str| part.bytes().all(|octet| octet.is_ascii_digit());
        if parts.next().is_some() || day.len() != 8 || number.len() < 4 || !digits(day) || !digits(number) {
            return None;
        }
        let withdrawal = match kind {
            "g" => false,
            "w" => true,
            _ => return None,
        };
        let id = AccessId { withdrawal, day: day.parse().ok()?, number: number.parse().ok()? };
        // One text for one id: `0001` and `00001` are not the same text.
        (id.number > 0 && id.to_string() == text).then_some(id)
    }
}

impl std::fmt::Display for AccessId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.withdrawal { 'w' } else { 'g' };
        write!(f, "{kind}-{:08}-{:04}", self.day, self.number)
    }
}

/// By what a subject is known to be the one a grant or a withdrawal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum By {
    /// The user, as attribution knows who is behind the address.
    User,
    /// The device's link-layer address.
    Device,
    /// The client address.
    Client,
}

impl By {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            By::User => "user",
            By::Device => "device",
            By::Client => "client",
        }
    }
}

/// How a list wants its block answered, where its format can say so (RPZ).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Given {
    /// As the policy does: most lists only name names.
    #[default]
    Policy,
    /// NXDOMAIN.
    Nxdomain,
    /// No data.
    Nodata,
    /// Silence.
    Drop,
    /// Truncated over UDP; over streams it is resolved as if it were not listed.
    TcpOnly,
    /// The list's own records, found by list and line.
    Records,
}

/// Why a verdict is what it is: which tier of the order of rules spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The subject's access is withdrawn.
    Withdrawn,
    /// A grant in force.
    Grant,
    /// Nothing spoke: the policy's default.
    Default,
    /// A name written in the policy, or in an exception for a group.
    Name,
    /// The category's action in the policy.
    Category,
    /// The category's action by a schedule in force.
    Schedule,
    /// The category's action for a group the subject belongs to.
    Group,
    /// An internal name: a local zone or a forward zone without `filter`.
    Internal,
    /// A special-use name (RFC 6761) or a reverse zone of private space (RFC 6303).
    SpecialUse,
    /// The client is in no network zone.
    Unmatched,
    /// The answer led to a name or an address that is blocked (its CNAME chain, SVCB or HTTPS target).
    Answer,
    /// The query asks for something a resolver does not do (zone transfer, CHAOS class).
    Unsupported,
}

impl Reason {
    /// The word for it, in `explain`, the API and the console.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::Withdrawn => "withdrawn",
            Reason::Grant => "grant",
            Reason::Default => "default",
            Reason::Name => "name",
            Reason::Category => "category",
            Reason::Schedule => "schedule",
            Reason::Group => "group",
            Reason::Internal => "internal",
            Reason::SpecialUse => "special-use",
            Reason::Unmatched => "unmatched",
            Reason::Answer => "answer",
            Reason::Unsupported => "unsupported",
        }
    }
}

/// The evidence of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Why {
    /// Which tier spoke.
    pub reason: Reason,
    /// For which category, if for one.
    pub category: Option<CategoryId>,
    /// By which rule; none only for the plain default.
    pub rule: Option<RuleRef>,
}

impl Why {
    /// Nothing spoke.
    pub const DEFAULT: Why = Why { reason: Reason::Default, category: None, rule: None };
}

/// What is to be done with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Answer it.
    Allow(Why),
    /// Answer it, and mark the record.
    Monitor(Why),
    /// Answer it by a grant.
    Grant(Why),
    /// Do not answer it: the policy's response.
    Block(Why),
    /// Answer with another name or addresses: the rewrite of the policy at this entry.
    Rewrite(EntryId, Why),
    /// Refuse it (RCODE 5).
    Refuse(Why),
    /// Say nothing.
    Drop(Why),
}

impl Verdict {
    /// The evidence.
    pub const fn why(&self) -> &Why {
        match self {
            Verdict::Allow(why)
            | Verdict::Monitor(why)
            | Verdict::Grant(why)
            | Verdict::Block(why)
            | Verdict::Rewrite(_, why)
            | Verdict::Refuse(why)
            | Verdict::Drop(why) => why,
        }
    }

    /// The action a record shows when the verdict was carried out.
    pub const fn action(&self) -> Action {
        match self {
            Verdict::Allow(_) | Verdict::Rewrite(..) => Action::Allowed,
            Verdict::Monitor(_) => Action::Monitored,
            Verdict::Grant(_) => Action::Granted,
            Verdict::Block(_) => Action::Blocked,
            Verdict::Refuse(_) => Action::Refused,
            Verdict::Drop(_) => Action::Dropped,
        }
    }
}

/// What happened to a query, as the log, the metrics and the console say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Answered.
    Allowed,
    /// Answered, and marked.
    Monitored,
    /// Not answered, by policy.
    Blocked,
    /// Answered by a grant.
    Granted,
    /// Refused: unknown network, unsupported question.
    Refused,
    /// No answer sent.
    Dropped,
    /// It should have been answered and could not be.
    Failed,
}

impl Action {
    /// Every action, in the order of their codes.
    pub const ALL: [Action; 7] = [
        Action::Allowed,
        Action::Monitored,
        Action::Blocked,
        Action::Granted,
        Action::Refused,
        Action::Dropped,
        Action::Failed,
    ];

    /// The word used everywhere.
    pub const fn word(self) -> &'static str {
        match self {
            Action::Allowed => "allowed",
            Action::Monitored => "monitored",
            Action::Blocked => "blocked",
            Action::Granted => "granted",
            Action::Refused => "refused",
            Action::Dropped => "dropped",
            Action::Failed => "failed",
        }
    }
}

/// How a query came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// DNS over TLS (RFC 7858).
    Dot,
    /// DNS over HTTPS (RFC 8484).
    Doh,
    /// DNS over QUIC (RFC 9250).
    Doq,
}

impl Transport {
    /// Every transport, in the order of their codes.
    pub const ALL: [Transport; 5] = [Transport::Udp, Transport::Tcp, Transport::Dot, Transport::Doh, Transport::Doq];

    /// The word used everywhere.
    pub const fn word(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Dot => "dot",
            Transport::Doh => "doh",
            Transport::Doq => "doq",
        }
    }
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Written by policy: blocked, refused, special-use.
    Policy,
    /// A local zone.
    Local,
    /// The cache.
    Cache,
    /// The cache, past its TTL (RFC 8767).
    Stale,
    /// An upstream, just now.
    Upstream,
}

impl Source {
    /// Every source, in the order of their codes.
    pub const ALL: [Source; 5] = [Source::Policy, Source::Local, Source::Cache, Source::Stale, Source::Upstream];

    /// The word used everywhere.
    pub const fn word(self) -> &'static str {
        match self {
            Source::Policy => "policy",
            Source::Local => "local",
            Source::Cache => "cache",
            Source::Stale => "stale",
            Source::Upstream => "upstream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_back_what_was_put_in() {
        let ids = [CategoryId(0), CategoryId(7), CategoryId(127)];
        let set: CategorySet = ids.into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), ids);
        assert!(set.has(CategoryId(127)) && !set.has(CategoryId(1)));
        assert!(CategorySet::EMPTY.is_empty());
    }

    #[test]
    fn an_id_survives_its_own_text_and_no_other_text_is_one() {
        for text in ["g-20261125-0001", "w-20261125-9999", "w-20261125-10000"] {
            assert_eq!(AccessId::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "g",
            "x-20261125-0001",
            "g-2026-0001",
            "g-20261125-1",
            "g-20261125-0000",
            "g-20261125-00001",
            "g-20261125-0001-1",
        ] {
            assert_eq!(AccessId::parse(text), None, "{text}");
        }
    }
}
