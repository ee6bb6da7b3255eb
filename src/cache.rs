//! Floor 2: the cache of ready answers. It holds answers, never verdicts (Q6), and is bounded by octets.
//!
//! Answers are found by the keyed hash of their question, and then compared with it: two questions with the same hash cost an answer its
//! place, never a client the right answer.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache as Sharded;
use quick_cache::{OptionsBuilder, Weighter};

use crate::dns::keyed::Keyed;
use crate::dns::{Name, Ready};
use crate::moment::Moment;

/// How much younger than now an answer may be: a query carries the moment of its batch, its answer may be a little later.
const CLOCK_SLACK: Duration = Duration::from_secs(5);
/// Octets of an answer with all that belongs to it, as a guess of how many there will be.
const USUAL: u64 = 512;
/// Most answers of a shard, by that guess. When a shard's table grows, who looks for an answer in it waits.
const OF_A_SHARD: u64 = 16_384;

/// Answers by question. Shared by all workers; its shards are locked for the length of one look-up.
pub struct Cache {
    kept: Sharded<u64, Arc<Kept>, ByOctets, AsItIs>,
    keyed: Keyed,
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
    /// The bits of the question that change an answer.
    pub bits: Bits,
    /// Whether it was validated.
    pub authentic: bool,
    /// The upstream that gave it.
    pub upstream: Arc<str>,
    /// The extended error that came with it (RFC 8914), passed on as it is.
    pub ede: Option<Box<(u16, String)>>,
}

/// The bits of a question that change its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    /// DNSSEC OK (RFC 3225).
    pub dnssec_ok: bool,
    /// Checking disabled (RFC 4035 section 3.2.2).
    pub checking_disabled: bool,
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

/// How an answer stands to its TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Within it, by its age in whole seconds.
    Fresh(u32),
    /// Past it.
    Stale,
    /// Past even the time in which it may be given stale.
    Gone,
    /// Not to be given: it came by other servers than are in force, or is younger than now. The clock was put back then, and it would
    /// live on for as long as the step was.
    Unfit,
}

impl Kept {
    /// How old it is for a query of `now` by the `routes` in force.
    #[inline]
    pub fn age(&self, now: Moment, routes: u64, serve_stale: Duration) -> Age {
        if self.routes != routes || self.born > now.plus(CLOCK_SLACK) {
            return Age::Unfit;
        }
        let age = now.since(self.born);
        let ttl = Duration::from_secs(self.ready.ttl() as u64);
        if age < ttl {
            Age::Fresh(age.as_secs() as u32)
        } else if age < ttl.saturating_add(serve_stale) {
            Age::Stale
        } else {
            Age::Gone
        }
    }

    /// Whether it is the answer to this question.
    #[inline]
    pub fn is_for(&self, key: &Key<'_>) -> bool {
        self.bits == key.bits && self.ready.is_for(key.name, key.qtype)
    }
}

/// A question of class IN, as the cache knows it.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    hash: u64,
    name: &'a Name,
    qtype: u16,
    bits: Bits,
}

impl<'a> Key<'a> {
    /// The key of a question; `whole` is the hash of its name by the cache's key.
    #[inline]
    pub fn new(whole: u64, name: &'a Name, qtype: u16, bits: Bits) -> Key<'a> {
        let apart = u64::from(qtype) << 2 | u64::from(bits.dnssec_ok) << 1 | u64::from(bits.checking_disabled);
        // An odd factor keeps every bit of what sets questions of one name apart; the hash of the name is keyed.
        Key { hash: whole.rotate_left(7) ^ apart.wrapping_mul(0x9e37_79b9_7f4a_7c15), name, qtype, bits }
    }

    /// The bits of the question that change its answer.
    pub fn bits(&self) -> Bits {
        self.bits
    }

    /// Its hash.
    #[inline]
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

#[derive(Clone)]
struct ByOctets;

impl Weighter<u64, Arc<Kept>> for ByOctets {
    fn weight(&self, _: &u64, kept: &Arc<Kept>) -> u64 {
        let told = kept.ede.as_ref().map_or(0, |told| size_of_val(&**told) + told.1.capacity());
        // 64: the map's own entry and the two counters of the Arc, rounded up.
        (told + kept.ready.weight() + size_of::<Kept>() - size_of::<Ready>() + 64) as u64
    }
}

/// Keys are hashes already.
#[derive(Clone, Copy, Default)]
struct AsItIs(u64);

impl BuildHasher for AsItIs {
    type Hasher = AsItIs;

    fn build_hasher(&self) -> AsItIs {
        AsItIs(0)
    }
}

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        // Only ever given one u64; anything else is hashed as well as it can be.
        for octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(*octet);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Cache {
    /// A cache of at most `size` octets, for names hashed by `keyed`.
    pub fn new(size: u64, serve_stale: Duration, keyed: Keyed) -> Cache {
        let expected = (size / USUAL).clamp(64, 100_000_000);
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let shards = (expected / OF_A_SHARD).clamp(4 * cores as u64, 4_096);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(expected as usize)
            .weight_capacity(size)
            .shards(shards as usize)
            .build();
        let kept = match options {
            Ok(options) => Sharded::with_options(options, ByOctets, AsItIs(0), Default::default()),
            Err(_) => unreachable!("capacity and weight are set"),
        };
        Cache { kept, keyed, serve_stale }
    }

    /// The hash of names that questions are to be made with.
    #[inline]
    pub fn keyed(&self) -> &Keyed {
        &self.keyed
    }

    /// The key of a question.
    pub fn key<'a>(&self, name: &'a Name, qtype: u16, bits: Bits) -> Key<'a> {
        Key::new(self.keyed.whole(name), name, qtype, bits)
    }

