//! Against sockets of the test's own, which see what a server would see.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::*;
use crate::dns::Name;

type End = Result<Vec<u8>, Silence>;

struct Tell(SyncSender<End>);

impl Asked for Tell {
    fn ended(self: Box<Self>, end: Result<&[u8], Silence>) {
        let _ = self.0.send(end.map(<[u8]>::to_vec));
    }

    fn impatient(self: Box<Self>) -> Option<Box<dyn Asked>> {
        Some(self)
    }

    fn is_wanted(&self) -> bool {
        true
    }
}

const LONG: Duration = Duration::from_secs(60);

struct Bench {
    exchange: Arc<Exchange>,
    target: Arc<Target>,
    server: UdpSocket,
    heard: RefCell<HashSet<(SocketAddr, Vec<u8>)>>,
}

/// A query as the server hears it.
struct Query {
    octets: Vec<u8>,
    from: SocketAddr,
}

impl Query {
    fn id(&self) -> u16 {
        u16::from_be_bytes([self.octets[0], self.octets[1]])
    }

    /// The plainest of answers: no records.
    fn answer(&self) -> Vec<u8> {
        let mut answer = self.octets.clone();
        answer[2] |= 0x80;
        answer
    }
}

impl Bench {
    fn new() -> Bench {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_read_timeout(Some(LONG)).unwrap();
        let exchange = Exchange::new();
        let target = exchange.target(server.local_addr().unwrap());
        Bench { exchange, target, server, heard: RefCell::default() }
    }

    fn ask_within(&self, name: &str, limit: Duration) -> Receiver<End> {
        let (tell, told) = sync_channel(1);
        self.exchange.hand_over(Sending {
            to: self.target.clone(),
            question: Question::new(Name::parse(name).unwrap(), 1),
            edns: true,
            retry: Duration::from_millis(150),
            patience: None,
            deadline: Instant::now() + limit,
            asked: Box::new(Tell(tell)),
        });
        self.exchange.set_off();
        told
    }

    fn ask(&self, name: &str) -> Receiver<End> {
        self.ask_within(name, LONG)
    }

    fn hear(&self) -> Query {
        let mut octets = vec![0; 2_000];
        let (length, from) = self.server.recv_from(&mut octets).unwrap();
        octets.truncate(length);
        Query { octets, from }
    }

    /// The next query that was not heard before: on a machine that is busy elsewhere the same one comes again.
    fn hear_another(&self) -> Query {
        loop {
            let query = self.hear();
            if self.heard.borrow_mut().insert((query.from, query.octets.clone())) {
                return query;
            }
        }
    }

    fn reply(&self, octets: &[u8], to: SocketAddr) {
        self.server.send_to(octets, to).unwrap();
    }

