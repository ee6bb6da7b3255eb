//! A column of few words said often: each word once, and per row its number. Rows bring what a word is made from, so that a name is
//! brought into presentation form once and not once a row.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use bytes::Bytes;
use foldhash::fast::RandomState;
use parquet::basic::Encoding;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;

use crate::store::part::bits::{self, Hybrid};
use crate::store::part::chunk::{Chunk, Finished, Order, Press, Written};

/// Octets of words and their keys a column may hold before its row group should end.
const MOST_OCTETS: usize = 4 << 20;

/// Whether two keys are the same. They are short: a call of the C library costs more than comparing them here.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (words_a, rest_a) = a.as_chunks::<8>();
    let (words_b, rest_b) = b.as_chunks::<8>();
    let words = words_a.iter().zip(words_b).all(|(a, b)| u64::from_le_bytes(*a) == u64::from_le_bytes(*b));
    words && rest_a.iter().zip(rest_b).all(|(a, b)| a == b)
}

/// What rows bring, each once: octets to a number from 0 on.
#[derive(Default)]
struct Keys {
    octets: Vec<u8>,
    ends: Vec<u32>,
    /// Upper half: of the hash. Lower half: the number and 1; 0 for an empty slot. As many as a power of two.
    slots: Vec<u64>,
    hasher: RandomState,
}

impl Keys {
    fn of(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.octets[start..self.ends[number] as usize]
    }

    fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
        self.slots.fill(0);
    }

    /// The number of a key, and whether it is new.
    fn number(&mut self, key: &[u8]) -> (u32, bool) {
        if self.slots.len() < 2 * (self.ends.len() + 1) {
            self.grow();
        }
        let hash = self.hasher.hash_one(key);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                let number = self.ends.len() as u32;
                self.slots[at] = hash >> 32 << 32 | u64::from(number + 1);
                self.octets.extend_from_slice(key);
                self.ends.push(self.octets.len() as u32);
                return (number, true);
            }
            if slot >> 32 == hash >> 32 && same(self.of(slot as u32 - 1), key) {
                return (slot as u32 - 1, false);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        self.slots.clear();
        self.slots.resize(size, 0);
        for number in 0..self.ends.len() as u32 {
            let hash = self.hasher.hash_one(self.of(number));
            let mut at = hash as usize & (size - 1);
            while self.slots[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            self.slots[at] = hash >> 32 << 32 | u64::from(number + 1);
        }
    }
}

/// Stands for no word.
const NOTHING: u32 = u32::MAX;

/// Rows in a row that say the same.
#[derive(Clone, Copy)]
struct Run {
    /// The number of the word, or [`NOTHING`].
    number: u32,
    rows: u32,
}

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
    /// What the rows of the page under way say.
    runs: Vec<Run>,
    /// The word said last in this row group, and its key.
    last: u32,
    said: Vec<u8>,
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
            runs: Vec::new(),
            last: NOTHING,
            said: Vec::new(),
            chunk: Chunk::new(order),
        }
    }

    /// A row that says what `key` stands for; `word` writes it when it was never met before. Gives its number.
    #[inline]
    pub(crate) fn push(&mut self, key: &[u8], word: impl FnOnce(&mut Vec<u8>)) -> u32 {
        // Very often a row says what the row before it said.
        if same(&self.said, key) && self.last != NOTHING {
            self.push_number(self.last);
            return self.last;
        }
        let (number, new) = self.keys.number(key);
        if new {
            self.add(word);
        }
        self.push_number(number);
        self.last = number;
        self.said.clear();
        self.said.extend_from_slice(key);
        number
    }

    /// As [`Words::push`], for what has a code: the few words of one octet need no search.
    #[inline]
    pub(crate) fn push_code(&mut self, code: u8, word: impl FnOnce(&mut Vec<u8>)) {
        let known = self.codes.get(code as usize).copied().unwrap_or(0);
        if known > 0 {
            return self.push_number(known - 1);
        }
        let number = self.push(&[code], word);
        let most = self.codes.len().max(code as usize + 1);
        self.codes.resize(most, 0);
        self.codes[code as usize] = number + 1;
    }

    /// A row that says the word of this number.
    #[inline]
    pub(crate) fn push_number(&mut self, number: u32) {
        match self.runs.last_mut() {
            Some(run) if run.number == number => run.rows += 1,
            _ => self.runs.push(Run { number, rows: 1 }),
        }
    }

    /// A row that says nothing.
    #[inline]
    pub(crate) fn push_null(&mut self) {
        self.push_number(NOTHING);
    }

    /// A row that says what the row before it on this page said.
    #[inline]
    pub(crate) fn push_again(&mut self) {
        if let Some(run) = self.runs.last_mut() {
            run.rows += 1;
        }
    }

    /// A row whose word is its key, or nothing.
    #[inline]
    pub(crate) fn push_option(&mut self, text: Option<&str>) {
        match text {
            Some(text) => drop(self.push(text.as_bytes(), |word| word.extend_from_slice(text.as_bytes()))),
            None => self.push_null(),
        }
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
        self.page.len() + self.keys.octets.len() > MOST_OCTETS
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

    /// The least and the greatest word of the page under way; none when no row says anything.
    fn ends(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (mut least, mut greatest) = (NOTHING, NOTHING);
        for at in 0..self.runs.len() {
            let number = self.runs[at].number;
            if number == NOTHING || self.met[number as usize] == self.pages {
                continue;
            }
            self.met[number as usize] = self.pages;
            if least == NOTHING || self.less(number, least) {
                least = number;
            }
            if greatest == NOTHING || self.less(greatest, number) {
                greatest = number;
            }
        }
        (least != NOTHING).then(|| (self.word(least).to_vec(), self.word(greatest).to_vec()))
    }
}

impl Written for Words {
    fn end_page(&mut self, press: &mut Press) -> Result<(), ParquetError> {
        let count = |runs: &mut dyn Iterator<Item = &Run>| runs.map(|run| run.rows as usize).sum::<usize>();
        let rows = count(&mut self.runs.iter());
        if rows == 0 {
            return Ok(());
        }
        let nulls = count(&mut self.runs.iter().filter(|run| run.number == NOTHING));
        let ends = self.ends();
        let (page, loose) = press.page();
        if self.null {
            page.extend_from_slice(&[0; 4]);
            let mut levels = Hybrid::new(1, page, loose);
            self.runs.iter().for_each(|run| levels.push(u32::from(run.number != NOTHING), run.rows as usize));
            levels.finish();
            let length = (page.len() - 4) as u32;
            page[..4].copy_from_slice(&length.to_le_bytes());
        }
        let width = bits::width((self.starts.len() as u32).saturating_sub(1));
        page.push(width as u8);
        let mut numbers = Hybrid::new(width, page, loose);
        let said = self.runs.iter().filter(|run| run.number != NOTHING);
        said.for_each(|run| numbers.push(run.number, run.rows as usize));
        numbers.finish();
        self.chunk.end_page(press, Encoding::RLE_DICTIONARY, rows, nulls as u64, ends)?;
        self.runs.clear();
        self.pages += 1;
        Ok(())
    }

    fn finish(&mut self, press: &mut Press, column: Finished) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let chunk = std::mem::replace(&mut self.chunk, Chunk::new(self.order));
        let words = (0..self.starts.len() as u32).map(|number| self.word(number));
        let finished = chunk.finish(press, column, Some((&self.page, words)))?;
        self.keys.clear();
        self.codes.clear();
        self.page.clear();
        self.starts.clear();
        self.fronts.clear();
        self.met.clear();
        self.pages = 1;
        self.last = NOTHING;
        Ok(finished)
    }
}
