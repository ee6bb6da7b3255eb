//! Frames go there and back, and no octets make reading them panic.

use super::*;
use crate::subject::{Device, Known, Subject};
use proptest::prelude::*;
use std::net::SocketAddr;
use std::sync::Arc;

const SALT: u32 = 0x1234_5678;

fn framed(record: &Record<'_>, seq: u64) -> Vec<u8> {
    let mut draft = Draft::new();
    draft.take(record);
    let mut room = vec![0; draft.room()];
    let length = draft.write(&mut room, seq, SALT);
    assert!(is_length(length), "{length}");
    room[..4].copy_from_slice(&length.to_le_bytes());
    room.truncate(length as usize);
    room
}

fn bare<'a>(subject: &'a Subject, qname: Option<&'a Name>) -> Record<'a> {
    Record {
        time: Moment(1_700_000_000_000_001),
        client: SocketAddr::new(subject.client, 5353),
        transport: Transport::Udp,
        network_zone: "hq",
        generation: 7,
        subject,
        qname,
        qtype: 28,
        action: Action::Allowed,
        category: None,
        list: None,
        rule: Rule::None,
        rcode: Some(0),
        ede: None,
        answer: "",
        source: None,
        upstream: None,
        duration_us: 42,
    }
}

fn subject(known: Option<Known>) -> Subject {
    Subject { client: "2001:db8::7".parse().unwrap(), known: known.map(Arc::new) }
}

#[test]
fn a_mapped_client_is_written_as_ipv4() {
    let subject = Subject::bare("10.0.0.1".parse().unwrap());
    let mut record = bare(&subject, None);
    record.client = "[::ffff:10.0.0.1]:99".parse().unwrap();
    let frame = framed(&record, 1);
    let row = Row::read(&frame).unwrap();
    assert_eq!((row.client.to_string().as_str(), row.client_port), ("10.0.0.1", 99));
}

#[test]
fn the_user_of_a_shared_device_is_not_written() {
    let known = Known { user: Some("u4711".into()), shared: true, ..Known::default() };
    let subject = subject(Some(known));
    let frame = framed(&bare(&subject, None), 1);
    assert_eq!(Row::read(&frame).unwrap().user, None);
    assert!(!frame.windows(5).any(|octets| octets == b"u4711"), "not even hidden in the file");
}

#[test]
fn a_text_too_long_is_cut_where_it_shows() {
    let subject = subject(None);
    let long = "ü".repeat(MAX_TEXT);
    let record = Record { answer: &long, ..bare(&subject, None) };
    let frame = framed(&record, 1);
    let answer = Row::read(&frame).unwrap().answer;
    assert!(answer.ends_with('…') && answer.len() <= MAX_TEXT && answer.len() > MAX_TEXT - 4, "{}", answer.len());
    assert!(answer.trim_end_matches('…').chars().all(|c| c == 'ü'));
}

