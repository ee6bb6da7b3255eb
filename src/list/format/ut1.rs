//! A category of the Toulouse lists (UT1): names in `domains`; in `urls` hosts with a path, of which only those that stand for the whole
//! host count.

use super::Usual;
use crate::list::entry;
use crate::list::read::Reader;
use crate::list::refusal::Flaw;

/// A name.
pub(super) const USUAL: Usual = Usual { before: &[b""], after: b"", is_listed: entry::is_listed };

/// What a line says: a comment is a whole line, since a URL may have a `#`.
pub(super) fn content(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    (!line.is_empty() && !line.starts_with(b"#")).then_some(line)
}

/// A name, or a URL with or without its scheme.
pub(super) fn line(number: u32, line: &[u8], reader: &mut Reader) {
    let rest = [&b"http://"[..], b"https://", b"//"].into_iter().find_map(|scheme| line.strip_prefix(scheme));
    let rest = rest.unwrap_or(line);
    let end = rest.iter().position(|octet| matches!(octet, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    if !matches!(path, b"" | b"/") {
        return reader.not_for_dns();
    }
    // The usual ports are what a browser goes to; another one is a part of the host, which a name cannot tell from the rest.
    let host = [&b":80"[..], b":443"].into_iter().find_map(|port| host.strip_suffix(port)).unwrap_or(host);
    match entry::name(host) {
        Err(Flaw::Character(c)) if c.is_whitespace() => reader.refuse(number, line, Flaw::SeveralWords),
        name => reader.name(number, line, name),
    }
}
