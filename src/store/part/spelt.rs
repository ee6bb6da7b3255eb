//! A page of a column whose words are spelt out, row by row: for stretches in which nearly every row brings a word of its own, as with names
//! that are asked for once. To find out that a word is new costs more than to write it again. Lengths come first, then the words one behind
//! the other (Apache Parquet, "Encodings": DELTA_LENGTH_BYTE_ARRAY = 6): lengths between words would be in the way of who compresses them.

use parquet::basic::Encoding;
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;

use crate::store::part::bits;
use crate::store::part::chunk::{Chunk, Ends, Press};
use crate::store::part::{FALSELY, GROUP_ROWS};

/// The page under way.
#[derive(Default)]
pub(crate) struct Spelt {
    /// The words, one behind the other, and how long each is.
    octets: Vec<u8>,
    lengths: Vec<i64>,
    /// Rows that say something, or do not, in turns.
    said: Vec<(bool, usize)>,
    rows: usize,
    /// What pages before this one said, where the column has a filter.
    filter: Option<Sbbf>,
}

impl Spelt {
    /// A row that says what `word` writes.
    #[inline]
    pub(crate) fn say(&mut self, word: impl FnOnce(&mut Vec<u8>)) {
        let at = self.octets.len();
        word(&mut self.octets);
        self.lengths.push((self.octets.len() - at) as i64);
        self.row(true);
    }

    /// A row that says nothing.
    pub(crate) fn say_nothing(&mut self) {
        self.row(false);
    }

    #[inline]
    fn row(&mut self, says: bool) {
        self.rows += 1;
        match self.said.last_mut() {
            Some((same, rows)) if *same == says => *rows += 1,
            _ => self.said.push((says, 1)),
        }
    }

    /// Ends the page. `bloom`: its words are to be found by a filter.
    pub(crate) fn end_page(&mut self, press: &mut Press, chunk: &mut Chunk, bloom: bool) -> Result<(), ParquetError> {
        let nothing: u64 = self.said.iter().filter(|(says, _)| !says).map(|(_, rows)| *rows as u64).sum();
        let ends = self.ends();
        if bloom {
            let filter = match self.filter.take() {
                Some(filter) => filter,
                // As large as any could be; it is folded to what there is at the end.
                None => Sbbf::new_with_ndv_fpp(GROUP_ROWS as u64, FALSELY)?,
            };
            let filter = self.filter.insert(filter);
            words(&self.octets, &self.lengths).for_each(|word| filter.insert(word));
        }
        let (page, loose) = press.page();
        bits::levels(self.said.iter().copied(), page, loose);
        bits::differences(&self.lengths, true, page);
        page.extend_from_slice(&self.octets);
        chunk.end_page(press, Encoding::DELTA_LENGTH_BYTE_ARRAY, self.rows, nothing, ends)?;
        self.octets.clear();
        self.lengths.clear();
        self.said.clear();
        self.rows = 0;
        Ok(())
    }

    /// The filter of all pages since the last call.
    pub(crate) fn take_filter(&mut self) -> Option<Sbbf> {
        self.filter.take()
    }

    /// The least and the greatest word.
    fn ends(&self) -> Ends {
        let front = |word: &[u8]| {
            let mut front = [0; 8];
            let length = word.len().min(8);
            front[..length].copy_from_slice(&word[..length]);
            u64::from_be_bytes(front)
        };
        let mut ends: Option<[(u64, &[u8]); 2]> = None;
        for word in words(&self.octets, &self.lengths) {
            let word = (front(word), word);
            ends = Some(match ends {
                None => [word, word],
                Some([least, greatest]) => [least.min(word), greatest.max(word)],
            });
        }
        ends.map(|[(_, least), (_, greatest)]| (least.to_vec(), greatest.to_vec()))
    }
}

/// The words of a page.
fn words<'w>(mut octets: &'w [u8], lengths: &'w [i64]) -> impl Iterator<Item = &'w [u8]> {
    lengths.iter().map_while(move |length| {
        let (word, rest) = octets.split_at_checked(*length as usize)?;
        octets = rest;
        Some(word)
    })
}
