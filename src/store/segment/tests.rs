//! Segments are read by others while they are written, and damage costs no more than what it hits.

use super::*;
use crate::dns::Name;
use crate::moment::Moment;
use crate::record::{Record, Rule};
use crate::store::frame::{Draft, Row};
use crate::subject::Subject;
use crate::verdict::{Action, Transport};
use std::os::unix::fs::FileExt;

/// What a lane does to its segment.
struct Writer<'a> {
    segment: &'a Segment,
    at: usize,
    next: u64,
}

impl Writer<'_> {
    fn append(&mut self) {
        let subject = Subject::bare("10.0.0.1".parse().unwrap());
        let qname = Name::parse(&format!("n{}.example", self.next)).unwrap();
        let record = Record {
            time: Moment(self.next as i64),
            client: "10.0.0.1:53".parse().unwrap(),
            transport: Transport::Udp,
            network_zone: "hq",
            generation: 1,
            subject: &subject,
            qname: Some(&qname),
            qtype: 1,
            action: Action::Allowed,
            category: None,
            list: None,
            rule: Rule::None,
            rcode: Some(0),
            ede: None,
            answer: "",
            source: None,
            upstream: None,
            duration_us: 1,
        };
        let mut draft = Draft::new();
        draft.take(&record);
        // SAFETY: the one writer, within the map.
        unsafe {
            let length = draft.write(self.segment.room(self.at, draft.room()), self.next, self.segment.salt());
            self.segment.publish(self.at, length, self.at + draft.room());
        }
        self.at += draft.room();
        self.next += 1;
    }
}

/// A segment with `count` frames, numbered from `first`; gives the path and where each frame is.
fn filled(folder: &Path, first: u64, count: u64) -> (PathBuf, Vec<usize>) {
    let segment = Segment::prepare(&Disk::default(), folder, SMALLEST, 3, "dns1").unwrap();
    segment.begin(first);
    let mut lane = Writer { segment: &segment, at: HEAD, next: first };
    let places = (0..count).map(|_| {
        let at = lane.at;
        lane.append();
        at
    });
    let places = places.collect();
    (segment.path().to_path_buf(), places)
}

fn numbers(path: &Path) -> (Vec<u64>, bool) {
    let segment = Segment::open(path).unwrap().unwrap();
    let mut walk = segment.walk(HEAD);
    let seqs = walk.by_ref().inspect(|met| assert!(Row::read(met.bytes).is_some())).map(|met| met.seq).collect();
    (seqs, walk.is_torn())
}

fn overwrite(path: &Path, at: usize, octets: &[u8]) {
    std::fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(octets, at as u64).unwrap();
}

#[test]
fn another_process_reads_what_was_published() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(folder.path(), 41, 9);
    assert_eq!(numbers(&path), ((41..50).collect(), false));
    let segment = Segment::open(&path).unwrap().unwrap();
    assert_eq!((segment.lane(), segment.first(), segment.node(), segment.lost()), (3, 41, "dns1", 0));
}

#[test]
fn a_torn_tail_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let (path, places) = filled(folder.path(), 1, 5);
    overwrite(&path, places[4] + 40, &[0xff; 8]);
    assert_eq!(numbers(&path), (vec![1, 2, 3, 4], true));
    // A length that was never published is no frame and no damage, when nothing follows it.
    overwrite(&path, places[4], &[0; 4096]);
    assert_eq!(numbers(&path), (vec![1, 2, 3, 4], false));
}

#[test]
fn a_hole_that_a_power_cut_left_does_not_hide_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    let (path, places) = filled(folder.path(), 1, 30);
    overwrite(&path, places[10], &vec![0; places[20] - places[10]]);
    let expected: Vec<u64> = (1..=10).chain(21..=30).collect();
    assert_eq!(numbers(&path), (expected, false));
    let segment = Segment::open(&path).unwrap().unwrap();
    assert_eq!(segment.walk_to_zero(HEAD).count(), 10);
}

#[test]
fn a_length_that_lies_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (path, places) = filled(folder.path(), 1, 5);
    for lie in [1u32, 7, 0x7fff_ffff, u32::MAX, 200] {
        overwrite(&path, places[2], &lie.to_le_bytes());
        assert_eq!(numbers(&path), (vec![1, 2, 4, 5], false), "{lie}");
    }
}

#[test]
fn a_head_that_lost_its_number_is_read_by_its_frames() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(folder.path(), 77, 2);
    overwrite(&path, FIRST, &[0; 8]);
    assert_eq!(Segment::open(&path).unwrap().unwrap().first(), 77);
}

