//! `system`: the servers of `/etc/resolv.conf`, and the care not to ask ourselves.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;

use hickory_resolver::system_conf::parse_resolv_conf;

/// Where a system says whom it asks (resolv.conf(5)).
pub(super) const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The addresses of the `nameserver` lines of `path`, port 53, each once, in their order; or what is wrong with it, to be read on from its
/// name.
pub(super) fn servers(path: &Path) -> Result<Vec<SocketAddr>, String> {
    let octets = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    if !String::from_utf8_lossy(&octets).lines().any(|line| line.split_whitespace().next() == Some("nameserver")) {
        return Err("has no `nameserver` line".to_owned());
    }
    let (config, _) = parse_resolv_conf(octets).map_err(|error| format!("cannot be understood: {error}"))?;
    let mut servers: Vec<SocketAddr> = Vec::new();
    for server in config.name_servers() {
        let address = SocketAddr::new(server.ip, 53);
        if !servers.contains(&address) {
            servers.push(address);
        }
    }
    Ok(servers)
}

/// Whether a question to `server` would come back to us, who listen on `own`. A listener on the unspecified address hears every address of
/// its family that this host has (`[::]` hears no IPv4: our sockets of IPv6 are of IPv6 only), and an address is this host's when a socket
/// can be bound to it.
pub(super) fn is_own(server: SocketAddr, own: &[SocketAddr]) -> bool {
    let target = server.ip().to_canonical();
    own.iter().any(|listener| {
        let at = listener.ip().to_canonical();
        let hears = match at {
            any if any.is_unspecified() => any.is_ipv4() == target.is_ipv4() && is_local(target),
            one => one == target,
        };
        hears && listener.port() == server.port()
    })
}

fn is_local(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_servers_of_a_system_are_read_in_order_and_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "search a.example\nnameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver 192.0.2.1\n",
        )
        .unwrap();
        let expected: Vec<SocketAddr> = vec!["192.0.2.1:53".parse().unwrap(), "[2001:db8::1]:53".parse().unwrap()];
        assert_eq!(servers(file.path()), Ok(expected));
        std::fs::write(file.path(), "search a.example\n").unwrap();
        assert_eq!(servers(file.path()), Err("has no `nameserver` line".to_owned()));
        let nowhere = servers(Path::new("/nonexistent/resolv.conf")).unwrap_err();
        assert!(nowhere.starts_with("cannot be read: No such file"), "{nowhere}");
        std::fs::write(file.path(), "nameserver here\n").unwrap();
        assert!(servers(file.path()).unwrap_err().starts_with("cannot be understood"));
    }

    #[test]
    fn we_know_ourselves_also_behind_an_unspecified_address() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert!(is_own(at("127.0.0.1:53"), &[at("127.0.0.1:53")]));
        assert!(is_own(at("127.0.0.53:53"), &[at("0.0.0.0:53")]));
        assert!(is_own(at("[::1]:53"), &[at("[::]:53")]));
        assert!(!is_own(at("127.0.0.1:53"), &[at("[::]:53")]), "IPv6 only");
        assert!(!is_own(at("[::1]:53"), &[at("0.0.0.0:53")]));
        assert!(is_own(at("[::ffff:127.0.0.1]:53"), &[at("127.0.0.1:53")]));
        assert!(!is_own(at("127.0.0.1:53"), &[at("127.0.0.1:5300")]));
        assert!(!is_own(at("127.0.0.53:53"), &[at("127.0.0.1:53")]));
        assert!(!is_own(at("192.0.2.1:53"), &[at("0.0.0.0:53")]), "an address of documentation is no host's");
    }
}
