//! Stand-in.
use super::StoreError;
use crate::moment::Moment;
use arrow::array::{AsArray, RecordBatch};
use std::path::{Path, PathBuf};
pub struct Reader {
    parts: Vec<PartRef>,
    dir: PathBuf,
}
pub struct PartRef {
    pub path: PathBuf,
    pub rows: u64,
    pub bytes: u64,
    pub from: Moment,
    pub to: Moment,
}
#[derive(Clone, Debug, Default)]
pub struct TailCursor {
    seen: Vec<PathBuf>,
}
fn read(path: &Path) -> Result<Vec<RecordBatch>, StoreError> {
    let io = |e| StoreError::Io(path.display().to_string(), e);
    let file = std::fs::File::open(path).map_err(io)?;
    let other = |e: parquet::errors::ParquetError| StoreError::Other(e.to_string());
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 1000).map_err(other)?;
    reader.collect::<Result<_, _>>().map_err(|e| StoreError::Other(e.to_string()))
}
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() { all.extend(files(&entry.path())) } else { all.push(entry.path()) }
    }
    all.sort();
    all
}
impl Reader {
    pub fn open(log_dir: &Path) -> Result<Reader, StoreError> {
        std::fs::read_dir(log_dir).map_err(|e| StoreError::Io(log_dir.display().to_string(), e))?;
        let mut parts = Vec::new();
        for path in files(&log_dir.join("parts")) {
            // A part that the stand-in cannot read is known by its name alone, as the manifest would know it.
            let batches = read(&path).unwrap_or_default();
            let times: Vec<i64> = batches
                .iter()
                .flat_map(|b| {
                    b.column(0).as_primitive::<arrow::datatypes::TimestampMicrosecondType>().values().to_vec()
                })
                .collect();
            parts.push(PartRef {
                rows: times.len() as u64,
                bytes: std::fs::metadata(&path).map_or(0, |m| m.len()),
                from: Moment(times.iter().copied().min().unwrap_or(0)),
                to: Moment(times.iter().copied().max().unwrap_or(0)),
                path,
            });
        }
        Ok(Reader { parts, dir: log_dir.into() })
    }
    pub fn parts(&self) -> &[PartRef] {
        &self.parts
    }
    pub fn live(&self) -> Result<Vec<RecordBatch>, StoreError> {
        let read = files(&self.dir.join("segments")).into_iter().map(|p| read(&p));
        Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
    pub fn live_each(&self, mut take: impl FnMut(RecordBatch) -> Result<bool, StoreError>) -> Result<(), StoreError> {
        for batch in self.live()? {
            if !take(batch)? {
                break;
            }
        }
        Ok(())
    }
    pub fn live_rows(&self) -> u64 {
        self.live().map_or(0, |b| b.iter().map(|b| b.num_rows() as u64).sum())
    }
    pub fn tail_end(&self) -> TailCursor {
        TailCursor { seen: files(&self.dir.join("segments")) }
    }
    pub fn live_since(&self, cursor: &mut TailCursor) -> Result<Vec<RecordBatch>, StoreError> {
        let mut all = Vec::new();
        for path in files(&self.dir.join("segments")) {
            if !cursor.seen.contains(&path) {
                all.extend(read(&path)?);
                cursor.seen.push(path);
            }
        }
        Ok(all)
    }
}
