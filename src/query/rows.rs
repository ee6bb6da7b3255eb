//! The newest rows of a filter, read from the newest part backwards and no further than needed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{SortColumn, SortOptions, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::evaluate::named;
use super::filter::Filter;
use super::prune::Group;
use super::run::{Budget, Coverage, QueryError, live};
use super::scan::{OpenPart, ROW, Unreadable, guarded};
use crate::moment::Moment;
use crate::record::columns::{COLUMNS, schema};
use crate::store::reader::{PartRef, Reader};

/// Rows found, newest first.
#[derive(Debug)]
pub struct Found {
    /// With every column of the table.
    pub rows: RecordBatch,
    /// There are more than were asked for.
    pub more: bool,
    /// What was looked at. A search ends at the limit, so older parts may not be among it.
    pub coverage: Coverage,
}

/// Finds the newest `limit` rows that a filter means. Rows of the same microsecond are in the order of node, lane and number.
pub fn newest(reader: &Reader, filter: &Filter, limit: usize, budget: &Budget) -> Result<Found, QueryError> {
    let mut coverage = Coverage::new(reader, filter.span);
    let mut newest =
        Newest { wanted: limit.saturating_add(1), kept: RecordBatch::new_empty(schema()), pending: Vec::new() };
    let columns: Vec<usize> = (0..COLUMNS.len()).collect();
    live(reader, filter, &columns, &mut coverage, &mut |batch| newest.add(batch, budget))?;
    let mut parts: Vec<&PartRef> =
        reader.parts().iter().filter(|part| filter.span.touches(part.from, part.to)).collect();
    parts.sort_by_key(|part| Reverse((part.to, part.from)));
    for part in parts {
        if newest.cut().is_some_and(|cut| cut > part.to) {
            break;
        }
        if budget.spent() {
            coverage.give_up(budget);
            break;
        }
        match search_part(part, filter, &mut newest, budget)? {
            Ok(()) => coverage.done += 1,
            Err(why) => coverage.unreadable.push(why),
        }
    }
    newest.settle(budget)?;
    let found = newest.kept.num_rows();
    Ok(Found { rows: newest.kept.slice(0, found.min(limit)), more: found > limit, coverage })
}

fn search_part(
    part: &PartRef,
    filter: &Filter,
    newest: &mut Newest,
    budget: &Budget,
) -> Result<Result<(), Unreadable>, QueryError> {
    let opened = OpenPart::open(part).and_then(|open| open.groups(filter).map(|groups| (open, groups)));
    let (open, mut groups) = match opened {
        Ok(opened) => opened,
        Err(why) => return Ok(Err(why)),
    };
    groups.sort_by_key(|group| Reverse(group.times.map_or(Moment(i64::MAX), |(_, last)| last)));
    for group in &groups {
        let cut = newest.cut();
        if cut.zip(group.times).is_some_and(|(cut, (_, last))| cut > last) {
            break;
        }
        let fetched = best_rows(&open, group, filter, newest.wanted, cut).and_then(|rows| match rows.is_empty() {
            true => Ok(Vec::new()),
            false => open.fetch(group, &rows),
        });
        match fetched {
            Ok(batches) => {
                for batch in batches {
                    newest.add(batch, budget)?;
                }
            }
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(()))
}

/// Places of the newest rows of a group, ascending; only their times are decoded for it.
fn best_rows(
    open: &OpenPart,
    group: &Group,
    filter: &Filter,
    wanted: usize,
    cut: Option<Moment>,
) -> Result<Vec<u64>, Unreadable> {
    let mut batches = open.locate(group, filter)?;
    let mut best: BinaryHeap<Reverse<(i64, i64)>> = BinaryHeap::new();
    loop {
        let batch = guarded(|| batches.next().transpose().map_err(|why| why.to_string()));
        let Some(batch) = batch.map_err(|why| open.unreadable(why))? else { break };
        let columns = named(&batch, "time").and_then(|time| named(&batch, ROW).map(|row| (time, row)));
        let (time, row) = columns.map_err(|why| open.unreadable(why.to_string()))?;
        let typed = time.as_primitive_opt::<TimestampMicrosecondType>().zip(row.as_primitive_opt::<Int64Type>());
        let (time, row) = typed.ok_or_else(|| open.unreadable("its times are of another type".into()))?;
        for (time, row) in time.values().iter().zip(row.values()) {
            let full = best.len() >= wanted;
            let worst = best.peek().map_or(i64::MIN, |Reverse((time, _))| *time);
            if cut.is_some_and(|cut| *time < cut.micros()) || (full && *time < worst) {
                continue;
            }
            best.push(Reverse((*time, *row)));
            if full {
                best.pop();
            }
        }
    }
    let mut rows: Vec<u64> = best.iter().filter_map(|Reverse((_, row))| u64::try_from(*row).ok()).collect();
    rows.sort_unstable();
    Ok(rows)
}

/// The newest rows so far.
struct Newest {
    wanted: usize,
    /// Sorted, at most `wanted`.
    kept: RecordBatch,
    /// Not yet merged.
    pending: Vec<RecordBatch>,
}

impl Newest {
    /// Rows older than this cannot be among the newest any more.
    fn cut(&self) -> Option<Moment> {
        if self.kept.num_rows() < self.wanted {
            return None;
        }
        let time = self.kept.column_by_name("time")?.as_primitive_opt::<TimestampMicrosecondType>()?;
        (!time.is_empty()).then(|| Moment(time.value(time.len() - 1)))
    }

    fn add(&mut self, batch: RecordBatch, budget: &Budget) -> Result<(), QueryError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.pending.push(batch);
        let pending: usize = self.pending.iter().map(RecordBatch::num_rows).sum();
        // Merged when that may raise the cut, but not for every handful of rows of a large limit.
        let worth = self.cut().is_none() && self.kept.num_rows() + pending >= self.wanted;
        if worth || pending.saturating_mul(4) >= self.wanted { self.settle(budget) } else { Ok(()) }
    }

    fn settle(&mut self, budget: &Budget) -> Result<(), QueryError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let all = concat_batches(&schema(), std::iter::once(&self.kept).chain(&self.pending))?;
        let sorted_by = [("time", true), ("node", false), ("lane", false), ("seq", true)];
        let columns = sorted_by.iter().map(|(name, descending)| {
            let options = SortOptions { descending: *descending, nulls_first: false };
            Ok(SortColumn { values: named(&all, name)?, options: Some(options) })
        });
        let columns = columns.collect::<Result<Vec<_>, QueryError>>()?;
        let order = lexsort_to_indices(&columns, Some(self.wanted))?;
        self.kept = take_record_batch(&all, &order)?;
        self.pending.clear();
        if self.kept.get_array_memory_size() > budget.memory {
            let what = format!("{} rows", self.kept.num_rows());
            return Err(QueryError::Memory {
                what,
                limit: budget.memory,
                advice: "lower --limit, or use cordon log export",
            });
        }
        Ok(())
    }
}
