//! The configuration as written, version 1.
//!
//! Every field is optional here: what may not be missing is marked `required`, which the schema says and the shape check enforces, so
//! that one wrong key does not hide the others.

mod network;
mod policy;
mod service;

use schemars::JsonSchema;
use serde::Deserialize;

pub use network::{Attribution, Group, NetworkZone, Probe, Schedule, Sinkhole, StaticEntry, Unmatched, Withdrawal};
pub use policy::{Action, Category, Exception, ListFile, ListFormat, Otherwise, Policy, Response, Rewrite, Timed};
pub use service::{Cache, Dnssec, ForwardZone, Listen, LocalZone, Log, Node, RequireReason, Upstream, WhenFull};

use super::written::{Named, Written};

/// A text that remembers its place.
pub type Text = Written<String>;
/// Texts that remember their places, and where the whole array stands.
pub type Texts = Written<Vec<Text>>;

/// The configuration of Cordon. Paths are relative to the configuration file, sizes are written `"64MiB"`, times `"24h"`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Cordon configuration")]
pub struct File {
    /// This node.
    #[serde(default)]
    pub node: Node,
    /// Where it listens.
    #[serde(default)]
    pub listen: Listen,
    /// Where allowed names are asked.
    #[serde(default)]
    pub upstream: Upstream,
    /// Conditional forwarding.
    #[serde(default)]
    pub forward_zone: Vec<Written<ForwardZone>>,
    /// Zones answered authoritatively.
    #[serde(default)]
    pub local_zone: Vec<Written<LocalZone>>,
    /// The cache.
    #[serde(default)]
    pub cache: Cache,
    /// Named sets of names, fed by lists.
    #[serde(default)]
    pub category: Vec<Written<Category>>,
    /// Policies by name.
    #[serde(default)]
    pub policy: Named<Policy>,
    /// Schedules by name.
    #[serde(default)]
    pub schedule: Named<Schedule>,
    /// Groups by name.
    #[serde(default)]
    pub group: Named<Group>,
    /// Named sets of client prefixes with a policy.
    #[serde(default)]
    pub network_zone: Vec<Written<NetworkZone>>,
    /// Clients of no network zone.
    #[serde(default)]
    pub unmatched: Unmatched,
    /// What stays when somebody's access is withdrawn.
    #[serde(default)]
    pub withdrawal: Withdrawal,
    /// Names a snapshot is asked about before it is put in force.
    #[serde(default)]
    pub probe: Probe,
    /// The log.
    #[serde(default)]
    pub log: Log,
    /// Who is behind an address.
    #[serde(default)]
    pub attribution: Attribution,
}
