//! Counts of rows by columns and by spans of time, exact, in bounded memory.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::row::{RowConverter, SortField};
use serde_json::{Map, Value};

use super::cell::{Cell, shown};
use super::evaluate::named;
use super::filter::Filter;
use super::run::{Budget, Coverage, QueryError, walk};
use crate::moment::Moment;
use crate::record::columns::{COLUMNS, Kind, index_of};
use crate::store::reader::Reader;

/// What to count by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counting {
    /// Columns, by their places in [`COLUMNS`]: rows alike in all of them are one group.
    pub by: Vec<usize>,
    /// Groups are also apart when their rows arrived in different spans of this length, counted in UTC from the epoch.
    pub bucket: Option<Duration>,
    /// Count the different values of this column too; nulls are none.
    pub distinct: Option<usize>,
    /// Keep the groups with most rows: of all, or of each bucket.
    pub top: Option<usize>,
    /// In place of a bucket: from which moment on rows count as if they had arrived at which. In order; rows before the first count as
    /// the first does.
    pub stretches: Vec<Stretch>,
}

/// A span of time whose rows are counted together with those of every span that stands for the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Where it begins; it ends where the next one does.
    pub from: Moment,
    /// The moment it stands for.
    pub stands_for: Moment,
}

/// The groups counted.
#[derive(Debug)]
pub struct Counted {
    /// Bucket, then the columns counted by: one array each, one place a group.
    keys: Vec<(&'static str, ArrayRef)>,
    /// Rows and different values of each group.
    counts: Vec<(u64, u64)>,
    distinct: bool,
    /// Groups to show, in order.
    order: Vec<usize>,
    /// What was looked at.
    pub coverage: Coverage,
}

/// Counts the rows that a filter means.
pub fn count(
    reader: &Reader,
    filter: &Filter,
    counting: &Counting,
    budget: &Budget,
    seen: &mut dyn FnMut(u64, u64),
) -> Result<Counted, QueryError> {
    let mut groups = Groups::new(counting)?;
    let columns = counting.columns();
    let coverage = walk(reader, filter, &columns, budget, seen, &mut |batch| groups.add(&batch, budget))?;
    groups.counted(counting, coverage)
}

impl Counting {
    fn columns(&self) -> Vec<usize> {
        let mut columns = self.by.clone();
        columns.extend(self.distinct);
        if self.bucket.is_some() || !self.stretches.is_empty() {
            columns.extend(index_of("time"));
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

impl Counted {
    /// How many groups there are, those not kept by `top` included.
    pub fn groups(&self) -> usize {
        self.counts.len()
    }

    /// How many groups are shown.
    pub fn shown(&self) -> usize {
        self.order.len()
    }

    /// Rows of all groups.
    pub fn rows(&self) -> u64 {
        self.counts.iter().map(|(rows, _)| rows).sum()
    }

    /// The groups shown: their keys, bucket or stretch first, and how many rows each has.
    pub fn each(&self) -> impl Iterator<Item = (Vec<Option<Cell<'_>>>, u64)> + '_ {
        self.order.iter().map(|&group| {
            let keys = self.keys.iter().map(|(_, array)| Cell::of(array, group)).collect();
            (keys, self.counts.get(group).map_or(0, |count| count.0))
        })
    }

    /// Headings of [`Counted::table`].
    pub fn heading(&self) -> Vec<&'static str> {
        let mut heading: Vec<&str> = self.keys.iter().map(|(name, _)| *name).collect();
        heading.push("rows");
        if self.distinct {
            heading.push("distinct");
        }
        heading
    }

    /// The groups shown, as text.
    pub fn table(&self) -> Vec<Vec<String>> {
        let lines = self.order.iter().map(|&group| {
            let mut line: Vec<String> = self.keys.iter().map(|(_, array)| shown(Cell::of(array, group))).collect();
            let (rows, distinct) = self.counts.get(group).copied().unwrap_or_default();
            line.push(rows.to_string());
            if self.distinct {
                line.push(distinct.to_string());
            }
            line
        });
        lines.collect()
    }

    /// The groups shown, an object each: the columns counted by, `rows` and `distinct`.
    pub fn objects(&self) -> impl Iterator<Item = Value> + '_ {
        self.order.iter().map(|&group| {
            let mut object = Map::new();
            for (name, array) in &self.keys {
                object.insert((*name).into(), Cell::of(array, group).map_or(Value::Null, Cell::to_json));
            }
            let (rows, distinct) = self.counts.get(group).copied().unwrap_or_default();
            object.insert("rows".into(), rows.into());
            if self.distinct {
                object.insert("distinct".into(), distinct.into());
            }
            Value::Object(object)
        })
    }
}

/// Groups by their keys in arrow's row format, which tells null from empty.
struct Groups {
    keys: Vec<(&'static str, Span)>,
    converter: Option<RowConverter>,
    places: HashMap<Box<[u8]>, u32>,
    counts: Vec<(u64, u64)>,
    distinct: Option<(&'static str, RowConverter)>,
    values: HashSet<Box<[u8]>>,
    held: usize,
}

/// What of a row is a key: a column as it is, or its time as the beginning of a bucket or as what its stretch stands for.
enum Span {
    Column,
    Bucket(Duration),
    Stretches(Vec<Stretch>),
}

/// What an entry of a hash table costs beside its key, roughly and rather too much.
const ENTRY: usize = 64;

impl Groups {
    fn new(counting: &Counting) -> Result<Groups, QueryError> {
        let column =
            |place: usize| COLUMNS.get(place).ok_or_else(|| QueryError::Asked("there is no such column".into()));
        let mut keys = Vec::new();
        let mut fields = Vec::new();
        if let Some(bucket) = counting.bucket {
            if bucket.as_micros() == 0 || i64::try_from(bucket.as_micros()).is_err() {
                return Err(QueryError::Asked("a bucket is between a microsecond and a few thousand years".into()));
            }
            keys.push(("bucket", Span::Bucket(bucket)));
            fields.push(SortField::new(Kind::Time.arrow()));
        } else if !counting.stretches.is_empty() {
            keys.push(("stretch", Span::Stretches(counting.stretches.clone())));
            fields.push(SortField::new(Kind::Time.arrow()));
        }
        for &place in &counting.by {
            let column = column(place)?;
            keys.push((column.name, Span::Column));
            fields.push(SortField::new(column.kind.arrow()));
        }
        let converter = if fields.is_empty() { None } else { Some(RowConverter::new(fields)?) };
        let distinct = match counting.distinct {
            Some(place) => {
                let column = column(place)?;
                Some((column.name, RowConverter::new(vec![SortField::new(column.kind.arrow())])?))
            }
            None => None,
        };
        let mut groups = Groups {
            keys,
            converter,
            places: HashMap::new(),
            counts: Vec::new(),
            distinct,
            values: HashSet::new(),
            held: 0,
        };
        if groups.converter.is_none() {
            // Without columns there is one group, and no rows still are a count.
            groups.counts.push((0, 0));
        }
        Ok(groups)
    }

    fn add(&mut self, batch: &RecordBatch, budget: &Budget) -> Result<(), QueryError> {
        let mut places: Vec<u32> = Vec::new();
        if let Some(converter) = &self.converter {
            let arrays = self.keys.iter().map(|(name, span)| match span {
                Span::Bucket(bucket) => bucketed(batch, *bucket),
                Span::Stretches(stretches) => stretched(batch, stretches),
                Span::Column => Ok(named(batch, name)?),
            });
            let rows = converter.convert_columns(&arrays.collect::<Result<Vec<_>, QueryError>>()?)?;
            places.reserve(rows.num_rows());
            for row in &rows {
                let place = match self.places.get(row.data()) {
                    Some(place) => *place,
                    None => {
                        let place = u32::try_from(self.counts.len())
                            .map_err(|_| QueryError::Asked("more than four thousand million groups".into()))?;
                        self.places.insert(row.data().into(), place);
                        self.counts.push((0, 0));
                        self.held += row.data().len() + ENTRY;
                        place
                    }
                };
                if let Some(count) = self.counts.get_mut(place as usize) {
                    count.0 += 1;
                }
                places.push(place);
            }
        } else if let Some(count) = self.counts.first_mut() {
            count.0 += batch.num_rows() as u64;
        }
        self.add_distinct(batch, &places)?;
        if self.held > budget.memory {
            let what = format!("{} groups and {} different values", self.counts.len(), self.values.len());
            let stretched = self.keys.iter().any(|(_, span)| matches!(span, Span::Stretches(_)));
            let advice = match stretched {
                true => "read less far back, or one network zone at a time",
                false => "narrow the filter, or count by fewer columns or longer buckets",
            };
            return Err(QueryError::Memory { what, limit: budget.memory, advice });
        }
        Ok(())
    }

    fn add_distinct(&mut self, batch: &RecordBatch, places: &[u32]) -> Result<(), QueryError> {
        let Some((name, converter)) = &self.distinct else { return Ok(()) };
        let array = named(batch, name)?;
        let values = converter.convert_columns(std::slice::from_ref(&array))?;
        let mut key = Vec::new();
        for (at, value) in values.iter().enumerate() {
            if array.is_null(at) {
                continue;
            }
            let place = places.get(at).copied().unwrap_or(0);
            key.clear();
            key.extend_from_slice(&place.to_le_bytes());
            key.extend_from_slice(value.data());
            if !self.values.contains(key.as_slice()) {
                self.values.insert(key.as_slice().into());
                self.held += key.len() + ENTRY;
                if let Some(count) = self.counts.get_mut(place as usize) {
                    count.1 += 1;
                }
            }
        }
        Ok(())
    }

    fn counted(self, counting: &Counting, coverage: Coverage) -> Result<Counted, QueryError> {
        let mut sorted: Vec<(&Box<[u8]>, usize)> =
            self.places.iter().map(|(key, place)| (key, *place as usize)).collect();
        sorted.sort_unstable_by_key(|(_, place)| *place);
        let mut keys: Vec<(&'static str, ArrayRef)> = Vec::new();
        if let Some(converter) = &self.converter {
            let parser = converter.parser();
            let arrays = converter.convert_rows(sorted.iter().map(|(key, _)| parser.parse(key)))?;
            keys = self.keys.iter().map(|(name, _)| *name).zip(arrays).collect();
        }
        let rows = |group: usize| self.counts.get(group).map_or(0, |count| count.0);
        // The row format sorts as its values do, so groups with as many rows come in the order of their keys.
        let mut order: Vec<usize> = (0..self.counts.len()).collect();
        let bucket = |group: usize| counting.bucket.and_then(|_| Cell::of(&keys.first()?.1, group)).map(time_of);
        let key = |group: usize| sorted.get(group).map(|(key, _)| *key);
        order.sort_by_cached_key(|&group| (bucket(group), Reverse(rows(group)), key(group)));
        if let Some(top) = counting.top {
            let mut last = None;
            let mut taken = 0;
            order.retain(|&group| {
                let here = bucket(group);
                taken = if last == Some(here) { taken + 1 } else { 1 };
                last = Some(here);
                taken <= top
            });
        }
        Ok(Counted { keys, counts: self.counts, distinct: self.distinct.is_some(), order, coverage })
    }
}

fn time_of(cell: Cell<'_>) -> i64 {
    match cell {
        Cell::Time(moment) => moment.micros(),
        _ => 0,
    }
}

fn bucketed(batch: &RecordBatch, bucket: Duration) -> Result<ArrayRef, QueryError> {
    let long = i64::try_from(bucket.as_micros()).unwrap_or(i64::MAX).max(1);
    times(batch, |at| at.saturating_sub(at.rem_euclid(long)))
}

fn stretched(batch: &RecordBatch, stretches: &[Stretch]) -> Result<ArrayRef, QueryError> {
    times(batch, |at| {
        let after = stretches.partition_point(|stretch| stretch.from.micros() <= at);
        stretches.get(after.saturating_sub(1)).map_or(at, |stretch| stretch.stands_for.micros())
    })
}

/// The times of the rows, each as something else.
fn times(batch: &RecordBatch, change: impl Fn(i64) -> i64) -> Result<ArrayRef, QueryError> {
    let time = named(batch, "time")?;
    let time = time
        .as_primitive_opt::<TimestampMicrosecondType>()
        .ok_or_else(|| QueryError::Asked("the time of the rows is of another type".into()))?;
    let changed: TimestampMicrosecondArray = time.unary(change);
    Ok(Arc::new(changed.with_timezone("UTC")))
}
