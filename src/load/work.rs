//! Work: queries in the order they are asked, each with what it has to be answered.

use super::answer::{Expected, HEADER, address_of};
use super::names::{Dice, Names, below};
use crate::dns::Name;
use crate::dns::types::{class, rtype};

/// Queries of a work whose names come at random; then it begins anew.
const MANY: usize = 500_000;
/// Most queries of the work of blocked names.
const MOST_BLOCKED: usize = 1_000_000;
/// One in so many blocked names is asked for as a host below the listed one.
const ONE_BELOW_IN: usize = 5;
/// How many in a hundred of the mixed work are blocked.
const BLOCKED_IN_HUNDRED: usize = 15;
/// Hosts that are asked for below listed names.
const HOSTS: [&str; 4] = ["www", "x", "cdn3", "a1"];

/// Queries, back to back.
#[derive(Default)]
pub struct Work {
    octets: Vec<u8>,
    queries: Vec<Query>,
}

#[derive(Clone, Copy)]
struct Query {
    from: u32,
    length: u16,
    expected: Expected,
}

impl Work {
    /// Every ordinary name once.
    pub fn each_once(names: &Names) -> Work {
        let mut work = Work::default();
        names.ordinary.iter().for_each(|name| work.ordinary(name));
        work
    }

    /// Ordinary names, each as likely as the other: answered from a cache.
    pub fn cached(names: &Names) -> Work {
        let (mut work, mut dice) = (Work::default(), Dice::new(11));
        for _ in 0..MANY {
            names.ordinary.get(dice.below(names.ordinary.len())).into_iter().for_each(|name| work.ordinary(name));
        }
        work
    }

    /// Listed names in no order, a fifth of them as a host below; none twice.
    pub fn blocked(names: &Names) -> Work {
        let (mut work, mut dice) = (Work::default(), Dice::new(12));
        let mut order: Vec<u32> = (0..names.listed.len() as u32).collect();
        dice.shuffle(&mut order);
        for &at in order.iter().take(MOST_BLOCKED) {
            names.listed.get(at as usize).into_iter().for_each(|name| work.listed(name, &mut dice));
        }
        work
    }

    /// As people ask: few names often and many seldom, 15 in 100 of them blocked.
    pub fn mixed(names: &Names) -> Work {
        let (mut work, mut dice) = (Work::default(), Dice::new(13));
        let mut order: Vec<u32> = (0..names.listed.len() as u32).collect();
        dice.shuffle(&mut order);
        for _ in 0..MANY {
            if dice.below(100) < BLOCKED_IN_HUNDRED && !order.is_empty() {
                let at = order.get(dice.zipf(order.len())).map_or(0, |at| *at as usize);
                names.listed.get(at).into_iter().for_each(|name| work.listed(name, &mut dice));
            } else {
                let at = dice.zipf(names.ordinary.len());
                names.ordinary.get(at).into_iter().for_each(|name| work.ordinary(name));
            }
        }
        work
    }

    fn ordinary(&mut self, name: &Name) {
        self.add(&query(name), Expected::Address(address_of(name)));
    }

    fn listed(&mut self, name: &Name, dice: &mut Dice) {
        let host = (dice.below(ONE_BELOW_IN) == 0).then(|| HOSTS[dice.below(HOSTS.len())]);
        let asked = host.and_then(|host| below(host, name));
        self.add(&query(asked.as_ref().unwrap_or(name)), Expected::Block);
    }

    /// One more query. What comes after four billion octets is left out.
    pub fn add(&mut self, query: &[u8], expected: Expected) {
        let (Ok(from), Ok(length)) = (u32::try_from(self.octets.len()), u16::try_from(query.len())) else { return };
        self.octets.extend_from_slice(query);
        self.queries.push(Query { from, length, expected });
    }

    /// How many queries there are.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// Query number `at`, and what it has to be answered.
    pub fn query(&self, at: usize) -> Option<(&[u8], Expected)> {
        let query = self.queries.get(at)?;
        let from = query.from as usize;
        Some((self.octets.get(from..from + usize::from(query.length))?, query.expected))
    }
}

/// A query for the address of a name, as a stub resolver asks: one question, recursion desired, no EDNS, identifier 0.
pub fn query(name: &Name) -> Vec<u8> {
    let mut wire = Vec::with_capacity(HEADER + name.wire_len() + 4);
    wire.extend([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    wire.extend_from_slice(name.as_wire());
    wire.extend(rtype::A.to_be_bytes());
    wire.extend(class::IN.to_be_bytes());
    wire
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::names::list;

    #[test]
    fn mixed_work_is_blocked_for_15_in_100_and_repeats_itself_from_run_to_run() {
        let names = Names::of(&list(3_000));
        let (work, again) = (Work::mixed(&names), Work::mixed(&names));
        let blocked = (0..work.len()).filter(|&at| work.query(at).unwrap().1 == Expected::Block).count();
        assert!((blocked * 100).abs_diff(work.len() * 15) < work.len(), "{blocked} of {}", work.len());
        assert!((0..work.len()).all(|at| work.query(at) == again.query(at)));
    }

    #[test]
    fn blocked_work_asks_for_each_listed_name_once() {
        let names = Names::of(&list(1_000));
        let work = Work::blocked(&names);
        let asked: std::collections::HashSet<&[u8]> = (0..work.len()).map(|at| work.query(at).unwrap().0).collect();
        assert_eq!((work.len(), asked.len()), (1_000, 1_000));
    }
}
