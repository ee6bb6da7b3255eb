//! How far a question may go, and how far it went: budget, coverage, and the walk over the log from its beginning to its end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::evaluate;
use super::filter::{Filter, Span};
use super::scan::{OpenPart, Unreadable, conform, guarded};
use crate::behind;
use crate::moment::Moment;
use crate::store::StoreError;
use crate::store::reader::{PartRef, Reader, Unlisted};

/// What a question may cost.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Octets it may hold at a time, results included.
    pub memory: usize,
    /// How long it may take; none: as long as it needs.
    pub time: Option<Duration>,
    began: Instant,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The log could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A kernel refused: columns are not of the types of the table.
    #[error("rows of the log cannot be judged: {0}")]
    Arrow(#[from] ArrowError),
    /// The answer does not fit.
    #[error("{what} would take more than the {} this question may hold; {advice}", bytesize::ByteSize(*.limit as u64))]
    Memory {
        /// What grew.
        what: String,
        /// The bound, in octets.
        limit: usize,
        /// What to do.
        advice: &'static str,
    },
    /// The answer could not be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The question makes no sense.
    #[error("{0}")]
    Asked(String),
}

/// What was looked at for an answer, and what could not be.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// The span asked for.
    pub asked: Span,
    /// Arrival of the first and the last query the log holds in parts.
    pub held: Option<(Moment, Moment)>,
    /// Parts whose time touches the span.
    pub parts: usize,
    /// Of these, how many were read or shown not to matter.
    pub done: usize,
    /// Rows not yet sealed that were looked at.
    pub live: u64,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Said when time ran out, with how far it came.
    pub gave_up: Option<String>,
    /// Part files that the manifest does not know, and that were so not looked at.
    pub unlisted: Vec<Unlisted>,
}

impl Budget {
    /// From now on.
    pub fn new(memory: usize, time: Option<Duration>) -> Budget {
        Budget { memory, time, began: Instant::now() }
    }

    /// Whether time has run out.
    pub fn spent(&self) -> bool {
        self.time.is_some_and(|time| self.began.elapsed() >= time)
    }
}

impl Coverage {
    /// Of a question about `span`, before anything was read.
    pub fn new(reader: &Reader, span: Span) -> Coverage {
        let first = reader.parts().iter().map(|part| part.from).min();
        let last = reader.parts().iter().map(|part| part.to).max();
        let parts = reader.parts().iter().filter(|part| span.touches(part.from, part.to)).count();
        Coverage { asked: span, held: first.zip(last), parts, unlisted: reader.unlisted(), ..Coverage::default() }
    }

    /// Whether everything that the manifest has of what was asked about was looked at.
    pub fn is_whole(&self) -> bool {
        self.unreadable.is_empty() && self.gave_up.is_none()
    }

    /// Whether a part was taken away while it was being read: retention and merging do that, and a new reader sees the log as it is now.
    pub fn is_overtaken(&self) -> bool {
        self.unreadable.iter().any(|one| one.gone)
    }

    /// What is missing, a sentence a line; empty when nothing is.
    pub fn missing(&self) -> Vec<String> {
        let unreadable = self.unreadable.iter().map(|one| one.to_string());
        unreadable.chain(self.gave_up.clone()).collect()
    }

    /// Notes that time ran out before `part`.
    pub fn give_up(&mut self, budget: &Budget) {
        let after = budget.time.unwrap_or_default();
        self.gave_up = Some(format!(
            "gave up after {} with {} of {} parts looked at; narrow with --from and --to, or raise --timeout",
            humantime::format_duration(after),
            self.done,
            self.parts
        ));
    }
}

/// Gives `each` the unsealed rows that a filter means, batch by batch. A failure to read them is noted in the coverage.
pub(super) fn live(
    reader: &Reader,
    filter: &Filter,
    columns: &[usize],
    coverage: &mut Coverage,
    each: &mut dyn FnMut(RecordBatch) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let mut failed = None;
    let mut rows = 0;
    let read = reader.live_each(|batch| {
        rows += batch.num_rows() as u64;
        let kept = evaluate::keep(filter, &batch).and_then(|kept| conform(&kept, columns));
        let done = kept.map_err(QueryError::from).and_then(&mut *each);
        failed = done.err();
        Ok(failed.is_none())
    });
    coverage.live = rows;
    if let Err(why) = read {
        let why = why.to_string();
        coverage.unreadable.push(Unreadable { place: "rows not yet sealed".into(), why, gone: false });
    }
    failed.map_or(Ok(()), Err)
}

/// Walks over every row a filter means, parts by time and unsealed rows last, giving `each` the columns asked for, batch by batch.
/// `seen` is told how many rows of how many lie behind. What cannot be read is in the coverage.
pub fn walk(
    reader: &Reader,
    filter: &Filter,
    columns: &[usize],
    budget: &Budget,
    seen: &mut dyn FnMut(u64, u64),
    each: &mut dyn FnMut(RecordBatch) -> Result<(), QueryError>,
) -> Result<Coverage, QueryError> {
    let mut coverage = Coverage::new(reader, filter.span);
    let mut parts: Vec<&PartRef> =
        reader.parts().iter().filter(|part| filter.span.touches(part.from, part.to)).collect();
    parts.sort_by_key(|part| (part.from, part.to));
    let total: u64 = parts.iter().map(|part| part.rows).sum::<u64>() + reader.live_rows();
    let mut behind = 0;
    for part in parts {
        if budget.spent() {
            coverage.give_up(budget);
            return Ok(coverage);
        }
        match walk_part(part, filter, columns, budget, each)? {
            Ended::Whole => coverage.done += 1,
            Ended::Spent => {
                coverage.give_up(budget);
                return Ok(coverage);
            }
            Ended::Broken(why) => coverage.unreadable.push(why),
        }
        behind += part.rows;
        seen(behind, total);
    }
    live(reader, filter, columns, &mut coverage, each)?;
    seen(total, total);
    Ok(coverage)
}

/// Runs a question on a thread of its own that gives way to a server on the same machine.
pub fn aside<T: Send>(question: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("cordon-query".into());
        let running = thread.spawn_scoped(scope, || {
            behind::stand();
            question()
        })?;
        running.join().map_err(|_| std::io::Error::other("the question ended in a panic"))
    })
}

enum Ended {
    Whole,
    Spent,
    Broken(Unreadable),
}

fn walk_part(
    part: &PartRef,
    filter: &Filter,
    columns: &[usize],
    budget: &Budget,
    each: &mut dyn FnMut(RecordBatch) -> Result<(), QueryError>,
) -> Result<Ended, QueryError> {
    let opened = OpenPart::open(part).and_then(|open| open.groups(filter).map(|groups| (open, groups)));
    let (open, groups) = match opened {
        Ok(opened) => opened,
        Err(why) => return Ok(Ended::Broken(why)),
    };
    for group in &groups {
        let mut batches = match open.read(group, filter, columns) {
            Ok(batches) => batches,
            Err(why) => return Ok(Ended::Broken(why)),
        };
        loop {
            if budget.spent() {
                return Ok(Ended::Spent);
            }
            let read = guarded(|| batches.next().transpose().map_err(|why| why.to_string()));
            let conformed = read.and_then(|batch| {
                batch.map(|batch| conform(&batch, columns).map_err(|why| why.to_string())).transpose()
            });
            match conformed {
                Ok(Some(batch)) => each(batch)?,
                Ok(None) => break,
                Err(why) => {
                    return Ok(Ended::Broken(open.unreadable(format!("{why}; rows before that point are counted"))));
                }
            }
        }
    }
    Ok(Ended::Whole)
}
