//! Answers that a list gives in the place of the true ones: honoured where the policy does not write how it answers a block.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use cordon::dns::Name;
use cordon::list::{Answer, Compiler, Matcher, OwnRecord, Role, Rule, Says, Scope, Types};
use cordon::moment::Moment;
use cordon::verdict::{CategoryId, ListId, Transport};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::support::client::{Ask, addresses, extended_error};
use crate::support::house::{House, TableUpstream};
use crate::support::rows;

const NOON: Moment = Moment::from_seconds(1_795_521_600);

/// A house whose one list says of each name how its block is answered; `policy` is written into the policy.
fn house(policy: &str, upstream: &TableUpstream, listed: &[(&str, Answer)]) -> House {
    let config = format!(
        "[[category]]\nname = \"rpz\"\nlists = [{{ path = \"rpz.txt\" }}]\n[policy.standard]\nblock = [\"rpz\"]\n{policy}\n\
         [[network_zone]]\nname = \"hq\"\nclients = [\"10.0.0.0/8\"]\npolicy = \"standard\"\n\
         [upstream]\nservers = [\"udp://{}\"]\ntimeout = \"1s\"\n",
        upstream.peer.addr
    );
    let house = House::new(&config, &[("rpz.txt".into(), "placeholder.example\n".into())], NOON).unwrap();
    let mut compiler = Compiler::new([7; 16]);
    for ((text, answer), line) in listed.iter().zip(1..) {
        let (name, says) = (Name::parse(text).unwrap(), Says::Lists(answer.clone()));
        let rule = Rule { name, scope: Scope::Tree, says, types: Types::All };
        compiler.add(ListId(0), CategoryId(0), Role::Lists, line, &rule).unwrap();
    }
    let mut file = Vec::new();
    compiler.finish([0; 32], &mut file).unwrap();
    let matcher = Arc::new(Matcher::open(file).unwrap());
    house.change(|snapshot, _| snapshot.lists.matcher = matcher);
    house
}

fn ask_over(house: &House, name: &str, kind: RecordType, transport: Transport) -> Option<Message> {
    let wire = Ask::new(&format!("{name}."), kind).wire(7);
    let octets = house.ask(&wire, SocketAddr::from(([10, 0, 0, 1], 40_000)), transport)?;
    Some(Message::from_vec(&octets).unwrap())
}

#[track_caller]
fn ask(house: &House, name: &str, kind: RecordType) -> Message {
    ask_over(house, name, kind, Transport::Udp).expect("an answer")
}

fn row(house: &House, name: &str) -> Value {
    rows::last(&house.log_dir(), name)
}

fn a(octets: [u8; 4]) -> OwnRecord {
    OwnRecord::Other { rtype: 1, ttl: 77, rdata: octets.into() }
}

fn alias(target: &str, prefixed: bool) -> Answer {
    let target = Box::new(Name::parse(target).unwrap());
    Answer::Records([OwnRecord::Alias { target, prefixed, ttl: 30 }].into())
}

#[test]
fn a_block_is_answered_as_the_list_wants_it_and_as_the_policy_writes_it_where_it_does() {
    let upstream = TableUpstream::start();
    let listed = [
        ("nx.example", Answer::Nxdomain),
        ("no.example", Answer::Nodata),
        ("drop.example", Answer::Drop),
        ("as.example", Answer::Policy),
    ];
    let open = house("", &upstream, &listed);
    assert_eq!(ask(&open, "nx.example", RecordType::A).metadata.response_code, ResponseCode::NXDomain);
    let nodata = ask(&open, "no.example", RecordType::A);
    assert_eq!((nodata.metadata.response_code, nodata.answers.len()), (ResponseCode::NoError, 0));
    assert!(ask_over(&open, "drop.example", RecordType::A, Transport::Udp).is_none());
    assert_eq!(addresses(&ask(&open, "as.example", RecordType::A)), [IpAddr::from([0, 0, 0, 0])]);
    assert_eq!(row(&open, "nx.example")["action"], "blocked");
    let written = house("response = \"refused\"", &upstream, &listed);
    for (name, _) in &listed {
        assert_eq!(ask(&written, name, RecordType::A).metadata.response_code, ResponseCode::Refused, "{name}");
    }
}

