//! Sockets handed over as a service manager does it: they stay open while the server is restarted, and what was asked meanwhile is answered.

use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use socket2::{Domain, Protocol, Socket, Type};

use crate::support::client::{Ask, addresses};
use crate::support::cordon::Cordon;
use crate::support::peer::with_free_ports;

const CONFIG: &str = "[policy.p]\n[[network_zone]]\nname = \"z\"\nclients = [\"127.0.0.0/8\", \"::1/128\"]\npolicy = \"p\"\n\
    [[local_zone]]\nname = \"intranet.example\"\nfile = \"intranet.zone\"\n";
const ZONE: &str =
    "$TTL 60\n@ IN SOA ns hostmaster 1 1h 15m 1w 5m\n@ IN NS ns\nns IN A 192.0.2.53\nwww IN A 192.0.2.80\n";

/// A UDP socket and a TCP listener at Cordon's own address, kept open here and not closed when another program is started.
fn sockets(cordon: &Cordon, reuse: bool) -> Result<[Socket; 2], String> {
    let made = |kind: Type, protocol| {
        let socket = Socket::new(Domain::IPV4, kind, Some(protocol))?;
        socket.set_cloexec(false)?;
        socket.set_reuse_port(reuse && kind == Type::DGRAM)?;
        socket.set_reuse_address(kind == Type::STREAM)?;
        socket.bind(&cordon.addr.into())?;
        if kind == Type::STREAM {
            socket.listen(16)?;
        }
        Ok(socket)
    };
    let both = [made(Type::DGRAM, Protocol::UDP), made(Type::STREAM, Protocol::TCP)];
    let [udp, tcp] =
        both.map(|made: std::io::Result<Socket>| made.map_err(|error| format!("in use by another process: {error}")));
    Ok([udp?, tcp?])
}

fn what_is_asked_while_no_server_runs_is_answered_by_the_next(reuse: bool) {
    let kept = tempfile::tempdir().unwrap();
    let (mut cordon, _sockets) = with_free_ports(|| {
        let mut cordon = Cordon::prepare(kept.path(), CONFIG, &[("intranet.zone", ZONE)])?;
        let sockets = sockets(&cordon, reuse)?;
        // High numbers, so that the shell does not write over one before it was put in its place.
        cordon.handed = sockets.iter().map(AsRawFd::as_raw_fd).collect();
        cordon.spawn()?;
        Ok((cordon, sockets))
    });
    let ask = Ask::new("www.intranet.example", RecordType::A);
    let right: [IpAddr; 1] = ["192.0.2.80".parse().unwrap()];
    assert_eq!(addresses(&ask.at(cordon.addr)), right);
    assert_eq!(addresses(&Ask::new("www.intranet.example", RecordType::A).tcp().at(cordon.addr)), right);
    let (addr, said) = (cordon.addr, cordon.stderr());
    assert!(!said.contains("handed over"), "both are of listen.dns: {said}");
    assert_eq!(cordon.stop(), Some(0));
    // Nobody is there; the query waits at the socket.
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    client.send_to(&ask.wire(4711), addr).unwrap();
    cordon.spawn().unwrap();
    assert_eq!(cordon.addr, addr, "it is the same server again");
    let mut buffer = [0; 4096];
    let (length, from) = client.recv_from(&mut buffer).expect("the query that waited is answered");
    assert_eq!((from, &buffer[..2]), (addr, &4711u16.to_be_bytes()[..]));
    assert!(length > 12);
}

#[test]
fn a_restart_loses_no_query_where_sockets_are_handed_over() {
    what_is_asked_while_no_server_runs_is_answered_by_the_next(true);
}

#[test]
fn one_socket_without_a_shared_port_serves_every_worker() {
    what_is_asked_while_no_server_runs_is_answered_by_the_next(false);
}

#[test]
fn a_socket_for_an_address_that_nobody_listens_at_is_told() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket2::SockRef::from(&other).set_cloexec(false).unwrap();
    let kept = tempfile::tempdir().unwrap();
    let cordon = with_free_ports(|| {
        let mut cordon = Cordon::prepare(kept.path(), CONFIG, &[("intranet.zone", ZONE)])?;
        cordon.handed = vec![other.as_raw_fd()];
        cordon.spawn()?;
        Ok(cordon)
    });
    let told = format!("address={} ", other.local_addr().unwrap());
    let said = cordon.stderr();
    assert!(said.contains("is not in listen.dns") || said.contains(&told), "{said}");
    assert_eq!(addresses(&Ask::new("www.intranet.example", RecordType::A).at(cordon.addr)).len(), 1);
}
