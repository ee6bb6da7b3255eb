//! What a client gets, as the contract's section on answers says it, through the real binary.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, RData, RecordType};

use crate::support::client::{Ask, addresses, extended_error, over_udp};
use crate::support::cordon::Cordon;
use crate::support::nsd::Nsd;
use crate::support::rows;
use crate::support::udp_peer::UdpPeer;

const ZONE: &str = "$ORIGIN example.net.\n$TTL 300\n@ SOA ns hostmaster 1 7200 3600 86400 60\n@ NS ns\nns A 192.0.2.53\n\
                    www A 192.0.2.80\nwww AAAA 2001:db8::80\nwww TXT \"hello\"\nbet A 192.0.2.66\n";

/// Every type the contract speaks of, and one nobody has heard of.
const TYPES: &[RecordType] = &[
    RecordType::A,
    RecordType::AAAA,
    RecordType::MX,
    RecordType::TXT,
    RecordType::HTTPS,
    RecordType::SVCB,
    RecordType::ANY,
    RecordType::NS,
    RecordType::SOA,
    RecordType::PTR,
    RecordType::CNAME,
    RecordType::DS,
    RecordType::Unknown(65280),
];

const RESPONSES: &[&str] = &["sinkhole", "nxdomain", "nodata", "refused", "drop"];

/// A network zone for each response: 127.0.N.0/24 has the Nth.
pub fn every_response(upstream: SocketAddr) -> String {
    let mut config = format!(
        "[upstream]\nservers = [\"udp://{upstream}\"]\ntimeout = \"1s\"\n\
         [[category]]\nname = \"gambling\"\ntitle = \"Gambling\"\nclause = \"Procedure 5.2\"\nlists = [{{ path = \"gambling.txt\" }}]\n"
    );
    for (n, response) in RESPONSES.iter().enumerate() {
        config += &format!(
            "[policy.by-{response}]\nblock = [\"gambling\"]\ndeny = [\"denied.example.net\"]\nresponse = \"{response}\"\n\
             [[network_zone]]\nname = \"{response}\"\nclients = [\"127.0.{n}.0/24\"]\npolicy = \"by-{response}\"\n\
             sinkhole = {{ ipv4 = \"10.1.1.{n}\", ipv6 = \"2001:db8::{n}\", ttl = {ttl} }}\n",
            ttl = 20 + n
        );
    }
    config
}

pub const LISTS: &[(&str, &str)] = &[("gambling.txt", "# betting\nbet.example.net\n")];

pub fn ask(name: &str, kind: RecordType, zone: usize) -> Ask {
    Ask::new(name, kind).from(&format!("127.0.{zone}.9"))
}

