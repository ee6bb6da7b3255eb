//! A part: sealed rows of one UTC date, as a plain Parquet file that any engine reads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::moment::Moment;
use crate::record::columns;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::manifest::leaf::{LaneRun, PartFact, Stamp};
use crate::store::paths::Paths;
use crate::store::runs::Runs;

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
    pub(crate) lanes: BTreeMap<u16, Runs>,
}

impl Content {
    fn runs(&self) -> Vec<LaneRun> {
        let runs = self.lanes.iter();
        runs.flat_map(|(&lane, runs)| runs.iter().map(move |run| LaneRun { lane, first: run.first, last: run.last }))
            .collect()
    }
}

/// Writes a part: aside first, synced, then renamed into place and its name synced. It does not count before the manifest says so.
pub(crate) fn write(
    disk: &Disk,
    paths: &Paths,
    node: &str,
    content: &Content,
    batches: impl Iterator<Item = Result<RecordBatch, StoreError>>,
) -> Result<PartFact, StoreError> {
    let folder = paths.parts.join(content.day.folder());
    disk.folder(&folder)?;
    let aside = paths.parts.join("sealing.tmp");
    let written = write_aside(disk, &aside, node, content, batches);
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
fn write_aside(
    disk: &Disk,
    aside: &Path,
    node: &str,
    content: &Content,
    batches: impl Iterator<Item = Result<RecordBatch, StoreError>>,
) -> Result<Aside, StoreError> {
    let file = disk.create(aside)?;
    let runs = content.runs();
    let lanes = serde_json::to_string(&runs).map_err(|error| StoreError::broken(aside, error.to_string()))?;
    let counted = runs.iter().map(|run| run.run().count()).sum();
    let properties = properties(node, lanes, counted).map_err(StoreError::parquet(aside))?;
    let hashed = Hashed { disk, path: aside, file, hasher: Sha256::new(), pending: Vec::new(), written: 0 };
    let mut writer =
        ArrowWriter::try_new(hashed, columns::schema(), Some(properties)).map_err(StoreError::parquet(aside))?;
    let mut rows = 0;
    for batch in batches {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        writer.write(&batch).map_err(StoreError::parquet(aside))?;
    }
    let mut hashed = writer.into_inner().map_err(StoreError::parquet(aside))?;
    hashed.flush().map_err(StoreError::file(aside, "write"))?;
    disk.sync(&hashed.file, aside)?;
    Ok(Aside { rows, bytes: hashed.written, sha256: hex(&hashed.hasher.finalize()) })
}

/// Node, span and the beginning of the hash: readable, and never the same for two contents.
fn file_name(node: &str, content: &Content, sha256: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '_' };
    let node: String = node.chars().take(64).map(plain).collect();
    let time = |moment: Moment| moment.timestamp().strftime("%H%M%S").to_string();
    let head = sha256.get(..12).unwrap_or(sha256);
    format!("{node}-{}-{}-{head}.parquet", time(content.from), time(content.to))
}

fn properties(node: &str, lanes: String, rows: u64) -> Result<WriterProperties, parquet::errors::ParquetError> {
    let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let mut builder = WriterProperties::builder()
        .set_created_by(WRITER.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]))
        .set_key_value_metadata(Some(vec![
            pair(KEY_SCHEMA, &columns::SCHEMA_VERSION.to_string()),
            pair(KEY_WRITER, WRITER),
            pair(KEY_NODE, node),
            pair(KEY_LANES, &lanes),
        ]));
    // Times and numbers of records hardly repeat: a dictionary of them is built in vain.
    for unique in ["time", "seq", "duration_us", "client_port"] {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(unique), false);
    }
    // The filters are laid out for as many values as there can be in a row group, and folded to what there were.
    let most = rows.clamp(1, GROUP_ROWS as u64);
    for column in BLOOMED {
        builder = builder
            .set_column_bloom_filter_fpp(ColumnPath::from(column), 0.01)
            .set_column_bloom_filter_max_ndv(ColumnPath::from(column), most);
    }
    Ok(builder.build())
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
