//! Packets that no well-meaning client sends: each gets one true answer or none, and nothing grows.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::rr::RecordType;

use crate::support::client::{Ask, addresses, connect, read_frame};
use crate::support::cordon::Cordon;
use crate::support::exported::{all, assert_verified, assert_without_holes};
use crate::support::fate::Fates;
use crate::support::figures::tell;
use crate::support::mutant::{Chance, packet};
use crate::support::nsd::Nsd;

/// Packets over UDP, and over TCP.
const UDP_PACKETS: usize = if cfg!(debug_assertions) { 30_000 } else { 100_000 };
const TCP_PACKETS: usize = 2_000;
/// How much the process's own memory may grow once it has sealed rows: the buffers of a larger seal, which level off. A leak of 200 octets
/// for each further packet is more.
const OWN_GROWTH: u64 = if cfg!(debug_assertions) { 5 << 20 } else { 16 << 20 };
/// Lanes beside those of the UDP threads, one of them of the thread that carries questions on two processors: see `app::run`.
const LANES_BESIDE: usize = 4;
/// How much of a lane's segment and its spare may be in memory once everything is sealed: what it writes next, 4 MiB at most and 256 KiB of
/// the spare, and what it wrote last.
const MAPPED_A_LANE: u64 = 5 << 20;
/// Largest packet a UDP door looks at (`UdpLimits::ANSWER`).
const LARGEST_LOOKED_AT: usize = 4_096;
/// Only something that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(30);

const ROOT: &str = "$TTL 300\n@ IN SOA ns.proof. hostmaster.proof. 1 7200 3600 1209600 300\n@ IN NS ns.proof.\nns.proof. IN A 192.0.2.53\n* IN A 192.0.2.1\n";
const LOCAL_ZONE: &str =
    "$TTL 3600\n@ IN SOA ns hostmaster 1 7200 3600 1209600 300\n  IN NS ns\nns IN A 192.0.2.53\n* IN A 192.0.2.7\n";

fn start(nsd: &Nsd) -> Cordon {
    let config = format!(
        "[upstream]\nservers = [\"udp://{}\"]\ntimeout = \"20s\"\n[cache]\nsize = \"2MiB\"\n[log]\nseal_every = \"1s\"\n\
         [[local_zone]]\nname = \"home.example\"\nfile = \"home.zone\"\n\
         [policy.standard]\ndeny = [\"blocked.example\"]\n\
         [[network_zone]]\nname = \"loopback\"\nclients = [\"127.0.0.0/8\", \"::1\"]\npolicy = \"standard\"\n",
        nsd.addr
    );
    Cordon::start(&config, &[("home.zone", LOCAL_ZONE)])
}

/// Whether a packet deserves an answer: it has a header and is no response.
fn is_query(packet: &[u8]) -> bool {
    packet.len() >= 12 && packet[2] & 0x80 == 0
}

/// The seed, from `CORDON_SEED` or else always the same; printed, so that a failure can be repeated.
fn seed() -> u64 {
    let seed = std::env::var("CORDON_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_122);
    tell(format!("CORDON_SEED={seed}"));
    seed
}

/// A real question among the rest is still answered right.
fn ask_for_real(cordon: &Cordon, number: usize) {
    let (zone, right) =
        [("blocked.example", [0, 0, 0, 0]), ("home.example", [192, 0, 2, 7]), ("proof.net", [192, 0, 2, 1])]
            [number % 3];
    let ask = Ask::new(&format!("real{number}.{zone}"), RecordType::A);
    let ask = if number.is_multiple_of(2) { ask } else { ask.tcp() };
    assert_eq!(addresses(&ask.at(cordon.addr)), [IpAddr::from(right)]);
}

/// Octets of memory the process has to itself: what a leak would make grow. What it maps is in files, and counted by [`mapped_log`].
fn own_memory(cordon: &Cordon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", cordon.pid())).expect("cordon is alive");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// How many of the log's segments the process has mapped, and how many octets of them are in its memory.
fn mapped_log(cordon: &Cordon) -> (usize, u64) {
    let maps = std::fs::read_to_string(format!("/proc/{}/smaps", cordon.pid())).expect("cordon is alive");
    let (mut segments, mut octets, mut inside) = (0, 0, false);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("Rss:") if inside => octets += words.next().unwrap().parse::<u64>().unwrap() * 1024,
            Some(word) if word.contains('-') && !word.ends_with(':') => {
                inside = line.contains("/segments/");
                segments += usize::from(inside);
            }
            _ => {}
        }
    }
    (segments, octets)
}

