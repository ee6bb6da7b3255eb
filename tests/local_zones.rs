//! Local zones from the outside: told by the standards, and compared name by name with an authoritative server of others.

use std::path::PathBuf;
use std::time::Duration;

use cordon::config::checked::{LocalZone, Protocol, Server, Upstream};
use cordon::dns::{Name, Question};
use cordon::local::{LocalAnswer, LocalZones};
use cordon::upstream::Upstreams;
use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use tempfile::TempDir;

use crate::support::nsd::Nsd;

/// A zone with what is easily got wrong: wildcards beside and above existing names, names without records, aliases in all
/// directions, cuts with and without glue, letters in both cases.
const ZONE: &str = r#"$TTL 3600
@              IN SOA ns1 hostmaster ( 2024010101 7200 3600 1209600 300 )
               IN NS  ns1
               IN NS  ns.outside.test.
               IN MX  10 Mail
ns1            IN A   192.0.2.53
Mail           IN A   192.0.2.25
               IN AAAA 2001:db8::25
www            IN CNAME web
web        600 IN A   192.0.2.80
               IN TXT "a; quoted \"string\"" "second"
chain1         IN CNAME chain2
chain2         IN CNAME web
dangling       IN CNAME nothing.here
out            IN CNAME www.outside.test.
to-cut         IN CNAME www.cut
*.wild         IN A   192.0.2.100
               IN MX  20 mail
exists.wild    IN TXT "exists"
a.b.wild       IN TXT "makes b.wild an empty non-terminal"
*.alias        IN CNAME web
*.leaves       IN CNAME www.outside.test.
deep.empty.non IN A   192.0.2.101
cut            IN NS  ns.cut
cut            IN NS  ns.outside.test.
cut            IN DS  12345 8 2 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE49FD46E6C4B45C55D4AC69CB
ns.cut         IN A   192.0.2.54
bare-cut       IN NS  ns.outside.test.
_ldap._tcp     IN SRV 0 5 389 web
caa            IN CAA 0 issue "ca.example.net"
https          IN HTTPS 1 . alpn=h2
ptr            IN PTR MixedCase.Host
"#;

const NAMES: &[&str] = &[
    "",
    "www",
    "WEB",
    "web",
    "below.web",
    "mail",
    "chain1",
    "chain2",
    "dangling",
    "out",
    "to-cut",
    "nothing",
    "a.b.c.nothing",
    "wild",
    "*.wild",
    "x.wild",
    "y.x.wild",
    "exists.wild",
    "x.exists.wild",
    "b.wild",
    "a.b.wild",
    "x.b.wild",
    "x.a.b.wild",
    "x.alias",
    "alias",
    "x.leaves",
    "non",
    "empty.non",
    "deep.empty.non",
    "x.empty.non",
    "cut",
    "www.cut",
    "ns.cut",
    "a.b.cut",
    "bare-cut",
    "x.bare-cut",
    "_tcp",
    "_ldap._tcp",
    "_udp",
    "caa",
    "https",
    "ptr",
    "ns1",
];

/// A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, DS, HTTPS, CAA, ANY, and one that no zone has.
const TYPES: &[u16] = &[1, 2, 5, 6, 12, 15, 16, 28, 33, 43, 65, 257, ANY, 65400];
const ANY: u16 = 255;

struct Loaded {
    zones: LocalZones,
    _dir: TempDir,
}

fn load(zones: &[(&str, &str)]) -> Result<Loaded, String> {
    let dir = tempfile::tempdir().unwrap();
    let configured: Vec<LocalZone> = zones
        .iter()
        .map(|(name, text)| {
            let file: PathBuf = dir.path().join(format!("{name}.zone"));
            std::fs::write(&file, text).unwrap();
            LocalZone { name: name.parse().unwrap(), file, filter: false }
        })
        .collect();
    match LocalZones::load(&configured) {
        Ok(zones) => Ok(Loaded { zones, _dir: dir }),
        Err(error) => Err(error.to_string().replace(&format!("{}/", dir.path().display()), "")),
    }
}

