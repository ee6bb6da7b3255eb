//! Verifying the log: everything is recomputed, nothing is believed. Works on a copy of the folder, without a server and without the
//! private key.

mod notes;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use arrow::array::{StringArray, TimestampMicrosecondArray, UInt16Array, UInt64Array};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::moment::Moment;
use crate::store::error::StoreError;
use crate::store::manifest::book::{Book, Trail};
use crate::store::manifest::leaf::{Fact, Leaf, PartFact};
use crate::store::manifest::note::{self, Verifier};
use crate::store::manifest::tree::{self, Edge, Hash};
use crate::store::manifest::whole_lines;
use crate::store::paths::Paths;
use crate::store::reader::{Reader, column};
use crate::store::runs::Runs;
use notes::Notes;

/// What verifying found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings {
    /// Nothing contradicts anything: no problem was found.
    pub ok: bool,
    /// Whose log.
    pub node: Option<String>,
    /// Leaves in the manifest.
    pub leaves: u64,
    /// Root of the tree over them, hex.
    pub root: String,
    /// Checkpoints whose signature and root hold.
    pub checkpoints: u64,
    /// Parts whose hash, rows and numbers hold.
    pub parts: u64,
    /// Rows in them.
    pub sealed_rows: u64,
    /// Rows not sealed yet: their CRC holds, no signature covers them.
    pub live_rows: u64,
    /// Parts erased by retention.
    pub erased_parts: u64,
    /// Rows in them.
    pub erased_rows: u64,
    /// Records the log itself says were lost.
    pub lost_rows: u64,
    /// How far each file of the audit trail was taken over, leaf by leaf; the files stand outside the log.
    #[serde(skip)]
    pub audits: BTreeMap<String, Vec<Trail>>,
    /// Where the key came from.
    pub key: String,
    /// What is proven, a sentence each.
    pub proven: Vec<String>,
    /// What is not, and what would prove it.
    pub not_proven: Vec<String>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, below `log.dir`.
    pub file: String,
    /// The line of it, where it has lines.
    pub line: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

const LEAVES: &str = "evidence/leaves.jsonl";
const CHECKPOINT: &str = "evidence/checkpoint";
const CHECKPOINTS: &str = "evidence/checkpoints";

/// Verifies the log below `log_dir`. `key`: a file with the verifier key as it was handed over when the node was set up; without it, the key
/// that lies beside the evidence is used, which proves less.
pub fn verify(log_dir: &Path, key: Option<&Path>) -> Result<Findings, StoreError> {
    let paths = Paths::below(log_dir);
    std::fs::read_dir(log_dir).map_err(StoreError::file(log_dir, "open the log"))?;
    // Checkpoints first: a server may go on while this reads, and a leaf is always there before the checkpoint over it.
    let notes = Notes::read(&paths)?;
    let mut inquiry = Inquiry { findings: Findings::default(), paths, book: Book::default(), roots: Vec::new() };
    let verifier = inquiry.key(key)?;
    inquiry.leaves()?;
    inquiry.checkpoints(notes, verifier.as_ref());
    inquiry.parts();
    inquiry.continuity();
    Ok(inquiry.conclude(key.is_some()))
}

struct Inquiry {
    findings: Findings,
    paths: Paths,
    book: Book,
    /// Root of the tree at each size, from 0.
    roots: Vec<Hash>,
}

impl Inquiry {
    fn problem(&mut self, file: &str, line: Option<u64>, what: impl Into<String>) {
        self.findings.problems.push(Problem { file: file.to_owned(), line, what: what.into() });
    }