#[test]
fn files_that_are_no_segments_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.seg");
    for blank in [&[][..], &[0; 100], &[0; 1000]] {
        std::fs::write(&path, blank).unwrap();
        assert!(Segment::open(&path).unwrap().is_none());
    }
    std::fs::write(&path, [7; 1000]).unwrap();
    assert!(Segment::open(&path).is_err());
    let (good, _) = filled(folder.path(), 1, 1);
    overwrite(&good, MAGIC.len(), &1u32.to_le_bytes());
    let told = Segment::open(&good).unwrap_err().to_string();
    assert!(told.contains(good.to_str().unwrap()) && told.contains("have the version of cordon that wrote it seal it"));
    overwrite(&good, MAGIC.len(), &VERSION.to_le_bytes());
    assert!(Segment::open(&good).unwrap().is_some());
    overwrite(&good, NODE, b"X");
    assert!(matches!(Segment::open(&good), Err(StoreError::Broken { .. })));
}

#[test]
fn any_single_damage_costs_at_most_the_frame_it_hits() {
    let folder = tempfile::tempdir().unwrap();
    let (path, places) = filled(folder.path(), 1, 6);
    let whole = std::fs::read(&path).unwrap();
    for at in (HEAD..places[5]).step_by(3) {
        overwrite(&path, at, &[whole[at] ^ 0x5a]);
        let (seqs, _) = numbers(&path);
        let hit = places.iter().rposition(|&place| place <= at).unwrap() as u64 + 1;
        assert!((1..=6).filter(|seq| *seq != hit).all(|seq| seqs.contains(&seq)), "octet {at}: {seqs:?}");
        overwrite(&path, at, &[whole[at]]);
    }
}

#[test]
fn what_a_lane_left_empty_behind_a_page_hides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let segment = Segment::prepare(&Disk::default(), folder.path(), SMALLEST, 3, "dns1").unwrap();
    segment.begin(1);
    let mut lane = Writer { segment: &segment, at: HEAD, next: 1 };
    let mut left_empty = 0;
    for round in 0..20 {
        (0..7 + round % 5).for_each(|_| lane.append());
        segment.step_aside();
        segment.sync().unwrap();
        let aside = segment.aside();
        assert!(aside == 0 || aside.is_multiple_of(4096), "{aside}");
        left_empty += usize::from(aside > lane.at);
        lane.at = lane.at.max(aside);
    }
    assert!(left_empty > 3, "the lane was asked {left_empty} times");
    let expected: Vec<u64> = (1..lane.next).collect();
    let own: Vec<u64> = segment.walk(HEAD).map(|met| met.seq).collect();
    assert_eq!(own, expected);
    assert_eq!(numbers(segment.path()), (expected.clone(), false));
    let other = Segment::open(segment.path()).unwrap().unwrap();
    assert_eq!(other.walk_to_zero(HEAD).map(|met| met.seq).collect::<Vec<_>>(), expected);
}

#[test]
fn a_lane_that_has_written_little_to_its_page_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let segment = Segment::prepare(&Disk::default(), folder.path(), SMALLEST, 3, "dns1").unwrap();
    segment.begin(1);
    let mut lane = Writer { segment: &segment, at: HEAD, next: 1 };
    lane.append();
    segment.step_aside();
    assert_eq!(segment.aside(), 0);
    while lane.at < 3000 {
        lane.append();
    }
    segment.step_aside();
    assert_eq!(segment.aside(), pages::size());
}

#[test]
fn what_a_lane_appends_behind_a_page_it_left_is_put_on_the_medium_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let segment = Segment::prepare(&Disk::default(), folder.path(), SMALLEST, 3, "dns1").unwrap();
    segment.begin(1);
    let mut lane = Writer { segment: &segment, at: HEAD, next: 1 };
    while lane.at < 3000 {
        lane.append();
    }
    segment.step_aside();
    lane.at = segment.aside();
    lane.append();
    segment.sync_what_was_left().unwrap();
    assert_eq!(segment.synced.load(Ordering::Relaxed), pages::size() as u64, "the page it stands in is left alone");
    assert!(segment.wants_sync());
    // It has little on its new page, and is not asked again.
    segment.step_aside();
    segment.sync_what_was_left().unwrap();
    assert!(!segment.wants_sync());
    lane.append();
    segment.sync().unwrap();
    assert!(!segment.wants_sync());
}
