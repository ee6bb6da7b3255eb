//! Names a resolver answers itself so that they never leak upstream: special-use names (RFC 6761) and the reverse zones of private
//! space (RFC 6303). An organisation that runs one of them itself makes it a local zone or a forward zone, and that comes first.

use crate::dns::Name;
use crate::dns::types::rtype;

/// How a special name is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Special {
    /// What is said.
    pub answer: SpecialAnswer,
    /// How many labels the rule covers, from the right.
    pub labels: usize,
    /// The rule and where it comes from.
    pub rule: &'static str,
}

/// What is said of a special name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialAnswer {
    /// 127.0.0.1 or ::1.
    Loopback,
    /// The name `localhost`.
    PointsToLocalhost,
    /// The name is there, with no record of that type.
    Nodata,
    /// There is no such name.
    Nxdomain,
}

/// Domains of which nothing is to be found in the DNS, with what says so.
const NOWHERE: &[(&str, &str)] = &[
    ("invalid", "special-use: invalid (RFC 6761)"),
    ("test", "special-use: test (RFC 6761)"),
    ("onion", "special-use: onion (RFC 7686)"),
    ("local", "special-use: local, for multicast DNS (RFC 6762)"),
    ("alt", "special-use: alt (RFC 9476)"),
    ("home.arpa", "special-use: home.arpa (RFC 8375)"),
    ("service.arpa", "special-use: service.arpa (RFC 9665)"),
];

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
    let mut labels = [&b""[..]; 3];
    let count = name.label_count();
    for (i, label) in name.labels().enumerate() {
        if count - i <= 3 {
            labels[count - i - 1] = label;
        }
    }
    let made = |answer, labels, rule| Some(Special { answer, labels, rule });
    match labels {
        [b"localhost", ..] if count >= 1 => {
            let answer = match qtype {
                rtype::A | rtype::AAAA => SpecialAnswer::Loopback,
                _ => SpecialAnswer::Nodata,
            };
            made(answer, 1, "special-use: localhost (RFC 6761)")
        }
        // Discovery of encrypted resolvers: we designate none, and no upstream may do it for us (RFC 9462 section 6.4).
        [b"arpa", b"resolver", ..] => made(SpecialAnswer::Nodata, 2, "special-use: resolver.arpa (RFC 9462)"),
        [b"arpa", b"in-addr", ..] => reverse_ipv4(name, qtype),
        [b"arpa", b"ip6", ..] => reverse_ipv6(name, qtype),
        _ => NOWHERE.iter().find_map(|(domain, rule)| {
            let mut parts = domain.rsplit('.');
            let fits =
                labels.iter().take(domain.split('.').count()).all(|l| parts.next().is_some_and(|p| p.as_bytes() == *l));
            if fits { made(SpecialAnswer::Nxdomain, domain.split('.').count(), rule) } else { None }
        }),
    }
}

/// RFC 6303 section 4.1, 4.2 and RFC 7793.
fn reverse_ipv4(name: &Name, qtype: u16) -> Option<Special> {
    let mut octets = [0u8; 4];
    let given = name.label_count().checked_sub(2)?;
    for (i, label) in name.labels().take(given).enumerate() {
        if let Some(place) = octets.get_mut(given - 1 - i) {
            *place = std::str::from_utf8(label).ok()?.parse().ok()?;
        }
    }
    let rule = "reverse zone of private space (RFC 6303)";
    let covered = match (given, octets) {
        (4, [127, 0, 0, 1]) => {
            let answer = if qtype == rtype::PTR { SpecialAnswer::PointsToLocalhost } else { SpecialAnswer::Nodata };
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
    Some(Special { answer: answer_at(given, covered), labels: 2 + covered, rule })
}

/// RFC 6303 sections 4.3 to 4.6.
fn reverse_ipv6(name: &Name, qtype: u16) -> Option<Special> {
    let given = name.label_count().checked_sub(2)?.min(32);
    let mut nibbles = [0u8; 32];
    let total = name.label_count();
    for (i, label) in name.labels().enumerate().take(total - 2) {
        let place = total - 3 - i;
        if place < 32 {
            let [digit] = label else { return None };
            nibbles[place] = (*digit as char).to_digit(16)? as u8;
        }
    }
    let rule = "reverse zone of private space (RFC 6303)";
    let covered = match nibbles {
        [0xf, 0xd, ..] if given >= 2 => 2,
        [0xf, 0xe, 0x8..=0xb, ..] if given >= 3 => 3,
        [2, 0, 0, 1, 0, 0xd, 0xb, 8, ..] if given >= 8 => 8,
        _ if given == 32 && nibbles[..31].iter().all(|n| *n == 0) && nibbles[31] == 1 => {
            let answer = if qtype == rtype::PTR { SpecialAnswer::PointsToLocalhost } else { SpecialAnswer::Nodata };
            return Some(Special { answer, labels: 34, rule });
        }
        _ if given == 32 && nibbles == [0; 32] => 32,
        _ => return None,
    };
    Some(Special { answer: answer_at(given, covered), labels: 2 + covered, rule })
}

/// The apex of an empty zone exists and has no records but its own; below it there is nothing.
fn answer_at(given: usize, covered: usize) -> SpecialAnswer {
    if given == covered { SpecialAnswer::Nodata } else { SpecialAnswer::Nxdomain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, qtype: u16) -> Option<SpecialAnswer> {
        special(&Name::parse(name).unwrap(), qtype).map(|s| s.answer)
    }

    #[test]
    fn special_use_names_are_answered_here() {
        assert_eq!(of("localhost", rtype::A), Some(SpecialAnswer::Loopback));
        assert_eq!(of("a.localhost", rtype::AAAA), Some(SpecialAnswer::Loopback));
        assert_eq!(of("localhost", rtype::MX), Some(SpecialAnswer::Nodata));
        for name in ["x.invalid", "test", "abc.onion", "printer.local", "x.alt", "router.home.arpa"] {
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
        ] {
            assert_eq!(of(name, rtype::PTR), Some(SpecialAnswer::Nxdomain), "{name}");
        }
        assert_eq!(of("10.in-addr.arpa", rtype::SOA), Some(SpecialAnswer::Nodata));
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
            "8.b.d.1.0.0.2.ip6.arpa",
        ] {
            assert_eq!(of(name, rtype::PTR), None, "{name}");
        }
    }
}