#[test]
fn each_response_is_what_the_contract_says_for_each_type() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = Cordon::start(&every_response(nsd.addr), LISTS);
    for (zone, response) in RESPONSES.iter().enumerate().filter(|(_, response)| **response != "drop") {
        for kind in TYPES {
            for edns in [Some(1232), None] {
                let asked = Ask { edns, ..ask("www.bet.example.net.", *kind, zone) };
                let answer = asked.at(cordon.addr);
                let case = format!("{response} {kind} edns {edns:?}: {answer:?}");
                let ttl = 20 + zone as u32;
                let code = match *response {
                    "nxdomain" => ResponseCode::NXDomain,
                    "refused" => ResponseCode::Refused,
                    _ => ResponseCode::NoError,
                };
                assert_eq!(answer.metadata.response_code, code, "{case}");
                assert!(answer.metadata.recursion_available && !answer.metadata.authoritative, "{case}");
                assert!(!answer.metadata.truncation && !answer.metadata.authentic_data, "{case}");
                let sinkhole: Vec<IpAddr> = match (*response, *kind) {
                    ("sinkhole", RecordType::A) => vec![format!("10.1.1.{zone}").parse().unwrap()],
                    ("sinkhole", RecordType::AAAA) => vec![format!("2001:db8::{zone}").parse().unwrap()],
                    _ => vec![],
                };
                assert_eq!(addresses(&answer), sinkhole, "{case}");
                assert_eq!(answer.answers.len(), sinkhole.len(), "{case}");
                assert!(answer.answers.iter().all(|record| record.ttl == ttl), "{case}");
                let wants_soa = sinkhole.is_empty() && *response != "refused";
                assert_eq!(answer.authorities.len(), wants_soa as usize, "{case}");
                for record in &answer.authorities {
                    let RData::SOA(soa) = &record.data else { panic!("{case}") };
                    // What was listed, not what was asked: a negative answer then covers every name below it.
                    assert_eq!((record.name.to_string().as_str(), record.ttl), ("bet.example.net.", ttl), "{case}");
                    assert_eq!(soa.minimum, ttl, "{case}");
                }
                let told = extended_error(&answer);
                match edns {
                    None => assert!(answer.edns.is_none() && answer.additionals.is_empty(), "{case}"),
                    Some(_) => {
                        let (code, text) = told.expect(&case);
                        assert_eq!(code, 15, "{case}");
                        assert_eq!(text, "Gambling; Procedure 5.2; ref 1/gambling/gambling.txt:2", "{case}");
                        assert_eq!(answer.edns.as_ref().unwrap().max_payload(), 1232, "{case}");
                    }
                }
            }
        }
    }
    let written = rows::of(&cordon.log_dir(), "www.bet.example.net");
    assert_eq!(written.len(), 4 * TYPES.len() * 2);
    for row in &written {
        assert_eq!((&row["action"], &row["category"]), (&"blocked".into(), &"gambling".into()), "{row}");
        assert_eq!(
            (&row["list"], &row["rule"]),
            (&"gambling/gambling.txt".into(), &"2:bet.example.net".into()),
            "{row}"
        );
        assert_eq!(row["source"], "policy", "{row}");
    }
    assert!(written.iter().any(|row| row["qtype"] == "TYPE65280"));
}

#[test]
fn a_name_whose_address_is_a_signal_has_none_whichever_list_blocks_it() {
    let lists = [("gambling.txt", "mask.icloud.com\nmask-h2.icloud.com\n")];
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    let config = every_response(nobody).replace("\"denied.example.net\"", "\"use-application-dns.net\"");
    let cordon = Cordon::start(&config, &lists);
    let names = ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"];
    let types = [RecordType::A, RecordType::AAAA, RecordType::HTTPS];
    for (zone, response) in RESPONSES.iter().enumerate().filter(|(_, response)| **response != "drop") {
        for (name, kind) in names.iter().flat_map(|name| types.map(|kind| (name, kind))) {
            let ask = ask(name, kind, zone);
            for ask in [ask.clone(), ask.tcp()] {
                let answer = ask.at(cordon.addr);
                let code = match *response {
                    "sinkhole" | "nxdomain" => ResponseCode::NXDomain,
                    "refused" => ResponseCode::Refused,
                    _ => ResponseCode::NoError,
                };
                assert_eq!((answer.metadata.response_code, answer.answers.len()), (code, 0), "{response}: {answer:?}");
                assert_eq!(extended_error(&answer).map(|told| told.0), Some(15), "{response}: {answer:?}");
            }
        }
    }
    // Below a signal is a name like any other.
    assert_eq!(addresses(&ask("a.mask.icloud.com", RecordType::A, 0).at(cordon.addr)).len(), 1);
    for name in names {
        let written = rows::of(&cordon.log_dir(), name);
        assert_eq!(written.len(), 4 * types.len() * 2);
        assert!(written.iter().all(|row| row["action"] == "blocked" && row["source"] == "policy"), "{written:?}");
    }
}

