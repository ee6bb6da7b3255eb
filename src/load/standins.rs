//! Small servers in this process: the bare echo, which is the least a UDP server can cost, and an upstream that knows every name.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::answer::{HEADER, answer_in_place};
use super::calls::{self, Batch};
use super::generator::BUFFER;

/// How long a thread waits for a packet before it looks whether it is to end.
const LOOK_UP: Duration = Duration::from_millis(100);

/// The bare echo: receives packets, says that they are answers, sends them back. Its threads are called `echo-0` and so on.
pub struct Echo(Running);

impl Echo {
    /// What its threads are called.
    pub const THREADS: &'static str = "echo";

    /// Starts as many threads, each with a socket of its own at one address.
    ///
    /// # Errors
    /// A socket or a thread cannot be had.
    pub fn start(threads: usize, cores: &[usize]) -> io::Result<Echo> {
        let turn = |room: &mut [u8], length: usize| {
            if length >= HEADER {
                room[2] |= 0x80;
                room[3] = 0x80;
            }
            length
        };
        Running::start(Echo::THREADS, threads, cores, turn).map(Echo)
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }
}

/// An upstream that has an address for every name ([`address_of`](super::answer::address_of)), kept for a day, and no data for other types.
pub struct Upstream(Running);

impl Upstream {
    /// Starts its one thread.
    ///
    /// # Errors
    /// A socket or a thread cannot be had.
    pub fn start(cores: &[usize]) -> io::Result<Upstream> {
        let turn = |room: &mut [u8], length: usize| answer_in_place(room, length).unwrap_or(length);
        Running::start("upstream", 1, cores, turn).map(Upstream)
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }
}

/// Threads that answer until they are dropped.
struct Running {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    fn start(
        name: &str,
        threads: usize,
        cores: &[usize],
        turn: impl Fn(&mut [u8], usize) -> usize + Copy + Send + 'static,
    ) -> io::Result<Running> {
        let first = socket(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = first.local_addr()?;
        let mut sockets = vec![first];
        for _ in 1..threads {
            sockets.push(socket(address)?);
        }
        let mut running = Running { address, stop: Arc::new(AtomicBool::new(false)), threads: Vec::new() };
        for (number, socket) in sockets.into_iter().enumerate() {
            let (stop, cores) = (Arc::clone(&running.stop), cores.to_vec());
            let life = move || {
                // Where it may not be kept there, it runs elsewhere: the figures say what it cost either way.
                let _ = calls::pin(&cores);
                answer(&socket, &stop, turn);
            };
            running.threads.push(Builder::new().name(format!("{name}-{number}")).spawn(life)?);
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM.cloexec(), None)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(LOOK_UP))?;
    calls::buffers(&socket, BUFFER)?;
    Ok(socket)
}

fn answer(socket: &UdpSocket, stop: &AtomicBool, turn: impl Fn(&mut [u8], usize) -> usize) {
    let mut batch = Batch::default();
    while !stop.load(Ordering::Acquire) {
        // Nothing has come, or the client is gone.
        let Ok(got) = batch.receive(socket, true) else { continue };
        for slot in 0..got {
            batch.change(slot, &turn);
        }
        let mut sent = 0;
        while sent < got {
            match batch.send(socket, sent, got, true) {
                Ok(more) if more > 0 => sent += more,
                // The first of them cannot be sent: nobody is there any more.
                _ => sent += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;
    use crate::load::answer::{Expected, address_of, is_right};
    use crate::load::work::query;

    #[test]
    fn the_upstream_gives_each_name_its_own_address_and_the_echo_gives_back_what_it_got() {
        let (upstream, echo) = (Upstream::start(&[]).unwrap(), Echo::start(2, &[]).unwrap());
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = [0; 512];
        for text in ["www.one.example", "WWW.two.example"] {
            let name = Name::parse(text).unwrap();
            for (to, expected) in
                [(upstream.address(), Expected::Address(address_of(&name))), (echo.address(), Expected::Echo)]
            {
                client.send_to(&query(&name), to).unwrap();
                let length = client.recv(&mut answer).unwrap();
                assert!(is_right(&query(&name), &answer[..length], expected), "{text} at {to}");
            }
        }
    }
}
