//! The configuration as meant: every name resolved, every path absolute, every number in its unit.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::original::Original;
use crate::dns::Name;
use crate::list::{ContentLimits, Format, Role};
use crate::policy::Model;
use crate::subject::Known;
use crate::verdict::CategoryId;

/// A whole configuration that has been checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// What stands in it, and where.
    pub original: Original,
    /// SHA-256 of the file's octets, in hex: goes into the manifest.
    pub sha256: String,
    /// This node.
    pub node: Node,
    /// Where it listens.
    pub listen: Listen,
    /// Where allowed names are asked.
    pub upstream: Upstream,
    /// Conditional forwarding, longest name first.
    pub forward_zones: Vec<ForwardZone>,
    /// Zones answered authoritatively.
    pub local_zones: Vec<LocalZone>,
    /// The cache.
    pub cache: Cache,
    /// Lists by [`crate::verdict::ListId`].
    pub lists: Vec<ListSource>,
    /// The policy.
    pub model: Arc<Model>,
    /// Names a snapshot is asked about before it is put in force.
    pub probe: Probe,
    /// The log.
    pub log: Log,
    /// Static attribution.
    pub statics: Vec<StaticEntry>,
}

/// `[node]`
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in the log and in the manifest.
    pub name: String,
    /// Where log, compiled lists and state are kept.
    pub data_dir: PathBuf,
}

/// `[listen]`
#[derive(Clone, Debug)]
pub struct Listen {
    /// DNS over UDP and TCP.
    pub dns: Vec<SocketAddr>,
    /// Metrics, health, API.
    pub admin: SocketAddr,
    /// What is answered to `version.server` and `version.bind` in class CHAOS (RFC 4892); none: it is refused.
    pub version: Option<Box<str>>,
    /// The same for `id.server` and `hostname.bind`.
    pub id: Option<Box<str>>,
    /// UDP workers; 0: one a core.
    pub workers: usize,
    /// Whether each UDP worker is kept on a processor of its own.
    pub pin: bool,
    /// Receive buffer of each UDP socket in octets, as far as the system gives it.
    pub receive_buffer: usize,
    /// Send buffer of each UDP socket in octets, as far as the system gives it.
    pub send_buffer: usize,
}

impl Listen {
    /// Octets of a UDP socket's buffers where nothing else is written.
    pub const BUFFER: u64 = 4 << 20;
}

impl Default for Listen {
    /// No address for DNS, a free port for the admin door, and the usual for all else.
    fn default() -> Listen {
        let buffer = Listen::BUFFER as usize;
        let admin = SocketAddr::from(([127, 0, 0, 1], 0));
        Listen {
            dns: Vec::new(),
            admin,
            version: None,
            id: None,
            workers: 0,
            pin: false,
            receive_buffer: buffer,
            send_buffer: buffer,
        }
    }
}

/// `[upstream]`
#[derive(Clone, Debug)]
pub struct Upstream {
    /// In the order written.
    pub servers: Vec<Server>,
    /// How long a question may take in all.
    pub timeout: Duration,
    /// Whether answers are validated (RFC 4035).
    pub dnssec: bool,
}

/// One upstream server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Server {
    /// The servers of `/etc/resolv.conf`, read at start and at reload.
    System,
    /// A server named in the configuration.
    At {
        /// How it is spoken to.
        protocol: Protocol,
        /// Where.
        address: SocketAddr,
        /// The name its certificate must have, for TLS and HTTPS; the address when none is given.
        tls_name: Option<String>,
        /// The path of the endpoint, for HTTPS.
        path: Option<String>,
        /// As the configuration writes it: its name in metrics and in the log.
        text: String,
    },
}

/// How an upstream is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// UDP, with TCP where an answer is truncated.
    Udp,
    /// TCP only.
    Tcp,
    /// DNS over TLS.
    Tls,
    /// DNS over HTTPS.
    Https,
}

/// `[[forward_zone]]`
#[derive(Clone, Debug)]
pub struct ForwardZone {
    /// The name, with all below it.
    pub name: Name,
    /// Who is asked.
    pub servers: Vec<Server>,
    /// Whether policy judges these names too.
    pub filter: bool,
}

/// `[[local_zone]]`
#[derive(Clone, Debug)]
pub struct LocalZone {
    /// The origin.
    pub name: Name,
    /// The master file (RFC 1035 section 5).
    pub file: PathBuf,
    /// Whether policy judges these names too.
    pub filter: bool,
}

/// `[cache]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Bound in octets.
    pub size: u64,
    /// How long past its TTL an answer may be given when no upstream answers (RFC 8767); zero: never.
    pub serve_stale: Duration,
}

/// A source of names for a category.
#[derive(Clone, Debug)]
pub struct ListSource {
    /// Its name in log and metrics: `category/file` unless the configuration gives one; `category/host/file` for a list that is fetched,
    /// where another has the shorter one.
    pub name: Box<str>,
    /// The category it feeds.
    pub category: CategoryId,
    /// What it is for the category.
    pub role: Role,
    /// The file, packed or not; or a folder of the Toulouse lists.
    pub path: PathBuf,
    /// Its format; none: found out from the content.
    pub format: Option<Format>,
    /// The category's name, when the file is the journal of `cordon lists add` and only its lines for that category are meant.
    pub added: Option<Box<str>>,
    /// Where the file is fetched; none: it is put there by somebody else.
    pub download: Option<Download>,
}

/// A list that is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Where, `http://` or `https://`. Its query may be a secret: show [`Download::shown`].
    pub url: Box<str>,
    /// How often.
    pub refresh: Duration,
    /// How long a transfer may take in all.
    pub timeout: Duration,
    /// What new content must keep within to come into force.
    pub limits: ContentLimits,
}

impl Download {
    /// The address without its query, fit for logs and screens.
    pub fn shown(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }
}

/// What a folder of the Toulouse lists has for names and URLs, the names first; nothing when it is no such folder.
pub fn ut1_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let one_of = |names: [&str; 2]| names.map(|name| folder.join(name)).into_iter().find(|path| path.is_file());
    [one_of(["domains", "domains.gz"]), one_of(["urls", "urls.gz"])].into_iter().flatten()
}

/// `[probe]`
#[derive(Clone, Debug, Default)]
pub struct Probe {
    /// Names that every network zone which allows by default must answer.
    pub must_allow: Vec<Name>,
    /// Names that at least one network zone must block.
    pub must_block: Vec<Name>,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The log's own folder.
    pub dir: PathBuf,
    /// What a power cut may take; zero: sync before each answer.
    pub sync_interval: Duration,
    /// How often live rows become a part.
    pub seal_every: Duration,
    /// How long rows are kept.
    pub retain: Duration,
    /// What to do when the disk is full.
    pub when_full: WhenFull,
    /// Whether a search needs a reason.
    pub require_reason: RequireReason,
    /// The node's Ed25519 key; made at first start when missing.
    pub signing_key: PathBuf,
}

/// `log.when_full`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Answer, and count what could not be recorded.
    #[default]
    Answer,
    /// Refuse what cannot be recorded.
    Refuse,
}

/// `log.require_reason`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequireReason {
    /// A search without a reason is refused.
    Required,
    /// A reason is kept when given.
    #[default]
    Optional,
    /// No reason is asked for.
    Off,
}

/// `[[attribution.static]]`
#[derive(Clone, Debug)]
pub struct StaticEntry {
    /// The address.
    pub client: IpAddr,
    /// What is known of who is behind it.
    pub known: Arc<Known>,
}
