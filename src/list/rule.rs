//! What one entry of a list says.

use crate::dns::Name;
use crate::verdict::Given;

/// What one entry of a list says of a name and those below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name.
    pub name: Name,
    /// For which names.
    pub scope: Scope,
    /// What it says of them.
    pub says: Says,
    /// For which types of question; nearly always all.
    pub types: Types,
}

/// For which names a rule speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The name and all below it.
    #[default]
    Tree,
    /// The name alone.
    Alone,
    /// All below the name, not the name itself.
    Below,
}

/// What a rule says. Within one list the strongest rule that applies speaks: an important exception, an important listing, an exception
/// that always counts, and then by length, where at equal length an exception beats a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// The name is on the list.
    Lists(Answer),
    /// The name is on the list whatever exceptions the list has, but for important ones.
    ListsImportant,
    /// The name is not on the list, unless a longer rule of the list says so.
    Except,
    /// The name is not on the list, however long the rule that lists it.
    ExceptAlways,
    /// The name is not on the list, whatever else it says.
    ExceptImportant,
    /// Shorter rules of the list do not reach the name; one of the same length does.
    Hole,
}

/// How a list wants its block answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// As the policy does.
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
    /// The list's own records.
    Records(Box<[OwnRecord]>),
}

/// A record that a list gives in the place of the true ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnRecord {
    /// An alias, resolved and judged in its turn; with `prefixed` the name asked for stands before the target.
    Alias {
        /// The target.
        target: Box<Name>,
        /// Whether the target was written with a leading wildcard.
        prefixed: bool,
        /// Time to live, in seconds.
        ttl: u32,
    },
    /// Any other record.
    Other {
        /// Its type.
        rtype: u16,
        /// Time to live, in seconds.
        ttl: u32,
        /// Its RDATA in wire form, without compression.
        rdata: Box<[u8]>,
    },
}

/// For which types of question a rule speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Types {
    /// All.
    #[default]
    All,
    /// These.
    Only(Box<[u16]>),
    /// All but these.
    AllBut(Box<[u16]>),
}

impl Rule {
    /// The usual rule: the name and all below it are on the list.
    pub fn listing(name: Name) -> Rule {
        Rule { name, scope: Scope::Tree, says: Says::Lists(Answer::Policy), types: Types::All }
    }

    /// Whether this is the usual rule for its name.
    pub fn is_usual(&self) -> bool {
        matches!(self, Rule { scope: Scope::Tree, says: Says::Lists(Answer::Policy), types: Types::All, .. })
    }

    /// The usual exception: the name and all below it are not on the list.
    pub fn exception(name: Name) -> Rule {
        Rule { name, scope: Scope::Tree, says: Says::Except, types: Types::All }
    }
}

impl Types {
    /// Whether the rule speaks for questions of this type.
    pub fn has(&self, qtype: u16) -> bool {
        match self {
            Types::All => true,
            Types::Only(types) => types.contains(&qtype),
            Types::AllBut(types) => !types.contains(&qtype),
        }
    }
}

impl Answer {
    /// The word for it that a verdict carries.
    pub const fn given(&self) -> Given {
        match self {
            Answer::Policy => Given::Policy,
            Answer::Nxdomain => Given::Nxdomain,
            Answer::Nodata => Given::Nodata,
            Answer::Drop => Given::Drop,
            Answer::TcpOnly => Given::TcpOnly,
            Answer::Records(_) => Given::Records,
        }
    }
}

/// What a list is for its category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Its names are in the category.
    Lists,
    /// Its names are not in the category, whichever list holds them.
    ExceptCategory,
    /// Its names are not in the category by the list at this place; other lists may still hold them.
    ExceptList(crate::verdict::ListId),
}
