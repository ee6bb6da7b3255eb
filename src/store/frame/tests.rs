//! Frames go there and back, and no octets make reading them panic.

use super::*;
use crate::subject::{Device, Known, Subject};
use proptest::prelude::*;
use std::net::SocketAddr;
use std::sync::Arc;

const SALT: u32 = 0x1234_5678;

fn framed(record: &Record<'_>, seq: u64) -> Vec<u8> {
    let draft = Draft::of(record);
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
        device: Device { mac: None, host: Some(long.as_str().into()) },
        user: Some(long.as_str().into()),
        ..Known::default()
    };
    let subject = subject(Some(known));
    let qname = Name::parse(&["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".")).unwrap();
    let text = Some(long.as_str());
    let record = Record {
        network_zone: &long,
        category: text,
        list: text,
        rule: Rule::Text(&long),
        answer: &long,
        upstream: text,
        ..bare(&subject, Some(&qname))
    };
    let draft = Draft::of(&record);
    assert_eq!(draft.room(), MAX_FRAME);
    const { assert!(MAX_FRAME < crate::store::segment::SMALLEST - crate::store::segment::HEAD) };
}

/// A frame's own, and its two pieces as octets; each piece knows its own octets again, and no others.
fn taken_apart(frame: &[u8], origin: u64) -> Option<(pieces::Own<'_>, Vec<u8>, Vec<u8>)> {
    fn octets<const N: usize>(piece: &pieces::Piece<'_, N>) -> Vec<u8> {
        let mut octets = Vec::new();
        piece.write(&mut octets);
        assert_eq!(octets.len(), piece.length());
        assert!(piece.is(&octets));
        for at in 0..octets.len() {
            octets[at] ^= 1;
            assert!(!piece.is(&octets), "{at}");
            octets[at] ^= 1;
        }
        assert!(!piece.is(&octets[1..]) && !piece.is(&[&octets[..], &[0]].concat()));
        octets
    }
    let (own, whom, manner) = pieces::take_apart(frame, origin)?;
    Some((own, octets(&whom), octets(&manner)))
}

/// What the pieces of a frame say, put together, is what the frame says: all of it, or nothing where it cannot be read.
fn pieces_say_what_the_whole_does(frame: &[u8]) {
    let (mut of_subject, mut of_manner) = (vec![7], vec![7]);
    let apart = taken_apart(frame, 3);
    if let Some((_, whom, manner)) = &apart {
        pieces::subject_frame(whom, &mut of_subject);
        pieces::manner_frame(manner, &mut of_manner);
        assert_eq!(pieces::origin(whom), Some(3));
    }
    let all = apart.and_then(|(own, ..)| Some((own, Row::read(&of_subject)?, Row::read(&of_manner)?)));
    let whole = all.map(|(own, whom, manner)| Row {
        time: own.time,
        client_port: own.client_port,
        duration_us: own.duration_us,
        client: whom.client,
        device: whom.device,
        host: whom.host,
        user: whom.user,
        via: whom.via,
        as_of: whom.as_of,
        qname: manner.qname.map(|_| own.qname),
        rule: match manner.rule {
            Rule::Line { .. } => Rule::Line { line: own.line, labels: own.labels },
            other => other,
        },
        ..manner
    });
    assert_eq!(whole, Row::read(frame));
    let Some((own, whom, manner)) = all else { return };
    assert_eq!(pieces::own(frame), Some(own));
    assert_eq!(Some(own.seq), number(frame));
    assert_eq!((manner.device, manner.host, manner.user, manner.via, manner.as_of), (None, None, None, None, None));
    assert_eq!((whom.qname, whom.category, whom.answer, whom.rule), (None, None, "", Rule::None));
}

#[test]
fn records_that_differ_in_what_is_their_own_have_the_same_subject_and_manner() {
    let (one, other) = (subject(Some(Known { user: Some("u1".into()), ..Known::default() })), subject(None));
    let qname = Name::parse("www.example.com").unwrap();
    let another = Name::parse("another-name.example").unwrap();
    let of = |record: &Record<'_>| {
        let (_, whom, manner) = taken_apart(&framed(record, 1), 1).unwrap();
        (whom, manner)
    };
    let blocked = |line| Record { rule: Rule::Line { line, labels: 2 }, ..bare(&one, Some(&qname)) };
    let first = of(&blocked(1));
    let later = Record { time: Moment(3), duration_us: 9, qname: Some(&another), ..blocked(77) };
    assert_eq!(of(&Record { client: SocketAddr::new(one.client, 9), ..later }), first);
    let by_another = of(&Record { subject: &other, ..blocked(1) });
    assert_eq!(by_another.1, first.1);
    assert_ne!(by_another.0, first.0);
    let of_another = of(&Record { qtype: 1, ..blocked(1) });
    assert_eq!(of_another.0, first.0);
    assert_ne!(of_another.1, first.1);
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
