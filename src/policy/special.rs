//! Names a resolver answers itself so that they never leak upstream: special-use names (RFC 6761) and the reverse zones of private
//! space (RFC 6303). An organisation that runs one of them itself makes it a local zone or a forward zone, and that comes first.

use crate::dns::Name;
use crate::dns::types::rtype;

/// How a special name is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Special {
    /// What is said.
    pub answer: SpecialAnswer,
    /// How many labels the rule covers, from the right: the zone that its SOA is of.
    pub labels: usize,
    /// The rule and where it comes from.
    pub rule: &'static str,
}

impl Special {
    /// Whether there is a record to be told.
    pub fn has_records(&self) -> bool {
        !matches!(self.answer, SpecialAnswer::Nodata | SpecialAnswer::Nxdomain)
    }
}

/// What is said of a special name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialAnswer {
    /// 127.0.0.1 or ::1.
    Loopback,
    /// The name `localhost`.
    PointsToLocalhost,
    /// The zone's own record: the SOA or NS of a zone that is empty but for them (RFC 6303 section 3).
    Apex,
    /// The name is there, with no record of that type.
    Nodata,
    /// There is no such name.
    Nxdomain,
    /// The text of `listen.version`, in class CHAOS.
    Version,
    /// The text of `listen.id`, in class CHAOS.
    Id,
}

/// What a server is asked about itself in class CHAOS: `version.server` and `id.server` (RFC 4892), and the names they had in BIND.
pub fn of_the_server(name: &Name) -> Option<Special> {
    const ASKED: [(&[u8], SpecialAnswer); 4] = [
        (b"\x07version\x06server\x00", SpecialAnswer::Version),
        (b"\x07version\x04bind\x00", SpecialAnswer::Version),
        (b"\x02id\x06server\x00", SpecialAnswer::Id),
        (b"\x08hostname\x04bind\x00", SpecialAnswer::Id),
    ];
    let (_, answer) = *ASKED.iter().find(|(wire, _)| *wire == name.as_wire())?;
    let rule = if answer == SpecialAnswer::Version { "listen.version (RFC 4892)" } else { "listen.id (RFC 4892)" };
    Some(Special { answer, labels: 2, rule })
}

/// Domains of which nothing is to be found in the DNS, with what says so. Those below `arpa` are there themselves: IANA's registry of locally
/// served zones has them.
const NOWHERE: &[(&str, &str)] = &[
    ("invalid", "special-use: invalid (RFC 6761)"),
    ("test", "special-use: test (RFC 6761)"),
    ("onion", "special-use: onion (RFC 7686)"),
    ("local", "special-use: local, for multicast DNS (RFC 6762)"),
    ("alt", "special-use: alt (RFC 9476)"),
];
const EMPTY: &[(&str, &str)] =
    &[("home.arpa", "special-use: home.arpa (RFC 8375)"), ("service.arpa", "special-use: service.arpa (RFC 9665)")];

/// What is said of `name` for `qtype`, where it is special.
#[inline]
pub fn special(name: &Name, qtype: u16) -> Option<Special> {
    if may_be_special(name) { looked_at(name, qtype) } else { None }
}

/// Whether the name ends as one of the special ones does. Nearly none does, and each question is asked this.
#[inline]
fn may_be_special(name: &Name) -> bool {
    let Some((_root, end)) = name.as_wire().split_last() else { return false };
    matches!(end.last_chunk::<3>(), Some(b"ost" | b"rpa" | b"lid" | b"est" | b"ion" | b"cal" | b"alt"))
}