/// Waits until `is_so`; panics with what `told` last when it never is.
fn settles<T: std::fmt::Debug>(what: &str, mut told: impl FnMut() -> T, is_so: impl Fn(&T) -> bool) -> T {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let now = told();
        if is_so(&now) {
            return now;
        }
        assert!(std::time::Instant::now() < until, "{what}: {now:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Every series of a metric added up.
fn sum(text: &str, metric: &str) -> f64 {
    let values = text.lines().filter(|line| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' '])));
    values.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[test]
fn whatever_comes_over_udp_gets_one_true_answer_or_none() {
    let nsd = Nsd::start(&[(".", ROOT)]);
    let cordon = start(&nsd);
    let mut chance = Chance::new(seed());
    let mut fates = Fates::new(nsd.addr);
    let socket = UdpSocket::bind("127.0.66.1:0").unwrap();
    socket.connect(cordon.addr).unwrap();
    let (mut answered, mut unanswered, mut too_big, mut real) = (0, 0, 0, 0);
    let mut before = 0;
    for first in (0..UDP_PACKETS).step_by(50) {
        // Mostly of usual sizes; sometimes larger than a door looks at.
        let longest = if first % 1_000 == 0 { 9_000 } else { 1_400 };
        let mut packets: Vec<Vec<u8>> = (0..50).map(|_| packet(&mut chance, longest)).collect();
        let mut open = HashMap::new();
        for (id, packet) in packets.iter_mut().enumerate() {
            if let Some(place) = packet.first_chunk_mut::<2>() {
                *place = (((first + id) % 65_000) as u16).to_be_bytes();
            }
            match (packet.len() <= LARGEST_LOOKED_AT, is_query(packet)) {
                (true, true) => drop(open.insert([packet[0], packet[1]], packet.clone())),
                (true, false) => unanswered += 1,
                (false, _) => too_big += 1,
            }
            socket.send(packet).unwrap();
        }
        answered += open.len();
        receive_answers(&socket, &mut open, &mut fates);
        if first % 500 == 0 {
            ask_for_real(&cordon, real);
            real += 1;
        }
        if first == UDP_PACKETS / 5 {
            // From here on it has everything it needs, what a seal needs among it.
            settles("nothing is sealed", || cordon.metric("cordon_log_parts"), |parts| *parts >= 1.0);
            before = own_memory(&cordon);
        }
    }
    // What is still on its way would be an answer too many.
    ask_for_real(&cordon, real);
    real += 1;
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 4_096]).is_err(), "more answers than queries");
    let after = own_memory(&cordon);
    let lanes = std::thread::available_parallelism().map_or(1, |cores| cores.get()) + LANES_BESIDE;
    let all_sealed = |_: &_| cordon.metric("cordon_log_live_rows") == 0.0;
    settles("rows stay live", || cordon.metric("cordon_log_live_rows"), all_sealed);
    let bounded = |(segments, octets): &(usize, u64)| *segments <= 2 * lanes && *octets <= lanes as u64 * MAPPED_A_LANE;
    let mapped = settles("the log's segments take up memory", || mapped_log(&cordon), bounded);
    tell(format!(
        "{answered} answered, {unanswered} not to be, {too_big} too big; own memory {before} then {after}, the log's {mapped:?}"
    ));
    assert!(after < before + OWN_GROWTH, "memory grows: {before}, {after}");
    assert_all_met(&fates);
    check(&cordon, answered + real, Some(unanswered));
}

