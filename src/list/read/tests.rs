//! Reading against the hand-made samples and against octets of every kind.

mod adblock;
mod directives;
mod rpz;

use std::collections::BTreeSet;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::dns::types::rtype;
use crate::list::{Answer, Compiler, Hits, Matcher, OwnRecord, Role, Says, Scope};
use crate::verdict::{CategoryId, Given, ListId};

/// A file of the shared test data, which lies beside the repository.
fn sample(file: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/handmade").join(file);
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; put the shared test data at ../shared/data beside the repository", path.display())
    })
}

fn names_of(bytes: &[u8], format: Option<Format>) -> (BTreeSet<String>, Reading) {
    let mut names = BTreeSet::new();
    let reading = read(bytes, format, |_, rule| {
        names.insert(rule.name.to_string());
    });
    (names, reading)
}

/// A list read, compiled and ready to be asked.
struct Asked {
    matcher: Matcher,
    reading: Reading,
}

impl Asked {
    fn new(bytes: &[u8], format: Option<Format>) -> Asked {
        let mut compiler = Compiler::new([3; 16]);
        let reading = read(bytes, format, |line, rule| {
            compiler.add(ListId(0), CategoryId(0), Role::Lists, line, rule).unwrap();
        });
        let mut file = Vec::new();
        compiler.finish([0; 32], &mut file).unwrap();
        Asked { matcher: Matcher::open(file).unwrap(), reading }
    }

    /// What the list makes of a question, in the words of the samples.
    fn effect(&self, name: &str, qtype: u16) -> String {
        let asked = Name::parse(name).unwrap();
        let mut hits = Hits::new();
        self.matcher.look_up(&asked, qtype, &mut hits);
        let Some(hit) = hits.iter().next() else { return "pass".to_owned() };
        match hit.given {
            Given::Policy => "block".to_owned(),
            Given::Nxdomain => "nxdomain".to_owned(),
            Given::Nodata => "nodata".to_owned(),
            Given::Drop => "drop".to_owned(),
            Given::TcpOnly => "truncate".to_owned(),
            Given::Records => own_answer(&self.matcher.records(hit.list, hit.line), name, qtype),
        }
    }

    fn flaws(&self) -> Vec<(&str, u64)> {
        self.reading.flaws.clone()
    }
}

fn own_answer(records: &[OwnRecord], name: &str, qtype: u16) -> String {
    for record in records {
        match record {
            OwnRecord::Alias { target, prefixed: true, .. } => return format!("cname:{name}.{target}"),
            OwnRecord::Alias { target, prefixed: false, .. } => return format!("cname:{target}"),
            OwnRecord::Other { rtype, rdata, .. } if *rtype == qtype => {
                let address: std::net::IpAddr = match <[u8; 4]>::try_from(&**rdata) {
                    Ok(octets) => octets.into(),
                    Err(_) => <[u8; 16]>::try_from(&**rdata).unwrap().into(),
                };
                return format!("data:{address}");
            }
            OwnRecord::Other { .. } => {}
        }
    }
    "nodata".to_owned()
}

/// Rows of an expectation: cells.
fn rows(file: &str) -> Vec<Vec<String>> {
    let text = String::from_utf8(sample(file)).unwrap();
    let rows = text.lines().skip(1).map(|row| row.split('\t').map(str::to_owned).collect());
    rows.collect()
}

fn qtype(word: &str) -> u16 {
    crate::dns::convert::rdata::type_number(word).unwrap()
}

/// Rows of an expectation: name, effect.
fn expectations(file: &str) -> Vec<(String, String)> {
    let text = String::from_utf8(sample(file)).unwrap();
    let rows: Vec<(String, String)> = text
        .lines()
        .skip(1)
        .filter_map(|row| {
            let mut cells = row.split('\t');
            Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
        })
        .collect();
    assert!(rows.len() > 10, "{file} has hardly any rows");
    rows
}

/// Whether the name or a parent is listed.
fn is_held(names: &BTreeSet<String>, asked: &str) -> bool {
    Name::parse(asked).is_ok_and(|name| name.parents().any(|parent| names.contains(&parent.to_string())))
}

