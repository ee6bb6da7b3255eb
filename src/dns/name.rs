//! A domain name: lower-cased, bounded, on the stack.

mod shown;

use std::fmt;
use std::hash::{Hash, Hasher};

pub use shown::show_name;

/// Longest name on the wire, in octets, the root label included (RFC 1035 section 3.1).
pub const MAX_WIRE: usize = 255;
/// Longest label, in octets (RFC 1035 section 2.3.4).
pub const MAX_LABEL: usize = 63;

/// A domain name in uncompressed wire form, lower-cased (RFC 4343), root label included.
///
/// It lives on the stack so that a query's name costs no allocation. Two names are equal when DNS says they are.
#[derive(Clone, Copy)]
pub struct Name {
    len: u8,
    labels: u8,
    wire: [u8; MAX_WIRE],
}

/// What an octet of a host name is in lower case; 0 for what host names do not have.
const HOST: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet = 0u8;
    while octet < 128 {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.') {
            table[octet as usize] = octet.to_ascii_lowercase();
        }
        octet += 1;
    }
    table
};

/// Why something is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing where a name should be.
    #[error("is empty")]
    Empty,
    /// Two dots in a row, or a leading dot.
    #[error("has an empty label")]
    EmptyLabel,
    /// A label above 63 octets.
    #[error("has a label of more than 63 octets")]
    LabelTooLong,
    /// A name above 255 octets on the wire.
    #[error("is longer than 255 octets")]
    NameTooLong,
    /// A backslash not followed by a character or three digits up to 255.
    #[error("has a broken escape")]
    BadEscape,
    /// An octet outside ASCII, or white space or a control character that is not escaped.
    #[error("has a character that a name cannot have")]
    BadCharacter,
    /// The wire form ends too early or has a compression pointer where none may be.
    #[error("is cut short or compressed")]
    BadWire,
}

impl Name {
    /// The root, `.`.
    pub const ROOT: Name = Name { len: 1, labels: 0, wire: [0; MAX_WIRE] };

    /// Reads an uncompressed name from the front of `bytes` and lower-cases it; tells how many octets it took by [`Name::wire_len`].
    pub fn from_wire(bytes: &[u8]) -> Result<Name, NameError> {
        let mut name = Name::ROOT;
        name.read_wire(bytes)?;
        Ok(name)
    }

    /// As [`Name::from_wire`], into this name: a name is moved about in as many octets as the longest has. It is the root where that fails.
    #[inline]
    pub fn read_wire(&mut self, bytes: &[u8]) -> Result<(), NameError> {
        let (mut at, mut labels) = (0usize, 0u8);
        let outcome = loop {
            match bytes.get(at) {
                Some(0) => break Ok(()),
                Some(&length) if usize::from(length) <= MAX_LABEL => {
                    at += 1 + usize::from(length);
                    labels += 1;
                    if at >= MAX_WIRE {
                        break Err(NameError::NameTooLong);
                    }
                }
                _ => break Err(NameError::BadWire),
            }
        };
        match (outcome, bytes.get(..at + 1)) {
            (Ok(()), Some(wire)) => {
                // A length is at most 63, below every letter: all octets are lower-cased alike.
                for (to, from) in self.wire.iter_mut().zip(wire) {
                    *to = from.to_ascii_lowercase();
                }
                self.len = (at + 1) as u8;
                self.labels = labels;
                Ok(())
            }
            (outcome, _) => {
                (self.len, self.labels, self.wire[0]) = (1, 0, 0);
                outcome.and(Err(NameError::BadWire))
            }
        }
    }