/// Every kind of fate was met, so that each is known to be told from the others.
fn assert_all_met(fates: &Fates) {
    tell(format!("{:?}", fates.met));
    for word in ["blocked", "local", "special", "upstream", "refused", "malformed", "not implemented"] {
        assert!(fates.met.contains_key(word), "no packet was {word}: {:?}", fates.met);
    }
}

/// Takes the answers to all of `open` and none besides; each must be the one that its query must have.
fn receive_answers(socket: &UdpSocket, open: &mut HashMap<[u8; 2], Vec<u8>>, fates: &mut Fates) {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 65_535];
    while !open.is_empty() {
        let Ok(length) = socket.recv(&mut buffer) else {
            panic!("no answer to {:02x?}", open.values().next().unwrap());
        };
        let query = open.remove(&[buffer[0], buffer[1]]);
        let query = query.unwrap_or_else(|| panic!("a second answer, or to nothing: {:02x?}", &buffer[..length]));
        let right = fates.check(&query, &buffer[..length]);
        assert!(right.is_ok(), "{right:?}\nquery {query:02x?}\nanswer {:02x?}", &buffer[..length]);
    }
}

/// The process lives, nothing panicked, and the log has a row for every query: as many as the counters say.
fn check(cordon: &Cordon, queries: usize, dropped: Option<usize>) {
    ask_for_real(cordon, 0);
    let metrics = cordon.metrics();
    let queries = queries + 1;
    assert_eq!(sum(&metrics, "cordon_queries_total"), queries as f64);
    assert_eq!(sum(&metrics, "cordon_log_records_total"), queries as f64);
    assert_eq!(sum(&metrics, "cordon_log_lost_total"), 0.0);
    if let Some(dropped) = dropped {
        assert_eq!(sum(&metrics, "cordon_malformed_total{result=\"dropped\"}"), dropped as f64);
    }
    let rows = all(cordon);
    assert_eq!(rows.len(), queries, "rows are queries");
    assert_without_holes(&rows);
    // FORMERR, and NOTIMP.
    let with = |rcode| rows.iter().filter(|row| row.rcode == Some(rcode)).count() as f64;
    let malformed = |word: &str| cordon.metric(&format!("cordon_malformed_total{{result=\"{word}\"}}"));
    tell(format!("{queries} rows: {} FORMERR, {} NOTIMP", with(1), with(4)));
    assert!(with(4) <= malformed("notimp") && with(1) <= malformed("formerr"));
    assert_verified(cordon);
    assert!(!cordon.stderr().contains("panicked"), "{}", cordon.stderr());
}