#[test]
fn a_dropped_query_gets_no_answer_and_has_its_row() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = Cordon::start(&every_response(nsd.addr), LISTS);
    let zone = RESPONSES.len() - 1;
    let socket = UdpSocket::bind(format!("127.0.{zone}.9:0")).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(2_500))).unwrap();
    for (n, kind) in TYPES.iter().enumerate() {
        socket.send_to(&ask("bet.example.net.", *kind, zone).wire(n as u16), cordon.addr).unwrap();
    }
    // One socket is read by one worker in order, so what comes first is the answer to what was asked last.
    socket.send_to(&ask("www.example.net.", RecordType::A, zone).wire(999), cordon.addr).unwrap();
    let mut answer = [0; 1500];
    let (length, _) = socket.recv_from(&mut answer).unwrap();
    assert_eq!(Message::from_vec(&answer[..length]).unwrap().metadata.id, 999);
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(socket.recv_from(&mut answer).is_err(), "nothing else comes");
    let written = rows::of(&cordon.log_dir(), "bet.example.net");
    assert_eq!(written.len(), TYPES.len());
    assert!(written.iter().all(|row| row["action"] == "blocked" && row["rcode"].is_null() && row["answer"].is_null()));
    // Over TCP the connection stays of use.
    let tcp = ask("bet.example.net.", RecordType::A, zone).tcp();
    assert!(tcp.try_at(cordon.addr).is_none());
    assert_eq!(rows::of(&cordon.log_dir(), "bet.example.net").len(), TYPES.len() + 1);
}

#[test]
fn a_name_denied_by_the_policy_itself_names_its_entry() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = Cordon::start(&every_response(nsd.addr), LISTS);
    let answer = ask("a.denied.example.net.", RecordType::A, 0).at(cordon.addr);
    assert_eq!(addresses(&answer), ["10.1.1.0".parse::<IpAddr>().unwrap()]);
    let (code, text) = extended_error(&answer).unwrap();
    assert_eq!((code, text.as_str()), (15, "Blocked by policy; ref 1/policy.by-sinkhole.deny[0] denied.example.net"));
    let row = rows::last(&cordon.log_dir(), "a.denied.example.net");
    assert_eq!(row["rule"], "policy.by-sinkhole.deny[0] denied.example.net", "{row}");
    assert!(row["category"].is_null() && row["list"].is_null(), "{row}");
}

#[test]
fn an_answer_over_the_clients_size_is_truncated_and_whole_over_tcp() {
    let text = |n: usize| "x".repeat(n);
    let zone = format!(
        "{ZONE}medium TXT \"{}\" \"{}\" \"{}\"\nbig TXT \"{}\"\nbig TXT \"{}\"\nbig TXT \"{}\"\nbig TXT \"{}\"\n\
         big TXT \"{}\"\nbig TXT \"{}\"\nbig TXT \"{}\"\n",
        text(200),
        text(201),
        text(202),
        text(241),
        text(242),
        text(243),
        text(244),
        text(245),
        text(246),
        text(247),
    );
    let nsd = Nsd::start(&[("example.net", &zone)]);
    let cordon = Cordon::start(&every_response(nsd.addr), LISTS);
    let cases = [
        ("medium", None, true, 1),
        ("medium", Some(512), true, 1),
        ("medium", Some(0), true, 1),
        ("medium", Some(1232), false, 1),
        ("big", None, true, 7),
        ("big", Some(1232), true, 7),
        // We send at most 1232 octets over UDP, whatever the client offers.
        ("big", Some(4096), true, 7),
    ];
    for round in ["fetched", "cached"] {
        for (name, edns, truncated, records) in cases {
            let asked = Ask { edns, ..ask(&format!("{name}.example.net."), RecordType::TXT, 0) };
            let answer = asked.at(cordon.addr);
            let case = format!("{round} {name} {edns:?}");
            assert_eq!(answer.metadata.truncation, truncated, "{case}");
            assert_eq!(answer.answers.len(), if truncated { 0 } else { records }, "{case}");
            assert_eq!(answer.edns.is_some(), edns.is_some(), "{case}");
            let whole = asked.tcp().at(cordon.addr);
            assert!(!whole.metadata.truncation, "{case}");
            assert_eq!(whole.answers.len(), records, "{case}");
        }
    }
}

/// A query by hand: header flags, counts and what follows.
fn by_hand(flags: [u8; 2], counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
    let mut wire = vec![0x21, 0x43, flags[0], flags[1]];
    counts.iter().for_each(|count| wire.extend(count.to_be_bytes()));
    wire.extend(rest);
    wire
}

