//! One written name into a [`Name`], or what is wrong with it. The same for every format.

use std::borrow::Cow;
use std::net::IpAddr;

use idna::AsciiDenyList;
use psl::Psl as _;

use crate::dns::{Name, NameError};
use crate::list::refusal::Flaw;

/// Longest text looked at as a name, in octets: above it no 255 octets of wire form can come out.
const LONGEST: usize = 2048;

/// Most labels that a public suffix of the ICANN section has (`pvt.k12.ma.us`).
const MOST_SUFFIX_LABELS: usize = 4;

/// Reads a name as lists write it: any case, a trailing dot, `*.name` and `.name` (which here mean what `name` means: the name and all
/// below it), internationalised names (UTS 46, non-transitional).
///
/// Public suffixes of the ICANN section are refused: a stray `co.uk` must not block a country. Those of the private section
/// (`github.io`, `duckdns.org`) are names somebody chose to list, and pass.
#[inline]
pub(super) fn name(written: &[u8]) -> Result<Name, Flaw> {
    let name = name_or_label(written)?;
    match name.label_count() {
        1 => Err(Flaw::SingleLabel),
        _ => Ok(name),
    }
}

/// Whether a name may be listed as it stands, alone on a line.
#[inline]
pub(super) fn is_listed(_written: &[u8], name: &Name) -> bool {
    name.label_count() > 1 && judge(name).is_ok()
}

/// Reads a name where a single label can be meant, since its syntax makes no slip of it: `||label^`.
#[inline]
pub(super) fn name_or_label(written: &[u8]) -> Result<Name, Flaw> {
    let written = written.strip_prefix(b"*.").or_else(|| written.strip_prefix(b".")).unwrap_or(written);
    let name = match Name::of_host(written) {
        Some(name) => name,
        None => unusual(written)?,
    };
    judge(&name)?;
    Ok(name)
}

/// All that is more than letters, digits, hyphens and dots.
#[cold]
fn unusual(written: &[u8]) -> Result<Name, Flaw> {
    let text = std::str::from_utf8(written).map_err(|_| Flaw::NotUtf8)?;
    if text.len() > LONGEST {
        return Err(Flaw::Name(NameError::NameTooLong));
    }
    if let Some(at) = text.bytes().position(|octet| octet.is_ascii() && !fits(octet)) {
        return Err(misfit(text, at));
    }
    let text = to_a_labels(text)?;
    if let Some(c) = text.chars().find(|c| !c.is_ascii() || !fits(*c as u8)) {
        return Err(Flaw::Character(c));
    }
    Name::parse(&text).map_err(Flaw::Name)
}

/// Reads a name that a person puts on a list: as lists write it, and refused as a line of a list is.
///
/// # Errors
/// What is wrong with it.
pub fn listed_name(text: &str) -> Result<Name, Flaw> {
    name(text.as_bytes())
}

/// Reads a name that a person asks about: internationalised names become A-labels, nothing is refused for standing for too much.
///
/// A slash makes it an address of the web that was copied whole: to be told that it is on no list would mislead. Names of the reverse tree
/// have slashes (RFC 2317); elsewhere one that is meant is written `\047`.
pub fn asked_name(text: &str) -> Result<Name, Flaw> {
    if text.len() > LONGEST {
        return Err(Flaw::Name(NameError::NameTooLong));
    }
    if text.contains('/') && !text.trim_end_matches('.').to_ascii_lowercase().ends_with(".arpa") {
        return Err(Flaw::Url);
    }
    Name::parse(&to_a_labels(text)?).map_err(Flaw::Name)
}

/// Letters, digits and hyphens (RFC 952, RFC 1123 section 2.1), the underscore of service names (RFC 8552), and the dot between labels.
fn fits(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.')
}

/// What a text is that has a character at `at` which no name has.
fn misfit(text: &str, at: usize) -> Flaw {
    let before_slash = text.split_once('/').map(|(host, rest)| (host.parse::<IpAddr>().is_ok(), rest));
    match before_slash {
        Some((true, rest)) if rest.bytes().all(|octet| octet.is_ascii_digit()) => return Flaw::Network,
        Some(_) => return Flaw::Url,
        None => {}
    }
    if text.parse::<IpAddr>().is_ok() || text.starts_with('[') && text.contains(']') {
        return Flaw::Address;
    }
    if text.contains('@') {
        return Flaw::Mailbox;
    }
    if let Some((_, port)) = text.rsplit_once(':')
        && port.bytes().all(|octet| octet.is_ascii_digit())
    {
        return Flaw::Port;
    }
    Flaw::Character(text[at..].chars().next().unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn to_a_labels(text: &str) -> Result<Cow<'_, str>, Flaw> {
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text));
    }
    // UTS 46 lets typographic hyphens and quotes through, but no registry does (RFC 5892): such a name is a slip of a word processor
    // and would never match what was meant.
    if let Some(c) = text.chars().find(|c| matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{2212}'))
    {
        return Err(Flaw::Character(c));
    }
    idna::domain_to_ascii_cow(text.as_bytes(), AsciiDenyList::EMPTY)
        .map(|labels| Cow::Owned(labels.into_owned()))
        .map_err(|_| Flaw::Idn)
}

