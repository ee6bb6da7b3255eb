//! The store as a whole, on folders of its own: what is appended is found again exactly once, whatever happens in between.

mod crash;
mod sealing;
mod tamper;

use std::path::Path;
use std::time::Duration;

use arrow::array::{RecordBatch, StringArray, TimestampMicrosecondArray, UInt16Array, UInt64Array};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::reader::{Reader, TailCursor, column};
use super::verify::{Findings, verify};
use super::*;
use crate::config::checked::{RequireReason, WhenFull};
use crate::dns::Name;
use crate::record::{Record, Rule};
use crate::subject::Subject;
use crate::verdict::{Action, Source, Transport};

const NOON: Moment = Moment::from_seconds(1_764_590_400);

struct Ground {
    folder: tempfile::TempDir,
    clock: Clock,
    limits: Limits,
    disk: Disk,
}

impl Ground {
    fn new() -> Ground {
        let limits = Limits {
            seal_every: Duration::from_secs(3600),
            seal_bytes: u64::MAX,
            seal_rows: 1_000_000,
            retain: Duration::from_secs(90 * 86_400),
            segment_bytes: segment::SMALLEST,
            keep_free: 0,
            sync_interval: Duration::from_millis(200),
        };
        // In memory where there is such a folder: these tests sync some thousand times.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Ground { folder, clock: Clock::scripted(NOON), limits, disk: Disk::default() }
    }

    fn log(&self) -> Log {
        Log {
            dir: self.dir(),
            sync_interval: self.limits.sync_interval,
            seal_every: self.limits.seal_every,
            retain: self.limits.retain,
            when_full: WhenFull::Answer,
            require_reason: RequireReason::Off,
            signing_key: self.folder.path().join("keys/log.key"),
        }
    }

    fn dir(&self) -> std::path::PathBuf {
        self.folder.path().join("log")
    }

    /// A store without threads: what happens, happens when the test says so.
    fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<Store, StoreError> {
        Store::prepare(&self.log(), "dns1", self.clock.clone(), self.limits.clone(), self.disk.clone())
    }

    fn rows(&self) -> Vec<Seen> {
        rows(&self.dir())
    }

    fn verified(&self) -> Findings {
        let findings = verify(&self.dir(), None).unwrap();
        assert!(findings.ok, "{:?}", findings.problems);
        findings
    }
}

/// A row as a reader sees it: lane, number, name.
type Seen = (u16, u64, String);

fn append(lane: &mut Lane, time: Moment, name: &str) -> Result<u64, Full> {
    let subject = Subject::bare("10.0.0.1".parse().unwrap());
    let qname = Name::parse(name).unwrap();
    lane.append(&Record {
        time,
        client: "10.0.0.1:4000".parse().unwrap(),
        transport: Transport::Udp,
        network_zone: "hq",
        generation: 1,
        subject: &subject,
        qname: Some(&qname),
        qtype: 1,
        action: Action::Blocked,
        category: Some("gambling"),
        list: Some("gambling/a.txt"),
        rule: Rule::Line { line: 3, labels: 1 },
        rcode: Some(0),
        ede: Some(15),
        answer: "0.0.0.0",
        source: Some(Source::Policy),
        upstream: None,
        duration_us: 12,
    })
}

/// Appends `count` rows a millisecond apart, named by their number.
fn fill(lane: &mut Lane, from: Moment, count: u64) -> Vec<Seen> {
    let one = |n: u64| {
        let name = format!("n{n}.l{}.example", lane.number());
        let seq = append(lane, from.plus(Duration::from_millis(n)), &name).unwrap();
        (lane.number(), seq, name)
    };
    (0..count).map(one).collect()
}

