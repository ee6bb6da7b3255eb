//! Why a line of a list yields no rule, for the person who keeps the list.

use std::fmt::Write;

use crate::dns::NameError;

/// An entry of a list that yields no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its line, from 1.
    pub line: u32,
    /// What is written there: at most [`Refusal::TEXT`] characters, control characters escaped.
    pub text: Box<str>,
    /// What is wrong with it.
    pub why: Flaw,
}

/// What is wrong with an entry of a list. Its text goes on from the entry: "`...` is an address, ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Not a domain name by its lengths or labels.
    #[error("{0}")]
    Name(NameError),
    /// A character that no host name has.
    #[error("has {}, which no host name can have", shown(*.0))]
    Character(char),
    /// Octets that are not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// No A-label can be made of it (UTS 46).
    #[error("is not a valid internationalised name")]
    Idn,
    /// An address, or something that ends as one: no top-level domain is a number (RFC 3696 section 2).
    #[error("is an address, not a name")]
    Address,
    /// A network in prefix notation.
    #[error("is a network, not a name")]
    Network,
    /// A suffix under which the public registers names: it would stand for all of them.
    #[error(
        "is a public suffix and would stand for all names under it; if that is meant, name it in the policy itself"
    )]
    PublicSuffix,
    /// One label: it would stand for a whole top-level domain.
    #[error("is a single label and would stand for a top-level domain; if that is meant, name it in the policy itself")]
    SingleLabel,
    /// A URL, or a name with a path.
    #[error("is a URL; write the name alone, which stands for the whole site")]
    Url,
    /// A name with a port.
    #[error("has a port; write the name alone, which stands for every port")]
    Port,
    /// A mail address.
    #[error("is a mail address, not a name")]
    Mailbox,
    /// More than one word where one name should be.
    #[error("has several words where one name should be; is it a line of a hosts file?")]
    SeveralWords,
    /// A hosts line that does not begin with an address.
    #[error("does not begin with an address, as a line of a hosts file does")]
    NoAddress,
    /// A hosts line with nothing after its address.
    #[error("has no name after its address")]
    NoName,
    /// A hosts line that says where a name is, rather than to block it.
    #[error("is given a real address (0.0.0.0, ::, 127.0.0.0/8 and ::1 stand for a block)")]
    RealAddress,
    /// A rule that would put every name on the list.
    #[error("stands for every name; if that is meant, write `default = \"block\"` in the policy")]
    Everything,
    /// A regular expression, or a star inside a name.
    #[error("is a pattern; only whole labels can be matched")]
    Pattern,
    /// `$client`.
    #[error("is for single clients; who is blocked is for the policies of network zones and groups to say")]
    Client,
    /// `$ctag`.
    #[error("is for clients with a tag, which there is none of here; write an exception for a group in the policy")]
    ClientTag,
    /// `$dnsrewrite`.
    #[error("gives the name another answer; write it under `rewrite` in the policy")]
    DnsRewrite,
    /// A modifier that only what sees the request can follow.
    #[error("has the modifier `{0}`, which only a browser can follow")]
    BrowserModifier(Box<str>),
    /// A modifier nobody here knows.
    #[error("has the modifier `{0}`, which is not known")]
    UnknownModifier(Box<str>),
    /// A modifier whose value cannot be meant.
    #[error("has the modifier `{0}` with a value that cannot be meant")]
    ModifierValue(&'static str),
    /// `$denyallow` where it has no meaning.
    #[error("has `denyallow` beside `important` or in an exception, where it has no meaning")]
    Combination,
    /// A directive that forwards a name.
    #[error("forwards the name to a server rather than block it; write a `[[forward_zone]]`")]
    Forwarding,
    /// A directive that lists no name.
    #[error("is not a directive that blocks a name")]
    Directive,
    /// A type of `local-zone` that neither blocks nor allows.
    #[error("has a type of zone that neither blocks the name nor lets it through")]
    ZoneType,
    /// `local-data` that is a true answer.
    #[error("gives the name data of its own; write it into a `[[local_zone]]`, or under `rewrite` in the policy")]
    LocalData,
    /// A trigger by the client's address.
    #[error("is a trigger by the client's address; who is blocked is for the policies of network zones to say")]
    RpzClientIp,
    /// A trigger by an address in the answer.
    #[error("is a trigger by an address in the answer; only names are matched")]
    RpzIp,
    /// A trigger by the name of an authoritative server.
    #[error("is a trigger by the name of an authoritative server, which a resolver that forwards does not see")]
    RpzNsdname,
    /// A trigger by the address of an authoritative server.
    #[error("is a trigger by the address of an authoritative server, which a resolver that forwards does not see")]
    RpzNsip,
    /// An owner that is not below the policy zone.
    #[error("stands outside of the zone; is a dot too much at the end of the name?")]
    OutOfZone,
    /// A record that cannot be read.
    #[error("is no record of a policy zone: {0}")]
    Record(Box<str>),
}

