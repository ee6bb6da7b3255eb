//! The policy as meant: checked, names resolved to places, ready to be asked.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::dns::Name;
use crate::policy::signal::signal;
use crate::policy::{NameRules, NetworkMap, Schedule};
use crate::subject::{Mac, Subject};
use crate::verdict::{CategoryId, CategorySet, EntryId, Given};

/// Everything a verdict depends on, but for the lists themselves.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Categories by [`CategoryId`].
    pub categories: Vec<Category>,
    /// Policies; a network zone names one by its place.
    pub policies: Vec<Policy>,
    /// Network zones, as written.
    pub network_zones: Vec<NetworkZone>,
    /// Which network zone a client belongs to, by longest prefix.
    pub networks: NetworkMap,
    /// What happens to clients of no network zone.
    pub unmatched: Unmatched,
    /// Schedules; a timed entry names one by its place.
    pub schedules: Vec<Schedule>,
    /// Groups; an exception names one by its place.
    pub groups: Vec<Group>,
    /// Names that stay answered for whoever's access is withdrawn.
    pub essential: NameRules,
    /// The text of every configuration entry that can speak, by [`EntryId`], such as `policy.standard.deny[0] example-casino.test`.
    pub entries: Vec<Box<str>>,
}

/// A named set of names.
#[derive(Clone, Debug)]
pub struct Category {
    /// Its name in configuration, log and metrics.
    pub name: Box<str>,
    /// Its title for people.
    pub title: Box<str>,
    /// The clause of the organisation's own procedure it enforces; shown with a block.
    pub clause: Option<Box<str>>,
}

/// What a policy does with a category or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Answer.
    Allow,
    /// Answer, and mark the record.
    Monitor,
    /// Do not answer.
    Block,
}

impl Act {
    /// The word of the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Act::Allow => "allow",
            Act::Monitor => "monitor",
            Act::Block => "block",
        }
    }
}

/// How a blocked question is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Response {
    /// The network zone's sinkhole addresses; NODATA for other types.
    #[default]
    Sinkhole,
    /// NXDOMAIN with an SOA.
    Nxdomain,
    /// No data, with an SOA.
    Nodata,
    /// RCODE 5.
    Refused,
    /// Nothing.
    Drop,
}

/// What happens to each category and name, for the network zones that use it.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: Box<str>,
    /// Place of the policy it starts from in [`Model::policies`], if it starts from one; what is here holds that one's lines already.
    pub inherits: Option<usize>,
    /// How a block is answered, where the configuration says so; else as a list wants it, and by the sinkhole.
    pub response: Option<Response>,
    /// `allow`, `deny` and `rewrite`: names written in the policy itself.
    pub names: NameRules,
    /// Rewrites by entry: what stands in for the name.
    pub rewrites: Vec<(EntryId, Rewrite)>,
    /// The action of each category without regard to time or group, by [`CategoryId`]; none where the policy does not mention it.
    pub actions: Vec<Option<(Act, EntryId)>>,
    /// Actions that hold during a schedule.
    pub timed: Vec<Timed>,
    /// Actions that hold for a group.
    pub exceptions: Vec<Exception>,
    /// Whether a name on which nothing speaks is blocked.
    pub default_block: bool,
    /// The entry that names the default, where the configuration writes one.
    pub default_entry: Option<EntryId>,
}

impl Policy {
    /// How a block of `name` is answered that was made by a rule which wants it so.
    pub fn response(&self, given: Given, name: &Name) -> Response {
        match self.signalled(given, name) {
            Some(_) => Response::Nxdomain,
            None => self.meant(given),
        }
    }

    /// Why a block of `name` is answered NXDOMAIN and not by the sinkhole; none where the name is no signal, or where policy or list do not
    /// want the sinkhole.
    pub fn signalled(&self, given: Given, name: &Name) -> Option<&'static str> {
        signal(name).filter(|_| self.meant(given) == Response::Sinkhole)
    }

    /// What policy and list want, whatever the name.
    fn meant(&self, given: Given) -> Response {
        match (self.response, given) {
            (Some(written), _) => written,
            (None, Given::Nxdomain) => Response::Nxdomain,
            (None, Given::Nodata) => Response::Nodata,
            (None, Given::Drop) => Response::Drop,
            (None, Given::Policy | Given::TcpOnly | Given::Records) => Response::default(),
        }
    }
}