fn seen(batches: impl IntoIterator<Item = RecordBatch>) -> Vec<Seen> {
    let mut seen = Vec::new();
    for batch in batches {
        let lanes = column::<UInt16Array>(&batch, "lane").unwrap();
        let seqs = column::<UInt64Array>(&batch, "seq").unwrap();
        let names = column::<StringArray>(&batch, "qname").unwrap();
        seen.extend((0..batch.num_rows()).map(|i| (lanes.value(i), seqs.value(i), names.value(i).to_owned())));
    }
    seen
}

fn part_batches(path: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(path).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap).collect()
}

/// Every row of the log, sealed and live, sorted; a row met twice fails.
fn rows(dir: &Path) -> Vec<Seen> {
    let reader = Reader::open(dir).unwrap();
    let mut all = seen(reader.live().unwrap());
    for part in reader.parts() {
        all.extend(seen(part_batches(&part.path)));
    }
    all.sort();
    let mut unique = all.clone();
    unique.dedup();
    assert_eq!(all.len(), unique.len(), "a row is in two places");
    all
}

#[test]
fn what_is_appended_is_live_at_once_and_sealed_later() {
    let ground = Ground::new();
    let store = ground.open();
    let (mut a, mut b) = (store.lane().unwrap(), store.lane().unwrap());
    let mut expected = fill(&mut a, NOON, 700);
    expected.extend(fill(&mut b, NOON, 20));
    assert_eq!(ground.rows(), expected);
    assert_eq!(Reader::open(&ground.dir()).unwrap().parts().len(), 0);
    let gauges = store.gauges();
    assert_eq!((gauges.live_rows, gauges.records, gauges.parts, gauges.lost), (720, 720, 0, 0));

    store.flush().unwrap();
    assert_eq!(ground.rows(), expected);
    let reader = Reader::open(&ground.dir()).unwrap();
    assert_eq!((reader.parts().len(), reader.live_rows()), (1, 0));
    assert_eq!((store.gauges().live_rows, store.gauges().parts), (0, 1));

    // The lanes go on in the segments they have.
    expected.extend(fill(&mut a, NOON.plus(Duration::from_secs(60)), 5));
    expected.sort();
    assert_eq!(ground.rows(), expected);
    assert_eq!(reader.live_rows(), 0, "a view does not change");
    let findings = ground.verified();
    assert_eq!((findings.sealed_rows, findings.live_rows, findings.lost_rows), (720, 5, 0));
}

#[test]
fn rows_are_sorted_by_time_and_a_part_holds_one_date() {
    let ground = Ground::new();
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    let midnight = Moment::from_seconds(1_764_633_600);
    // Queries close in another order than they arrive in.
    for n in 0..40u64 {
        let shift = Duration::from_millis(n * 7919 % 997);
        let time = if n % 2 == 0 { midnight.minus(shift + Duration::from_millis(1)) } else { midnight.plus(shift) };
        append(&mut lane, time, "x.example").unwrap();
    }
    store.flush().unwrap();
    let reader = Reader::open(&ground.dir()).unwrap();
    let folders: Vec<_> = reader.parts().iter().map(|part| part.file.split('/').nth(1).unwrap()).collect();
    assert_eq!(folders, ["date=2025-12-01", "date=2025-12-02"]);
    for part in reader.parts() {
        let mut times = Vec::new();
        for batch in part_batches(&part.path) {
            times.extend(column::<TimestampMicrosecondArray>(&batch, "time").unwrap().values().iter().copied());
        }
        assert!(times.is_sorted());
        assert_eq!((times[0], *times.last().unwrap(), times.len() as u64), (part.from.0, part.to.0, part.rows));
    }
    assert_eq!(ground.rows().len(), 40);
    ground.verified();
}

