//! Floor 2: the cache of ready answers. It holds answers, never verdicts (Q6), and is bounded by octets.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache as Sharded;

use crate::dns::{Name, Ready};
use crate::moment::Moment;

/// How much younger than now an answer may be: a query carries the moment of its batch, its answer may be a little later.
const CLOCK_SLACK: Duration = Duration::from_secs(5);

/// Answers by question. Shared by all workers; its shards are locked for the length of one look-up.
pub struct Cache {
    kept: Sharded<Box<[u8]>, Arc<Kept>, ByOctets>,
    serve_stale: Duration,
}

/// An answer, since when it is kept, and who gave it.
#[derive(Debug)]
pub struct Kept {
    /// The answer.
    pub ready: Ready,
    /// When it was fetched.
    pub born: Moment,
    /// Of which routes it is: an answer that came by other servers than are in force is not given any more.
    pub routes: u64,
    /// Whether it was validated.
    pub authentic: bool,
    /// The upstream that gave it.
    pub upstream: Arc<str>,
    /// The extended error that came with it (RFC 8914), passed on as it is.
    pub ede: Option<(u16, String)>,
}

/// What the cache has for a question.
#[derive(Debug)]
pub enum Found {
    /// An answer within its TTL, and its age in whole seconds.
    Fresh(Arc<Kept>, u32),
    /// An answer past its TTL that may still be given when no upstream answers (RFC 8767).
    Stale(Arc<Kept>),
    /// Nothing.
    Missing,
}

/// The key of a question: lower-cased name, type, and the bits that change an answer. Made on the stack.
#[derive(Clone, Copy)]
pub struct Key {
    octets: [u8; 258],
    length: usize,
}

impl Key {
    /// The key of a question of class IN.
    pub fn new(name: &Name, qtype: u16, dnssec_ok: bool, checking_disabled: bool) -> Key {
        let mut octets = [0u8; 258];
        octets[0..2].copy_from_slice(&qtype.to_be_bytes());
        octets[2] = dnssec_ok as u8 | (checking_disabled as u8) << 1;
        let wire = name.as_wire();
        octets[3..3 + wire.len()].copy_from_slice(wire);
        Key { octets, length: 3 + wire.len() }
    }

    fn as_slice(&self) -> &[u8] {
        &self.octets[..self.length]
    }
}

#[derive(Clone)]
struct ByOctets;

impl Weighter<Box<[u8]>, Arc<Kept>> for ByOctets {
    fn weight(&self, key: &Box<[u8]>, kept: &Arc<Kept>) -> u64 {
        // 64: the map's own entry and the two counters of the Arc, rounded up.
        let told = kept.ede.as_ref().map_or(0, |(_, text)| text.capacity());
        (key.len() + told + kept.ready.weight() + size_of::<Kept>() - size_of::<Ready>() + 64) as u64
    }
}

impl Cache {
    /// A cache of at most `size` octets.
    pub fn new(size: u64, serve_stale: Duration) -> Cache {
        let expected = (size / 512).clamp(64, 10_000_000) as usize;
        Cache { kept: Sharded::with_weighter(expected, size, ByOctets), serve_stale }
    }

    /// Looks for an answer that came by the `routes` in force. One that is younger than now (the clock was put back) is not believed: it
    /// would live on for as long as the step was.
    pub fn find(&self, key: &Key, now: Moment, routes: u64) -> Found {
        let Some(kept) = self.kept.get(key.as_slice()) else { return Found::Missing };
        if kept.routes != routes || kept.born > now.plus(CLOCK_SLACK) {
            return Found::Missing;
        }
        let age = now.since(kept.born);
        let ttl = Duration::from_secs(kept.ready.ttl() as u64);
        if age < ttl {
            Found::Fresh(kept, age.as_secs() as u32)
        } else if age < ttl.saturating_add(self.serve_stale) {
            Found::Stale(kept)
        } else {
            self.kept.remove(key.as_slice());
            Found::Missing
        }
    }

    /// Keeps an answer, unless its TTL forbids it.
    pub fn keep(&self, key: &Key, kept: Arc<Kept>) {
        if kept.ready.ttl() > 0 {
            self.kept.insert(key.as_slice().into(), kept);
        }
    }

    /// How many answers it holds.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many octets they take.
    pub fn octets(&self) -> u64 {
        self.kept.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::ready::{Loose, assemble};

    fn kept(name: &str, ttl: u32, born: i64) -> Arc<Kept> {
        let name = Name::parse(name).unwrap();
        let record = Loose { owner: name, rtype: 1, class: 1, ttl, rdata: vec![192, 0, 2, 1] };
        let ready = Ready::from_wire(assemble(&name, 1, 0, &[vec![record], vec![]]), 0).unwrap();
        Arc::new(Kept {
            ready,
            born: Moment::from_seconds(born),
            authentic: false,
            routes: 1,
            upstream: "test".into(),
            ede: None,
        })
    }

    fn key(name: &str) -> Key {
        Key::new(&Name::parse(name).unwrap(), 1, false, false)
    }

    #[test]
    fn an_answer_is_fresh_then_stale_then_gone() {
        let cache = Cache::new(1 << 20, Duration::from_secs(100));
        cache.keep(&key("a.test"), kept("a.test", 30, 1_000));
        assert!(matches!(cache.find(&key("A.test"), Moment::from_seconds(1_029), 1), Found::Fresh(_, 29)));
        assert!(matches!(cache.find(&key("a.test"), Moment::from_seconds(1_030), 1), Found::Stale(_)));
        assert!(matches!(cache.find(&key("a.test"), Moment::from_seconds(1_130), 1), Found::Missing));
        assert!(cache.is_empty());
    }

    #[test]
    fn an_answer_by_other_routes_or_of_a_later_time_is_not_given() {
        let cache = Cache::new(1 << 20, Duration::from_secs(100));
        cache.keep(&key("a.test"), kept("a.test", 30, 1_000));
        assert!(matches!(cache.find(&key("a.test"), Moment::from_seconds(1_001), 2), Found::Missing));
        assert!(matches!(cache.find(&key("a.test"), Moment::from_seconds(900), 1), Found::Missing));
        assert!(matches!(cache.find(&key("a.test"), Moment::from_seconds(999), 1), Found::Fresh(_, 0)));
    }

    #[test]
    fn do_and_cd_and_type_are_questions_of_their_own() {
        let cache = Cache::new(1 << 20, Duration::ZERO);
        let name = Name::parse("a.test").unwrap();
        cache.keep(&Key::new(&name, 1, false, false), kept("a.test", 30, 0));
        for (qtype, dnssec_ok, checking_disabled) in [(1, true, false), (1, false, true), (28, false, false)] {
            let found = cache.find(&Key::new(&name, qtype, dnssec_ok, checking_disabled), Moment::default(), 1);
            assert!(matches!(found, Found::Missing));
        }
    }

    #[test]
    fn what_may_not_be_kept_is_not_and_octets_are_bounded() {
        let cache = Cache::new(200_000, Duration::ZERO);
        cache.keep(&key("zero.test"), kept("zero.test", 0, 0));
        assert!(cache.is_empty());
        for i in 0..5_000 {
            let name = format!("n{i}.test");
            cache.keep(&key(&name), kept(&name, 60, 0));
        }
        assert!(cache.octets() <= 200_000, "{}", cache.octets());
        assert!(cache.len() > 100);
    }
}
