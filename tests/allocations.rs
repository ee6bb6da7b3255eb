//! The fast way does not allocate: what every query asks of the allocator would be a lock and a cache line for each of them.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cordon::config::checked::Listen;
use cordon::engine;
use cordon::engine::fast::{Packet, Way};
use cordon::moment::Moment;
use cordon::serve::engine::Streams;
use cordon::serve::{Arrived, Doors, Settings, Step, Worker};
use cordon::verdict::Transport;
use hickory_proto::rr::RecordType;

use crate::support::client::Ask;
use crate::support::counted::{allocations, watched};
use crate::support::house::{House, TableUpstream};

/// Queries of each kind.
const MANY: usize = 2_000;
const NOON: Moment = Moment::from_seconds(1_800_000_000);

/// Every kind of answer that needs no waiting, but for those that are put together anew: of local zones, and of lists with records of
/// their own. Clients of 10.1 are sinkholed, of 10.2 told NXDOMAIN, and so on; of 10.9 unknown; those of 127 knock at the doors.
fn house(upstream: &TableUpstream) -> House {
    let mut config = format!(
        "[upstream]\nservers = [\"udp://{}\"]\n[[category]]\nname = \"bad\"\nlists = [{{ path = \"bad.txt\" }}]\n\
         [[category]]\nname = \"seen\"\nlists = [{{ path = \"seen.txt\" }}]\n",
        upstream.peer.addr
    );
    for (number, response) in ["sinkhole", "nxdomain", "nodata", "refused", "drop"].iter().enumerate() {
        let number = number + 1;
        let more = if number == 1 { ", \"127.0.0.0/8\"" } else { "" };
        config += &format!(
            "[policy.by-{response}]\nblock = [\"bad\"]\nmonitor = [\"seen\"]\nallow = [\"always.example\"]\ndeny = [\"never.example\"]\n\
             response = \"{response}\"\nrewrite = {{ \"moved.example\" = \"192.0.2.99\" }}\n\
             [[network_zone]]\nname = \"{response}\"\nclients = [\"10.{number}.0.0/16\"{more}]\npolicy = \"by-{response}\"\n"
        );
    }
    for name in ["www.example.net", "www.always.example", "www.seen.example"] {
        upstream.add(name, RecordType::A, "192.0.2.7", 86_400).unwrap();
    }
    upstream.add("www.alias.example", RecordType::CNAME, "www.example.net.", 86_400).unwrap();
    let files = [("bad.txt", "bad.example\nmask.icloud.com\n"), ("seen.txt", "seen.example\n")];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let house = House::new(&config, &files, NOON).unwrap();
    // Once the slow way, so that it is kept.
    for name in ["www.example.net", "www.always.example", "www.seen.example", "www.alias.example", "no.example.org"] {
        house.ask(&plain(name, RecordType::A), client("10.1.0.1"), Transport::Udp).unwrap();
    }
    house
}

fn client(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse::<IpAddr>().unwrap(), 4444)
}

fn plain(name: &str, kind: RecordType) -> Vec<u8> {
    Ask::new(name, kind).wire(7)
}

/// What is asked, by whom, whether something is to be sent.
fn kinds() -> Vec<(&'static str, Vec<u8>, &'static str, bool)> {
    let mut opcode = plain("www.example.net", RecordType::A);
    opcode[2] |= 0x28;
    let mut answer = plain("www.example.net", RecordType::A);
    answer[2] |= 0x80;
    let mut cut = plain("www.example.net", RecordType::A);
    cut.truncate(20);
    let a = |name| plain(name, RecordType::A);
    vec![
        ("cached", a("www.example.net"), "10.1.0.1", true),
        ("cached, an alias", a("www.alias.example"), "10.1.0.1", true),
        ("cached, no such name", a("no.example.org"), "10.1.0.1", true),
        ("cached, allowed by the policy's own line", a("www.always.example"), "10.1.0.1", true),
        ("cached, monitored", a("www.seen.example"), "10.1.0.1", true),
        ("blocked, sinkhole", a("www.bad.example"), "10.1.0.1", true),
        ("blocked, sinkhole, IPv6", plain("www.bad.example", RecordType::AAAA), "10.1.0.1", true),
        ("blocked, sinkhole, another type", plain("www.bad.example", RecordType::TXT), "10.1.0.1", true),
        ("blocked, a signal", a("mask.icloud.com"), "10.1.0.1", true),
        ("blocked, NXDOMAIN", a("www.bad.example"), "10.2.0.1", true),
        ("blocked, no data", a("www.bad.example"), "10.3.0.1", true),
        ("blocked, refused", a("www.bad.example"), "10.4.0.1", true),
        ("blocked, dropped", a("www.bad.example"), "10.5.0.1", false),
        ("blocked by the policy's own line", a("never.example"), "10.1.0.1", true),
        ("rewritten to an address", a("moved.example"), "10.1.0.1", true),
        ("a name that stays here", a("localhost"), "10.1.0.1", true),
        ("a client of no network zone", a("www.example.net"), "10.9.0.1", true),
        ("ANY", plain("www.example.net", RecordType::ANY), "10.1.0.1", true),
        ("another opcode", opcode, "10.1.0.1", true),
        ("cut off", cut, "10.1.0.1", true),
        ("an answer, not a query", answer, "10.1.0.1", false),
        ("nothing at all", vec![], "10.1.0.1", false),
    ]
}

