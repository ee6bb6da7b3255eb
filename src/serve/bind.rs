//! Binding: every socket of every address, or an error that says which one, why, and what to do.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use socket2::{Domain, Protocol, Socket, Type};

use super::inherited::Inherited;
use super::occupant;
use super::udp::UdpSocket;
use crate::config::checked::Listen;
use crate::verdict::Transport;

/// Why the doors could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// There is nothing to listen on.
    #[error("listen.dns names no address: nobody could ask; name at least one, like \"127.0.0.1:5300\"")]
    NoAddress,
    /// The same address twice.
    #[error("listen.dns names {0} twice; name it once")]
    Twice(SocketAddr),
    /// An address could not be had.
    #[error("cannot listen on {address} ({}): {cause}", transport.word())]
    Bind {
        /// The address, as configured.
        address: SocketAddr,
        /// UDP or TCP.
        transport: Transport,
        /// Why, and what to do.
        cause: BindCause,
    },
    /// A thread could not be made.
    #[error("cannot start UDP worker {worker}: {error}; is there a limit on threads (ulimit -u, TasksMax)?")]
    Thread {
        /// Which worker.
        worker: usize,
        /// What the system said.
        error: io::Error,
    },
}

/// Why an address could not be had, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum BindCause {
    /// A low port, without the right to it.
    #[error(
        "not permitted: ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), \
         or choose a higher port in listen.dns"
    )]
    LowPort,
    /// Not permitted for another reason.
    #[error("not permitted: {0}; a security module or a container's seccomp profile may forbid it")]
    NotPermitted(io::Error),
    /// Somebody has it.
    #[error("in use by {}; stop it, or choose another address or port in listen.dns", .0.as_deref().unwrap_or("another process"))]
    InUse(Option<String>),
    /// No interface has it.
    #[error(
        "no interface of this machine has the address; see `ip address`, or write 0.0.0.0 for every address of IPv4, [::] for every one of IPv6 \
         (a link-local address needs its interface's index: [fe80::1%2]:53)"
    )]
    NotLocal,
    /// The machine has no IPv6, or no IPv4.
    #[error(
        "this machine has no {0}; leave the address out of listen.dns, or switch {0} on (IPv6: sysctl net.ipv6.conf.all.disable_ipv6=0)"
    )]
    NoFamily(&'static str),
    /// Anything else.
    #[error("{0}")]
    Other(io::Error),
}

/// The sockets of one address.
#[derive(Debug)]
pub(super) struct Bound {
    /// The address, with the port that was chosen where 0 was asked for.
    pub(super) address: SocketAddr,
    /// One for each UDP worker.
    pub(super) udp: Vec<Arc<UdpSocket>>,
    /// Listening.
    pub(super) tcp: TcpListener,
}

/// How many free ports are tried until one is free for both UDP and TCP.
const PORT_TRIES: u32 = 64;
/// Connections the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;

/// Binds every address of `listen.dns` for UDP, `workers` times, and for TCP, but for what was handed over. What was bound is let go when
/// one of them fails. An address of a family that the machine does not have is passed over with a warning, where another one is bound: a
/// configuration for both runs in a container without IPv6, too.
pub(super) fn bind_all(
    listen: &Listen,
    workers: usize,
    mut inherited: Inherited,
    dropped_before: &Arc<AtomicU64>,
) -> Result<Vec<Bound>, DoorError> {
    let addresses = &listen.dns;
    if addresses.is_empty() {
        return Err(DoorError::NoAddress);
    }
    let mut seen = HashSet::new();
    if let Some(&twice) = addresses.iter().find(|address| address.port() != 0 && !seen.insert(**address)) {
        return Err(DoorError::Twice(twice));
    }
    let (mut bound, mut without) = (Vec::with_capacity(addresses.len()), Vec::new());
    for &address in addresses {
        match bind(address, workers, listen, &mut inherited, dropped_before) {
            Ok(one) => bound.push(one),
            Err(error @ DoorError::Bind { cause: BindCause::NoFamily(_), .. }) => without.push(error),
            Err(error) => return Err(error),
        }
    }
    if bound.is_empty()
        && let Some(first) = without.drain(..).next()
    {
        return Err(first);
    }
    without.iter().for_each(|error| tracing::warn!("{error}; the other addresses are listened on"));
    inherited.tell_left();
    bound.iter().for_each(|bound| tell_buffers(bound, listen));
    Ok(bound)
}

