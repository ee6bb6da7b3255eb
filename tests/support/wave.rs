//! Many questions at once: every client address has a socket of its own and keeps some of its questions in flight.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::client::{connect, read_frame};
use super::wire::{self, Answer};

/// Questions a socket has in flight.
const IN_FLIGHT: usize = 32;
/// How long an answer may take before the test fails: only something that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(30);

/// One question of a wave.
#[derive(Clone, Debug)]
pub struct Question {
    /// The name, case kept.
    pub name: String,
    /// The type.
    pub qtype: u16,
    /// Who asks; the family of this address says over which of Cordon's addresses.
    pub from: IpAddr,
    /// Over TCP, pipelined, in the place of UDP.
    pub tcp: bool,
}

/// Asks all of them and gives the answers in the order of the questions. Each must come, once, with the question as it was put.
pub fn ask(ipv4: SocketAddr, ipv6: SocketAddr, questions: &[Question]) -> Vec<Answer> {
    let mut groups: BTreeMap<(IpAddr, bool), Vec<usize>> = BTreeMap::new();
    for (at, question) in questions.iter().enumerate() {
        groups.entry((question.from, question.tcp)).or_default().push(at);
    }
    let answered: Vec<(usize, Answer)> = std::thread::scope(|scope| {
        let of_group = |((from, tcp), places): ((IpAddr, bool), Vec<usize>)| {
            let server = if from.is_ipv4() { ipv4 } else { ipv6 };
            // Ids are 16 bits wide.
            places.chunks(60_000).flat_map(|places| ask_group(server, from, tcp, places, questions)).collect::<Vec<_>>()
        };
        let threads: Vec<_> = groups.into_iter().map(|group| scope.spawn(move || of_group(group))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut answers = vec![None; questions.len()];
    for (at, answer) in answered {
        assert!(answers[at].replace(answer).is_none());
    }
    answers.into_iter().map(|answer| answer.expect("every group answers all its questions")).collect()
}

fn ask_group(
    server: SocketAddr,
    from: IpAddr,
    tcp: bool,
    places: &[usize],
    questions: &[Question],
) -> Vec<(usize, Answer)> {
    let mut line = Line::open(server, from, tcp);
    let mut answers: Vec<Option<Answer>> = vec![None; places.len()];
    let (mut asked, mut answered) = (0, 0);
    let wire_of = |number: usize| {
        let question = &questions[places[number]];
        wire::query(number as u16, &question.name, question.qtype)
    };
    while answered < places.len() {
        while asked < places.len() && asked - answered < IN_FLIGHT {
            line.send(&wire_of(asked));
            asked += 1;
        }
        let packet = line.receive().unwrap_or_else(|| panic!("{from} tcp {tcp}: {asked} asked, {answered} answered"));
        let answer = wire::read(&packet).unwrap_or_else(|error| panic!("{error}: {packet:02x?}"));
        let number = usize::from(answer.id);
        assert!(number < asked, "an answer to a question that was not asked");
        let query = wire_of(number);
        let echoed = packet.get(12..12 + wire::question(&query).len());
        assert_eq!(echoed, Some(wire::question(&query)), "Q8: the question is echoed byte for byte");
        assert!(answers[number].replace(answer).is_none(), "two answers to one question");
        answered += 1;
    }
    places.iter().copied().zip(answers.into_iter().flatten()).collect()
}

/// A socket towards Cordon.
enum Line {
    Udp(UdpSocket),
    Tcp(std::net::TcpStream),
}

impl Line {
    fn open(server: SocketAddr, from: IpAddr, tcp: bool) -> Line {
        if tcp {
            let stream = connect(from, server).expect("a connection");
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            return Line::Tcp(stream);
        }
        let socket = UdpSocket::bind(SocketAddr::new(from, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.connect(server).unwrap();
        Line::Udp(socket)
    }

    fn send(&mut self, query: &[u8]) {
        match self {
            Line::Udp(socket) => assert_eq!(socket.send(query).unwrap(), query.len()),
            Line::Tcp(stream) => stream.write_all(&[&(query.len() as u16).to_be_bytes(), query].concat()).unwrap(),
        }
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        match self {
            Line::Udp(socket) => {
                let mut packet = vec![0; 4_096];
                let length = socket.recv(&mut packet).ok()?;
                packet.truncate(length);
                Some(packet)
            }
            Line::Tcp(stream) => read_frame(stream),
        }
    }
}
