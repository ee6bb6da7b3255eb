//! What need not be read: row groups and pages that statistics or a bloom filter show to hold no row of a filter.
//!
//! Each answer errs to the side of reading. Bounds that a writer cut short are still bounds, so they may be compared with.

use std::fs::File;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::datatypes::{DataType, TimestampMicrosecondType, UInt16Type, UInt32Type, UInt64Type};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::errors::ParquetError;

use super::evaluate::octets_of;
use super::filter::{Filter, Term, Test, Want};
use crate::moment::Moment;
use crate::record::columns::{COLUMNS, index_of};

/// A row group worth reading.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its place in the file.
    pub index: usize,
    /// The file's rows before it.
    pub first_row: u64,
    /// Its rows.
    pub rows: u64,
    /// When its first and its last query arrived, where the file says so.
    pub times: Option<(Moment, Moment)>,
    /// Which of its pages are worth reading; none: all.
    pub pages: Option<RowSelection>,
}

/// The row groups of a file that may hold rows of a filter, in the order of the file.
pub fn groups(file: &File, metadata: &ArrowReaderMetadata, filter: &Filter) -> Result<Vec<Group>, ParquetError> {
    let statistics = Statistics { metadata };
    let mut first_row = 0;
    let mut kept = Vec::new();
    for (index, group) in metadata.metadata().row_groups().iter().enumerate() {
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        let here = Group { index, first_row, rows, times: None, pages: None };
        first_row += rows;
        let times = match index_of("time").map(|time| statistics.of_group(time, index)).transpose()?.flatten() {
            Some(bounds) => bounds.times(0),
            None => None,
        };
        if times.is_some_and(|(first, last)| !filter.span.touches(first, last)) {
            continue;
        }
        let mut may = true;
        for term in &filter.terms {
            may = may && statistics.term(term, index)? && passes_blooms(file, metadata, term, index)?;
        }
        if !may {
            continue;
        }
        let pages = statistics.pages(filter, index)?;
        if pages.as_ref().is_some_and(|pages| !pages.selects_any()) {
            continue;
        }
        kept.push(Group { times, pages, ..here });
    }
    Ok(kept)
}

/// Bounds of a column over row groups or pages; any of them may be missing.
struct Bounds {
    least: ArrayRef,
    most: ArrayRef,
    nulls: UInt64Array,
    rows: UInt64Array,
}

struct Statistics<'a> {
    metadata: &'a ArrowReaderMetadata,
}