/// Refuses names that are addresses or would stand for more than any list means.
pub(super) fn judge(name: &Name) -> Result<(), Flaw> {
    let count = name.label_count();
    let mut labels: [&[u8]; MOST_SUFFIX_LABELS] = [&[]; MOST_SUFFIX_LABELS];
    let mut last: &[u8] = &[];
    for (place, label) in name.labels().enumerate() {
        if let Some(kept) = labels.get_mut(place) {
            *kept = label;
        }
        last = label;
    }
    if count == 0 {
        return Err(Flaw::Name(NameError::Empty));
    }
    if last.iter().all(u8::is_ascii_digit) {
        return Err(Flaw::Address);
    }
    if let Some(labels) = labels.get(..count) {
        let suffix = psl::List.find(labels.iter().rev().copied());
        // On the wire a name has two octets more than written: the first length and the root.
        if suffix.typ == Some(psl::Type::Icann) && suffix.len + 2 == name.wire_len() {
            return Err(Flaw::PublicSuffix);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, Flaw> {
        name(text.as_bytes()).map(|name| name.to_string())
    }

    #[test]
    fn the_ways_to_write_a_name_all_give_that_name() {
        for text in ["bet.example", "BET.Example", "bet.example.", "*.bet.example", ".bet.example", "ＢＥＴ.example"]
        {
            assert_eq!(read(text), Ok("bet.example".into()), "{text}");
        }
        assert_eq!(read("_sip._tcp.a-.example"), Ok("_sip._tcp.a-.example".into()));
        assert_eq!(read("bücher.example"), Ok("xn--bcher-kva.example".into()));
        assert_eq!(read("straße.example"), Ok("xn--strae-oqa.example".into()));
        assert_eq!(read("xn--bcher-kva.example"), Ok("xn--bcher-kva.example".into()));
    }

    #[test]
    fn what_is_no_name_is_refused_for_what_it_is() {
        for (text, flaw) in [
            ("192.0.2.1", Flaw::Address),
            ("192.0.2.1.", Flaw::Address),
            ("999.1.1.1", Flaw::Address),
            ("2001:db8::1", Flaw::Address),
            ("[2001:db8::1]", Flaw::Address),
            ("[2001:db8::1]:53", Flaw::Address),
            ("198.51.100.0/24", Flaw::Network),
            ("2001:db8::/32", Flaw::Network),
            ("http://bet.example/path?x=1", Flaw::Url),
            ("bet.example/path", Flaw::Url),
            ("bet.example:8443", Flaw::Port),
            ("user@bet.example", Flaw::Mailbox),
            ("||bet.example^", Flaw::Character('|')),
            ("a*b.example", Flaw::Character('*')),
            ("a\\.b.example", Flaw::Character('\\')),
            ("a\u{2011}b.example", Flaw::Character('\u{2011}')),
            ("a／b.example", Flaw::Character('/')),
            ("a..example", Flaw::Name(NameError::EmptyLabel)),
            ("..example.test", Flaw::Name(NameError::EmptyLabel)),
            ("a.example..", Flaw::Name(NameError::EmptyLabel)),
            (".", Flaw::Name(NameError::Empty)),
            ("*.", Flaw::Name(NameError::Empty)),
            ("*", Flaw::Character('*')),
        ] {
            assert_eq!(read(text), Err(flaw), "{text}");
        }
        assert_eq!(read(&format!("{}.example", "a".repeat(64))), Err(Flaw::Name(NameError::LabelTooLong)));
        assert_eq!(read(&"é".repeat(5000)), Err(Flaw::Name(NameError::NameTooLong)));
    }

    #[test]
    fn a_name_asked_about_may_be_anything_dns_can_ask() {
        let asked = |text| asked_name(text).map(|name| name.to_string());
        assert_eq!(asked("Bücher.Example."), Ok("xn--bcher-kva.example".into()));
        assert_eq!(asked("co.uk"), Ok("co.uk".into()));
        assert_eq!(asked("1.2.0.192.in-addr.arpa"), Ok("1.2.0.192.in-addr.arpa".into()));
        assert_eq!(asked("a b"), Err(Flaw::Name(NameError::BadCharacter)));
        assert_eq!(asked("https://www.bet.example/"), Err(Flaw::Url));
        assert_eq!(asked("www.bet.example/"), Err(Flaw::Url));
        assert!(asked("0/25.2.0.192.IN-ADDR.arpa.").is_ok() && asked("a\\047b.example").is_ok());
        assert_eq!(asked(""), Err(Flaw::Name(NameError::Empty)));
    }

    #[test]
    fn a_stray_line_never_blocks_what_the_public_registers_under() {
        for text in [
            "com",
            "uk",
            "co.uk",
            "*.co.uk",
            "police.uk",
            "gov.uk",
            "xn--p1ai",
            "рф",
            "公司.cn",
            "anything.ck",
            "pvt.k12.ma.us",
            "x.kawasaki.jp",
        ] {
            assert_eq!(read(text), Err(Flaw::PublicSuffix), "{text}");
        }
        assert_eq!(read("single"), Err(Flaw::SingleLabel));
        let excepted = ["www.ck", "city.kawasaki.jp"];
        assert!(excepted.into_iter().all(|name| read(name).is_ok()), "exceptions of the list of public suffixes");
        assert!(read("duckdns.org").is_ok() && read("github.io").is_ok(), "private suffixes may be listed");
        assert!(read("force.police.uk").is_ok());
    }

    #[test]
    fn a_single_label_can_be_meant_where_the_syntax_says_so() {
        let label = |text: &str| name_or_label(text.as_bytes()).map(|name| name.to_string());
        assert_eq!(label("lan"), Ok("lan".into()));
        assert_eq!(label("com"), Err(Flaw::PublicSuffix));
        assert_eq!(label("co.uk."), Err(Flaw::PublicSuffix));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,400}", short in "[a-zé.*/:@\u{ff0e}\u{3002}-]{0,12}") {
            let _ = name(text.as_bytes());
            let _ = name(short.as_bytes());
        }
    }
}