fn bind(
    wanted: SocketAddr,
    workers: usize,
    listen: &Listen,
    inherited: &mut Inherited,
    dropped_before: &Arc<AtomicU64>,
) -> Result<Bound, DoorError> {
    let udp = |address, first| UdpSocket::bind(address, first, listen, dropped_before.clone());
    let failed = |address, transport| {
        move |error| DoorError::Bind { address: wanted, transport, cause: cause(address, transport, error) }
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let handed_over = inherited.udp(wanted);
        let first = match handed_over {
            Some(socket) => UdpSocket::made_of(socket, wanted, listen, dropped_before.clone()),
            None => udp(wanted, true),
        };
        let first = first.map_err(failed(wanted, Transport::Udp))?;
        let address = first.address().map_err(failed(wanted, Transport::Udp))?;
        let tcp = match inherited.tcp(address).map_or_else(|| listener(address), Ok) {
            Ok(tcp) => tcp,
            Err(error) if wanted.port() == 0 && tries < PORT_TRIES && error.kind() == io::ErrorKind::AddrInUse => {
                continue;
            }
            Err(error) => return Err(failed(address, Transport::Tcp)(error)),
        };
        let mut sockets = vec![Arc::new(first)];
        // One that was handed over without SO_REUSEPORT is every worker's: no second one could be bound beside it.
        while sockets.len() < workers && !sockets[0].shares_its_port() {
            sockets.push(Arc::clone(&sockets[0]));
        }
        while sockets.len() < workers {
            sockets.push(Arc::new(udp(address, false).map_err(failed(address, Transport::Udp))?));
        }
        return Ok(Bound { address, udp: sockets, tcp });
    }
}

