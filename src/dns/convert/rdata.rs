//! The data of a record, from master-file words to hickory's types.
//!
//! Names are resolved by us, for all types alike; strings keep their octets (RFC 1035 section 5.1); what we do not parse
//! ourselves hickory does, and any type may be written as RFC 3597 says.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT};
use hickory_proto::rr::{RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable, BinEncoder};

use crate::dns::convert;
use crate::dns::{Name, master};

/// The type of a name as written, upper-case; also `TYPE123` (RFC 3597 section 5).
pub fn record_type(word: &str) -> Result<RecordType, String> {
    let by_number = word.strip_prefix("TYPE").and_then(|number| number.parse::<u16>().ok()).map(RecordType::from);
    let rtype = match by_number {
        Some(rtype) => rtype,
        None => word
            .parse()
            .map_err(|_| format!("`{word}` is not a record type; unknown ones are written TYPE123 \\# ..."))?,
    };
    match rtype {
        RecordType::RRSIG
        | RecordType::SIG
        | RecordType::KEY
        | RecordType::DNSKEY
        | RecordType::CDNSKEY
        | RecordType::CDS
        | RecordType::NSEC
        | RecordType::NSEC3
        | RecordType::NSEC3PARAM => Err(format!("{rtype} belongs to a signed zone: local zones are served unsigned")),
        RecordType::ANAME
        | RecordType::DNAME
        | RecordType::ANY
        | RecordType::AXFR
        | RecordType::IXFR
        | RecordType::OPT
        | RecordType::TSIG
        | RecordType::NULL
        | RecordType::ZERO => Err(format!("{rtype} cannot stand in a master file")),
        rtype => Ok(rtype),
    }
}

/// The number of a type's name in any case; also `TYPE123` (RFC 3597 section 5).
pub fn type_number(word: &str) -> Option<u16> {
    let upper = word.to_ascii_uppercase();
    match upper.strip_prefix("TYPE") {
        Some(number) => number.parse().ok(),
        None => upper.parse::<RecordType>().ok().map(u16::from),
    }
}

/// The type and the data of a record in wire form, names in it uncompressed and in lower case. `resolve` makes a written name absolute.
pub fn to_wire(
    rtype: &str,
    words: &[&str],
    resolve: impl Fn(&str) -> Result<Name, String>,
) -> Result<(u16, Box<[u8]>), String> {
    let rtype = record_type(rtype)?;
    let data = parse(rtype, words, resolve)?;
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    // The canonical form of RFC 4034 section 6.2: no name points into a message that is not there.
    encoder.set_canonical_form(true);
    data.emit(&mut encoder).map_err(|error| format!("{rtype}: {error}"))?;
    Ok((rtype.into(), octets.into()))
}