#[test]
fn what_a_list_wants_over_tcp_is_truncated_over_udp_and_resolved_over_streams() {
    let upstream = TableUpstream::start();
    upstream.add("tcp.example", RecordType::A, "192.0.2.1", 60).unwrap();
    upstream.add("www.example", RecordType::CNAME, "tcp.example.", 60).unwrap();
    let open = house("", &upstream, &[("tcp.example", Answer::TcpOnly)]);
    for name in ["tcp.example", "www.example"] {
        let over_udp = ask(&open, name, RecordType::A);
        assert!(over_udp.metadata.truncation && over_udp.answers.is_empty(), "{over_udp:?}");
        assert_eq!(extended_error(&over_udp).map(|(code, _)| code), Some(15));
        assert_eq!((&row(&open, name)["action"], &row(&open, name)["rcode"]), (&"blocked".into(), &0.into()));
        let over_tcp = ask_over(&open, name, RecordType::A, Transport::Tcp).unwrap();
        assert_eq!(addresses(&over_tcp), [IpAddr::from([192, 0, 2, 1])], "{name}");
        assert_eq!(row(&open, name)["action"], "allowed");
    }
    let written = house("response = \"nxdomain\"", &upstream, &[("tcp.example", Answer::TcpOnly)]);
    for transport in [Transport::Udp, Transport::Tcp] {
        let answer = ask_over(&written, "tcp.example", RecordType::A, transport).unwrap();
        assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
    }
}

#[test]
fn a_list_answers_with_records_of_its_own_of_the_type_asked_for() {
    let upstream = TableUpstream::start();
    let text = OwnRecord::Other { rtype: 16, ttl: 5, rdata: b"\x05hello".as_slice().into() };
    let records = Answer::Records([a([192, 0, 2, 8]), a([192, 0, 2, 9]), text].into());
    let open = house("", &upstream, &[("own.example", records)]);
    let answer = ask(&open, "www.own.example", RecordType::A);
    assert_eq!(addresses(&answer), [IpAddr::from([192, 0, 2, 8]), IpAddr::from([192, 0, 2, 9])]);
    assert_eq!((answer.answers[0].ttl, answer.answers[0].name.to_string()), (77, "www.own.example.".to_owned()));
    assert_eq!(extended_error(&answer).map(|(code, _)| code), Some(15));
    let row = row(&open, "www.own.example");
    assert_eq!(
        (&row["action"], &row["answer"], &row["category"]),
        (&"blocked".into(), &"192.0.2.8".into(), &"rpz".into())
    );
    assert_eq!(ask(&open, "own.example", RecordType::TXT).answers.len(), 1);
    let none = ask(&open, "own.example", RecordType::AAAA);
    assert_eq!(
        (none.metadata.response_code, none.answers.len(), none.authorities.len()),
        (ResponseCode::NoError, 0, 1)
    );
    assert_eq!(upstream.peer.heard(), 0);
}

#[test]
fn an_alias_of_the_lists_own_is_followed_and_judged_at_its_target() {
    let upstream = TableUpstream::start();
    upstream.add("garden.example", RecordType::A, "192.0.2.7", 60).unwrap();
    upstream.add("www.wild.example.garden.example", RecordType::A, "192.0.2.6", 60).unwrap();
    let listed = [
        ("plain.example", alias("garden.example", false)),
        ("wild.example", alias("garden.example", true)),
        ("circle.example", alias("nx.example", false)),
        ("nx.example", Answer::Nxdomain),
    ];
    let open = house("", &upstream, &listed);
    let answer = ask(&open, "plain.example", RecordType::A);
    assert_eq!(addresses(&answer), [IpAddr::from([192, 0, 2, 7])]);
    assert_eq!((answer.answers[0].record_type(), answer.answers[0].ttl), (RecordType::CNAME, 30));
    assert_eq!(extended_error(&answer).map(|(code, _)| code), Some(15));
    assert_eq!(row(&open, "plain.example")["action"], "blocked");
    assert_eq!(addresses(&ask(&open, "www.wild.example", RecordType::A)), [IpAddr::from([192, 0, 2, 6])]);
    assert_eq!(ask(&open, "circle.example", RecordType::A).metadata.response_code, ResponseCode::NXDomain);
    let alone = ask(&open, "plain.example", RecordType::CNAME);
    assert_eq!(alone.answers.len(), 1, "the alias itself");
}