    fn key(&mut self, given: Option<&Path>) -> Result<Option<Verifier>, StoreError> {
        let path = given.unwrap_or(&self.paths.key_pub);
        self.findings.key = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => match Verifier::parse(text.trim()) {
                Ok(verifier) => Ok(Some(verifier)),
                Err(what) if given.is_some() => Err(StoreError::broken(path, what)),
                Err(what) => {
                    self.problem("evidence/key.pub", None, what);
                    Ok(None)
                }
            },
            Err(error) if given.is_some() => Err(StoreError::file(path, "read the verifier key")(error)),
            Err(error) => {
                self.problem("evidence/key.pub", None, format!("cannot be read: {error}"));
                Ok(None)
            }
        }
    }

    /// Every line: its form, its link to the line before, and whether it fits what came before.
    fn leaves(&mut self) -> Result<(), StoreError> {
        let (text, torn) = whole_lines(&self.paths.leaves)?;
        let mut edge = Edge::default();
        let mut last: Option<String> = None;
        self.roots.push(edge.root());
        for (n, line) in text.lines().enumerate() {
            let number = Some(n as u64 + 1);
            match Leaf::read(line) {
                Err(error) => self.problem(LEAVES, number, format!("is no leaf this version understands: {error}")),
                Ok(leaf) => {
                    if leaf.prev != last {
                        self.problem(LEAVES, number, "does not follow the line before it: `prev` is not its SHA-256");
                    }
                    if leaf.v != crate::store::manifest::leaf::VERSION {
                        self.problem(LEAVES, number, format!("is of version {}", leaf.v));
                    }
                    let canonical = serde_json::from_str(line).and_then(|value| {
                        let mut canonical = String::new();
                        crate::store::manifest::leaf::canonical(&value, &mut canonical).map(|()| canonical)
                    });
                    if canonical.ok().as_deref() != Some(line) {
                        self.problem(LEAVES, number, "is not in canonical form");
                    }
                    let node = self.findings.node.get_or_insert_with(|| leaf.node.clone()).clone();
                    if node != leaf.node {
                        self.problem(LEAVES, number, format!("is of node {}, not {node}", leaf.node));
                    }
                    for misfit in self.book.add(&leaf) {
                        self.problem(LEAVES, number, misfit);
                    }
                    if let Fact::Erase { rows, .. } = &leaf.fact {
                        self.findings.erased_parts += 1;
                        self.findings.erased_rows += rows;
                    }
                }
            }
            edge.push(tree::leaf_hash(line.as_bytes()));
            self.roots.push(edge.root());
            last = Some(hex(&tree::sha256(line.as_bytes())));
        }
        if torn > 0 {
            self.problem(LEAVES, Some(edge.size() + 1), format!("is torn: {torn} octets without an end of line"));
        }
        self.findings.audits = self.book.audits.clone();
        self.findings.leaves = edge.size();
        self.findings.root = hex(&edge.root());
        Ok(())
    }

    /// Every checkpoint: its signature, and that its root is the root the leaves give at its size.
    fn checkpoints(&mut self, notes: Notes, verifier: Option<&Verifier>) {
        for (name, what) in notes.problems {
            self.problem(&name, None, what);
        }
        for (&size, note) in &notes.by_size {
            let name = format!("{CHECKPOINTS}/{size}");
            if let Some(said) = self.checkpoint(&name, note, verifier)
                && said != size
            {
                self.problem(&name, None, format!("is of {said} leaves"));
            }
        }
        // The newest may be on its way while a server writes; those before it are there, if only since a moment ago.
        for missing in (1..self.findings.leaves).filter(|size| !notes.by_size.contains_key(size)) {
            if !self.paths.checkpoints.join(missing.to_string()).exists() {
                self.problem(&format!("{CHECKPOINTS}/{missing}"), None, "is missing");
            }
        }
        let Some(newest) = notes.newest else {
            if self.findings.leaves > 0 {
                self.problem(CHECKPOINT, None, "is missing");
            }
            return;
        };
        if let Some(size) = self.checkpoint(CHECKPOINT, &newest, verifier)
            && size < self.findings.leaves
        {
            let uncovered = self.findings.leaves - size;
            self.findings.not_proven.push(format!(
                "the last {uncovered} leaves are under no signed checkpoint: a server is writing them, or was stopped while it did"
            ));
        }
    }

    /// Looks at one checkpoint; the size it says when everything about it holds.
    fn checkpoint(&mut self, name: &str, note: &Result<String, String>, verifier: Option<&Verifier>) -> Option<u64> {
        let text = match note {
            Ok(text) => text,
            Err(error) => {
                self.problem(name, None, format!("cannot be read: {error}"));
                return None;
            }
        };
        let checkpoint = match verifier {
            Some(verifier) => match verifier.open(text) {
                Ok(checkpoint) => checkpoint,
                Err(what) => {
                    self.problem(name, None, what);
                    return None;
                }
            },
            None => note::unverified(text)?,
        };
        if let Some(node) = &self.findings.node
            && checkpoint.origin != note::origin(node)
        {
            self.problem(name, None, format!("is of {}, not of this log", checkpoint.origin));
            return None;
        }
        match self.roots.get(usize::try_from(checkpoint.size).unwrap_or(usize::MAX)) {
            None => {
                let what = format!(
                    "was signed over {} leaves, but only {} are there: leaves were cut off",
                    checkpoint.size, self.findings.leaves
                );
                self.problem(name, None, what);
                None
            }
            Some(root) if *root != checkpoint.root => {
                self.problem(name, None, "was signed over other leaves: leaves were changed");
                None
            }
            Some(_) => {
                if name != CHECKPOINT {
                    self.findings.checkpoints += u64::from(verifier.is_some());
                }
                Some(checkpoint.size)
            }
        }
    }

    /// Every part in force: its hash, its rows, and that it holds exactly the records its leaf says.
    fn parts(&mut self) {
        let parts: Vec<PartFact> = self.book.parts.values().cloned().collect();
        let node = self.findings.node.clone().unwrap_or_default();
        for part in &parts {
            match self.part(part, &node) {
                Ok(()) => {
                    self.findings.parts += 1;
                    self.findings.sealed_rows += part.rows;
                }
                // Retention may have erased it since the leaves were read.
                Err(_) if self.is_erased_by_now(part) => {}
                Err(what) => self.problem(&part.file, None, what),
            }
        }
        for path in crate::store::part::files(&self.paths, "parquet").unwrap_or_default() {
            let name = path.strip_prefix(&self.paths.dir).unwrap_or(&path).to_string_lossy().into_owned();
            if self.book.gone.contains(&name) {
                self.problem(&name, None, "is still there though the manifest says it is erased");
            } else if !self.book.parts.contains_key(&name) {
                self.findings.not_proven.push(format!(
                    "{name} is not in the manifest: a seal in progress or a file put there; nothing is proven about it"
                ));
            }
        }
    }

    fn is_erased_by_now(&self, part: &PartFact) -> bool {
        let gone = self.paths.file(&part.file).is_some_and(|path| !path.exists());
        gone && Reader::open(&self.paths.dir).is_ok_and(|reader| reader.book().gone.contains(&part.file))
    }

    fn part(&self, part: &PartFact, node: &str) -> Result<(), String> {
        let path = self.paths.file(&part.file).ok_or("has a name that leads out of the log")?;
        let (sha256, bytes) = hash_file(&path).map_err(|error| format!("cannot be read: {error}"))?;
        if bytes != part.bytes {
            return Err(format!("has {bytes} octets, the manifest says {}", part.bytes));
        }
        if sha256 != part.sha256 {
            return Err("has another SHA-256 than the manifest says: it was changed".to_owned());
        }
        let held = Held::read(&path, node).map_err(|what| format!("its hash holds but {what}"))?;
        let said = part.lanes.iter().fold(BTreeMap::<u16, Runs>::new(), |mut lanes, run| {
            lanes.entry(run.lane).or_default().add(run.run());
            lanes
        });
        if held.rows != part.rows || held.lanes != said {
            return Err(format!("its hash holds but it does not hold the records its leaf says ({} rows)", held.rows));
        }
        if held.span != Some((part.from.0, part.to.0)) {
            return Err("its hash holds but its rows are of another span of time than its leaf says".to_owned());
        }
        Ok(())
    }

    /// The numbers of every lane, from 1 to the newest, sealed, lost or live.
    fn continuity(&mut self) {
        let reader = match Reader::open(&self.paths.dir) {
            Ok(reader) => reader,
            Err(error) => {
                self.problem("segments", None, error.to_string());
                return;
            }
        };
        // The view is newer than the leaves read before: what was sealed meanwhile counts as sealed.
        let mut lanes = reader.book().accounted.clone();
        let lost = reader.lost_runs();
        for (lane, runs) in reader.live_runs().into_iter().chain(lost.clone()) {
            let all = lanes.entry(lane).or_default();
            runs.iter().for_each(|run| {
                all.add(run);
            });
        }
        for (lane, runs) in &lanes {
            for hole in runs.holes() {
                let what = format!(
                    "lane {lane} lacks the records {} to {}, and nothing says where they went",
                    hole.first, hole.last
                );
                self.problem(LEAVES, None, what);
            }
        }
        self.findings.live_rows = reader.live_rows();
        let unnoted = lost.iter().map(|(lane, runs)| {
            let noted = reader.book().accounted.get(lane);
            runs.iter()
                .flat_map(|run| run.first..=run.last)
                .filter(|&n| !noted.is_some_and(|noted| noted.has(n)))
                .count()
        });
        self.findings.lost_rows = self.book.lost + unnoted.sum::<usize>() as u64;
    }

    fn conclude(mut self, key_given: bool) -> Findings {
        let found = &mut self.findings;
        found.ok = found.problems.is_empty();
        if found.ok {
            if found.checkpoints > 0 {
                found.proven.push(format!(
                    "{} leaves are the ones the key signed, in their order: none was changed, removed or added before the newest checkpoint",
                    found.leaves
                ));
                found.proven.push(format!(
                    "{} parts with {} rows are, octet for octet, what was sealed",
                    found.parts, found.sealed_rows
                ));
            }
            found.proven.push("the records of every lane are numbered from 1 without a hole".to_owned());
        }
        if found.live_rows > 0 {
            found.not_proven.push(format!(
                "{} rows are not sealed yet: their checksums hold, but no signature covers them",
                found.live_rows
            ));
        }
        if found.erased_parts > 0 {
            found.not_proven.push(format!(
                "{} rows of {} parts were erased by retention: that they were, and their hashes, is proven; what they said is gone",
                found.erased_rows, found.erased_parts
            ));
        }
        if found.lost_rows > 0 {
            found.not_proven.push(format!("{} records were lost and are told of as gaps", found.lost_rows));
        }
        if !key_given {
            found.not_proven.push(
                "that the key is the node's: it lies beside the evidence; give the one handed over at set-up with --key".to_owned(),
            );
        }
        found.not_proven.push(
            "that no newer leaves were cut off together with their checkpoints: only a checkpoint kept elsewhere shows it".to_owned(),
        );
        self.findings
    }
}

