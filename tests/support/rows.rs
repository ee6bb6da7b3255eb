//! Rows of a log, read as any other process reads them: while the server writes, sealed and live ones alike.

use std::path::Path;

use cordon::query::{Budget, Filter, cell, rows};
use cordon::store::reader::Reader;
use serde_json::Value;

/// Every row below `log_dir`, newest first, as objects with every column.
pub fn every(log_dir: &Path) -> Vec<Value> {
    let reader = Reader::open(log_dir).expect("the log can be read");
    let found = rows::newest(&reader, &Filter::default(), usize::MAX - 1, &Budget::new(1 << 30, None)).unwrap();
    assert!(found.coverage.is_whole(), "{:?}", found.coverage);
    (0..found.rows.num_rows()).map(|row| cell::object(&found.rows, row)).collect()
}

/// The rows for a name, newest first.
pub fn of(log_dir: &Path, name: &str) -> Vec<Value> {
    every(log_dir).into_iter().filter(|row| row["qname"] == name).collect()
}

/// The newest row for a name.
#[track_caller]
pub fn last(log_dir: &Path, name: &str) -> Value {
    of(log_dir, name).into_iter().next().unwrap_or_else(|| panic!("no row for {name}"))
}
