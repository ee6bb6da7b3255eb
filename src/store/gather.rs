//! What is to be sealed, gathered from the segments: rows in no part yet, and numbers that are nowhere.
//!
//! Of a row little is held: when it was asked, where it is, and the numbers of who asked and in what manner it was answered, which are kept
//! once each ([`Recurring`]). So a part is written without reading the texts of its rows.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hasher;
use std::path::Path;
use std::sync::Arc;

use crate::moment::Moment;
use crate::store::error::StoreError;
use crate::store::frame::pieces::{self, Manner, Own, Subject};
use crate::store::keys::{Keys, same};
use crate::store::part::Day;
use crate::store::runs::{Run, Runs};
use crate::store::segment::{self, Segment};

/// Most octets kept of what recurs. A flood of names that nobody asks for twice has no use for it. Few in
/// tests, so that they meet what comes beyond.
const MOST_OCTETS: usize = if cfg!(test) { 8 << 10 } else { 8 << 20 };

/// Which segment: its lane and first sequence number.
pub(crate) type Key = (u16, u64);

/// The key of a segment.
pub(crate) fn key(segment: &Segment) -> Key {
    (segment.lane(), segment.first())
}

/// Stands for what is not kept.
const NOT_KEPT: u32 = u32::MAX;

/// A row to be sealed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    /// When its query arrived: rows are sorted by it.
    pub(crate) time: Moment,
    /// Which of the segments it is in.
    segment: u32,
    /// And where.
    at: u32,
    subject: u32,
    manner: u32,
}

impl Live {
    /// The numbers of who asked and of the manner; none when they are not kept.
    #[inline]
    pub(crate) fn pieces(&self) -> Option<(u32, u32)> {
        (self.subject != NOT_KEPT && self.manner != NOT_KEPT).then_some((self.subject, self.manner))
    }
}

/// Who asked, and in what manner it was answered: as octets, each once.
#[derive(Default)]
pub(crate) struct Recurring {
    /// What lanes there are, with the node of each: part of who asked.
    origins: Vec<(Box<str>, u16)>,
    subjects: Pieces,
    manners: Pieces,
}

/// Pieces of one kind, and whether each can be read.
#[derive(Default)]
struct Pieces {
    keys: Keys,
    sound: Vec<bool>,
}

/// What became of a piece.
enum Found {
    /// It is kept under a number.
    Number(u32),
    /// It is new, and no more are kept.
    NoRoom,
    /// It is none that can be read.
    Unreadable,
}

impl Pieces {
    /// The number of a piece with this behind it. `is_sound` says of a new one whether it can be read.
    #[inline]
    fn number(&mut self, piece: &[u8], behind: &[u8], is_sound: impl FnOnce(&[u8]) -> bool) -> Found {
        let hash = {
            let mut hasher = self.keys.hasher();
            hasher.write(piece);
            if !behind.is_empty() {
                hasher.write(behind);
            }
            hasher.finish()
        };
        let is = |octets: &[u8]| {
            let (front, back) = octets.split_at(octets.len() - behind.len().min(octets.len()));
            same(front, piece) && same(back, behind)
        };
        let write = |to: &mut Vec<u8>| {
            to.extend_from_slice(piece);
            to.extend_from_slice(behind);
        };
        let length = piece.len() + behind.len();
        let Some((number, new)) = self.keys.number_of(hash, is, length, write, MOST_OCTETS) else {
            return Found::NoRoom;
        };
        if new {
            self.sound.push(is_sound(piece));
        }
        if self.sound[number as usize] { Found::Number(number) } else { Found::Unreadable }
    }
}

/// Octets of the number of a lane and node, behind who asked there.
const ORIGIN: usize = size_of::<u32>();

impl Recurring {
    /// The number of a segment's lane and node.
    fn origin(&mut self, segment: &Segment) -> u32 {
        let (node, lane) = (segment.node(), segment.lane());
        let known = self.origins.iter().position(|origin| *origin.0 == *node && origin.1 == lane);
        known.unwrap_or_else(|| {
            self.origins.push((node.into(), lane));
            self.origins.len() - 1
        }) as u32
    }

