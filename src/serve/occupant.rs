//! Who already listens on an address, as far as the system tells (proc(5): /proc/net/{tcp,udp}{,6}, /proc/PID/fd).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::verdict::Transport;

/// In words, who holds `address` or an address that covers it; none when nobody was found.
pub(super) fn of(address: SocketAddr, transport: Transport) -> Option<String> {
    let tables: [&str; 2] = match transport {
        Transport::Udp | Transport::Doq => ["udp", "udp6"],
        Transport::Tcp | Transport::Dot | Transport::Doh => ["tcp", "tcp6"],
    };
    let holder = tables.iter().find_map(|table| {
        let text = fs::read_to_string(Path::new("/proc/net").join(table)).ok()?;
        text.lines().skip(1).filter_map(holder).find(|holder| {
            let listens = !table.starts_with("tcp") || holder.state == LISTEN;
            listens && covers(holder.address, address)
        })
    })?;
    Some(match process(holder.inode) {
        Some((pid, _)) if pid == std::process::id() => {
            format!("this process, on {}: another address of listen.dns covers it", holder.address)
        }
        Some((pid, name)) => format!("{name} (process {pid}), on {}", holder.address),
        None => format!("a process of user id {}, on {}", holder.user, holder.address),
    })
}

/// State of a listening TCP socket (linux/tcp_states.h).
const LISTEN: u8 = 0x0a;

#[derive(Debug, PartialEq, Eq)]
struct Holder {
    address: SocketAddr,
    state: u8,
    user: u32,
    inode: u64,
}

/// One line of the table.
fn holder(line: &str) -> Option<Holder> {
    let mut fields = line.split_ascii_whitespace();
    let address = local(fields.nth(1)?)?;
    let state = u8::from_str_radix(fields.nth(1)?, 16).ok()?;
    let user = fields.nth(3)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    Some(Holder { address, state, user, inode })
}

/// An address as the tables write it: words of 32 bits in hex, each in the machine's order, and the port.
fn local(field: &str) -> Option<SocketAddr> {
    let (address, port) = field.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match address.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut octets = [0; 16];
            for (at, four) in octets.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at)?);
            }
            IpAddr::from(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// Whether a socket on `held` keeps another one from `wanted`.
fn covers(held: SocketAddr, wanted: SocketAddr) -> bool {
    let every = held.ip().is_unspecified() || wanted.ip().is_unspecified();
    // A socket on [::] may hold the IPv4 port as well; the table does not tell.
    let family = held.is_ipv4() == wanted.is_ipv4() || held.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED);
    held.port() == wanted.port() && family && (every || held.ip() == wanted.ip())
}

/// The process that has the socket open, and its name; only those we may look into.
fn process(inode: u64) -> Option<(u32, String)> {
    let link = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let open = fs::read_dir(entry.path().join("fd")).ok()?;
        let holds = open.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|to| to == Path::new(&link)));
        let name = || fs::read_to_string(entry.path().join("comm")).unwrap_or_default().trim().to_owned();
        holds.then(|| (pid, name()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_line_of_the_table_is_read() {
        let line =
            " 4021: 3500007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 20421 1";
        let expected =
            Holder { address: "127.0.0.53:53".parse().expect("an address"), state: LISTEN, user: 101, inode: 20421 };
        assert_eq!(holder(line), Some(expected));
        let v6 = "00000000000000000000000001000000:14B4";
        assert_eq!(local(v6), Some("[::1]:5300".parse().expect("an address")));
    }

    #[test]
    fn a_damaged_line_is_passed_over() {
        for line in ["", "1: zz", "1: 0100007F:0035", "1: é100007F:0035 0 0A", "1: 0100007F 0 0A 0 0 0 1 0 2"] {
            assert_eq!(holder(line), None, "{line:?}");
        }
    }

    #[test]
    fn the_holder_of_a_socket_of_ours_is_this_process() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = socket.local_addr().expect("its address");
        let who = of(address, Transport::Udp).expect("somebody");
        assert!(who.starts_with("this process"), "{who}");
        let wildcard = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
        assert!(of(wildcard, Transport::Udp).is_some());
        assert!(of(address, Transport::Tcp).is_none());
    }
}