const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const QUESTION: &[u8] = b"\x03wWw\x07example\x03net\x00\x00\x01\x00\x01";

#[test]
fn what_is_not_one_question_of_opcode_query_gets_its_own_error() {
    let peer = UdpPeer::silent();
    let cordon = Cordon::start(&every_response(peer.addr), LISTS);
    let code = |wire: &[u8]| {
        let answer = over_udp(wire, LOCALHOST, cordon.addr).expect("an answer");
        assert_eq!(answer[..2], wire[..2], "the id");
        assert_eq!(answer[2] & 0xf9, 0x80 | wire[2] & 0x79, "QR, the opcode and RD as asked");
        (answer[3] & 0x0f, answer)
    };
    for (counts, rest) in [
        ([0, 0, 0, 0], QUESTION.to_vec()),
        ([0, 0, 0, 0], vec![]),
        ([2, 0, 0, 0], [QUESTION, QUESTION].concat()),
        ([1, 1, 0, 0], QUESTION.to_vec()),
        ([1, 0, 1, 0], QUESTION.to_vec()),
        ([1, 0, 0, 1], QUESTION.to_vec()),
        ([1, 0, 0, 0], [QUESTION, b"left over"].concat()),
        ([1, 0, 0, 0], QUESTION[..QUESTION.len() - 1].to_vec()),
        ([1, 0, 0, 0], b"\xc0\x0c\x00\x01\x00\x01".to_vec()),
    ] {
        assert_eq!(code(&by_hand([1, 0], counts, &rest)).0, 1, "FORMERR for {counts:?} {rest:?}");
    }
    for opcode in (1..16u8).map(|opcode| opcode << 3) {
        assert_eq!(code(&by_hand([opcode | 1, 0], [1, 0, 0, 0], QUESTION)).0, 4, "NOTIMP for opcode {}", opcode >> 3);
    }
    let version_1 = b"\x00\x00\x29\x04\xd0\x00\x01\x00\x00\x00\x00";
    let (low, answer) = code(&by_hand([1, 0], [1, 0, 0, 1], &[QUESTION, version_1].concat()));
    let message = Message::from_vec(&answer).unwrap();
    assert_eq!((low, u16::from(message.metadata.response_code)), (0, 16), "BADVERS");
    assert_eq!(message.edns.unwrap().version(), 0, "we say which version we speak (RFC 6891 section 6.1.3)");
    assert_eq!(&answer[12..12 + QUESTION.len()], QUESTION);
    let every = rows::every(&cordon.log_dir());
    assert_eq!(every.len(), 9 + 15 + 1, "each leaves its row");
    assert!(every.iter().all(|row| row["action"] == "refused" && !row["rule"].is_null()), "{every:?}");
    assert_eq!(peer.heard(), 0);
}

#[test]
fn responses_and_scraps_are_never_answered() {
    let peer = UdpPeer::silent();
    let cordon = Cordon::start(&every_response(peer.addr), LISTS);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(2_500))).unwrap();
    let response = by_hand([0x81, 0x80], [1, 0, 0, 0], QUESTION);
    let whole = by_hand([1, 0], [1, 0, 0, 0], QUESTION);
    for scrap in [&b""[..], b"\x00", &whole[..11], &response] {
        socket.send_to(scrap, cordon.addr).unwrap();
    }
    let blocked = ask("bet.example.net.", RecordType::A, 0).wire(7);
    socket.send_to(&blocked, cordon.addr).unwrap();
    let mut answer = [0; 1500];
    let (length, _) = socket.recv_from(&mut answer).unwrap();
    assert_eq!(Message::from_vec(&answer[..length]).unwrap().metadata.id, 7, "only the question is answered");
    assert_eq!(rows::every(&cordon.log_dir()).len(), 1);
}