fn looked_at(name: &Name, qtype: u16) -> Option<Special> {
    let mut labels = [&b""[..]; 2];
    let count = name.label_count();
    for (i, label) in name.labels().enumerate() {
        if count - i <= 2 {
            labels[count - i - 1] = label;
        }
    }
    let made = |answer, labels, rule| Some(Special { answer, labels, rule });
    match labels {
        [b"localhost", _] => {
            let answer = match qtype {
                rtype::A | rtype::AAAA | rtype::ANY => SpecialAnswer::Loopback,
                _ => SpecialAnswer::Nodata,
            };
            made(answer, 1, "special-use: localhost (RFC 6761)")
        }
        // Discovery of encrypted resolvers: we designate none, and no upstream may do it for us (RFC 9462 section 6.4).
        [b"arpa", b"resolver"] => {
            let answer = if count == 2 { at_apex(qtype) } else { SpecialAnswer::Nodata };
            made(answer, 2, "special-use: resolver.arpa (RFC 9462)")
        }
        [b"arpa", b"in-addr"] => reverse_ipv4(name, qtype),
        [b"arpa", b"ip6"] => reverse_ipv6(name, qtype),
        [b"arpa", below] => EMPTY.iter().find_map(|(domain, rule)| {
            let fits = domain.strip_suffix(".arpa").is_some_and(|first| first.as_bytes() == below);
            if fits { made(in_zone(count, 2, qtype), 2, rule) } else { None }
        }),
        [last, _] => NOWHERE.iter().find_map(|(domain, rule)| {
            if domain.as_bytes() == last { made(SpecialAnswer::Nxdomain, 1, rule) } else { None }
        }),
    }
}

/// RFC 6303 section 4.1, 4.2 and RFC 7793.
fn reverse_ipv4(name: &Name, qtype: u16) -> Option<Special> {
    let (octets, read) = read_back::<4>(name, octet);
    let given = name.label_count() - 2;
    let rule = "reverse zone of private space (RFC 6303)";
    let covered = match (read, octets) {
        // 1.0.0.127 is there, and so are the names above it (RFC 8020).
        (2..=4, [127, 0, 0, 0 | 1]) if given == read && (read < 4 || octets[3] == 1) => {
            let points = given == 4 && matches!(qtype, rtype::PTR | rtype::ANY);
            let answer = if points { SpecialAnswer::PointsToLocalhost } else { SpecialAnswer::Nodata };
            return Some(Special { answer, labels: 3, rule });
        }
        (1.., [0 | 10 | 127, ..]) => 1,
        (2.., [172, 16..=31, ..]) | (2.., [192, 168, ..]) | (2.., [169, 254, ..]) => 2,
        // Shared address space (RFC 7793).
        (2.., [100, 64..=127, ..]) => 2,
        (3.., [192, 0, 2, _]) | (3.., [198, 51, 100, _]) | (3.., [203, 0, 113, _]) => 3,
        (4, [255, 255, 255, 255]) => 4,
        _ => return None,
    };
    Some(Special { answer: in_zone(given, covered, qtype), labels: 2 + covered, rule })
}

/// RFC 6303 sections 4.3 to 4.6.
fn reverse_ipv6(name: &Name, qtype: u16) -> Option<Special> {
    let (nibbles, read) = read_back::<32>(name, nibble);
    let given = name.label_count() - 2;
    let rule = "reverse zone of private space (RFC 6303)";
    let covered = match nibbles {
        [0xf, 0xd, ..] if read >= 2 => 2,
        [0xf, 0xe, 0x8..=0xb, ..] if read >= 3 => 3,
        [2, 0, 0, 1, 0, 0xd, 0xb, 8, ..] if read >= 8 => 8,
        [zeros @ .., 1] if read == 32 && zeros == [0; 31] => {
            let answer = match qtype {
                rtype::PTR | rtype::ANY if given == 32 => SpecialAnswer::PointsToLocalhost,
                _ => in_zone(given, 32, qtype),
            };
            return Some(Special { answer, labels: 34, rule });
        }
        _ if read == 32 && nibbles == [0; 32] => 32,
        _ => return None,
    };
    Some(Special { answer: in_zone(given, covered, qtype), labels: 2 + covered, rule })
}