#[test]
fn what_counts_allocations_sees_each_of_them() {
    let (count, first) = watched(|| drop(std::hint::black_box(Box::new(7))));
    assert!(count > 0 && !first.is_empty(), "{count}: {first}");
    assert_eq!(watched(|| ()).0, 0);
}

#[test]
fn the_fast_way_allocates_nothing() {
    let upstream = TableUpstream::start();
    let house = house(&upstream);
    let mut worker = house.worker();
    let mut out = vec![0; 4096];
    let mut wrong = Vec::new();
    for (kind, octets, from, answered) in kinds() {
        let packet = |at: usize| Packet {
            octets: &octets,
            client: SocketAddr::new(client(from).ip(), 1024 + at as u16),
            transport: Transport::Udp,
            at: NOON,
            since: Instant::now(),
        };
        let mut ask = |many: usize| {
            for at in 0..many {
                worker.begin_batch();
                worker.foresee(&octets);
                match worker.answer(0, packet(at), &mut out) {
                    Way::Done(sent) => assert_eq!(sent.is_some(), answered, "{kind}"),
                    Way::NotAQuery => assert!(!answered, "{kind}"),
                    Way::Slow(_) => panic!("{kind}: has to be fetched"),
                }
                assert!(worker.end_batch());
            }
        };
        ask(10);
        let (count, first) = watched(|| ask(MANY));
        if count > 0 {
            wrong.push(format!("{kind}: {count} allocations for {MANY} queries, the first of them here:\n{first}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The engine behind a UDP door, with the number of allocations its thread has made by the beginning of the last batch.
struct Told {
    worker: engine::Worker,
    allocations: Arc<AtomicU64>,
}

impl Worker for Told {
    type Later = <engine::Worker as Worker>::Later;

    fn begin_batch(&mut self) {
        self.allocations.store(allocations(), Ordering::SeqCst);
        Worker::begin_batch(&mut self.worker);
    }

    fn foresee(&mut self, packet: &[u8]) {
        Worker::foresee(&mut self.worker, packet);
    }

    fn answer(&mut self, arrived: Arrived<'_>, out: &mut [u8]) -> Step<Self::Later> {
        Worker::answer(&mut self.worker, arrived, out)
    }

    fn too_busy(&mut self, later: Self::Later, out: &mut [u8]) -> Option<usize> {
        Worker::too_busy(&mut self.worker, later, out)
    }

    fn end_batch(&mut self) -> bool {
        Worker::end_batch(&mut self.worker)
    }
}

#[test]
fn a_udp_worker_allocates_nothing_from_a_packet_to_its_answer() {
    let upstream = TableUpstream::start();
    let house = house(&upstream);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let listen =
        Listen { dns: vec![([127, 0, 0, 1], 0).into()], workers: 1, ..house.engine.snapshot().config.listen.clone() };
    let settings = Settings { clock: house.clock.clone(), ..Settings::default() };
    let make = |_| Told { worker: house.worker(), allocations: Arc::clone(&told) };
    let streams = Arc::new(Streams(Arc::clone(&house.engine)));
    let doors = Doors::open(&listen, settings, make, streams, runtime.handle()).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(doors.addresses()[0]).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (cached, blocked) = (plain("www.example.net", RecordType::A), plain("www.bad.example", RecordType::A));
    let mut answer = [0; 512];
    let mut ask = |many: usize| {
        for at in 0..many {
            socket.send(if at % 2 == 0 { &cached } else { &blocked }).unwrap();
            assert!(socket.recv(&mut answer).unwrap() > 12);
        }
        told.load(Ordering::SeqCst)
    };
    let before = ask(64);
    let after = ask(MANY);
    assert_eq!(after - before, 0, "allocations for {MANY} queries");
    runtime.block_on(doors.close(Duration::from_secs(5)));
}