#[test]
fn what_a_resolver_does_not_do_is_refused_and_any_is_answered_with_hinfo() {
    let peer = UdpPeer::silent();
    let cordon = Cordon::start(&every_response(peer.addr), LISTS);
    for (name, kind, class) in [
        ("version.bind.", RecordType::TXT, DNSClass::CH),
        ("id.server.", RecordType::TXT, DNSClass::CH),
        ("www.example.net.", RecordType::A, DNSClass::HS),
        ("www.example.net.", RecordType::A, DNSClass::ANY),
        ("example.net.", RecordType::AXFR, DNSClass::IN),
        ("example.net.", RecordType::IXFR, DNSClass::IN),
    ] {
        for tcp in [false, true] {
            let answer = Ask { class, tcp, ..ask(name, kind, 0) }.at(cordon.addr);
            assert_eq!(answer.metadata.response_code, ResponseCode::Refused, "{name} {kind} {class}");
            assert!(answer.answers.is_empty());
            assert_eq!(extended_error(&answer).unwrap().0, 21, "{name} {kind} {class}");
            assert_eq!(rows::last(&cordon.log_dir(), name.trim_end_matches('.'))["action"], "refused");
        }
    }
    // An IXFR says in its authority section which SOA the client has (RFC 1995 section 3).
    let soa = [b"\xc0\x10\x00\x06\x00\x01\x00\x00\x00\x3c\x00\x16\x00\x00", &[1; 20][..]].concat();
    let ixfr = [b"\x03wWw\x07example\x03net\x00\x00\xfb\x00\x01", &soa[..]].concat();
    let answer = over_udp(&by_hand([0, 0], [1, 0, 1, 0], &ixfr), LOCALHOST, cordon.addr).unwrap();
    assert_eq!((answer[3] & 0x0f, &answer[12..]), (5, &ixfr[..ixfr.len() - soa.len()]), "REFUSED, with the question");
    assert_eq!(rows::last(&cordon.log_dir(), "www.example.net")["rule"], "zones are not transferred");
    let any = ask("www.example.net.", RecordType::ANY, 0).at(cordon.addr);
    assert_eq!(any.metadata.response_code, ResponseCode::NoError);
    let [hinfo] = any.answers.as_slice() else { panic!("{any:?}") };
    let RData::HINFO(hinfo) = &hinfo.data else { panic!("{any:?}") };
    assert_eq!((&*hinfo.cpu, &*hinfo.os), (&b"RFC8482"[..], &b""[..]));
    assert_eq!(peer.heard(), 0);
}

#[test]
fn a_server_says_of_itself_what_the_configuration_has_for_it_and_nothing_else() {
    let peer = UdpPeer::silent();
    let cordon = Cordon::start(&every_response(peer.addr), LISTS);
    let text = std::fs::read_to_string(cordon.config()).unwrap();
    let chaos = |name: &str, kind, tcp| Ask { class: DNSClass::CH, tcp, ..ask(name, kind, 0) }.at(cordon.addr);
    for name in ["version.bind.", "version.server.", "id.server.", "hostname.bind."] {
        assert_eq!(chaos(name, RecordType::TXT, false).metadata.response_code, ResponseCode::Refused, "{name}");
    }
    std::fs::write(cordon.config(), text.replace("[listen]", "[listen]\nversion = \"cordon\"\nid = \"dns1\"")).unwrap();
    let status = cordon.reload();
    assert_eq!(status["last_reload"]["result"], "ok", "{status}");
    for (name, said) in
        [("version.bind.", "cordon"), ("VERSION.server.", "cordon"), ("id.server.", "dns1"), ("hostname.bind.", "dns1")]
    {
        for tcp in [false, true] {
            let answer = chaos(name, RecordType::TXT, tcp);
            let [record] = answer.answers.as_slice() else { panic!("{name}: {answer:?}") };
            assert_eq!((record.dns_class, record.ttl), (DNSClass::CH, 0), "{name}");
            let RData::TXT(txt) = &record.data else { panic!("{answer:?}") };
            assert_eq!(txt.txt_data.concat(), said.as_bytes(), "{name}");
        }
        let row = rows::last(&cordon.log_dir(), &name.trim_end_matches('.').to_lowercase());
        assert_eq!((&row["action"], &row["answer"]), (&"allowed".into(), &said.into()), "{row}");
    }
    assert_eq!(chaos("id.server.", RecordType::A, false).metadata.response_code, ResponseCode::Refused);
    assert_eq!(chaos("authors.bind.", RecordType::TXT, false).metadata.response_code, ResponseCode::Refused);
    assert_eq!(peer.heard(), 0);
}

