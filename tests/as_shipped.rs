//! The shipped configuration as it is, to the last octet, with the shipped lists and an empty data folder, through the real binary. Its
//! addresses and ports are free in a network of the test's own, and its upstreams cannot be reached from there.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, RecordType};
use tempfile::TempDir;

use crate::support::client::{Ask, addresses, extended_error};
use crate::support::cordon::Cordon;
use crate::support::figures;
use crate::support::network::apart;

/// What the shipped configuration says in `[listen]`.
const DNS: [&str; 2] = ["127.0.0.1:5300", "[::1]:5300"];
const ADMIN: &str = "127.0.0.1:8053";

/// The configuration and the lists beside it, laid out as in the repository, and the data folder not there yet.
fn laid() -> (TempDir, Cordon) {
    let (root, kept) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().unwrap());
    let dir = kept.path().join("config");
    std::fs::create_dir(&dir).unwrap();
    std::fs::copy(root.join("config/cordon.toml"), dir.join("cordon.toml")).unwrap();
    std::os::unix::fs::symlink(root.join("blocklists"), kept.path().join("blocklists")).unwrap();
    let [addr, addr6] = DNS.map(|address| address.parse().unwrap());
    (kept, Cordon::on(&dir, addr, addr6, ADMIN.parse().unwrap()))
}

/// Asks until there is an answer, and gives how long that took.
fn first_answer(server: SocketAddr, begun: Instant) -> Duration {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let wire = Ask::new("www.bet365.com", RecordType::A).wire(7);
    for _ in 0..12_000 {
        // Until the door is open the kernel says that nobody is there.
        if socket.send(&wire).and_then(|_| socket.recv(&mut [0; 512])).is_ok() {
            return begun.elapsed();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("no answer from {server}");
}

#[test]
fn the_shipped_configuration_answers_in_both_network_zones_as_it_is() {
    apart(true, || {
        let (_kept, mut cordon) = laid();
        let begun = Instant::now();
        cordon.launch().unwrap();
        let first = first_answer(cordon.addr, begun);
        figures::tell(format_args!("first answer of the shipped configuration: {first:?} after the start"));

        let [here, trial] = ["127.0.0.1", "127.0.1.1"];
        for tcp in [false, true] {
            let answer = |name: &str, kind, from: &str| {
                let door = if from == "::1" { cordon.addr6 } else { cordon.addr };
                let answer = Ask { tcp, ..Ask::new(name, kind).from(from) }.at(door);
                let found: Vec<String> = addresses(&answer).iter().map(ToString::to_string).collect();
                (answer.metadata.response_code, found, extended_error(&answer).map(|(code, _)| code))
            };
            let no_error = ResponseCode::NoError;
            // What `standard` blocks, a name of each category and of the policy itself.
            for name in ["www.bet365.com", "www.hotmail.com", "nordvpn.com", "www.pornhub.com", "example-casino.test"] {
                assert_eq!(
                    answer(name, RecordType::A, here),
                    (no_error, vec!["0.0.0.0".to_owned()], Some(15)),
                    "{name}"
                );
                assert_eq!(
                    answer(name, RecordType::AAAA, "::1"),
                    (no_error, vec!["::".to_owned()], Some(15)),
                    "{name}"
                );
            }
            // What is a signal to software.
            for name in ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"] {
                for kind in [RecordType::A, RecordType::AAAA, RecordType::HTTPS] {
                    assert_eq!(answer(name, kind, here), (ResponseCode::NXDomain, vec![], Some(15)), "{name} {kind}");
                }
            }
            // `open` blocks none of them: what fails is the upstream.
            for name in ["www.bet365.com", "use-application-dns.net", "www.gov.uk"] {
                let (code, found, told) = answer(name, RecordType::A, trial);
                assert_eq!((code, found), (ResponseCode::ServFail, vec![]), "{name}");
                assert_ne!(told, Some(15), "{name}");
            }
            assert_eq!(answer("www.gov.uk", RecordType::A, here).0, ResponseCode::ServFail);
            // What never leaves, in either network zone.
            for from in [here, trial] {
                let loopback = vec!["127.0.0.1".to_owned()];
                assert_eq!(answer("localhost", RecordType::A, from), (no_error, loopback, None), "{from}");
                for name in ["printer.local", "1.0.0.10.in-addr.arpa"] {
                    assert_eq!(answer(name, RecordType::PTR, from), (ResponseCode::NXDomain, vec![], None), "{name}");
                }
                let version = Ask { tcp, class: DNSClass::CH, ..Ask::new("version.bind", RecordType::TXT).from(from) };
                let refused = version.at(cordon.addr);
                assert_eq!(refused.metadata.response_code, ResponseCode::Refused, "{from}");
            }
        }
        let rows = |filters: &[&str]| cordon.rows(filters);
        for (zone, action) in [("here", "blocked"), ("trial", "failed")] {
            let of = rows(&["--name", "www.bet365.com", "--zone", zone]);
            assert!(of.len() >= 2 && of.iter().all(|row| row["action"] == action), "{zone}: {of:?}");
            assert!(of.iter().all(|row| row["list"] == "gambling/gambling.txt"), "{zone}: {of:?}");
        }
        assert_eq!(cordon.get("/readyz").unwrap().0, 200);
        assert_eq!(cordon.stop(), Some(0), "{}", cordon.stderr());
        assert!(!cordon.stderr().contains("ERROR"), "{}", cordon.stderr());
    });
}

#[test]
fn where_there_is_no_ipv6_the_shipped_configuration_answers_over_ipv4_and_says_so() {
    apart(false, || {
        let (_kept, mut cordon) = laid();
        cordon.spawn().unwrap();
        for ask in [Ask::new("www.bet365.com", RecordType::A), Ask::new("www.bet365.com", RecordType::A).tcp()] {
            assert_eq!(addresses(&ask.at(cordon.addr)), ["0.0.0.0".parse::<std::net::IpAddr>().unwrap()]);
        }
        let said = cordon.stderr();
        let warning = said.lines().find(|line| line.contains("[::1]:5300")).unwrap_or_else(|| panic!("{said}"));
        for part in ["WARN", "this machine has no IPv6", "the other addresses are listened on"] {
            assert!(warning.contains(part), "{warning}");
        }
        assert_eq!(cordon.status()["listen"]["dns"], serde_json::json!([DNS[0]]));
        assert_eq!(cordon.stop(), Some(0));

        // Nothing else to listen on: it does not start, and the error names what is missing.
        let alone = cordon.command(&["serve", "--listen", "[::1]:5300"]);
        let error = String::from_utf8_lossy(&alone.stderr);
        assert_eq!(alone.status.code(), Some(4), "{error}");
        assert!(
            error.contains("cannot listen on [::1]:5300 (udp): this machine has no IPv6; leave the address out"),
            "{error}"
        );
        // An address that is missing for another reason is no matter of the family.
        let foreign = cordon.command(&["serve", "--listen", "127.0.0.1:5300", "--listen", "192.0.2.1:5300"]);
        let error = String::from_utf8_lossy(&foreign.stderr);
        assert_eq!(foreign.status.code(), Some(4), "{error}");
        assert!(error.contains("192.0.2.1:5300 (udp): no interface of this machine has the address"), "{error}");
    });
}
