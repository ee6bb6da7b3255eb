//! What is kept, for how long, for whom, and what it is good for when no upstream answers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, RecordType};

use crate::support::client::{Ask, addresses, extended_error};
use crate::support::cordon::Cordon;
use crate::support::nsd::Nsd;
use crate::support::rows;
use crate::support::udp_peer::{UdpPeer, relay};

const ZONE: &str = "$ORIGIN example.net.\n$TTL 300\n@ 300 SOA ns hostmaster 1 7200 3600 86400 60\n@ NS ns\nns A 192.0.2.53\n\
                    www A 192.0.2.80\nshort 1 A 192.0.2.81\nzero 0 A 192.0.2.83\nbet A 192.0.2.66\n\
                    *.many A 192.0.2.99\n";

/// Its negative answers live one second.
const FLEETING: &str = "$ORIGIN example.org.\n$TTL 1\n@ SOA ns hostmaster 1 7200 3600 86400 1\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.90\n";

fn config(upstream: SocketAddr, more: &str) -> String {
    format!(
        "[upstream]\nservers = [\"udp://{upstream}\"]\ntimeout = \"1s\"\n\
         [[category]]\nname = \"gambling\"\nlists = [{{ path = \"gambling.txt\" }}]\n\
         [policy.standard]\nblock = [\"gambling\"]\n\
         [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n\
         [[local_zone]]\nname = \"intranet.example\"\nfile = \"intranet.zone\"\n{more}"
    )
}

const FILES: &[(&str, &str)] = &[
    ("gambling.txt", "bet.example.net\n"),
    ("intranet.zone", "$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.2\n"),
];

fn ask(cordon: &Cordon, name: &str) -> Message {
    Ask::new(name, RecordType::A).at(cordon.addr)
}

fn ip(text: &str) -> Vec<IpAddr> {
    vec![text.parse().unwrap()]
}

/// An upstream that can be cut off and brought back: a name server behind a relay.
struct Cut {
    peer: UdpPeer,
    is_cut: Arc<AtomicBool>,
    _nsd: Nsd,
}

impl Cut {
    fn start() -> Cut {
        let nsd = Nsd::start(&[("example.net", ZONE), ("example.org", FLEETING)]);
        let (addr, is_cut) = (nsd.addr, Arc::new(AtomicBool::new(false)));
        let cut = is_cut.clone();
        let peer = UdpPeer::start(move |datagram| match cut.load(Ordering::SeqCst) {
            true => None,
            false => relay(addr, datagram),
        });
        Cut { peer, is_cut, _nsd: nsd }
    }

    fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }
}

#[test]
fn a_kept_answer_is_given_again_with_its_time_counted_down() {
    let upstream = Cut::start();
    let cordon = Cordon::start(&config(upstream.peer.addr, ""), FILES);
    let first = ask(&cordon, "www.example.net.");
    assert_eq!((addresses(&first), first.answers[0].ttl), (ip("192.0.2.80"), 300));
    let heard = upstream.peer.heard();
    sleep(Duration::from_millis(1_100));
    let second = ask(&cordon, "WWW.example.net.");
    assert_eq!(addresses(&second), ip("192.0.2.80"));
    assert!(second.answers[0].ttl < 300 && second.answers[0].ttl > 200, "{second:?}");
    assert_eq!(upstream.peer.heard(), heard, "nobody was asked again");
    let sources: Vec<_> =
        rows::of(&cordon.log_dir(), "www.example.net").iter().map(|row| row["source"].clone()).collect();
    assert_eq!(sources, ["cache", "upstream"]);
    assert_eq!((cordon.metric("cordon_cache_hits_total"), cordon.metric("cordon_cache_misses_total")), (1.0, 1.0));
}

#[test]
fn what_may_not_be_kept_is_asked_again() {
    let upstream = Cut::start();
    let cordon = Cordon::start(&config(upstream.peer.addr, ""), FILES);
    for expected in 1..=3 {
        assert_eq!(ask(&cordon, "zero.example.net.").answers[0].ttl, 0);
        assert_eq!(upstream.peer.heard(), expected);
    }
}

#[test]
fn a_negative_answer_is_kept_as_long_as_its_soa_says() {
    let upstream = Cut::start();
    let cordon = Cordon::start(&config(upstream.peer.addr, ""), FILES);
    for (name, kind, code) in [
        ("nothing.example.net.", RecordType::A, ResponseCode::NXDomain),
        ("www.example.net.", RecordType::TXT, ResponseCode::NoError),
    ] {
        let fetched = Ask::new(name, kind).at(cordon.addr);
        let heard = upstream.peer.heard();
        sleep(Duration::from_millis(1_100));
        let cached = Ask::new(name, kind).at(cordon.addr);
        assert_eq!(upstream.peer.heard(), heard, "{name}: nobody was asked again");
        for (answer, which) in [(&fetched, "fetched"), (&cached, "cached")] {
            assert_eq!((answer.metadata.response_code, answer.answers.len()), (code, 0), "{which} {name}");
            let [soa] = answer.authorities.as_slice() else { panic!("{which} {name}: {answer:?}") };
            let RData::SOA(data) = &soa.data else { panic!("{which} {name}") };
            assert_eq!(data.minimum, 60);
            // RFC 2308 section 3: the lesser of the SOA's own TTL and its minimum.
            assert!(soa.ttl <= 60, "{which} {name}: {}", soa.ttl);
            assert_eq!(soa.ttl < 60, which == "cached", "{which} {name}: {}", soa.ttl);
        }
    }
    // One second later the other zone is asked again.
    ask(&cordon, "nothing.example.org.");
    let heard = upstream.peer.heard();
    sleep(Duration::from_millis(1_100));
    ask(&cordon, "nothing.example.org.");
    assert!(upstream.peer.heard() > heard);
}

