//! Reading the log: sealed parts and live rows, from any process, while the server writes.
//!
//! A reader takes a view: the manifest first, then the segments, then the manifest again. When nothing was committed between, a row is in
//! exactly one of the two (L1), and stays so for the life of the view, since a mapped segment outlives its file's name.

mod unlisted;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch, UInt16Array, UInt64Array};
use arrow::compute::filter_record_batch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::moment::Moment;
use crate::record::columns;
use crate::store::batch::MAX_ROWS;
use crate::store::error::StoreError;
use crate::store::frame::Row;
use crate::store::keeper::recover;
use crate::store::manifest::book::Book;
use crate::store::manifest::leaf::{Leaf, PartFact};
use crate::store::manifest::whole_lines;
use crate::store::paths::Paths;
use crate::store::pick::{Batches, Place};
use crate::store::runs::{Run, Runs};
use crate::store::segment::{self, Met, Segment};

pub use unlisted::Unlisted;

/// How often a view is tried before the log is called too busy; each try costs a few milliseconds, and a server commits seconds apart.
const TRIES: usize = 50;

/// A view of the log as of the moment it was opened.
#[derive(Debug)]
pub struct Reader {
    paths: Paths,
    book: Book,
    parts: Vec<PartRef>,
    segments: Vec<Arc<Segment>>,
    /// Up to where each segment had frames when the view was taken.
    ends: Vec<usize>,
}

/// A sealed part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRef {
    /// Its file.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its length in octets.
    pub bytes: u64,
    /// Time of its first row.
    pub from: Moment,
    /// Time of its last row.
    pub to: Moment,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// The file as the manifest names it.
    pub file: String,
}

/// Up to where a follower has seen each lane. The default has seen nothing: its first look gives all live rows.
#[derive(Clone, Debug, Default)]
pub struct TailCursor {
    seen: BTreeMap<u16, u64>,
    begun: bool,
}

impl Reader {
    /// Takes a view of the log below `log_dir`. A log that was never written to is empty; a folder that is not there is an error.
    pub fn open(log_dir: &Path) -> Result<Reader, StoreError> {
        let paths = Paths::below(log_dir);
        std::fs::read_dir(log_dir).map_err(StoreError::file(log_dir, "open the log"))?;
        for _ in 0..TRIES {
            if let Some(reader) = Reader::attempt(&paths)? {
                return Ok(reader);
            }
        }
        Err(StoreError::broken(&paths.leaves, format!("changed {TRIES} times while it was read; try again")))
    }

