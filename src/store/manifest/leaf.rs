//! What a line of `leaves.jsonl` says, as written (version 1).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::moment::Moment;
use crate::store::runs::Run;

/// Version of the leaves written.
pub const VERSION: u32 = 1;

/// A moment as RFC 3339 text in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub Moment);

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Stamp, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let timestamp: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Stamp(timestamp.into()))
    }
}

/// A leaf: what every one has, and what its kind adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leaf {
    /// Version, 1.
    pub v: u32,
    /// Which node wrote it.
    pub node: String,
    /// When.
    pub time: Stamp,
    /// SHA-256 of the line before, hex; null for the first.
    pub prev: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What a leaf says, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Fact {
    /// Rows were sealed into a part.
    Part(PartFact),
    /// Parts were put together into one.
    Merge {
        /// The parts that went in.
        inputs: Vec<String>,
        /// What came out.
        #[serde(flatten)]
        part: PartFact,
    },
    /// A part was erased by a rule of retention.
    Erase {
        /// The file.
        file: String,
        /// Its SHA-256, hex.
        sha256: String,
        /// How many rows it had.
        rows: u64,
        /// By which rule.
        rule: String,
    },
    /// Records were lost.
    Gap {
        /// Of which lane.
        lane: u16,
        /// First sequence number lost.
        first: u64,
        /// Last sequence number lost.
        last: u64,
        /// How many.
        rows: u64,
        /// Why: `no-space`, `torn`, `damaged`.
        cause: String,
    },
    /// A configuration was put in force.
    Config {
        /// Generation of the snapshot.
        generation: u64,
        /// SHA-256 of the configuration file, hex.
        sha256: String,
    },
    /// A legal hold was placed or released.
    Hold {
        /// Its name.
        id: String,
        /// `add` or `release`.
        action: String,
        /// What it covers.
        selector: Value,
        /// By whose authority.
        authority: String,
    },
    /// A file of the audit trail was taken over, as far as it went; it only grows.
    Audit {
        /// The file, below `data_dir`.
        file: String,
        /// SHA-256 of its first `bytes` octets, hex.
        sha256: String,
        /// How many octets it had.
        bytes: u64,
        /// How many entries.
        rows: u64,
    },
    /// The node's key was changed.
    Key {
        /// Verifier key before.
        old: String,
        /// Verifier key from here on.
        new: String,
    },
    /// The clock stepped back.
    Clock {
        /// What it showed before.
        before: Stamp,
        /// What it showed after.
        after: Stamp,
    },
}

/// A part, as its leaf describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartFact {
    /// The file, below `log.dir`.
    pub file: String,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// Its length in octets.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// Exactly which records it holds.
    pub lanes: Vec<LaneRun>,
    /// Time of its first row.
    pub from: Stamp,
    /// Time of its last row.
    pub to: Stamp,
    /// Version of the columns.
    pub schema: u32,
    /// What wrote it.
    pub writer: String,
}

/// A run of sequence numbers of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneRun {
    /// The lane.
    pub lane: u16,
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
}

impl LaneRun {
    /// The run alone.
    pub fn run(&self) -> Run {
        Run { first: self.first, last: self.last }
    }
}

impl Leaf {
    /// Canonical JSON: keys sorted, no spaces, no newline at the end.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        let mut line = String::new();
        canonical(&serde_json::to_value(self)?, &mut line)?;
        Ok(line)
    }

    /// Reads a line.
    pub fn read(line: &str) -> Result<Leaf, serde_json::Error> {
        serde_json::from_str(line)
    }
}

impl Fact {
    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Fact::Part(_) => "part",
            Fact::Merge { .. } => "merge",
            Fact::Erase { .. } => "erase",
            Fact::Gap { .. } => "gap",
            Fact::Config { .. } => "config",
            Fact::Hold { .. } => "hold",
            Fact::Audit { .. } => "audit",
            Fact::Key { .. } => "key",
            Fact::Clock { .. } => "clock",
        }
    }
}

/// Writes `value` with keys sorted by code point and nothing between tokens.
pub fn canonical(value: &Value, out: &mut String) -> Result<(), serde_json::Error> {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(key)?);
                out.push(':');
                canonical(value, out)?;
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                canonical(item, out)?;
            }
            out.push(']');
        }
        plain => out.push_str(&serde_json::to_string(plain)?),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> PartFact {
        PartFact {
            file: "parts/date=2026-01-01/x.parquet".into(),
            sha256: "ab".into(),
            bytes: u64::MAX,
            rows: 3,
            lanes: vec![LaneRun { lane: 0, first: 1, last: 3 }],
            from: Stamp(Moment(1)),
            to: Stamp(Moment(2)),
            schema: 1,
            writer: "cordon 0".into(),
        }
    }

    fn every_kind() -> Vec<Fact> {
        vec![
            Fact::Part(part()),
            Fact::Merge { inputs: vec!["a".into()], part: part() },
            Fact::Erase { file: "f".into(), sha256: "s".into(), rows: 1, rule: "retain 90d".into() },
            Fact::Gap { lane: 1, first: 2, last: 3, rows: 2, cause: "no-space".into() },
            Fact::Config { generation: 4, sha256: "c".into() },
            Fact::Hold {
                id: "h".into(),
                action: "add".into(),
                selector: serde_json::json!({"user": "ü"}),
                authority: "x".into(),
            },
            Fact::Audit { file: "f".into(), sha256: "s".into(), bytes: 1, rows: 1 },
            Fact::Key { old: "o".into(), new: "n".into() },
            Fact::Clock { before: Stamp(Moment(5)), after: Stamp(Moment(4)) },
        ]
    }

    #[test]
    fn every_kind_reads_back_what_it_wrote() {
        for fact in every_kind() {
            let kind = fact.kind();
            let leaf = Leaf { v: 1, node: "dns1".into(), time: Stamp(Moment(7)), prev: None, fact };
            let line = leaf.line().unwrap();
            assert!(line.contains(&format!("\"kind\":\"{kind}\"")), "{line}");
            assert!(!line.contains(' ') || line.contains("retain 90d") || line.contains("cordon 0"), "{line}");
            let read = Leaf::read(&line).unwrap();
            assert_eq!(read, leaf);
            assert_eq!(read.line().unwrap(), line);
        }
    }

    #[test]
    fn a_line_is_canonical() {
        let fact = Fact::Config { generation: 4, sha256: "c".into() };
        let leaf = Leaf { v: 1, node: "dns1".into(), time: Stamp(Moment(0)), prev: None, fact };
        assert_eq!(
            leaf.line().unwrap(),
            r#"{"generation":4,"kind":"config","node":"dns1","prev":null,"sha256":"c","time":"1970-01-01T00:00:00.000000Z","v":1}"#
        );
    }

    #[test]
    fn an_unknown_kind_is_an_error_and_no_guess() {
        let line = r#"{"kind":"surprise","node":"n","prev":null,"time":"1970-01-01T00:00:00Z","v":1}"#;
        assert!(Leaf::read(line).is_err());
    }
}
