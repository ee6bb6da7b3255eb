//! Rows picked out of segments to be shown: only their places are held, so that sorting them costs a few octets a row; the rows themselves are
//! read from the mapped segments when a batch is built.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::moment::Moment;
use crate::store::batch::{Batch, MAX_ROWS};
use crate::store::error::StoreError;
use crate::store::frame::Row;
use crate::store::segment::Segment;

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// When its query arrived: rows are sorted by it first.
    pub(crate) time: Moment,
    /// Which of the segments.
    pub(crate) segment: u32,
    /// Where in the segment.
    pub(crate) at: u32,
}

/// Rows at some places, in their order.
#[derive(Clone, Copy)]
pub(crate) struct Picked<'a> {
    /// What they are read from.
    pub(crate) segments: &'a [Arc<Segment>],
    /// Where they are.
    pub(crate) places: &'a [Place],
}

impl<'a> Picked<'a> {
    /// The row at a place: its segment, its number, itself.
    #[inline]
    pub(crate) fn read(&self, place: &Place) -> Result<(&'a Segment, u64, Row<'a>), StoreError> {
        let segment = self.segments.get(place.segment as usize);
        let found = segment.and_then(|segment| {
            let (seq, bytes) = segment.frame_again(place.at as usize)?;
            Some((&**segment, seq, Row::read(bytes)?))
        });
        // Read a moment ago, so this is a medium that gives different answers.
        found.ok_or_else(|| {
            let path = segment.map_or(std::path::Path::new(""), |segment| segment.path());
            StoreError::broken(path, format!("the frame at {} changed while it was read", place.at))
        })
    }
}

/// Batches of the rows at some places, in their order.
pub(crate) struct Batches<'a> {
    picked: Picked<'a>,
    batch: Batch,
}

impl<'a> Batches<'a> {
    /// Batches of at most [`MAX_ROWS`] rows.
    pub(crate) fn of(segments: &'a [Arc<Segment>], places: &'a [Place]) -> Batches<'a> {
        Batches { picked: Picked { segments, places }, batch: Batch::new() }
    }

    fn build(&mut self, places: &[Place]) -> Result<RecordBatch, StoreError> {
        for place in places {
            let (segment, seq, row) = self.picked.read(place)?;
            self.batch.push(segment.node(), segment.lane(), seq, &row);
        }
        debug_assert_eq!(self.batch.rows(), places.len());
        self.batch.finish()
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let places = self.picked.places;
        if places.is_empty() {
            return None;
        }
        let (now, later) = places.split_at(places.len().min(MAX_ROWS));
        self.picked.places = later;
        Some(self.build(now))
    }
}
