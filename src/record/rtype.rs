//! Presentation form of query types (RFC 3597 section 5; IANA registry "Resource Record (RR) TYPEs").

use std::fmt;

/// Mnemonics in use, by number. A type that is not here is written `TYPE` and its number.
const WORDS: &[(u16, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (3, "MD"),
    (4, "MF"),
    (5, "CNAME"),
    (6, "SOA"),
    (7, "MB"),
    (8, "MG"),
    (9, "MR"),
    (10, "NULL"),
    (11, "WKS"),
    (12, "PTR"),
    (13, "HINFO"),
    (14, "MINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (18, "AFSDB"),
    (19, "X25"),
    (20, "ISDN"),
    (21, "RT"),
    (22, "NSAP"),
    (23, "NSAP-PTR"),
    (24, "SIG"),
    (25, "KEY"),
    (26, "PX"),
    (27, "GPOS"),
    (28, "AAAA"),
    (29, "LOC"),
    (30, "NXT"),
    (31, "EID"),
    (32, "NIMLOC"),
    (33, "SRV"),
    (34, "ATMA"),
    (35, "NAPTR"),
    (36, "KX"),
    (37, "CERT"),
    (38, "A6"),
    (39, "DNAME"),
    (40, "SINK"),
    (41, "OPT"),
    (42, "APL"),
    (43, "DS"),
    (44, "SSHFP"),
    (45, "IPSECKEY"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (49, "DHCID"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (55, "HIP"),
    (56, "NINFO"),
    (57, "RKEY"),
    (58, "TALINK"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (66, "DSYNC"),
    (99, "SPF"),
    (104, "NID"),
    (105, "L32"),
    (106, "L64"),
    (107, "LP"),
    (108, "EUI48"),
    (109, "EUI64"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (253, "MAILB"),
    (254, "MAILA"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
    (258, "AVC"),
    (259, "DOA"),
    (260, "AMTRELAY"),
    (32768, "TA"),
    (32769, "DLV"),
];

/// A query type, shown in presentation form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rtype(pub u16);

impl Rtype {
    /// Reads a mnemonic or `TYPE` and a number, in any case.
    pub fn parse(text: &str) -> Option<Rtype> {
        if let Some((code, _)) = WORDS.iter().find(|(_, word)| word.eq_ignore_ascii_case(text)) {
            return Some(Rtype(*code));
        }
        let (head, digits) = text.split_at_checked(4)?;
        if !head.eq_ignore_ascii_case("TYPE") || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().map(Rtype)
    }
}

impl fmt::Display for Rtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match WORDS.binary_search_by_key(&self.0, |(code, _)| *code) {
            Ok(at) => f.write_str(WORDS[at].1),
            Err(_) => write!(f, "TYPE{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_what_it_shows() {
        for code in 0..=u16::MAX {
            assert_eq!(Rtype::parse(&Rtype(code).to_string()), Some(Rtype(code)));
        }
    }

    #[test]
    fn known_types_have_their_mnemonic_and_others_a_number() {
        assert_eq!(Rtype(28).to_string(), "AAAA");
        assert_eq!(Rtype(65).to_string(), "HTTPS");
        assert_eq!(Rtype(65280).to_string(), "TYPE65280");
        assert_eq!(Rtype::parse("type65"), Some(Rtype(65)));
        for wrong in ["", "TYPE", "TYPE70000", "TYPE-1", "TYPE+1", "NOPE", "é"] {
            assert_eq!(Rtype::parse(wrong), None, "{wrong}");
        }
    }
}
