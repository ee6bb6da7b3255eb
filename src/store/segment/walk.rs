//! Walking over the frames of a segment.

use super::{LARGEST_PAGE, SMALLEST_PAGE, Segment};
use crate::store::frame;

/// The frames of a segment in order. Damaged places are stepped over: the hole in the sequence numbers tells of them.
pub(crate) struct Walk<'a> {
    pub(super) segment: &'a Segment,
    pub(super) at: usize,
    pub(super) limit: usize,
    pub(super) to_zero: bool,
    pub(super) damaged: bool,
}

/// A frame met on a walk.
#[derive(Clone, Copy)]
pub(crate) struct Met<'a> {
    /// Where it is.
    pub(crate) at: usize,
    /// Its sequence number.
    pub(crate) seq: u64,
    /// Its octets.
    pub(crate) bytes: &'a [u8],
}

impl Walk<'_> {
    /// Where the walk stands: behind the last frame met.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The page behind `at` that something was begun on, if the lane left the rest of this one empty.
    fn next_begun(&self, at: usize) -> Option<usize> {
        let first = (at + 1).next_multiple_of(SMALLEST_PAGE);
        let mut pages = (first..).step_by(SMALLEST_PAGE).take(LARGEST_PAGE / SMALLEST_PAGE);
        pages.find(|page| page + frame::HEAD <= self.limit && self.segment.length_at(*page) != 0)
    }

    /// Whether something that is no frame follows the last frame met: one that was torn. Tells after the walk has ended.
    pub(crate) fn is_torn(&self) -> bool {
        self.damaged
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Met<'a>;

    fn next(&mut self) -> Option<Met<'a>> {
        let mut at = self.at;
        while at + frame::HEAD <= self.limit {
            // Frames follow one another, but the processor by itself asks for no memory beyond a page.
            (8..12).for_each(|line| self.segment.will_read(at + line * 64));
            if let Some((seq, bytes)) = self.segment.frame(at) {
                // A writer may have published what was empty a moment ago: nothing between is skipped unless it still is no frame.
                if at != self.at && self.segment.frame(self.at).is_some() {
                    at = self.at;
                    continue;
                }
                self.damaged = false;
                self.at = at + bytes.len().next_multiple_of(8);
                return Some(Met { at, seq, bytes });
            }
            let length = self.segment.length_at(at);
            if length == 0 && self.to_zero {
                at = self.next_begun(at)?;
                continue;
            }
            self.damaged |= length != 0;
            at += 8;
            if !self.to_zero {
                at = self.segment.behind_zeros(at, self.limit);
            }
        }
        None
    }
}