    fn attempt(paths: &Paths) -> Result<Option<Reader>, StoreError> {
        let (text, _) = whole_lines(&paths.leaves)?;
        let mut book = Book::default();
        for (n, line) in text.lines().enumerate() {
            let leaf = Leaf::read(line).map_err(|error| {
                StoreError::broken(&paths.leaves, format!("line {}: {error}; look with `cordon log verify`", n + 1))
            })?;
            book.add(&leaf);
        }
        let segments = match recover::segments(paths, false) {
            Ok(found) => found,
            // Sealed and removed between the listing and the opening; or there is no folder yet.
            Err(error) if error.is_not_found() && paths.segments.is_dir() => return Ok(None),
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error),
        };
        // A commit in between: some rows may be in neither.
        if whole_lines(&paths.leaves)?.0.len() != text.len() {
            return Ok(None);
        }
        let in_use = |segment: &Segment| segment.first() != 0;
        let segments: Vec<_> =
            segments.into_iter().filter_map(|(_, segment)| segment).filter(in_use).map(Arc::new).collect();
        let mut reader = Reader {
            parts: book.parts.values().filter_map(|part| PartRef::of(paths, part)).collect(),
            paths: paths.clone(),
            book,
            segments,
            ends: Vec::new(),
        };
        reader.parts.sort_by(|a, b| (a.from, &a.file).cmp(&(b.from, &b.file)));
        reader.ends =
            (0..reader.segments.len()).map(|at| reader.walk(at).map(|met| end(&met)).last().unwrap_or(0)).collect();
        Ok(Some(reader))
    }

    /// Frames of a segment; the last of a lane may be in use by the server and ends where nothing was begun.
    fn walk(&self, index: usize) -> segment::Walk<'_> {
        let segment = &self.segments[index];
        let last_of_lane = self.segments.get(index + 1).is_none_or(|next| next.lane() != segment.lane());
        if last_of_lane { segment.walk_to_zero(segment::HEAD) } else { segment.walk(segment::HEAD) }
    }

    /// Parts that are in the manifest and not erased, oldest first. Retention may take one away while a view is held: its file is then gone, and
    /// [`Reader::is_erased`] says whether that is why.
    pub fn parts(&self) -> &[PartRef] {
        &self.parts
    }

    /// What the leaves add up to.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Whether the manifest says by now that a part was erased or merged away: the answer to a part whose file has vanished.
    pub fn is_erased(&self, part: &PartRef) -> Result<bool, StoreError> {
        Ok(!Reader::open(&self.paths.dir)?.book.parts.contains_key(&part.file))
    }

    /// Rows not sealed yet as of the view, sorted by time, in batches of at most 8192 rows.
    pub fn live(&self) -> Result<Vec<RecordBatch>, StoreError> {
        let places = self.live_places();
        Batches::of(&self.segments, &places).collect()
    }

    /// As [`Reader::live`], one batch at a time: memory stays small however many rows are live. Stops at the first `false`.
    pub fn live_each(&self, mut take: impl FnMut(RecordBatch) -> Result<bool, StoreError>) -> Result<(), StoreError> {
        let places = self.live_places();
        for batch in Batches::of(&self.segments, &places) {
            if !take(batch?)? {
                break;
            }
        }
        Ok(())
    }

    /// How many rows are live as of the view.
    pub fn live_rows(&self) -> u64 {
        self.live_places().len() as u64
    }

    fn live_places(&self) -> Vec<Place> {
        let nothing = Runs::default();
        let mut places = self.places(|lane, seq| !self.book.accounted.get(&lane).unwrap_or(&nothing).has(seq));
        places.sort_unstable();
        places
    }

    fn places(&self, mut wanted: impl FnMut(u16, u64) -> bool) -> Vec<Place> {
        let mut places = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let within = self.ends.get(index).copied().unwrap_or(0);
            for met in self.walk(index).take_while(|met| met.at < within) {
                if wanted(segment.lane(), met.seq)
                    && let Some(row) = Row::read(met.bytes)
                {
                    places.push(Place { time: row.time, segment: index as u32, at: met.at as u32 });
                }
            }
        }
        places
    }

    /// Rows that `cursor` has not seen, whether they are live or were sealed meanwhile, and moves the cursor on. Takes a fresh view at each call.
    pub fn live_since(&self, cursor: &mut TailCursor) -> Result<Vec<RecordBatch>, StoreError> {
        let view = Reader::open(&self.paths.dir)?;
        if !cursor.begun {
            for (&lane, runs) in &view.book.accounted {
                cursor.seen.insert(lane, runs.last().unwrap_or(0));
            }
            cursor.begun = true;
            for (lane, runs) in view.live_runs() {
                let seen = cursor.seen.entry(lane).or_default();
                *seen = (*seen).max(runs.last().unwrap_or(0));
            }
            return view.live();
        }
        let seen = |lane: u16, seq: u64| cursor.seen.get(&lane).is_some_and(|&seen| seq <= seen);
        let mut found: BTreeMap<u16, Runs> = BTreeMap::new();
        let mut places = view.places(|lane, seq| {
            let fresh = !seen(lane, seq);
            if fresh {
                found.entry(lane).or_default().push(seq);
            }
            fresh
        });
        places.sort_unstable();
        let mut batches = Batches::of(&view.segments, &places).collect::<Result<Vec<_>, _>>()?;
        // Sealed and gone from the segments since the last look.
        for part in view.book.parts.values() {
            let unmet = |lane: u16, seq: u64| !seen(lane, seq) && !found.get(&lane).is_some_and(|runs| runs.has(seq));
            let any = part.lanes.iter().any(|run| {
                let first = cursor.seen.get(&run.lane).map_or(run.first, |&seen| run.first.max(seen.saturating_add(1)));
                let rest = Run { first, last: run.last };
                rest.first <= rest.last && found.get(&run.lane).is_none_or(|runs| !runs.missing(rest).is_empty())
            });
            if any {
                batches.extend(rows_of(&view.paths, part, unmet)?);
            }
        }
        for (lane, runs) in view.live_runs().into_iter().chain(view.book.accounted.clone()) {
            let seen = cursor.seen.entry(lane).or_default();
            *seen = (*seen).max(runs.last().unwrap_or(0));
        }
        Ok(batches)
    }

    /// A cursor behind everything there is now: a follower that starts with it sees only what comes.
    pub fn tail_end(&self) -> TailCursor {
        let mut seen: BTreeMap<u16, u64> = BTreeMap::new();
        for (lane, runs) in self.live_runs().into_iter().chain(self.book.accounted.clone()) {
            let last = seen.entry(lane).or_default();
            *last = (*last).max(runs.last().unwrap_or(0));
        }
        TailCursor { seen, begun: true }
    }

    /// Sequence numbers in the segments, sealed or not.
    pub(crate) fn live_runs(&self) -> BTreeMap<u16, Runs> {
        let mut runs: BTreeMap<u16, Runs> = BTreeMap::new();
        self.places(|lane, seq| {
            runs.entry(lane).or_default().push(seq);
            false
        });
        runs
    }

    /// Records lost for want of space that the manifest does not tell of yet, by lane and segment.
    pub(crate) fn lost_runs(&self) -> BTreeMap<u16, Runs> {
        let mut lost: BTreeMap<u16, Runs> = BTreeMap::new();
        for (index, segment) in self.segments.iter().enumerate().filter(|(_, segment)| segment.lost() > 0) {
            let next = self.walk(index).last().map_or(segment.first(), |met| met.seq + 1);
            lost.entry(segment.lane()).or_default().add(Run { first: next, last: next + segment.lost() - 1 });
        }
        lost
    }
}