#[test]
fn answers_with_do_and_with_cd_are_kept_apart() {
    let upstream = Cut::start();
    let cordon = Cordon::start(&config(upstream.peer.addr, ""), FILES);
    let mut heard = 0;
    for (dnssec_ok, cd) in [(false, false), (true, false), (false, true), (true, true)] {
        for round in ["fetched", "cached"] {
            let answer = Ask { dnssec_ok, cd, ..Ask::new("www.example.net.", RecordType::A) }.at(cordon.addr);
            assert_eq!(addresses(&answer), ip("192.0.2.80"));
            let now = upstream.peer.heard();
            assert_eq!(now > heard, round == "fetched", "DO {dnssec_ok} CD {cd} {round}");
            heard = now;
        }
    }
    // AD and the size of the buffer do not make another question.
    Ask { ad: true, edns: Some(4096), ..Ask::new("www.example.net.", RecordType::A) }.at(cordon.addr);
    Ask { edns: None, ..Ask::new("www.example.net.", RecordType::A) }.at(cordon.addr);
    assert_eq!(upstream.peer.heard(), heard);
}

#[test]
fn stale_answers_are_given_when_no_upstream_answers_and_only_then() {
    let upstream = Cut::start();
    let cordon = Cordon::start(&config(upstream.peer.addr, "[cache]\nserve_stale = \"1h\"\n"), FILES);
    ask(&cordon, "short.example.net.");
    ask(&cordon, "nothing.example.org.");
    sleep(Duration::from_millis(1_100));
    assert_eq!(extended_error(&ask(&cordon, "short.example.net.")), None, "the upstream answers");
    sleep(Duration::from_millis(1_100));
    upstream.cut(true);
    for _ in 0..2 {
        let stale = ask(&cordon, "short.example.net.");
        assert_eq!((addresses(&stale), stale.answers[0].ttl), (ip("192.0.2.81"), 30), "RFC 8767 section 4");
        assert_eq!(extended_error(&stale).unwrap().0, 3, "RFC 8914: stale answer");
    }
    let nothing = ask(&cordon, "nothing.example.org.");
    assert_eq!(nothing.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(extended_error(&nothing).unwrap().0, 19, "RFC 8914: stale NXDOMAIN answer");
    let row = rows::last(&cordon.log_dir(), "short.example.net");
    assert_eq!((&row["source"], &row["ede"], &row["action"]), (&"stale".into(), &3.into(), &"allowed".into()), "{row}");
    assert_eq!(cordon.metric("cordon_stale_answers_total"), 3.0);
}

#[test]
fn what_no_upstream_answered_is_not_asked_again_for_some_seconds() {
    let upstream = Cut::start();
    let cordon = Cordon::start(&config(upstream.peer.addr, "[cache]\nserve_stale = \"1h\"\n"), FILES);
    ask(&cordon, "short.example.net.");
    sleep(Duration::from_millis(1_100));
    upstream.cut(true);
    // What has been sent again at the last moment is heard, too.
    let heard = || {
        sleep(Duration::from_millis(100));
        upstream.peer.heard()
    };
    let short = Ask::new("short.example.net.", RecordType::A);
    let is_stale = |answer: &Message| extended_error(answer).map(|(code, _)| code) == Some(3);
    let before = heard();
    assert!(is_stale(&short.at(cordon.addr)));
    let asked = heard();
    assert!(asked > before, "the first who asks finds out");
    for again in [short.clone(), short.clone(), short.clone().tcp(), Ask { edns: Some(4096), ..short.clone() }] {
        let stale = again.at(cordon.addr);
        assert!(is_stale(&stale) && addresses(&stale) == ip("192.0.2.81"), "{stale:?}");
    }
    assert_eq!(heard(), asked, "RFC 8767 section 5: not before the failure recheck timer is over");
    let rows = rows::of(&cordon.log_dir(), "short.example.net");
    assert_eq!(rows.iter().filter(|row| row["source"] == "stale").count(), 5, "{rows:?}");

    let new = Ask::new("new.many.example.net.", RecordType::A);
    let first = new.at(cordon.addr);
    let asked = heard();
    for again in [new.clone(), new.clone().tcp(), new.clone()] {
        let failed = again.at(cordon.addr);
        assert_eq!(failed.metadata.response_code, ResponseCode::ServFail);
        assert_eq!(extended_error(&failed), extended_error(&first), "with the same reason");
    }
    assert_eq!(heard(), asked, "RFC 9520 section 3.2");
    let rows = rows::of(&cordon.log_dir(), "new.many.example.net");
    assert!(rows.len() == 4 && rows.iter().all(|row| row["action"] == "failed" && row["rcode"] == 2), "{rows:?}");
    Ask::new("new.many.example.net.", RecordType::TXT).at(cordon.addr);
    assert!(heard() > asked, "another question is asked");
    // It is over after five seconds at most, and what is back is asked.
    upstream.cut(false);
    let back = (0..60).any(|_| {
        sleep(Duration::from_millis(250));
        addresses(&new.at(cordon.addr)) == ip("192.0.2.99")
    });
    assert!(back, "the failure is remembered for ever");
}

#[test]
fn while_every_upstream_is_known_to_be_down_a_stale_answer_waits_for_none_and_is_fetched_behind() {
    let upstream = Cut::start();
    let cordon = Cordon::start(&config(upstream.peer.addr, "[cache]\nserve_stale = \"1h\"\n"), FILES);
    for name in ["short.example.net.", "www.example.org."] {
        ask(&cordon, name);
    }
    sleep(Duration::from_millis(1_100));
    upstream.cut(true);
    let up = format!("cordon_upstream_up{{upstream=\"udp://{}\"}}", upstream.peer.addr);
    let down = (0..8).any(|n| {
        ask(&cordon, &format!("lost{n}.many.example.net."));
        cordon.metric(&up) == 0.0
    });
    assert!(down, "{}", cordon.metrics());
    upstream.cut(false);
    // The upstream would answer, and nobody knows yet: neither over UDP nor over TCP does anyone wait to find out.
    let stale = ask(&cordon, "short.example.net.");
    assert_eq!((addresses(&stale), extended_error(&stale).map(|(code, _)| code)), (ip("192.0.2.81"), Some(3)));
    let is_up = || {
        sleep(Duration::from_millis(25));
        cordon.metric(&up) == 1.0
    };
    assert!((0..400).any(|_| is_up()), "what was fetched behind is not noticed");
    assert_eq!(extended_error(&ask(&cordon, "www.example.org.")), None, "the upstream is asked in earnest again");
    let sources: Vec<_> =
        rows::of(&cordon.log_dir(), "short.example.net").iter().map(|row| row["source"].clone()).collect();
    assert_eq!(sources, ["stale", "upstream"]);
}

#[test]
fn without_an_upstream_what_is_kept_blocked_or_ours_is_still_answered() {
    let upstream = Cut::start();
    let cordon = Cordon::start(&config(upstream.peer.addr, "[cache]\nserve_stale = \"0s\"\n"), FILES);
    ask(&cordon, "www.example.net.");
    ask(&cordon, "short.example.net.");
    upstream.cut(true);
    sleep(Duration::from_millis(1_100));
    for name in ["short.example.net.", "new.many.example.net."] {
        let failed = ask(&cordon, name);
        assert_eq!(failed.metadata.response_code, ResponseCode::ServFail, "{name}");
        assert!(matches!(extended_error(&failed).unwrap().0, 22 | 23), "{failed:?}");
        let row = rows::last(&cordon.log_dir(), name.trim_end_matches('.'));
        assert_eq!((&row["action"], &row["rcode"]), (&"failed".into(), &2.into()), "{row}");
    }
    assert_eq!(addresses(&ask(&cordon, "www.example.net.")), ip("192.0.2.80"));
    assert_eq!(addresses(&ask(&cordon, "bet.example.net.")), ip("0.0.0.0"));
    assert_eq!(addresses(&ask(&cordon, "www.intranet.example.")), ip("10.0.0.2"));
    assert_eq!(ask(&cordon, "x.invalid.").metadata.response_code, ResponseCode::NXDomain);
    upstream.cut(false);
    // A server that was found silent is tried again after a while; no question is lost to it for long.
    let back = (0..40).any(|n| {
        let answer = ask(&cordon, &format!("back{n}.many.example.net."));
        answer.metadata.response_code == ResponseCode::NoError || {
            sleep(Duration::from_millis(250));
            false
        }
    });
    assert!(back, "the upstream is back and is not asked");
}

#[test]
fn the_cache_stays_within_its_octets() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = Cordon::start(&config(nsd.addr, "[cache]\nsize = \"1MiB\"\n"), FILES);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let cordon = &cordon;
            scope.spawn(move || {
                for n in 0..2_500 {
                    let name = format!("n{n}.t{thread}.many.example.net.");
                    assert_eq!(addresses(&ask(cordon, &name)), ip("192.0.2.99"), "{name}");
                }
            });
        }
    });
    let (octets, entries) = (cordon.metric("cordon_cache_bytes"), cordon.metric("cordon_cache_entries"));
    assert!(octets <= 1_048_576.0, "{octets}");
    assert!(octets > 500_000.0 && entries > 1_000.0, "it holds what it can: {octets} {entries}");
    assert_eq!(cordon.metric("cordon_log_records_total"), 20_000.0);
}
