//! The formats lists come in.

pub(super) mod domains;
pub(super) mod hosts;

use crate::dns::Name;
use crate::list::refusal::Flaw;

/// Format of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A name a line; the name and all below it.
    Domains,
    /// Lines of a hosts file (`0.0.0.0 name name`); here too each name stands for all below it.
    Hosts,
}

/// What a line, or a word of it, comes to.
#[expect(
    clippy::large_enum_variant,
    reason = "handed down the stack at once; a box would be an allocation for each line"
)]
pub(super) enum Piece<'l> {
    /// A name to list.
    Name(Name),
    /// A name that every hosts file has and no list means.
    Furniture,
    /// Nothing that can be listed, and why: what was written, what is wrong.
    Refused(&'l [u8], Flaw),
}

/// How many lines with content [`Format::detect`] looks at.
const SAMPLE: usize = 200;

impl Format {
    /// Every format.
    pub const ALL: [Format; 2] = [Format::Domains, Format::Hosts];

    /// The word of the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Format::Domains => "domains",
            Format::Hosts => "hosts",
        }
    }

    /// The format a word of the configuration means.
    pub fn from_word(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.word() == word)
    }

    /// What the content looks like: hosts when most of the first lines are an address and a name, else domains.
    pub fn detect(bytes: &[u8]) -> Format {
        let (mut looked_at, mut hosts) = (0, 0);
        for line in lines(bytes).filter_map(content).take(SAMPLE) {
            looked_at += 1;
            hosts += hosts::looks_like(line) as usize;
        }
        if hosts * 2 > looked_at { Format::Hosts } else { Format::Domains }
    }

    /// Takes the content of one line to pieces.
    #[inline]
    pub(super) fn pieces<'l>(self, line: &'l [u8], visit: impl FnMut(Piece<'l>)) {
        match self {
            Format::Domains => domains::pieces(line, visit),
            Format::Hosts => hosts::pieces(line, visit),
        }
    }
}

/// The lines of a file, without a byte order mark.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).split(|&octet| octet == b'\n')
}

/// What a line says: without comments (`#` to the end; a whole line after `;`) and white space; none when nothing is left.
#[inline]
pub(super) fn content(line: &[u8]) -> Option<&[u8]> {
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
    fn the_content_tells_the_format() {
        for (text, format) in [
            ("", Format::Domains),
            ("# only a comment\n", Format::Domains),
            ("bet.example\nwin.example\n", Format::Domains),
            ("192.0.2.1\n192.0.2.2\nbet.example\n", Format::Domains),
            ("# hosts\r\n127.0.0.1 localhost\r\n0.0.0.0 bet.example\r\n", Format::Hosts),
            ("\u{feff}0.0.0.0\tbet.example", Format::Hosts),
            ("fe80::1%lo0 localhost\n:: bet.example\nstray.example\n", Format::Hosts),
        ] {
            assert_eq!(Format::detect(text.as_bytes()), format, "{text:?}");
        }
    }

    #[test]
    fn a_format_is_found_by_its_word() {
        for format in Format::ALL {
            assert_eq!(Format::from_word(format.word()), Some(format));
        }
        assert_eq!(Format::from_word("Hosts"), None);
    }
}