impl PartRef {
    fn of(paths: &Paths, part: &PartFact) -> Option<PartRef> {
        Some(PartRef {
            path: paths.file(&part.file)?,
            rows: part.rows,
            bytes: part.bytes,
            from: part.from.0,
            to: part.to.0,
            sha256: part.sha256.clone(),
            file: part.file.clone(),
        })
    }
}

fn end(met: &Met<'_>) -> usize {
    met.at + met.bytes.len()
}

/// Rows of a part whose lane and number are wanted.
fn rows_of(paths: &Paths, part: &PartFact, wanted: impl Fn(u16, u64) -> bool) -> Result<Vec<RecordBatch>, StoreError> {
    let path = paths.file(&part.file).unwrap_or_default();
    let file = std::fs::File::open(&path).map_err(StoreError::file(&path, "open the part"))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(StoreError::parquet(&path))?;
    let reader = builder.with_batch_size(MAX_ROWS).build().map_err(StoreError::parquet(&path))?;
    let mut batches = Vec::new();
    for batch in reader {
        let batch = batch?;
        let (Some(lanes), Some(seqs)) = (column::<UInt16Array>(&batch, "lane"), column::<UInt64Array>(&batch, "seq"))
        else {
            return Err(StoreError::broken(&path, "has no columns lane and seq"));
        };
        let mask: BooleanArray =
            (0..batch.num_rows()).map(|row| Some(wanted(lanes.value(row), seqs.value(row)))).collect();
        let picked = filter_record_batch(&batch, &mask)?;
        if picked.num_rows() > 0 {
            batches.push(picked.with_schema(columns::schema())?);
        }
    }
    Ok(batches)
}

/// A column by name and type.
pub(crate) fn column<'a, T: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Option<&'a T> {
    batch.column_by_name(name)?.as_any().downcast_ref::<T>()
}
