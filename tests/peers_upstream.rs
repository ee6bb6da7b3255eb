//! Upstreams against real servers on loopback: NSD and Unbound, over UDP, TCP, TLS and HTTPS; and against servers that misbehave.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cordon::config::checked::{ForwardZone, Protocol, Server, Upstream};
use cordon::dns::{Name, Question};
use cordon::upstream::{Blame, Failure, Fetched, UpstreamError, Upstreams};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::opt::EdnsOption;

use crate::support::certificate::Certificate;
use crate::support::nsd::Nsd;
use crate::support::udp_peer::{UdpPeer, relay};
use crate::support::unbound::Unbound;

const A: u16 = 1;
const TXT: u16 = 16;
const AAAA: u16 = 28;

/// Longer than any timeout in these tests: what runs into it hangs.
const HANGS: Duration = Duration::from_secs(60);

fn zone() -> String {
    let mut zone = String::from(
        "$TTL 300\n@ SOA ns1 hostmaster 7 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\nwww A 192.0.2.2\n\
         alias CNAME www\n",
    );
    for i in 0..40 {
        zone.push_str(&format!("large TXT \"{i} {}\"\n", "x".repeat(200)));
    }
    zone
}

fn at(protocol: Protocol, address: SocketAddr, tls_name: Option<&str>) -> Server {
    let scheme = match protocol {
        Protocol::Udp => "udp",
        Protocol::Tcp => "tcp",
        Protocol::Tls => "tls",
        Protocol::Https => "https",
    };
    Server::At {
        protocol,
        address,
        tls_name: tls_name.map(str::to_owned),
        path: None,
        text: format!("{scheme}://{address}"),
    }
}

fn udp(address: SocketAddr) -> Server {
    at(Protocol::Udp, address, None)
}

fn configured(servers: Vec<Server>, timeout: Duration) -> Upstream {
    Upstream { servers, timeout, dnssec: false }
}

fn upstreams(servers: Vec<Server>) -> Upstreams {
    Upstreams::new(&configured(servers, Duration::from_secs(5)), &[], &[]).unwrap()
}

fn question(name: &str, qtype: u16) -> Question {
    Question::new(Name::parse(name).unwrap(), qtype)
}

async fn ask(upstreams: &Upstreams, name: &str, qtype: u16) -> Result<Fetched, Failure> {
    let question = question(name, qtype);
    tokio::time::timeout(HANGS, upstreams.ask(upstreams.route(&question.name), &question))
        .await
        .expect("ends by itself")
}

fn message(fetched: &Fetched) -> Message {
    Message::from_vec(&fetched.wire).unwrap()
}

#[tokio::test]
async fn an_answer_comes_back_ready_to_be_kept() {
    let nsd = Nsd::start(&[("example.test", &zone())]);
    let upstreams = upstreams(vec![udp(nsd.addr)]);
    let fetched = ask(&upstreams, "WWW.Example.TEST", A).await.unwrap();
    assert_eq!((fetched.rcode, &*fetched.upstream), (0, &*format!("udp://{}", nsd.addr)));
    let message = message(&fetched);
    assert_eq!((message.id, message.edns.is_none(), message.answers.len()), (0, true, 2));
    assert_eq!(&fetched.wire[12..30], Name::parse("www.example.test").unwrap().as_wire(), "the question is lower-case");
    assert!(message.answers.iter().all(|record| record.name.to_string() == "www.example.test."));
    let chain = self::message(&ask(&upstreams, "alias.example.test", A).await.unwrap());
    assert_eq!(
        chain.answers.iter().map(|r| r.record_type()).collect::<Vec<_>>(),
        [RecordType::CNAME, RecordType::A, RecordType::A]
    );
    let health = upstreams.health();
    assert_eq!((health.len(), health[0].up, health[0].answered, health[0].failed), (1, true, 2, 0));
    assert_eq!(health[0].latencies.total(), 2);
}

#[tokio::test]
async fn negative_answers_keep_their_soa() {
    let nsd = Nsd::start(&[("example.test", &zone())]);
    let upstreams = upstreams(vec![udp(nsd.addr)]);
    for (name, qtype, rcode) in [("nothing.example.test", A, 3), ("www.example.test", AAAA, 0)] {
        let fetched = ask(&upstreams, name, qtype).await.unwrap();
        let message = message(&fetched);
        assert_eq!((fetched.rcode, message.answers.len(), message.authorities.len()), (rcode, 0, 1), "{name}");
        assert_eq!((message.authorities[0].record_type(), message.authorities[0].ttl), (RecordType::SOA, 60), "{name}");
    }
}