    /// Waits until so many datagrams were ignored.
    fn until_ignored(&self, count: u64) {
        let begun = Instant::now();
        while self.target.ignored() < count && begun.elapsed() < LONG {
            thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(self.target.ignored(), count);
    }
}

#[test]
fn ports_and_ids_are_random_and_no_port_is_used_beyond_its_bound() {
    let bench = Bench::new();
    let count = 6_000;
    let mut ids = Vec::new();
    let mut by_port: HashMap<u16, usize> = HashMap::new();
    let mut spellings = HashSet::new();
    for _ in 0..count {
        let told = bench.ask("some-long-name.example.test");
        let query = bench.hear_another();
        ids.push(query.id());
        *by_port.entry(query.from.port()).or_default() += 1;
        spellings.insert(query.octets[12..12 + 29].to_vec());
        bench.reply(&query.answer(), query.from);
        assert_eq!(told.recv_timeout(LONG).unwrap().unwrap(), query.answer());
    }
    assert!(by_port.values().all(|questions| *questions <= ports::MOST_QUESTIONS), "{by_port:?}");
    assert!(by_port.keys().all(|port| *port >= 1_024));
    assert!(by_port.len() >= ports::CHOICE && by_port.len() >= count / ports::MOST_QUESTIONS, "{}", by_port.len());
    // Ports are all over the range: of four quarters none is without.
    let quarters: HashSet<u16> = by_port.keys().map(|port| port >> 14).collect();
    assert_eq!(quarters.len(), 4, "{by_port:?}");
    // 6,000 of 65,536 drawn at random: 5,734 unlike ones are expected, with a deviation of about 15.
    let unlike: HashSet<u16> = ids.iter().copied().collect();
    assert!(unlike.len() > 5_600, "{}", unlike.len());
    // Steps from one to the next repeat no more than the numbers do.
    let steps: HashSet<u16> = ids.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    assert!(steps.len() > 5_600, "{}", steps.len());
    // 24 letters: chance does not spell a name the same way often.
    assert!(spellings.len() > 5_900, "{}", spellings.len());
}

#[test]
fn questions_leave_by_ports_that_cannot_be_foretold() {
    let bench = Bench::new();
    let asked: Vec<_> = (0..400).map(|number| bench.ask(&format!("n{number}.test"))).collect();
    let heard: Vec<Query> = asked.iter().map(|_| bench.hear_another()).collect();
    let ports: Vec<u16> = heard.iter().map(|query| query.from.port()).collect();
    let unlike: HashSet<u16> = ports.iter().copied().collect();
    assert!(unlike.len() >= ports::CHOICE);
    // After one port comes not always the same next one.
    let pairs: HashSet<_> = ports.windows(2).collect();
    assert!(pairs.len() > 100, "{}", pairs.len());
    for query in heard.iter().rev() {
        bench.reply(&query.answer(), query.from);
    }
    assert!(asked.iter().all(|told| told.recv_timeout(LONG).unwrap().is_ok()));
    assert_eq!(bench.target.ignored(), 0);
}

#[test]
fn a_source_that_nobody_used_for_its_life_is_closed() {
    let bench = Bench::new();
    let told = bench.ask("a.test");
    let query = bench.hear();
    bench.reply(&query.answer(), query.from);
    told.recv_timeout(LONG).unwrap().unwrap();
    let begun = Instant::now();
    // Its port can be had again.
    while UdpSocket::bind(("0.0.0.0", query.from.port())).is_err() {
        assert!(begun.elapsed() < LONG);
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_answers_nothing_that_was_asked_is_ignored_and_counted() {
    let bench = Bench::new();
    let told = bench.ask("www.example.test");
    let query = bench.hear();
    // Another id.
    let mut forged = query.answer();
    forged[1] ^= 1;
    bench.reply(&forged, query.from);
    bench.until_ignored(1);
    // Another question.
    let mut forged = query.answer();
    forged[13] = b'x';
    bench.reply(&forged, query.from);
    bench.until_ignored(2);
    // Another source: the kernel keeps it away, so there is nothing to count.
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut forged = query.answer();
    forged[3] |= 3;
    stranger.send_to(&forged, query.from).unwrap();
    // The true answer, and once more.
    bench.reply(&query.answer(), query.from);
    assert_eq!(told.recv_timeout(LONG).unwrap().unwrap(), query.answer());
    bench.reply(&query.answer(), query.from);
    bench.until_ignored(3);
}

#[test]
fn a_name_that_comes_back_in_another_case_is_not_believed() {
    let bench = Bench::new();
    let told = bench.ask("abcdefghijklmnopqrstuvwxyz.test");
    let query = bench.hear();
    let mut answer = query.answer();
    answer[12..12 + 33].make_ascii_lowercase();
    bench.reply(&answer, query.from);
    assert_eq!(told.recv_timeout(LONG).unwrap(), Err(Silence::OtherCase));
}

#[test]
fn silence_is_met_by_the_same_question_again_and_then_by_its_end() {
    let bench = Bench::new();
    let told = bench.ask_within("www.test", Duration::from_secs(4));
    let first = bench.hear();
    for _ in 0..3 {
        let again = bench.hear();
        assert_eq!((&again.octets, again.from), (&first.octets, first.from), "a guess has one aim");
    }
    assert_eq!(told.recv_timeout(LONG).unwrap(), Err(Silence::Timeout));
    bench.server.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    assert!(bench.server.recv_from(&mut [0; 100]).is_err(), "four times is enough");
    // What comes too late is nobody's.
    bench.reply(&first.answer(), first.from);
}

#[test]
fn a_refusal_of_the_network_is_heard_long_before_the_time_is_up() {
    let bench = Bench::new();
    let Bench { exchange, target, server, .. } = bench;
    let again = server.try_clone().unwrap();
    drop(server);
    drop(again);
    let (tell, told) = sync_channel(1);
    exchange.hand_over(Sending {
        to: target,
        question: Question::new(Name::parse("www.test").unwrap(), 1),
        edns: true,
        retry: Duration::from_millis(150),
        patience: None,
        deadline: Instant::now() + LONG * 10,
        asked: Box::new(Tell(tell)),
    });
    exchange.set_off();
    assert!(matches!(told.recv_timeout(LONG).unwrap(), Err(Silence::Unreachable(_))));
}

#[test]
fn what_nobody_wants_any_more_and_what_is_on_its_way_at_the_end_is_let_go() {
    struct Unwanted(SyncSender<End>);
    impl Asked for Unwanted {
        fn ended(self: Box<Self>, end: Result<&[u8], Silence>) {
            let _ = self.0.send(end.map(<[u8]>::to_vec));
        }
        fn impatient(self: Box<Self>) -> Option<Box<dyn Asked>> {
            Some(self)
        }
        fn is_wanted(&self) -> bool {
            false
        }
    }
    let bench = Bench::new();
    let (tell, told) = sync_channel(1);
    bench.exchange.hand_over(Sending {
        to: bench.target.clone(),
        question: Question::new(Name::parse("www.test").unwrap(), 1),
        edns: false,
        retry: LONG,
        patience: None,
        deadline: Instant::now() + LONG * 10,
        asked: Box::new(Unwanted(tell)),
    });
    bench.exchange.set_off();
    let gone =
        |told: Receiver<End>| matches!(told.recv_timeout(LONG), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    assert!(gone(told));
    let told = bench.ask("other.test");
    bench.hear();
    let Bench { exchange, .. } = bench;
    drop(exchange);
    assert!(gone(told), "dropped, and so whoever asked knows");
}
