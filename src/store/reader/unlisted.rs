//! Part files that the manifest does not know: whoever cuts a leaf off takes the rows of its part out of every answer, and an answer has to
//! say so.

use std::fmt;

use super::Reader;
use crate::store::manifest::leaf::LaneRun;
use crate::store::part;
use crate::store::runs::{Run, Runs};

/// A part file whose rows are in no answer, since no leaf speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// The file, below `log.dir`.
    pub file: String,
    /// How many of the records it says it holds are nowhere else; none when it is no part of ours.
    pub rows: Option<u64>,
}

impl fmt::Display for Unlisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unlisted { file, rows } = self;
        write!(f, "{file} is not in the manifest, so ")?;
        match rows {
            Some(rows) => write!(f, "{rows} of its rows are not in the answer")?,
            None => f.write_str("what it holds is not in the answer")?,
        }
        f.write_str(": run cordon log verify")
    }
}

impl Reader {
    /// Part files that the manifest does not know as of now. Not those that are being sealed, whose records are live until there is a leaf, nor
    /// those that were sealed since this view was taken, nor those that are erased and about to go.
    pub fn unlisted(&self) -> Vec<Unlisted> {
        let Ok(paths) = part::files(&self.paths, "parquet") else { return Vec::new() };
        let named = paths.into_iter().filter_map(|path| {
            let name = path.strip_prefix(&self.paths.dir).ok()?.to_string_lossy().into_owned();
            Some((path, name))
        });
        let unknown: Vec<_> = named.filter(|(_, name)| !self.knows(name)).collect();
        if unknown.is_empty() {
            return Vec::new();
        }
        // The folder was listed before this view is taken: what has a leaf by now is in its book, what has none yet is in its segments.
        let Ok(now) = Reader::open(&self.paths.dir) else { return Vec::new() };
        let live = now.live_runs();
        let nothing = Runs::default();
        let missing = |run: &LaneRun| -> u64 {
            let live = live.get(&run.lane).unwrap_or(&nothing);
            let accounted = now.book.accounted.get(&run.lane).unwrap_or(&nothing);
            let not_live = live.missing(Run { first: run.first, last: run.last });
            not_live
                .into_iter()
                .flat_map(|run| accounted.missing(run))
                .map(|run| run.count())
                .fold(0, u64::saturating_add)
        };
        let unlisted = unknown.into_iter().filter(|(_, name)| !now.knows(name)).filter_map(|(path, file)| {
            let claims =
                part::claims(&path).map(|(_, runs)| runs).filter(|runs| runs.iter().all(|run| run.first <= run.last));
            let rows = claims.map(|runs| runs.iter().map(missing).fold(0, u64::saturating_add));
            if rows == Some(0) || !path.exists() {
                return None;
            }
            Some(Unlisted { file, rows })
        });
        unlisted.collect()
    }

    fn knows(&self, file: &str) -> bool {
        self.book.parts.contains_key(file) || self.book.gone.contains(file)
    }
}
