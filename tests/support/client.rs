//! A DNS client: one question from a source address of choice, with any flags, over UDP or TCP.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// A question and how it is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The name, as written, case kept.
    pub name: String,
    /// The type.
    pub kind: RecordType,
    /// The class.
    pub class: DNSClass,
    /// Recursion desired.
    pub rd: bool,
    /// Authentic data.
    pub ad: bool,
    /// Checking disabled.
    pub cd: bool,
    /// EDNS payload size; none: no OPT record.
    pub edns: Option<u16>,
    /// DNSSEC OK; needs EDNS.
    pub dnssec_ok: bool,
    /// Over TCP.
    pub tcp: bool,
    /// The address the question comes from.
    pub from: IpAddr,
}

impl Ask {
    /// A plain question with EDNS and RD, over UDP, from 127.0.0.1.
    pub fn new(name: &str, kind: RecordType) -> Ask {
        Ask {
            name: name.to_owned(),
            kind,
            class: DNSClass::IN,
            rd: true,
            ad: false,
            cd: false,
            edns: Some(1232),
            dnssec_ok: false,
            tcp: false,
            from: IpAddr::from([127, 0, 0, 1]),
        }
    }

    /// The same from another address.
    pub fn from(mut self, from: &str) -> Ask {
        self.from = from.parse().unwrap();
        self
    }

    /// The same over TCP.
    pub fn tcp(mut self) -> Ask {
        self.tcp = true;
        self
    }

    /// The query in wire form.
    pub fn wire(&self, id: u16) -> Vec<u8> {
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = self.rd;
        message.metadata.authentic_data = self.ad;
        message.metadata.checking_disabled = self.cd;
        // Not `from_str`: that makes every letter lower-case.
        let mut query = Query::query(Name::from_ascii(&self.name).unwrap(), self.kind);
        query.set_query_class(self.class);
        message.queries.push(query);
        if let Some(payload) = self.edns {
            let mut edns = Edns::new();
            edns.set_max_payload(payload).set_dnssec_ok(self.dnssec_ok);
            message.edns = Some(edns);
        }
        message.to_vec().unwrap()
    }

    /// Asks `server` and gives the answer; none when none comes within two and a half seconds.
    pub fn try_at(&self, server: SocketAddr) -> Option<Message> {
        let id = (std::process::id() as u16).wrapping_add(self.name.len() as u16).wrapping_mul(257);
        let wire = self.wire(id);
        let answer = match self.tcp {
            true => over_tcp(&wire, self.from, server)?,
            false => over_udp(&wire, self.from, server)?,
        };
        let message = Message::from_vec(&answer).expect("the answer is a DNS message");
        assert_eq!(message.metadata.id, id, "the answer has the id of the question");
        assert_eq!(message.metadata.message_type, MessageType::Response);
        // Q8: the question is echoed byte for byte.
        let question = 12..wire.len() - if self.edns.is_some() { 11 } else { 0 };
        assert_eq!(answer.get(question.clone()), Some(&wire[question]), "the question is echoed byte for byte");
        Some(message)
    }

    /// Asks `server`; an answer must come.
    #[track_caller]
    pub fn at(&self, server: SocketAddr) -> Message {
        self.try_at(server).unwrap_or_else(|| panic!("no answer to {self:?}"))
    }
}

/// The addresses in the answer section.
pub fn addresses(message: &Message) -> Vec<IpAddr> {
    let of = |data: &RData| match data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    };
    message.answers.iter().filter_map(|record| of(&record.data)).collect()
}

/// Code and text of the first extended error (RFC 8914).
pub fn extended_error(message: &Message) -> Option<(u16, String)> {
    cordon::dns::convert::ede(message.edns.as_ref())
}

/// One exchange over UDP; the answer must come from the address asked.
pub fn over_udp(wire: &[u8], from: IpAddr, server: SocketAddr) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind(SocketAddr::new(from, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(2_500))).unwrap();
    socket.send_to(wire, server).unwrap();
    let mut answer = vec![0; 65_535];
    let (length, sender) = socket.recv_from(&mut answer).ok()?;
    assert_eq!(sender, server, "an answer comes from the address that was asked");
    answer.truncate(length);
    Some(answer)
}

/// One exchange over TCP.
pub fn over_tcp(wire: &[u8], from: IpAddr, server: SocketAddr) -> Option<Vec<u8>> {
    let mut stream = connect(from, server)?;
    stream.write_all(&[&(wire.len() as u16).to_be_bytes(), wire].concat()).ok()?;
    read_frame(&mut stream)
}

/// A TCP connection from a source address.
pub fn connect(from: IpAddr, server: SocketAddr) -> Option<TcpStream> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP)).ok()?;
    socket.bind(&SockAddr::from(SocketAddr::new(from, 0))).ok()?;
    socket.connect(&SockAddr::from(server)).ok()?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_millis(2_500))).ok()?;
    Some(stream)
}

/// The next message of a connection.
pub fn read_frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut answer = vec![0; u16::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).ok()?;
    Some(answer)
}