/// What stands in for a rewritten name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// Another name, resolved and judged in its turn.
    Name(Box<Name>),
    /// Addresses, given as they are.
    Addresses(Vec<IpAddr>),
}

/// An action for categories while a schedule is in force.
#[derive(Clone, Debug)]
pub struct Timed {
    /// For which categories.
    pub categories: CategorySet,
    /// Place of the schedule in [`Model::schedules`].
    pub schedule: usize,
    /// What then.
    pub action: Act,
    /// Where it is written.
    pub entry: EntryId,
}

/// An action for a group.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Place of the group in [`Model::groups`].
    pub group: usize,
    /// For which categories.
    pub categories: CategorySet,
    /// For which names: each carries the exception's own action.
    pub names: NameRules,
    /// What then, for the categories.
    pub action: Act,
    /// Where it is written.
    pub entry: EntryId,
}

/// A named set of subjects.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Its name.
    pub name: Box<str>,
    /// Users, lower-cased.
    pub users: HashSet<Box<str>>,
    /// Devices.
    pub devices: HashSet<Mac>,
    /// Client prefixes.
    pub clients: Vec<IpNet>,
    /// The directory group that names its members, if any.
    pub directory: Option<Box<str>>,
}

/// What makes a subject a member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The client's address is within this prefix.
    Client(IpNet),
    /// The device.
    Device(Mac),
    /// The user.
    User,
    /// The directory group, as the source of the attribution names it.
    Directory,
}

impl Group {
    /// Through what the subject belongs to the group, where it does: [`Group::has`] for people who want to know why.
    pub fn through(&self, subject: &Subject) -> Option<Through> {
        if let Some(prefix) = self.clients.iter().find(|prefix| prefix.contains(&subject.client)) {
            return Some(Through::Client(*prefix));
        }
        let known = subject.known.as_deref()?;
        let device = known.device.mac.filter(|mac| self.devices.contains(mac)).map(Through::Device);
        let user = || subject.user().filter(|user| self.users.contains(*user)).map(|_| Through::User);
        let named = || self.directory.as_ref().is_some_and(|directory| known.groups.contains(directory));
        device.or_else(user).or_else(|| (!known.shared && named()).then_some(Through::Directory))
    }

    /// Whether the subject belongs to the group.
    pub fn has(&self, subject: &Subject) -> bool {
        if self.clients.iter().any(|prefix| prefix.contains(&subject.client)) {
            return true;
        }
        let Some(known) = subject.known.as_deref() else {
            return false;
        };
        known.device.mac.is_some_and(|mac| self.devices.contains(&mac))
            || subject.user().is_some_and(|user| self.users.contains(user))
            || (!known.shared && self.directory.as_ref().is_some_and(|directory| known.groups.contains(directory)))
    }
}

/// A named set of client prefixes with a policy.
#[derive(Clone, Debug)]
pub struct NetworkZone {
    /// Its name.
    pub name: Box<str>,
    /// Its client prefixes.
    pub clients: Vec<IpNet>,
    /// Place of its policy in [`Model::policies`].
    pub policy: usize,
    /// Where blocked names lead.
    pub sinkhole: Sinkhole,
}

/// Where blocked names lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sinkhole {
    /// Answer to A.
    pub ipv4: Ipv4Addr,
    /// Answer to AAAA.
    pub ipv6: Ipv6Addr,
    /// Time to live of every blocked answer, in seconds.
    pub ttl: u32,
}

impl Default for Sinkhole {
    fn default() -> Sinkhole {
        Sinkhole { ipv4: Ipv4Addr::UNSPECIFIED, ipv6: Ipv6Addr::UNSPECIFIED, ttl: 10 }
    }
}

/// What happens to clients of no network zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmatched {
    /// RCODE 5.
    #[default]
    Refuse,
    /// Nothing.
    Drop,
    /// Decided by the policy at this place, with the default sinkhole.
    Policy(usize),
}

impl Model {
    /// Name of a category; ids come from this model, so it is always found.
    pub fn category(&self, id: CategoryId) -> &Category {
        &self.categories[id.0 as usize]
    }

    /// Whether a name stays answered for whoever's access is withdrawn.
    pub fn is_essential(&self, name: &Name) -> bool {
        self.essential.find(name).is_some()
    }

    /// Adds the text of a configuration entry and gives its id.
    pub fn add_entry(&mut self, text: impl Into<Box<str>>) -> EntryId {
        self.entries.push(text.into());
        EntryId((self.entries.len() - 1) as u32)
    }
}
