//! A packet before it is answered: what it says, and how far the memory its answer needs was asked for.
//!
//! A worker glances at every packet of a batch before it answers the first one, and goes on step by step a few packets ahead of the one it
//! answers: what it waits for most is memory (list, cache), and so it waits for many packets at once. A query that comes alone takes the
//! same steps one after the other.

use crate::cache::{Bits, Key};
use crate::dns::view::{self, Glance, Look, Seen};
use crate::engine::front::Front;
use crate::engine::{Engine, Snapshot};
use crate::list::Ahead;

/// One packet that was glanced at.
#[derive(Clone, Copy)]
pub struct Glanced {
    seen: Seen,
    glance: Glance,
    ahead: Ahead,
    /// The hash of the name by the cache's key.
    whole: u64,
    /// The hash of the question by the cache's key.
    hash: u64,
}

impl Glanced {
    /// No packet.
    pub const NOTHING: Glanced =
        Glanced { seen: Seen::EMPTY, glance: Glance::NOTHING, ahead: Ahead::NOTHING, whole: 0, hash: 0 };

    /// First step: looks at a packet and hashes the name it asks for, once for list and cache.
    #[inline]
    pub fn look(&mut self, engine: &Engine, snapshot: &Snapshot, front: &Front, packet: &[u8]) {
        // Whatever happens meanwhile, nothing of an earlier packet is left.
        self.glance = Glance::NOTHING;
        self.glance = view::glance(packet, &mut self.seen);
        if !self.glance.is_query() {
            return;
        }
        let (seen, matcher, keyed) = (&self.seen, snapshot.matcher(), engine.cache.keyed());
        matcher.foresee(&seen.name, &mut self.ahead);
        // They are the same but for a file that was compiled by an earlier process and came into force again.
        self.whole = if matcher.keyed() == keyed { self.ahead.whole() } else { keyed.whole(&seen.name) };
        let bits = Bits { dnssec_ok: seen.dnssec_ok(), checking_disabled: seen.checking_disabled };
        self.hash = Key::new(self.whole, &seen.name, seen.qtype, bits).hash();
        front.foresee(self.hash);
    }

    /// Second step: what the list's filters say, and where the answer lies.
    #[inline]
    pub fn reach(&mut self, snapshot: &Snapshot, front: &Front) {
        if self.glance.is_query() {
            snapshot.matcher().filter_ahead(&mut self.ahead);
            front.reach(self.hash);
        }
    }

    /// Third step: asks for the list's records and for the answer.
    #[inline]
    pub fn grasp(&self, snapshot: &Snapshot, front: &Front) {
        if self.glance.is_query() {
            snapshot.matcher().place_ahead(&self.ahead);
            front.grasp(self.hash);
        }
    }

    /// What the glance at the packet came to.
    #[inline]
    pub fn at<'a>(&'a self, packet: &'a [u8]) -> Look<'a> {
        view::again(packet, &self.seen, self.glance)
    }

    /// How far the list was asked.
    #[inline]
    pub fn ahead(&self) -> &Ahead {
        &self.ahead
    }

    /// The hash of the name by the cache's key.
    #[inline]
    pub fn whole(&self) -> u64 {
        self.whole
    }
}
