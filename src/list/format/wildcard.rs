//! Names with a star before them, one a line, as lists for dnscrypt-proxy are written.
//!
//! `*.name` means the name and all below it, as it does in lists of plain names: who knows the names below a site means the site.
//! `=name` is that name alone.

use super::{Usual, domains};
use crate::list::entry;
use crate::list::read::Reader;
use crate::list::refusal::Flaw;
use crate::list::rule::{Rule, Scope};

/// `*.name`, or a name.
pub(super) const USUAL: Usual = Usual { before: &[b"*.", b""], after: b"", is_listed: entry::is_listed };

/// One line is one name or nothing.
pub(super) fn line(number: u32, line: &[u8], reader: &mut Reader) {
    let body = line.strip_prefix(b"*.").unwrap_or(line);
    if let Some(name) = line.strip_prefix(b"=") {
        match entry::name(name) {
            Ok(name) => reader.rule(number, &Rule { scope: Scope::Alone, ..Rule::listing(name) }),
            Err(why) => reader.refuse(number, line, why),
        }
    } else if body.iter().any(|octet| matches!(octet, b'*' | b'?' | b'[')) && !line.contains(&b'/') {
        reader.refuse(number, line, Flaw::Pattern);
    } else {
        domains::line(number, line, reader);
    }
}
