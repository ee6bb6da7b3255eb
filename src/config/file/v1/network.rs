//! Sections about who asks: network zones, groups, schedules, attribution.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Text, Texts};
use crate::config::file::written::Written;

/// When a timed entry is in force.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The time zone its windows are read in, such as `Europe/London`.
    #[schemars(required)]
    pub timezone: Option<Text>,
    /// Windows such as `mon-fri 12:00-14:00`.
    #[schemars(required)]
    pub windows: Option<Texts>,
    /// Dates such as `2026-12-25` on which it is never in force.
    pub except_dates: Option<Texts>,
}

/// A named set of subjects.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Users, as attribution names them; case does not matter.
    pub users: Option<Texts>,
    /// Link-layer addresses of devices.
    pub devices: Option<Texts>,
    /// Client prefixes.
    pub clients: Option<Texts>,
    /// The directory group that names its members.
    pub directory: Option<Text>,
}

/// A named set of client prefixes with a policy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkZone {
    /// Its name in log and metrics.
    #[schemars(required)]
    pub name: Option<Text>,
    /// Its client prefixes.
    #[schemars(required)]
    pub clients: Option<Texts>,
    /// The name of its policy.
    #[schemars(required)]
    pub policy: Option<Text>,
    /// Where blocked names lead.
    pub sinkhole: Option<Written<Sinkhole>>,
}

/// Where blocked names lead.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sinkhole {
    /// Answer to A. Default: `0.0.0.0`.
    pub ipv4: Option<Text>,
    /// Answer to AAAA. Default: `::`.
    pub ipv6: Option<Text>,
    /// Time to live of every blocked answer, in seconds. Default: 10.
    #[schemars(range(min = 0, max = 86400))]
    pub ttl: Option<Written<i64>>,
}

/// Clients of no network zone.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmatched {
    /// `refuse`, `drop` or the name of a policy. Default: `refuse`.
    pub action: Option<Text>,
}

/// What stays when somebody's access is withdrawn.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// Names that stay answered, with all below them; `=name` for that name alone.
    pub essential: Option<Texts>,
}

/// Names a snapshot is asked about before it is put in force.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Names that every network zone must answer.
    pub must_allow: Option<Texts>,
    /// Names that must be blocked.
    pub must_block: Option<Texts>,
}

/// Who is behind an address.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attribution {
    /// Addresses whose subject does not change.
    #[serde(default, rename = "static")]
    pub statics: Vec<Written<StaticEntry>>,
}

/// An address whose subject does not change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaticEntry {
    /// The address.
    #[schemars(required)]
    pub client: Option<Text>,
    /// The device's link-layer address.
    pub device: Option<Text>,
    /// Its host name.
    pub host: Option<Text>,
    /// Its user.
    pub user: Option<Text>,
    /// Several people use it: a user is never asserted. Default: no.
    pub shared: Option<Written<bool>>,
}
