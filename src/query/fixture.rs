//! Rows and logs for tests: real batches, real Parquet parts in a folder of their own.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt16Array, UInt32Array, UInt64Array,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::moment::Moment;
use std::net::SocketAddr;
use std::time::Duration;

use crate::hex::hex;
use crate::moment::Clock;
use crate::record::columns::{COLUMNS, SCHEMA_VERSION, schema};
use crate::record::{Record, Rule};
use crate::subject::Subject;
use crate::verdict::{Action, Transport};

/// A row; the columns that no test asks about are made up.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub time: i64,
    pub seq: u64,
    pub client: String,
    pub device: Option<String>,
    pub host: Option<String>,
    pub user: Option<String>,
    pub qname: Option<String>,
    pub action: String,
    pub category: Option<String>,
    pub rcode: Option<u16>,
    pub answer: Option<String>,
}

impl Default for Row {
    fn default() -> Row {
        Row {
            time: 0,
            seq: 0,
            client: "10.20.0.1".into(),
            device: None,
            host: None,
            user: None,
            qname: Some("www.example.com".into()),
            action: "allowed".into(),
            category: None,
            rcode: Some(0),
            answer: None,
        }
    }
}

/// A batch in the form of the table.
pub fn batch(rows: &[Row]) -> RecordBatch {
    let text = |value: &dyn Fn(&Row) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let same = |value: &str| text(&|_| Some(value.to_string()));
    let columns = COLUMNS.iter().map(|column| -> ArrayRef {
        match column.name {
            "time" => {
                let times: TimestampMicrosecondArray = rows.iter().map(|r| Some(r.time)).collect();
                Arc::new(times.with_timezone("UTC"))
            }
            "as_of" => Arc::new(TimestampMicrosecondArray::new_null(rows.len()).with_timezone("UTC")),
            "lane" => Arc::new(rows.iter().map(|_| Some(0)).collect::<UInt16Array>()),
            "client_port" => Arc::new(rows.iter().map(|_| Some(4242)).collect::<UInt16Array>()),
            "seq" => Arc::new(rows.iter().map(|r| Some(r.seq)).collect::<UInt64Array>()),
            "policy_generation" => Arc::new(rows.iter().map(|_| Some(1)).collect::<UInt64Array>()),
            "duration_us" => Arc::new(rows.iter().map(|r| Some(r.seq as u32)).collect::<UInt32Array>()),
            "rcode" => Arc::new(rows.iter().map(|r| r.rcode).collect::<UInt16Array>()),
            "ede" => Arc::new(UInt16Array::new_null(rows.len())),
            "node" => same("dns1"),
            "transport" => same("udp"),
            "network_zone" => same("hq"),
            "qtype" => same("A"),
            "client" => text(&|r| Some(r.client.clone())),
            "device" => text(&|r| r.device.clone()),
            "host" => text(&|r| r.host.clone()),
            "user" => text(&|r| r.user.clone()),
            "qname" => text(&|r| r.qname.clone()),
            "action" => text(&|r| Some(r.action.clone())),
            "category" => text(&|r| r.category.clone()),
            "list" => text(&|r| r.category.as_ref().map(|c| format!("{c}/main"))),
            "rule" => text(&|r| r.category.as_ref().map(|_| "7:example.com".into())),
            "answer" => text(&|r| r.answer.clone()),
            _ => text(&|_| None),
        }
    });
    RecordBatch::try_new(schema(), columns.collect()).unwrap()
}

/// Writes a part as small in row groups and pages as it takes to see pruning at work.
pub fn part(log: &Path, name: &str, rows: &[Row]) {
    let folder = log.join("parts/date=1970-01-01");
    std::fs::create_dir_all(&folder).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(Default::default()))
        .set_max_row_group_row_count(Some(64))
        .set_data_page_row_count_limit(16)
        .set_write_batch_size(16)
        .set_column_bloom_filter_enabled(ColumnPath::from("qname"), true)
        .set_column_bloom_filter_enabled(ColumnPath::from("client"), true)
        .build();
    let file = File::create(folder.join(format!("{name}.parquet"))).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema(), Some(properties)).unwrap();
    writer.write(&batch(rows)).unwrap();
    writer.close().unwrap();
    leaf(log, &format!("parts/date=1970-01-01/{name}.parquet"), rows);
}