impl Statistics<'_> {
    fn converter(&self, column: usize) -> Option<StatisticsConverter<'_>> {
        let name = COLUMNS.get(column)?.name;
        let made = StatisticsConverter::try_new(name, self.metadata.schema(), self.metadata.parquet_schema()).ok()?;
        made.parquet_column_index()?;
        Some(made.with_missing_null_counts_as_zero(false))
    }

    fn of_group(&self, column: usize, index: usize) -> Result<Option<Bounds>, ParquetError> {
        let Some(converter) = self.converter(column) else { return Ok(None) };
        let group = [self.metadata.metadata().row_group(index)];
        let Some(rows) = converter.row_group_row_counts(group)? else { return Ok(None) };
        Ok(Some(Bounds {
            least: converter.row_group_mins(group)?,
            most: converter.row_group_maxes(group)?,
            nulls: converter.row_group_null_counts(group)?,
            rows,
        }))
    }

    fn of_pages(&self, column: usize, index: usize) -> Result<Option<Bounds>, ParquetError> {
        let Some(converter) = self.converter(column) else { return Ok(None) };
        let whole = self.metadata.metadata();
        let Some(pages) = whole.page_index().map(|pages| &**pages) else { return Ok(None) };
        let Some(rows) = converter.data_page_row_counts(pages, whole.row_groups(), &[index])? else { return Ok(None) };
        let bounds = Bounds {
            least: converter.data_page_mins(pages, &[index])?,
            most: converter.data_page_maxes(pages, &[index])?,
            nulls: converter.data_page_null_counts(pages, &[index])?,
            rows,
        };
        let pages = bounds.rows.len();
        let whole = bounds.least.len() == pages && bounds.most.len() == pages && bounds.nulls.len() == pages;
        Ok((whole && bounds.rows.null_count() == 0 && pages > 0).then_some(bounds))
    }

    /// Whether a row group may hold a row of a term.
    fn term(&self, term: &Term, index: usize) -> Result<bool, ParquetError> {
        for want in &term.any {
            match self.of_group(want.column, index)? {
                Some(bounds) if !bounds.may_hold(&want.test, 0) => {}
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    /// The pages that may hold a row of the filter; none when the page index does not help.
    fn pages(&self, filter: &Filter, index: usize) -> Result<Option<RowSelection>, ParquetError> {
        let mut kept: Option<RowSelection> = None;
        let mut narrow = |selection: RowSelection| {
            kept = Some(match kept.take() {
                Some(kept) => kept.intersection(&selection),
                None => selection,
            });
        };
        if filter.span != Default::default()
            && let Some(time) = index_of("time")
            && let Some(bounds) = self.of_pages(time, index)?
        {
            narrow(
                bounds
                    .selection(|page| bounds.times(page).is_none_or(|(first, last)| filter.span.touches(first, last))),
            );
        }
        for term in &filter.terms {
            let mut any: Option<RowSelection> = None;
            let mut helps = true;
            for want in &term.any {
                let Some(bounds) = self.of_pages(want.column, index)? else {
                    helps = false;
                    break;
                };
                let selection = bounds.selection(|page| bounds.may_hold(&want.test, page));
                any = Some(match any {
                    Some(any) => any.union(&selection),
                    None => selection,
                });
            }
            if let (true, Some(any)) = (helps, any) {
                narrow(any);
            }
        }
        Ok(kept)
    }
}

impl Bounds {
    fn selection(&self, may: impl Fn(usize) -> bool) -> RowSelection {
        let pages = self.rows.values().iter().enumerate();
        let selectors = pages.map(|(page, rows)| {
            let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
            if may(page) { RowSelector::select(rows) } else { RowSelector::skip(rows) }
        });
        selectors.collect()
    }

    fn times(&self, at: usize) -> Option<(Moment, Moment)> {
        let least = self.least.as_primitive_opt::<TimestampMicrosecondType>()?;
        let most = self.most.as_primitive_opt::<TimestampMicrosecondType>()?;
        (least.is_valid(at) && most.is_valid(at)).then(|| (Moment(least.value(at)), Moment(most.value(at))))
    }

    /// Whether a value that passes `test` may be among those bounded at `at`.
    fn may_hold(&self, test: &Test, at: usize) -> bool {
        let nulls = self.nulls.is_valid(at).then(|| self.nulls.value(at));
        if *test == Test::Null {
            return nulls != Some(0);
        }
        if nulls.is_some() && self.rows.is_valid(at) && nulls == Some(self.rows.value(at)) {
            return false;
        }
        match test {
            Test::Text(text) => self.may_hold_text(at, text, text),
            Test::Number(number) => self.may_hold_number(at, *number),
            // Addresses are bounded as text; '/' follows '.', so these two enclose every text that begins with the octets.
            Test::Within(prefix) => match octets_of(prefix) {
                Some(octets) => {
                    let after = format!("{}/", octets.trim_end_matches('.'));
                    self.may_hold_text(at, &octets, &after)
                }
                None => true,
            },
            Test::Null | Test::Folded(_) | Test::Under(_) | Test::Item(_) => true,
        }
    }

    fn may_hold_text(&self, at: usize, first: &str, last: &str) -> bool {
        match (self.least.as_string_opt::<i32>(), self.most.as_string_opt::<i32>()) {
            (Some(least), Some(most)) if least.is_valid(at) && most.is_valid(at) => {
                least.value(at) <= last && most.value(at) >= first
            }
            _ => true,
        }
    }

    fn may_hold_number(&self, at: usize, number: u64) -> bool {
        match (unsigned(&self.least, at), unsigned(&self.most, at)) {
            (Some(least), Some(most)) => least <= number && number <= most,
            _ => true,
        }
    }
}

fn unsigned(array: &ArrayRef, at: usize) -> Option<u64> {
    if !array.is_valid(at) {
        return None;
    }
    match array.data_type() {
        DataType::UInt16 => Some(u64::from(array.as_primitive::<UInt16Type>().value(at))),
        DataType::UInt32 => Some(u64::from(array.as_primitive::<UInt32Type>().value(at))),
        DataType::UInt64 => Some(array.as_primitive::<UInt64Type>().value(at)),
        _ => None,
    }
}

/// Whether the bloom filters of a row group leave room for a term. Only exact text is asked of them.
fn passes_blooms(file: &File, metadata: &ArrowReaderMetadata, term: &Term, index: usize) -> Result<bool, ParquetError> {
    for Want { column, test, .. } in &term.any {
        let Test::Text(text) = test else { return Ok(true) };
        let Some(name) = COLUMNS.get(*column).map(|c| c.name) else { return Ok(true) };
        let columns = metadata.parquet_schema().columns();
        let Some(place) = columns.iter().position(|c| c.name() == name) else { return Ok(true) };
        if metadata.metadata().row_group(index).column(place).bloom_filter_offset().is_none() {
            return Ok(true);
        }
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file.try_clone()?, metadata.clone());
        match reader.get_row_group_column_bloom_filter(index, place)? {
            Some(bloom) if !bloom.check(text.as_str()) => {}
            _ => return Ok(true),
        }
    }
    Ok(false)
}
