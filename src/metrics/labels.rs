//! Which place a network zone or a category has in the counters. A name keeps its place for the life of the process, over every
//! reload, so that a worker that still answers by the last snapshot counts where it should.

use std::collections::HashMap;

use crate::verdict::CategoryId;

/// Places for network zones, the two of the house included. What a process sees beyond is counted together, as `other`.
pub const ZONE_SLOTS: usize = 4096;

/// Places for categories, the two of the house included: twice what one configuration may have, for names that come and go.
pub const CATEGORY_SLOTS: usize = 256;

/// The network zone of clients that are in none.
pub const UNMATCHED: &str = "unmatched";

/// The category of a block that none spoke for.
pub const NO_CATEGORY: &str = "none";

/// Where names are counted together once every place is taken.
pub const OTHER: &str = "other";

/// The place of a network zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneSlot(pub(super) u16);

impl ZoneSlot {
    /// Clients of no network zone.
    pub const UNMATCHED: ZoneSlot = ZoneSlot(0);
    const OTHER: ZoneSlot = ZoneSlot(1);
}

/// The place of a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CategorySlot(pub(super) u16);

impl CategorySlot {
    /// Blocked, and no category spoke.
    pub const NONE: CategorySlot = CategorySlot(0);
    const OTHER: CategorySlot = CategorySlot(1);
}

/// The places of one configuration's network zones and categories; a snapshot carries its own.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    zones: Box<[ZoneSlot]>,
    categories: Box<[CategorySlot]>,
    crowded: usize,
}

impl Labels {
    /// The place of the network zone at `index` of the configuration; none, or one it does not have: that of the unmatched.
    #[inline]
    pub fn zone(&self, index: Option<usize>) -> ZoneSlot {
        index.and_then(|index| self.zones.get(index)).copied().unwrap_or(ZoneSlot::UNMATCHED)
    }

    /// The place of a category; none, or one the configuration does not have: [`CategorySlot::NONE`].
    #[inline]
    pub fn category(&self, category: Option<CategoryId>) -> CategorySlot {
        let found = category.and_then(|CategoryId(index)| self.categories.get(usize::from(index)));
        found.copied().unwrap_or(CategorySlot::NONE)
    }

    /// How many names found every place taken and are counted as `other`. Worth a warning: only a restart gives them places.
    pub fn crowded(&self) -> usize {
        self.crowded
    }
}

/// The names that have a place.
#[derive(Debug)]
pub(super) struct Slots {
    zones: Places,
    categories: Places,
    in_force: Vec<ZoneSlot>,
}

impl Slots {
    pub(super) fn new() -> Slots {
        Slots {
            zones: Places::new(ZONE_SLOTS, [UNMATCHED, OTHER]),
            categories: Places::new(CATEGORY_SLOTS, [NO_CATEGORY, OTHER]),
            in_force: vec![ZoneSlot::UNMATCHED],
        }
    }

    /// The places of these names, given now where they have none yet.
    pub(super) fn labels(&mut self, zones: &[&str], categories: &[&str]) -> Labels {
        let mut crowded = 0;
        let mut place = |place: Option<u16>, other: u16| {
            crowded += usize::from(place.is_none());
            place.unwrap_or(other)
        };
        let labels = Labels {
            zones: zones.iter().map(|name| ZoneSlot(place(self.zones.place(name), ZoneSlot::OTHER.0))).collect(),
            categories: categories
                .iter()
                .map(|name| CategorySlot(place(self.categories.place(name), CategorySlot::OTHER.0)))
                .collect(),
            crowded: 0,
        };
        self.in_force = std::iter::once(ZoneSlot::UNMATCHED).chain(labels.zones.iter().copied()).collect();
        Labels { crowded, ..labels }
    }

    /// Names of network zones by place.
    pub(super) fn zones(&self) -> &[Box<str>] {
        &self.zones.names
    }

    /// Names of categories by place.
    pub(super) fn categories(&self) -> &[Box<str>] {
        &self.categories.names
    }

    /// The network zones of the configuration that was loaded last.
    pub(super) fn in_force(&self) -> &[ZoneSlot] {
        &self.in_force
    }
}

#[derive(Debug)]
struct Places {
    most: usize,
    names: Vec<Box<str>>,
    by_name: HashMap<Box<str>, u16>,
}

impl Places {
    fn new(most: usize, first: [&str; 2]) -> Places {
        let mut places = Places { most, names: Vec::new(), by_name: HashMap::new() };
        for name in first {
            places.place(name);
        }
        places
    }

    fn place(&mut self, name: &str) -> Option<u16> {
        if let Some(place) = self.by_name.get(name) {
            return Some(*place);
        }
        if self.names.len() >= self.most {
            return None;
        }
        let place = u16::try_from(self.names.len()).ok()?;
        self.names.push(name.into());
        self.by_name.insert(name.into(), place);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_place_over_reloads() {
        let mut slots = Slots::new();
        let first = slots.labels(&["hq", "labs"], &["webmail", "gambling"]);
        let second = slots.labels(&["labs", "cells", "hq"], &["gambling"]);
        assert_eq!(first.zone(Some(0)), second.zone(Some(2)));
        assert_eq!(first.zone(Some(1)), second.zone(Some(0)));
        assert_eq!(first.category(Some(CategoryId(1))), second.category(Some(CategoryId(0))));
        assert_ne!(second.zone(Some(1)), first.zone(Some(0)));
        assert_eq!(second.zone(None), ZoneSlot::UNMATCHED);
        assert_eq!(second.category(None), CategorySlot::NONE);
    }

    #[test]
    fn names_beyond_the_bound_are_counted_as_other_and_told_of() {
        let mut slots = Slots::new();
        let names: Vec<String> = (0..CATEGORY_SLOTS).map(|number| format!("c{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let labels = slots.labels(&[], &names[..100]);
        assert_eq!(labels.crowded(), 0);
        let labels = slots.labels(&[], &names);
        assert_eq!(labels.crowded(), 2);
        assert_eq!(labels.category(Some(CategoryId(255))), CategorySlot::OTHER);
        assert_eq!(slots.categories().len(), CATEGORY_SLOTS);
    }
}