#[tokio::test]
async fn a_truncated_answer_is_fetched_again_over_tcp() {
    let nsd = Nsd::start(&[("example.test", &zone())]);
    for server in [udp(nsd.addr), at(Protocol::Tcp, nsd.addr, None)] {
        let upstreams = upstreams(vec![server]);
        for _ in 0..3 {
            let fetched = ask(&upstreams, "large.example.test", TXT).await.unwrap();
            let message = message(&fetched);
            assert_eq!((message.answers.len(), message.truncation), (40, false));
        }
    }
}

#[tokio::test]
async fn a_dead_first_server_does_not_cost_the_answer_and_is_found_out() {
    let (dead, nsd) = (UdpPeer::silent(), Nsd::start(&[("example.test", &zone())]));
    let configured = configured(vec![udp(dead.addr), udp(nsd.addr)], Duration::from_secs(2));
    let upstreams = Upstreams::new(&configured, &[], &[]).unwrap();
    let live = format!("udp://{}", nsd.addr);
    assert_eq!(&*ask(&upstreams, "www.example.test", A).await.unwrap().upstream, live);
    while upstreams.health().iter().all(|health| health.failed == 0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let heard = dead.heard();
    for i in 0..20 {
        assert_eq!(&*ask(&upstreams, &format!("n{i}.example.test"), A).await.unwrap().upstream, live);
    }
    assert!(dead.heard() - heard < 10, "the dead one is not asked first while a live one answers");
}

#[tokio::test]
async fn when_all_are_dead_the_failure_comes_by_itself() {
    let (a, b) = (UdpPeer::silent(), UdpPeer::silent());
    let configured = configured(vec![udp(a.addr), udp(b.addr)], Duration::from_millis(700));
    let upstreams = Upstreams::new(&configured, &[], &[]).unwrap();
    let failure = ask(&upstreams, "www.example.test", A).await.unwrap_err();
    assert_eq!((failure.blame.clone(), failure.upstream.clone(), failure.ede().0), (Blame::Timeout, None, 22));
    assert!(a.heard() > 0 && b.heard() > 0, "both were tried");
    let refusing = at(Protocol::Tcp, crate::support::peer::free_address(), None);
    let failure = ask(&self::upstreams(vec![refusing]), "www.example.test", A).await.unwrap_err();
    assert!(matches!(failure.blame, Blame::Unreachable(_)), "{failure:?}");
    assert_eq!(failure.ede().0, 23);
}

#[tokio::test]
async fn refused_and_servfail_go_to_the_next_server_and_then_to_the_client() {
    let other = Nsd::start(&[("other.test", "@ 60 SOA ns1 h 1 2 3 4 5\n@ 60 NS ns1\n")]);
    let nsd = Nsd::start(&[("example.test", &zone())]);
    let both = upstreams(vec![udp(other.addr), udp(nsd.addr)]);
    assert_eq!(ask(&both, "www.example.test", A).await.unwrap().rcode, 0);
    let alone = upstreams(vec![udp(other.addr)]);
    let failure = ask(&alone, "www.example.test", A).await.unwrap_err();
    assert!(matches!(failure.blame, Blame::Refused(_)), "{failure:?}");
    assert_eq!(failure.upstream.as_deref(), Some(&*format!("udp://{}", other.addr)));
    let failing = UdpPeer::start(|query| {
        let mut answer = Message::from_vec(query).ok()?.into_response();
        answer.edns = None;
        answer.metadata.response_code = ResponseCode::ServFail;
        answer.to_vec().ok()
    });
    assert_eq!(ask(&upstreams(vec![udp(failing.addr)]), "a.test", A).await.unwrap_err().blame, Blame::ServFail(None));
    assert_eq!(ask(&upstreams(vec![udp(failing.addr), udp(nsd.addr)]), "www.example.test", A).await.unwrap().rcode, 0);
}

#[tokio::test]
async fn a_server_without_edns_is_asked_without() {
    let nsd = Nsd::start(&[("example.test", &zone())]);
    let to = nsd.addr;
    let old = UdpPeer::start(move |query| {
        let asked = Message::from_vec(query).ok()?;
        if asked.edns.is_none() {
            return relay(to, query);
        }
        let mut answer = asked.into_response();
        answer.edns = None;
        answer.metadata.response_code = ResponseCode::FormErr;
        answer.to_vec().ok()
    });
    let fetched = ask(&upstreams(vec![udp(old.addr)]), "www.example.test", A).await.unwrap();
    assert_eq!(message(&fetched).answers.len(), 2);
}

#[tokio::test]
async fn the_flags_of_the_asker_go_up_and_ad_of_a_neighbour_comes_down() {
    let (saw, seen) = std::sync::mpsc::sync_channel(16);
    let peer = UdpPeer::start(move |query| {
        let asked = Message::from_vec(query).ok()?;
        let edns = asked.edns.clone()?;
        let flags = (asked.recursion_desired, asked.checking_disabled, edns.flags().dnssec_ok, edns.max_payload());
        saw.try_send(flags).ok()?;
        let mut answer = asked.into_response();
        answer.metadata.authentic_data = true;
        answer.to_vec().ok()
    });
    let upstreams = upstreams(vec![udp(peer.addr)]);
    let plain = question("a.example.test", A);
    for (dnssec_ok, checking_disabled) in [(false, false), (true, false), (true, true)] {
        let question = Question { dnssec_ok, checking_disabled, ..plain };
        let fetched = upstreams.ask(upstreams.route(&question.name), &question).await.unwrap();
        assert_eq!(seen.recv_timeout(HANGS).unwrap(), (true, checking_disabled, dnssec_ok, 1232));
        assert_eq!(fetched.authentic, !checking_disabled, "AD from this very host is believed, but not with CD");
        assert_eq!(fetched.wire[3] & 0x20, 0, "AD is for the one who writes the reply to set");
    }
}

#[tokio::test]
async fn a_resolvers_own_servfail_and_its_reason_reach_the_client() {
    let unbound = Unbound::start(
        " ede: yes\n local-zone: \"example.test.\" static\n local-data: \"www.example.test. 300 A 192.0.2.9\"\n \
         local-zone: \"blocked.test.\" always_refuse\n",
    );
    let upstreams = upstreams(vec![udp(unbound.addr)]);
    assert_eq!(message(&ask(&upstreams, "www.example.test", A).await.unwrap()).answers.len(), 1);
    let failure = ask(&upstreams, "www.blocked.test", A).await.unwrap_err();
    assert!(matches!(failure.blame, Blame::Refused(_)), "{failure:?}");
}

/// A root zone of our own, signed, with one name whose signature was made before its address was changed.
fn signed_root(dir: &std::path::Path) -> (String, std::path::PathBuf) {
    let run = |program: &str, arguments: &[&str]| {
        let output =
            Command::new(program).args(arguments).current_dir(dir).output().expect("ldnsutils is needed for this test");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let zone = "$TTL 300\n. SOA ns.test. h.test. 1 3600 600 86400 60\n. NS ns.test.\nns.test. A 127.0.0.1\n\
                good.test. A 192.0.2.1\nalias.test. CNAME good.test.\nforged.test. A 192.0.2.2\n*.wild.test. A 192.0.2.4\n\
                plain.test. NS ns.test.\n";
    std::fs::write(dir.join("root"), zone).unwrap();
    let key = run("ldns-keygen", &["-k", "-a", "ECDSAP256SHA256", "."]);
    run("ldns-signzone", &["-o", ".", "-f", "signed", "root", &key]);
    let signed = std::fs::read_to_string(dir.join("signed")).unwrap().replace("192.0.2.2", "192.0.2.66");
    (signed, dir.join(format!("{key}.key")))
}

#[tokio::test]
async fn what_a_validating_neighbour_found_authentic_or_bogus_is_passed_on() {
    let dir = tempfile::tempdir().unwrap();
    let (signed, anchor) = signed_root(dir.path());
    let nsd = Nsd::start(&[(".", &signed)]);
    let unbound = Unbound::start(&format!(
        " module-config: \"validator iterator\"\n local-zone: \"test.\" nodefault\n ede: yes\n trust-anchor-file: \"{}\"\n val-log-level: 2\nstub-zone:\n name: \".\"\n \
         stub-addr: {}@{}\n",
        anchor.display(),
        nsd.addr.ip(),
        nsd.addr.port()
    ));
    let upstreams = upstreams(vec![udp(unbound.addr), udp(nsd.addr)]);
    for (name, rcode, answers) in [("good.test", 0, 1), ("alias.test", 0, 2), ("no.test", 3, 0), ("x.wild.test", 0, 1)]
    {
        for dnssec_ok in [false, true] {
            let question = Question { dnssec_ok, ..question(name, A) };
            let fetched = upstreams.ask(upstreams.route(&question.name), &question).await.unwrap();
            let message = message(&fetched);
            let plain = message.answers.iter().filter(|r| r.record_type() != RecordType::RRSIG).count();
            assert_eq!((fetched.rcode, plain), (rcode, answers), "{name}");
            if *fetched.upstream == *format!("udp://{}", unbound.addr) {
                assert!(fetched.authentic, "{name}");
            }
            assert_eq!(message.all_sections().any(|r| r.record_type() == RecordType::RRSIG), dnssec_ok, "{name}");
        }
    }
    let alone = self::upstreams(vec![udp(unbound.addr)]);
    assert!(ask(&alone, "good.test", A).await.unwrap().authentic);
    let failure = ask(&alone, "forged.test", A).await.unwrap_err();
    assert!(matches!(failure.blame, Blame::Bogus(_)), "{failure:?}");
    assert!((6..=12).contains(&failure.ede().0), "{failure:?}");
    let unchecked = Question { checking_disabled: true, ..question("forged.test", A) };
    let fetched = alone.ask(alone.route(&unchecked.name), &unchecked).await.unwrap();
    assert_eq!((fetched.rcode, fetched.authentic), (0, false), "who checks itself gets to see it");
}

#[tokio::test]
async fn a_forgery_found_by_one_server_is_not_asked_of_the_next() {
    let bogus = UdpPeer::start(|query| {
        let mut answer = Message::from_vec(query).ok()?.into_response();
        answer.metadata.response_code = ResponseCode::ServFail;
        answer.edns.as_mut()?.options_mut().insert(EdnsOption::Unknown(15, vec![0, 7]));
        answer.to_vec().ok()
    });
    let credulous = UdpPeer::silent();
    let upstreams = upstreams(vec![udp(bogus.addr), udp(credulous.addr)]);
    let failure = ask(&upstreams, "forged.test", A).await.unwrap_err();
    assert_eq!((failure.blame, credulous.heard()), (Blame::Bogus((7, String::new())), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_questions_at_once_are_all_answered() {
    let nsd = Nsd::start(&[("example.test", &zone())]);
    for server in [udp(nsd.addr), at(Protocol::Tcp, nsd.addr, None)] {
        many_at_once(upstreams(vec![server]), 500).await;
    }
}

/// Asks for so many names that do not exist, all at once.
async fn many_at_once(upstreams: Upstreams, many: usize) {
    let upstreams = Arc::new(upstreams);
    let asked: Vec<_> = (0..many)
        .map(|i| {
            let upstreams = upstreams.clone();
            tokio::spawn(async move { ask(&upstreams, &format!("n{i}.example.test"), A).await })
        })
        .collect();
    for one in asked {
        assert_eq!(one.await.unwrap().map(|fetched| fetched.rcode), Ok(3));
    }
    assert_eq!(upstreams.health()[0].failed, 0);
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again_also_over_a_stream_it_closed() {
    let zone = zone();
    let nsd = Nsd::start(&[("example.test", &zone)]);
    let address = nsd.addr;
    let upstreams = upstreams(vec![at(Protocol::Tcp, address, None)]);
    assert_eq!(ask(&upstreams, "www.example.test", A).await.unwrap().rcode, 0);
    drop(nsd);
    let failure = ask(&upstreams, "www.example.test", A).await.unwrap_err();
    assert!(matches!(failure.blame, Blame::Unreachable(_)), "{failure:?}");
    let _again = Nsd::start_at(address, &[("example.test", &zone)]);
    assert_eq!(ask(&upstreams, "www.example.test", A).await, Err(failure), "what failed is told again for a while");
    assert_eq!(ask(&upstreams, "www.example.test", 16).await.unwrap().rcode, 0);
}

#[tokio::test]
async fn forged_answers_are_not_taken() {
    // Another id, another name: a blind attacker's datagrams. The true answer comes after them.
    for forge in [true, false] {
        let peer = UdpPeer::start(move |query| {
            let mut answer = Message::from_vec(query).ok()?.into_response();
            match forge {
                true => answer.metadata.id = answer.metadata.id.wrapping_add(1),
                false => _ = answer.queries[0].set_name(hickory_proto::rr::Name::from_ascii("evil.test.").ok()?),
            }
            answer.to_vec().ok()
        });
        let configured = configured(vec![udp(peer.addr)], Duration::from_millis(500));
        let upstreams = Upstreams::new(&configured, &[], &[]).unwrap();
        assert_eq!(ask(&upstreams, "www.example.test", A).await.unwrap_err().blame, Blame::Timeout);
        let ignored = upstreams.health()[0].ignored;
        assert!((1..=4).contains(&ignored), "each was counted: {ignored}");
    }
}

#[tokio::test]
async fn a_server_whose_machine_refuses_is_known_long_before_the_time_is_up() {
    let refuses = || std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let configured = |servers| configured(servers, HANGS * 10);
    let upstreams = Upstreams::new(&configured(vec![udp(refuses())]), &[], &[]).unwrap();
    let failure = ask(&upstreams, "www.example.test", A).await.unwrap_err();
    assert!(matches!(failure.blame, Blame::Unreachable(_)), "{failure:?}");
    let nsd = Nsd::start(&[("example.test", &zone())]);
    let upstreams = Upstreams::new(&configured(vec![udp(refuses()), udp(nsd.addr)]), &[], &[]).unwrap();
    let fetched = ask(&upstreams, "www.example.test", A).await.unwrap();
    assert_eq!(&*fetched.upstream, format!("udp://{}", nsd.addr), "the next one answers");
    while upstreams.health().iter().all(|health| !health.results.contains_key("unreachable")) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_name_that_comes_back_in_another_case_is_asked_over_tcp() {
    let nsd = Nsd::start(&[("example.test", &zone())]);
    let to = nsd.addr;
    let lowered = UdpPeer::start(move |query| {
        let mut answer = relay(to, query)?;
        let end = answer[12..].iter().position(|octet| *octet == 0)? + 12;
        answer[12..end].make_ascii_lowercase();
        Some(answer)
    });
    let upstreams = Upstreams::new(&configured(vec![udp(lowered.addr)], Duration::from_millis(500)), &[], &[]).unwrap();
    // Nobody listens over TCP there: that it was tried is seen by how it ended.
    let failure = ask(&upstreams, "abcdefghijklmnopqrstuvwxyz.example.test", A).await.unwrap_err();
    assert!(matches!(failure.blame, Blame::Unreachable(_)), "{failure:?}");
}

#[tokio::test]
async fn a_forward_zone_has_its_own_servers_for_all_names_below_it() {
    let inside = Nsd::start(&[("force.test", "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nwww A 192.0.2.77\n")]);
    let outside = Nsd::start(&[("example.test", &zone())]);
    let zones =
        [ForwardZone { name: Name::parse("force.test").unwrap(), servers: vec![udp(inside.addr)], filter: false }];
    let configured = configured(vec![udp(outside.addr)], Duration::from_secs(5));
    let upstreams = Upstreams::new(&configured, &zones, &[]).unwrap();
    let fetched = ask(&upstreams, "www.force.test", A).await.unwrap();
    assert_eq!(&*fetched.upstream, format!("udp://{}", inside.addr));
    assert_eq!(ask(&upstreams, "www.example.test", A).await.unwrap().rcode, 0);
    let name = |text: &str| Name::parse(text).unwrap();
    assert!(!upstreams.route(&name("a.b.force.test")).filter());
    assert_eq!(upstreams.forward_zone(&name("force.test")).map(|zone| zone.name), Some(name("force.test")));
    assert!(upstreams.route(&name("reinforce.test")).filter());
    assert!(upstreams.forward_zone(&name("reinforce.test")).is_none());
}

#[tokio::test]
async fn equal_questions_go_up_once_and_an_asker_that_leaves_strands_nobody() {
    let nsd = Nsd::start(&[("example.test", &zone())]);
    let (to, open) = (nsd.addr, Arc::new(AtomicBool::new(false)));
    let opened = open.clone();
    let gate = UdpPeer::start(move |query| if opened.load(Ordering::SeqCst) { relay(to, query) } else { None });
    let upstreams = Arc::new(upstreams(vec![udp(gate.addr)]));
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let upstreams = upstreams.clone();
            tokio::spawn(async move { ask(&upstreams, "www.example.test", A).await })
        })
        .collect();
    while gate.heard() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asked[0].abort();
    open.store(true, Ordering::SeqCst);
    for (i, one) in asked.into_iter().enumerate() {
        match one.await {
            Ok(result) => assert_eq!(result.unwrap().rcode, 0),
            Err(error) => assert!(i == 0 && error.is_cancelled()),
        }
    }
    let figures = &upstreams.health()[0];
    assert_eq!((figures.answered, figures.failed), (1, 0), "fifty askers, one question");
}

#[tokio::test]
async fn a_reload_keeps_the_figures_of_servers_that_stay() {
    let nsd = Nsd::start(&[("example.test", &zone())]);
    let before = upstreams(vec![udp(nsd.addr)]);
    ask(&before, "www.example.test", A).await.unwrap();
    let configured = configured(vec![udp(nsd.addr), udp("192.0.2.1:53".parse().unwrap())], Duration::from_secs(3));
    let after = before.renewed(&configured, &[], &[]).unwrap();
    let answered: Vec<(String, u64)> =
        after.health().into_iter().map(|h| (h.upstream.to_string(), h.answered)).collect();
    assert_eq!(answered, [(format!("udp://{}", nsd.addr), 1), ("udp://192.0.2.1:53".to_owned(), 0)]);
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_it_is_set_up() {
    let own: SocketAddr = "127.0.0.1:5300".parse().unwrap();
    let error = Upstreams::new(&configured(vec![udp(own)], Duration::from_secs(1)), &[], &[own]).err();
    assert_eq!(error, Some(UpstreamError::Ourselves("udp://127.0.0.1:5300".to_owned())));
    let validating =
        Upstream { dnssec: true, ..configured(vec![udp("127.0.0.2:53".parse().unwrap())], Duration::from_secs(1)) };
    assert_eq!(Upstreams::new(&validating, &[], &[]).err(), Some(UpstreamError::Validation));
    let error = Upstreams::new(&configured(vec![], Duration::from_secs(1)), &[], &[own]).err();
    assert_eq!(error, Some(UpstreamError::NoServers("[upstream]".to_owned())));
}

/// The platform verifier reads `SSL_CERT_FILE` once, when the process starts: so the asking is done by this test binary run again.
#[test]
fn tls_and_https_are_asked_with_certificate_and_name_checked() {
    let certificate = Certificate::make("DNS:dns.example.test,IP:127.0.0.1");
    let unbound = Unbound::start_secure(
        " local-zone: \"example.test.\" static\n local-data: \"www.example.test. 300 A 192.0.2.9\"\n \
         local-data: \"example.test. 300 SOA ns1.example.test. h.example.test. 1 2 3 4 60\"\n",
        &certificate,
    );
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "peers_upstream::asks_over_tls_and_https", "--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", &certificate.authority)
        .env("SECURE_PEERS", format!("{} {}", unbound.dot, unbound.doh))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
#[ignore = "run by tls_and_https_are_asked_with_certificate_and_name_checked, which starts the server"]
async fn asks_over_tls_and_https() {
    let peers = std::env::var("SECURE_PEERS").unwrap();
    let (dot, doh) = peers.split_once(' ').unwrap();
    for (protocol, address) in [(Protocol::Tls, dot), (Protocol::Https, doh)] {
        let address: SocketAddr = address.parse().unwrap();
        for right in [Some("dns.example.test"), None] {
            let upstreams = upstreams(vec![at(protocol, address, right)]);
            for _ in 0..3 {
                let fetched = ask(&upstreams, "www.example.test", A).await.unwrap();
                assert_eq!((fetched.rcode, message(&fetched).answers.len()), (0, 1), "{protocol:?} {right:?}");
            }
            assert_eq!(ask(&upstreams, "no.example.test", A).await.unwrap().rcode, 3);
        }
        many_at_once(upstreams(vec![at(protocol, address, None)]), 80).await;
        let wrong = upstreams(vec![at(protocol, address, Some("another.example.test"))]);
        let failure = ask(&wrong, "www.example.test", A).await.unwrap_err();
        let Blame::Unreachable(text) = failure.blame else { panic!("{failure:?}") };
        assert!(text.contains("certificate"), "{text}");
    }
}