#[test]
fn the_tricky_list_of_names_yields_what_is_expected() {
    let bytes = sample("domains-tricky.txt");
    let (names, reading) = names_of(&bytes, None);
    for (query, effect) in expectations("domains-tricky.expect.tsv") {
        match effect.as_str() {
            "block" => assert!(is_held(&names, &query), "{query}"),
            "pass" => assert!(!is_held(&names, &query), "{query}"),
            // `*.name` means the name too: a list that knows the subdomains of a site means the site.
            "pass-or-block" => assert!(is_held(&names, &query), "{query}"),
            other => panic!("an effect this test does not know: {other}"),
        }
    }
    assert_eq!(reading.format, Format::Domains);
    assert_eq!((reading.lines, reading.names, reading.refused_lines), (23, 12, 9));
    let counts: Vec<_> = reading.flaws.clone();
    assert_eq!(
        counts,
        [
            ("url", 2),
            ("port", 1),
            ("mail-address", 1),
            ("address", 2),
            ("network", 1),
            ("single-label", 1),
            ("several-words", 1)
        ]
    );
    let first = &reading.examples[0];
    assert_eq!((first.line, &*first.text, &first.why), (13, "http://url-kilo.example/path?x=1", &Flaw::Url));
}

#[test]
fn the_tricky_hosts_file_yields_what_is_expected() {
    let bytes = sample("hosts-tricky.hosts");
    let (names, reading) = names_of(&bytes, None);
    // The line with an address and no name is refused whole; every other refusal is of a name.
    let of_names = reading.examples.iter().filter(|refusal| refusal.why != Flaw::NoName);
    let refused: Vec<&str> = of_names.map(|refusal| &*refusal.text).collect();
    for (name, effect) in expectations("hosts-tricky.expect.tsv") {
        match effect.as_str() {
            "block" => assert!(names.contains(&name), "{name}"),
            "ignore" | "none" => {
                assert!(!is_held(&names, &name), "{name}");
                assert!(!refused.iter().any(|text| text.contains(&name)), "{name} is nothing to complain of");
            }
            "reject" | "warn" | "rewrite-or-ignore" => {
                assert!(!is_held(&names, &name), "{name}");
                let start: String = name.chars().take(Refusal::TEXT).collect();
                assert!(refused.iter().any(|text| text.contains(&start)), "{name} is not among the refused");
            }
            other => panic!("an effect this test does not know: {other}"),
        }
    }
    assert_eq!(reading.format, Format::Hosts);
    assert_eq!(reading.furniture, 7);
    let counts: Vec<_> = reading.flaws.clone();
    assert_eq!(
        counts,
        [
            ("too-long", 2),
            ("empty-label", 1),
            ("no-address", 1),
            ("no-name", 1),
            ("real-address", 1),
            ("public-suffix", 2)
        ]
    );
}

#[test]
fn a_name_keeps_the_number_of_its_line() {
    let text = "\u{feff}; head\r\n\r\n# note\r\nbet.example # why\r\nco.uk\r\n  WIN.example.\r\nlast.example";
    let mut seen = Vec::new();
    let reading = read(text.as_bytes(), None, |line, rule| seen.push((line, rule.name.to_string())));
    let expected = [(4, "bet.example"), (6, "win.example"), (7, "last.example")].map(|(n, t)| (n, t.to_string()));
    assert_eq!(seen, expected);
    assert_eq!((reading.lines, reading.refused_lines, reading.examples[0].line), (7, 1, 5));
}

#[test]
fn every_refusal_is_counted_and_few_are_kept() {
    let text = "192.0.2.1\n".repeat(1000) + "http://bet.example/\n";
    let (names, reading) = names_of(text.as_bytes(), None);
    assert!(names.is_empty());
    assert_eq!(reading.flaws, [("address", 1000), ("url", 1)]);
    assert_eq!((reading.refused(), reading.refused_lines), (1001, 1001));
    assert_eq!(reading.examples.iter().map(|refusal| refusal.line).collect::<Vec<_>>(), [1, 2, 3, 1001]);
}

#[test]
fn one_line_of_a_hosts_file_can_be_right_and_wrong() {
    let (names, reading) = names_of(b"0.0.0.0 bet.example com 192.0.2.1 win.example", Some(Format::Hosts));
    assert_eq!(names.len(), 2);
    assert_eq!((reading.refused_lines, reading.refused()), (1, 2));
}