/// Tells where the kernel gives smaller buffers than are configured: a burst beyond them is lost before it can be counted by client.
fn tell_buffers(bound: &Bound, listen: &Listen) {
    let Some(Ok((receive, send))) = bound.udp.first().map(|udp| udp.buffers()) else { return };
    for (key, limit, given, wanted) in [
        ("listen.receive_buffer", "net.core.rmem_max", receive, listen.receive_buffer as u64),
        ("listen.send_buffer", "net.core.wmem_max", send, listen.send_buffer as u64),
    ] {
        if given < wanted {
            tracing::warn!(
                address = %bound.address,
                "{key} is {wanted} octets and the kernel gives {given}; raise {limit} (sysctl), give CAP_NET_ADMIN, or write less"
            );
        }
    }
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.cloexec(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // After a restart, connections of the one before may still be in TIME-WAIT; a second listener is refused all the same.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Why no socket of this machine can have the address, whatever the port: no interface has it, or there is no such family. The port is not
/// asked for, so nobody who has it is disturbed.
pub fn absent(address: SocketAddr) -> Option<BindCause> {
    let mut any_port = address;
    any_port.set_port(0);
    let bound = Socket::new(Domain::for_address(address), Type::DGRAM.cloexec(), Some(Protocol::UDP))
        .and_then(|socket| socket.bind(&any_port.into()));
    let cause = cause(any_port, Transport::Udp, bound.err()?);
    matches!(cause, BindCause::NotLocal | BindCause::NoFamily(_)).then_some(cause)
}

/// Why the admin door could not be opened, and what to do.
pub fn admin_refused(address: SocketAddr, error: io::Error) -> String {
    let cause = cause(address, Transport::Tcp, error).to_string().replace("listen.dns", "listen.admin");
    format!("{address} cannot be listened on: {cause}")
}

fn cause(address: SocketAddr, transport: Transport, error: io::Error) -> BindCause {
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) if (1..1024).contains(&address.port()) => BindCause::LowPort,
        Some(libc::EACCES | libc::EPERM) => BindCause::NotPermitted(error),
        Some(libc::EADDRINUSE) => BindCause::InUse(occupant::of(address, transport)),
        // Every machine with IPv6 has this one; where IPv6 is switched off, it is the address that is said to be missing.
        Some(libc::EADDRNOTAVAIL) if address.ip() == IpAddr::V6(Ipv6Addr::LOCALHOST) => BindCause::NoFamily("IPv6"),
        Some(libc::EADDRNOTAVAIL | libc::EINVAL | libc::ENODEV) => BindCause::NotLocal,
        Some(libc::EAFNOSUPPORT) => BindCause::NoFamily(if address.is_ipv6() { "IPv6" } else { "IPv4" }),
        _ => BindCause::Other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(dns: &[SocketAddr]) -> Listen {
        Listen { dns: dns.to_vec(), ..Listen::default() }
    }

    fn bind_one(address: &str, workers: usize) -> Result<Bound, DoorError> {
        bind(address.parse().expect("an address"), workers, &on(&[]), &mut Inherited::default(), &Arc::default())
    }

    #[test]
    fn port_0_picks_one_port_for_udp_and_tcp_and_every_worker() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let bound = bind_one(address, 3).expect("sockets");
            assert_eq!(bound.udp.len(), 3);
            assert!(bound.udp.iter().all(|udp| udp.address().expect("an address") == bound.address));
            assert_eq!(bound.tcp.local_addr().expect("an address"), bound.address);
        }
    }

    #[test]
    fn a_second_server_is_refused_though_ports_are_shared_among_workers() {
        let bound = bind_one("127.0.0.1:0", 2).expect("sockets");
        let error = bind_one(&bound.address.to_string(), 2).expect_err("it is in use").to_string();
        assert!(
            error.starts_with(&format!("cannot listen on {} (udp): in use by this process", bound.address)),
            "{error}"
        );
        let every = format!("0.0.0.0:{}", bound.address.port());
        assert!(matches!(
            bind_one(&every, 1),
            Err(DoorError::Bind { transport: Transport::Udp, cause: BindCause::InUse(Some(_)), .. })
        ));
    }

    #[test]
    fn an_address_covered_by_another_one_is_told_so() {
        let port = bind_one("127.0.0.1:0", 1).expect("sockets").address.port();
        let both = [("0.0.0.0", port), ("127.0.0.1", port)].map(|(ip, port)| format!("{ip}:{port}"));
        let both = both.map(|address| address.parse().expect("an address"));
        let error =
            bind_all(&on(&both), 2, Inherited::default(), &Arc::default()).expect_err("they overlap").to_string();
        assert!(error.contains("another address of listen.dns covers it"), "{error}");
    }

    #[test]
    fn a_port_held_over_tcp_alone_is_told_so() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = tcp.local_addr().expect("an address");
        let error = bind_one(&address.to_string(), 1).expect_err("it is in use").to_string();
        assert!(error.contains("(tcp): in use by this process"), "{error}");
    }

    #[test]
    fn an_address_of_another_machine_is_told_so() {
        assert!(matches!(absent("192.0.2.1:53".parse().expect("an address")), Some(BindCause::NotLocal)));
        assert!(absent("127.0.0.1:53".parse().expect("an address")).is_none(), "whoever has the port");
        let error = bind_one("192.0.2.1:0", 1).expect_err("no such address here").to_string();
        assert!(error.starts_with("cannot listen on 192.0.2.1:0 (udp): no interface of this machine"), "{error}");
    }

    #[test]
    fn a_low_port_without_the_right_is_told_what_to_do() {
        let address = "127.0.0.1:53".parse().expect("an address");
        let error = io::Error::from_raw_os_error(libc::EACCES);
        assert!(cause(address, Transport::Udp, error).to_string().contains("CAP_NET_BIND_SERVICE"));
    }

    #[test]
    fn a_family_that_is_missing_is_named() {
        for (address, number, named) in [
            ("[::1]:53", libc::EADDRNOTAVAIL, "this machine has no IPv6"),
            ("[2001:db8::1]:53", libc::EAFNOSUPPORT, "this machine has no IPv6"),
            ("127.0.0.1:53", libc::EAFNOSUPPORT, "this machine has no IPv4"),
            ("[2001:db8::1]:53", libc::EADDRNOTAVAIL, "no interface of this machine"),
        ] {
            let cause =
                cause(address.parse().expect("an address"), Transport::Udp, io::Error::from_raw_os_error(number));
            assert!(cause.to_string().starts_with(named), "{address}: {cause}");
        }
    }

    #[test]
    fn no_address_and_an_address_twice_are_errors() {
        assert!(matches!(bind_all(&on(&[]), 1, Inherited::default(), &Arc::default()), Err(DoorError::NoAddress)));
        let one = "127.0.0.1:5300".parse().expect("an address");
        assert!(
            matches!(bind_all(&on(&[one, one]), 1, Inherited::default(), &Arc::default()), Err(DoorError::Twice(twice)) if twice == one)
        );
    }
}
