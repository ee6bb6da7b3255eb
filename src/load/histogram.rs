//! How long answers took: counts by nanoseconds, in steps of less than two in a hundred.

/// Steps an octave has.
const STEPS: u64 = 64;
/// Octaves above the first 64 nanoseconds; the last holds all that took longer (over an hour).
const OCTAVES: usize = 40;

/// Durations by how often they came.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    longest: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { counts: vec![0; STEPS as usize * OCTAVES].into(), total: 0, longest: 0 }
    }
}

impl Histogram {
    /// Adds one duration, in nanoseconds.
    pub fn add(&mut self, nanos: u64) {
        let at = place(nanos).min(self.counts.len() - 1);
        self.counts[at] += 1;
        self.total += 1;
        self.longest = self.longest.max(nanos);
    }

    /// Adds all that another one holds.
    pub fn merge(&mut self, other: &Histogram) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(ours, theirs)| *ours += theirs);
        self.total += other.total;
        self.longest = self.longest.max(other.longest);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        (self.total, self.longest) = (0, 0);
    }

    /// The duration that a share of all (0 to 1) stayed at or below, in nanoseconds; too long by one step at most. 0 where there is none.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = (share * self.total as f64).ceil() as u64;
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted.max(1) {
                return end(at).min(self.longest);
            }
        }
        self.longest
    }

    /// The longest, in nanoseconds.
    pub fn longest(&self) -> u64 {
        self.longest
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// Which count a duration belongs to: its highest six bits below the first.
fn place(nanos: u64) -> usize {
    let octave = nanos.checked_ilog2().map_or(0, |bits| u64::from(bits).saturating_sub(6));
    (octave * STEPS + (nanos >> octave)) as usize
}

/// The longest duration of a count.
fn end(at: usize) -> u64 {
    let at = at as u64;
    let octave = (at / STEPS).saturating_sub(1);
    let next = u128::from(at - octave * STEPS + 1) << octave;
    u64::try_from(next - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_too_long_by_one_step_at_most() {
        let mut all: Vec<u64> = (0..100_000u64).map(|n| (n * 7919) % 3_000_017 + n % 3).collect();
        let mut histogram = Histogram::default();
        all.iter().for_each(|&nanos| histogram.add(nanos));
        all.sort_unstable();
        for share in [0.001, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let exact = all[((share * all.len() as f64).ceil() as usize).max(1) - 1];
            let told = histogram.quantile(share);
            assert!(exact <= told && told <= exact + exact / 64 + 1, "{share}: {exact} was told as {told}");
        }
        assert_eq!((histogram.longest(), histogram.total()), (*all.last().unwrap(), 100_000));
    }

    #[test]
    fn every_duration_has_a_count_and_the_counts_follow_one_another() {
        let mut before = 0;
        for nanos in (0..5_000).chain((0..40).map(|bits| 1 << bits)).chain([u64::MAX]) {
            let at = place(nanos);
            assert!(at >= before || nanos < 5_000, "{nanos}");
            assert!(nanos <= end(at) || nanos == u64::MAX, "{nanos}");
            before = at;
        }
        Histogram::default().add(u64::MAX);
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }
}
