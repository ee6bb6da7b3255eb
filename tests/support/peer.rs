//! A foreign name server as a child process: free ports, ready when it answers, gone when dropped.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// A running child. Dropping it ends it, and what it forked with it.
pub struct Peer {
    child: Child,
}

impl Peer {
    /// Starts `command` and waits until `ready`; otherwise says what stands in `log`.
    pub fn start(command: &mut Command, log: &Path, ready: impl Fn() -> bool) -> Result<Peer, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program} is needed for this test and does not start: {error}"))?;
        let mut peer = Peer { child };
        for _ in 0..400 {
            if ready() {
                return Ok(peer);
            }
            if peer.child.try_wait().is_ok_and(|status| status.is_some()) {
                break;
            }
            sleep(Duration::from_millis(25));
        }
        let log = std::fs::read_to_string(log).unwrap_or_default();
        Err(format!("{program} does not answer; its log says:\n{log}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // SIGTERM lets a server end its own children; it gets some time before it is killed.
        // SAFETY: kill(2) takes no pointers; the process is our own child and not yet waited for, so its id is still its own.
        unsafe { libc::kill(self.child.id() as libc::pid_t, libc::SIGTERM) };
        for _ in 0..200 {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback address whose port is free for UDP and TCP.
pub fn free_address() -> SocketAddr {
    for _ in 0..100 {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port is free for both UDP and TCP");
}

/// Starts with `start` on other ports until it succeeds: a port that was free may be taken in between.
pub fn with_free_ports<T>(mut start: impl FnMut() -> Result<T, String>) -> T {
    let mut last = String::new();
    for _ in 0..3 {
        match start() {
            Ok(started) => return started,
            Err(error) => last = error,
        }
    }
    panic!("{last}");
}

/// Whether something answers a query for `. NS` over UDP, with whatever response code.
pub fn answers_dns(address: SocketAddr) -> bool {
    let query = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];
    let Ok(socket) = UdpSocket::bind("127.0.0.1:0") else { return false };
    let _ = socket.set_read_timeout(Some(Duration::from_millis(100)));
    let mut answer = [0; 1500];
    socket.send_to(&query, address).is_ok()
        && socket
            .recv_from(&mut answer)
            .is_ok_and(|(length, from)| length >= 12 && from == address && answer[..2] == query[..2])
}

/// Whether a TCP connection is accepted.
pub fn accepts(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_ok()
}