#[test]
fn without_rd_only_what_is_ours_is_answered() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let local = "[[local_zone]]\nname = \"intranet.example\"\nfile = \"intranet.zone\"\n";
    let zone = "$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.2\n";
    let files = [LISTS[0], ("intranet.zone", zone)];
    let cordon = Cordon::start(&format!("{}{local}", every_response(nsd.addr)), &files);
    let at = |name: &str, rd: bool| Ask { rd, ..ask(name, RecordType::A, 0) }.at(cordon.addr);
    assert_eq!(at("www.example.net.", true).metadata.response_code, ResponseCode::NoError);
    let snooping = at("www.example.net.", false);
    assert_eq!(snooping.metadata.response_code, ResponseCode::Refused, "what is cached is not told");
    assert!(!snooping.metadata.recursion_desired && snooping.answers.is_empty());
    assert_eq!(addresses(&at("bet.example.net.", false)), ["10.1.1.0".parse::<IpAddr>().unwrap()]);
    let local = at("www.intranet.example.", false);
    assert_eq!(addresses(&local), ["10.0.0.2".parse::<IpAddr>().unwrap()]);
    assert!(local.metadata.authoritative);
}

#[test]
fn clients_of_no_network_zone_get_what_unmatched_says() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let with = |action: &str| {
        let cordon = Cordon::start(&format!("{}[unmatched]\naction = \"{action}\"\n", every_response(nsd.addr)), LISTS);
        let stranger = |name: &str| Ask::new(name, RecordType::A).from("127.9.9.9");
        (cordon, stranger)
    };
    let (cordon, stranger) = with("refuse");
    for name in ["www.example.net.", "bet.example.net.", "localhost."] {
        let answer = stranger(name).at(cordon.addr);
        assert_eq!(answer.metadata.response_code, ResponseCode::Refused, "{name}");
        assert_eq!(extended_error(&answer).unwrap().0, 18);
    }
    let row = rows::last(&cordon.log_dir(), "www.example.net");
    assert_eq!((&row["action"], &row["network_zone"]), (&"refused".into(), &"unmatched".into()), "{row}");
    assert_eq!(row["client"], "127.9.9.9");
    let (cordon, stranger) = with("drop");
    assert!(stranger("www.example.net.").try_at(cordon.addr).is_none());
    let row = rows::last(&cordon.log_dir(), "www.example.net");
    assert_eq!((&row["action"], &row["rcode"]), (&"dropped".into(), &serde_json::Value::Null), "{row}");
    let (cordon, stranger) = with("by-nxdomain");
    assert_eq!(addresses(&stranger("www.example.net.").at(cordon.addr)), ["192.0.2.80".parse::<IpAddr>().unwrap()]);
    let blocked = stranger("bet.example.net.").at(cordon.addr);
    assert_eq!(blocked.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(blocked.authorities[0].ttl, 10, "the default sinkhole's");
}

#[test]
fn the_case_of_the_question_is_kept_in_the_answer_and_lost_in_the_row() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = Cordon::start(&every_response(nsd.addr), LISTS);
    // `Ask` compares the echoed question byte for byte; fetched, cached and blocked.
    for (name, kind) in [
        ("wWw.ExAmPlE.nEt.", RecordType::A),
        ("WWW.eXample.NET.", RecordType::A),
        ("wwW.BeT.example.NeT.", RecordType::A),
        ("WWW.example.net.", RecordType::ANY),
        ("LOCALHOST.", RecordType::A),
    ] {
        let answer = ask(name, kind, 0).at(cordon.addr);
        assert_eq!(answer.answers.len(), 1, "{name}");
        assert_eq!(answer.answers[0].name.to_string(), name, "the owner points to the question");
    }
    assert_eq!(rows::of(&cordon.log_dir(), "www.example.net").len(), 3);
    assert_eq!(rows::last(&cordon.log_dir(), "www.bet.example.net")["action"], "blocked");
}