#[test]
fn whatever_comes_over_tcp_gets_one_true_answer_or_none() {
    let nsd = Nsd::start(&[(".", ROOT)]);
    let cordon = start(&nsd);
    let mut chance = Chance::new(seed() + 1);
    let mut fates = Fates::new(nsd.addr);
    let mut queries = 0;
    for connection in 0..TCP_PACKETS / 20 {
        let mut packets: Vec<Vec<u8>> = (0..20).map(|_| packet(&mut chance, 1_400)).collect();
        // One of the largest there can be.
        packets.push(packet(&mut chance, 65_535));
        packets.retain(|packet| packet.len() >= 12);
        let mut stream = connect("127.0.66.2".parse().unwrap(), cordon.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut open: HashMap<u16, Vec<u8>> = HashMap::new();
        for (id, packet) in packets.iter_mut().enumerate() {
            packet[..2].copy_from_slice(&(id as u16).to_be_bytes());
            if is_query(packet) {
                open.insert(id as u16, packet.clone());
            }
            stream.write_all(&[&(packet.len() as u16).to_be_bytes(), &packet[..]].concat()).unwrap();
        }
        queries += open.len();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        while let Some(answer) = read_frame(&mut stream) {
            let query = open.remove(&u16::from_be_bytes([answer[0], answer[1]]));
            let query = query.unwrap_or_else(|| panic!("a second answer, or to nothing: {answer:02x?}"));
            let right = fates.check(&query, &answer);
            assert!(right.is_ok(), "{right:?}\nquery {query:02x?}\nanswer {answer:02x?}");
        }
        assert!(open.is_empty(), "connection {connection}: no answer to {:02x?}", open.values().next());
        if connection % 10 == 0 {
            ask_for_real(&cordon, connection);
            queries += 1;
        }
    }
    assert_all_met(&fates);
    check(&cordon, queries, None);
}

/// Whether the other side closes the connection without another octet; waits as long as a hanging test may.
fn ends(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    match stream.read(&mut [0; 16]) {
        Ok(0) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        Ok(_) => false,
    }
}

fn dial(from: &str, server: SocketAddr) -> TcpStream {
    connect(from.parse().unwrap(), server).expect("a connection")
}

#[test]
fn broken_frames_end_their_connection_and_nobody_elses() {
    let nsd = Nsd::start(&[(".", ROOT)]);
    let cordon = start(&nsd);
    let query = Ask::new("a.home.example", RecordType::A).wire(1);
    // A length of nothing, and one too short for a header.
    for length in [0u16, 1, 11] {
        let mut stream = dial("127.0.66.3", cordon.addr);
        stream.write_all(&[&length.to_be_bytes()[..], &vec![0; usize::from(length)]].concat()).unwrap();
        assert!(ends(&mut stream), "a frame of {length} octets");
    }
    // Half a frame and the end: what was asked before it is answered.
    let mut stream = dial("127.0.66.3", cordon.addr);
    let frame = [&(query.len() as u16).to_be_bytes(), &query[..]].concat();
    stream.write_all(&[&frame[..], &frame[..9]].concat()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(read_frame(&mut stream).is_some());
    assert!(ends(&mut stream));
    // Half a frame and then silence, and one octet after the other: the time of a message ends both.
    let mut silent = dial("127.0.66.4", cordon.addr);
    silent.write_all(&frame[..9]).unwrap();
    let mut slow = dial("127.0.66.5", cordon.addr);
    let mut sent = 0;
    let slow_ended = loop {
        if slow.write_all(&[0xff]).is_err() {
            break true;
        }
        sent += 1;
        if sent % 10 == 0 {
            ask_for_real(&cordon, sent / 10);
        }
        if sent > 1_000 {
            break false;
        }
        std::thread::sleep(Duration::from_millis(30));
    };
    assert!(slow_ended, "a message of 65535 octets may take for ever");
    assert!(ends(&mut silent));
    check(&cordon, 1 + sent / 10, Some(0));
}

#[test]
fn a_client_with_too_many_connections_shuts_out_only_itself() {
    let nsd = Nsd::start(&[(".", ROOT)]);
    let cordon = start(&nsd);
    // 64 a client (TcpLimits::per_client): of its idle ones the oldest make place.
    let mut idle: Vec<TcpStream> = (0..200).map(|_| dial("127.0.66.6", cordon.addr)).collect();
    ask_for_real(&cordon, 1);
    assert!(ends(&mut idle[0]), "the oldest connection had to make place");
    let newest = idle.last_mut().unwrap();
    let query = Ask::new("a.home.example", RecordType::A).wire(1);
    newest.write_all(&[&(query.len() as u16).to_be_bytes(), &query[..]].concat()).unwrap();
    assert!(read_frame(newest).is_some(), "the newest connection is served");
    // A connection that was told to make place counts until its task has ended: what is counted comes down to the cap, and stays.
    let open = || cordon.metric("cordon_tcp_connections");
    let settled = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(25));
        (1.0..=64.0).contains(&open())
    });
    assert!(settled, "{} connections are open", open());
    // Another client, also while that one holds all it may.
    let mut other = dial("127.0.66.7", cordon.addr);
    other.write_all(&[&(query.len() as u16).to_be_bytes(), &query[..]].concat()).unwrap();
    assert!(read_frame(&mut other).is_some());
    check(&cordon, 3, Some(0));
}