    /// The node, the lane, and who asked there.
    pub(crate) fn subject(&self, number: u32) -> Option<(&str, u16, Subject<'_>)> {
        let (piece, origin) = self.subjects.keys.of(number).split_last_chunk::<ORIGIN>()?;
        let (node, lane) = self.origins.get(u32::from_le_bytes(*origin) as usize)?;
        Some((node, *lane, Subject::read(piece)?))
    }

    /// In what manner it was answered.
    pub(crate) fn manner(&self, number: u32) -> Option<Manner<'_>> {
        Manner::read(self.manners.keys.of(number))
    }
}

/// Rows of one date.
pub(crate) struct OfDay {
    /// The date.
    pub(crate) day: Day,
    /// The rows, lane by lane in the order of their numbers.
    pub(crate) rows: Vec<Live>,
    /// Which numbers they have: for each lane, in the order they were met in.
    pub(crate) lanes: Vec<(u16, Runs)>,
}

/// What a look through the segments found.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Rows to be sealed, by date.
    pub(crate) days: Vec<OfDay>,
    /// What recurs in them.
    pub(crate) recurring: Recurring,
    /// Numbers that are nowhere, and why.
    pub(crate) gaps: Vec<(u16, Run, &'static str)>,
    /// Up to where each segment was looked through.
    pub(crate) cursors: HashMap<Key, usize>,
    /// Segments that were looked through and will not be written to again.
    pub(crate) finished: Vec<Arc<Segment>>,
    /// There was more than one seal may take.
    pub(crate) more: bool,
    rows: usize,
}

impl Gathered {
    /// When the query of a frame arrived, and its pieces; none when it is none that can be read.
    #[inline]
    fn row(&mut self, bytes: &[u8], origin: u32) -> Option<(Moment, u32, u32)> {
        let (own, subject, manner) = pieces::take_apart(bytes)?;
        if !own.answer.is_ascii() {
            std::str::from_utf8(own.answer).ok()?;
        }
        let recurring = &mut self.recurring;
        let is_subject = |piece: &[u8]| Subject::read(piece).is_some();
        let of_subject = recurring.subjects.number(subject, &origin.to_le_bytes(), is_subject);
        let of_manner = recurring.manners.number(manner, &[], |piece| Manner::read(piece).is_some());
        match (of_subject, of_manner) {
            (Found::Number(subject), Found::Number(manner)) => Some((own.time, subject, manner)),
            (Found::Unreadable, _) | (_, Found::Unreadable) => None,
            _ => (is_subject(subject) && Manner::read(manner).is_some()).then_some((own.time, NOT_KEPT, NOT_KEPT)),
        }
    }

    #[inline]
    fn put(&mut self, lane: u16, seq: u64, row: Live) {
        let day = Day::of(row.time);
        let place = match self.days.last() {
            Some(last) if last.day == day => self.days.len() - 1,
            _ => self.day(day),
        };
        let of_day = &mut self.days[place];
        of_day.rows.push(row);
        match of_day.lanes.last_mut() {
            Some((last, runs)) if *last == lane => runs.push(seq),
            _ => of_day.lanes.push((lane, Runs::from_iter([Run { first: seq, last: seq }]))),
        }
        self.rows += 1;
    }

    #[cold]
    fn day(&mut self, day: Day) -> usize {
        self.days.iter().position(|of_day| of_day.day == day).unwrap_or_else(|| {
            self.days.push(OfDay { day, rows: Vec::new(), lanes: Vec::new() });
            self.days.len() - 1
        })
    }

