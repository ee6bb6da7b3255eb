//! Parts opened and read: only the row groups, pages, rows and columns that a filter leaves.

use std::fmt;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowFilter, RowSelection,
};
use parquet::arrow::{ProjectionMask, RowNumber};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;

use super::evaluate;
use super::filter::{Filter, Span, Term, Test};
use super::prune::{self, Group};
use crate::record::columns::{COLUMNS, index_of};
use crate::store::reader::PartRef;

/// Rows decoded at a time.
pub const BATCH_ROWS: usize = 8192;
/// Name of the column that [`OpenPart::locate`] adds: the row's place in the file, from 0.
pub const ROW: &str = "row_number";

/// Something of the log that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What.
    pub place: String,
    /// Why.
    pub why: String,
    /// It is not there any more.
    pub gone: bool,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not read: {}: {}", self.place, self.why)
    }
}

/// A part with its footer read.
pub struct OpenPart {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
}

impl OpenPart {
    /// Opens a part and reads its footer and page index. It is refused when it does not hold as many rows as the log says.
    pub fn open(part: &PartRef) -> Result<OpenPart, Unreadable> {
        let unreadable = |why: String, gone| Unreadable { place: part.path.display().to_string(), why, gone };
        let file = File::open(&part.path)
            .map_err(|why| unreadable(why.to_string(), why.kind() == std::io::ErrorKind::NotFound))?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, options).map_err(|why| why.to_string()))
            .map_err(|why| unreadable(why, false))?;
        let rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        if rows != part.rows {
            let why = format!("holds {rows} rows where the log says {}: run cordon log verify", part.rows);
            return Err(unreadable(why, false));
        }
        Ok(OpenPart { path: part.path.clone(), file, metadata })
    }

    /// Row groups that may hold rows of the filter, in the order of the file.
    pub fn groups(&self, filter: &Filter) -> Result<Vec<Group>, Unreadable> {
        guarded(|| prune::groups(&self.file, &self.metadata, filter).map_err(|why| why.to_string()))
            .map_err(|why| self.unreadable(why))
    }

    /// The rows of a group that a filter means, with the columns asked for that the file has; see [`conform`].
    pub fn read(
        &self,
        group: &Group,
        filter: &Filter,
        columns: &[usize],
    ) -> Result<ParquetRecordBatchReader, Unreadable> {
        self.build(self.metadata.clone(), group, filter, columns)
    }

    /// `time` and [`ROW`] of the rows of a group that a filter means.
    pub fn locate(&self, group: &Group, filter: &Filter) -> Result<ParquetRecordBatchReader, Unreadable> {
        let field = Field::new(ROW, DataType::Int64, false).with_extension_type(RowNumber);
        let numbered = ArrowReaderOptions::new()
            .with_virtual_columns(vec![Arc::new(field)])
            .and_then(|options| ArrowReaderMetadata::try_new(self.metadata.metadata().clone(), options))
            .map_err(|why| self.unreadable(why.to_string()))?;
        let time: Vec<usize> = index_of("time").into_iter().collect();
        self.build(numbered, group, filter, &time)
    }

    /// Whole rows of a group by their places in the file, which must ascend.
    pub fn fetch(&self, group: &Group, rows: &[u64]) -> Result<Vec<RecordBatch>, Unreadable> {
        let place = |row: &u64| usize::try_from(row.checked_sub(group.first_row)?).ok();
        let ranges = rows.iter().filter_map(place).map(|at| at..at + 1);
        let total = usize::try_from(group.rows).unwrap_or(usize::MAX);
        guarded(|| {
            let columns: Vec<usize> = (0..COLUMNS.len()).collect();
            let reader = self
                .builder(self.metadata.clone(), group, &columns)
                .and_then(|b| b.with_row_selection(RowSelection::from_consecutive_ranges(ranges, total)).build())
                .map_err(|why| why.to_string())?;
            let whole = reader.map(|batch| batch.and_then(|batch| conform(&batch, &columns)));
            whole.collect::<Result<Vec<_>, _>>().map_err(|why| why.to_string())
        })
        .map_err(|why| self.unreadable(why))
    }

    /// Says that this part cannot be read.
    pub fn unreadable(&self, why: String) -> Unreadable {
        Unreadable { place: self.path.display().to_string(), why, gone: false }
    }

    fn build(
        &self,
        metadata: ArrowReaderMetadata,
        group: &Group,
        filter: &Filter,
        columns: &[usize],
    ) -> Result<ParquetRecordBatchReader, Unreadable> {
        guarded(|| {
            let mut builder = self.builder(metadata, group, columns).map_err(|why| why.to_string())?;
            if let Some(pages) = &group.pages {
                builder = builder.with_row_selection(pages.clone());
            }
            let predicates = self.predicates(group, filter);
            if !predicates.is_empty() {
                builder = builder.with_row_filter(RowFilter::new(predicates));
            }
            builder.build().map_err(|why| why.to_string())
        })
        .map_err(|why| self.unreadable(why))
    }

    fn builder(
        &self,
        metadata: ArrowReaderMetadata,
        group: &Group,
        columns: &[usize],
    ) -> Result<ParquetRecordBatchReaderBuilder<File>, ParquetError> {
        let mask = self.mask(columns);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.try_clone()?, metadata);
        Ok(builder.with_row_groups(vec![group.index]).with_projection(mask).with_batch_size(BATCH_ROWS))
    }

    fn mask(&self, columns: &[usize]) -> ProjectionMask {
        let names = columns.iter().filter_map(|&place| COLUMNS.get(place)).map(|c| c.name);
        ProjectionMask::columns(self.metadata.parquet_schema(), names)
    }

    /// The filter as predicates, cheap ones first: each is judged only where those before it held.
    fn predicates(&self, group: &Group, filter: &Filter) -> Vec<Box<dyn ArrowPredicate>> {
        let mut predicates: Vec<Box<dyn ArrowPredicate>> = Vec::new();
        let span = filter.span;
        let inside = group.times.is_some_and(|(first, last)| span.holds(first) && span.holds(last));
        if span != Span::default() && !inside {
            let time: Vec<usize> = index_of("time").into_iter().collect();
            let judge = move |batch: RecordBatch| {
                let mask = evaluate::span(&span, &batch)?;
                Ok(mask.unwrap_or_else(|| vec![true; batch.num_rows()].into()))
            };
            predicates.push(Box::new(ArrowPredicateFn::new(self.mask(&time), judge)));
        }
        let mut terms: Vec<&Term> = filter.terms.iter().collect();
        terms.sort_by_key(|term| term.any.iter().any(|want| matches!(want.test, Test::Within(_) | Test::Under(_))));
        for term in terms {
            let columns: Vec<usize> = term.any.iter().map(|want| want.column).collect();
            let term = term.clone();
            let judge = move |batch: RecordBatch| evaluate::term(&term, &batch);
            predicates.push(Box::new(ArrowPredicateFn::new(self.mask(&columns), judge)));
        }
        predicates
    }
}

/// A batch with exactly the columns asked for, in the types of the table; a column that an older file lacks is all null.
pub fn conform(batch: &RecordBatch, columns: &[usize]) -> Result<RecordBatch, ArrowError> {
    let wanted: Vec<_> = columns.iter().filter_map(|&place| COLUMNS.get(place)).collect();
    let fields: Vec<Field> = wanted.iter().map(|c| Field::new(c.name, c.kind.arrow(), c.null)).collect();
    let arrays = wanted.iter().map(|c| evaluate::named(batch, c.name)).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
}

/// Runs a step of reading so that a damaged file ends as an error, even where the decoder panics on it.
pub fn guarded<T>(step: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| Err("is damaged: its decoder gave up".into()))
}
