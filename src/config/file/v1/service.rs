//! Sections about the service itself: node, doors, upstream, zones, cache, log.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Text, Texts};
use crate::config::file::written::Written;

/// This node.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its name in the log and in the evidence; the host's name when missing.
    pub name: Option<Text>,
    /// Log, compiled lists and state; made when missing. Default: `data` beside the configuration file.
    pub data_dir: Option<Text>,
}

/// Where it listens.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Addresses with port for DNS over UDP and TCP. Default: `127.0.0.1:5300` and `[::1]:5300`.
    pub dns: Option<Texts>,
    /// DNS over TLS; empty in this version.
    pub dot: Option<Texts>,
    /// DNS over HTTPS; empty in this version.
    pub doh: Option<Texts>,
    /// DNS over QUIC; empty in this version.
    pub doq: Option<Texts>,
    /// Address with port for metrics, health, API and console. Default: `127.0.0.1:8053`.
    pub admin: Option<Text>,
    /// What `version.server` and `version.bind` in class CHAOS are answered with (RFC 4892), such as `cordon`; refused when missing.
    pub version: Option<Text>,
    /// What `id.server` and `hostname.bind` in class CHAOS are answered with, such as `dns1`; refused when missing.
    pub id: Option<Text>,
    /// UDP workers; 0: one a core.
    #[schemars(range(min = 0, max = 256))]
    pub workers: Option<Written<i64>>,
    /// Whether each UDP worker is kept on a processor of its own, for machines that do nothing else. Default: false.
    pub pin: Option<Written<bool>>,
    /// Receive buffer of each UDP socket, 64KiB to 1GiB: what may wait while a worker is busy. Default: `4MiB`.
    pub receive_buffer: Option<Text>,
    /// Send buffer of each UDP socket, 64KiB to 1GiB. Default: `4MiB`.
    pub send_buffer: Option<Text>,
}

/// Where allowed names are asked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// `system`, `udp://9.9.9.9`, `tcp://9.9.9.9`, `tls://9.9.9.9#dns.quad9.net` or `https://9.9.9.9/dns-query#dns.quad9.net`.
    /// Default: `system`.
    pub servers: Option<Texts>,
    /// How long a question may take in all, 100ms to 30s. Default: `2s`.
    pub timeout: Option<Text>,
    /// Whether answers are validated.
    pub dnssec: Option<Written<Dnssec>>,
}

/// Whether answers are validated.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dnssec {
    /// No.
    Off,
    /// Yes: what does not validate is not answered.
    Validate,
}

/// Conditional forwarding.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardZone {
    /// The name, with all below it.
    #[schemars(required)]
    pub name: Option<Text>,
    /// Who is asked, written as in `upstream.servers`.
    #[schemars(required)]
    pub servers: Option<Texts>,
    /// Whether policy judges these names too. Default: no.
    pub filter: Option<Written<bool>>,
}

/// A zone answered authoritatively.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalZone {
    /// The origin.
    #[schemars(required)]
    pub name: Option<Text>,
    /// The master file (RFC 1035 section 5).
    #[schemars(required)]
    pub file: Option<Text>,
    /// Whether policy judges these names too. Default: no.
    pub filter: Option<Written<bool>>,
}

/// The cache.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Its bound, 1MiB to 64GiB. Default: `128MiB`.
    pub size: Option<Text>,
    /// How long past its time an answer may be given when no upstream answers, up to 7d; `0s`: never. Default: `1d`.
    pub serve_stale: Option<Text>,
}

/// The log.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Its folder, under `data_dir`. Default: `log`.
    pub dir: Option<Text>,
    /// What a power cut may take, up to 10s; `0ms`: sync before each answer leaves. Default: `200ms`.
    pub sync_interval: Option<Text>,
    /// How often rows are sealed into a part, 1s to 1d. Default: `1h`.
    pub seal_every: Option<Text>,
    /// How long rows are kept, at least 1d. Default: `90d`.
    pub retain: Option<Text>,
    /// What happens when the disk is full. Default: `answer`.
    pub when_full: Option<Written<WhenFull>>,
    /// Whether a search needs a reason. Default: `optional`.
    pub require_reason: Option<Written<RequireReason>>,
    /// The node's Ed25519 key, under `data_dir`; made at first start when missing. Default: `keys/log.key`.
    pub signing_key: Option<Text>,
}

/// What happens when the disk is full.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// Answer, and count what could not be recorded.
    Answer,
    /// Refuse what cannot be recorded.
    Refuse,
}

/// Whether a search needs a reason.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequireReason {
    /// A search without one is refused.
    Required,
    /// It is kept when given.
    Optional,
    /// It is not asked for.
    Off,
}
