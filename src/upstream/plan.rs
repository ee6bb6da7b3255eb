//! In which order servers are asked, and how long one is waited for before the next is asked too. Pure: values in, values out.

use std::time::Duration;

/// A server of unknown speed is given this long before the next is asked too.
const FIRST_PATIENCE: Duration = Duration::from_millis(300);
/// Less patience than this only doubles questions: a recursive resolver needs time for what it has not cached.
const LEAST_PATIENCE: Duration = Duration::from_millis(60);
/// A server nobody asked for this long is asked again on the side, so that its speed is known.
const IDLE: Duration = Duration::from_secs(60);
/// A server whose rest is over is tried by one question, not by all that arrive before it has answered.
const BETWEEN_PROBES: Duration = Duration::from_secs(1);
/// The longest rest of a server that fails again and again.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// What is known of one server when a question arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Smoothed round-trip time; none when it never answered.
    pub srtt: Option<Duration>,
    /// Failures since its last answer.
    pub failures: u32,
    /// How much longer it rests after failing; none when it does not.
    pub rests: Option<Duration>,
    /// How long nobody has asked it; none when nobody ever did.
    pub idle: Option<Duration>,
}

/// Whom to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Every server, best first. The resting ones come last: they are still better than no answer.
    pub order: Vec<usize>,
    /// A server to be asked on the side, whose answer nobody waits for: one whose rest is over or that has long been idle.
    pub probe: Option<usize>,
}

/// The order for one question: healthy servers by speed, then those that failed and whose rest is over, then the resting ones.
/// A server that was never asked counts as the fastest; ties go by the order written.
pub fn plan(standings: &[Standing]) -> Plan {
    let mut order: Vec<usize> = (0..standings.len()).collect();
    order.sort_by_key(|&i| {
        let s = &standings[i];
        let class = match (s.rests, is_down(s.failures)) {
            (Some(_), _) => 2,
            (None, true) => 1,
            (None, false) => 0,
        };
        (class, s.rests.unwrap_or_default(), s.srtt.unwrap_or_default())
    });
    let best_is_up = order.first().is_some_and(|&i| standings[i].rests.is_none() && !is_down(standings[i].failures));
    let due = |s: &Standing| {
        let pause = if is_down(s.failures) { BETWEEN_PROBES } else { IDLE };
        s.rests.is_none() && s.idle.is_some_and(|idle| idle >= pause)
    };
    let probe = order.iter().skip(1).copied().find(|&i| best_is_up && due(&standings[i]));
    Plan { order, probe }
}

/// How long to wait for a server before the next one is asked as well: some round trips, and never so long that those behind it
/// have no time left; all the time there is when nobody is behind it.
pub fn patience(standing: &Standing, remaining: Duration, behind: usize) -> Duration {
    if behind == 0 {
        return remaining;
    }
    let share = remaining / u32::try_from(behind).unwrap_or(u32::MAX).saturating_add(1);
    let wanted = match standing.srtt {
        _ if is_down(standing.failures) => LEAST_PATIENCE,
        Some(srtt) => (srtt * 4).max(LEAST_PATIENCE),
        None => FIRST_PATIENCE,
    };
    wanted.min(share)
}

/// Whether so many failures in a row mean that a server is down. One may be a lost packet.
pub fn is_down(failures: u32) -> bool {
    failures >= 2
}

/// How long a server rests after its `failures`th failure in a row: a second, doubled each time, bounded.
pub fn rest(failures: u32) -> Duration {
    match is_down(failures) {
        true => Duration::from_secs(1 << (failures - 2).min(5)).min(LONGEST_REST),
        false => Duration::ZERO,
    }
}

/// Smoothed round-trip time after one more sample (RFC 6298 section 2: one eighth of the new).
pub fn smoothed(srtt: Option<Duration>, sample: Duration) -> Duration {
    match srtt {
        Some(srtt) => (srtt * 7 + sample) / 8,
        None => sample,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn up(srtt: u64) -> Standing {
        Standing { srtt: Some(ms(srtt)), idle: Some(ms(10)), ..Standing::default() }
    }

    fn down(rests: Option<Duration>) -> Standing {
        Standing { failures: 3, rests, idle: Some(BETWEEN_PROBES), ..up(1) }
    }

    #[test]
    fn the_fastest_comes_first_and_ties_keep_the_written_order() {
        assert_eq!(plan(&[up(30), up(10), up(10)]).order, [1, 2, 0]);
        assert_eq!(plan(&[Standing::default(), Standing::default()]).order, [0, 1]);
        assert_eq!(plan(&[]), Plan { order: vec![], probe: None });
    }

    #[test]
    fn a_server_that_fails_is_asked_last_but_still_asked() {
        assert_eq!(plan(&[down(Some(ms(500))), up(90)]).order, [1, 0]);
        assert_eq!(plan(&[down(Some(ms(500))), down(Some(ms(100)))]).order, [1, 0]);
        assert_eq!(plan(&[down(Some(ms(500)))]).order, [0]);
    }

    #[test]
    fn a_server_whose_rest_is_over_is_tried_on_the_side_and_no_client_waits_for_it() {
        let rested = plan(&[down(None), up(90)]);
        assert_eq!((rested.order, rested.probe), (vec![1, 0], Some(0)));
        assert_eq!(plan(&[down(Some(ms(1))), up(90)]).probe, None);
        let being_tried = Standing { idle: Some(ms(3)), ..down(None) };
        assert_eq!(plan(&[being_tried, up(90)]).probe, None, "one question at a time tries it");
        assert_eq!(plan(&[down(None), down(None)]).probe, None, "all are down: they are asked in earnest");
    }

    #[test]
    fn an_idle_server_is_measured_again() {
        let idle = Standing { idle: Some(IDLE), ..up(80) };
        assert_eq!(plan(&[up(10), idle]).probe, Some(1));
        assert_eq!(plan(&[up(10), up(80)]).probe, None);
    }

    #[test]
    fn patience_leaves_time_for_those_behind() {
        assert_eq!(patience(&up(5), ms(2000), 1), LEAST_PATIENCE);
        assert_eq!(patience(&up(50), ms(2000), 1), ms(200));
        assert_eq!(patience(&Standing::default(), ms(2000), 1), FIRST_PATIENCE);
        assert_eq!(patience(&up(5000), ms(2000), 1), ms(1000));
        assert_eq!(patience(&up(5), ms(2000), 0), ms(2000), "nobody is behind it");
        assert_eq!(patience(&down(None), ms(2000), 1), LEAST_PATIENCE);
    }

    #[test]
    fn rests_grow_and_are_bounded() {
        let rests: Vec<u64> = (0..9).map(|n| rest(n).as_secs()).collect();
        assert_eq!(rests, [0, 0, 1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(rest(u32::MAX), LONGEST_REST);
    }

    proptest! {
        #[test]
        fn every_server_is_in_the_order_once(
            standings in prop::collection::vec((0u32..5, prop::option::of(0u64..9000), prop::option::of(0u64..3000), prop::option::of(0u64..99999)), 0..8)
        ) {
            let standings: Vec<Standing> = standings
                .into_iter()
                .map(|(failures, srtt, rests, idle)| Standing { failures, srtt: srtt.map(ms), rests: rests.map(ms), idle: idle.map(ms) })
                .collect();
            let Plan { mut order, probe } = plan(&standings);
            prop_assert!(probe.is_none_or(|p| order.first() != Some(&p)));
            order.sort_unstable();
            prop_assert_eq!(order, (0..standings.len()).collect::<Vec<_>>());
        }
    }
}
