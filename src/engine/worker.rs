//! A worker's own side of the engine: the snapshot it holds, the packets it has glanced at, the answers at hand, and the desk it closes
//! tickets at.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::engine::depart::{self, Home};
use crate::engine::fast::{self, Packet, Slow, Way};
use crate::engine::front::Front;
use crate::engine::glanced::Glanced;
use crate::engine::{Desk, Engine, Snapshot, pipeline};

/// How many packets ahead of the one that is answered the second and the third step are taken: far enough for memory to come, near enough
/// for it to be still there.
const REACH: usize = 6;
const GRASP: usize = 3;

/// The engine as one worker sees it.
pub struct Worker {
    engine: Arc<Engine>,
    snapshot: Arc<Snapshot>,
    desk: Desk,
    front: Front,
    /// The packets of the batch, `seen` of them; the others are of an earlier one.
    glanced: Vec<Glanced>,
    seen: usize,
    /// What leaves for its upstream at the end of the batch.
    departing: Vec<Departing>,
}

/// A query about to leave, its way home, and where it becomes a task if it has to.
type Departing = (Box<Slow>, Box<dyn Home>, Handle);

impl Worker {
    /// A worker with a desk of its own.
    pub fn new(engine: Arc<Engine>, desk: Desk) -> Worker {
        let snapshot = engine.snapshot();
        let front = Front::new(engine.answers_at_hand);
        Worker { engine, snapshot, desk, front, glanced: Vec::new(), seen: 0, departing: Vec::new() }
    }

    /// Before a batch: takes the snapshot in force, if it is another one. A query sees one generation from beginning to end (Q7).
    #[inline]
    pub fn begin_batch(&mut self) {
        self.seen = 0;
        self.desk.begin_batch();
        if self.snapshot.generation != self.engine.generation() {
            self.snapshot = self.engine.snapshot();
        }
    }

    /// Glances at the next packet of the batch, before the first one is answered.
    #[inline]
    pub fn foresee(&mut self, packet: &[u8]) {
        if self.seen == self.glanced.len() {
            self.glanced.push(Glanced::NOTHING);
        }
        if let Some(glanced) = self.glanced.get_mut(self.seen) {
            self.seen += 1;
            glanced.look(&self.engine, &self.snapshot, &self.front, packet);
        }
    }

    /// Takes the packet at `place` among those glanced at as far as it can go without waiting; one that was not is looked at now.
    #[inline]
    pub fn answer(&mut self, place: usize, packet: Packet<'_>, out: &mut [u8]) -> Way {
        let Worker { engine, snapshot, desk, front, glanced, seen, .. } = self;
        let glanced = &mut glanced[..*seen];
        // A step is taken for the first packets of a batch together, then for one more with each packet answered.
        let due = |ahead: usize| if place == 0 { 0..ahead + 1 } else { place + ahead..place + ahead + 1 };
        for place in due(REACH) {
            if let Some(glanced) = glanced.get_mut(place) {
                glanced.reach(snapshot, front);
            }
        }
        for place in due(GRASP) {
            if let Some(glanced) = glanced.get(place) {
                glanced.grasp(snapshot, front);
            }
        }
        match glanced.get(place) {
            Some(glanced) => fast::answer(engine, snapshot, desk, front, glanced, packet, out),
            None => fast::answer_alone(engine, snapshot, desk, packet, out),
        }
    }

    /// The rest of a query's journey, as a future for the runtime.
    pub fn later(&self, slow: Box<Slow>) -> Later {
        Later { engine: Arc::clone(&self.engine), slow: Some(slow), running: None }
    }

    /// Takes what needs no future: it leaves at the end of the batch and brings its answer home by itself. Else gives it back.
    #[inline]
    pub fn depart<H: Home + 'static>(&mut self, mut later: Later, home: H, runtime: Handle) -> Option<(Later, H)> {
        match later.slow.take() {
            Some(slow) if depart::is_simple(&self.engine, &slow) => {
                self.departing.push((slow, Box::new(home), runtime));
                None
            }
            slow => Some((Later { slow, ..later }, home)),
        }
    }

    /// After a batch, before its answers leave: what is fetched leaves for its upstream, and with `log.sync_interval = "0s"` the records are on the disk first (Q4). Says whether the
    /// answers may leave.
    #[inline]
    pub fn end_batch(&mut self) -> bool {
        if !self.departing.is_empty() {
            for (slow, home, runtime) in self.departing.drain(..) {
                depart::begin(&self.engine, slow, home, &runtime);
            }
            self.snapshot.upstreams.set_off();
        }
        !self.engine.sync_each || self.engine.synced(&self.desk)
    }
}

/// A journey under way: the octets to send, or none.
type Running = Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>>;

/// The rest of a query's journey. Until it is first polled the open ticket can be had back.
pub struct Later {
    engine: Arc<Engine>,
    slow: Option<Box<Slow>>,
    running: Option<Running>,
}

impl Later {
    /// Closes the query now, since there is no room to fetch for it; gives how many octets of `out` are to be sent.
    pub fn too_busy(mut self, out: &mut [u8]) -> Option<usize> {
        let slow = self.slow.take()?;
        pipeline::too_busy(&self.engine, slow, out)
    }
}

impl Future for Later {
    type Output = Option<Vec<u8>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        if let Some(slow) = self.slow.take() {
            let engine = Arc::clone(&self.engine);
            self.running = Some(Box::pin(async move { pipeline::finish(&engine, slow).await }));
        }
        match &mut self.running {
            Some(running) => running.as_mut().poll(context),
            None => Poll::Ready(None),
        }
    }
}
