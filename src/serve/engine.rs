//! How the engine stands behind the doors.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::{Answerer, Arrived, Step, Way, Worker};
use crate::engine::depart::Home;
use crate::engine::fast::{self, Packet};
use crate::engine::worker::Later;
use crate::engine::{self, Engine, pipeline};
use crate::verdict::Transport;

impl Worker for engine::Worker {
    type Later = Later;

    fn begin_batch(&mut self) {
        engine::Worker::begin_batch(self);
    }

    #[inline]
    fn answer(&mut self, arrived: Arrived<'_>, out: &mut [u8]) -> Step<Later> {
        let Arrived { packet: octets, client, transport, at, since } = arrived;
        match engine::Worker::answer(self, Packet { octets, client, transport, at, since }, out) {
            fast::Way::Done(Some(octets)) => Step::Send(octets),
            fast::Way::Done(None) | fast::Way::NotAQuery => Step::Silence,
            fast::Way::Slow(slow) => Step::Later(self.later(slow)),
        }
    }

    fn too_busy(&mut self, later: Later, out: &mut [u8]) -> Option<usize> {
        later.too_busy(out)
    }

    #[inline]
    fn depart(&mut self, later: Later, way: Way) -> Option<(Later, Way)> {
        let runtime = way.runtime().clone();
        engine::Worker::depart(self, later, way, runtime)
    }

    fn end_batch(&mut self) -> bool {
        engine::Worker::end_batch(self)
    }
}

impl Home for Way {
    fn bring(self: Box<Self>, octets: Option<&[u8]>) {
        Way::bring(*self, octets);
    }

    fn is_shut(&self) -> bool {
        Way::is_shut(self)
    }
}

/// The engine behind the stream doors.
pub struct Streams(pub Arc<Engine>);

impl Answerer for Streams {
    async fn answer(&self, packet: Vec<u8>, client: SocketAddr, transport: Transport) -> Option<Vec<u8>> {
        let at = self.0.clock.now();
        let packet = Packet { octets: &packet, client, transport, at, since: Instant::now() };
        pipeline::answer(&self.0, packet).await
    }
}
