//! Sockets that were handed over by a service manager (systemd's socket activation, sd_listen_fds(3)). They stay open while the server is
//! restarted, so what comes meanwhile waits in their buffers and is answered.

use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use socket2::Socket;

/// What was handed over and not taken yet.
#[derive(Debug, Default)]
pub(super) struct Inherited {
    udp: Vec<(SocketAddr, Socket)>,
    tcp: Vec<(SocketAddr, TcpListener)>,
}

impl Inherited {
    /// Takes over what the environment tells of. What is neither a UDP socket nor a TCP listener is told and left alone.
    pub(super) fn from_env() -> Inherited {
        let mut handed = ListenFd::from_env();
        let mut inherited = Inherited::default();
        for at in 0..handed.len() {
            let outcome = match handed.take_tcp_listener(at) {
                Ok(Some(tcp)) => inherited.listener(tcp),
                Ok(None) => Ok(()),
                Err(_) => handed.take_udp_socket(at).and_then(|udp| match udp {
                    Some(udp) => inherited.datagrams(udp.into()),
                    None => Ok(()),
                }),
            };
            if let Err(error) = outcome {
                tracing::warn!(number = at, %error, "a socket that was handed over is not used");
            }
        }
        inherited
    }

    fn listener(&mut self, tcp: TcpListener) -> io::Result<()> {
        tcp.set_nonblocking(true)?;
        self.tcp.push((tcp.local_addr()?, tcp));
        Ok(())
    }

    fn datagrams(&mut self, udp: Socket) -> io::Result<()> {
        // Workers wait in the call itself.
        udp.set_nonblocking(false)?;
        let address = udp.local_addr()?.as_socket().ok_or_else(|| io::Error::other("it has no address"))?;
        self.udp.push((address, udp));
        Ok(())
    }

    /// The UDP socket of an address, if one was handed over.
    pub(super) fn udp(&mut self, address: SocketAddr) -> Option<Socket> {
        taken(&mut self.udp, address)
    }

    /// The TCP listener of an address, if one was handed over.
    pub(super) fn tcp(&mut self, address: SocketAddr) -> Option<TcpListener> {
        taken(&mut self.tcp, address)
    }

    /// Tells of what nobody took: it would fill up unread, so it is closed.
    pub(super) fn tell_left(self) {
        for address in self.udp.iter().map(|(at, _)| at).chain(self.tcp.iter().map(|(at, _)| at)) {
            tracing::warn!(%address, "a socket that was handed over is for an address that is not in listen.dns; it is closed");
        }
    }
}

fn taken<T>(of: &mut Vec<(SocketAddr, T)>, address: SocketAddr) -> Option<T> {
    let at = of.iter().position(|(bound, _)| *bound == address)?;
    Some(of.swap_remove(at).1)
}
