//! `system`: the servers of `/etc/resolv.conf`, and the care not to ask ourselves.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;

use hickory_resolver::system_conf::parse_resolv_conf;

/// Where a system says whom it asks (resolv.conf(5)).
pub(super) const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The addresses of the `nameserver` lines of `path`, port 53, each once, in their order.
pub(super) fn servers(path: &Path) -> Result<Vec<SocketAddr>, String> {
    let octets = std::fs::read(path).map_err(|error| error.to_string())?;
    let (config, _) = parse_resolv_conf(octets).map_err(|error| error.to_string())?;
    let mut servers: Vec<SocketAddr> = Vec::new();
    for server in config.name_servers() {
        let address = SocketAddr::new(server.ip, 53);
        if !servers.contains(&address) {
            servers.push(address);
        }
    }
    Ok(servers)
}

/// Whether a question to `server` would come back to us, who listen on `own`. A listener on the unspecified address hears every
/// address of this host, and an address is this host's when a socket can be bound to it.
pub(super) fn is_own(server: SocketAddr, own: &[SocketAddr]) -> bool {
    let target = server.ip().to_canonical();
    own.iter().any(|listener| {
        let at = listener.ip().to_canonical();
        let hears = match at {
            IpAddr::V4(any) if any.is_unspecified() => target.is_ipv4() && is_local(target),
            IpAddr::V6(any) if any.is_unspecified() => is_local(target),
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
        assert!(servers(file.path()).is_err());
        assert!(servers(Path::new("/nonexistent/resolv.conf")).is_err());
    }

    #[test]
    fn we_know_ourselves_also_behind_an_unspecified_address() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert!(is_own(at("127.0.0.1:53"), &[at("127.0.0.1:53")]));
        assert!(is_own(at("127.0.0.53:53"), &[at("0.0.0.0:53")]));
        assert!(is_own(at("127.0.0.1:53"), &[at("[::]:53")]));
        assert!(is_own(at("[::ffff:127.0.0.1]:53"), &[at("127.0.0.1:53")]));
        assert!(!is_own(at("127.0.0.1:53"), &[at("127.0.0.1:5300")]));
        assert!(!is_own(at("127.0.0.53:53"), &[at("127.0.0.1:53")]));
        assert!(!is_own(at("192.0.2.1:53"), &[at("0.0.0.0:53")]), "an address of documentation is no host's");
    }
}
