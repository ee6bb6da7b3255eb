//! What the leaves add up to: which parts there are, and what became of every sequence number.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::manifest::leaf::{Fact, Leaf, PartFact};
use crate::store::runs::{Run, Runs};

/// The sum of all leaves so far.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Parts that are to be read, by file.
    pub parts: BTreeMap<String, PartFact>,
    /// Files of parts that were erased or merged away.
    pub gone: BTreeSet<String>,
    /// Sequence numbers of each lane that are in a part, were in one, or are lost.
    pub accounted: BTreeMap<u16, Runs>,
    /// Records lost, of every lane.
    pub lost: u64,
    /// Legal holds in force.
    pub holds: BTreeSet<String>,
    /// The configuration put in force last: generation and hash.
    pub config: Option<(u64, String)>,
    /// Files of the audit trail, each as far as it was taken over, in order. A file only grows.
    pub audits: BTreeMap<String, Vec<Trail>>,
}

/// How far a file of the audit trail was taken over: its first octets, and their hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// SHA-256 of its first octets, hex.
    pub sha256: String,
    /// How many octets.
    pub bytes: u64,
    /// Entries in them.
    pub rows: u64,
}

impl Book {
    /// Adds what a leaf says; tells what in it does not fit the leaves before.
    pub fn add(&mut self, leaf: &Leaf) -> Vec<String> {
        let mut misfits = Vec::new();
        match &leaf.fact {
            Fact::Part(part) => {
                self.take_part(part, &mut misfits);
                for run in &part.lanes {
                    self.account(run.lane, run.run(), &mut misfits);
                }
            }
            Fact::Merge { inputs, part } => {
                let mut rows = 0;
                for input in inputs {
                    match self.parts.remove(input) {
                        Some(old) => rows += old.rows,
                        None => misfits.push(format!("merges {input}, which is not there")),
                    }
                    self.gone.insert(input.clone());
                }
                if rows != part.rows {
                    misfits.push(format!("merges {rows} rows into {}", part.rows));
                }
                self.take_part(part, &mut misfits);
            }
            Fact::Erase { file, sha256, rows, .. } => {
                match self.parts.remove(file) {
                    Some(old) if old.sha256 != *sha256 || old.rows != *rows => {
                        misfits.push(format!("erases {file} with another hash or number of rows"));
                    }
                    Some(_) => {}
                    None => misfits.push(format!("erases {file}, which is not there")),
                }
                self.gone.insert(file.clone());
            }
            Fact::Gap { lane, first, last, rows, .. } => {
                let run = Run { first: *first, last: *last };
                if *last < *first || run.count() != *rows {
                    misfits.push(format!("has a gap from {first} to {last} of {rows} rows"));
                } else {
                    self.account(*lane, run, &mut misfits);
                    self.lost += rows;
                }
            }
            Fact::Hold { id, action, .. } => {
                if action == "release" {
                    self.holds.remove(id);
                } else {
                    self.holds.insert(id.clone());
                }
            }
            Fact::Config { generation, sha256 } => self.config = Some((*generation, sha256.clone())),
            Fact::Audit { file, sha256, bytes, rows } => {
                let trail = self.audits.entry(file.clone()).or_default();
                if trail.last().is_some_and(|last| last.bytes > *bytes || last.rows > *rows) {
                    misfits.push(format!("has {bytes} octets of {file}, fewer than a leaf before"));
                }
                trail.push(Trail { sha256: sha256.clone(), bytes: *bytes, rows: *rows });
            }
            Fact::Key { .. } | Fact::Clock { .. } => {}
        }
        misfits
    }

    fn take_part(&mut self, part: &PartFact, misfits: &mut Vec<String>) {
        let counted: u64 = part.lanes.iter().filter(|run| run.first <= run.last).map(|run| run.run().count()).sum();
        if counted != part.rows || part.lanes.iter().any(|run| run.first > run.last) {
            misfits.push(format!("has {} rows but {counted} sequence numbers", part.rows));
        }
        if self.gone.contains(&part.file) || self.parts.insert(part.file.clone(), part.clone()).is_some() {
            misfits.push(format!("uses the file name {} again", part.file));
        }
    }

    fn account(&mut self, lane: u16, run: Run, misfits: &mut Vec<String>) {
        let already = self.accounted.entry(lane).or_default().add(run);
        if already > 0 {
            misfits.push(format!(
                "accounts for {already} records of lane {lane} ({} to {}) a second time",
                run.first, run.last
            ));
        }
    }

    /// Whether a record is in a part, was in one, or is known to be lost.
    pub fn has(&self, lane: u16, seq: u64) -> bool {
        self.accounted.get(&lane).is_some_and(|runs| runs.has(seq))
    }
}
