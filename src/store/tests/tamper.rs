//! What verifying notices.

use super::*;
use std::fs;
use std::path::PathBuf;

/// A log with three seals and a configuration; nothing live.
fn evidence() -> Ground {
    let ground = Ground::new();
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    for hour in 0..3 {
        fill(&mut lane, NOON.plus(Duration::from_secs(hour * 60)), 30);
        store.flush().unwrap();
    }
    store.note_config(1, &"ab".repeat(32)).unwrap();
    drop(lane);
    store.close().unwrap();
    ground
}

fn problems(ground: &Ground) -> Vec<String> {
    verify(&ground.dir(), None).unwrap().problems.iter().map(ToString::to_string).collect()
}

fn file(ground: &Ground, name: &str) -> PathBuf {
    ground.dir().join(name)
}

fn leaves(ground: &Ground) -> Vec<String> {
    fs::read_to_string(file(ground, "evidence/leaves.jsonl")).unwrap().lines().map(str::to_owned).collect()
}

fn put_leaves(ground: &Ground, lines: &[String]) {
    fs::write(file(ground, "evidence/leaves.jsonl"), lines.iter().map(|line| format!("{line}\n")).collect::<String>())
        .unwrap();
}

#[track_caller]
fn noticed(ground: &Ground, word: &str) {
    let problems = problems(ground);
    assert!(problems.iter().any(|problem| problem.contains(word)), "`{word}` is not in {problems:#?}");
    assert!(!verify(&ground.dir(), None).unwrap().ok);
}

#[test]
fn an_honest_log_verifies_and_says_what_it_proves() {
    let ground = evidence();
    let findings = ground.verified();
    assert_eq!((findings.leaves, findings.checkpoints, findings.parts, findings.sealed_rows), (4, 4, 3, 90));
    assert_eq!(findings.proven.len(), 3);
    assert!(findings.not_proven.iter().any(|text| text.contains("--key")));
    let given = verify(&ground.dir(), Some(&file(&ground, "evidence/key.pub"))).unwrap();
    assert!(given.ok && !given.not_proven.iter().any(|text| text.contains("--key")));
    assert!(serde_json::to_value(&findings).unwrap()["problems"].as_array().unwrap().is_empty());
}

#[test]
fn a_flipped_octet_anywhere_in_a_part_is_noticed() {
    let ground = evidence();
    let part = Reader::open(&ground.dir()).unwrap().parts()[1].path.clone();
    let whole = fs::read(&part).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 23) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&part, changed).unwrap();
        noticed(&ground, "another SHA-256");
    }
    fs::write(&part, &whole[..whole.len() - 1]).unwrap();
    noticed(&ground, "octets, the manifest says");
    fs::remove_file(&part).unwrap();
    noticed(&ground, "cannot be read");
}

#[test]
fn a_leaf_cut_changed_moved_or_slipped_in_is_noticed() {
    let ground = evidence();
    let whole = leaves(&ground);
    put_leaves(&ground, &whole[..3]);
    noticed(&ground, "leaves were cut off");
    put_leaves(&ground, &[&whole[..1], &whole[2..]].concat());
    noticed(&ground, "leaves.jsonl:2: does not follow the line before it");
    put_leaves(&ground, &[whole[0].clone(), whole[2].clone(), whole[1].clone(), whole[3].clone()]);
    noticed(&ground, "signed over other leaves");
    let mut changed = whole.clone();
    changed[3] = changed[3].replace("\"generation\":1", "\"generation\":2");
    put_leaves(&ground, &changed);
    noticed(&ground, "checkpoints/4: was signed over other leaves");
    let mut spaced = whole.clone();
    spaced[3] = spaced[3].replace(",\"kind\"", ", \"kind\"");
    put_leaves(&ground, &spaced);
    noticed(&ground, "leaves.jsonl:4: is not in canonical form");
    let mut torn = whole.clone();
    torn.push("{\"half".into());
    fs::write(file(&ground, "evidence/leaves.jsonl"), torn.join("\n")).unwrap();
    noticed(&ground, "is torn");
    put_leaves(&ground, &whole);
    assert_eq!(problems(&ground), [""; 0]);
}

