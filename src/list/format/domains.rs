//! Plain names, one a line.

use super::Usual;
use crate::list::entry;
use crate::list::read::Reader;
use crate::list::refusal::Flaw;

/// A name.
pub(super) const USUAL: Usual = Usual { before: &[b""], after: b"", is_listed: entry::is_listed };

/// One line is one name or nothing.
#[inline]
pub(super) fn line(number: u32, line: &[u8], reader: &mut Reader) {
    let name = entry::name(line).or_else(|flaw| match flaw {
        Flaw::Character(_) => again(line, flaw),
        flaw => Err(flaw),
    });
    reader.name(number, line, name);
}

/// White space beyond ASCII around the name, or white space in it, which tells more than the character does.
#[cold]
fn again(line: &[u8], flaw: Flaw) -> Result<crate::dns::Name, Flaw> {
    let Ok(text) = std::str::from_utf8(line) else { return Err(flaw) };
    let trimmed = text.trim();
    match trimmed.contains(char::is_whitespace) {
        true => Err(Flaw::SeveralWords),
        false if trimmed.len() < text.len() => entry::name(trimmed.as_bytes()),
        false => Err(flaw),
    }
}