    /// Reads presentation form (RFC 1035 section 5.1, escapes `\.` and `\DDD`); a trailing dot is allowed. ASCII only:
    /// internationalised names come as A-labels (RFC 5890).
    pub fn parse(text: &str) -> Result<Name, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text == "." {
            return Ok(Name::ROOT);
        }
        let bytes = text.as_bytes();
        let mut name = Name::ROOT;
        let (mut start, mut at, mut i) = (0usize, 1usize, 0usize);
        while i < bytes.len() {
            let octet = match bytes[i] {
                b'.' => {
                    name.close_label(start, at)?;
                    start = at;
                    at += 1;
                    i += 1;
                    continue;
                }
                b'\\' => {
                    let (octet, used) = escape(&bytes[i + 1..])?;
                    i += 1 + used;
                    octet
                }
                plain @ 0x21..=0x7e => {
                    i += 1;
                    plain.to_ascii_lowercase()
                }
                _ => return Err(NameError::BadCharacter),
            };
            if at >= MAX_WIRE - 1 {
                return Err(NameError::NameTooLong);
            }
            name.wire[at] = octet;
            at += 1;
        }
        if at > start + 1 {
            name.close_label(start, at)?;
            start = at;
        }
        if start >= MAX_WIRE {
            return Err(NameError::NameTooLong);
        }
        name.wire[start] = 0;
        name.len = (start + 1) as u8;
        Ok(name)
    }

    /// Reads letters, digits, hyphens and underscores between dots, which nearly every name is made of, in one pass; a trailing dot is
    /// allowed. None for all else, whether a name or not: [`Name::parse`] tells.
    #[inline]
    pub fn of_host(text: &[u8]) -> Option<Name> {
        let mut name = Name::ROOT;
        let taken = name.take_host(text)?;
        (taken == text.len()).then_some(name)
    }

    /// Becomes the name that `text` begins with, as [`Name::of_host`] reads one, up to the first octet that no such name has; tells how many
    /// octets it took. Where that is no name, none, and this is the root.
    #[inline]
    pub fn take_host(&mut self, text: &[u8]) -> Option<usize> {
        let taken = self.take_labels(text);
        if taken.is_none() {
            *self = Name::ROOT;
        }
        taken
    }

    #[inline]
    fn take_labels(&mut self, text: &[u8]) -> Option<usize> {
        // The wire form is one octet behind: a dot becomes the length of the label after it.
        let (mut start, mut at) = (0usize, 0usize);
        self.labels = 0;
        for octet in text.iter().take(MAX_WIRE - 1) {
            let lower = HOST[*octet as usize];
            if lower == b'.' {
                self.close_label(start, at + 1).ok()?;
                start = at + 1;
            } else if lower == 0 {
                break;
            }
            self.wire[at + 1] = lower;
            at += 1;
        }
        // What goes on as a name behind as much as a name can be is too long, though it may look finished at a dot just there.
        if text.get(at).is_some_and(|octet| HOST[*octet as usize] != 0) {
            return None;
        }
        // The dot at the end is the root's.
        let end = if start == at && at > 0 { start } else { at + 1 };
        if end != start {
            self.close_label(start, end).ok()?;
        }
        *self.wire.get_mut(end)? = 0;
        self.len = (end + 1) as u8;
        Some(at)
    }

    #[inline]
    fn close_label(&mut self, start: usize, end: usize) -> Result<(), NameError> {
        match end - start - 1 {
            0 => Err(NameError::EmptyLabel),
            length if length > MAX_LABEL => Err(NameError::LabelTooLong),
            length => {
                self.wire[start] = length as u8;
                self.labels += 1;
                Ok(())
            }
        }
    }

    /// The wire form, lower-cased, ending in the root label.
    #[inline]
    pub fn as_wire(&self) -> &[u8] {
        &self.wire[..self.len as usize]
    }

    /// The wire form, and after it octets that mean nothing: for who reads many at once and leaves out those he has no use for.
    #[inline]
    pub fn held(&self) -> &[u8; MAX_WIRE] {
        &self.wire
    }

    /// Length of the wire form in octets, 1 to 255.
    #[inline]
    pub fn wire_len(&self) -> usize {
        self.len as usize
    }

    /// How many labels, the root not counted: 0 to 127.
    #[inline]
    pub fn label_count(&self) -> usize {
        self.labels as usize
    }

    /// Whether this is the root.
    #[inline]
    pub fn is_root(&self) -> bool {
        self.labels == 0
    }

    /// The labels from left to right, the root not among them.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        self.suffixes().map(|suffix| &suffix[1..1 + suffix[0] as usize])
    }

    /// The wire form of the name itself, then of each parent, down to the top-level domain; the root is not among them.
    #[inline]
    pub fn suffixes(&self) -> Suffixes<'_> {
        Suffixes { rest: self.as_wire() }
    }

    /// The name itself, then each parent, down to the top-level domain; the root is not among them.
    pub fn parents(&self) -> impl Iterator<Item = Name> + '_ {
        self.suffixes().map(|suffix| Name::from_wire(suffix).unwrap_or(Name::ROOT))
    }

    /// The last `labels` labels of the name (`a.b.example` with 2: `b.example`); the whole name when it has fewer.
    pub fn last_labels(&self, labels: usize) -> Name {
        let skip = self.label_count().saturating_sub(labels);
        match self.suffixes().nth(skip) {
            Some(suffix) => Name::from_wire(suffix).unwrap_or(Name::ROOT),
            None => Name::ROOT,
        }
    }

    /// Whether this name is `other` or below it (RFC 8499: a subdomain of it).
    pub fn is_at_or_below(&self, other: &Name) -> bool {
        if other.is_root() {
            return true;
        }
        let skip = match self.label_count().checked_sub(other.label_count()) {
            Some(skip) => skip,
            None => return false,
        };
        self.suffixes().nth(skip) == Some(other.as_wire())
    }

    /// Writes presentation form to `out`, without a trailing dot; the root is `.`.
    pub fn write_to(&self, out: &mut impl fmt::Write) -> fmt::Result {
        shown::write_wire(self.as_wire(), out)
    }
}

