//! What each target does with the octets it is given. It must not panic, whatever they are, and what it says of them must hold together.
//!
//! This file is compiled twice: here, for the fuzzer, and into the tests of Cordon (`tests/fuzz_seeds.rs`), which run the seeds.

use cordon::dns::answer::{LEAST_BUFFER, Writer, udp_limit, write_error};
use cordon::dns::convert;
use cordon::dns::ede::{self, Ede};
use cordon::dns::ready::Dress;
use cordon::dns::types::{class, rcode, rtype};
use cordon::dns::view::{Look, Seen, View, look};
use cordon::dns::{Name, Question, Ready};
use cordon::list::{Compiler, Format, Hits, Matcher, Role, read};
use cordon::verdict::{CategoryId, ListId};
use hickory_proto::op::Message;

/// The reader of control messages is the UDP door's own, and pure: it is compiled in from where it stands.
#[path = "../../src/serve/udp/control.rs"]
#[allow(dead_code, reason = "the door uses all of it, a target does not")]
mod control_messages;

/// A packet of a client: looked at, then answered with every kind of record that an answer of our own can have.
pub fn packet(octets: &[u8]) {
    let mut seen = Seen::EMPTY;
    let mut out = [0; LEAST_BUFFER];
    match look(octets, &mut seen) {
        Look::NotAQuery => {}
        Look::Wrong(wrong) => {
            let length = write_error(&wrong, rcode::FORMERR, &mut out);
            assert!(length >= 12 && out[..2] == octets[..2], "an error has the id of its packet");
        }
        Look::Query(view) => {
            let limit = udp_limit(&view);
            let mut writer = Writer::new(&view, rcode::NOERROR, &mut out, limit);
            writer.a(60, [192, 0, 2, 1].into());
            writer.aaaa(60, [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into());
            writer.pointing(rtype::CNAME, 60, &view.name);
            writer.text(0, "said");
            writer.hinfo(60);
            writer.soa(view.name.label_count() / 2, 60);
            let length = writer.finish(Some(Ede { code: ede::BLOCKED, text: "category: gambling" }));
            assert!(length <= limit, "no longer than the client takes");
            let end = 12 + view.question.len();
            assert_eq!(&out[12..end], view.question, "the question is echoed octet for octet");
            Message::from_vec(&out[..length]).expect("what leaves can be read");
        }
    }
}

/// The control messages that come with a packet over UDP, and the one its answer leaves with.
pub fn control(octets: &[u8]) {
    let Some(asked) = control_messages::asked_at(octets) else { return };
    let mut control = control_messages::Control::empty();
    let length = control_messages::answer_from(asked, &mut control);
    assert!(length <= control_messages::Control::SIZE);
    let again = control_messages::asked_at(&control.0[..length]);
    match (asked, again) {
        (control_messages::Asked::V4(from), Some(control_messages::Asked::V4(to))) => assert_eq!(from, to),
        (control_messages::Asked::V6(from, _), Some(control_messages::Asked::V6(to, _))) => assert_eq!(from, to),
        (control_messages::Asked::V6(from, _), None) => assert!(from.is_multicast()),
        other => panic!("{other:?}"),
    }
}

/// A list: its first octet says in which format it is read, or that the format is found out, and whether what it yields is
/// compiled, opened and asked, which takes a thousand times as long.
pub fn list(octets: &[u8]) {
    const FORMATS: [Option<Format>; 9] = [
        None,
        Some(Format::Domains),
        Some(Format::Hosts),
        Some(Format::Adblock),
        Some(Format::Dnsmasq),
        Some(Format::Wildcard),
        Some(Format::Rpz),
        Some(Format::Unbound),
        Some(Format::Ut1),
    ];
    let Some((first, content)) = octets.split_first() else { return };
    let (format, is_compiled) = (FORMATS[usize::from(*first & 0x0f) % FORMATS.len()], *first >= 0xf0);
    let mut compiler = is_compiled.then(|| Compiler::new([7; 16]));
    let (mut rules, mut names) = (0, Vec::new());
    let reading = read(content, format, |line, rule| {
        rules += 1;
        let added = compiler.as_mut().map(|compiler| compiler.add(ListId(0), CategoryId(0), Role::Lists, line, rule));
        if added.is_some_and(|added| added.is_ok()) {
            names.push(rule.name);
        }
    });
    assert_eq!(reading.names, rules, "every rule is handed on");
    assert!(reading.refused_lines <= reading.lines);
    let Some(compiler) = compiler else { return };
    let mut file = Vec::new();
    compiler.finish([0; 32], &mut file).expect("what was added can be compiled");
    let matcher = Matcher::open(file).expect("what was compiled can be opened");
    let mut hits = Hits::default();
    for name in names.iter().take(64) {
        matcher.look_up(name, rtype::A, &mut hits);
    }
}

/// A message of an upstream: taken as it is, and in the form it is kept in; then given to a client.
pub fn upstream(octets: &[u8]) {
    if let Ok(ready) = Ready::from_wire(octets.to_vec(), rcode::NOERROR) {
        given(&ready);
    }
    let Ok(message) = Message::from_vec(octets) else { return };
    let _ = convert::ede(message.edns.as_ref());
    let [query] = message.queries.as_slice() else { return };
    let Some(name) = convert::from_hickory(query.name()) else { return };
    for dnssec_ok in [false, true] {
        let qtype = u16::from(query.query_type());
        let question = Question { name, qtype, qclass: class::IN, dnssec_ok, checking_disabled: false };
        let Ok(normal) = convert::normalise(message.clone(), &question) else { continue };
        assert_eq!(&normal.wire[..2], &[0, 0], "what is kept has no id");
        if let Ok(ready) = Ready::from_wire(normal.wire, normal.rcode) {
            assert!(ready.is_for(&name, qtype), "what is kept answers what was asked");
            asked(&name, qtype, |view| {
                let mut out = vec![0; 65_535];
                let dress = Dress { limit: 65_535, ..dress() };
                let length = ready.write(view, &mut out, &dress);
                Message::from_vec(&out[..length]).expect("what leaves can be read");
            });
            given(&ready);
        }
    }
}

/// What is read out of an answer that is kept.
fn given(ready: &Ready) {
    let _ = (ready.targets().count(), ready.summary().len(), ready.ttl(), ready.weight());
    let _ = ready.loose();
}

fn dress() -> Dress<'static> {
    Dress {
        limit: LEAST_BUFFER,
        age: 5,
        stale_ttl: None,
        most_ttl: Some(60),
        authoritative: false,
        authentic: true,
        ede: Some(Ede { code: ede::STALE_ANSWER, text: "" }),
    }
}

/// A client's question for a name.
fn asked(name: &Name, qtype: u16, with: impl FnOnce(&View<'_>)) {
    let mut packet = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    packet.extend(name.as_wire());
    packet.extend(qtype.to_be_bytes());
    packet.extend([0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0]);
    let mut seen = Seen::EMPTY;
    if let Look::Query(view) = look(&packet, &mut seen) {
        with(&view);
    }
}

/// A frame of a segment, as a crash or a forger left it.
pub fn frame(octets: &[u8]) {
    let _ = cordon::store::reads_as_row(octets);
}