    /// How long past its TTL an answer may be given.
    #[inline]
    pub fn serve_stale(&self) -> Duration {
        self.serve_stale
    }

    /// Looks for an answer that came by the `routes` in force.
    pub fn find(&self, key: &Key<'_>, now: Moment, routes: u64) -> Found {
        let Some(kept) = self.kept.get(&key.hash).filter(|kept| kept.is_for(key)) else { return Found::Missing };
        match kept.age(now, routes, self.serve_stale) {
            Age::Fresh(age) => Found::Fresh(kept, age),
            Age::Stale => Found::Stale(kept),
            Age::Unfit => Found::Missing,
            Age::Gone => {
                self.kept.remove(&key.hash);
                Found::Missing
            }
        }
    }

    /// Keeps an answer, unless its TTL forbids it.
    pub fn keep(&self, key: &Key<'_>, kept: Arc<Kept>) {
        debug_assert!(kept.is_for(key), "an answer is kept by its question");
        if kept.ready.ttl() > 0 {
            self.kept.insert(key.hash, kept);
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
            bits: Bits::default(),
            upstream: "test".into(),
            ede: None,
        })
    }

    fn cache(size: u64, serve_stale: u64) -> Cache {
        Cache::new(size, Duration::from_secs(serve_stale), Keyed::new(&[7; 16]))
    }

    /// The key of a name, for type A and no bits set.
    fn key<'a>(cache: &Cache, name: &'a Name) -> Key<'a> {
        cache.key(name, 1, Bits::default())
    }

    fn keep(cache: &Cache, name: &str, ttl: u32, born: i64) {
        cache.keep(&key(cache, &Name::parse(name).unwrap()), kept(name, ttl, born));
    }

    fn find(cache: &Cache, name: &str, now: i64, routes: u64) -> Found {
        cache.find(&key(cache, &Name::parse(name).unwrap()), Moment::from_seconds(now), routes)
    }

    #[test]
    fn an_answer_is_fresh_then_stale_then_gone() {
        let cache = cache(1 << 20, 100);
        keep(&cache, "a.test", 30, 1_000);
        assert!(matches!(find(&cache, "A.test", 1_029, 1), Found::Fresh(_, 29)));
        assert!(matches!(find(&cache, "a.test", 1_030, 1), Found::Stale(_)));
        assert!(matches!(find(&cache, "a.test", 1_130, 1), Found::Missing));
        assert!(cache.is_empty());
    }

    #[test]
    fn an_answer_by_other_routes_or_of_a_later_time_is_not_given() {
        let cache = cache(1 << 20, 100);
        keep(&cache, "a.test", 30, 1_000);
        assert!(matches!(find(&cache, "a.test", 1_001, 2), Found::Missing));
        assert!(matches!(find(&cache, "a.test", 900, 1), Found::Missing));
        assert!(matches!(find(&cache, "a.test", 999, 1), Found::Fresh(_, 0)));
    }

    #[test]
    fn do_and_cd_and_type_are_questions_of_their_own() {
        let cache = cache(1 << 20, 0);
        let name = Name::parse("a.test").unwrap();
        keep(&cache, "a.test", 30, 0);
        for (qtype, dnssec_ok, checking_disabled) in [(1, true, false), (1, false, true), (28, false, false)] {
            let found =
                cache.find(&cache.key(&name, qtype, Bits { dnssec_ok, checking_disabled }), Moment::default(), 1);
            assert!(matches!(found, Found::Missing));
        }
    }

    #[test]
    fn a_question_that_hashes_like_another_does_not_get_its_answer() {
        let cache = cache(1 << 20, 0);
        let (a, b) = (Name::parse("a.test").unwrap(), Name::parse("b.test").unwrap());
        cache.keep(&Key::new(5, &a, 1, Bits::default()), kept("a.test", 30, 0));
        let ask = |key| cache.find(&key, Moment::default(), 1);
        assert!(matches!(ask(Key::new(5, &a, 1, Bits::default())), Found::Fresh(..)));
        assert!(matches!(ask(Key::new(5, &b, 1, Bits::default())), Found::Missing));
    }

    #[test]
    fn what_may_not_be_kept_is_not_and_octets_are_bounded() {
        let cache = cache(200_000, 0);
        keep(&cache, "zero.test", 0, 0);
        assert!(cache.is_empty());
        for i in 0..5_000 {
            keep(&cache, &format!("n{i}.test"), 60, 0);
        }
        assert!(cache.octets() <= 200_000, "{}", cache.octets());
        assert!(cache.len() > 100);
    }

    #[test]
    fn a_scan_does_not_wash_out_what_is_asked_again_and_again() {
        let cache = cache(1 << 20, 0);
        let hot: Vec<String> = (0..200).map(|i| format!("hot{i}.test")).collect();
        hot.iter().for_each(|name| keep(&cache, name, 60, 0));
        for round in 0..3 {
            hot.iter().for_each(|name| assert!(matches!(find(&cache, name, 1, 1), Found::Fresh(..)), "round {round}"));
        }
        // Twenty times what there is room for, each asked for once, the others now and then.
        for i in 0..50_000 {
            keep(&cache, &format!("once{i}.test"), 60, 0);
            find(&cache, &hot[i % 200], 1, 1);
        }
        let left = hot.iter().filter(|name| matches!(find(&cache, name, 1, 1), Found::Fresh(..))).count();
        assert!(left > 180, "{left} of 200 are left");
    }
}
