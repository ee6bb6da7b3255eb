//! A policy that starts from another: its own lines come before those of the one it inherits, and everything else is as it is there.
//!
//! Entries keep their own [`EntryId`](crate::verdict::EntryId), so that a line that speaks through a policy that inherits it is still
//! named by where it is written.

use crate::policy::{Exception, Policy, Timed};
use crate::verdict::CategorySet;

impl Policy {
    /// Takes over from `parent`, which has taken over from its own parent already, everything that this policy does not say itself.
    pub fn inherit(&mut self, parent: &Policy) {
        self.response = self.response.or(parent.response);
        if self.default_entry.is_none() {
            self.default_block = parent.default_block;
            self.default_entry = parent.default_entry;
        }
        self.names.inherit(&parent.names);
        let inherited = parent.rewrites.iter().filter(|(entry, _)| self.names.has_entry(*entry));
        self.rewrites.extend(inherited.cloned());
        for (own, theirs) in self.actions.iter_mut().zip(&parent.actions) {
            *own = own.or(*theirs);
        }
        let timed: Vec<Timed> = parent.timed.iter().filter_map(|theirs| self.timed_left(theirs)).collect();
        self.timed.extend(timed);
        let exceptions: Vec<Exception> =
            parent.exceptions.iter().filter_map(|theirs| self.exception_left(theirs)).collect();
        self.exceptions.extend(exceptions);
    }

    /// What is left of an inherited entry: this policy's entries for the same schedule and category stand in its place.
    fn timed_left(&self, theirs: &Timed) -> Option<Timed> {
        let own = self.timed.iter().filter(|own| own.schedule == theirs.schedule);
        let categories = without(theirs.categories, own.map(|own| own.categories));
        (!categories.is_empty()).then(|| Timed { categories, ..theirs.clone() })
    }

    /// As [`Policy::timed_left`], for the same group and category, or name.
    fn exception_left(&self, theirs: &Exception) -> Option<Exception> {
        let mut left = theirs.clone();
        for own in self.exceptions.iter().filter(|own| own.group == theirs.group) {
            left.categories = without(left.categories, [own.categories]);
            left.names.give_way(&own.names);
        }
        (!left.categories.is_empty() || !left.names.is_empty()).then_some(left)
    }
}

fn without(set: CategorySet, taken: impl IntoIterator<Item = CategorySet>) -> CategorySet {
    taken.into_iter().fold(set, |left, taken| CategorySet(left.0 & !taken.0))
}

#[cfg(test)]
mod tests;
