//! The cells one worker counts in. They lie on cache lines of their own, so that no worker's counting slows another's.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use super::histogram::HistogramCells;
use super::labels::{CATEGORY_SLOTS, CategorySlot, ZONE_SLOTS, ZoneSlot};
use crate::verdict::{Action, Transport};

/// Kinds of query of one network zone: every transport with every action.
pub(super) const QUERY_KINDS: usize = Transport::ALL.len() * Action::ALL.len();

/// How many categories' cells are made at a time.
pub(super) const CATEGORY_BLOCK: usize = 32;

/// What durations are counted by. Stale answers count as the cache's.
pub(super) const DURATION_SOURCES: [&str; 4] = ["policy", "local", "cache", "upstream"];

/// All cells of one writer. Aligned to two cache lines: processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub struct Cells {
    pub(super) cache_hits: AtomicU64,
    pub(super) cache_misses: AtomicU64,
    pub(super) stale_answers: AtomicU64,
    pub(super) records: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) unattributed: AtomicU64,
    pub(super) admission: [AtomicU64; 3],
    pub(super) malformed: [AtomicU64; 3],
    pub(super) durations: [HistogramCells; DURATION_SOURCES.len()],
    zones: Box<[OnceLock<Box<ZoneCells>>]>,
}

/// The cells of one network zone.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct ZoneCells {
    queries: [[AtomicU64; Action::ALL.len()]; Transport::ALL.len()],
    blocked: [OnceLock<Box<CategoryBlock>>; CATEGORY_SLOTS / CATEGORY_BLOCK],
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct CategoryBlock([AtomicU64; CATEGORY_BLOCK]);

impl Cells {
    pub(super) fn new() -> Cells {
        Cells {
            cache_hits: AtomicU64::default(),
            cache_misses: AtomicU64::default(),
            stale_answers: AtomicU64::default(),
            records: AtomicU64::default(),
            lost: AtomicU64::default(),
            unattributed: AtomicU64::default(),
            admission: Default::default(),
            malformed: Default::default(),
            durations: Default::default(),
            zones: (0..ZONE_SLOTS).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Makes the cells for so many network zones and categories, so that counting need not allocate.
    pub(super) fn make_room(&self, zones: usize, categories: usize) {
        for zone in self.zones.iter().take(zones) {
            let zone = zone.get_or_init(Box::default);
            for block in zone.blocked.iter().take(categories.div_ceil(CATEGORY_BLOCK)) {
                block.get_or_init(Box::default);
            }
        }
    }

    /// The cell for queries of a network zone. A slot cannot be out of range; were it, the unmatched would count it.
    #[inline]
    pub(super) fn query(&self, zone: ZoneSlot, transport: Transport, action: Action) -> Option<&AtomicU64> {
        self.zone(zone)?.queries.get(transport as usize)?.get(action as usize)
    }

    /// The cell for blocks of a network zone by a category.
    #[inline]
    pub(super) fn blocked(&self, zone: ZoneSlot, category: CategorySlot) -> Option<&AtomicU64> {
        let place = usize::from(category.0);
        let block = self.zone(zone)?.blocked.get(place / CATEGORY_BLOCK)?;
        block.get_or_init(Box::default).0.get(place % CATEGORY_BLOCK)
    }

    /// The cells that exist of a network zone: queries by kind, and blocks with the category's place.
    pub(super) fn seen(&self, zone: usize) -> Option<&ZoneCells> {
        self.zones.get(zone)?.get().map(Box::as_ref)
    }

    #[inline]
    fn zone(&self, zone: ZoneSlot) -> Option<&ZoneCells> {
        Some(self.zones.get(usize::from(zone.0))?.get_or_init(Box::default))
    }
}

impl ZoneCells {
    /// Every query cell, transports outside, actions inside, in the order of their codes.
    pub(super) fn queries(&self) -> impl Iterator<Item = &AtomicU64> {
        self.queries.iter().flatten()
    }

    /// The cells for blocks that exist, with the category's place.
    pub(super) fn blocked(&self) -> impl Iterator<Item = (usize, &AtomicU64)> {
        self.blocked.iter().enumerate().filter_map(|(number, block)| Some((number, block.get()?))).flat_map(
            |(number, block)| {
                block.0.iter().enumerate().map(move |(place, cell)| (number * CATEGORY_BLOCK + place, cell))
            },
        )
    }
}
