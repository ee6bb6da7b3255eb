//! Names to ask for: listed ones, made as feeds have them or read from a list, and ordinary ones that are on no list.

use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::dns::Name;
use crate::list::{Answer, Rule, Says, Scope, Types, read};

/// How many ordinary names there are: as many as a force's cache is busy with.
pub const ORDINARY: usize = 10_000;

/// Names to ask for.
pub struct Names {
    /// On the list: each of them, and `www.` before it, is blocked.
    pub listed: Vec<Name>,
    /// On no list.
    pub ordinary: Vec<Name>,
}

impl Names {
    /// The names that a list blocks beyond doubt, and ordinary ones that it does not speak of.
    pub fn of(list: &[u8]) -> Names {
        let (mut listed, mut others) = (Vec::new(), HashSet::new());
        read(list, None, |_, rule| match rule {
            Rule { name, scope: Scope::Tree, says: Says::Lists(Answer::Policy), types: Types::All } => {
                listed.push(*name);
            }
            // What has an exception, or an answer of its own, is not asked for.
            Rule { name, .. } => drop(others.insert(hash(name.as_wire()))),
        });
        if !others.is_empty() {
            listed.retain(|name| {
                let host = below("www", name);
                !host.as_ref().unwrap_or(name).suffixes().any(|suffix| others.contains(&hash(suffix)))
            });
        }
        others.extend(listed.iter().map(|name| hash(name.as_wire())));
        let mut dice = Dice::new(5);
        let mut ordinary = Vec::with_capacity(ORDINARY);
        while ordinary.len() < ORDINARY {
            let name = unlisted(&mut dice);
            if !name.suffixes().any(|suffix| others.contains(&hash(suffix))) && others.insert(hash(name.as_wire())) {
                ordinary.push(name);
            }
        }
        Names { listed, ordinary }
    }
}

fn hash(wire: &[u8]) -> u64 {
    FixedState::with_seed(7).hash_one(wire)
}

/// A name with one label more; none where it would be too long.
pub fn below(label: &str, name: &Name) -> Option<Name> {
    let mut wire = vec![label.len() as u8];
    wire.extend_from_slice(label.as_bytes());
    wire.extend_from_slice(name.as_wire());
    Name::from_wire(&wire).ok()
}

/// A list of `count` distinct names, one a line, as feeds have them: half registrable domains, half hosts below one. The same at each call.
pub fn list(count: usize) -> Vec<u8> {
    let mut dice = Dice::new(3);
    let mut known = HashSet::with_capacity(count);
    let mut list = Vec::with_capacity(count.saturating_mul(20));
    while known.len() < count {
        let name = host(&mut dice);
        if known.insert(hash(name.as_bytes())) {
            list.extend_from_slice(name.as_bytes());
            list.push(b'\n');
        }
    }
    list
}

/// One name as feeds have them.
pub fn host(dice: &mut Dice) -> String {
    const TOPS: [&str; 16] = [
        "com", "com", "com", "com", "com", "com", "net", "net", "org", "info", "xyz", "top", "ru", "de", "co.uk", "io",
    ];
    const HOSTS: [&str; 8] = ["ads", "track", "cdn", "static", "m", "promo", "login", "pixel"];
    let mut name = String::new();
    if dice.below(2) == 0 {
        name.push_str(HOSTS[dice.below(HOSTS.len())]);
        if dice.below(2) == 0 {
            name.push_str(&dice.below(100).to_string());
        }
        name.push('.');
    }
    for _ in 0..2 + dice.below(4) {
        syllable(&mut name, dice);
    }
    match dice.below(4) {
        0 => name.push_str(&dice.below(10_000).to_string()),
        1 => {
            name.push('-');
            for _ in 0..1 + dice.below(3) {
                syllable(&mut name, dice);
            }
        }
        _ => {}
    }
    name.push('.');
    name.push_str(TOPS[dice.below(TOPS.len())]);
    name
}

fn syllable(name: &mut String, dice: &mut Dice) {
    name.push(char::from(b"bcdfghjklmnprstvwz"[dice.below(18)]));
    name.push(char::from(b"aeiou"[dice.below(5)]));
}

/// A name as people ask for them, hardly ever on a list.
pub fn unlisted(dice: &mut Dice) -> Name {
    let top = ["com", "net", "org", "co.uk", "gov.uk"][dice.below(5)];
    let word: String = (0..6 + dice.below(9)).map(|_| char::from(b'a' + dice.below(26) as u8)).collect();
    Name::parse(&format!("www.{word}.{top}")).unwrap_or(Name::ROOT)
}

/// Numbers that look random and are the same in every run.
pub struct Dice(u64);

impl Dice {
    /// Numbers that begin with `seed`.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((u128::from(self.0) * bound as u128) >> 64) as usize
    }

    /// A number from 0 on and below 1.
    pub fn share(&mut self) -> f64 {
        self.below(1 << 53) as f64 / (1u64 << 53) as f64
    }

    /// A place below `bound`, the first ones more often: its logarithm is even (Zipf's law).
    pub fn zipf(&mut self, bound: usize) -> usize {
        let share = self.below(1 << 30) as f64 / f64::from(1 << 30);
        (((bound + 1) as f64).powf(share) as usize - 1).min(bound - 1)
    }

    /// Puts things in another order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_as_many_names_as_are_asked_for_and_is_always_the_same() {
        let text = list(2_000);
        assert_eq!(text, list(2_000));
        let names = Names::of(&text);
        assert_eq!((names.listed.len(), names.ordinary.len()), (2_000, ORDINARY));
        let listed: HashSet<&[u8]> = names.listed.iter().map(Name::as_wire).collect();
        assert!(names.ordinary.iter().all(|name| !name.suffixes().any(|suffix| listed.contains(suffix))));
    }

    #[test]
    fn names_of_which_a_list_also_says_something_else_are_not_asked_for() {
        let names = Names::of(b"||one.example^\n||two.example^\n@@||www.two.example^\n||three.example^\n");
        let listed: Vec<String> = names.listed.iter().map(ToString::to_string).collect();
        assert_eq!(listed, ["one.example", "three.example"]);
    }
}
