//! A column of few words said often: each word once, and per row its number. A word is asked for by what it is made from, so that a name is
//! brought into presentation form once.

use std::cmp::Ordering;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;

use crate::store::keys::Keys;
use crate::store::part::bits::{self, Hybrid};
use crate::store::part::chunk::{Chunk, Ends, Finished, Order, Press, Written};
use crate::store::part::spelt::Spelt;

/// Octets of words and their keys a column may hold before its row group should end.
const MOST_OCTETS: usize = 4 << 20;

/// With so few words all are new at first, and there is nothing to be had by spelling them out.
const MOSTLY_NEW_FROM: usize = 1_000;

/// As many words as bits of a number.
const FEW: usize = 64;

/// The number of no word: a row says nothing.
pub(crate) const NOTHING: u32 = u32::MAX;

/// A column of words.
pub(crate) struct Words {
    order: Order,
    null: bool,
    keys: Keys,
    /// For each code of one octet the number of its word, and 1; 0 for one not met.
    codes: Vec<u32>,
    /// The words as the dictionary page has them.
    page: Vec<u8>,
    /// Where each word begins in it, behind its length where it has one, and what it is ordered by first.
    starts: Vec<u32>,
    fronts: Vec<u64>,
    /// The page a word was met on last, counted from 1.
    met: Vec<u32>,
    pages: u32,
    /// How many words there were when the last page ended, and what came of that.
    known: usize,
    is_mostly_new: bool,
    chunk: Chunk,
}

impl Words {
    /// An empty column; `null`: a row may say nothing.
    pub(crate) fn new(order: Order, null: bool) -> Words {
        Words {
            order,
            null,
            keys: Keys::default(),
            codes: Vec::new(),
            page: Vec::new(),
            starts: Vec::new(),
            fronts: Vec::new(),
            met: Vec::new(),
            pages: 1,
            known: 0,
            is_mostly_new: false,
            chunk: Chunk::new(order),
        }
    }

    /// The number of the word that `key` stands for; `word` writes it when it was never asked for before.
    pub(crate) fn number(&mut self, key: &[u8], word: impl FnOnce(&mut Vec<u8>)) -> u32 {
        let (number, new) = self.keys.number(key);
        if new {
            self.add(word);
        }
        number
    }

    /// As [`Words::number`], for what has a code: the few words of one octet need no search.
    pub(crate) fn coded(&mut self, code: u8, word: impl FnOnce(&mut Vec<u8>)) -> u32 {
        let known = self.codes.get(code as usize).copied().unwrap_or(0);
        if known > 0 {
            return known - 1;
        }
        let number = self.number(&[code], word);
        let most = self.codes.len().max(code as usize + 1);
        self.codes.resize(most, 0);
        self.codes[code as usize] = number + 1;
        number
    }

    /// The number of a text that is its own key.
    pub(crate) fn text(&mut self, text: &str) -> u32 {
        self.number(text.as_bytes(), |word| word.extend_from_slice(text.as_bytes()))
    }

    /// As [`Words::text`], where there may be none.
    pub(crate) fn option(&mut self, text: Option<&str>) -> u32 {
        text.map_or(NOTHING, |text| self.text(text))
    }

    #[cold]
    fn add(&mut self, word: impl FnOnce(&mut Vec<u8>)) {
        let at = self.page.len();
        if self.order == Order::Text {
            self.page.extend_from_slice(&[0; 4]);
        }
        let start = self.page.len();
        word(&mut self.page);
        if self.order == Order::Text {
            let length = (self.page.len() - start) as u32;
            self.page[at..start].copy_from_slice(&length.to_le_bytes());
        }
        self.starts.push(start as u32);
        self.fronts.push(self.order.front(&self.page[start..]));
        self.met.push(0);
    }

    /// Whether it holds so much that its row group should end.
    pub(crate) fn is_heavy(&self) -> bool {
        self.page.len() + self.keys.octets() > MOST_OCTETS
    }

    fn word(&self, number: u32) -> &[u8] {
        let start = self.starts[number as usize] as usize;
        let prefix = if self.order == Order::Text { 4 } else { 0 };
        let end = self.starts.get(number as usize + 1).map_or(self.page.len(), |&next| next as usize - prefix);
        &self.page[start..end]
    }

    fn less(&self, a: u32, b: u32) -> bool {
        match self.fronts[a as usize].cmp(&self.fronts[b as usize]) {
            Ordering::Equal => self.order.less(self.word(a), self.word(b)),
            unlike => unlike == Ordering::Less,
        }
    }

