//! Sets of sequence numbers, kept as runs. What a lane has sealed or lost is normally one run.

/// A run of sequence numbers, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// The first.
    pub first: u64,
    /// The last; never below `first`.
    pub last: u64,
}

impl Run {
    /// How many numbers are in it.
    pub fn count(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

/// A set of sequence numbers of one lane: sorted runs with a hole between any two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    runs: Vec<Run>,
}

impl Runs {
    /// Adds a run; gives back how many of its numbers were in the set already. A run whose ends are swapped adds nothing.
    pub fn add(&mut self, run: Run) -> u64 {
        if run.last < run.first {
            return 0;
        }
        // Runs that overlap or touch the new one become one with it.
        let start = self.runs.partition_point(|one| one.last.saturating_add(1) < run.first);
        let end = self.runs.partition_point(|one| one.first <= run.last.saturating_add(1));
        let mut joined = run;
        let mut already = 0;
        for one in &self.runs[start..end] {
            let (from, to) = (one.first.max(run.first), one.last.min(run.last));
            if from <= to {
                already += to - from + 1;
            }
            joined = Run { first: joined.first.min(one.first), last: joined.last.max(one.last) };
        }
        self.runs.splice(start..end, [joined]);
        already
    }

    /// Adds one number behind all others, or anywhere; cheap when numbers come in order.
    pub fn push(&mut self, number: u64) {
        match self.runs.last_mut() {
            Some(run) if run.last.checked_add(1) == Some(number) => run.last = number,
            _ => {
                self.add(Run { first: number, last: number });
            }
        }
    }

    /// Whether a number is in the set.
    pub fn has(&self, number: u64) -> bool {
        let at = self.runs.partition_point(|run| run.last < number);
        self.runs.get(at).is_some_and(|run| run.first <= number)
    }

    /// How many numbers are in the set.
    pub fn count(&self) -> u64 {
        self.runs.iter().map(Run::count).sum()
    }

    /// The greatest number in the set.
    pub fn last(&self) -> Option<u64> {
        self.runs.last().map(|run| run.last)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The runs, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = Run> + '_ {
        self.runs.iter().copied()
    }

    /// The numbers of `within` that are not in the set, as runs.
    pub fn missing(&self, within: Run) -> Vec<Run> {
        let mut next = within.first;
        let mut missing = Vec::new();
        let start = self.runs.partition_point(|run| run.last < within.first);
        for run in self.runs[start..].iter().take_while(|run| run.first <= within.last) {
            if run.first > next {
                missing.push(Run { first: next, last: run.first - 1 });
            }
            let Some(after) = run.last.checked_add(1) else { return missing };
            next = after;
        }
        if next <= within.last {
            missing.push(Run { first: next, last: within.last });
        }
        missing
    }

    /// The numbers from 1 to the greatest that are not in the set, as runs.
    pub fn holes(&self) -> Vec<Run> {
        self.last().map_or(Vec::new(), |last| self.missing(Run { first: 1, last }))
    }

    /// The least number from 1 on that is not in the set.
    pub fn next_free(&self) -> u64 {
        match self.runs.first() {
            Some(run) if run.first <= 1 => run.last.saturating_add(1),
            _ => 1,
        }
    }
}

impl FromIterator<Run> for Runs {
    fn from_iter<I: IntoIterator<Item = Run>>(runs: I) -> Runs {
        let mut set = Runs::default();
        for run in runs {
            set.add(run);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn runs_are_the_set_of_what_was_added(runs in prop::collection::vec((1u64..60, 0u64..9), 0..20)) {
            let mut set = BTreeSet::new();
            let mut fast = Runs::default();
            for (first, length) in runs {
                let numbers: Vec<u64> = (first..=first + length).collect();
                let already = numbers.iter().filter(|n| set.contains(*n)).count() as u64;
                set.extend(&numbers);
                prop_assert_eq!(fast.add(Run { first, last: first + length }), already);
            }
            prop_assert_eq!(fast.count(), set.len() as u64);
            prop_assert_eq!(fast.last(), set.last().copied());
            for number in 0..80 {
                prop_assert_eq!(fast.has(number), set.contains(&number));
            }
            let holes: u64 = fast.holes().iter().map(Run::count).sum();
            prop_assert_eq!(holes + fast.count(), fast.last().unwrap_or(0));
            let missing: Vec<u64> = fast.missing(Run { first: 5, last: 40 }).iter().flat_map(|run| run.first..=run.last).collect();
            prop_assert_eq!(missing, (5..=40).filter(|n| !set.contains(n)).collect::<Vec<_>>());
            prop_assert_eq!(fast.next_free(), (1..).find(|n| !set.contains(n)).unwrap());
        }
    }

    #[test]
    fn numbers_in_order_stay_one_run() {
        let mut set = Runs::default();
        (1..=1000).for_each(|n| set.push(n));
        assert_eq!(set.iter().collect::<Vec<_>>(), [Run { first: 1, last: 1000 }]);
        set.add(Run { first: u64::MAX, last: u64::MAX });
        assert_eq!(set.holes(), [Run { first: 1001, last: u64::MAX - 1 }]);
    }
}
