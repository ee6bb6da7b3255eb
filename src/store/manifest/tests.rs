//! The manifest goes on over restarts, torn lines and failed writes, and is not continued once tampered with.

use super::*;
use std::fs;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench { folder: tempfile::tempdir().unwrap() }
    }

    fn paths(&self) -> Paths {
        Paths::below(self.folder.path())
    }

    fn open(&self) -> Result<(Manifest, Vec<String>), StoreError> {
        self.open_on(&Disk::default())
    }

    fn open_on(&self, disk: &Disk) -> Result<(Manifest, Vec<String>), StoreError> {
        let mut notes = Vec::new();
        let manifest = Manifest::open(disk, &self.paths(), "dns1", &self.folder.path().join("log.key"), &mut notes)?;
        Ok((manifest, notes))
    }

    fn checkpoint(&self) -> Checkpoint {
        note::unverified(&fs::read_to_string(self.paths().checkpoint).unwrap()).unwrap()
    }
}

fn config(generation: u64) -> Fact {
    Fact::Config { generation, sha256: "00".repeat(32) }
}

#[test]
fn leaves_and_checkpoints_go_on_over_restarts() {
    let bench = Bench::new();
    for round in 0..4 {
        let (mut manifest, notes) = bench.open().unwrap();
        assert!(notes.is_empty(), "{notes:?}");
        assert_eq!(manifest.size(), round * 2);
        manifest.append(Moment(round as i64), config(round)).unwrap();
        manifest.append(Moment(round as i64), config(round)).unwrap();
    }
    assert_eq!(bench.checkpoint().size, 8);
    for size in 1..=8 {
        assert!(bench.paths().checkpoints.join(size.to_string()).is_file());
    }
}

#[test]
fn a_torn_last_line_is_cut_off_and_told() {
    let bench = Bench::new();
    let (mut manifest, _) = bench.open().unwrap();
    manifest.append(Moment(1), config(1)).unwrap();
    drop(manifest);
    let whole = fs::read(bench.paths().leaves).unwrap();
    let mut torn = whole.clone();
    torn.extend_from_slice(b"{\"generation\":2,");
    fs::write(bench.paths().leaves, torn).unwrap();
    let (manifest, notes) = bench.open().unwrap();
    assert_eq!((manifest.size(), notes.len()), (1, 1));
    assert_eq!(fs::read(bench.paths().leaves).unwrap(), whole);
}

#[test]
fn wherever_writing_a_leaf_fails_the_manifest_goes_on_with_it_or_without() {
    for step in 0.. {
        let bench = Bench::new();
        let (mut manifest, _) = bench.open().unwrap();
        manifest.append(Moment(1), config(1)).unwrap();
        drop(manifest);
        let disk = Disk::failing_after(step);
        let written = bench.open_on(&disk).and_then(|(mut manifest, _)| manifest.append(Moment(2), config(2)));
        assert_eq!(written.is_err(), disk.has_failed());
        let (mut manifest, _) = bench.open().unwrap();
        assert!((1..=2).contains(&manifest.size()), "step {step}");
        assert_eq!(bench.checkpoint().size, manifest.size(), "step {step}");
        manifest.append(Moment(3), config(3)).unwrap();
        let (manifest, _) = bench.open().unwrap();
        assert_eq!(bench.checkpoint().root, manifest.edge.root());
        if !disk.has_failed() {
            assert!(step > 5);
            break;
        }
    }
}

#[test]
fn a_write_that_failed_is_undone_before_the_next() {
    // The disk of a full file system: one write fails, later ones go well.
    let bench = Bench::new();
    let (mut manifest, _) = bench.open().unwrap();
    manifest.append(Moment(1), config(1)).unwrap();
    manifest.disk = Disk::failing_after(0);
    assert!(manifest.append(Moment(2), config(2)).is_err());
    assert!(fs::read(bench.paths().leaves).unwrap().last() != Some(&b'\n'), "the test wants a torn line");
    manifest.disk = Disk::default();
    manifest.append(Moment(3), config(3)).unwrap();
    let (manifest, notes) = bench.open().unwrap();
    assert_eq!((manifest.size(), notes.len()), (2, 0));
}

#[test]
fn a_manifest_that_was_tampered_with_is_not_continued() {
    let bench = Bench::new();
    let (mut manifest, _) = bench.open().unwrap();
    for n in 1..=3 {
        manifest.append(Moment(n), config(n as u64)).unwrap();
    }
    drop(manifest);
    let leaves = fs::read_to_string(bench.paths().leaves).unwrap();
    let lines: Vec<&str> = leaves.lines().collect();
    let cases = [
        ("a leaf cut off", format!("{}\n{}\n", lines[0], lines[1])),
        ("a leaf changed", leaves.replace("\"generation\":3", "\"generation\":4")),
        ("leaves swapped", format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2])),
        ("all gone", String::new()),
    ];
    for (what, text) in cases {
        fs::write(bench.paths().leaves, text).unwrap();
        let error = bench.open().unwrap_err().to_string();
        assert!(error.contains("cordon log verify"), "{what}: {error}");
    }
    fs::write(bench.paths().leaves, leaves).unwrap();
    assert!(bench.open().is_ok());
}

#[test]
fn another_key_or_another_node_does_not_continue_a_log() {
    let bench = Bench::new();
    let (mut manifest, _) = bench.open().unwrap();
    manifest.append(Moment(1), config(1)).unwrap();
    drop(manifest);
    let other = Manifest::open(
        &Disk::default(),
        &bench.paths(),
        "dns1",
        &bench.folder.path().join("other.key"),
        &mut Vec::new(),
    );
    assert!(other.unwrap_err().to_string().contains("signature by this key"));
    fs::remove_file(&bench.paths().checkpoint).unwrap();
    let node =
        Manifest::open(&Disk::default(), &bench.paths(), "dns2", &bench.folder.path().join("log.key"), &mut Vec::new());
    assert!(matches!(node, Err(StoreError::OtherNode { .. })));
}