    /// The least and the greatest of some words; none when there is none but [`NOTHING`].
    fn ends(&mut self, numbers: &[u32]) -> Ends {
        let (mut least, mut greatest) = (NOTHING, NOTHING);
        if self.starts.len() <= FEW {
            let met =
                numbers.iter().filter(|number| **number != NOTHING).fold(0u64, |met, number| met | 1 << (number % 64));
            for number in (0..self.starts.len() as u32).filter(|number| met >> number & 1 == 1) {
                least = if least == NOTHING || self.less(number, least) { number } else { least };
                greatest = if greatest == NOTHING || self.less(greatest, number) { number } else { greatest };
            }
            return (least != NOTHING).then(|| (self.word(least).to_vec(), self.word(greatest).to_vec()));
        }
        for &number in numbers {
            // What says nothing has no place, and most words of a page come again on it.
            match self.met.get_mut(number as usize) {
                Some(met) if *met != self.pages => *met = self.pages,
                _ => continue,
            }
            if least == NOTHING {
                (least, greatest) = (number, number);
            } else if self.less(number, least) {
                least = number;
            } else if self.less(greatest, number) {
                greatest = number;
            }
        }
        (least != NOTHING).then(|| (self.word(least).to_vec(), self.word(greatest).to_vec()))
    }

    /// Writes a page whose rows all say the same.
    pub(crate) fn page_alike(&mut self, press: &mut Press, number: u32, rows: usize) -> Result<(), ParquetError> {
        let ends = self.ends(&[number]);
        let says = number != NOTHING;
        let (page, loose) = press.page();
        if self.null {
            bits::levels(std::iter::once((says, rows)), page, loose);
        }
        let width = self.width();
        page.push(width as u8);
        if says {
            let mut numbers = Hybrid::new(width, page, loose);
            numbers.push(number, rows);
            numbers.finish();
        }
        self.end_page(press, rows, if says { 0 } else { rows }, ends)
    }

    /// Writes a page whose rows say these numbers in their order. `said` has each of them at least once.
    pub(crate) fn page(&mut self, press: &mut Press, numbers: &[u32], said: &[u32]) -> Result<(), ParquetError> {
        let rows = numbers.len();
        // Counted in as many bits as the numbers have, so that several are looked at at once.
        let nothing = numbers.iter().map(|number| u32::from(*number == NOTHING)).sum::<u32>() as usize;
        let pairs = numbers.iter().zip(numbers.get(1..).unwrap_or_default());
        let changes = pairs.map(|(a, b)| u32::from(a != b)).sum::<u32>() as usize;
        let ends = self.ends(said);
        let (page, loose) = press.page();
        if self.null {
            let runs = numbers.chunk_by(|a, b| (*a == NOTHING) == (*b == NOTHING));
            match nothing {
                0 => bits::levels(std::iter::once((true, rows)), page, loose),
                _ => bits::levels(runs.map(|run| (run[0] != NOTHING, run.len())), page, loose),
            }
        }
        let width = self.width();
        page.push(width as u8);
        if changes * 2 < rows {
            let mut packed = Hybrid::new(width, page, loose);
            let runs = numbers.chunk_by(|a, b| a == b).filter(|run| run[0] != NOTHING);
            runs.for_each(|run| packed.push(run[0], run.len()));
            packed.finish();
        } else if nothing == 0 {
            // Hardly a row says what the one before it said: there are no runs worth looking for.
            bits::packed(numbers, width, page);
        } else {
            loose.clear();
            loose.extend(numbers.iter().filter(|number| **number != NOTHING));
            bits::packed(loose, width, page);
        }
        self.end_page(press, rows, nothing, ends)
    }

    /// How many bits a number has in a page.
    fn width(&self) -> u32 {
        bits::width((self.starts.len() as u32).saturating_sub(1))
    }

    fn end_page(&mut self, press: &mut Press, rows: usize, nothing: usize, ends: Ends) -> Result<(), ParquetError> {
        self.chunk.end_page(press, Encoding::RLE_DICTIONARY, rows, nothing as u64, ends)?;
        self.pages += 1;
        self.is_mostly_new = self.starts.len() > MOSTLY_NEW_FROM && (self.starts.len() - self.known) * 2 > rows;
        self.known = self.starts.len();
        Ok(())
    }

    /// Writes a page whose rows are spelt out.
    pub(crate) fn spelt_page(&mut self, press: &mut Press, spelt: &mut Spelt, bloom: bool) -> Result<(), ParquetError> {
        spelt.end_page(press, &mut self.chunk, bloom)
    }

    /// Whether most rows of the last page brought a word that was new: the next ones may be spelt out.
    pub(crate) fn is_mostly_new(&self) -> bool {
        self.is_mostly_new
    }

    /// As [`Written::finish`], with a filter of the words that were spelt out.
    pub(crate) fn finish_spelt(
        &mut self,
        press: &mut Press,
        column: Finished,
        spelt: Option<Sbbf>,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let chunk = std::mem::replace(&mut self.chunk, Chunk::new(self.order));
        let words = (0..self.starts.len() as u32).map(|number| self.word(number));
        let finished = chunk.finish(press, column, Some((&self.page, words)), spelt)?;
        self.keys.clear();
        self.codes.clear();
        self.page.clear();
        self.starts.clear();
        self.fronts.clear();
        self.met.clear();
        self.pages = 1;
        (self.known, self.is_mostly_new) = (0, false);
        Ok(finished)
    }
}

impl Written for Words {
    fn finish(&mut self, press: &mut Press, column: Finished) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        self.finish_spelt(press, column, None)
    }
}
