//! What the house tells of itself: as meant, and as the API writes it.

use std::collections::BTreeMap;
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
    /// Of those that are fetched, what came of it, by name.
    pub renewals: BTreeMap<Box<str>, ListRenewal>,
}

/// What came of renewing a list that is fetched.
#[derive(Clone, Debug)]
pub struct ListRenewal {
    /// Where it is fetched, without the query.
    pub url: String,
    /// `updated`, `unchanged`, `not-fetched-yet`, or why the last attempt changed nothing.
    pub result: String,
    /// The same in a sentence; none: there was no attempt.
    pub text: Option<String>,
    /// When the last attempt ended.
    pub at: Option<Moment>,
    /// When the server last said that what is in force is the present content.
    pub checked_at: Option<Moment>,
    /// When it is due.
    pub next_try: Option<Moment>,
    /// Attempts in a row that failed.
    pub failures: u32,
    /// Whether the server can be asked for changes only.
    pub etag_known: bool,
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
    /// Age of its content in seconds; of a list that is fetched, since the server said that it is the present one.
    age_seconds: Option<f64>,
    /// What came of fetching it; null: it is a file.
    update: Option<UpdateV1>,
}

/// What came of fetching a list. Where it failed, what was in force before still is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ListUpdate")]
struct UpdateV1 {
    /// Where it is fetched, without the query.
    url: String,
    /// `updated`, `unchanged`, `not-fetched-yet`, or why the last attempt changed nothing.
    result: String,
    /// The same in a sentence.
    text: Option<String>,
    /// When the last attempt ended.
    at: Option<String>,
    /// When the server last said that what is in force is the present content.
    checked_at: Option<String>,
    /// When it is due.
    next_try: Option<String>,
    /// Attempts in a row that failed.
    failures: u32,
    /// Whether the server can be asked for changes only.
    etag_known: bool,
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
            Some(InForce { generation, since, config, network_zones, lists, mut renewals }) => {
                let lists = lists.into_iter().map(|list| {
                    let renewal = renewals.remove(&list.list);
                    ListV1::new(list, renewal)
                });
                (Some(generation), Some(since), Some(config), network_zones, lists.collect())
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
            lists,
            last_reload: last_reload.map(ReloadV1::from),
            listen,
        }
    }
}

impl ListV1 {
    fn new(numbers: ListNumbers, renewal: Option<ListRenewal>) -> ListV1 {
        let ListNumbers { list, entries, refused_lines, age_seconds } = numbers;
        ListV1 { name: list.into(), entries, refused_lines, age_seconds, update: renewal.map(UpdateV1::from) }
    }
}

impl From<ListRenewal> for UpdateV1 {
    fn from(renewal: ListRenewal) -> UpdateV1 {
        let ListRenewal { url, result, text, at, checked_at, next_try, failures, etag_known } = renewal;
        let [at, checked_at, next_try] = [at, checked_at, next_try].map(|time| time.map(|time| time.to_string()));
        UpdateV1 { url, result, text, at, checked_at, next_try, failures, etag_known }
    }
}

impl From<Reload> for ReloadV1 {
    fn from(Reload { at, error }: Reload) -> ReloadV1 {
        let result = if error.is_none() { ResultV1::Ok } else { ResultV1::Failed };
        ReloadV1 { result, at: at.to_string(), error }
    }
}
