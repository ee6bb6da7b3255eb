//! Answers kept ready: read, dressed for a client, cut to its size.

use super::*;
use crate::dns::answer::{LEAST_BUFFER, STREAM_LIMIT};
use crate::dns::view::{Look, Seen, look};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, SOA};
use hickory_proto::rr::{Name as HickoryName, RData, Record, RecordType};
use proptest::prelude::*;
use std::str::FromStr;

fn n(text: &str) -> HickoryName {
    HickoryName::from_str(text).unwrap()
}

fn message(code: ResponseCode, answers: Vec<Record>, authorities: Vec<Record>) -> Vec<u8> {
    let mut message = Message::new(0, MessageType::Response, OpCode::Query);
    message.metadata.response_code = code;
    message.queries.push(Query::query(n("www.example.com."), RecordType::A));
    message.answers = answers;
    message.authorities = authorities;
    message.to_vec().unwrap()
}

fn soa() -> Record {
    let soa = SOA::new(n("ns.example.com."), n("root.example.com."), 1, 2, 3, 4, 60);
    Record::from_rdata(n("example.com."), 900, RData::SOA(soa))
}

fn chain() -> Vec<Record> {
    vec![
        Record::from_rdata(n("www.example.com."), 300, RData::CNAME(CNAME(n("Edge.CDN.example.com.")))),
        Record::from_rdata(n("edge.cdn.example.com."), 50, RData::A(A::new(192, 0, 2, 1))),
        Record::from_rdata(n("edge.cdn.example.com."), 50, RData::A(A::new(192, 0, 2, 2))),
    ]
}

fn query(edns: bool) -> Vec<u8> {
    let mut packet = vec![0x77, 0x77, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, edns as u8];
    packet.extend(b"\x03WWW\x07eXample\x03com\x00\x00\x01\x00\x01");
    if edns {
        packet.extend(b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00");
    }
    packet
}

fn sent(ready: &Ready, edns: bool, dress: Dress<'_>) -> Message {
    let packet = query(edns);
    let mut seen = Seen::EMPTY;
    let Look::Query(view) = look(&packet, &mut seen) else { panic!() };
    assert!(ready.answers(&view));
    let mut out = vec![0u8; STREAM_LIMIT];
    let length = ready.write(&view, &mut out, &dress);
    assert!(length <= dress.limit);
    assert_eq!(&out[HEADER..HEADER + view.question.len()], view.question);
    Message::from_vec(&out[..length]).unwrap()
}

#[test]
fn what_is_kept_comes_out_with_its_ttls_counted_down() {
    let ready = Ready::from_wire(message(ResponseCode::NoError, chain(), vec![]), 0).unwrap();
    assert_eq!(ready.ttl(), 50);
    assert_eq!(ready.summary(), "192.0.2.1,192.0.2.2");
    assert_eq!(ready.targets().collect::<Vec<_>>(), [Name::parse("edge.cdn.example.com").unwrap()]);
    let message = sent(&ready, true, Dress { limit: LEAST_BUFFER, age: 20, ..Dress::default() });
    assert_eq!(message.answers.iter().map(|r| r.ttl).collect::<Vec<_>>(), [280, 30, 30]);
    assert_eq!(message.metadata.id, 0x7777);
    let stale = sent(&ready, false, Dress { limit: 512, age: 500, stale_ttl: Some(30), ..Dress::default() });
    assert!(stale.answers.iter().all(|r| r.ttl == 30));
}

#[test]
fn negative_answers_live_as_long_as_their_soa_says() {
    let nx = Ready::from_wire(message(ResponseCode::NXDomain, vec![], vec![soa()]), 3).unwrap();
    assert_eq!(nx.ttl(), 60);
    let nodata = Ready::from_wire(message(ResponseCode::NoError, vec![], vec![soa()]), 0).unwrap();
    assert_eq!(nodata.ttl(), 60);
    let bare = Ready::from_wire(message(ResponseCode::NXDomain, vec![], vec![]), 3).unwrap();
    assert_eq!(bare.ttl(), 0, "without an SOA it is not kept");
    let failed = Ready::from_wire(message(ResponseCode::ServFail, vec![], vec![]), 2).unwrap();
    assert_eq!(failed.ttl(), 0);
}

#[test]
fn what_does_not_fit_goes_out_empty_and_marked() {
    let many = (0..100).map(|i| Record::from_rdata(n("www.example.com."), 9, RData::A(A::new(192, 0, 2, i)))).collect();
    let ready = Ready::from_wire(message(ResponseCode::NoError, many, vec![]), 0).unwrap();
    let small = sent(&ready, true, Dress { limit: LEAST_BUFFER, ..Dress::default() });
    assert!(small.metadata.truncation && small.answers.is_empty() && small.edns.is_some());
    let large = sent(&ready, true, Dress { limit: STREAM_LIMIT, ..Dress::default() });
    assert_eq!(large.answers.len(), 100);
}

#[test]
fn loose_records_make_the_same_answer_again() {
    let ready = Ready::from_wire(message(ResponseCode::NoError, chain(), vec![]), 0).unwrap();
    let name = Name::parse("www.example.com").unwrap();
    let again = Ready::from_wire(assemble(&name, 1, 0, &ready.loose().unwrap()), 0).unwrap();
    assert_eq!(again.summary(), ready.summary());
    assert!(again.targets().eq(ready.targets()));
    let message = sent(&again, false, Dress { limit: 512, ..Dress::default() });
    assert_eq!(message.answers.len(), 3);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(mut wire in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..120, octet in any::<u8>()) {
        let _ = Ready::from_wire(wire.clone(), 0);
        wire = message(ResponseCode::NoError, chain(), vec![soa()]);
        if let Some(place) = wire.get_mut(at) { *place = octet; }
        if let Ok(ready) = Ready::from_wire(wire, 0) {
            let _ = ready.loose();
            let packet = query(true);
            let mut seen = Seen::EMPTY;
            let Look::Query(view) = look(&packet, &mut seen) else { panic!() };
            if ready.answers(&view) {
                let mut out = [0u8; LEAST_BUFFER];
                let dress = Dress { limit: LEAST_BUFFER, age: 5, ..Dress::default() };
                let _ = ready.write(&view, &mut out, &dress);
            }
        }
    }
}
