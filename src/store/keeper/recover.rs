//! What a crash may have left, put right at start: files half made are removed, records in segments are found again, numbers go on where they stopped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::keeper::next_after;
use crate::store::manifest::book::Book;
use crate::store::manifest::leaf::LaneRun;
use crate::store::part;
use crate::store::paths::Paths;
use crate::store::runs::{Run, Runs};
use crate::store::segment::Segment;

/// What was found at start.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// Segments with records of earlier processes, in the order of their records.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// The next sequence number of each lane there ever was.
    pub(crate) next: BTreeMap<u16, u64>,
    /// How many of their rows are not sealed.
    pub(crate) live_rows: u64,
}

/// Every segment file, opened, sorted by lane and number; unused ones too. `settle`: what was written to each is put on the medium first, so that
/// no file system has to tell of what is only in memory where a file was written to.
pub(crate) fn segments(paths: &Paths, settle: bool) -> Result<Vec<(PathBuf, Option<Segment>)>, StoreError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&paths.segments).map_err(StoreError::file(&paths.segments, "list the folder"))? {
        let path = entry.map_err(StoreError::file(&paths.segments, "list the folder"))?.path();
        if path.extension().is_some_and(|ending| ending == "seg") {
            if settle {
                let file = std::fs::File::open(&path).map_err(StoreError::file(&path, "open the file"))?;
                file.sync_all().map_err(StoreError::file(&path, "sync the file"))?;
            }
            let segment = Segment::open(&path)?;
            found.push((path, segment));
        }
    }
    found.sort_by_key(|(_, segment)| segment.as_ref().map(|segment| (segment.lane(), segment.first())));
    Ok(found)
}

/// Puts right what a crash left. The lock is held, so nobody writes.
pub(crate) fn recover(
    disk: &Disk,
    paths: &Paths,
    node: &str,
    book: &Book,
    notes: &mut Vec<String>,
) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered::default();
    for (&lane, runs) in &book.accounted {
        recovered.next.insert(lane, runs.last().map_or(1, |last| last.saturating_add(1)));
    }
    let mut live: BTreeMap<u16, Runs> = BTreeMap::new();
    for (path, segment) in segments(paths, true)? {
        let Some(segment) = segment.filter(|segment| segment.lost() > 0 || !segment.is_blank()) else {
            disk.remove(&path)?;
            continue;
        };
        if segment.node() != node {
            let begun = segment.node().to_owned();
            return Err(StoreError::OtherNode { path, begun, now: node.to_owned() });
        }
        let runs = live.entry(segment.lane()).or_default();
        let next = recovered.next.entry(segment.lane()).or_insert(1);
        let behind = next_after(&segment, *next, |seq| {
            if !book.has(segment.lane(), seq) {
                runs.push(seq);
            }
        });
        *next = behind.max(*next);
        recovered.segments.push(Arc::new(segment));
    }
    recovered.live_rows = live.values().map(Runs::count).sum();
    if recovered.live_rows > 0 {
        notes.push(format!("{} rows of an earlier run were not sealed; they are live again", recovered.live_rows));
    }
    parts(disk, paths, node, book, &live, notes)?;
    Ok(recovered)
}

/// Removes what a seal or an erasure left half done, and tells of parts that should be there.
fn parts(
    disk: &Disk,
    paths: &Paths,
    node: &str,
    book: &Book,
    live: &BTreeMap<u16, Runs>,
    notes: &mut Vec<String>,
) -> Result<(), StoreError> {
    for path in part::files(paths, "tmp")? {
        disk.remove(&path)?;
        notes.push(format!("{}: removed a part that was half written", path.display()));
    }
    for path in part::files(paths, "parquet")? {
        let name = path.strip_prefix(&paths.dir).unwrap_or(&path).to_string_lossy().into_owned();
        if book.parts.contains_key(&name) {
            continue;
        }
        let all_live = |runs: Vec<LaneRun>| {
            runs.iter().all(|run| {
                run.first <= run.last
                    && live
                        .get(&run.lane)
                        .is_some_and(|live| live.missing(Run { first: run.first, last: run.last }).is_empty())
            })
        };
        if book.gone.contains(&name) {
            disk.remove(&path)?;
            notes.push(format!("{}: removed; the manifest says it is erased", path.display()));
        } else if part::claims(&path).is_some_and(|(of, runs)| of == node && all_live(runs)) {
            disk.remove(&path)?;
            notes.push(format!("{}: removed a part that was not committed; its rows are live", path.display()));
        } else {
            notes.push(format!("{}: is not in the manifest; left as it is, and not read", path.display()));
        }
    }
    for part in book.parts.values() {
        if !paths.file(&part.file).is_some_and(|path| path.is_file()) {
            notes.push(format!("{}: is in the manifest but missing", part.file));
        }
    }
    Ok(())
}
