//! Rows as files that other programs read: Parquet, CSV, JSON lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};

use super::cell::{Cell, object};
use super::csv_cell;
use super::filter::Filter;
use super::run::{Budget, Coverage, QueryError, walk};
use crate::hex::hex;
use crate::record::columns::{COLUMNS, schema};
use crate::store::reader::Reader;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet with the columns of the log's own parts, zstd.
    Parquet,
    /// Comma-separated, RFC 4180, with a heading; what is null is empty. A text that a spreadsheet would run is marked: [`csv_cell`].
    Csv,
    /// One JSON object a line with every column; null for what is not known.
    Jsonl,
}

/// A file written and complete, but not yet under its name.
pub struct Draft {
    to: PathBuf,
    draft: PathBuf,
    kept: bool,
    /// Rows in it.
    pub rows: u64,
    /// SHA-256 of its octets, in hex.
    pub sha256: String,
    /// What was looked at.
    pub coverage: Coverage,
}

impl Format {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Format::Parquet => "parquet",
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
        }
    }
}

/// Writes every row that a filter means to a file beside `to`, oldest parts first and unsealed rows last; [`Draft::keep`] gives it its name.
pub fn export(
    reader: &Reader,
    filter: &Filter,
    format: Format,
    to: &Path,
    budget: &Budget,
    seen: &mut dyn FnMut(u64, u64),
) -> Result<Draft, QueryError> {
    let mut name = to.file_name().ok_or_else(|| QueryError::Asked("the output is not a file".into()))?.to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let draft = to.with_file_name(name);
    let written = |source| QueryError::Write { path: draft.clone(), source };
    // It names people: for the one who asked, and for whoever they pass it on to.
    let file = File::options().write(true).create_new(true).mode(0o600).open(&draft).map_err(written)?;
    let hashed = Hashed { to: BufWriter::new(file), hash: Sha256::new() };
    // From here on a failure takes the half-written file away again.
    let mut kept = Draft {
        to: to.into(),
        draft: draft.clone(),
        kept: false,
        rows: 0,
        sha256: String::new(),
        coverage: Coverage::default(),
    };
    let mut sink = Sink::new(format, hashed).map_err(written)?;
    let columns: Vec<usize> = (0..COLUMNS.len()).collect();
    let mut rows = 0;
    kept.coverage = walk(reader, filter, &columns, budget, seen, &mut |batch| {
        rows += batch.num_rows() as u64;
        sink.write(&batch).map_err(written)
    })?;
    kept.rows = rows;
    let mut hashed = sink.finish().map_err(written)?;
    hashed.to.flush().map_err(written)?;
    hashed.to.get_ref().sync_all().map_err(written)?;
    kept.sha256 = hex(hashed.hash.finalize().as_slice());
    Ok(kept)
}

impl Draft {
    /// Gives the file its name, in place of one that had it.
    pub fn keep(mut self) -> Result<(), QueryError> {
        let written = |source| QueryError::Write { path: self.to.clone(), source };
        std::fs::rename(&self.draft, &self.to).map_err(written)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing is left to be told: the question failed already, and says so.
            let _ = std::fs::remove_file(&self.draft);
        }
    }
}

enum Sink {
    Parquet(Box<ArrowWriter<Hashed>>),
    Csv(Box<csv::Writer<Hashed>>),
    Jsonl(Hashed),
}

impl Sink {
    fn new(format: Format, mut to: Hashed) -> io::Result<Sink> {
        match format {
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(Default::default()))
                    .set_created_by(concat!("cordon ", env!("CARGO_PKG_VERSION")).into())
                    .set_max_row_group_row_count(Some(128 * 1024))
                    .build();
                let writer = ArrowWriter::try_new(to, schema(), Some(properties)).map_err(as_io)?;
                Ok(Sink::Parquet(Box::new(writer)))
            }
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(to);
                writer.write_record(COLUMNS.iter().map(|c| c.name))?;
                Ok(Sink::Csv(Box::new(writer)))
            }
            Format::Jsonl => {
                to.flush()?;
                Ok(Sink::Jsonl(to))
            }
        }
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match self {
            Sink::Parquet(writer) => writer.write(batch).map_err(as_io),
            Sink::Csv(writer) => {
                for row in 0..batch.num_rows() {
                    for array in batch.columns() {
                        match Cell::of(array, row) {
                            None => writer.write_field("")?,
                            Some(Cell::Text(text)) => writer.write_field(csv_cell::marked(text).as_bytes())?,
                            Some(cell) => writer.write_field(cell.to_string())?,
                        }
                    }
                    writer.write_record(None::<&[u8]>)?;
                }
                Ok(())
            }
            Sink::Jsonl(to) => {
                for row in 0..batch.num_rows() {
                    serde_json::to_writer(&mut *to, &object(batch, row))?;
                    to.write_all(b"\n")?;
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> io::Result<Hashed> {
        match self {
            Sink::Parquet(writer) => writer.into_inner().map_err(as_io),
            Sink::Csv(writer) => writer.into_inner().map_err(|why| io::Error::other(why.to_string())),
            Sink::Jsonl(to) => Ok(to),
        }
    }
}

fn as_io(why: ParquetError) -> io::Error {
    match why {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(io) => *io,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

/// A file, and the hash of what went into it.
struct Hashed {
    to: BufWriter<File>,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.to.write(octets)?;
        self.hash.update(octets.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