/// The data of a record of `rtype`. `resolve` makes a written name absolute.
pub fn parse(
    rtype: RecordType,
    words: &[&str],
    resolve: impl Fn(&str) -> Result<Name, String>,
) -> Result<RData, String> {
    let name = |word: &str| resolve(word).map(|name| convert::to_hickory(&name));
    let data = match (rtype, words) {
        (_, ["\\#", length, hex @ ..]) => return generic(rtype, length, hex),
        (RecordType::A, [address]) => RData::A(A(ipv4(address)?)),
        (RecordType::AAAA, [address]) => RData::AAAA(AAAA(ipv6(address)?)),
        (RecordType::CNAME, [target]) => RData::CNAME(CNAME(name(target)?)),
        (RecordType::NS, [target]) => RData::NS(NS(name(target)?)),
        (RecordType::PTR, [target]) => RData::PTR(PTR(name(target)?)),
        (RecordType::MX, [preference, exchange]) => RData::MX(MX::new(number(preference)?, name(exchange)?)),
        (RecordType::SRV, [priority, weight, port, target]) => {
            RData::SRV(SRV::new(number(priority)?, number(weight)?, number(port)?, name(target)?))
        }
        (RecordType::SOA, [mname, rname, serial, refresh, retry, expire, minimum]) => RData::SOA(SOA::new(
            name(mname)?,
            name(rname)?,
            number(serial)?,
            master::seconds(refresh)? as i32,
            master::seconds(retry)? as i32,
            master::seconds(expire)? as i32,
            master::seconds(minimum)?,
        )),
        (RecordType::TXT, [_, ..]) => {
            let strings = words.iter().map(|word| octets(word)).collect::<Result<Vec<_>, _>>()?;
            RData::TXT(TXT::from_bytes(strings.iter().map(Vec::as_slice).collect()))
        }
        (RecordType::A | RecordType::AAAA | RecordType::CNAME | RecordType::NS | RecordType::PTR, _) => {
            return Err(format!("{rtype} needs one value"));
        }
        (RecordType::MX, _) => return Err("MX needs a preference and a name".to_owned()),
        (RecordType::SRV, _) => return Err("SRV needs priority, weight, port and a name".to_owned()),
        (RecordType::SOA, _) => {
            return Err("SOA needs two names, serial, refresh, retry, expire and minimum".to_owned());
        }
        (RecordType::TXT, _) => return Err("TXT needs a string".to_owned()),
        (RecordType::SVCB | RecordType::HTTPS, [priority, target, parameters @ ..]) => {
            let target = absolute(&resolve(target)?);
            by_hickory(rtype, &[&[*priority, &target], parameters].concat())?
        }
        (RecordType::NAPTR, [order, preference, flags, service, regexp, target]) => {
            let target = absolute(&resolve(target)?);
            by_hickory(rtype, &[*order, *preference, *flags, *service, *regexp, &target])?
        }
        _ => by_hickory(rtype, words)?,
    };
    Ok(data)
}

fn by_hickory(rtype: RecordType, words: &[&str]) -> Result<RData, String> {
    RData::try_from_str(rtype, &words.join(" ")).map_err(|error| format!("{rtype}: {error}"))
}

/// `\# length hex` (RFC 3597 section 5).
fn generic(rtype: RecordType, length: &str, hex: &[&str]) -> Result<RData, String> {
    let digits: Vec<u32> =
        hex.iter().flat_map(|word| word.chars()).map(|c| c.to_digit(16)).collect::<Option<_>>().unwrap_or_default();
    let octets: Vec<u8> = digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect();
    let length: u16 = number(length)?;
    if octets.len() != length as usize || digits.len() != 2 * octets.len() {
        return Err(format!("\\# {length} needs {length} octets in hexadecimal"));
    }
    // A record on the wire: the root as owner, type, class IN, no TTL, the data.
    let mut wire = vec![0];
    wire.extend_from_slice(&u16::from(rtype).to_be_bytes());
    wire.extend_from_slice(&[0, 1, 0, 0, 0, 0]);
    wire.extend_from_slice(&length.to_be_bytes());
    wire.extend_from_slice(&octets);
    match Record::from_bytes(&wire) {
        Ok(record) if matches!(record.data, RData::Update0(_)) => Err(format!("{rtype}: has no data")),
        Ok(record) => Ok(record.data),
        Err(error) => Err(format!("{rtype}: {error}")),
    }
}

fn absolute(name: &Name) -> String {
    match name.is_root() {
        true => ".".to_owned(),
        false => format!("{name}."),
    }
}

fn ipv4(word: &str) -> Result<Ipv4Addr, String> {
    word.parse().map_err(|_| format!("`{word}` is not an IPv4 address"))
}

