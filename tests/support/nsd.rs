//! NSD: an authoritative server.

use std::fmt::Write;
use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use super::peer::{Peer, answers_dns, free_address, with_free_ports};

/// A running NSD.
pub struct Nsd {
    /// Where it answers over UDP and TCP.
    pub addr: SocketAddr,
    _peer: Peer,
    _dir: TempDir,
}

impl Nsd {
    /// Starts NSD with zones given by name and master file text.
    pub fn start(zones: &[(&str, &str)]) -> Nsd {
        with_free_ports(|| Nsd::try_start(free_address(), zones))
    }

    /// The same where another has been before.
    pub fn start_at(addr: SocketAddr, zones: &[(&str, &str)]) -> Nsd {
        with_free_ports(|| Nsd::try_start(addr, zones))
    }

    fn try_start(addr: SocketAddr, zones: &[(&str, &str)]) -> Result<Nsd, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let at = dir.path().display();
        let mut config = format!(
            "server:\n ip-address: {ip}@{port}\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"{at}\"\n \
             database: \"\"\n pidfile: \"{at}/nsd.pid\"\n logfile: \"{at}/nsd.log\"\n xfrdfile: \"{at}/xfrd.state\"\n \
             xfrdir: \"{at}\"\n zonelistfile: \"{at}/zone.list\"\n rrl-ratelimit: 0\n minimal-responses: yes\nremote-control:\n control-enable: no\n",
            ip = addr.ip(),
            port = addr.port(),
        );
        for (i, (name, text)) in zones.iter().enumerate() {
            let _ = write!(config, "zone:\n name: \"{name}\"\n zonefile: \"{at}/{i}.zone\"\n");
            std::fs::write(dir.path().join(format!("{i}.zone")), text).map_err(|error| error.to_string())?;
        }
        let path = dir.path().join("nsd.conf");
        std::fs::write(&path, config).map_err(|error| error.to_string())?;
        let mut command = Command::new("/usr/sbin/nsd");
        command.arg("-d").arg("-c").arg(&path);
        let peer = Peer::start(&mut command, &dir.path().join("nsd.log"), || answers_dns(addr))?;
        Ok(Nsd { addr, _peer: peer, _dir: dir })
    }
}
