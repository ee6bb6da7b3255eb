//! The columns that come of the name asked for: the name, its site, and the rule that spoke where a line of a list did. Names come in any
//! number, and each may bring a word of its own to each of them; where most do, words are spelt out.

use std::io::Write;

use parquet::errors::ParquetError;

use crate::dns::name::show_name;
use crate::store::batch::site_within;
use crate::store::frame::pieces::Own;
use crate::store::part::chunk::Press;
use crate::store::part::column::Column;
use crate::store::part::words::NOTHING;

/// The columns.
pub(crate) const NAMED: [&str; 3] = ["qname", "site", "rule"];

/// Which rule spoke, as far as it does not come of the name.
#[derive(Clone, Debug)]
pub(crate) enum Spoke {
    /// None.
    Nothing,
    /// One that has this text.
    Text(Box<str>),
    /// A line of a list: which one differs from row to row.
    Line,
}

/// What came of a name the last time.
#[derive(Clone, Copy)]
struct Of {
    /// The word of its site.
    site: u32,
    /// The line of a list that spoke, with how many labels it covers, and the word for it.
    line: u32,
    labels: u8,
    rule: u32,
}

/// The name of the row, and how it is shown once that has been asked for.
struct Shown<'a> {
    wire: &'a [u8],
    text: &'a mut Vec<u8>,
}

impl Shown<'_> {
    fn all(&mut self) -> &[u8] {
        if self.text.is_empty() {
            show_name(self.text, self.wire);
        }
        self.text
    }

    /// Appends the name `within`, which is the end of this one.
    fn end(&mut self, within: &[u8], word: &mut Vec<u8>) {
        let (whole, length) = (self.wire.len(), within.len().saturating_sub(2));
        let shown = self.all();
        // A label has a dot before it where the wire form has its length; both ends have an octet less. Where octets had to be escaped,
        // what is shown is longer.
        match shown.len().checked_sub(length).and_then(|from| shown.get(from..)) {
            Some(end) if length > 0 && shown.len() + 2 == whole => word.extend_from_slice(end),
            _ => show_name(word, within),
        }
    }
}

/// Columns that come of the name.
pub(crate) struct Named {
    /// In the order of [`NAMED`].
    pub(crate) columns: [Column; NAMED.len()],
    /// By the number of the name, where names have one.
    of: Vec<Of>,
    /// Where a name is shown, and where a key is put together.
    text: Vec<u8>,
    key: Vec<u8>,
}

/// Before the key of a rule's text, and before that of a line.
const TEXT: u8 = 0;
const LINE: u8 = 1;

impl Named {
    /// Empty ones.
    pub(crate) fn new() -> Named {
        Named { columns: NAMED.map(Column::new), of: Vec::new(), text: Vec::new(), key: Vec::new() }
    }

    /// A row.
    #[inline]
    pub(crate) fn push(&mut self, own: &Own<'_>, spoke: &Spoke) {
        let Named { columns: [qname, site, rule], of, text, key } = self;
        text.clear();
        let mut shown = Shown { wire: own.qname, text };
        let mut known = None;
        if own.qname.is_empty() {
            qname.push_nothing();
            site.push_nothing();
        } else {
            let number = qname.push(own.qname, |word| word.extend_from_slice(shown.all())) as usize;
            match of.get(number) {
                Some(of) if !site.is_spelt() => site.push_number(of.site),
                _ => {
                    let site = push_site(site, &mut shown);
                    if number == of.len() {
                        of.push(Of { site, line: 0, labels: 0, rule: NOTHING });
                    }
                }
            }
            known = of.get_mut(number);
        }
        match spoke {
            Spoke::Nothing => rule.push_nothing(),
            Spoke::Text(text) => {
                key.clear();
                key.push(TEXT);
                key.extend_from_slice(text.as_bytes());
                rule.push(key, |word| word.extend_from_slice(text.as_bytes()));
            }
            Spoke::Line => match known {
                Some(of)
                    if of.rule != NOTHING && (of.line, of.labels) == (own.line, own.labels) && !rule.is_spelt() =>
                {
                    rule.push_number(of.rule);
                }
                known => {
                    let number = push_line(rule, key, own, &mut shown);
                    if let Some(of) = known {
                        (of.line, of.labels, of.rule) = (own.line, own.labels, number);
                    }
                }
            },
        }
    }

    /// Ends the page under way.
    pub(crate) fn end_page(&mut self, press: &mut Press) -> Result<(), ParquetError> {
        self.columns.iter_mut().try_for_each(|column| column.end_page(press))
    }

    /// Forgets what came of names, for the next row group.
    pub(crate) fn clear(&mut self) {
        self.of.clear();
    }

    /// Whether it holds so much that its row group should end.
    pub(crate) fn is_heavy(&self) -> bool {
        self.columns.iter().any(Column::is_heavy)
    }
}

fn push_site(site: &mut Column, shown: &mut Shown<'_>) -> u32 {
    match site_within(shown.wire) {
        Some(within) => site.push(within, |word| shown.end(within, word)),
        None => {
            site.push_nothing();
            NOTHING
        }
    }
}

/// A row for whose name a line of a list spoke; the number of its word, where words have one.
fn push_line(rule: &mut Column, key: &mut Vec<u8>, own: &Own<'_>, shown: &mut Shown<'_>) -> u32 {
    let covered = last_labels(own.qname, usize::from(own.labels));
    key.clear();
    key.push(LINE);
    key.extend_from_slice(&own.line.to_le_bytes());
    key.extend_from_slice(covered);
    rule.push(key, |word| {
        // Memory takes any octets: this cannot fail.
        let _ = write!(word, "{}:", own.line);
        if !covered.is_empty() {
            shown.end(covered, word);
        }
    })
}

/// The last labels of a name in wire form: as `Name::last_labels`. Nothing of what is no name.
fn last_labels(wire: &[u8], labels: usize) -> &[u8] {
    let suffixes = || {
        std::iter::successors(Some(wire), |rest| match rest.split_first() {
            Some((&length, rest)) if length > 0 => rest.get(length as usize..),
            _ => None,
        })
    };
    // The root is the last of them.
    let skip = suffixes().count().saturating_sub(labels + 1);
    suffixes().nth(skip).unwrap_or_default()
}