#[test]
fn lanes_go_on_with_their_numbers_after_a_stop_and_after_a_kill() {
    let ground = Ground::new();
    let mut expected = Vec::new();
    for round in 0..6u64 {
        let store = ground.open();
        let (mut a, mut b) = (store.lane().unwrap(), store.lane().unwrap());
        expected.extend(fill(&mut a, NOON.plus(Duration::from_secs(round)), 400));
        if round != 3 {
            expected.extend(fill(&mut b, NOON.plus(Duration::from_secs(round)), round));
        }
        match round % 3 {
            0 => drop((a, b, store)),
            1 => {
                store.flush().unwrap();
                fill(&mut a, NOON, 3).into_iter().for_each(|row| expected.push(row));
                drop((a, b, store));
            }
            _ => {
                drop((a, b));
                store.close().unwrap();
                let left = std::fs::read_dir(ground.dir().join("segments")).unwrap().count();
                assert_eq!(left, 0, "a clean stop leaves nothing in the segments");
            }
        }
    }
    expected.sort();
    assert_eq!(ground.rows(), expected);
    let last = expected.iter().filter(|row| row.0 == 0).map(|row| row.1).max();
    assert_eq!(last, Some(2406));
    ground.verified();
}

#[test]
fn a_second_server_is_turned_away() {
    let ground = Ground::new();
    let store = ground.open();
    assert!(matches!(ground.try_open(), Err(StoreError::Locked { .. })));
    let lane = store.lane().unwrap();
    drop(store);
    assert!(ground.try_open().is_err(), "a lane may still write");
    drop(lane);
    ground.open();
}

#[test]
fn a_name_that_cannot_stand_in_the_evidence_is_refused() {
    let ground = Ground::new();
    for name in ["", "a b", "a+b", &"x".repeat(256)] {
        let opened = Store::prepare(&ground.log(), name, ground.clock.clone(), ground.limits.clone(), Disk::default());
        assert!(matches!(opened, Err(StoreError::Node { .. })), "{name}");
    }
}

