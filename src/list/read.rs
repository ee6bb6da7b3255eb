//! The octets of a list into rules and refusals. No line is the last one looked at because it is bad.

use crate::dns::Name;
use crate::list::format::Format;
use crate::list::refusal::{Flaw, Refusal};
use crate::list::rule::Rule;

/// Raise it whenever a list may yield other rules than before: compiled files made by other readings are then not used again.
pub const READING_VERSION: u32 = 2;

/// What came of reading a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The format it was read in.
    pub format: Format,
    /// Lines, comments and empty ones included.
    pub lines: u64,
    /// Rules handed to the visitor, repetitions included.
    pub names: u64,
    /// Entries passed over because they are no statement about a name: what every hosts file has (`localhost`), the head of a zone, rules
    /// that the list itself takes back.
    pub furniture: u64,
    /// Entries that are right, but not for a resolver: cosmetic rules, rules and URLs with a path.
    pub not_for_dns: u64,
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
}

/// How much is counted before it is let go of, in octets.
pub const PIECE: usize = 4 << 20;

/// Reads a list, in the given format or the one its content looks like, and hands each rule to `visit` with its line (from 1; the last
/// countable line, 4,294,967,295, for all after it).
pub fn read(bytes: &[u8], format: Option<Format>, visit: impl FnMut(u32, &Rule)) -> Reading {
    read_and_let_go(bytes, format, visit, || ())
}

/// As [`read`]. Lines are counted in a pass of their own, and `let_go` is called after each [`PIECE`] of it: what is mapped need not be in
/// memory all at once.
pub fn read_and_let_go(
    bytes: &[u8],
    format: Option<Format>,
    mut visit: impl FnMut(u32, &Rule),
    mut let_go: impl FnMut(),
) -> Reading {
    let format = format.unwrap_or_else(|| Format::detect(bytes));
    let mut reader = Reader::new(format, &mut visit);
    format.read(bytes, &mut reader);
    let mut reading = reader.reading;
    let mut ends = 0;
    for piece in bytes.chunks(PIECE) {
        ends += piece.iter().filter(|&&octet| octet == b'\n').count() as u64;
        let_go();
    }
    // The last line end begins no further line.
    reading.lines = ends + u64::from(!bytes.is_empty() && !bytes.ends_with(b"\n"));
    reading
}

/// What the formats hand over to: rules go on to the visitor, all else is counted.
pub(super) struct Reader<'v> {
    reading: Reading,
    visit: &'v mut dyn FnMut(u32, &Rule),
    refused_line: u32,
    /// The usual rule, used again for each usual line: a name is large to carry about.
    usual: Rule,
}

impl<'v> Reader<'v> {
    fn new(format: Format, visit: &'v mut dyn FnMut(u32, &Rule)) -> Reader<'v> {
        let reading = Reading {
            format,
            lines: 0,
            names: 0,
            furniture: 0,
            not_for_dns: 0,
            refused_lines: 0,
            flaws: Vec::new(),
            examples: Vec::new(),
        };
        Reader { reading, visit, refused_line: 0, usual: Rule::listing(Name::ROOT) }
    }

    /// A rule.
    pub(super) fn rule(&mut self, line: u32, rule: &Rule) {
        self.reading.names += 1;
        (self.visit)(line, rule);
    }

    /// A usual line at the front of `octets`, in one pass: one of `before`, a host name that `is_listed` lets be listed, `after`, and the end
    /// of the line. How many octets it took with its end; none, and nothing was done, when it is another line.
    #[inline]
    pub(super) fn usual(
        &mut self,
        line: u32,
        octets: &[u8],
        before: &[&[u8]],
        after: &[u8],
        is_listed: impl Fn(&[u8], &Name) -> bool,
    ) -> Option<usize> {
        let written = before.iter().find_map(|before| octets.strip_prefix(*before))?;
        let name = &mut self.usual.name;
        let (written, behind) = written.split_at_checked(name.take_host(written)?)?;
        let rest = match behind.strip_prefix(after)? {
            [] => &[],
            [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => rest,
            _ => return None,
        };
        if !is_listed(written, name) {
            return None;
        }
        self.reading.names += 1;
        (self.visit)(line, &self.usual);
        Some(octets.len() - rest.len())
    }

    /// The usual rule, or why there is none.
    #[inline]
    pub(super) fn name(&mut self, line: u32, written: &[u8], name: Result<Name, Flaw>) {
        match name {
            Ok(name) => self.rule(line, &Rule::listing(name)),
            Err(why) => self.refuse(line, written, why),
        }
    }

    /// An entry that says nothing about a name.
    pub(super) fn furniture(&mut self) {
        self.reading.furniture += 1;
    }

    /// An entry for others than resolvers.
    pub(super) fn not_for_dns(&mut self) {
        self.reading.not_for_dns += 1;
    }

    /// An entry that yields no rule. Lines come in rising order.
    pub(super) fn refuse(&mut self, line: u32, written: &[u8], why: Flaw) {
        let reading = &mut self.reading;
        let word = why.word();
        let place = reading.flaws.iter().position(|(known, _)| *known == word).unwrap_or_else(|| {
            reading.flaws.push((word, 0));
            reading.flaws.len() - 1
        });
        let count = &mut reading.flaws[place].1;
        *count += 1;
        if *count <= Reading::EXAMPLES {
            reading.examples.push(Refusal::new(line, written, why));
        }
        // Lines beyond the last countable one are one line here; a list has fewer.
        reading.refused_lines += u64::from(self.refused_line != line);
        self.refused_line = line;
    }
}

#[cfg(test)]
mod tests;
