//! What is to be sealed, gathered from the segments: rows in no part yet, and numbers that are nowhere.
//!
//! Of a row little is held: what is its own, and the numbers of who asked and of what came of it, which are kept once each
//! ([`Recurring`]). So a part is written without a second look at the frames.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::moment::Moment;
use crate::store::error::StoreError;
use crate::store::frame::Row;
use crate::store::frame::halves::{self, Own};
use crate::store::keys::Keys;
use crate::store::manifest::book::Book;
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

/// A row to be sealed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    /// When its query arrived: rows are sorted by it.
    pub(crate) time: Moment,
    /// Its sequence number.
    pub(crate) seq: u64,
    /// How long it took, in microseconds.
    pub(crate) duration_us: u32,
    /// Source port.
    pub(crate) client_port: u16,
    /// The rest of it.
    pub(crate) rest: Rest,
}

/// Where the rest of a row is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rest {
    /// Who asked and what came of it, by their numbers.
    Halves { asker: u32, outcome: u32 },
    /// Nothing of it is kept: it is in this segment at this place.
    Frame { segment: u32, at: u32 },
}

/// Who asked and what came of it: as octets, each once.
#[derive(Default)]
pub(crate) struct Recurring {
    /// What lanes there are, with the node of each: part of who asked.
    origins: Vec<(Box<str>, u16)>,
    askers: Half,
    outcomes: Half,
}

/// One of the two halves, and whether it can be read.
#[derive(Default)]
struct Half {
    keys: Keys,
    sound: Vec<bool>,
}

/// What became of a half.
enum Found {
    /// It is kept under a number.
    Number(u32),
    /// It is new, and no more are kept.
    NoRoom,
    /// It is none that can be read.
    Unreadable,
}

impl Half {
    /// The number of a half, which `back` makes a frame again.
    #[inline]
    fn number(&mut self, half: &[u8], frame: &mut Vec<u8>, back: fn(&[u8], &mut Vec<u8>)) -> Found {
        let Some((number, new)) = self.keys.number_within(half, MOST_OCTETS) else { return Found::NoRoom };
        if new {
            back(half, frame);
            self.sound.push(Row::read(frame).is_some());
        }
        if self.sound[number as usize] { Found::Number(number) } else { Found::Unreadable }
    }
}

/// Octets behind who asked that say of which origin.
const ORIGIN: usize = 4;