/// The labels before the last two, read from the right as far as they are numbers, and how many of them are. What stands before the first
/// that is none may be anything: a name of service discovery, part of a zone for a few addresses (RFC 2317), a slip of the pen.
fn read_back<const N: usize>(name: &Name, number: impl Fn(&[u8]) -> Option<u8>) -> ([u8; N], usize) {
    let mut numbers = [0; N];
    let given = name.label_count().saturating_sub(2);
    let mut read = given.min(N);
    for (place, label) in (0..given).rev().zip(name.labels()) {
        let Some(to) = numbers.get_mut(place) else { continue };
        match number(label) {
            Some(number) => *to = number,
            None => read = place,
        }
    }
    (numbers, read)
}

/// An octet as reverse names write it: `010` and `+10` are other labels than `10`.
fn octet(label: &[u8]) -> Option<u8> {
    match label {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] => std::str::from_utf8(label).ok()?.parse().ok(),
        _ => None,
    }
}

fn nibble(label: &[u8]) -> Option<u8> {
    let [digit] = label else { return None };
    char::from(*digit).to_digit(16).map(|nibble| nibble as u8)
}

/// What an empty zone of so many labels says of a name of `given`: the apex is there, and below it nothing is.
fn in_zone(given: usize, zone: usize, qtype: u16) -> SpecialAnswer {
    if given == zone { at_apex(qtype) } else { SpecialAnswer::Nxdomain }
}

