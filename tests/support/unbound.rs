//! Unbound: a resolver, also over TLS and HTTPS.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use super::certificate::Certificate;
use super::peer::{Peer, accepts, answers_dns, free_address, with_free_ports};

/// A running Unbound.
pub struct Unbound {
    /// Where it answers over UDP and TCP.
    pub addr: SocketAddr,
    /// Where it answers over TLS, when started with a certificate.
    pub dot: SocketAddr,
    /// Where it answers over HTTPS at `/dns-query`, when started with a certificate.
    pub doh: SocketAddr,
    _peer: Peer,
    _dir: TempDir,
}

impl Unbound {
    /// Starts Unbound; `conf_snippet` goes on with the `server:` clause and may open others. It asks nobody unless told whom.
    pub fn start(conf_snippet: &str) -> Unbound {
        with_free_ports(|| Unbound::try_start(conf_snippet, None))
    }

    /// The same, with DNS over TLS and HTTPS under `certificate`.
    pub fn start_secure(conf_snippet: &str, certificate: &Certificate) -> Unbound {
        with_free_ports(|| Unbound::try_start(conf_snippet, Some(certificate)))
    }

    fn try_start(conf_snippet: &str, certificate: Option<&Certificate>) -> Result<Unbound, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (at, addr, dot, doh) = (dir.path().display(), free_address(), free_address(), free_address());
        let secure = certificate.map_or(String::new(), |certificate| {
            format!(
                " interface: {}@{}\n tls-port: {}\n interface: {}@{}\n https-port: {}\n tls-service-key: \"{}\"\n tls-service-pem: \"{}\"\n",
                dot.ip(),
                dot.port(),
                dot.port(),
                doh.ip(),
                doh.port(),
                doh.port(),
                certificate.key.display(),
                certificate.chain.display(),
            )
        });
        let config = format!(
            "server:\n interface: {ip}@{port}\n{secure} do-daemonize: no\n num-threads: 1\n username: \"\"\n chroot: \"\"\n \
             directory: \"{at}\"\n pidfile: \"{at}/unbound.pid\"\n use-syslog: no\n logfile: \"{at}/unbound.log\"\n \
             access-control: 127.0.0.0/8 allow\n do-not-query-localhost: no\n module-config: \"iterator\"\n \
             ip-transparent: no\n{conf_snippet}\nremote-control:\n control-enable: no\n",
            ip = addr.ip(),
            port = addr.port(),
        );
        let path = dir.path().join("unbound.conf");
        std::fs::write(&path, config).map_err(|error| error.to_string())?;
        let mut command = Command::new("/usr/sbin/unbound");
        command.arg("-d").arg("-c").arg(&path);
        let ready = || answers_dns_of(addr) && (certificate.is_none() || (accepts(dot) && accepts(doh)));
        let peer = Peer::start(&mut command, &dir.path().join("unbound.log"), ready)?;
        Ok(Unbound { addr, dot, doh, _peer: peer, _dir: dir })
    }
}

/// Unbound would ask the root servers for `. NS`; that it listens is enough.
fn answers_dns_of(address: SocketAddr) -> bool {
    accepts(address) || answers_dns(address)
}
