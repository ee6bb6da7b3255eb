//! Names that a resolver answers by itself: special-use names (RFC 6761), reverse names of private space (RFC 6303). None is asked upstream.

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, RecordType};

use crate::answers::{LISTS, ask, every_response};
use crate::support::client::{Ask, addresses};
use crate::support::cordon::Cordon;
use crate::support::rows;
use crate::support::udp_peer::UdpPeer;

#[test]
fn special_names_and_private_reverse_zones_never_go_upstream() {
    let peer = UdpPeer::silent();
    let config = every_response(peer.addr).replace("timeout = \"1s\"", "timeout = \"200ms\"");
    let cordon = Cordon::start(&config, LISTS);
    let ip6 = |text: &str| format!("{text}ip6.arpa.");
    let zeros = "0.".repeat(31);
    let nowhere = [
        "x.invalid.".to_owned(),
        "www.test.".to_owned(),
        "abc.onion.".to_owned(),
        "printer.local.".to_owned(),
        "x.alt.".to_owned(),
        "router.home.arpa.".to_owned(),
        "1.0.0.10.in-addr.arpa.".to_owned(),
        "9.8.16.172.in-addr.arpa.".to_owned(),
        "9.8.168.192.in-addr.arpa.".to_owned(),
        "1.1.254.169.in-addr.arpa.".to_owned(),
        "1.2.64.100.in-addr.arpa.".to_owned(),
        "x.10.in-addr.arpa.".to_owned(),
        "0-127.0.0.10.in-addr.arpa.".to_owned(),
        "_udp.0.0.10.in-addr.arpa.".to_owned(),
        "b._dns-sd._udp.0.168.192.in-addr.arpa.".to_owned(),
        "256.10.in-addr.arpa.".to_owned(),
        "x.127.in-addr.arpa.".to_owned(),
        ip6("b.a.9.8.d.f."),
        ip6("1.8.e.f."),
        ip6("1.8.b.d.0.1.0.0.2."),
        ip6("foo.d.f."),
        ip6("lb._dns-sd._udp.8.e.f."),
    ];
    for name in &nowhere {
        for (rd, cd, dnssec_ok) in [(true, false, false), (true, true, true), (false, false, false)] {
            for kind in [RecordType::PTR, RecordType::A, RecordType::DS] {
                let answer = Ask { rd, cd, dnssec_ok, ..ask(name, kind, 0) }.at(cordon.addr);
                assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain, "{name} {kind}");
                let [soa] = answer.authorities.as_slice() else { panic!("{name} {kind}: no SOA") };
                // RFC 6303 section 3: the zone is its own name server and nobody's; nothing is blocked there.
                let RData::SOA(data) = &soa.data else { panic!("{name} {kind}: {soa}") };
                assert!(name.ends_with(&soa.name.to_string()) && data.mname == soa.name, "{name} {kind}: {soa}");
                assert_eq!((data.rname.to_string().as_str(), data.serial), ("nobody.invalid.", 1), "{name} {kind}");
                assert_eq!(data.minimum, soa.ttl, "{name} {kind}");
            }
        }
    }
    for (name, kind, expected) in [
        ("localhost.".to_owned(), RecordType::A, Some("127.0.0.1")),
        ("a.LocalHost.".to_owned(), RecordType::AAAA, Some("::1")),
        ("localhost.".to_owned(), RecordType::MX, None),
        ("_dns.resolver.arpa.".to_owned(), RecordType::SVCB, None),
    ] {
        let answer = ask(&name, kind, 0).at(cordon.addr);
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{name}");
        let expected: Vec<IpAddr> = expected.map(|address| address.parse().unwrap()).into_iter().collect();
        assert_eq!(addresses(&answer), expected, "{name}");
        assert_eq!(answer.authorities.len(), expected.is_empty() as usize, "{name}");
    }
    for zone in
        ["10.in-addr.arpa.".to_owned(), "2.0.192.in-addr.arpa.".to_owned(), ip6("d.f."), "home.arpa.".to_owned()]
    {
        for kind in [RecordType::SOA, RecordType::NS] {
            let answer = ask(&zone, kind, 0).at(cordon.addr);
            let [record] = answer.answers.as_slice() else { panic!("{zone} {kind}: {answer:?}") };
            assert_eq!(record.name.to_string(), zone, "{kind}");
            match &record.data {
                RData::SOA(soa) => {
                    assert_eq!((&soa.mname, soa.rname.to_string().as_str()), (&record.name, "nobody.invalid."))
                }
                RData::NS(server) => assert_eq!(server.0, record.name),
                other => panic!("{zone} {kind}: {other}"),
            }
        }
        let answer = ask(&zone, RecordType::A, 0).at(cordon.addr);
        assert_eq!((answer.metadata.response_code, answer.authorities.len()), (ResponseCode::NoError, 1), "{zone}");
        assert!(answer.answers.is_empty(), "{zone}");
    }
    for name in ["localhost.", "10.in-addr.arpa.", "1.0.0.127.in-addr.arpa.", "home.arpa."] {
        let any = ask(name, RecordType::ANY, 0).at(cordon.addr);
        assert_eq!(
            any.answers.iter().map(|record| record.record_type()).collect::<Vec<_>>(),
            [RecordType::HINFO],
            "{name}"
        );
    }
    for name in ["x.10.in-addr.arpa.", "x.invalid."] {
        let any = ask(name, RecordType::ANY, 0).at(cordon.addr);
        assert_eq!(any.metadata.response_code, ResponseCode::NXDomain, "{name}");
    }
    for name in ["1.0.0.127.in-addr.arpa.".to_owned(), ip6(&format!("1.{zeros}"))] {
        let answer = ask(&name, RecordType::PTR, 0).at(cordon.addr);
        let [record] = answer.answers.as_slice() else { panic!("{answer:?}") };
        assert_eq!(record.data.to_string(), "localhost.", "{name}");
    }
    assert_eq!(peer.heard(), 0, "nothing was asked upstream");
    let row = rows::last(&cordon.log_dir(), "1.0.0.10.in-addr.arpa");
    assert_eq!(row["rule"], "reverse zone of private space (RFC 6303)", "{row}");
    // The peer does hear of other names, so its silence above says something.
    ask("8.8.8.8.in-addr.arpa.", RecordType::PTR, 0).at(cordon.addr);
    assert!(peer.heard() > 0);
}
