//! A part: sealed rows of one UTC date, as a plain Parquet file that any engine reads.
//!
//! Columns are filled without a look at each row's texts ([`group`]), most of them as words said once and their numbers ([`words`]); the
//! `parquet` library puts chunks, statistics, indexes and filters together to a file.

mod bits;
mod chunk;
mod column;
mod group;
mod named;
mod spelt;
mod table;
mod words;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::moment::Moment;
use crate::record::columns;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::gather::Rows;
use crate::store::manifest::leaf::{LaneRun, PartFact, Stamp};
use crate::store::paths::Paths;
use crate::store::runs::Runs;
use group::Group;

/// What writes parts, in their metadata and in the manifest.
pub const WRITER: &str = concat!("cordon ", env!("CARGO_PKG_VERSION"));
/// Key of the node's name in a part's metadata.
pub const KEY_NODE: &str = "cordon.node";
/// Key of the records it holds: JSON as in the manifest's `lanes`.
pub const KEY_LANES: &str = "cordon.lanes";
/// Key of the version of the columns.
pub const KEY_SCHEMA: &str = "cordon.schema";
/// Key of what wrote it.
pub const KEY_WRITER: &str = "cordon.writer";
/// Columns that are asked for by a single value.
const BLOOMED: [&str; 4] = ["client", "qname", "user", "device"];
/// Rows of a row group: what a scan with a hit must read at least, and a bound of the writer's memory.
const GROUP_ROWS: usize = 128 * 1024;
/// Rows of a page: the grain of the page index.
const PAGE_ROWS: usize = 8192;
/// After so many frames read the memory they are mapped to is given back.
const LET_GO_ROWS: usize = 64 * 1024;
/// How many rows before a frame is read its memory is asked for.
const AHEAD: usize = 6;
/// How often a filter of a column tells of a value that is not there.
const FALSELY: f64 = 0.01;
/// How hard pages are compressed (zstd).
const LEVEL: i32 = 1;
const SECONDS_A_DAY: i64 = 86_400;

/// A UTC date, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(i64);

impl Day {
    /// The date of a moment.
    pub(crate) fn of(time: Moment) -> Day {
        Day(time.seconds().div_euclid(SECONDS_A_DAY))
    }

    /// Name of the folder of its parts.
    pub(crate) fn folder(self) -> String {
        format!("date={}", Moment::from_seconds(self.0.saturating_mul(SECONDS_A_DAY)).timestamp().strftime("%Y-%m-%d"))
    }
}

/// What is to go into a part.
pub(crate) struct Content {
    /// Date of all its rows.
    pub(crate) day: Day,
    /// Time of the first row.
    pub(crate) from: Moment,
    /// Time of the last row.
    pub(crate) to: Moment,
    /// Which records.
    pub(crate) lanes: Vec<(u16, Runs)>,
}

impl Content {
    fn runs(&self) -> Vec<LaneRun> {
        let runs = self.lanes.iter();
        runs.flat_map(|(lane, runs)| {
            runs.iter().map(move |run| LaneRun { lane: *lane, first: run.first, last: run.last })
        })
        .collect()
    }
}

/// Writes a part: aside first, synced, then renamed into place and its name synced. It does not count before the manifest says so.
pub(crate) fn write(
    disk: &Disk,
    paths: &Paths,
    node: &str,
    content: &Content,
    rows: Rows<'_>,
) -> Result<PartFact, StoreError> {
    let folder = paths.parts.join(content.day.folder());
    disk.folder(&folder)?;
    let aside = paths.parts.join("sealing.tmp");
    let written = write_aside(disk, &aside, node, content, rows);
    if written.is_err() {
        // What is half written may hold the last octets of the disk.
        let _ = disk.remove(&aside);
    }
    let Aside { rows, bytes, sha256 } = written?;
    let name = file_name(node, content, &sha256);
    let path = folder.join(&name);
    disk.rename(&aside, &path)?;
    disk.sync_folder(&folder)?;
    disk.sync_folder(&paths.parts)?;
    Ok(PartFact {
        file: format!("parts/{}/{name}", content.day.folder()),
        sha256,
        bytes,
        rows,
        lanes: content.runs(),
        from: Stamp(content.from),
        to: Stamp(content.to),
        schema: columns::SCHEMA_VERSION,
        writer: WRITER.to_owned(),
    })
}

/// What was written aside.
struct Aside {
    rows: u64,
    bytes: u64,
    sha256: String,
}

