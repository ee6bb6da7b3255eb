//! A column whose rows may each bring a word of their own: words by their numbers, or spelt out where most are new.

use bytes::Bytes;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;

use crate::store::part::BLOOMED;
use crate::store::part::chunk::{Finished, Order, Press, Written};
use crate::store::part::spelt::Spelt;
use crate::store::part::words::{NOTHING, Words};

/// The column, and its page under way.
pub(crate) struct Column {
    words: Words,
    bloom: bool,
    numbers: Vec<u32>,
    spelt: Spelt,
}

impl Column {
    /// The column of this name.
    pub(crate) fn new(name: &str) -> Column {
        let words = Words::new(Order::Text, true);
        Column { words, bloom: BLOOMED.contains(&name), numbers: Vec::new(), spelt: Spelt::default() }
    }

    /// Whether the page under way is spelt out: words have no numbers then.
    #[inline]
    pub(crate) fn is_spelt(&self) -> bool {
        self.words.is_mostly_new()
    }

    /// A row that says what `word` writes and `key` stands for; its number, where words have one.
    #[inline]
    pub(crate) fn push(&mut self, key: &[u8], word: impl FnOnce(&mut Vec<u8>)) -> u32 {
        if self.is_spelt() {
            self.spelt.say(word);
            return NOTHING;
        }
        let number = self.words.number(key, word);
        self.numbers.push(number);
        number
    }

    /// A row that says what stands for itself.
    #[inline]
    pub(crate) fn push_text(&mut self, text: &[u8]) {
        self.push(text, |word| word.extend_from_slice(text));
    }

    /// A row that says the word of a number.
    #[inline]
    pub(crate) fn push_number(&mut self, number: u32) {
        self.numbers.push(number);
    }

    /// A row that says nothing.
    #[inline]
    pub(crate) fn push_nothing(&mut self) {
        if self.is_spelt() { self.spelt.say_nothing() } else { self.numbers.push(NOTHING) }
    }

    /// Ends the page under way.
    pub(crate) fn end_page(&mut self, press: &mut Press) -> Result<(), ParquetError> {
        if self.is_spelt() {
            return self.words.spelt_page(press, &mut self.spelt, self.bloom);
        }
        self.words.page(press, &self.numbers, &self.numbers)?;
        self.numbers.clear();
        Ok(())
    }

    /// Whether it holds so much that its row group should end.
    pub(crate) fn is_heavy(&self) -> bool {
        self.words.is_heavy()
    }
}

impl Written for Column {
    fn finish(&mut self, press: &mut Press, column: Finished) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let filter = self.spelt.take_filter();
        self.words.finish_spelt(press, column, filter)
    }
}
