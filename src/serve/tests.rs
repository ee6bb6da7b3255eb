//! All doors together, on loopback, with a small engine behind them.

use std::collections::HashSet;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{Notify, Semaphore};

use super::*;
use crate::config::checked::Listen;

/// What the small engine does with a packet: told by the octet after the header.
const ECHO: u8 = b'e';
const SILENT: u8 = b's';
const LATER: u8 = b'l';
const PANIC: u8 = b'p';
const HUGE: u8 = b'h';
const HOLD: u8 = b'w';
const LATER_PANIC: u8 = b'q';
const END_PANIC: u8 = b'z';
/// What it answers when it is too busy.
const BUSY: u8 = b'b';

/// A gate that later answers wait at, and what the engine saw.
#[derive(Debug)]
struct House {
    gate: Semaphore,
    waiting: AtomicUsize,
    dropped: AtomicUsize,
    asked: AtomicUsize,
    ended: AtomicUsize,
    changed: Notify,
    hold: std::sync::Mutex<()>,
}

impl House {
    fn new() -> Arc<House> {
        Arc::new(House {
            gate: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            changed: Notify::new(),
            hold: std::sync::Mutex::new(()),
        })
    }

    fn open_gate(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    async fn wait_for(&self, count: &AtomicUsize, at_least: usize) {
        while count.load(Ordering::SeqCst) < at_least {
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
    }
}

/// An open ticket: tells when it is dropped unclosed.
struct Ticket(Arc<House>, bool);

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.1 {
            self.0.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn answer_later(mut ticket: Ticket, packet: Vec<u8>) -> Option<Vec<u8>> {
    let house = ticket.0.clone();
    house.waiting.fetch_add(1, Ordering::SeqCst);
    house.changed.notify_waiters();
    let _ = house.gate.acquire().await;
    ticket.1 = true;
    Some(packet)
}

struct Small {
    house: Arc<House>,
    in_batch: bool,
    end_badly: bool,
}

impl Worker for Small {
    type Later = Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>>;

    fn begin_batch(&mut self) {
        assert!(!std::mem::replace(&mut self.in_batch, true), "batches do not overlap");
    }

    fn answer(&mut self, arrived: Arrived<'_>, out: &mut [u8]) -> Step<Self::Later> {
        assert!(self.in_batch && arrived.transport == Transport::Udp);
        self.house.asked.fetch_add(1, Ordering::SeqCst);
        match arrived.packet.get(12) {
            Some(&SILENT) => Step::Silence,
            Some(&PANIC) => panic!("asked to"),
            Some(&HUGE) => Step::Send(out.len() + 1),
            Some(&LATER) => {
                let ticket = Ticket(self.house.clone(), false);
                Step::Later(Box::pin(answer_later(ticket, arrived.packet.to_vec())))
            }
            Some(&LATER_PANIC) => Step::Later(Box::pin(async { panic!("asked to") })),
            kind => {
                self.end_badly |= kind == Some(&END_PANIC);
                if kind == Some(&HOLD) {
                    drop(self.house.hold.lock());
                }
                out[..arrived.packet.len()].copy_from_slice(arrived.packet);
                Step::Send(arrived.packet.len())
            }
        }
    }

    fn too_busy(&mut self, later: Self::Later, out: &mut [u8]) -> Option<usize> {
        assert!(self.in_batch);
        drop(later);
        out[..13].fill(BUSY);
        Some(13)
    }

    fn end_batch(&mut self) -> bool {
        assert!(std::mem::replace(&mut self.in_batch, false), "a batch ends once");
        self.house.ended.fetch_add(1, Ordering::SeqCst);
        assert!(!std::mem::take(&mut self.end_badly), "asked to end badly");
        true
    }
}

impl Answerer for House {
    async fn answer(&self, packet: Vec<u8>, _: SocketAddr, transport: Transport) -> Option<Vec<u8>> {
        assert_eq!(transport, Transport::Tcp);
        self.asked.fetch_add(1, Ordering::SeqCst);
        match packet.get(12) {
            Some(&SILENT) => None,
            Some(&PANIC) => panic!("asked to"),
            Some(&HUGE) => Some(vec![0; 65_536]),
            Some(&LATER) => {
                self.waiting.fetch_add(1, Ordering::SeqCst);
                let _ = self.gate.acquire().await;
                Some(packet)
            }
            _ => Some(packet),
        }
    }
}

/// Doors, the engine behind them and the runtime they stand on.
struct Scene {
    doors: Option<Doors>,
    house: Arc<House>,
    runtime: Runtime,
}

fn listen(dns: &[&str], workers: usize) -> Listen {
    let dns = dns.iter().map(|address| address.parse().expect("an address")).collect();
    Listen { dns, workers, ..Listen::default() }
}

impl Scene {
    fn open(dns: &[&str], workers: usize, settings: Settings) -> Scene {
        Scene::with(listen(dns, workers), settings)
    }

    fn with(listen: Listen, settings: Settings) -> Scene {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let house = House::new();
        let make = |_| Small { house: house.clone(), in_batch: false, end_badly: false };
        let doors = Doors::open(&listen, settings, make, house.clone(), runtime.handle()).expect("doors");
        Scene { doors: Some(doors), house, runtime }
    }

    fn usual() -> Scene {
        Scene::open(&["127.0.0.1:0"], 1, Settings::default())
    }

    fn tcp(limits: TcpLimits) -> Scene {
        Scene::open(&["127.0.0.1:0"], 1, Settings { tcp: limits, ..Settings::default() })
    }

    fn doors(&self) -> &Doors {
        self.doors.as_ref().expect("they are open")
    }

    fn address(&self) -> SocketAddr {
        self.doors().addresses()[0]
    }

    fn counts(&self) -> DoorCounts {
        self.doors().counters().read()
    }

    fn wait(&self, what: impl Fn(&DoorCounts) -> bool) {
        let begun = Instant::now();
        while !what(&self.counts()) {
            assert!(begun.elapsed() < PATIENCE, "it never came to pass: {:?}", self.counts());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn wait_for(&self, pick: fn(&House) -> &AtomicUsize, at_least: usize) {
        self.runtime.block_on(self.house.wait_for(pick(&self.house), at_least));
    }

    fn close(&mut self, limit: Duration) -> Closed {
        let doors = self.doors.take().expect("they are open");
        self.runtime.block_on(doors.close(limit))
    }

    fn connect(&self) -> TcpStream {
        connected(self.address())
    }
}

/// Long enough that only a broken door needs it.
const PATIENCE: Duration = Duration::from_secs(30);

fn connected(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.set_nodelay(true).expect("no delay");
    stream
}

fn client(to: SocketAddr) -> UdpSocket {
    let any = if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(any).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    socket
}

/// A packet of the kind, with a number to know it by.
fn packet(number: u16, kind: u8) -> Vec<u8> {
    let mut packet = vec![0; 12];
    packet[..2].copy_from_slice(&number.to_be_bytes());
    packet.push(kind);
    packet
}

/// Asks from an unconnected socket; the answer and where it came from.
fn ask(socket: &UdpSocket, to: SocketAddr, packet: &[u8]) -> (Vec<u8>, SocketAddr) {
    socket.send_to(packet, to).expect("sent");
    receive(socket)
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut answer = vec![0; 65_536];
    let (length, from) = socket.recv_from(&mut answer).expect("an answer");
    answer.truncate(length);
    (answer, from)
}

fn framed(packet: &[u8]) -> Vec<u8> {
    let mut frame = u16::try_from(packet.len()).expect("a frame").to_be_bytes().to_vec();
    frame.extend_from_slice(packet);
    frame
}

fn read_frame(stream: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// Whether the other side has closed the connection, having sent nothing more.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 1]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

mod closing;
mod over_tcp;
mod over_udp;
