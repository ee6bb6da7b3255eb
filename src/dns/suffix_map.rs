//! From a name to the longest of some zones that it is in.

use std::collections::HashMap;

use super::Name;

/// Values by zone name; [`SuffixMap::longest`] finds the zone closest to a name without an allocation.
#[derive(Clone, Debug)]
pub struct SuffixMap<T> {
    by_wire: HashMap<Box<[u8]>, T>,
    root: Option<T>,
}

impl<T> SuffixMap<T> {
    /// A map without zones.
    pub fn new() -> SuffixMap<T> {
        SuffixMap { by_wire: HashMap::new(), root: None }
    }

    /// Sets the value of a zone; gives back the one it had.
    pub fn insert(&mut self, zone: &Name, value: T) -> Option<T> {
        match zone.is_root() {
            true => self.root.replace(value),
            false => self.by_wire.insert(zone.as_wire().into(), value),
        }
    }

    /// The value of the longest zone that `name` is at or below.
    #[inline]
    pub fn longest(&self, name: &Name) -> Option<&T> {
        if self.by_wire.is_empty() {
            return self.root.as_ref();
        }
        name.suffixes().find_map(|suffix| self.by_wire.get(suffix)).or(self.root.as_ref())
    }
}

impl<T> Default for SuffixMap<T> {
    fn default() -> Self {
        SuffixMap::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn the_longest_zone_wins_and_borders_are_labels() {
        let mut map = SuffixMap::new();
        map.insert(&name("example"), 1);
        map.insert(&name("force.example"), 2);
        assert_eq!(map.longest(&name("a.force.example")), Some(&2));
        assert_eq!(map.longest(&name("force.example")), Some(&2));
        assert_eq!(map.longest(&name("enforce.example")), Some(&1));
        assert_eq!(map.longest(&name("example.org")), None);
        assert_eq!(map.longest(&Name::ROOT), None);
        map.insert(&Name::ROOT, 0);
        assert_eq!(map.longest(&name("example.org")), Some(&0));
        assert_eq!(map.longest(&Name::ROOT), Some(&0));
    }
}