fn ask(zones: &LocalZones, name: &str, qtype: u16) -> LocalAnswer {
    let question = Question::new(Name::parse(name).unwrap(), qtype);
    zones.answer(zones.find(&question.name).unwrap(), &question).unwrap()
}

/// What counts in a message, in an order of its own.
fn essence(wire: &[u8]) -> String {
    let message = Message::from_vec(wire).unwrap();
    let sorted = |records: &[Record]| {
        let mut lines: Vec<String> = records
            .iter()
            .map(|r| format!("{} {} {} {}", r.name.to_lowercase(), r.ttl, r.record_type(), r.data))
            .collect();
        lines.sort();
        lines.join("\n  ")
    };
    format!(
        "{:?} aa={}\n answer\n  {}\n authority\n  {}\n additional\n  {}",
        message.response_code,
        message.authoritative,
        sorted(&message.answers),
        sorted(&message.authorities),
        sorted(&message.additionals)
    )
}

#[tokio::test]
async fn every_name_and_type_is_answered_as_nsd_answers_it() {
    let nsd = Nsd::start(&[("example.test", ZONE)]);
    let server =
        Server::At { protocol: Protocol::Udp, address: nsd.addr, tls_name: None, path: None, text: "nsd".to_owned() };
    let upstream = Upstream { servers: vec![server], timeout: Duration::from_secs(5), dnssec: false };
    let upstreams = Upstreams::new(&upstream, &[], &[]).unwrap();
    let loaded = load(&[("example.test", ZONE)]).unwrap();
    let mut differences = Vec::new();
    for label in NAMES {
        let name = if label.is_empty() { "example.test".to_owned() } else { format!("{label}.example.test") };
        for &qtype in TYPES {
            for dnssec_ok in [false, true] {
                let question = Question { dnssec_ok, ..Question::new(Name::parse(&name).unwrap(), qtype) };
                let theirs = upstreams.ask(upstreams.route(&question.name), &question).await.unwrap();
                let ours = loaded.zones.answer(loaded.zones.find(&question.name).unwrap(), &question).unwrap();
                // What came over an upstream has no additional section any more. NSD picks one record set for ANY (RFC 8482 section 4.1),
                // and where a name has some is all that is told of them in the end.
                let asked_for = |wire: &[u8]| {
                    let told = essence(wire).split("additional").next().unwrap_or_default().to_owned();
                    match told.split_once(" answer\n").zip(told.split_once(" authority\n")) {
                        Some(((code, _), (_, authority))) if qtype == ANY => {
                            let some = !Message::from_vec(wire).unwrap().answers.is_empty();
                            format!("{code} answers: {some}\n authority\n{authority}")
                        }
                        _ => told,
                    }
                };
                let (theirs, ours) = (asked_for(&theirs.wire), asked_for(&ours.wire));
                if theirs != ours {
                    differences.push(format!("== {name} {qtype} DO={dnssec_ok}\nNSD: {theirs}\nours: {ours}"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn the_longest_zone_answers_and_an_alias_out_of_it_is_told() {
    let head = "$TTL 60\n@ SOA ns.x.test. h.x.test. 1 2 3 4 30\n@ NS ns.x.test.\n";
    let outer = format!("{head}www A 192.0.2.1\nalias CNAME www.inner\n");
    let inner = format!("{head}www A 192.0.2.2\n");
    let zones = load(&[("example.test", &outer), ("inner.example.test", &inner)]).unwrap().zones;
    assert_eq!(zones.find(&"example.org".parse().unwrap()), None);
    let origin = |name: &str| zones.origin(zones.find(&name.parse().unwrap()).unwrap()).unwrap().to_string();
    assert_eq!(origin("a.inner.example.test"), "inner.example.test");
    assert_eq!(origin("a.example.test"), "example.test");
    assert!(essence(&ask(&zones, "www.inner.example.test", 1).wire).contains("192.0.2.2"));
    let alias = ask(&zones, "alias.example.test", 1);
    let target = Some("www.inner.example.test".parse().unwrap());
    assert_eq!((alias.rcode, alias.leads_out), (0, target), "a zone below is not the outer zone's to answer for");
}

#[test]
fn an_alias_that_leaves_the_zone_and_a_cut_are_told_to_the_caller() {
    let zones = load(&[("example.test", ZONE)]).unwrap().zones;
    let out = ask(&zones, "out.example.test", 1);
    assert_eq!((out.rcode, out.leads_out, out.delegated), (0, Some("www.outside.test".parse().unwrap()), None));
    assert_eq!(ask(&zones, "x.leaves.example.test", 1).leads_out, Some("www.outside.test".parse().unwrap()));
    assert_eq!(ask(&zones, "out.example.test", 5).leads_out, None, "the alias itself was asked for");
    let cut = ask(&zones, "a.b.cut.example.test", 1);
    assert_eq!((cut.leads_out, cut.delegated), (None, Some("cut.example.test".parse().unwrap())));
    assert_eq!(ask(&zones, "to-cut.example.test", 1).delegated, Some("cut.example.test".parse().unwrap()));
    assert_eq!(ask(&zones, "cut.example.test", 43).delegated, None, "DS is this side's");
}

#[test]
fn circles_of_aliases_end() {
    let zone = "$TTL 60\n@ SOA ns.x. h.x. 1 2 3 4 5\n@ NS ns.x.\na CNAME b\nb CNAME a\nself CNAME self\n";
    let zones = load(&[("example.test", zone)]).unwrap().zones;
    assert_eq!(Message::from_vec(&ask(&zones, "a.example.test", 1).wire).unwrap().answers.len(), 2);
    assert_eq!(Message::from_vec(&ask(&zones, "self.example.test", 1).wire).unwrap().answers.len(), 1);
}

#[test]
fn a_zone_in_error_is_refused_with_file_and_line() {
    let error = |text: &str| load(&[("example.test", text)]).err().unwrap();
    let head = "$TTL 60\n@ SOA ns.x. h.x. 1 2 3 4 5\n@ NS ns.x.\n";
    assert_eq!(error("$TTL 60\n@ NS a.\n"), "example.test.zone: has no SOA for example.test: every zone needs one");
    assert_eq!(
        error("$TTL 60\n@ SOA a. b. 1 2 3 4 5\n"),
        "example.test.zone: has no NS for example.test: every zone needs one"
    );
    let line = |text: &str| error(&format!("{head}{text}\n"));
    assert_eq!(
        line("www.example.org. A 192.0.2.1"),
        "example.test.zone:4:1: www.example.org is not in the zone example.test"
    );
    assert!(line("a CNAME b\na A 192.0.2.1").starts_with("example.test.zone:5:1: a.example.test is an alias (CNAME)"));
    assert_eq!(line("a CNAME b\na CNAME c"), "example.test.zone:5:1: a.example.test has a second CNAME");
    assert_eq!(line("@ SOA ns.x. h.x. 2 2 3 4 5"), "example.test.zone:4:1: example.test has a second SOA");
    assert!(line("sub SOA ns.x. h.x. 2 2 3 4 5").contains(":4:1: sub.example.test has an SOA; only example.test may"));
    assert!(line("*.x NS ns.x.").contains("a wildcard cannot be delegated"));
    let twice = LocalZone { name: "a.test".parse().unwrap(), file: "/nonexistent".into(), filter: true };
    assert!(LocalZones::load(&[twice]).unwrap_err().to_string().starts_with("/nonexistent: cannot be read"));
    let same = load(&[("a.test", head), ("a.test", head)]).err().unwrap();
    assert_eq!(same, "a.test.zone: zone a.test is configured twice: keep one");
}
