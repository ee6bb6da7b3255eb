//! Plain answers are held against the long way, by `dns::convert`; what is compared is held against what a server would send.

use hickory_proto::op::{Edns, Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name as HickoryName, RData, Record};
use proptest::prelude::*;

use super::*;
use crate::dns::{Name, convert};

fn question(name: &str, qtype: u16) -> Question {
    Question::new(Name::parse(name).unwrap(), qtype)
}

fn raw(text: &str) -> HickoryName {
    HickoryName::from_labels(text.split('.').map(|label| label.as_bytes().to_vec())).unwrap()
}

/// The query for a question, its name in the case of `case`.
fn sent(question: &Question, case: &str) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let end = query(question, true, &mut out);
    let name = raw(case);
    let mut at = HEADER;
    for label in name.iter() {
        out[at + 1..at + 1 + label.len()].copy_from_slice(label);
        at += 1 + label.len();
    }
    (out, end)
}

fn response(question: &Question, case: &str, records: &[(u8, Record)]) -> Message {
    let mut message = Message::response(7, OpCode::Query);
    let mut asked = convert::to_query(question);
    asked.set_name(raw(case));
    message.add_query(asked);
    message.metadata.recursion_desired = true;
    for (section, record) in records.iter().cloned() {
        match section % 3 {
            0 => message.add_answer(record),
            1 => message.add_authority(record),
            _ => message.add_additional(record),
        };
    }
    message.set_edns(Edns::new());
    message
}

/// What the long way makes of a message, as [`super::super::fetch`] does it.
fn long_way(octets: &[u8], question: &Question) -> Option<convert::Normal> {
    let mut message = Message::from_vec(octets).ok()?;
    message.additionals.clear();
    convert::normalise(message, question).ok()
}

/// The plain way's answer, when there is one, is the long way's.
fn agree(octets: &[u8], question: &Question) -> bool {
    let Some(plain) = plain(octets, question) else { return false };
    let long = long_way(octets, question).expect("what is plain is well formed");
    assert_eq!(plain.rcode, long.rcode);
    assert_eq!(plain.wire[..12], long.wire[..12]);
    let (a, b) = (Message::from_vec(&plain.wire).unwrap(), Message::from_vec(&long.wire).unwrap());
    assert_eq!(a, b);
    let cased = |message: &Message| message.all_sections().map(|record| format!("{record:?}")).collect::<Vec<_>>();
    assert_eq!(cased(&a), cased(&b), "the case of every name");
    true
}

#[test]
fn a_query_is_what_was_asked_and_reads_back() {
    let asked = Question { dnssec_ok: true, checking_disabled: true, ..question("www.example.com", 28) };
    let mut octets = Vec::new();
    let end = query(&asked, true, &mut octets);
    let message = Message::from_vec(&octets).unwrap();
    assert!(
        message.metadata.recursion_desired && message.metadata.checking_disabled && message.metadata.authentic_data
    );
    assert_eq!(message.queries, [convert::to_query(&asked)]);
    let edns = message.edns.unwrap();
    assert_eq!((edns.max_payload(), edns.flags().dnssec_ok, edns.options().as_ref().len()), (1232, true, 0));
    assert_eq!(octets.len(), end + 11);
    query(&asked, false, &mut octets);
    assert!(Message::from_vec(&octets).unwrap().edns.is_none());
}

#[test]
fn every_letter_of_the_name_may_change_its_case_and_nothing_else_does() {
    let asked = question("a0-z.example", 1);
    let mut octets = Vec::new();
    let end = query(&asked, true, &mut octets);
    let before = octets.clone();
    mix_case(&mut octets, || Some(0xff)).unwrap();
    assert_eq!(&octets[HEADER..end - 4], b"\x04A0-Z\x07EXAMPLE\x00");
    assert_eq!((&octets[..HEADER], &octets[end - 4..]), (&before[..HEADER], &before[end - 4..]));
    assert_eq!(mix_case(&mut octets.clone(), || None), Some(()), "no small letter is left");
    assert_eq!(mix_case(&mut before.clone(), || None), None);
}

#[test]
fn an_answer_is_known_by_its_question_and_its_case() {
    let asked = question("www.example.com", 1);
    let (sent, end) = sent(&asked, "wWw.eXample.com");
    let octets = |case: &str, asked: &Question| response(asked, case, &[]).to_vec().unwrap();
    let like = |octets: &[u8]| likeness(octets, &sent, end);
    assert_eq!(like(&octets("wWw.eXample.com", &asked)), Likeness::Same);
    assert_eq!(like(&octets("www.example.com", &asked)), Likeness::OtherCase);
    assert_eq!(like(&octets("www.example.net", &asked)), Likeness::Other);
    assert_eq!(like(&octets("wWw.eXample.com", &question("www.example.com", 28))), Likeness::Other);
    assert_eq!(like(&octets("x.test", &question("x.test", 1))), Likeness::Other, "a shorter one");
    let whole = octets("wWw.eXample.com", &asked);
    assert_eq!(like(&whole[..20]), Likeness::Garbled);
    assert_eq!(like(&whole[..11]), Likeness::Garbled);
    let mut no_question = whole.clone();
    no_question[5] = 0;
    assert_eq!(like(&no_question), Likeness::Other, "an answer without its question is nobody's");
    assert_eq!(like(&sent), Likeness::Garbled, "what was sent, come back, is no answer");
}