/// The manifest's line for a part, as the contract says it. Nothing signs it: readers go by the line, and these tests verify nothing.
fn leaf(log: &Path, file: &str, rows: &[Row]) {
    let times = || rows.iter().map(|row| row.time);
    let at = |micros: Option<i64>| Moment(micros.unwrap_or(0)).to_string();
    let bytes = std::fs::metadata(log.join(file)).unwrap().len();
    let leaves = log.join("evidence/leaves.jsonl");
    std::fs::create_dir_all(log.join("evidence")).unwrap();
    let before = std::fs::read_to_string(&leaves).unwrap_or_default();
    let prev = before.lines().last().map(|line| hex(Sha256::digest(line).as_slice()));
    let first =
        1 + before.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["rows"].as_u64().unwrap()).sum::<u64>();
    let last = first + rows.len() as u64 - 1;
    let line = serde_json::json!({
        "bytes": bytes, "file": file, "from": at(times().min()), "kind": "part",
        "lanes": [{"first": first, "lane": 9, "last": last}], "node": "dns1", "prev": prev, "rows": rows.len(),
        "schema": SCHEMA_VERSION, "sha256": "", "time": at(Some(0)), "to": at(times().max()), "v": 1, "writer": "cordon",
    });
    let mut leaves = File::options().append(true).create(true).open(leaves).unwrap();
    writeln!(leaves, "{line}").unwrap();
}

/// The writing side of a log, for rows that are not sealed yet.
pub struct Live {
    lane: crate::store::Lane,
    _store: crate::store::Store,
}

impl Live {
    /// Of the log at `dir`, which nothing is sealed in as long as the scripted clock stands.
    pub fn open(dir: &Path) -> Live {
        let log = crate::config::checked::Log {
            dir: dir.into(),
            sync_interval: Duration::from_secs(3600),
            seal_every: Duration::from_secs(3600),
            retain: Duration::from_secs(86_400),
            when_full: Default::default(),
            require_reason: Default::default(),
            signing_key: dir.join("log.key"),
        };
        let store = crate::store::Store::open(&log, "dns1", Clock::scripted(Moment(0))).unwrap();
        Live { lane: store.lane().unwrap(), _store: store }
    }

    /// Puts rows in.
    pub fn put(&mut self, rows: &[Row]) {
        for row in rows {
            let client = SocketAddr::new(row.client.parse().unwrap(), 4242);
            let name = row.qname.as_deref().map(|name| name.parse().unwrap());
            let record = Record {
                time: Moment(row.time),
                client,
                transport: Transport::Udp,
                network_zone: "hq",
                generation: 1,
                subject: &Subject::bare(client.ip()),
                qname: name.as_ref(),
                qtype: 1,
                action: Action::Allowed,
                category: None,
                list: None,
                rule: Rule::None,
                rcode: row.rcode,
                ede: None,
                answer: "",
                source: None,
                upstream: None,
                duration_us: 1,
            };
            self.lane.append(&record).unwrap();
        }
    }
}

fn maybe(values: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(values).prop_map(str::to_string))
}

/// Any row of a small world, so that filters meet rows.
pub fn any_row() -> impl Strategy<Value = Row> {
    let clients = &["10.20.0.1", "10.20.0.7", "10.21.0.1", "192.0.2.7", "2001:db8::2", "2001:db9::2"];
    let names = &["com", "example.com", "www.example.com", r"x\.example.com", "badexample.com", "a.test"];
    let who = (
        prop::sample::select(&clients[..]),
        maybe(&["00:11:22:33:44:01", "00:11:22:33:44:02"]),
        maybe(&["kiosk-1", "KIOSK-2"]),
        maybe(&["u1", "U2", "u3"]),
    );
    let what = (
        maybe(names),
        prop::sample::select(&["allowed", "blocked", "failed"][..]),
        maybe(&["webmail", "gambling"]),
        prop::option::of(prop::sample::select(&[0u16, 2, 3][..])),
        maybe(&["192.0.2.1", "192.0.2.11,192.0.2.1", "192.0.2.11", ""]),
    );
    (0i64..100, any::<u32>(), who, what).prop_map(|(time, seq, who, what)| Row {
        time,
        seq: seq.into(),
        client: who.0.into(),
        device: who.1,
        host: who.2,
        user: who.3,
        qname: what.0,
        action: what.1.into(),
        category: what.2,
        rcode: what.3,
        answer: what.4,
    })
}

/// Puts rows into a log: every `size` of them, in their order, are a part.
pub fn log(rows: &[Row], size: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("parts")).unwrap();
    for (number, rows) in rows.chunks(size.max(1)).enumerate() {
        part(dir.path(), &format!("{number:04}"), rows);
    }
    dir
}