    /// Looks through segments that are sorted by lane and number, each from where it was left. `accounted`: what is in the manifest.
    pub(crate) fn look_through(
        segments: &[Arc<Segment>],
        accounted: &BTreeMap<u16, Runs>,
        cursors: &HashMap<Key, usize>,
        most: usize,
    ) -> Gathered {
        let mut gathered = Gathered::default();
        let nothing = Runs::default();
        let mut lane_and_next: Option<(u16, u64)> = None;
        for (index, segment) in segments.iter().enumerate() {
            let lane = segment.lane();
            let accounted = accounted.get(&lane).unwrap_or(&nothing);
            let origin = gathered.recurring.origin(segment);
            let mut next = match lane_and_next {
                Some((same, next)) if same == lane => next,
                _ => accounted.next_free(),
            };
            let gap = |first: u64, last: u64, cause: &'static str, gaps: &mut Vec<_>| {
                if first <= last {
                    gaps.extend(accounted.missing(Run { first, last }).into_iter().map(|run| (lane, run, cause)));
                }
            };
            // Asked before the walk: what is appended afterwards is left for the next look, and so is the end of the segment.
            let retired = segment.is_retired();
            let cursor = cursors.get(&key(segment)).copied().unwrap_or(segment::HEAD);
            let mut walk = segment.walk(cursor);
            if segment.first() > next {
                gap(next, segment.first() - 1, "damaged", &mut gathered.gaps);
                next = segment.first();
            }
            for met in walk.by_ref() {
                let Some((time, subject, manner)) = gathered.row(met.bytes, origin) else { continue };
                if met.seq < next || accounted.has(met.seq) {
                    next = next.max(met.seq.saturating_add(1));
                    continue;
                }
                gap(next, met.seq - 1, "damaged", &mut gathered.gaps);
                next = met.seq.saturating_add(1);
                let (segment, at) = (index as u32, met.at as u32);
                gathered.put(lane, met.seq, Live { time, segment, at, subject, manner });
                if gathered.rows >= most {
                    gathered.more = true;
                    break;
                }
            }
            gathered.cursors.insert(key(segment), walk.at());
            segment.let_go(walk.at());
            if gathered.more {
                break;
            }
            if retired {
                if walk.is_torn() {
                    gap(next, next, "torn", &mut gathered.gaps);
                    next += 1;
                }
                let lost = segment.lost();
                if lost > 0 {
                    gap(next, next.saturating_add(lost - 1), "no-space", &mut gathered.gaps);
                    next = next.saturating_add(lost);
                }
                gathered.finished.push(segment.clone());
            }
            lane_and_next = Some((lane, next));
        }
        gathered
    }
}

/// Rows of a part in their order, with what recurs in them and where the others are.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// The rows.
    pub(crate) rows: &'a [Live],
    /// What recurs in them.
    pub(crate) recurring: &'a Recurring,
    /// What they are read from.
    pub(crate) segments: &'a [Arc<Segment>],
}

impl<'a> Rows<'a> {
    /// What is a row's own.
    #[inline]
    pub(crate) fn own(&self, row: &Live) -> Result<Own<'a>, StoreError> {
        self.frame(row).and_then(|(_, bytes)| pieces::own(bytes)).ok_or_else(|| self.changed(row))
    }

    /// All of a row, and the segment it is in.
    pub(crate) fn whole(&self, row: &Live) -> Result<(&'a Segment, Own<'a>, Subject<'a>, Manner<'a>), StoreError> {
        let found = self.frame(row).and_then(|(segment, bytes)| {
            let (own, subject, manner) = pieces::take_apart(bytes)?;
            Some((segment, own, Subject::read(subject)?, Manner::read(manner)?))
        });
        found.ok_or_else(|| self.changed(row))
    }

    /// Asks for the memory of the row at this place.
    #[inline]
    pub(crate) fn ahead(&self, at: usize) {
        let row = self.rows.get(at).and_then(|row| Some((self.segments.get(row.segment as usize)?, row.at)));
        if let Some((segment, at)) = row {
            segment.will_read(at as usize);
            segment.will_read(at as usize + 64);
        }
    }

    #[inline]
    fn frame(&self, row: &Live) -> Option<(&'a Segment, &'a [u8])> {
        let segment = self.segments.get(row.segment as usize)?;
        Some((segment, segment.frame_again(row.at as usize)?.1))
    }

    /// Read a moment ago, so this is a medium that gives different answers.
    #[cold]
    fn changed(&self, row: &Live) -> StoreError {
        let path = self.segments.get(row.segment as usize).map_or(Path::new(""), |segment| segment.path());
        StoreError::broken(path, format!("the frame at {} changed while it was read", row.at))
    }

    /// Gives back the memory that what was read takes up: segments are mapped, and hold more than a process should for a seal.
    pub(crate) fn let_go(&self) {
        self.segments.iter().for_each(|segment| segment.let_go(segment.size()));
    }
}
