//! Durations counted by size.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds in microseconds, from 10 µs (an answer from memory) to 10 s (longer than any client waits).
pub(super) const BOUNDS_US: [u32; 19] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// The same bounds in seconds, as they are exposed: written out, since a division would show its rounding in the label.
pub(super) const BOUNDS_SECONDS: [f64; 19] = [
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    2.5, 5.0, 10.0,
];

/// Which bucket a duration falls into; the last one has no bound. Without a branch, so that it costs the same for every duration.
#[inline]
pub(super) fn bucket(duration_us: u32) -> usize {
    BOUNDS_US.iter().map(|&bound| usize::from(duration_us > bound)).sum()
}

/// The cells of one histogram.
#[derive(Debug, Default)]
pub(super) struct HistogramCells {
    /// Durations by bucket, not cumulative; one more than there are bounds.
    pub(super) buckets: [AtomicU64; BOUNDS_US.len() + 1],
    /// Sum of all durations in microseconds.
    pub(super) sum_us: AtomicU64,
}

/// The numbers of one histogram of durations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// Durations by bucket, not cumulative.
    pub(super) buckets: [u64; BOUNDS_US.len() + 1],
    /// Sum of all durations in microseconds.
    pub(super) sum_us: u64,
}

impl Durations {
    /// Durations one duration.
    pub fn count(&mut self, took: Duration) {
        let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.buckets[bucket(took)] += 1;
        self.sum_us += u64::from(took);
    }

    /// How many durations were counted.
    pub fn total(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Adds what `cells` hold.
    pub(super) fn add(&mut self, cells: &HistogramCells) {
        for (sum, cell) in self.buckets.iter_mut().zip(&cells.buckets) {
            *sum = sum.wrapping_add(cell.load(Ordering::Relaxed));
        }
        self.sum_us = self.sum_us.wrapping_add(cells.sum_us.load(Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_whose_bound_it_does_not_pass() {
        assert_eq!(bucket(0), 0);
        assert_eq!(bucket(10), 0);
        assert_eq!(bucket(11), 1);
        assert_eq!(bucket(1_000), 6);
        assert_eq!(bucket(10_000_000), 18);
        assert_eq!(bucket(u32::MAX), 19);
    }

    #[test]
    fn both_tables_of_bounds_say_the_same() {
        for (us, seconds) in BOUNDS_US.iter().zip(BOUNDS_SECONDS) {
            assert!((f64::from(*us) / 1e6 - seconds).abs() < 1e-12, "{us}");
        }
        assert!(BOUNDS_US.is_sorted());
    }
}