#[test]
fn records_lost_for_want_of_space_are_counted_and_told() {
    let mut ground = Ground::new();
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    let mut expected = fill(&mut lane, NOON, 10);
    drop((lane, store));
    // A disk that always has less free than must be kept.
    ground.limits.keep_free = u64::MAX / 2;
    let store = ground.open();
    assert!(store.lane().is_err(), "no lane without a first segment");
    drop(store);
    ground.limits.keep_free = 0;
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    ground.disk.full.store(true, Ordering::Relaxed);
    let mut lost = 0;
    for n in 0.. {
        match append(&mut lane, NOON, &format!("m{n}.example")) {
            Ok(seq) => expected.push((0, seq, format!("m{n}.example"))),
            Err(full) => {
                assert_eq!(full.seq, expected.len() as u64 + 1 + lost);
                lost += 1;
                if lost == 7 {
                    break;
                }
            }
        }
    }
    assert!(store.gauges().full);
    assert_eq!(store.gauges().lost, 7);
    assert_eq!(ground.verified().lost_rows, 7, "known before the manifest says so");
    store.flush().unwrap();
    // Space again: the supply finds it, the lane goes on.
    ground.disk.full.store(false, Ordering::Relaxed);
    supply::look_round(&store.shared, &mut false);
    let seq = append(&mut lane, NOON, "again.example").unwrap();
    assert_eq!(seq, expected.len() as u64 + 8);
    assert!(!store.gauges().full);
    expected.push((0, seq, "again.example".into()));
    store.flush().unwrap();
    expected.sort();
    assert_eq!(ground.rows(), expected);
    let findings = ground.verified();
    assert_eq!((findings.lost_rows, findings.live_rows), (7, 0));
    let leaves = std::fs::read_to_string(ground.dir().join("evidence/leaves.jsonl")).unwrap();
    assert!(leaves.contains(r#""cause":"no-space""#), "{leaves}");
}

#[test]
fn losses_survive_a_kill() {
    let ground = Ground::new();
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    ground.disk.full.store(true, Ordering::Relaxed);
    let mut lost = 0;
    let mut appended = 0;
    while lost < 3 {
        match append(&mut lane, NOON, "a.example") {
            Ok(_) => appended += 1,
            Err(_) => lost += 1,
        }
    }
    drop((lane, store));
    ground.disk.full.store(false, Ordering::Relaxed);
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    assert_eq!(append(&mut lane, NOON, "b.example").unwrap(), appended + lost + 1);
    store.flush().unwrap();
    assert_eq!(ground.verified().lost_rows, 3);
}

#[test]
fn what_is_too_old_is_erased_and_the_manifest_says_so_first() {
    let ground = Ground::new();
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    fill(&mut lane, NOON, 10);
    store.flush().unwrap();
    let young = NOON.plus(Duration::from_secs(80 * 86_400));
    ground.clock.set(young);
    let expected = fill(&mut lane, young, 5);
    store.flush().unwrap();
    let old = Reader::open(&ground.dir()).unwrap();
    ground.clock.set(NOON.plus(Duration::from_secs(91 * 86_400)));
    assert_eq!(locked(&store.keeper).turn().unwrap(), plan::Step::Expire);
    assert_eq!(locked(&store.keeper).turn().unwrap(), plan::Step::Keep);
    assert_eq!(ground.rows(), expected);
    assert!(!old.parts()[0].path.exists());
    assert!(old.is_erased(&old.parts()[0]).unwrap() && !old.is_erased(&old.parts()[1]).unwrap());
    let findings = ground.verified();
    assert_eq!((findings.erased_parts, findings.erased_rows, findings.sealed_rows), (1, 10, 5));
    let leaves = std::fs::read_to_string(ground.dir().join("evidence/leaves.jsonl")).unwrap();
    assert!(leaves.contains(r#""rule":"retain 90d""#), "{leaves}");
}

#[test]
fn a_follower_sees_each_row_once_across_seals_and_removals() {
    let ground = Ground::new();
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    let sealed = fill(&mut lane, NOON, 5);
    store.flush().unwrap();
    let mut expected = fill(&mut lane, NOON, 5);
    let reader = Reader::open(&ground.dir()).unwrap();
    let (mut all, mut later) = (TailCursor::default(), reader.tail_end());
    let mut got = seen(reader.live_since(&mut all).unwrap());
    assert_eq!(got, expected, "not what was sealed before: {sealed:?}");
    assert!(reader.live_since(&mut later).unwrap().is_empty());
    for round in 0..4 {
        // More than a segment, so that the sealed one is removed before the follower looks again.
        let fresh = fill(&mut lane, NOON.plus(Duration::from_secs(round + 1)), 600);
        expected.extend(fresh.clone());
        store.flush().unwrap();
        expected.extend(fill(&mut lane, NOON.plus(Duration::from_secs(round + 1)), 2));
        got.extend(seen(reader.live_since(&mut all).unwrap()));
        assert!(reader.live_since(&mut all).unwrap().is_empty());
    }
    got.sort();
    assert!(got == expected, "{} rows, not {}", got.len(), expected.len());
    let mut tail = seen(reader.live_since(&mut later).unwrap());
    tail.sort();
    assert!(tail == expected[5..], "{} rows", tail.len());
}

#[test]
fn readers_see_each_row_exactly_once_while_the_server_writes_and_seals() {
    let mut ground = Ground::new();
    ground.limits.seal_rows = 500;
    let mut store = ground.open();
    store.start().unwrap();
    let mut lane = store.lane().unwrap();
    let store = std::sync::Arc::new(store);
    let writing = std::sync::Arc::new(AtomicBool::new(true));
    let sealer = std::thread::spawn({
        let (store, writing) = (store.clone(), writing.clone());
        move || {
            while writing.load(Ordering::Relaxed) {
                store.flush().unwrap();
            }
        }
    });
    let dir = ground.dir();
    let reader = std::thread::spawn({
        let writing = writing.clone();
        move || {
            let (mut looks, mut most) = (0, 0);
            while writing.load(Ordering::Relaxed) || looks == 0 {
                let seqs: Vec<u64> = rows(&dir).into_iter().map(|row| row.1).collect();
                assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "no row is missing in between");
                assert!(seqs.len() >= most, "no row disappears");
                assert_eq!(
                    Reader::open(&dir).unwrap().unlisted(),
                    [],
                    "a part that is being sealed is nothing to tell of"
                );
                most = seqs.len();
                looks += 1;
            }
            looks
        }
    });
    for n in 0..12_000u64 {
        append(&mut lane, NOON.plus(Duration::from_millis(n)), "a.example").unwrap();
        if n % 100 == 0 {
            std::thread::yield_now();
        }
    }
    // At least one look while all is in motion.
    while store.gauges().parts < 3 {
        std::thread::yield_now();
    }
    writing.store(false, Ordering::Relaxed);
    assert!(reader.join().unwrap() > 0);
    sealer.join().unwrap();
    drop(lane);
    std::sync::Arc::into_inner(store).unwrap().close().unwrap();
    assert_eq!(ground.rows().len(), 12_000);
    assert_eq!(ground.verified().sealed_rows, 12_000);
}

#[test]
fn a_configuration_and_a_clock_set_back_are_noted() {
    let ground = Ground::new();
    let store = ground.open();
    store.note_config(7, &"ab".repeat(32)).unwrap();
    ground.clock.set(NOON.minus(Duration::from_secs(3600)));
    locked(&store.keeper).turn().unwrap();
    locked(&store.keeper).turn().unwrap();
    let reader = Reader::open(&ground.dir()).unwrap();
    assert_eq!(reader.book().config, Some((7, "ab".repeat(32))));
    let leaves = std::fs::read_to_string(ground.dir().join("evidence/leaves.jsonl")).unwrap();
    assert_eq!(leaves.matches(r#""kind":"clock""#).count(), 1);
    assert_eq!(ground.verified().leaves, 2);
}

#[test]
fn files_that_a_crash_left_are_put_right_and_others_are_left_alone() {
    let ground = Ground::new();
    let store = ground.open();
    let mut lane = store.lane().unwrap();
    let expected = fill(&mut lane, NOON, 5);
    store.flush().unwrap();
    drop((lane, store));
    let parts = ground.dir().join("parts");
    std::fs::write(parts.join("sealing.tmp"), "half").unwrap();
    std::fs::write(parts.join("date=2025-12-01/foreign.parquet"), "not ours").unwrap();
    let unlisted = Reader::open(&ground.dir()).unwrap().unlisted();
    let told: Vec<_> = unlisted.iter().map(|one| (&*one.file, one.rows)).collect();
    assert_eq!(told, [("parts/date=2025-12-01/foreign.parquet", None)]);
    let store = ground.open();
    assert!(!parts.join("sealing.tmp").exists());
    assert!(parts.join("date=2025-12-01/foreign.parquet").exists());
    assert_eq!(store.notes().len(), 2, "{:?}", store.notes());
    assert_eq!(ground.rows(), expected);
}

#[test]
fn gauges_tell_of_lag_and_age() {
    let ground = Ground::new();
    let store = ground.open();
    assert_eq!(store.gauges().oldest, None);
    let mut lane = store.lane().unwrap();
    fill(&mut lane, NOON, 1);
    ground.clock.set(NOON.plus(Duration::from_secs(9)));
    locked(&store.keeper).turn().unwrap();
    assert_eq!(store.gauges().lag, Duration::from_secs(9));
    assert_eq!(store.gauges().oldest, Some(NOON));
    lane.sync().unwrap();
    assert_eq!(store.gauges().lag, Duration::ZERO);
    store.flush().unwrap();
    assert_eq!(store.gauges().oldest, Some(NOON));
    assert!(
        store.gauges().bytes > segment::SMALLEST as u64
            && store.gauges().space.is_some_and(|(free, size)| free > 0 && size > free)
    );
}