/// Iterator of [`Name::suffixes`].
pub struct Suffixes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Suffixes<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let length = *self.rest.first()? as usize;
        if length == 0 {
            return None;
        }
        let suffix = self.rest;
        self.rest = &self.rest[1 + length..];
        Some(suffix)
    }
}

/// What stands behind a backslash: the octet meant, and how many characters it took.
fn escape(rest: &[u8]) -> Result<(u8, usize), NameError> {
    match rest {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
            let value = (*a - b'0') as u16 * 100 + (*b - b'0') as u16 * 10 + (*c - b'0') as u16;
            let octet = u8::try_from(value).map_err(|_| NameError::BadEscape)?;
            Ok((octet.to_ascii_lowercase(), 3))
        }
        [b'0'..=b'9', ..] | [] => Err(NameError::BadEscape),
        [octet @ 0x21..=0x7e, ..] => Ok((octet.to_ascii_lowercase(), 1)),
        _ => Err(NameError::BadEscape),
    }
}

impl PartialEq for Name {
    #[inline]
    fn eq(&self, other: &Name) -> bool {
        self.as_wire() == other.as_wire()
    }
}
impl Eq for Name {}

impl Hash for Name {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_wire().hash(state);
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Name {
    /// By wire form: stable, not DNSSEC's canonical order.
    fn cmp(&self, other: &Name) -> std::cmp::Ordering {
        self.as_wire().cmp(other.as_wire())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Name, NameError> {
        Name::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn case_and_a_trailing_dot_do_not_matter() {
        assert_eq!(name("WWW.Example.COM."), name("www.example.com"));
        assert_eq!(name("WWW.Example.COM.").to_string(), "www.example.com");
    }

    #[test]
    fn escapes_go_there_and_back() {
        let odd = name(r"a\.b\032c\\.example");
        assert_eq!(odd.label_count(), 2);
        assert_eq!(odd.to_string(), r"a\.b\032c\\.example");
    }

    #[test]
    fn limits_of_labels_and_names_hold() {
        let label = "a".repeat(63);
        assert!(Name::parse(&label).is_ok());
        assert_eq!(Name::parse(&"a".repeat(64)), Err(NameError::LabelTooLong));
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert_eq!(name(&longest).wire_len(), 255);
        assert_eq!(Name::parse(&format!("{longest}b")), Err(NameError::NameTooLong));
        assert_eq!(Name::parse("a..b"), Err(NameError::EmptyLabel));
        assert_eq!(Name::parse(".a"), Err(NameError::EmptyLabel));
        assert_eq!(Name::parse(""), Err(NameError::Empty));
        assert_eq!(Name::parse("a b"), Err(NameError::BadCharacter));
        assert_eq!(Name::parse(r"a\25"), Err(NameError::BadEscape));
        assert_eq!(Name::parse(r"a\256"), Err(NameError::BadEscape));
    }

    #[test]
    fn below_means_on_a_label_border() {
        assert!(name("a.example.com").is_at_or_below(&name("example.com")));
        assert!(name("example.com").is_at_or_below(&name("example.com")));
        assert!(!name("badexample.com").is_at_or_below(&name("example.com")));
        assert!(!name("com").is_at_or_below(&name("example.com")));
        assert!(name("com").is_at_or_below(&Name::ROOT));
    }

    #[test]
    fn parents_run_to_the_top_level_domain() {
        let all: Vec<String> = name("a.b.c").parents().map(|n| n.to_string()).collect();
        assert_eq!(all, ["a.b.c", "b.c", "c"]);
        assert_eq!(name("a.b.c").last_labels(2), name("b.c"));
        assert_eq!(name("a.b.c").last_labels(9), name("a.b.c"));
        assert_eq!(name("a.b.c").last_labels(0), Name::ROOT);
    }

    #[test]
    fn a_name_too_long_by_its_last_label_is_none() {
        let taken = |text: &str| Name::parse("what.was.there.before.example").unwrap().take_host(text.as_bytes());
        let longest = format!("{0}.{0}.{0}.{1}.", "a".repeat(63), "b".repeat(61));
        assert_eq!(taken(&format!("{longest} and more")), Some(254));
        assert_eq!(taken(&format!("{longest}c and more")), None);
        assert_eq!(taken(&format!("{longest}. and more")), None);
        assert_eq!(taken(&format!("{}c and more", longest.trim_end_matches('.'))), None);
    }

    proptest! {
        #[test]
        fn any_wire_name_survives_its_presentation_form(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..8)) {
            let mut wire = Vec::new();
            for label in &labels {
                wire.push(label.len() as u8);
                wire.extend_from_slice(label);
            }
            wire.push(0);
            let name = Name::from_wire(&wire).unwrap();
            prop_assert_eq!(name.label_count(), labels.len());
            prop_assert_eq!(Name::parse(&name.to_string()).unwrap(), name);
        }

        #[test]
        fn a_host_name_is_read_alike_both_ways(text in "[aZ9_.-]{0,12}", long in "([a-zA-Z]{1,70}\\.){0,5}[a-z]{1,63}\\.?") {
            for text in [text, long] {
                match Name::of_host(text.as_bytes()) {
                    Some(name) => prop_assert_eq!(Name::parse(&text), Ok(name)),
                    None => prop_assert!(Name::parse(&text).is_err() || text == "."),
                }
                // Up to what is no host, into a name that was another before.
                let mut name = Name::parse("what.was.there.before.example").unwrap();
                let taken = name.take_host(format!("{text} and more").as_bytes());
                prop_assert_eq!(taken, Name::of_host(text.as_bytes()).map(|_| text.len()));
                prop_assert_eq!(name, Name::of_host(text.as_bytes()).unwrap_or(Name::ROOT));
            }
        }

        #[test]
        fn no_bytes_and_no_text_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,300}") {
            let _ = Name::from_wire(&bytes);
            let _ = Name::parse(&text);
        }
    }
}
