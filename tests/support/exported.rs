//! The rows of a log, as another process reads them: `cordon log export`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;

use super::cordon::Cordon;

/// What the tests look at of a row.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    pub lane: u16,
    pub seq: u64,
    pub client: IpAddr,
    pub transport: String,
    pub network_zone: String,
    pub qname: Option<String>,
    pub action: String,
    pub category: Option<String>,
    pub list: Option<String>,
    pub rule: Option<String>,
    pub rcode: Option<u16>,
}

/// Writes the log to a file of `format` in Cordon's folder and gives its path. The server need not run, and may.
pub fn export(cordon: &Cordon, format: &str) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let file = cordon.dir.join(format!("export-{}.{format}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let output = cordon.command(&["log", "export", "--format", format, "-o", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file
}

/// Every row of the log.
pub fn all(cordon: &Cordon) -> Vec<Row> {
    let text = std::fs::read_to_string(export(cordon, "jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// L3: the sequence numbers of every lane begin at 1 and have no holes and no doubles.
#[track_caller]
pub fn assert_without_holes(rows: &[Row]) {
    assert_no_holes_but(rows, &[]);
}

/// The same where records were lost of which the manifest tells, each by lane and number.
#[track_caller]
pub fn assert_no_holes_but(rows: &[Row], lost: &[(u16, u64)]) {
    let mut lanes: BTreeMap<u16, Vec<u64>> = BTreeMap::new();
    for (lane, seq) in rows.iter().map(|row| (row.lane, row.seq)).chain(lost.iter().copied()) {
        lanes.entry(lane).or_default().push(seq);
    }
    for (lane, mut numbers) in lanes {
        numbers.sort_unstable();
        let broken = numbers.iter().zip(1..).find(|(found, expected)| **found != *expected);
        assert_eq!(broken, None, "lane {lane} of {} rows: found, expected", numbers.len());
    }
}

/// `cordon log verify` finds nothing wrong; gives what it says.
#[track_caller]
pub fn assert_verified(cordon: &Cordon) -> serde_json::Value {
    let output = cordon.command(&["--json", "log", "verify"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let findings: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(findings["ok"], true, "{text}");
    findings
}
