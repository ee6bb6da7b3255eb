//! Q2: the fast and the slow way agree on every input, in the octets that leave and in the row.

use std::cell::Cell;
use std::net::SocketAddr;

use cordon::moment::Moment;
use cordon::verdict::Transport;
use hickory_proto::rr::{DNSClass, RecordType};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::support::client::Ask;
use crate::support::house::{House, TableUpstream};
use crate::support::rows;

/// Names of every fate: blocked, denied, allowed, monitored, rewritten, local, special, alias to blocked, nothing.
const NAMES: &[&str] = &[
    "bet.example.net.",
    "a.b.BET.example.net.",
    "denied.example.net.",
    "chat.example.net.",
    "www.example.net.",
    "WWW.Example.NET.",
    "alias.example.net.",
    "to-bet.example.net.",
    "search.example.net.",
    "to-search.example.net.",
    "fixed.example.net.",
    "www.intranet.example.",
    "out.intranet.example.",
    "cut.intranet.example.",
    "x.wild.intranet.example.",
    "localhost.",
    "x.invalid.",
    "1.0.0.10.in-addr.arpa.",
    "nothing.example.net.",
    ".",
];

const KINDS: &[RecordType] = &[
    RecordType::A,
    RecordType::AAAA,
    RecordType::TXT,
    RecordType::CNAME,
    RecordType::HTTPS,
    RecordType::ANY,
    RecordType::NS,
    RecordType::AXFR,
    RecordType::Unknown(65280),
];

/// Clients of three network zones and of none.
const CLIENTS: &[&str] = &["10.0.1.1", "10.0.2.1", "10.0.3.1", "192.0.2.1", "[fd00::1]"];

const CONFIG: &str = r#"
[[category]]
name = "gambling"
lists = [{ path = "gambling.txt" }]
[[category]]
name = "chat"
lists = [{ path = "chat.txt" }]
[policy.sink]
block = ["gambling"]
monitor = ["chat"]
deny = ["denied.example.net"]
[policy.sink.rewrite]
"search.example.net" = "www.example.net"
"to-search.example.net" = "search.example.net"
"fixed.example.net" = ["192.0.2.7"]
[policy.nx]
block = ["gambling", "chat"]
response = "nxdomain"
[policy.closed]
default = "block"
permit = ["chat"]
response = "drop"
[[network_zone]]
name = "one"
clients = ["10.0.1.0/24", "fd00::/64"]
policy = "sink"
[[network_zone]]
name = "two"
clients = ["10.0.2.0/24"]
policy = "nx"
[[network_zone]]
name = "three"
clients = ["10.0.3.0/24"]
policy = "closed"
[[local_zone]]
name = "intranet.example"
file = "intranet.zone"
"#;

fn house(upstream: &TableUpstream) -> House {
    let config = format!("{CONFIG}[upstream]\nservers = [\"udp://{}\"]\n", upstream.peer.addr);
    let zone = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.2\nout CNAME to-bet.example.net.\n\
                cut NS ns.cut\nns.cut A 10.0.0.3\n*.wild A 10.0.0.4\n";
    let files = [("gambling.txt", "bet.example.net\n"), ("chat.txt", "chat.example.net\n"), ("intranet.zone", zone)];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
    House::new(&config, &files, Moment::from_seconds(1_795_515_300)).unwrap()
}

fn upstream() -> TableUpstream {
    let upstream = TableUpstream::start();
    for (name, kind, text, ttl) in [
        ("bet.example.net.", RecordType::A, "192.0.2.66", 300),
        ("chat.example.net.", RecordType::A, "192.0.2.67", 300),
        ("www.example.net.", RecordType::A, "192.0.2.80", 300),
        ("www.example.net.", RecordType::AAAA, "2001:db8::80", 60),
        ("alias.example.net.", RecordType::CNAME, "www.example.net.", 30),
        ("to-bet.example.net.", RecordType::CNAME, "bet.example.net.", 30),
        ("denied.example.net.", RecordType::A, "192.0.2.68", 0),
    ] {
        upstream.add(name, kind, text, ttl).unwrap();
    }
    upstream
}

/// The newest row, without what differs from run to run.
fn row(house: &House) -> Option<Value> {
    let every = rows::every(&house.log_dir());
    let mut row = every.into_iter().max_by_key(|row| row["client_port"].as_u64())?;
    for column in ["time", "lane", "seq", "duration_us"] {
        row[column] = Value::Null;
    }
    Some(row)
}

fn question() -> impl Strategy<Value = (Ask, &'static str, Transport)> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let edns = prop::sample::select(vec![None, Some(0), Some(512), Some(1232), Some(4096)]);
    let class = prop::sample::select(vec![DNSClass::IN, DNSClass::IN, DNSClass::IN, DNSClass::CH]);
    let what = (prop::sample::select(NAMES), prop::sample::select(KINDS), class, edns, flags);
    let transport = prop::sample::select(vec![Transport::Udp, Transport::Tcp]);
    (what, prop::sample::select(CLIENTS), transport).prop_map(|(what, client, transport)| {
        let (name, kind, class, edns, (rd, ad, cd, dnssec_ok)) = what;
        // Mostly with RD, as questions come.
        let ask = Ask { class, edns, rd: rd || ad, ad, cd, dnssec_ok, ..Ask::new(name, kind) };
        (ask, client, transport)
    })
}

#[test]
fn the_fast_and_the_slow_way_agree_and_so_do_what_is_fetched_and_what_is_kept() {
    let upstream = upstream();
    let (fast, slow) = (house(&upstream), house(&upstream));
    let port = Cell::new(1_024);
    let (handed_over, at_once) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() });
    let mutation = prop::option::weighted(0.2, (0usize..80, any::<u8>()));
    let outcome = runner.run(&(question(), mutation), |((ask, client, transport), mutation)| {
        let mut wire = ask.wire(0x1234);
        if let Some((at, octet)) = mutation
            && let Some(place) = wire.get_mut(at)
        {
            *place = octet;
        }
        port.set(port.get() + 1);
        let client: SocketAddr = format!("{client}:{}", port.get()).parse().unwrap();
        let (by_fast, was_handed_over) = fast.ask_fast(&wire, client, transport);
        let by_slow = slow.ask(&wire, client, transport);
        let way = if was_handed_over { &handed_over } else { &at_once };
        way.set(way.get() + 1);
        prop_assert_eq!(&by_fast, &by_slow, "{:?}", ask);
        let (of_fast, of_slow) = (row(&fast), row(&slow));
        prop_assert_eq!(&of_fast, &of_slow, "{:?}", ask);
        // Asked again, the clock standing still, the same octets come at once from what was kept.
        port.set(port.get() + 1);
        let client = SocketAddr::new(client.ip(), port.get());
        let (again, _) = fast.ask_fast(&wire, client, transport);
        slow.ask(&wire, client, transport);
        prop_assert_eq!(&again, &by_fast, "again: {:?}", ask);
        if let (Some(mut first), Some(mut second)) = (of_fast, row(&fast)) {
            for row in [&mut first, &mut second] {
                for column in ["client_port", "source", "upstream"] {
                    row[column] = Value::Null;
                }
            }
            prop_assert_eq!(first, second, "again: {:?}", ask);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let (handed_over, at_once) = (handed_over.get(), at_once.get());
    assert!(handed_over > 20 && at_once > 100, "both ways were gone: {handed_over} and {at_once}");
}