#[test]
fn octets_that_are_no_text_spoil_their_own_line_only() {
    let (names, reading) = names_of(b"caf\xe9.example\nbet.example # caf\xe9\n\xff\xfe\n", None);
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["bet.example"]);
    assert_eq!(reading.flaws, [("not-utf8", 2)]);
    assert_eq!(names_of(b"", None).1.lines, 0);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic_and_every_line_is_looked_at(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'.'), Just(b'a'), Just(b' ')], 0..400),
        format in prop::option::of(prop_oneof![Just(Format::Domains), Just(Format::Hosts)]),
    ) {
        let mut with_a_last_line = bytes.clone();
        with_a_last_line.extend_from_slice(b"\n0.0.0.0 last.example\nlast.example\n");
        let (names, reading) = names_of(&with_a_last_line, format);
        prop_assert!(names.contains("last.example"));
        prop_assert!(reading.refused_lines <= reading.lines);
        read(&bytes, format, |_, _| {});
    }

    #[test]
    fn a_line_that_is_read_in_one_pass_means_what_it_means_otherwise(
        names in prop::collection::vec(
            prop_oneof![
                "[a-zA-Z0-9_.-]{0,12}",
                "([a-z0-9-]{1,70}\\.){1,4}(com|co\\.uk|kawasaki\\.jp|com\\.|7|-)",
                Just("localhost.localdomain".to_owned()),
                Just("0.0.0.0".to_owned()),
            ],
            1..8,
        ),
        end in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        for (format, before, after) in [
            (Format::Domains, "", ""),
            (Format::Wildcard, "*.", ""),
            (Format::Wildcard, "", ""),
            (Format::Hosts, "0.0.0.0 ", ""),
            (Format::Hosts, "127.0.0.1 ", ""),
            (Format::Adblock, "||", "^"),
            (Format::Ut1, "", ""),
        ] {
            let list = |end: &str| -> String { names.iter().map(|name| format!("{before}{name}{after}{end}")).collect() };
            let read = |list: String| {
                let mut rules = Vec::new();
                let reading = read(list.as_bytes(), Some(format), |line, rule| rules.push((line, rule.clone())));
                (rules, Reading { examples: Vec::new(), ..reading })
            };
            // A blank at its end makes a line another than the usual one.
            prop_assert_eq!(read(list(end)), read(list(&format!(" {end}"))), "{:?}", format);
        }
    }

    #[test]
    fn no_octets_of_any_format_make_it_panic(
        lines in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                "[|@]{0,3}[a-z.*^/]{0,12}[\\$^|]{0,2}(important|badfilter|denyallow=|dnstype=~?A)?".prop_map(String::into_bytes),
                "(address|server|local|local-zone|local-data)[=:] ?[/\"][a-z./#\" ]{0,16}".prop_map(String::into_bytes),
                "(\\$ORIGIN|\\$TTL|@|[a-z*.]{0,8})? (IN )?(SOA|CNAME|A|TXT|MX)? ?[a-z0-9.*()\";\\\\ ]{0,16}".prop_map(String::into_bytes),
                "(https?://)?[a-z.:0-9]{0,10}[/?#]?[a-z]{0,3}".prop_map(String::into_bytes),
            ],
            0..12,
        ),
    ) {
        let mut bytes = lines.join(&b'\n');
        let looked_like = read(&bytes, None, |_, _| {});
        prop_assert!(looked_like.refused_lines <= looked_like.lines);
        bytes.extend_from_slice(b"\nlast.example CNAME .\n||last.example^\naddress=/last.example/#\n*.last.example\n0.0.0.0 last.example\n");
        bytes.extend_from_slice(b"local-zone: last.example refuse\n");
        for format in Format::ALL {
            let (names, reading) = names_of(&bytes, Some(format));
            prop_assert!(reading.refused_lines <= reading.lines);
            // A `$badfilter` or an `$ORIGIN` among the lines may be meant for what comes last.
            let spoken_of = [Format::Adblock, Format::Rpz, Format::Ut1].contains(&format);
            prop_assert!(spoken_of || names.contains("last.example"), "{:?}", format);
        }
    }
}