fn at_apex(qtype: u16) -> SpecialAnswer {
    if matches!(qtype, rtype::SOA | rtype::NS | rtype::ANY) { SpecialAnswer::Apex } else { SpecialAnswer::Nodata }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(name: &str, qtype: u16) -> Option<SpecialAnswer> {
        special(&Name::parse(name).unwrap(), qtype).map(|s| s.answer)
    }

    #[test]
    fn special_use_names_are_answered_here() {
        assert_eq!(of("localhost", rtype::A), Some(SpecialAnswer::Loopback));
        assert_eq!(of("a.localhost", rtype::AAAA), Some(SpecialAnswer::Loopback));
        assert_eq!(of("localhost", rtype::MX), Some(SpecialAnswer::Nodata));
        for name in ["x.invalid", "invalid", "test", "abc.onion", "printer.local", "x.alt", "router.home.arpa"] {
            assert_eq!(of(name, rtype::A), Some(SpecialAnswer::Nxdomain), "{name}");
        }
        assert_eq!(of("_dns.resolver.arpa", 64), Some(SpecialAnswer::Nodata));
        for name in ["example.com", "localhost.example.com", "arpa", "com", "nottest", "e164.arpa", "."] {
            assert_eq!(of(name, rtype::A), None, "{name}");
        }
    }

    #[test]
    fn reverse_zones_of_private_space_do_not_leave() {
        for name in [
            "1.0.0.10.in-addr.arpa",
            "5.31.172.in-addr.arpa",
            "9.8.168.192.in-addr.arpa",
            "1.254.169.in-addr.arpa",
            "7.2.0.192.in-addr.arpa",
            "3.99.100.in-addr.arpa",
            "b.a.d.f.ip6.arpa",
            "1.8.e.f.ip6.arpa",
            "1.8.b.d.0.1.0.0.2.ip6.arpa",
            // What is no address is in the zone all the same.
            "x.10.in-addr.arpa",
            "0-127.0.0.10.in-addr.arpa",
            "_udp.0.0.10.in-addr.arpa",
            "b._dns-sd._udp.0.168.192.in-addr.arpa",
            "256.10.in-addr.arpa",
            "010.10.in-addr.arpa",
            "x.127.in-addr.arpa",
            "9.9.9.9.9.10.in-addr.arpa",
            "foo.d.f.ip6.arpa",
            "lb._dns-sd._udp.8.e.f.ip6.arpa",
        ] {
            assert_eq!(of(name, rtype::PTR), Some(SpecialAnswer::Nxdomain), "{name}");
        }
        for apex in ["10.in-addr.arpa", "16.172.in-addr.arpa", "d.f.ip6.arpa", "home.arpa", "resolver.arpa"] {
            for (qtype, answer) in [
                (rtype::SOA, SpecialAnswer::Apex),
                (rtype::NS, SpecialAnswer::Apex),
                (rtype::ANY, SpecialAnswer::Apex),
                (rtype::A, SpecialAnswer::Nodata),
            ] {
                assert_eq!(of(apex, qtype), Some(answer), "{apex} {qtype}");
            }
        }
        for (name, answer) in [
            ("0.127.in-addr.arpa", SpecialAnswer::Nodata),
            ("0.0.127.in-addr.arpa", SpecialAnswer::Nodata),
            ("0.0.0.127.in-addr.arpa", SpecialAnswer::Nxdomain),
            ("1.127.in-addr.arpa", SpecialAnswer::Nxdomain),
            ("x.1.0.0.127.in-addr.arpa", SpecialAnswer::Nxdomain),
        ] {
            assert_eq!(of(name, rtype::PTR), Some(answer), "{name}");
        }
        assert_eq!(of("1.0.0.127.in-addr.arpa", rtype::PTR), Some(SpecialAnswer::PointsToLocalhost));
        let one = format!("1.{}ip6.arpa", "0.".repeat(31));
        assert_eq!(of(&one, rtype::PTR), Some(SpecialAnswer::PointsToLocalhost));
        for name in [
            "8.8.8.8.in-addr.arpa",
            "172.in-addr.arpa",
            "1.32.172.in-addr.arpa",
            "in-addr.arpa",
            "x.10.in-addr.example",
            "a.b.c.8.in-addr.arpa",
            "10.x.in-addr.arpa",
            "010.in-addr.arpa",
            "x.172.in-addr.arpa",
            "x.e.f.ip6.arpa",
            "8.b.d.1.0.0.2.ip6.arpa",
        ] {
            assert_eq!(of(name, rtype::PTR), None, "{name}");
        }
    }
    /// The zones of RFC 6303 and RFC 7793 as names, to be compared label by label.
    fn zones() -> Vec<String> {
        let zeros = "0.".repeat(31);
        let v4 = ["0", "10", "127", "168.192", "254.169", "2.0.192", "100.51.198", "113.0.203", "255.255.255.255"];
        let more = (16..32).map(|n| format!("{n}.172")).chain((64..128).map(|n| format!("{n}.100")));
        let v6 = ["d.f", "8.e.f", "9.e.f", "a.e.f", "b.e.f", "8.b.d.0.1.0.0.2"];
        let whole = [format!("0.{zeros}ip6.arpa"), format!("1.{zeros}ip6.arpa")];
        let v4 = v4.iter().map(|zone| (*zone).to_owned()).chain(more).map(|zone| format!("{zone}.in-addr.arpa"));
        v4.chain(v6.iter().map(|zone| format!("{zone}.ip6.arpa"))).chain(whole).collect()
    }

    proptest! {
        #[test]
        fn whatever_is_at_or_below_a_private_zone_stays_and_nothing_else_does(
            before in prop::collection::vec(prop_oneof!["[0-9a-f]", "[0-9]{1,3}", "[a-z_-]{1,5}"], 0..34),
            zone in prop::sample::select(
                zones().into_iter().chain(["in-addr.arpa", "ip6.arpa", "192.in-addr.arpa", "f.ip6.arpa"].map(str::to_owned))
                    .collect::<Vec<_>>()
            ),
            qtype in prop::sample::select(vec![rtype::PTR, rtype::A, rtype::SOA]),
        ) {
            let text = before.iter().map(|label| format!("{label}.")).collect::<String>() + &zone;
            let within = zones().into_iter().find(|zone| text == *zone || text.ends_with(&format!(".{zone}")));
            let found = special(&Name::parse(&text).unwrap(), qtype);
            prop_assert_eq!(found.map(|found| found.labels), within.map(|zone| zone.split('.').count()), "{}", text);
        }
    }
}
