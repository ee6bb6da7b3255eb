//! The octets of a list, line by line, into names and refusals. No line is the last one looked at because it is bad.

use crate::list::format::{Format, Piece, content, lines};
use crate::list::refusal::{Flaw, Refusal};
use crate::list::rule::Rule;

/// Raise it whenever a list may yield other names than before: compiled files made by other rules are then not used again.
pub const READING_VERSION: u32 = 1;

/// What came of reading a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The format it was read in.
    pub format: Format,
    /// Lines, comments and empty ones included.
    pub lines: u64,
    /// Names handed to the visitor, repetitions included.
    pub names: u64,
    /// Names passed over because every hosts file has them (`localhost`).
    pub furniture: u64,
    /// Lines with at least one refused entry.
    pub refused_lines: u64,
    /// How many entries were refused, by [`Flaw::word`]; in the order they first came.
    pub flaws: Vec<(&'static str, u64)>,
    /// The first [`Reading::EXAMPLES`] refusals of each kind, by line.
    pub examples: Vec<Refusal>,
}

impl Reading {
    /// How many refusals of one kind are kept; all are counted.
    pub const EXAMPLES: u64 = 3;

    /// Refused entries; a line of a hosts file can have several.
    pub fn refused(&self) -> u64 {
        self.flaws.iter().map(|(_, count)| count).sum()
    }

    fn refuse(&mut self, line: u32, written: &[u8], why: Flaw) {
        let place = self.flaws.iter().position(|(word, _)| *word == why.word()).unwrap_or_else(|| {
            self.flaws.push((why.word(), 0));
            self.flaws.len() - 1
        });
        let count = &mut self.flaws[place].1;
        *count += 1;
        if *count <= Reading::EXAMPLES {
            self.examples.push(Refusal::new(line, written, why));
        }
    }
}

/// Reads a list, in the given format or the one its content looks like, and hands each rule to `visit` with its line (from 1; the last
/// countable line, 4,294,967,295, for all after it).
pub fn read(bytes: &[u8], format: Option<Format>, mut visit: impl FnMut(u32, &Rule)) -> Reading {
    let format = format.unwrap_or_else(|| Format::detect(bytes));
    let mut reading =
        Reading { format, lines: 0, names: 0, furniture: 0, refused_lines: 0, flaws: Vec::new(), examples: Vec::new() };
    for line in lines(bytes) {
        reading.lines += 1;
        let Some(content) = content(line) else { continue };
        let number = u32::try_from(reading.lines).unwrap_or(u32::MAX);
        let mut refused = false;
        format.pieces(content, |piece| match piece {
            Piece::Name(name) => {
                reading.names += 1;
                visit(number, &Rule::listing(name));
            }
            Piece::Furniture => reading.furniture += 1,
            Piece::Refused(written, why) => {
                refused = true;
                reading.refuse(number, written, why);
            }
        });
        reading.refused_lines += refused as u64;
    }
    // The last line end begins no further line.
    if bytes.is_empty() || bytes.ends_with(b"\n") {
        reading.lines -= 1;
    }
    reading
}

#[cfg(test)]
mod tests;
