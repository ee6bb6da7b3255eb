//! Columns whose words come together: what one piece of a row says in each of them is told once, and a row then is one number.

use parquet::errors::ParquetError;

use crate::record::columns::{COLUMNS, Kind};
use crate::store::part::chunk::{Order, Press};
use crate::store::part::words::Words;

/// Some columns, what they say together, and which rows of the page under way say it.
pub(crate) struct Table<const N: usize> {
    /// The columns, in the order they were named in.
    pub(crate) columns: [Words; N],
    /// For each column and entry the number of its word.
    says: [Vec<u32>; N],
    /// Whether a column says the same in every entry, as most do.
    alike: [bool; N],
    /// By the number a piece is kept under: its entry, plus one.
    entries: Vec<u32>,
    /// The entries of the rows of the page under way.
    page: Vec<u32>,
    /// The same, each once, and the page each entry was met on last, counted from 1.
    distinct: Vec<u32>,
    met: Vec<u32>,
    pages: u32,
    /// What the rows, and what these entries say in one column.
    numbers: Vec<u32>,
    said: Vec<u32>,
}

impl<const N: usize> Table<N> {
    /// Of the columns of these names.
    pub(crate) fn new(names: [&str; N]) -> Table<N> {
        Table {
            columns: names.map(|name| {
                let column = COLUMNS.iter().find(|column| column.name == name);
                let (kind, null) = column.map_or((Kind::Text, true), |column| (column.kind, column.null));
                Words::new(Order::of(kind), null)
            }),
            says: std::array::from_fn(|_| Vec::new()),
            alike: [true; N],
            entries: Vec::new(),
            page: Vec::new(),
            distinct: Vec::new(),
            met: Vec::new(),
            pages: 1,
            numbers: Vec::new(),
            said: Vec::new(),
        }
    }

    /// The entry of a piece that is kept under a number, if it has one.
    #[inline]
    pub(crate) fn entry(&self, number: u32) -> Option<u32> {
        self.entries.get(number as usize)?.checked_sub(1)
    }

    /// A further entry: the number of its word in each column.
    pub(crate) fn add(&mut self, words: [u32; N]) -> u32 {
        let entry = self.says.first().map_or(0, Vec::len) as u32;
        for ((says, alike), word) in self.says.iter_mut().zip(&mut self.alike).zip(words) {
            *alike &= says.first().is_none_or(|first| *first == word);
            says.push(word);
        }
        self.met.push(0);
        entry
    }

    /// Has a piece that is kept under a number found by it.
    pub(crate) fn keep(&mut self, number: u32, entry: u32) {
        if self.entries.len() <= number as usize {
            self.entries.resize(number as usize + 1, 0);
        }
        self.entries[number as usize] = entry + 1;
    }

    /// A row that says what an entry says.
    #[inline]
    pub(crate) fn push(&mut self, entry: u32) {
        self.page.push(entry);
        match self.met.get_mut(entry as usize) {
            Some(met) if *met != self.pages => {
                *met = self.pages;
                self.distinct.push(entry);
            }
            _ => {}
        }
    }

    /// Ends the page under way.
    pub(crate) fn end_page(&mut self, press: &mut Press) -> Result<(), ParquetError> {
        for ((column, says), alike) in self.columns.iter_mut().zip(&self.says).zip(self.alike) {
            match (alike, says.first()) {
                (true, Some(&word)) => column.page_alike(press, word, self.page.len())?,
                _ => {
                    self.numbers.clear();
                    self.numbers.extend(self.page.iter().map(|entry| says[*entry as usize]));
                    self.said.clear();
                    self.said.extend(self.distinct.iter().map(|entry| says[*entry as usize]));
                    column.page(press, &self.numbers, &self.said)?;
                }
            }
        }
        self.page.clear();
        self.distinct.clear();
        self.pages += 1;
        Ok(())
    }

    /// Forgets what is said, for the next row group.
    pub(crate) fn clear(&mut self) {
        self.says.iter_mut().for_each(Vec::clear);
        self.alike = [true; N];
        self.entries.clear();
        self.met.clear();
        self.pages = 1;
    }

    /// Whether it holds so much that its row group should end.
    pub(crate) fn is_heavy(&self) -> bool {
        self.columns.iter().any(Words::is_heavy)
    }
}