fn asker_frame(half: &[u8], frame: &mut Vec<u8>) {
    halves::asker_frame(&half[..half.len() - ORIGIN], frame);
}

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

    /// The node, the lane and the row that say who asked; of all else the row says nothing.
    pub(crate) fn asker<T>(&self, number: u32, told: impl FnOnce(&str, u16, &Row<'_>) -> T) -> Option<T> {
        let half = self.askers.keys.of(number);
        let (_, origin) = half.split_last_chunk::<ORIGIN>()?;
        let (node, lane) = self.origins.get(u32::from_le_bytes(*origin) as usize)?;
        let mut frame = Vec::new();
        asker_frame(half, &mut frame);
        Some(told(node, *lane, &Row::read(&frame)?))
    }

    /// The row that says what was asked and came of it, and nothing else.
    pub(crate) fn outcome<T>(&self, number: u32, told: impl FnOnce(&Row<'_>) -> T) -> Option<T> {
        let mut frame = Vec::new();
        halves::outcome_frame(self.outcomes.keys.of(number), &mut frame);
        Some(told(&Row::read(&frame)?))
    }
}

/// Rows of one date.
pub(crate) struct OfDay {
    /// The date.
    pub(crate) day: Day,
    /// The rows, lane by lane in the order of their numbers.
    pub(crate) rows: Vec<Live>,
    /// Which numbers they have, by lane.
    pub(crate) lanes: BTreeMap<u16, Runs>,
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

/// Where frames are taken apart.
#[derive(Default)]
struct Room {
    asker: Vec<u8>,
    outcome: Vec<u8>,
    frame: Vec<u8>,
}

impl Gathered {
    /// The row of a frame; none when it is none that can be read.
    #[inline]
    fn row(&mut self, bytes: &[u8], origin: u32, room: &mut Room) -> Option<(Own, Option<Rest>)> {
        let own = halves::split(bytes, &mut room.asker, &mut room.outcome)?;
        room.asker.extend_from_slice(&origin.to_le_bytes());
        let recurring = &mut self.recurring;
        let asker = recurring.askers.number(&room.asker, &mut room.frame, asker_frame);
        let outcome = recurring.outcomes.number(&room.outcome, &mut room.frame, halves::outcome_frame);
        match (asker, outcome) {
            (Found::Number(asker), Found::Number(outcome)) => Some((own, Some(Rest::Halves { asker, outcome }))),
            (Found::Unreadable, _) | (_, Found::Unreadable) => None,
            _ => Row::read(bytes).map(|_| (own, None)),
        }
    }

    #[inline]
    fn put(&mut self, lane: u16, row: Live) {
        let day = Day::of(row.time);
        let place = match self.days.last() {
            Some(last) if last.day == day => self.days.len() - 1,
            _ => self.day(day),
        };
        let of_day = &mut self.days[place];
        of_day.rows.push(row);
        of_day.lanes.entry(lane).or_default().push(row.seq);
        self.rows += 1;
    }

    #[cold]
    fn day(&mut self, day: Day) -> usize {
        self.days.iter().position(|of_day| of_day.day == day).unwrap_or_else(|| {
            self.days.push(OfDay { day, rows: Vec::new(), lanes: BTreeMap::new() });
            self.days.len() - 1
        })
    }

    /// Looks through segments that are sorted by lane and number, each from where it was left.
    pub(crate) fn look_through(
        segments: &[Arc<Segment>],
        book: &Book,
        cursors: &HashMap<Key, usize>,
        most: usize,
    ) -> Gathered {
        let mut gathered = Gathered::default();
        let mut room = Room::default();
        let nothing = Runs::default();
        let mut lane_and_next: Option<(u16, u64)> = None;
        for (index, segment) in segments.iter().enumerate() {
            let lane = segment.lane();
            let accounted = book.accounted.get(&lane).unwrap_or(&nothing);
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
                let Some((own, rest)) = gathered.row(met.bytes, origin, &mut room) else { continue };
                if met.seq < next || accounted.has(met.seq) {
                    next = next.max(met.seq.saturating_add(1));
                    continue;
                }
                gap(next, met.seq - 1, "damaged", &mut gathered.gaps);
                next = met.seq.saturating_add(1);
                let Own { time, client_port, duration_us } = own;
                let rest = rest.unwrap_or(Rest::Frame { segment: index as u32, at: met.at as u32 });
                gathered.put(lane, Live { time, seq: met.seq, duration_us, client_port, rest });
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
    /// What the others are read from.
    pub(crate) segments: &'a [Arc<Segment>],
}

impl<'a> Rows<'a> {
    /// The frame of a row of which nothing is kept: its segment, and itself.
    pub(crate) fn frame(&self, segment: u32, at: u32) -> Result<(&'a Segment, Row<'a>), StoreError> {
        let segment = self.segments.get(segment as usize);
        let found = segment.and_then(|segment| {
            let (_, bytes) = segment.frame_again(at as usize)?;
            Some((&**segment, Row::read(bytes)?))
        });
        // Read a moment ago, so this is a medium that gives different answers.
        found.ok_or_else(|| {
            let path = segment.map_or(std::path::Path::new(""), |segment| segment.path());
            StoreError::broken(path, format!("the frame at {at} changed while it was read"))
        })
    }

    /// Gives back the memory that what was read takes up: segments are mapped, and hold more than a process should for a seal.
    pub(crate) fn let_go(&self) {
        self.segments.iter().for_each(|segment| segment.let_go(segment.size()));
    }
}