#[test]
fn rolling_back_leaves_and_checkpoint_together_is_noticed_by_the_checkpoints_left() {
    let ground = evidence();
    let whole = leaves(&ground);
    put_leaves(&ground, &whole[..2]);
    fs::copy(file(&ground, "evidence/checkpoints/2"), file(&ground, "evidence/checkpoint")).unwrap();
    noticed(&ground, "checkpoints/3: was signed over 3 leaves");
    // With those gone too, the parts nobody knows are told of, and what was not proven says how to prove it.
    fs::remove_file(file(&ground, "evidence/checkpoints/3")).unwrap();
    fs::remove_file(file(&ground, "evidence/checkpoints/4")).unwrap();
    let findings = verify(&ground.dir(), None).unwrap();
    assert!(findings.not_proven.iter().any(|text| text.contains("is not in the manifest")));
    assert!(findings.not_proven.iter().any(|text| text.contains("kept elsewhere")));
}

#[test]
fn a_checkpoint_or_key_that_was_replaced_is_noticed() {
    let ground = evidence();
    let other = evidence();
    let key = fs::read(file(&ground, "evidence/key.pub")).unwrap();
    fs::copy(file(&other, "evidence/key.pub"), file(&ground, "evidence/key.pub")).unwrap();
    noticed(&ground, "no signature by this key");
    // A forger who signs everything anew is caught by the key that was handed over.
    let handed_over = ground.folder.path().join("handed-over.pub");
    fs::write(&handed_over, &key).unwrap();
    let forged = verify(&other.dir(), Some(&handed_over)).unwrap();
    assert!(!forged.ok && forged.checkpoints == 0);
    fs::write(file(&ground, "evidence/key.pub"), &key).unwrap();
    fs::copy(file(&other, "evidence/checkpoint"), file(&ground, "evidence/checkpoint")).unwrap();
    noticed(&ground, "evidence/checkpoint: ");
    fs::copy(file(&ground, "evidence/checkpoints/4"), file(&ground, "evidence/checkpoint")).unwrap();
    fs::remove_file(file(&ground, "evidence/checkpoints/2")).unwrap();
    noticed(&ground, "checkpoints/2: is missing");
    fs::copy(file(&ground, "evidence/checkpoints/3"), file(&ground, "evidence/checkpoints/2")).unwrap();
    noticed(&ground, "checkpoints/2: is of 3 leaves");
}

#[test]
fn records_missing_from_the_middle_of_a_lane_are_noticed() {
    let ground = Ground::new();
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    fill(&mut lane, NOON, 10);
    store.flush().unwrap();
    fill(&mut lane, NOON, 1000);
    // A segment's name says nothing of its place; its first record's number does.
    let number = |path: &std::path::PathBuf| u64::from_le_bytes(fs::read(path).unwrap()[16..24].try_into().unwrap());
    let files = fs::read_dir(ground.dir().join("segments")).unwrap().map(|entry| entry.unwrap().path());
    let first = files.filter(|file| number(file) > 0).min_by_key(number).unwrap();
    assert_eq!(ground.verified().live_rows, 1000);
    fs::remove_file(first).unwrap();
    noticed(&ground, "lane 0 lacks the records 11 to");
}

#[test]
fn an_erased_part_that_is_still_there_is_noticed() {
    let ground = evidence();
    let part = Reader::open(&ground.dir()).unwrap().parts()[0].path.clone();
    let kept = fs::read(&part).unwrap();
    ground.clock.set(NOON.plus(Duration::from_secs(200 * 86_400)));
    let store = ground.open();
    store.expire().unwrap();
    ground.verified();
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, kept).unwrap();
    noticed(&ground, "is still there though the manifest says it is erased");
}