/// Writes the rows to `aside` and syncs them.
fn write_aside(disk: &Disk, aside: &Path, node: &str, content: &Content, rows: Rows<'_>) -> Result<Aside, StoreError> {
    let file = disk.create(aside)?;
    let runs = content.runs();
    let lanes = serde_json::to_string(&runs).map_err(|error| StoreError::broken(aside, error.to_string()))?;
    // Made when it is needed: rows are many, and a path is allocated.
    let refused = |error| StoreError::parquet(aside)(error);
    let schema = columns::schema();
    let mut properties = properties(node, lanes);
    add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
    let hashed = Hashed { disk, path: aside, file, hasher: Sha256::new(), pending: Vec::new(), written: 0 };
    let schema = ArrowSchemaConverter::new().convert(&schema).map_err(refused)?;
    let mut writer =
        SerializedFileWriter::new(hashed, schema.root_schema_ptr(), Arc::new(properties)).map_err(refused)?;
    let mut group = Group::new().map_err(refused)?;
    for (at, row) in rows.rows.iter().enumerate() {
        rows.ahead(at + AHEAD);
        match row.pieces() {
            Some((subject, manner)) => group.push(rows.recurring, &rows.own(row)?, subject, manner).map_err(refused)?,
            None => {
                let (segment, own, subject, manner) = rows.whole(row)?;
                group.push_whole((segment.node(), segment.lane()), &own, &subject, &manner).map_err(refused)?;
            }
        }
        if (at + 1).is_multiple_of(LET_GO_ROWS) {
            rows.let_go();
        }
        if group.is_full() {
            group.write(&mut writer).map_err(refused)?;
        }
    }
    rows.let_go();
    if group.rows() > 0 {
        group.write(&mut writer).map_err(refused)?;
    }
    let mut hashed = writer.into_inner().map_err(StoreError::parquet(aside))?;
    hashed.flush().map_err(StoreError::file(aside, "write"))?;
    disk.sync(&hashed.file, aside)?;
    Ok(Aside { rows: rows.rows.len() as u64, bytes: hashed.written, sha256: hex(&hashed.hasher.finalize()) })
}

/// Node, span and the beginning of the hash: readable, and never the same for two contents.
fn file_name(node: &str, content: &Content, sha256: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '_' };
    let node: String = node.chars().take(64).map(plain).collect();
    let time = |moment: Moment| moment.timestamp().strftime("%H%M%S").to_string();
    let head = sha256.get(..12).unwrap_or(sha256);
    format!("{node}-{}-{}-{head}.parquet", time(content.from), time(content.to))
}

fn properties(node: &str, lanes: String) -> WriterProperties {
    let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    WriterProperties::builder()
        .set_created_by(WRITER.to_owned())
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]))
        .set_key_value_metadata(Some(vec![
            pair(KEY_SCHEMA, &columns::SCHEMA_VERSION.to_string()),
            pair(KEY_WRITER, WRITER),
            pair(KEY_NODE, node),
            pair(KEY_LANES, &lanes),
        ]))
        .build()
}

/// Which records a part found on disk says it holds, and of which node; none when it is no part of ours.
pub(crate) fn claims(path: &Path) -> Option<(String, Vec<LaneRun>)> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let reader = SerializedFileReader::new(File::open(path).ok()?).ok()?;
    let pairs = reader.metadata().file_metadata().key_value_metadata()?;
    let value = |key: &str| pairs.iter().find(|pair| pair.key == key)?.value.clone();
    Some((value(KEY_NODE)?, serde_json::from_str(&value(KEY_LANES)?).ok()?))
}

/// Every file below `parts/` with this ending, sorted.
pub(crate) fn files(paths: &Paths, ending: &str) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    let mut folders = vec![paths.parts.clone()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(StoreError::file(&folder, "list the folder"))?,
        };
        for entry in entries {
            let path = entry.map_err(StoreError::file(&folder, "list the folder"))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|is| is == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes in large pieces, hashing on the way.
struct Hashed<'a> {
    disk: &'a Disk,
    path: &'a Path,
    file: File,
    hasher: Sha256,
    pending: Vec<u8>,
    written: u64,
}

const PIECE: usize = 1 << 20;

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PIECE {
            self.flush_pending()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_pending()
    }
}

impl Hashed<'_> {
    fn flush_pending(&mut self) -> io::Result<()> {
        self.hasher.update(&self.pending);
        self.written += self.pending.len() as u64;
        let outcome = self.disk.write(&mut self.file, self.path, &self.pending);
        self.pending.clear();
        outcome.map_err(|error| match error {
            StoreError::File { error, .. } => error,
            other => io::Error::other(other),
        })
    }
}

#[cfg(test)]
mod tests;
