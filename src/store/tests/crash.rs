//! The disk fails at step 1, 2, 3, ... of a run; what was appended is found again, once (L2).

use super::*;

/// A run that meets every arrow: two dates, a rolled segment, a seal, a configuration, an expiry. Gives what was appended.
fn run(ground: &Ground, appended: &mut Vec<Seen>) -> Result<(), StoreError> {
    let store = ground.try_open()?;
    let mut lane = store.lane()?;
    let late = Moment::from_seconds(1_764_633_599);
    // Long names, so that a few records fill a segment.
    let long = "x".repeat(60);
    for n in 0..200u64 {
        let name = format!("c{n}.{long}.{long}.{long}.example");
        // A lane that finds no space says so: that is no loss without a trace, and ends the run.
        let Ok(seq) = append(&mut lane, late.plus(Duration::from_millis(n * 10)), &name) else { break };
        appended.push((0, seq, name));
    }
    supply::sync(&store.shared)?;
    locked(&store.keeper).seal_all()?;
    store.note_config(1, &"cd".repeat(32))?;
    for n in 0..5u64 {
        let name = format!("d{n}.example");
        let Ok(seq) = append(&mut lane, late, &name) else { break };
        appended.push((0, seq, name));
    }
    drop(lane);
    store.close()
}

#[test]
fn wherever_the_disk_fails_no_row_is_lost_or_doubled() {
    let mut steps = 0;
    // Something is there already, so that failing means more than not beginning.
    let before = Ground::new();
    let mut begun = Vec::new();
    run(&before, &mut begun).unwrap();
    for step in 0.. {
        let mut ground = Ground::new();
        let mut copy = std::process::Command::new("cp");
        copy.arg("-a").arg(before.folder.path().join(".")).arg(ground.folder.path());
        assert!(copy.status().unwrap().success());
        let mut expected = begun.clone();
        ground.disk = Disk::failing_after(step);
        let outcome = run(&ground, &mut expected);
        let failed = ground.disk.has_failed();
        assert!(outcome.is_ok() || failed, "{outcome:?}");
        expected.sort();

        // As the crash left it, for a reader that needs no server.
        assert_eq!(ground.rows(), expected, "step {step}, before recovery");

        ground.disk = Disk::default();
        let store = ground.open();
        assert_eq!(ground.rows(), expected, "step {step}, after recovery");
        let mut lane = store.lane().unwrap();
        let next = append(&mut lane, NOON, "after.example").unwrap();
        let mut with_after = expected.clone();
        with_after.push((0, next, "after.example".into()));
        with_after.sort();
        store.flush().unwrap();
        assert_eq!(ground.rows(), with_after, "step {step}, sealed");
        drop(lane);
        store.close().unwrap();
        assert_eq!(ground.rows(), with_after, "step {step}, closed");
        ground.verified();
        let unknown = crate::store::part::files(&Paths::below(&ground.dir()), "parquet").unwrap().len();
        assert_eq!(unknown, Reader::open(&ground.dir()).unwrap().parts().len(), "step {step}: no orphan is left");
        steps = step;
        if !failed {
            break;
        }
    }
    assert!(steps > 30, "the run had only {steps} steps");
}

#[test]
fn wherever_an_expiry_fails_the_part_is_there_or_accounted_for() {
    for step in 0.. {
        let mut ground = Ground::new();
        let mut expected = Vec::new();
        run(&ground, &mut expected).unwrap();
        ground.clock.set(NOON.plus(Duration::from_secs(91 * 86_400)));
        ground.disk = Disk::failing_after(step);
        let outcome = ground.try_open().and_then(|store| locked(&store.keeper).expire(ground.clock.now()));
        let failed = ground.disk.has_failed();
        assert!(outcome.is_ok() || failed, "{outcome:?}");
        ground.disk = Disk::default();
        let store = ground.open();
        ground.verified();
        store.expire().unwrap();
        assert_eq!(ground.rows(), []);
        ground.verified();
        if !failed {
            break;
        }
    }
}

#[test]
fn a_power_cut_takes_at_most_what_was_not_synced_and_leaves_a_trace() {
    use std::os::unix::fs::FileExt;
    let ground = Ground::new();
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    let expected = fill(&mut lane, NOON, 50);
    let segment = locked(&store.shared.segments)[0].path().to_path_buf();
    drop((lane, store));
    let places: Vec<usize> = {
        let segment = Segment::open(&segment).unwrap().unwrap();
        segment.walk(segment::HEAD).map(|met| met.at).collect()
    };
    let file = std::fs::OpenOptions::new().write(true).open(&segment).unwrap();
    // Records 11 to 20 never reached the medium, 21 to 49 did, 50 did in part.
    file.write_all_at(&vec![0; places[20] - places[10]], places[10] as u64).unwrap();
    file.write_all_at(&[0xee; 8], places[49] as u64 + 64).unwrap();

    let store = ground.open();
    let mut lane = store.lane().unwrap();
    assert_eq!(append(&mut lane, NOON, "after.example").unwrap(), 51);
    store.flush().unwrap();
    let rows = ground.rows();
    let kept: Vec<Seen> = expected[..10].iter().chain(&expected[20..49]).cloned().collect();
    assert_eq!(rows[..39], kept);
    assert_eq!(rows.len(), 40);
    assert_eq!(ground.verified().lost_rows, 11);
    let leaves = std::fs::read_to_string(ground.dir().join("evidence/leaves.jsonl")).unwrap();
    assert!(
        leaves.contains(r#""cause":"damaged","first":11"#) && leaves.contains(r#""cause":"torn","first":50"#),
        "{leaves}"
    );
}

#[test]
fn a_damaged_frame_costs_itself_and_no_other() {
    use std::os::unix::fs::FileExt;
    let ground = Ground::new();
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    fill(&mut lane, NOON, 20);
    let segment = locked(&store.shared.segments)[0].clone();
    let at = segment.walk(segment::HEAD).nth(7).unwrap().at;
    std::fs::OpenOptions::new().write(true).open(segment.path()).unwrap().write_all_at(b"x", at as u64 + 30).unwrap();
    drop(segment);
    store.flush().unwrap();
    let seqs: Vec<u64> = ground.rows().into_iter().map(|row| row.1).collect();
    assert_eq!(seqs, (1..=20).filter(|n| *n != 8).collect::<Vec<_>>());
    assert_eq!(ground.verified().lost_rows, 1);
}
