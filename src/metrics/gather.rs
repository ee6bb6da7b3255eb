//! Sums what the workers have counted.

use std::sync::atomic::{AtomicU64, Ordering};

use super::cells::{Cells, DURATION_SOURCES, QUERY_KINDS};
use super::counters::{Admission, Malformed};
use super::families::Families;
use super::histogram::Durations;
use super::labels::ZoneSlot;
use super::{Workers, table};
use crate::verdict::{Action, Transport};

/// Adds the counters of the way of a query.
pub(super) fn queries(workers: &Workers, families: &mut Families) {
    for (place, name) in workers.slots.zones().iter().enumerate() {
        let in_force = workers.slots.in_force().iter().any(|ZoneSlot(slot)| usize::from(*slot) == place);
        zone(workers, place, name, in_force, families);
    }
    for (place, source) in DURATION_SOURCES.iter().enumerate() {
        let mut counts = Durations::default();
        for histogram in workers.all.iter().filter_map(|cells| cells.durations.get(place)) {
            counts.add(histogram);
        }
        families.histogram(table::QUERY_DURATION, &[source], &counts);
    }
    let sum = |cell: fn(&Cells) -> &AtomicU64| total(workers.all.iter().map(|cells| cell(cells)));
    families.add(table::CACHE_HITS, &[], sum(|cells| &cells.cache_hits));
    families.add(table::CACHE_MISSES, &[], sum(|cells| &cells.cache_misses));
    families.add(table::STALE_ANSWERS, &[], sum(|cells| &cells.stale_answers));
    families.add(table::LOG_RECORDS, &[], sum(|cells| &cells.records));
    families.add(table::LOG_LOST, &[], sum(|cells| &cells.lost));
    families.add(table::QUERIES_UNATTRIBUTED, &[], sum(|cells| &cells.unattributed));
    for result in Admission::ALL {
        let cells = workers.all.iter().filter_map(|cells| cells.admission.get(result as usize));
        families.add(table::ADMISSION, &[result.word()], total(cells));
    }
    for result in Malformed::ALL {
        let cells = workers.all.iter().filter_map(|cells| cells.malformed.get(result as usize));
        families.add(table::MALFORMED, &[result.word()], total(cells));
    }
}

/// The counters of one network zone. While it is in force every action by UDP and TCP is shown from zero, so that the first
/// count of each is seen as an increase; any other series begins with its first count.
fn zone(workers: &Workers, place: usize, name: &str, in_force: bool, families: &mut Families) {
    let mut queries = [0_u64; QUERY_KINDS];
    let mut blocked = vec![0_u64; workers.slots.categories().len()];
    for cells in workers.all.iter().filter_map(|cells| cells.seen(place)) {
        for (sum, cell) in queries.iter_mut().zip(cells.queries()) {
            *sum = sum.wrapping_add(cell.load(Ordering::Relaxed));
        }
        for (category, cell) in cells.blocked() {
            if let Some(sum) = blocked.get_mut(category) {
                *sum = sum.wrapping_add(cell.load(Ordering::Relaxed));
            }
        }
    }
    let kinds = Transport::ALL.iter().flat_map(|transport| Action::ALL.iter().map(move |action| (transport, action)));
    for ((transport, action), count) in kinds.zip(queries) {
        if count > 0 || (in_force && matches!(transport, Transport::Udp | Transport::Tcp)) {
            families.add(table::QUERIES, &[name, transport.word(), action.word()], count);
        }
    }
    for (category, count) in workers.slots.categories().iter().zip(blocked).filter(|(_, count)| *count > 0) {
        families.add(table::BLOCKED, &[name, category], count);
    }
}

fn total<'a>(cells: impl Iterator<Item = &'a AtomicU64>) -> u64 {
    cells.fold(0, |sum, cell| sum.wrapping_add(cell.load(Ordering::Relaxed)))
}
