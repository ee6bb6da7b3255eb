//! A line of the journal, as written (version 1).

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::dns::Name;
use crate::moment::Moment;
use crate::policy::access::{Holder, Opens};
use crate::subject::Mac;

/// Version of the lines written.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Version, 1.
    pub v: u32,
    /// Which grant or withdrawal it is about: `g-20261125-0001`, `w-20261125-0001`.
    pub id: String,
    /// When it was written.
    #[serde(with = "stamp")]
    pub at: Moment,
    /// The account behind the terminal.
    pub who: String,
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
    /// SHA-256 of the line before without its end, hex; null for the first.
    pub prev: Option<String>,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Entry {
    /// A permission for a while.
    Grant {
        /// For whom.
        subject: Whose,
        /// The name it opens: with all below it, or alone with `=` before it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        name: Option<String>,
        /// The category it opens.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        category: Option<String>,
        /// For how long.
        minutes: u32,
        /// Until when.
        #[serde(with = "stamp")]
        expires: Moment,
        /// Why.
        reason: String,
        /// Who approved it.
        approver: String,
    },
    /// A grant ends before its time.
    Revoke {
        /// Why.
        reason: String,
    },
    /// Somebody's access is withdrawn.
    Withdraw {
        /// Whose.
        subject: Whose,
        /// By whose authority.
        authoriser: String,
        /// Why.
        reason: String,
        /// From when.
        #[serde(with = "stamp")]
        start: Moment,
        /// When it is to be looked at again.
        #[serde(with = "stamp")]
        review: Moment,
        /// Until when.
        #[serde(with = "stamp")]
        expires: Moment,
    },
    /// A withdrawal ends before its time.
    Restore {
        /// By whose authority.
        authoriser: String,
        /// Why.
        reason: String,
    },
}

/// Who is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// A user.
    User(String),
    /// A device, by link-layer address.
    Device(String),
    /// A client address or prefix.
    Client(String),
}

impl Whose {
    /// Whom it stands for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn holder(&self) -> Result<Holder, String> {
        match self {
            Whose::User(user) if user.trim().is_empty() => Err("the user is empty".to_owned()),
            Whose::User(user) => Ok(Holder::User(user.trim().to_lowercase().into())),
            Whose::Device(text) => Mac::parse(text)
                .map(Holder::Device)
                .ok_or_else(|| format!("`{text}` is no link-layer address; write 00:11:22:33:44:55")),
            Whose::Client(text) => client(text).map(Holder::Client),
        }
    }
}

impl From<&Holder> for Whose {
    fn from(holder: &Holder) -> Whose {
        match holder {
            Holder::User(user) => Whose::User(user.to_string()),
            Holder::Device(mac) => Whose::Device(mac.to_string()),
            Holder::Client(prefix) if prefix.prefix_len() == prefix.max_prefix_len() => {
                Whose::Client(prefix.addr().to_string())
            }
            Holder::Client(prefix) => Whose::Client(prefix.to_string()),
        }
    }
}

impl std::fmt::Display for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Whose::User(text) => write!(f, "user {text}"),
            Whose::Device(text) => write!(f, "device {text}"),
            Whose::Client(text) => write!(f, "client {text}"),
        }
    }
}

/// What a grant opens, as written.
pub struct Meant<'a> {
    /// A name.
    pub name: Option<&'a str>,
    /// A category.
    pub category: Option<&'a str>,
}

impl Meant<'_> {
    /// What it stands for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn opens(&self) -> Result<Opens, String> {
        match (self.name, self.category) {
            (Some(text), None) => {
                let (bare, exact) = text.strip_prefix('=').map_or((text, false), |bare| (bare, true));
                let name = Name::parse(bare).map_err(|error| format!("`{text}` {error}"))?;
                Ok(Opens::Name { name: Box::new(name), exact })
            }
            (None, Some(category)) => Ok(Opens::Category(category.into())),
            _ => Err("a grant opens one name or one category".to_owned()),
        }
    }
}

fn client(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let wrong = || format!("`{text}` is no address and no prefix; write 10.20.1.5 or 10.20.1.0/24");
    let prefix: IpNet = text.parse().map_err(|_| wrong())?;
    if prefix.trunc() != prefix {
        return Err(format!("`{text}` has bits behind its prefix; write {}", prefix.trunc()));
    }
    if prefix.prefix_len() == 0 {
        return Err(format!("`{text}` is everybody"));
    }
    Ok(prefix)
}

/// A moment as RFC 3339 text in UTC.
mod stamp {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::moment::Moment;

    pub(super) fn serialize<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse::<jiff::Timestamp>().map(Moment::from).map_err(serde::de::Error::custom)
    }
}
