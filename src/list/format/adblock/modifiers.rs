//! What stands behind the `$` of a rule.

use crate::dns::Name;
use crate::dns::convert::rdata::type_number;
use crate::list::entry;
use crate::list::refusal::Flaw;
use crate::list::rule::Types;

/// Modifiers that a resolver can follow.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    pub(super) important: bool,
    pub(super) types: Types,
    pub(super) denyallow: Vec<Name>,
}

/// Modifiers for what sees the whole request, or the page it belongs to.
const OF_BROWSERS: [&str; 83] = [
    "1p",
    "3p",
    "all",
    "app",
    "background",
    "beacon",
    "bypass-tls",
    "content",
    "cookie",
    "csp",
    "css",
    "data",
    "doc",
    "document",
    "domain",
    "ehide",
    "elemhide",
    "empty",
    "extension",
    "first-party",
    "font",
    "frame",
    "from",
    "generichide",
    "genericblock",
    "ghide",
    "header",
    "hls",
    "host",
    "image",
    "inline-font",
    "inline-script",
    "ipaddress",
    "jsinject",
    "jsonprune",
    "match-case",
    "media",
    "method",
    "mp4",
    "network",
    "object",
    "object-subrequest",
    "other",
    "permissions",
    "ping",
    "popunder",
    "popup",
    "protobuf",
    "queryprune",
    "reason",
    "redirect",
    "redirect-rule",
    "referrerpolicy",
    "removeheader",
    "removeparam",
    "replace",
    "requestheader",
    "rewrite",
    "script",
    "shide",
    "sitekey",
    "specificblock",
    "specifichide",
    "stealth",
    "strict-first-party",
    "strict-third-party",
    "strict1p",
    "strict3p",
    "stylesheet",
    "subdocument",
    "third-party",
    "to",
    "trusted",
    "uritransform",
    "urlblock",
    "urlskip",
    "urltransform",
    "webbundle",
    "webrtc",
    "websocket",
    "xhr",
    "xmlhttprequest",
    "xmlprune",
];

/// The modifiers of a rule; a comma behind a backslash belongs to a value.
pub(super) fn each(written: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(written);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.char_indices().find(|&(at, c)| c == ',' && !text[..at].ends_with('\\')).map(|(at, _)| at);
        rest = end.map(|at| &text[at + 1..]);
        Some(text[..end.unwrap_or(text.len())].trim())
    })
}

impl Modifiers {
    /// Reads all of them; one that cannot be followed refuses the rule.
    pub(super) fn read(written: &str) -> Result<Modifiers, Flaw> {
        let mut modifiers = Modifiers::default();
        for modifier in each(written).filter(|modifier| !modifier.is_empty()) {
            let (name, value) = match modifier.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (modifier, None),
            };
            match (name, value) {
                ("important", None) => modifiers.important = true,
                ("denyallow", Some(value)) => modifiers.denyallow = names(value)?,
                ("dnstype", Some(value)) => modifiers.types = types(value)?,
                ("important", _) => return Err(Flaw::ModifierValue("important")),
                ("denyallow", _) => return Err(Flaw::ModifierValue("denyallow")),
                ("dnstype", _) => return Err(Flaw::ModifierValue("dnstype")),
                ("client", _) => return Err(Flaw::Client),
                ("ctag", _) => return Err(Flaw::ClientTag),
                ("dnsrewrite", _) => return Err(Flaw::DnsRewrite),
                // A place holder of some syntaxes.
                (name, None) if name.bytes().all(|octet| octet == b'_') => {}
                (name, _) => return Err(not_followed(name)),
            }
        }
        Ok(modifiers)
    }
}

fn not_followed(name: &str) -> Flaw {
    let plain = name.strip_prefix('~').unwrap_or(name);
    let shown: Box<str> =
        plain.chars().take(40).filter(|c| c.is_ascii_graphic() && *c != '`').collect::<String>().into();
    match OF_BROWSERS.iter().any(|known| known.eq_ignore_ascii_case(plain)) {
        true => Flaw::BrowserModifier(shown),
        false => Flaw::UnknownModifier(shown),
    }
}

fn names(value: &str) -> Result<Vec<Name>, Flaw> {
    let name = |written: &str| match written.starts_with('~') || written.contains('*') {
        true => Err(Flaw::ModifierValue("denyallow")),
        false => entry::name(written.as_bytes()).map_err(|_| Flaw::ModifierValue("denyallow")),
    };
    value.split('|').map(name).collect()
}

/// `A|AAAA`, or `~A|~AAAA` for all but these.
fn types(value: &str) -> Result<Types, Flaw> {
    let wrong = Flaw::ModifierValue("dnstype");
    let words: Vec<&str> = value.split('|').collect();
    let negated = words.iter().filter(|word| word.starts_with('~')).count();
    let numbers: Option<Vec<u16>> =
        words.iter().map(|word| type_number(word.strip_prefix('~').unwrap_or(word))).collect();
    let numbers = numbers.ok_or_else(|| wrong.clone())?.into_boxed_slice();
    match negated {
        0 => Ok(Types::Only(numbers)),
        all if all == words.len() => Ok(Types::AllBut(numbers)),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_followed_or_said_not_to_be() {
        let read = Modifiers::read("important,dnstype=~A|~aaaa,_").unwrap();
        assert_eq!((read.important, read.types), (true, Types::AllBut([1, 28].into())));
        assert_eq!(Modifiers::read("dnstype=HTTPS|TYPE64").unwrap().types, Types::Only([65, 64].into()));
        assert_eq!(Modifiers::read("denyallow=a.example|b.example").unwrap().denyallow.len(), 2);
        for (written, word) in [
            ("dnstype=A|~AAAA", "modifier-value"),
            ("dnstype=", "modifier-value"),
            ("denyallow=a.*", "modifier-value"),
            ("denyallow=com", "modifier-value"),
            ("important=1", "modifier-value"),
            ("client='a\\,b'", "client"),
            ("ctag=user_child", "client-tag"),
            ("dnsrewrite", "dnsrewrite"),
            ("important,~third-party", "browser-modifier"),
            ("domain=a.example|b.example", "browser-modifier"),
            ("badfilters", "unknown-modifier"),
        ] {
            assert_eq!(Modifiers::read(written).unwrap_err().word(), word, "{written}");
        }
        assert_eq!(each("a=1\\,2,b").collect::<Vec<_>>(), ["a=1\\,2", "b"]);
    }
}
