//! The sections about the service itself: node, doors, upstream, cache, log.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Check, addresses, paths, values};
use crate::config::checked::{Cache, Listen, Log, Node, RequireReason, Server, Upstream, WhenFull};
use crate::config::file::key::Key;
use crate::config::file::v1::{self, Text, Texts};

/// Bounds of a UDP socket's buffers, in octets.
const LEAST_BUFFER: u64 = 64 << 10;
const MOST_BUFFER: u64 = 1 << 30;

const DAY: Duration = Duration::from_secs(86_400);

impl Check<'_> {
    pub(super) fn node(&mut self, written: &v1::Node) -> Node {
        let key = Key::new("node");
        let name = written.name.as_ref().and_then(|text| self.take(text, &key.of("name"), values::word));
        let data_dir = written.data_dir.as_ref().map_or("data", |text| text.as_str());
        let data_dir = self.path(data_dir);
        if let Some(text) = &written.data_dir {
            self.folder_can_be_made(text, &data_dir, &key.of("data_dir"));
        }
        Node { name: name.map(String::from).unwrap_or_else(host_name), data_dir }
    }

    pub(super) fn listen(&mut self, written: &v1::Listen) -> Listen {
        let key = Key::new("listen");
        for (name, what, texts) in
            [("dot", "TLS", &written.dot), ("doh", "HTTPS", &written.doh), ("doq", "QUIC", &written.doq)]
        {
            if let Some(texts) = texts.as_ref().filter(|texts| !texts.is_empty()) {
                let problem = format!("DNS over {what} is not supported by this version yet");
                self.error(texts.span(), &key.of(name), problem, "leave it empty: `[]`");
            }
        }
        let mut taken: Vec<(SocketAddr, usize)> = Vec::new();
        let mut dns = Vec::new();
        for (n, span, at) in self.each(written.dns.as_ref(), &key.of("dns"), |text| addresses::listen(text, 53)) {
            self.is_free(at, span.start, span, &key.of("dns").nth(n), &mut taken);
            dns.push(at);
        }
        match &written.dns {
            Some(texts) if texts.is_empty() => {
                self.error(texts.span(), &key.of("dns"), "is empty: nobody could ask", "write `[\"127.0.0.1:5300\"]`");
            }
            Some(_) => {}
            None => {
                dns = vec![
                    SocketAddr::from(([127, 0, 0, 1], 5300)),
                    SocketAddr::from(([0u16, 0, 0, 0, 0, 0, 0, 1], 5300)),
                ]
            }
        }
        let usual = SocketAddr::from(([127, 0, 0, 1], 8053));
        let admin = written.admin.as_ref().and_then(|text| {
            let at = self.take(text, &key.of("admin"), |text| addresses::listen(text, 8053))?;
            self.is_free(at, text.span().start, text.span(), &key.of("admin"), &mut taken);
            Some(at)
        });
        let workers = written.workers.as_ref().and_then(|n| usize::try_from(**n).ok()).unwrap_or(0);
        let mut buffer = |name: &str, text: &Option<Text>| {
            let size = text
                .as_ref()
                .and_then(|text| self.take(text, &key.of(name), |text| values::size(text, LEAST_BUFFER, MOST_BUFFER)));
            usize::try_from(size.unwrap_or(Listen::BUFFER)).unwrap_or(usize::MAX)
        };
        let receive_buffer = buffer("receive_buffer", &written.receive_buffer);
        let send_buffer = buffer("send_buffer", &written.send_buffer);
        let mut own = |name: &str, text: &Option<Text>| {
            text.as_ref().and_then(|text| self.take(text, &key.of(name), values::one_string))
        };
        let (version, id) = (own("version", &written.version), own("id", &written.id));
        let pin = written.pin.as_ref().is_some_and(|pin| **pin);
        Listen { dns, admin: admin.unwrap_or(usual), version, id, workers, pin, receive_buffer, send_buffer }
    }

    /// Reports an address that is listened on already: the same, or one that a wildcard address covers.
    fn is_free(
        &mut self,
        at: SocketAddr,
        start: usize,
        span: std::ops::Range<usize>,
        key: &Key,
        taken: &mut Vec<(SocketAddr, usize)>,
    ) {
        let meets = |other: &SocketAddr| {
            at.port() != 0
                && other.port() == at.port()
                && other.is_ipv4() == at.is_ipv4()
                && (other.ip() == at.ip() || other.ip().is_unspecified() || at.ip().is_unspecified())
        };
        if let Some((other, first)) = taken.iter().find(|(other, _)| meets(other)) {
            let line = self.source.line_of(*first);
            let problem =
                if *other == at { format!("{at} is listened on twice") } else { format!("{at} is part of {other}") };
            self.error(span, key, problem, format!("remove it, or take another port; the first is on line {line}"));
        }
        taken.push((at, start));
    }

    pub(super) fn upstream(&mut self, written: &v1::Upstream, listen: &Listen) -> Upstream {
        let key = Key::new("upstream");
        let mut servers = self.servers(written.servers.as_ref(), &key.of("servers"), listen);
        if written.servers.is_none() {
            servers = vec![Server::System];
        }
        // Validation by the library was tried and calls some sound answers bogus: a wildcard's proof of one label, for one.
        if let Some(dnssec) = written.dnssec.as_ref().filter(|dnssec| matches!(***dnssec, v1::Dnssec::Validate)) {
            self.error(
                dnssec.span(),
                &key.of("dnssec"),
                "validation is not supported by this version yet",
                "write `off`, and ask a validating resolver on this host or over TLS: what it calls secure or bogus is passed on",
            );
        }
        let (least, most) = (Duration::from_millis(100), Duration::from_secs(30));
        Upstream {
            servers,
            timeout: self.span(written.timeout.as_ref(), &key.of("timeout"), least, most, Duration::from_secs(2)),
            dnssec: false,
        }
    }

    /// Servers to ask, each once, and none of them this resolver itself.
    pub(super) fn servers(&mut self, written: Option<&Texts>, key: &Key, listen: &Listen) -> Vec<Server> {
        let mut servers: Vec<Server> = Vec::new();
        if let Some(texts) = written.filter(|texts| texts.is_empty()) {
            self.error(
                texts.span(),
                key,
                "is empty: nobody could be asked",
                "write `[\"system\"]` or an address such as `udp://9.9.9.9`",
            );
        }
        for (n, span, server) in self.each(written, key, addresses::server) {
            if servers.contains(&server) {
                self.error(span, &key.nth(n), "is the same server again", "remove it");
                continue;
            }
            if let Server::At { address, .. } = &server
                && listen.dns.contains(address)
            {
                self.error(span, &key.nth(n), format!("{address} is this resolver itself"), "name another server");
            }
            servers.push(server);
        }
        servers
    }

    pub(super) fn cache(&mut self, written: &v1::Cache) -> Cache {
        let key = Key::new("cache");
        let size = written
            .size
            .as_ref()
            .and_then(|text| self.take(text, &key.of("size"), |text| values::size(text, 1 << 20, 64 << 30)));
        Cache {
            size: size.unwrap_or(128 << 20),
            serve_stale: self.span(written.serve_stale.as_ref(), &key.of("serve_stale"), Duration::ZERO, 7 * DAY, DAY),
        }
    }

    pub(super) fn log(&mut self, written: &v1::Log, node: &Node) -> Log {
        let key = Key::new("log");
        let within = |text: Option<&Text>, usual: &str| {
            paths::absolute(&node.data_dir.join(text.map_or(usual, |text| text.as_str())))
        };
        let dir = within(written.dir.as_ref(), "log");
        if let Some(text) = &written.dir {
            self.folder_can_be_made(text, &dir, &key.of("dir"));
        }
        let hour = Duration::from_secs(3_600);
        Log {
            dir,
            sync_interval: self.span(
                written.sync_interval.as_ref(),
                &key.of("sync_interval"),
                Duration::ZERO,
                Duration::from_secs(10),
                Duration::from_millis(200),
            ),
            seal_every: self.span(
                written.seal_every.as_ref(),
                &key.of("seal_every"),
                Duration::from_secs(1),
                DAY,
                hour,
            ),
            retain: self.span(written.retain.as_ref(), &key.of("retain"), DAY, 36_525 * DAY, 90 * DAY),
            when_full: match written.when_full.as_deref() {
                Some(v1::WhenFull::Refuse) => WhenFull::Refuse,
                Some(v1::WhenFull::Answer) | None => WhenFull::Answer,
            },
            require_reason: match written.require_reason.as_deref() {
                Some(v1::RequireReason::Required) => RequireReason::Required,
                Some(v1::RequireReason::Off) => RequireReason::Off,
                Some(v1::RequireReason::Optional) | None => RequireReason::Optional,
            },
            signing_key: within(written.signing_key.as_ref(), "keys/log.key"),
        }
    }

    fn span(&mut self, text: Option<&Text>, key: &Key, least: Duration, most: Duration, usual: Duration) -> Duration {
        text.and_then(|text| self.take(text, key, |text| values::duration(text, least, most))).unwrap_or(usual)
    }

    fn folder_can_be_made(&mut self, text: &Text, path: &std::path::Path, key: &Key) {
        if let Some(file) = paths::file_in_the_way(path) {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.error(
                text.span(),
                key,
                format!("`{name}` is a file, and no folder can be made there"),
                "name a folder, or a path where one can be made",
            );
        }
    }
}

/// The host's name, made fit for the log.
fn host_name() -> String {
    let name = gethostname::gethostname().to_string_lossy().to_lowercase();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
    let name: String = name.chars().map(|c| if plain(c) { c } else { '-' }).take(64).collect();
    if values::word(&name).is_ok() { name } else { "cordon".to_owned() }
}
