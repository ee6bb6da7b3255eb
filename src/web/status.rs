//! What the house tells of itself: as meant, and as the API writes it.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::metrics::ListNumbers;
use crate::moment::Moment;

/// Whether queries are answered by a loaded snapshot and logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// What is missing, a sentence each; nothing: it is ready.
    pub missing: Vec<String>,
}

impl Readiness {
    /// Whether nothing is missing.
    pub fn is_ready(&self) -> bool {
        self.missing.is_empty()
    }
}

/// What the house tells of itself.
#[derive(Clone, Debug)]
pub struct Status {
    /// The version that runs.
    pub version: &'static str,
    /// `node.name`.
    pub node: String,
    /// When this was asked.
    pub now: Moment,
    /// When the process began to serve.
    pub started: Moment,
    /// What queries are decided by; none: nothing is loaded yet.
    pub in_force: Option<InForce>,
    /// How the last reload ended; none: there was none since start.
    pub last_reload: Option<Reload>,
    /// Where it listens.
    pub listen: Listening,
}

/// What queries are decided by.
#[derive(Clone, Debug)]
pub struct InForce {
    /// Generation of the snapshot.
    pub generation: u64,
    /// Since when it is in force.
    pub since: Moment,
    /// The configuration it was made from.
    pub config: ConfigInForce,
    /// Network zones, as written.
    pub network_zones: Vec<ZoneInForce>,
    /// Lists, as written.
    pub lists: Vec<ListNumbers>,
}

/// A configuration in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Config")]
pub struct ConfigInForce {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its octets in hex.
    pub sha256: String,
}

/// A network zone in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "NetworkZone")]
pub struct ZoneInForce {
    /// Its name.
    pub name: String,
    /// The name of its policy.
    pub policy: String,
}

/// How a reload ended.
#[derive(Clone, Debug)]
pub struct Reload {
    /// When it ended.
    pub at: Moment,
    /// Why it failed: file, line, key and advice; none: it put a snapshot in force.
    pub error: Option<String>,
}

/// Addresses listened on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Listen")]
pub struct Listening {
    /// DNS over UDP and TCP.
    #[schemars(with = "Vec<String>")]
    pub dns: Vec<SocketAddr>,
    /// This interface.
    #[schemars(with = "String")]
    pub admin: SocketAddr,
}

/// The state of a Cordon node. Times are RFC 3339 in UTC.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Status")]
pub(super) struct StatusV1 {
    /// The version that runs.
    version: &'static str,
    /// Name of the node.
    node: String,
    /// Whether queries are answered by a loaded snapshot and logged.
    ready: bool,
    /// What is missing to be ready.
    missing: Vec<String>,
    /// When the process began to serve.
    started: String,
    /// Seconds since then.
    uptime_seconds: f64,
    /// Generation of the snapshot in force; null: none is loaded.
    generation: Option<u64>,
    /// Since when it is in force.
    snapshot_since: Option<String>,
    /// Seconds since then.
    snapshot_age_seconds: Option<f64>,
    /// The configuration in force.
    config: Option<ConfigInForce>,
    /// The network zones in force.
    network_zones: Vec<ZoneInForce>,
    /// The lists in force.
    lists: Vec<ListV1>,
    /// How the last reload ended; null: there was none since start.
    last_reload: Option<ReloadV1>,
    /// Where it listens.
    listen: Listening,
}

/// One list in force.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "List")]
struct ListV1 {
    /// Its name.
    name: String,
    /// Rules it yielded.
    entries: u64,
    /// Lines that are no rule.
    refused_lines: u64,
    /// Age of its content in seconds.
    age_seconds: Option<f64>,
}

/// One reload.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Reload")]
struct ReloadV1 {
    /// How it ended.
    result: ResultV1,
    /// When it ended.
    at: String,
    /// Why it failed.
    error: Option<String>,
}

/// How a reload ended.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReloadResult")]
#[serde(rename_all = "snake_case")]
enum ResultV1 {
    /// A new snapshot is in force.
    Ok,
    /// The snapshot from before is still in force.
    Failed,
}

impl StatusV1 {
    /// As the API writes it.
    pub(super) fn new(status: Status, readiness: Readiness) -> StatusV1 {
        let Status { version, node, now, started, in_force, last_reload, listen } = status;
        let (generation, since, config, network_zones, lists) = match in_force {
            None => (None, None, None, Vec::new(), Vec::new()),
            Some(InForce { generation, since, config, network_zones, lists }) => {
                (Some(generation), Some(since), Some(config), network_zones, lists)
            }
        };
        StatusV1 {
            version,
            node,
            ready: readiness.is_ready(),
            missing: readiness.missing,
            started: started.to_string(),
            uptime_seconds: now.since(started).as_secs_f64(),
            generation,
            snapshot_since: since.map(|since| since.to_string()),
            snapshot_age_seconds: since.map(|since| now.since(since).as_secs_f64()),
            config,
            network_zones,
            lists: lists.into_iter().map(ListV1::from).collect(),
            last_reload: last_reload.map(ReloadV1::from),
            listen,
        }
    }
}

impl From<ListNumbers> for ListV1 {
    fn from(ListNumbers { list, entries, refused_lines, age_seconds }: ListNumbers) -> ListV1 {
        ListV1 { name: list.into(), entries, refused_lines, age_seconds }
    }
}

impl From<Reload> for ReloadV1 {
    fn from(Reload { at, error }: Reload) -> ReloadV1 {
        let result = if error.is_none() { ResultV1::Ok } else { ResultV1::Failed };
        ReloadV1 { result, at: at.to_string(), error }
    }
}