#[test]
fn plain_answers_are_read_at_once_and_as_the_long_way_reads_them() {
    let asked = question("www.example.com", 1);
    let case = "wWw.eXample.cOm";
    let at = |name: &str, data: RData| Record::from_rdata(raw(name), 60, data);
    let a = at(case, RData::A(A::new(192, 0, 2, 1)));
    let soa = SOA::new(raw("ns1.eXample.cOm"), raw("host.eXample.cOm"), 1, 2, 3, 4, 5);
    let cases: Vec<Vec<(u8, Record)>> = vec![
        vec![],
        vec![(0, a.clone()), (0, a.clone())],
        vec![
            (0, at(case, RData::CNAME(CNAME(raw("cdn.eXample.cOm"))))),
            (0, at("cdn.eXample.cOm", RData::A(A::new(1, 2, 3, 4)))),
        ],
        vec![(0, at(case, RData::AAAA(AAAA::new(1, 2, 3, 4, 5, 6, 7, 8))))],
        vec![(0, at(case, RData::MX(MX::new(5, raw("mail.other.net")))))],
        vec![(0, at(case, RData::TXT(TXT::new(vec!["Some Text".to_owned()]))))],
        vec![(1, at("eXample.cOm", RData::SOA(soa)))],
        vec![(0, a.clone()), (1, at("eXample.cOm", RData::NS(NS(raw("ns1.eXample.cOm"))))), (2, a)],
    ];
    for records in cases {
        let message = response(&asked, case, &records);
        assert!(agree(&message.to_vec().unwrap(), &asked), "{records:?}");
        let mut without = message.clone();
        without.edns = None;
        without.metadata.response_code = ResponseCode::NXDomain;
        without.metadata.authoritative = true;
        without.metadata.authentic_data = true;
        let octets = without.to_vec().unwrap();
        assert!(agree(&octets, &asked));
        assert!(plain(&octets, &asked).unwrap().authentic);
    }
}

#[test]
fn what_is_not_plain_is_left_to_the_long_way() {
    let asked = question("www.example.com", 1);
    let (case, a) = ("www.example.com", RData::A(A::new(192, 0, 2, 1)));
    let record = Record::from_rdata(raw(case), 60, a);
    let good = response(&asked, case, &[(0, record.clone())]);
    let is_plain = |message: &Message| plain(&message.to_vec().unwrap(), &asked).is_some();
    assert!(is_plain(&good));
    let mut truncated = good.clone();
    truncated.metadata.truncation = true;
    let mut failed = good.clone();
    failed.metadata.response_code = ResponseCode::ServFail;
    let mut chaos = good.clone();
    chaos.answers[0].dns_class = DNSClass::CH;
    let mut told = good.clone();
    told.edns.as_mut().unwrap().options_mut().insert(EdnsOption::Unknown(15, vec![0, 3]));
    let mut high = good.clone();
    high.metadata.response_code = ResponseCode::BADVERS;
    let mut loud = good.clone();
    loud.answers[0].name = raw("WWW.other.net");
    // Half compressed, as by servers that take the case for a part of the name.
    let mut half = good.clone();
    half.queries[0].set_name(raw("wWw.example.com"));
    for odd in [truncated, failed, chaos, told, high, loud, half] {
        assert!(!is_plain(&odd), "{odd:?}");
    }
    let octets = good.to_vec().unwrap();
    for cut in 0..octets.len() {
        assert_eq!(plain(&octets[..cut], &asked), None, "cut at {cut}");
    }
    assert_eq!(plain(&[&octets[..], &[0]].concat(), &asked), None, "something behind it");
    let mut forward = octets;
    let owner = 12 + asked.name.wire_len() + 4;
    forward[owner..owner + 2].copy_from_slice(&[0xc0, owner as u8]);
    assert_eq!(plain(&forward, &asked), None, "a pointer to itself");
}

proptest! {
    #[test]
    fn whatever_is_plain_is_the_same_the_long_way(at in 12usize..140, octet in any::<u8>(), and in 12usize..140, other in any::<u8>()) {
        let asked = question("www.example.com", 1);
        let alias = Record::from_rdata(raw("www.example.com"), 60, RData::CNAME(CNAME(raw("cdn.other.net"))));
        let address = Record::from_rdata(raw("cdn.other.net"), 60, RData::A(A::new(192, 0, 2, 1)));
        let soa = SOA::new(raw("ns1.example.com"), raw("host.example.com"), 1, 2, 3, 4, 5);
        let soa = Record::from_rdata(raw("example.com"), 60, RData::SOA(soa));
        let mut octets = response(&asked, "www.example.com", &[(0, alias), (0, address), (1, soa)]).to_vec().unwrap();
        let question_end = 12 + asked.name.wire_len() + 4;
        for (at, octet) in [(at, octet), (and, other)] {
            // The question is compared before.
            if at >= question_end && let Some(place) = octets.get_mut(at) { *place = octet; }
        }
        agree(&octets, &asked);
    }

    #[test]
    fn no_octets_make_it_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let asked = question("a.test", 1);
        let (sent, end) = sent(&asked, "a.test");
        let _ = (likeness(&octets, &sent, end), plain(&octets, &asked));
        let mut with_question = sent[..end].to_vec();
        with_question[2] = 0x80;
        with_question[6..12].copy_from_slice(&[0, 1, 0, 1, 0, 1]);
        with_question.extend(&octets);
        let _ = plain(&with_question, &asked);
    }
}