#[test]
fn the_longest_record_fits_the_longest_frame() {
    let long = "x".repeat(MAX_TEXT + 1);
    let known = Known {
        device: Device { mac: Some(Mac([7; 6])), host: Some(long.as_str().into()) },
        user: Some(long.as_str().into()),
        as_of: Some(Moment(1)),
        ..Known::default()
    };
    let subject = subject(Some(known));
    let qname = Name::parse(&["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".")).unwrap();
    let text = Some(long.as_str());
    let record = Record {
        network_zone: &long,
        generation: u64::MAX,
        category: text,
        list: text,
        rule: Rule::Text(&long),
        qtype: u16::MAX,
        rcode: Some(u16::MAX),
        ede: Some(u16::MAX),
        answer: &long,
        source: Some(Source::Upstream),
        upstream: text,
        ..bare(&subject, Some(&qname))
    };
    let frame = framed(&record, u64::MAX);
    assert_eq!(frame.len().next_multiple_of(8), MAX_FRAME);
    let row = Row::read(&frame).unwrap();
    assert_eq!((row.generation, row.rcode, row.as_of), (u64::MAX, Some(u16::MAX), Some(Moment(1))));
    const { assert!(MAX_FRAME < crate::store::segment::SMALLEST - crate::store::segment::HEAD) };
}

#[test]
fn what_is_not_said_takes_no_room() {
    let subject = Subject::bare("10.0.0.1".parse().unwrap());
    let qname = Name::parse("www.example.com").unwrap();
    let frame = framed(&Record { generation: 300, ..bare(&subject, Some(&qname)) }, 1);
    // Head, own, name; flags, how it was known, address; flags and codes, generation, type, response code, zone.
    assert_eq!(frame.len(), 16 + 24 + 17 + (1 + 1 + 4) + (5 + 2 + 1 + 1 + 3));
}

/// What the pieces of a frame say by themselves is what the frame says: all of it, or nothing where it cannot be read.
fn pieces_say_what_the_whole_does(frame: &[u8]) {
    let whole = Row::read(frame);
    let apart = pieces::take_apart(frame);
    let all = apart.and_then(|(own, subject, manner)| {
        // Nobody relies on what is behind a piece, nor does a piece end early.
        for piece in [subject, manner] {
            let longer = [piece, &[0]].concat();
            assert!(pieces::Subject::read(&longer).is_none() || pieces::Subject::read(piece).is_none());
            assert!(Manner::read(&longer).is_none() || Manner::read(piece).is_none());
        }
        Some((own, pieces::Subject::read(subject)?, Manner::read(manner)?))
    });
    let Some((own, subject, manner)) = all else { return assert_eq!(whole, None) };
    let is_text = std::str::from_utf8(own.answer).is_ok();
    assert_eq!(whole.is_some(), is_text);
    assert_eq!(pieces::own(frame), Some(own));
    assert_eq!(Some(own.seq), number(frame));
    let Some(row) = whole else { return };
    assert_eq!((row.time, row.client_port, row.duration_us), (own.time, own.client_port, own.duration_us));
    assert_eq!((row.answer.as_bytes(), row.qname.unwrap_or_default()), (own.answer, own.qname));
    assert_eq!((row.client, row.device, row.host), (subject.client, subject.device, subject.host));
    assert_eq!((row.user, row.via, row.as_of), (subject.user, subject.via, subject.as_of));
    assert_eq!((row.network_zone, row.category, row.list), (manner.network_zone, manner.category, manner.list));
}

#[test]
fn records_that_differ_in_what_is_their_own_have_the_same_subject_and_manner() {
    let (one, other) = (subject(Some(Known { user: Some("u1".into()), ..Known::default() })), subject(None));
    let qname = Name::parse("www.example.com").unwrap();
    let another = Name::parse("another-name.example").unwrap();
    let of = |record: &Record<'_>| {
        let frame = framed(record, 1);
        let (_, whom, manner) = pieces::take_apart(&frame).unwrap();
        (whom.to_vec(), manner.to_vec())
    };
    let blocked = |line| Record { rule: Rule::Line { line, labels: 2 }, ..bare(&one, Some(&qname)) };
    let first = of(&blocked(1));
    let later = Record { time: Moment(3), duration_us: 9, answer: "192.0.2.7", qname: Some(&another), ..blocked(77) };
    assert_eq!(of(&Record { client: SocketAddr::new(one.client, 9), ..later }), first);
    let by_another = of(&Record { subject: &other, ..blocked(1) });
    assert_eq!(by_another.1, first.1);
    assert_ne!(by_another.0, first.0);
    let of_another = of(&Record { qtype: 1, ..blocked(1) });
    assert_eq!(of_another.0, first.0);
    assert_ne!(of_another.1, first.1);
}

#[test]
fn a_number_that_goes_on_for_ever_or_is_too_large_is_none() {
    let manner = |generation: &[u8]| [&[0, 1, 1, 0, 1][..], generation, &[1, 0]].concat();
    assert_eq!(Manner::read(&manner(&[5])).map(|manner| manner.generation), Some(5));
    let most = [[0xff; 9].as_slice(), &[1]].concat();
    assert_eq!(Manner::read(&manner(&most)).map(|manner| manner.generation), Some(u64::MAX));
    assert_eq!(Manner::read(&manner(&[[0xff; 9].as_slice(), &[2]].concat())), None);
    assert_eq!(Manner::read(&manner(&[0x80])), None);
}

fn arb_name() -> impl Strategy<Value = Name> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 1..12), 0..6).prop_map(|labels| {
        let mut wire = Vec::new();
        for label in labels {
            wire.push(label.len() as u8);
            wire.extend(label);
        }
        wire.push(0);
        Name::from_wire(&wire).unwrap()
    })
}

