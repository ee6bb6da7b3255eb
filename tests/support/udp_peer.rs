//! A name server over UDP whose manners the test decides: silent, late, lying.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A socket that answers what the test tells it to.
pub struct UdpPeer {
    /// Where it listens.
    pub addr: SocketAddr,
    heard: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UdpPeer {
    /// `answer` gets each datagram and gives what to send back, if anything.
    pub fn start(mut answer: impl FnMut(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> UdpPeer {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let addr = socket.local_addr().unwrap();
        let (heard, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, stopped) = (heard.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut datagram = [0; 4096];
            while !stopped.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut datagram) else { continue };
                counted.fetch_add(1, Ordering::SeqCst);
                if let Some(answer) = answer(&datagram[..length]) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        UdpPeer { addr, heard, stop, thread: Some(thread) }
    }

    /// Never answers.
    pub fn silent() -> UdpPeer {
        UdpPeer::start(|_| None)
    }

    /// How many datagrams arrived.
    pub fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

impl Drop for UdpPeer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Passes a datagram on to another server and brings its answer.
pub fn relay(to: SocketAddr, datagram: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    socket.send_to(datagram, to).ok()?;
    let mut answer = vec![0; 65535];
    let length = socket.recv(&mut answer).ok()?;
    answer.truncate(length);
    Some(answer)
}
