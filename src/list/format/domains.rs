//! Plain names, one a line.

use crate::list::entry;
use crate::list::format::Piece;
use crate::list::refusal::Flaw;

/// One line is one name or nothing.
#[inline]
pub(in crate::list) fn pieces<'l>(line: &'l [u8], mut visit: impl FnMut(Piece<'l>)) {
    visit(match piece(line) {
        Ok(piece) => piece,
        Err(flaw) => Piece::Refused(line, flaw),
    });
}

fn piece(line: &[u8]) -> Result<Piece<'_>, Flaw> {
    let text = std::str::from_utf8(line).map_err(|_| Flaw::NotUtf8)?.trim();
    if text.contains(char::is_whitespace) {
        return Err(Flaw::SeveralWords);
    }
    Ok(Piece::Name(entry::name(text)?))
}