fn ipv6(word: &str) -> Result<Ipv6Addr, String> {
    word.parse().map_err(|_| format!("`{word}` is not an IPv6 address"))
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` is not a number, or too large"))
}

/// The octets of a character-string, quoted or not: `\X` and `\DDD` undone, at most 255.
fn octets(word: &str) -> Result<Vec<u8>, String> {
    let inner = word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).unwrap_or(word);
    let (mut octets, mut rest) = (Vec::new(), inner.as_bytes());
    while let [first, after @ ..] = rest {
        let (octet, after) = match (first, after) {
            (b'\\', [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', after @ ..]) => {
                let value = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
                (u8::try_from(value).map_err(|_| format!("\\{value} is no octet"))?, after)
            }
            (b'\\', [octet, after @ ..]) => (*octet, after),
            (b'\\', []) => return Err("ends in a backslash".to_owned()),
            (octet, after) => (*octet, after),
        };
        octets.push(octet);
        rest = after;
    }
    match octets.len() {
        0..=255 => Ok(octets),
        length => Err(format!("a string has {length} octets; 255 is the most: split it in two strings")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(rtype: &str, words: &[&str]) -> Result<RData, String> {
        let resolve = |word: &str| Name::parse(&format!("{word}.example")).map_err(|error| error.to_string());
        parse(record_type(rtype)?, words, resolve)
    }

    #[test]
    fn strings_keep_their_octets() {
        let RData::TXT(txt) = data("TXT", &[r#""a;b \"c\" \200""#, r"plain\;\ x"]).unwrap() else { panic!() };
        assert_eq!(&*txt.txt_data[0], b"a;b \"c\" \xc8");
        assert_eq!(&*txt.txt_data[1], b"plain; x");
        assert!(data("TXT", &[&"x".repeat(256)]).unwrap_err().contains("split it"));
    }

    #[test]
    fn data_in_wire_form_stands_for_itself() {
        let resolve = |word: &str| Name::parse(&format!("{word}.Example")).map_err(|error| error.to_string());
        let wire = |rtype, words: &[&str]| to_wire(rtype, words, resolve).unwrap();
        assert_eq!(wire("A", &["192.0.2.1"]), (1, [192, 0, 2, 1].into()));
        assert_eq!(wire("MX", &["10", "mx"]), (15, (*b"\0\x0a\x02mx\x07example\0").into()));
        let soa = wire("SOA", &["a", "a", "1", "2", "3", "4", "5"]).1;
        assert!(soa.starts_with(b"\x01a\x07example\0\x01a\x07example\0"), "{soa:?}");
        assert_eq!((type_number("https"), type_number("TYPE65"), type_number("nothing")), (Some(65), Some(65), None));
    }

    #[test]
    fn names_in_every_type_stand_on_the_origin() {
        assert_eq!(data("MX", &["10", "mx"]).unwrap().to_string(), "10 mx.example.");
        assert_eq!(data("SRV", &["1", "2", "389", "dc"]).unwrap().to_string(), "1 2 389 dc.example.");
        assert!(data("HTTPS", &["1", "web", "alpn=h2"]).unwrap().to_string().starts_with("1 web.example. "));
        assert!(
            data("NAPTR", &["1", "2", "\"S\"", "\"x\"", "\"\"", "svc"]).unwrap().to_string().ends_with("svc.example.")
        );
    }

    #[test]
    fn any_type_can_be_written_by_number_and_octets() {
        assert_eq!(data("TYPE1", &["\\#", "4", "c000", "0201"]).unwrap(), RData::A(A::new(192, 0, 2, 1)));
        let RData::Unknown { code, rdata } = data("TYPE65280", &["\\#", "2", "beef"]).unwrap() else { panic!() };
        assert_eq!((u16::from(code), &rdata.anything[..]), (65280, &[0xbe, 0xef][..]));
        assert!(data("TYPE1", &["\\#", "0"]).is_err());
        for wrong in [&["\\#", "4", "c00002"][..], &["\\#", "1", "zz"], &["\\#", "1", "abc"], &["\\#", "x", "ab"]] {
            assert!(data("TYPE65280", wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_a_local_zone_cannot_have_is_refused_with_a_reason() {
        assert!(data("RRSIG", &[]).unwrap_err().contains("signed zone"));
        assert!(data("DNAME", &["x"]).unwrap_err().contains("cannot stand"));
        assert!(data("BOGUS", &["x"]).unwrap_err().contains("TYPE123"));
        assert!(data("CAA", &["0", "issue", "\"ca.example\""]).is_ok());
        assert!(data("CAA", &["x"]).is_err());
    }
}