/// What a part really holds.
struct Held {
    rows: u64,
    lanes: BTreeMap<u16, Runs>,
    span: Option<(Moment, Moment)>,
}

impl Held {
    fn read(path: &Path, node: &str) -> Result<Held, String> {
        let unreadable = |error: &dyn std::fmt::Display| format!("it cannot be read as Parquet: {error}");
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| unreadable(&error))?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), ["time", "node", "lane", "seq"]);
        let reader = builder.with_projection(mask).build().map_err(|error| unreadable(&error))?;
        let mut numbers: BTreeMap<u16, Vec<u64>> = BTreeMap::new();
        let mut held = Held { rows: 0, lanes: BTreeMap::new(), span: None };
        for batch in reader {
            let batch = batch.map_err(|error| unreadable(&error))?;
            let (Some(times), Some(nodes), Some(lanes), Some(seqs)) = (
                column::<TimestampMicrosecondArray>(&batch, "time"),
                column::<StringArray>(&batch, "node"),
                column::<UInt16Array>(&batch, "lane"),
                column::<UInt64Array>(&batch, "seq"),
            ) else {
                return Err("it lacks the columns time, node, lane and seq".to_owned());
            };
            for row in 0..batch.num_rows() {
                if nodes.value(row) != node {
                    return Err(format!("it has a row of node {}", nodes.value(row)));
                }
                let time = Moment(times.value(row));
                held.span = match held.span {
                    None => Some((time, time)),
                    Some((from, to)) => Some((from.min(time), to.max(time))),
                };
                numbers.entry(lanes.value(row)).or_default().push(seqs.value(row));
                held.rows += 1;
            }
        }
        for (lane, mut numbers) in numbers {
            numbers.sort_unstable();
            if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(format!("it has a record of lane {lane} twice"));
            }
            let runs = held.lanes.entry(lane).or_default();
            numbers.into_iter().for_each(|number| runs.push(number));
        }
        Ok(held)
    }
}

fn hash_file(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((hex(&hasher.finalize()), bytes));
        }
        hasher.update(&buffer[..count]);
        bytes += count as u64;
    }
}