impl Refusal {
    /// Most characters kept of an entry.
    pub const TEXT: usize = 80;

    /// Keeps a bounded, printable copy of what is written.
    pub(super) fn new(line: u32, written: &[u8], why: Flaw) -> Refusal {
        // Four octets a character at most; one character more than is kept tells that something was cut.
        let head = &written[..written.len().min(4 * (Refusal::TEXT + 1))];
        let head = String::from_utf8_lossy(head);
        let mut text = String::new();
        for (n, c) in head.trim().chars().enumerate() {
            if n == Refusal::TEXT {
                text.push('…');
                break;
            }
            match c {
                ' ' | '!'..='~' => text.push(c),
                c if c.is_alphanumeric() => text.push(c),
                c => {
                    let _ = write!(text, "{}", c.escape_unicode());
                }
            }
        }
        Refusal { line, text: text.into(), why }
    }
}

impl Flaw {
    /// The word it is counted under.
    pub const fn word(&self) -> &'static str {
        match self {
            Flaw::Name(NameError::Empty | NameError::EmptyLabel) => "empty-label",
            Flaw::Name(NameError::LabelTooLong | NameError::NameTooLong) => "too-long",
            Flaw::Name(NameError::BadEscape | NameError::BadCharacter | NameError::BadWire) | Flaw::Character(_) => {
                "character"
            }
            Flaw::NotUtf8 => "not-utf8",
            Flaw::Idn => "idn",
            Flaw::Address => "address",
            Flaw::Network => "network",
            Flaw::PublicSuffix => "public-suffix",
            Flaw::SingleLabel => "single-label",
            Flaw::Url => "url",
            Flaw::Port => "port",
            Flaw::Mailbox => "mail-address",
            Flaw::SeveralWords => "several-words",
            Flaw::NoAddress => "no-address",
            Flaw::NoName => "no-name",
            Flaw::RealAddress => "real-address",
            Flaw::Everything => "everything",
            Flaw::Pattern => "pattern",
            Flaw::Client => "client",
            Flaw::ClientTag => "client-tag",
            Flaw::DnsRewrite => "dnsrewrite",
            Flaw::BrowserModifier(_) => "browser-modifier",
            Flaw::UnknownModifier(_) => "unknown-modifier",
            Flaw::ModifierValue(_) | Flaw::Combination => "modifier-value",
            Flaw::Forwarding => "forwarding",
            Flaw::Directive => "directive",
            Flaw::ZoneType => "zone-type",
            Flaw::LocalData => "local-data",
            Flaw::RpzClientIp => "rpz-client-ip",
            Flaw::RpzIp => "rpz-ip",
            Flaw::RpzNsdname => "rpz-nsdname",
            Flaw::RpzNsip => "rpz-nsip",
            Flaw::OutOfZone => "out-of-zone",
            Flaw::Record(_) => "record",
        }
    }
}

/// A character as a person can tell it from its lookalikes.
fn shown(c: char) -> String {
    match c {
        '!'..='~' => format!("`{c}`"),
        c => format!("U+{:04X}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_fit_for_a_terminal() {
        let long = "x".repeat(500);
        let kept = Refusal::new(1, long.as_bytes(), Flaw::Idn).text;
        assert_eq!(kept.chars().count(), Refusal::TEXT + 1);
        let kept = Refusal::new(1, "a\u{1b}[31m\u{202e}b\u{2011}é\r".as_bytes(), Flaw::Idn).text;
        assert_eq!(&*kept, r"a\u{1b}[31m\u{202e}b\u{2011}é");
        assert_eq!(Flaw::Character('\u{2011}').to_string(), "has U+2011, which no host name can have");
        assert_eq!(Flaw::Character('|').to_string(), "has `|`, which no host name can have");
        let kept = Refusal::new(1, b"caf\xe9", Flaw::NotUtf8).text;
        assert_eq!(&*kept, r"caf\u{fffd}");
    }
}
