//! The formats lists come in.

mod adblock;
mod detect;
mod dnsmasq;
mod domains;
mod hosts;
mod rpz;
mod unbound;
mod ut1;
mod wildcard;

use crate::dns::Name;
use crate::list::read::Reader;

/// Format of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A name a line; the name and all below it.
    Domains,
    /// Lines of a hosts file (`0.0.0.0 name name`); here too each name stands for all below it.
    Hosts,
    /// Rules of ad blockers, as AdGuard's DNS servers read them (`||name^`).
    Adblock,
    /// Directives of dnsmasq (`address=/name/#`, `server=/name/`, `local=/name/`).
    Dnsmasq,
    /// A name a line, written `*.name`; the name and all below it.
    Wildcard,
    /// A response policy zone: a master file whose owners are triggers.
    Rpz,
    /// Directives of Unbound (`local-zone: "name" always_nxdomain`).
    Unbound,
    /// A category of the Toulouse lists: `domains` and `urls`.
    Ut1,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 8] = [
        Format::Domains,
        Format::Hosts,
        Format::Adblock,
        Format::Dnsmasq,
        Format::Wildcard,
        Format::Rpz,
        Format::Unbound,
        Format::Ut1,
    ];

    /// The word of the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Format::Domains => "domains",
            Format::Hosts => "hosts",
            Format::Adblock => "adblock",
            Format::Dnsmasq => "dnsmasq",
            Format::Wildcard => "wildcard",
            Format::Rpz => "rpz",
            Format::Unbound => "unbound",
            Format::Ut1 => "ut1",
        }
    }

    /// The format a word of the configuration means.
    pub fn from_word(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.word() == word)
    }

    /// What the content looks like. [`Format::Ut1`] is never found: its files look like plain names, its folder tells.
    pub fn detect(bytes: &[u8]) -> Format {
        detect::detect(bytes)
    }

    /// Reads the whole content.
    pub(super) fn read(self, bytes: &[u8], reader: &mut Reader) {
        match self {
            Format::Domains => domains::USUAL.each(bytes, content, reader, domains::line),
            Format::Hosts => hosts::USUAL.each(bytes, content, reader, hosts::line),
            Format::Dnsmasq => each(bytes, dnsmasq::content, |number, line| dnsmasq::line(number, line, reader)),
            Format::Wildcard => wildcard::USUAL.each(bytes, content, reader, wildcard::line),
            Format::Ut1 => ut1::USUAL.each(bytes, ut1::content, reader, ut1::line),
            Format::Adblock => adblock::read(bytes, reader),
            Format::Rpz => rpz::read(bytes, reader),
            Format::Unbound => unbound::read(bytes, reader),
        }
    }
}

/// What nearly every line of a format is: a host name, with the same around it, and nothing else. Such lines are read in one pass over
/// their octets, and mean what they mean to the format.
struct Usual {
    /// What may stand before the name.
    before: &'static [&'static [u8]],
    /// What stands behind it.
    after: &'static [u8],
    /// Whether a name, also as it is written, may be listed by such a line.
    is_listed: fn(&[u8], &Name) -> bool,
}

impl Usual {
    /// Each line that has a content: the usual ones as they are, all others by `visit`.
    #[inline(always)]
    fn each(
        &self,
        bytes: &[u8],
        content: impl Fn(&[u8]) -> Option<&[u8]>,
        reader: &mut Reader,
        mut visit: impl FnMut(u32, &[u8], &mut Reader),
    ) {
        let mut rest = without_mark(bytes);
        let mut number = 0u32;
        loop {
            number = number.saturating_add(1);
            let taken = reader.usual(number, rest, self.before, self.after, self.is_listed);
            rest = match taken {
                Some(taken) => &rest[taken..],
                None => {
                    let end = rest.iter().position(|&octet| octet == b'\n');
                    let (line, next) = rest.split_at(end.unwrap_or(rest.len()));
                    if let Some(content) = content(line) {
                        visit(number, content, reader);
                    }
                    next.get(1..).unwrap_or_default()
                }
            };
            if rest.is_empty() {
                return;
            }
        }
    }
}

/// The lines of a file, without a byte order mark.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    without_mark(bytes).split(|&octet| octet == b'\n')
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The lines of a file with their numbers, from 1.
fn numbered(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> + Clone {
    let mut number = 0u32;
    lines(bytes).map(move |line| {
        number = number.saturating_add(1);
        (number, line)
    })
}

/// Each line that has a content, with its number.
#[inline]
fn each<'b>(bytes: &'b [u8], content: impl Fn(&'b [u8]) -> Option<&'b [u8]>, mut visit: impl FnMut(u32, &'b [u8])) {
    for (number, line) in numbered(bytes) {
        if let Some(content) = content(line) {
            visit(number, content);
        }
    }
}

/// What a line says: without comments (`#` to the end; a whole line after `;`) and white space; none when nothing is left.
#[inline]
fn content(line: &[u8]) -> Option<&[u8]> {
    let line = match line.iter().position(|&octet| octet == b'#') {
        Some(at) => &line[..at],
        None => line,
    };
    let line = line.trim_ascii();
    match line.first() {
        None | Some(b';') => None,
        Some(_) => Some(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_found_by_its_word() {
        for format in Format::ALL {
            assert_eq!(Format::from_word(format.word()), Some(format));
        }
        assert_eq!(Format::from_word("Hosts"), None);
    }
}
