//! Sections about what is decided: categories and policies.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use super::{Text, Texts};
use crate::config::file::written::{Named, Written};

/// A named set of names.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Its name in policies, log and metrics.
    #[schemars(required)]
    pub name: Option<Text>,
    /// Its title for people; the name when missing.
    pub title: Option<Text>,
    /// The clause of the organisation's procedure it enforces; shown with a block.
    pub clause: Option<Text>,
    /// The lists that feed it.
    #[schemars(required)]
    pub lists: Option<Written<Vec<Written<ListFile>>>>,
    /// Lists of names that are not in the category whatever its other lists say.
    pub except: Option<Texts>,
}

/// A list: a file that is there, or one that is fetched over HTTP or HTTPS.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["path"] }, { "required": ["url"] }]))]
pub struct ListFile {
    /// The file, which may be packed with gzip; or a folder of the Toulouse lists, with `domains` and `urls`; or `url`.
    pub path: Option<Text>,
    /// Where it is fetched, `https://` or `http://`; or `path`.
    pub url: Option<Text>,
    /// Its name in log and metrics; `category/file` when missing.
    pub name: Option<Text>,
    /// Its format; found out from the content when missing.
    pub format: Option<Written<ListFormat>>,
    /// Lists of names that are not in the category by this list; other lists may still hold them.
    pub except: Option<Texts>,
    /// How often it is asked for, with `url`. Default: `24h`.
    pub refresh: Option<Text>,
    /// The least entries new content must have, with `url`. Default: 1.
    #[schemars(range(min = 1, max = 1000000000))]
    pub min_entries: Option<Written<i64>>,
    /// The most its unpacked content may take, with `url`. Default: `256MiB`.
    pub max_size: Option<Text>,
    /// By how many percent it may fall short of the entries in force, with `url`; 100: by all but `min_entries`. Default: 50.
    #[schemars(range(min = 0, max = 100))]
    pub max_shrink: Option<Written<i64>>,
    /// By how many percent it may go beyond the entries in force, with `url`. Default: 400.
    #[schemars(range(min = 0, max = 1000000000))]
    pub max_growth: Option<Written<i64>>,
    /// How long a transfer may take in all, with `url`. Default: `60s`.
    pub timeout: Option<Text>,
}

/// Format of a list.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ListFormat {
    /// A name a line; the name and all below it.
    Domains,
    /// Lines of a hosts file.
    Hosts,
    /// Rules of ad blockers as AdGuard's DNS servers read them: `||name^`, `@@||name^`, `$important`, ...
    Adblock,
    /// Directives of dnsmasq: `address=/name/#`, `server=/name/`, `local=/name/`.
    Dnsmasq,
    /// `*.name` a line; the name and all below it.
    Wildcard,
    /// A response policy zone.
    Rpz,
    /// Directives of Unbound: `local-zone: "name" always_nxdomain`.
    Unbound,
    /// A category of the Toulouse lists: a folder with `domains` and `urls`, or one of these files.
    Ut1,
}

/// What happens to each category and name.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The policy this one starts from; what is written here comes before what is written there.
    pub inherits: Option<Text>,
    /// Categories that are not answered.
    pub block: Option<Texts>,
    /// Categories that are answered, and marked in the log.
    pub monitor: Option<Texts>,
    /// Categories that are answered where `default` is `block`.
    pub permit: Option<Texts>,
    /// Names that are not answered, with all below them; `=name` for that name alone.
    pub deny: Option<Texts>,
    /// Names that are answered, with all below them; `=name` for that name alone.
    pub allow: Option<Texts>,
    /// Names that are answered with another name, or with addresses; each for that name alone.
    #[serde(default)]
    pub rewrite: Named<Written<Rewrite>>,
    /// How a block is answered. Default: `sinkhole`.
    pub response: Option<Written<Response>>,
    /// What happens to names on which nothing speaks. Default: `allow`.
    pub default: Option<Written<Otherwise>>,
    /// Actions that hold during a schedule.
    #[serde(default)]
    pub timed: Vec<Written<Timed>>,
    /// Actions that hold for a group.
    #[serde(default)]
    pub exception: Vec<Written<Exception>>,
}

/// How a block is answered.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Response {
    /// The network zone's sinkhole addresses.
    Sinkhole,
    /// The name does not exist.
    Nxdomain,
    /// The name exists and has nothing.
    Nodata,
    /// RCODE 5.
    Refused,
    /// No answer at all.
    Drop,
}

/// What happens to names on which nothing speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Default")]
pub enum Otherwise {
    /// They are answered.
    Allow,
    /// They are not.
    Block,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Answer.
    Allow,
    /// Answer, and mark in the log.
    Monitor,
    /// Do not answer.
    Block,
}

/// An action while a schedule is in force.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timed {
    /// For which categories.
    #[schemars(required)]
    pub categories: Option<Texts>,
    /// During which schedule.
    #[schemars(required)]
    pub during: Option<Text>,
    /// What then.
    #[schemars(required)]
    pub action: Option<Written<Action>>,
}

/// An action for a group.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// For which group.
    #[schemars(required)]
    pub group: Option<Text>,
    /// For which categories.
    pub categories: Option<Texts>,
    /// For which names, with all below them; `=name` for that name alone.
    pub names: Option<Texts>,
    /// What then.
    #[schemars(required)]
    pub action: Option<Written<Action>>,
}

/// What stands in for a name.
#[derive(Clone, Debug)]
pub enum Rewrite {
    /// One name or address.
    One(String),
    /// Addresses.
    Many(Vec<Text>),
}

impl<'de> Deserialize<'de> for Rewrite {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rewrite, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Rewrite;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or an array of addresses")
            }

            fn visit_str<E>(self, text: &str) -> Result<Rewrite, E> {
                Ok(Rewrite::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Rewrite, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = seq.next_element()? {
                    many.push(one);
                }
                Ok(Rewrite::Many(many))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for Rewrite {
    fn schema_name() -> Cow<'static, str> {
        "Rewrite".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "description": "What stands in for a name: another name, or an array of addresses.",
            "type": ["string", "array"],
            "items": { "type": "string" },
        })
    }
}
