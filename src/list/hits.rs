//! What a look-up found: on the stack, one slot a category, nothing cleared but a bit set.

use std::fmt;
use std::mem::MaybeUninit;

use crate::list::rule::Scope;
use crate::verdict::{CategoryId, CategorySet, Given, ListId, MAX_CATEGORIES};

/// The rule by which a name is in a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The category.
    pub category: CategoryId,
    /// The list the rule is on.
    pub list: ListId,
    /// Its line, from 1.
    pub line: u32,
    /// How many labels of the asked name the rule covers, from the right.
    pub labels: u8,
    /// How the list wants its block answered.
    pub given: Given,
}

/// A rule for a name or a parent of it, whether or not it came to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The category.
    pub category: CategoryId,
    /// The list the rule is on.
    pub list: ListId,
    /// Its line, from 1.
    pub line: u32,
    /// How many labels of the asked name the rule covers, from the right.
    pub labels: u8,
    /// Whether it takes the name out of the list or the category.
    pub except: bool,
    /// What it says.
    pub kind: Kind,
    /// For which names below its own.
    pub scope: Scope,
    /// For which list it speaks: itself, or the one that an exception file is for.
    pub of: ListId,
    /// Whether it speaks for the name and type asked for.
    pub applies: bool,
}

/// What a compiled rule says. Within one list the strongest that applies speaks (see [`crate::list::Says`]); an exception of the category
/// comes after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The name is on the list.
    Lists,
    /// The name is on the list whatever exceptions it has, but for important ones.
    ListsImportant,
    /// The name is not on the list, unless a longer rule says so.
    Except,
    /// The name is not on the list, however long the rule that lists it.
    ExceptAlways,
    /// The name is not on the list, whatever else it says.
    ExceptImportant,
    /// Shorter rules of the list do not reach the name.
    Hole,
    /// The name is not in the category, unless a longer rule says so.
    ExceptCategory,
}

impl Kind {
    const ALL: [Kind; 7] = [
        Kind::Lists,
        Kind::ListsImportant,
        Kind::Except,
        Kind::ExceptAlways,
        Kind::ExceptImportant,
        Kind::Hole,
        Kind::ExceptCategory,
    ];

    /// Whether it puts names on a list, rather than takes them out.
    pub const fn lists(self) -> bool {
        matches!(self, Kind::Lists | Kind::ListsImportant)
    }

    /// Its number in compiled files: the place in the order of the words above.
    pub(super) const fn code(self) -> u8 {
        self as u8
    }

    pub(super) fn from_code(code: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(code)).copied()
    }
}

/// The categories a name is in, each with the rule that says so.
///
/// A value of about 1 KiB that is never zeroed: clearing it clears the set of categories only.
#[derive(Clone)]
pub struct Hits {
    categories: CategorySet,
    /// Invariant: the slot of every category in `categories` has been written.
    slots: [MaybeUninit<Hit>; MAX_CATEGORIES],
}

impl Hits {
    /// No hit.
    #[inline]
    pub const fn new() -> Hits {
        Hits { categories: CategorySet::EMPTY, slots: [MaybeUninit::uninit(); MAX_CATEGORIES] }
    }

    /// Forgets every hit.
    #[inline]
    pub fn clear(&mut self) {
        self.categories = CategorySet::EMPTY;
    }

    /// Whether the name is in no category.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.categories.is_empty()
    }

    /// The categories the name is in.
    #[inline]
    pub fn categories(&self) -> CategorySet {
        self.categories
    }

    /// The rule by which the name is in `category`.
    #[inline]
    pub fn get(&self, category: CategoryId) -> Option<Hit> {
        let slot = self.slots.get(category.0 as usize)?;
        if !self.categories.has(category) {
            return None;
        }
        // SAFETY: the category is in the set, so `put` has written its slot.
        Some(unsafe { slot.assume_init() })
    }

    /// The hits, by category, lowest first.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Hit> + '_ {
        self.categories.iter().filter_map(|category| self.get(category))
    }

    /// Sets the rule of a category, in place of a less specific one. A category no [`CategorySet`] can hold is left out.
    #[inline]
    pub(super) fn put(&mut self, hit: Hit) {
        if let Some(slot) = self.slots.get_mut(hit.category.0 as usize) {
            slot.write(hit);
            self.categories = self.categories.with(hit.category);
        }
    }
}

impl Default for Hits {
    fn default() -> Hits {
        Hits::new()
    }
}

impl fmt::Debug for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(category: u8, line: u32) -> Hit {
        Hit { category: CategoryId(category), list: ListId(3), line, labels: 2, given: Given::Policy }
    }

    #[test]
    fn as_many_hits_as_there_are_categories_fit() {
        let mut hits = Hits::new();
        for category in 0..MAX_CATEGORIES as u8 {
            hits.put(hit(category, category as u32 + 1));
        }
        assert_eq!(hits.iter().count(), MAX_CATEGORIES);
        assert_eq!(hits.get(CategoryId(127)), Some(hit(127, 128)));
        hits.clear();
        assert!(hits.is_empty() && hits.iter().next().is_none());
    }

    #[test]
    fn a_later_rule_takes_the_place_of_an_earlier_one() {
        let mut hits = Hits::new();
        hits.put(hit(5, 1));
        hits.put(hit(5, 2));
        hits.put(hit(6, 3));
        assert_eq!(hits.iter().collect::<Vec<_>>(), [hit(5, 2), hit(6, 3)]);
        hits.put(hit(200, 9));
        assert_eq!(hits.iter().collect::<Vec<_>>(), [hit(5, 2), hit(6, 3)]);
        assert_eq!(hits.get(CategoryId(7)), None);
        assert_eq!(hits.get(CategoryId(200)), None);
    }
}