fn arb_known() -> impl Strategy<Value = Known> {
    let via = prop_oneof![Just(Via::Lease), Just(Via::Static), Just(Via::Radius), Just(Via::Signon)];
    let text = || prop::option::of(".{0,20}");
    (prop::option::of(any::<[u8; 6]>()), text(), text(), via, prop::option::of(any::<i64>()), any::<bool>()).prop_map(
        |(mac, host, user, via, as_of, shared)| Known {
            device: Device { mac: mac.map(Mac), host: host.map(Into::into) },
            user: user.map(Into::into),
            via,
            as_of: as_of.map(Moment),
            shared,
            ..Known::default()
        },
    )
}

proptest! {
    #[test]
    fn any_record_reads_back_as_it_was(
        known in prop::option::of(arb_known()),
        v4 in any::<bool>(),
        qname in prop::option::of(arb_name()),
        texts in prop::collection::vec(prop::option::of(".{0,30}"), 4),
        zone in ".{0,12}",
        answer in ".{0,40}",
        codes in (0usize..7, 0usize..5, prop::option::of(0usize..5), 0usize..3),
        numbers in (any::<i64>(), any::<u64>(), any::<u32>(), any::<u16>(), any::<u64>(), any::<u8>()),
        sent in (prop::option::of(any::<u16>()), prop::option::of(any::<u16>())),
    ) {
        let client = if v4 { "10.0.0.9" } else { "2001:db8::9" }.parse().unwrap();
        let subject = Subject { client, known: known.map(Arc::new) };
        let (time, generation, duration_us, number, seq, labels) = numbers;
        let rule_text = texts[3].clone().unwrap_or_default();
        let record = Record {
            time: Moment(time),
            client: SocketAddr::new(client, number),
            transport: Transport::ALL[codes.1],
            network_zone: &zone,
            generation,
            subject: &subject,
            qname: qname.as_ref(),
            qtype: number,
            action: Action::ALL[codes.0],
            category: texts[0].as_deref(),
            list: texts[1].as_deref(),
            rule: [Rule::None, Rule::Line { line: duration_us, labels }, Rule::Text(&rule_text)][codes.3],
            rcode: sent.0,
            ede: sent.1,
            answer: &answer,
            source: codes.2.map(|at| Source::ALL[at]),
            upstream: texts[2].as_deref(),
            duration_us,
        };
        let frame = framed(&record, seq);
        prop_assert_eq!(check(&frame, SALT), Some(seq));
        prop_assert_eq!(check(&frame, SALT ^ 1), None, "another segment's salt");
        pieces_say_what_the_whole_does(&frame);
        let known = subject.known.as_deref();
        prop_assert_eq!(Row::read(&frame), Some(Row {
            time: record.time,
            client,
            client_port: number,
            transport: record.transport,
            network_zone: &zone,
            generation,
            device: subject.mac(),
            host: subject.host(),
            user: subject.user(),
            via: known.map(|known| known.via),
            as_of: known.and_then(|known| known.as_of),
            qname: qname.as_ref().map(Name::as_wire),
            qtype: number,
            action: record.action,
            category: record.category,
            list: record.list,
            rule: record.rule,
            rcode: sent.0,
            ede: sent.1,
            answer: &answer,
            source: record.source,
            upstream: record.upstream,
            duration_us,
        }));
    }

    #[test]
    fn no_octets_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Row::read(&bytes);
        pieces_say_what_the_whole_does(&bytes);
        let _ = check(&bytes, SALT);
    }

    #[test]
    fn a_changed_frame_fails_its_crc_and_never_panics(at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<prop::sample::Index>()) {
        let subject = subject(Some(Known { user: Some("u1".into()), ..Known::default() }));
        let qname = Name::parse("www.example.com").unwrap();
        let frame = framed(&bare(&subject, Some(&qname)), 9);
        let mut changed = frame.clone();
        let at = at.index(frame.len());
        changed[at] ^= flip;
        if at >= 4 {
            prop_assert_eq!(check(&changed, SALT), None);
        }
        // A forger can make the CRC fit: the fields are read with care all the same.
        let _ = Row::read(&changed);
        pieces_say_what_the_whole_does(&changed);
        let _ = Row::read(&frame[..cut.index(frame.len())]);
        prop_assert_eq!(check(&frame[..cut.index(frame.len())], SALT), None);
    }
}
