//! The one place that speaks to the kernel with raw pointers: many datagrams a system call, with control messages.
//!
//! Every pointer given to the kernel is made right before the call, from memory that is initialised, borrowed for the
//! whole call and neither moved nor looked at meanwhile; none is used afterwards. What comes back is read by the safe code
//! of [`super::batch`] and [`super::control`].

use std::io;
use std::mem::zeroed;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::UdpLimits;
use super::batch::{Batch, Came, Peer, RawName, STRIDE};
use super::control::{self, Control};
use crate::config::checked::Listen;

/// Most sockets looked at in one poll: more addresses than `listen.dns` has in practice.
const MOST_POLLED: usize = 64;

/// `SK_MEMINFO_DROPS` is the last of nine numbers (linux/sock_diag.h; since Linux 4.12).
const MEMINFO_COUNT: usize = 9;
const MEMINFO_DROPS: usize = 8;

/// A bound UDP socket.
#[derive(Debug)]
pub(in crate::serve) struct UdpSocket {
    socket: Socket,
    tells: bool,
    /// Whether the kernel takes several answers to a client in one piece.
    bundles: AtomicBool,
    dropped_before: Arc<AtomicU64>,
}

impl UdpSocket {
    /// Binds a socket to `address`.
    ///
    /// The first socket of an address is bound alone, and lets others in only afterwards (SO_REUSEPORT): otherwise a second
    /// server of the same user would quietly take a share of the queries instead of being told that the port is taken.
    pub(in crate::serve) fn bind(
        address: SocketAddr,
        first: bool,
        listen: &Listen,
        dropped_before: Arc<AtomicU64>,
    ) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM.cloexec(), Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        if !first {
            socket.set_reuse_port(true)?;
        }
        let socket = UdpSocket::made_of(socket, address, listen, dropped_before)?;
        socket.socket.bind(&address.into())?;
        if first {
            socket.socket.set_reuse_port(true)?;
        }
        Ok(socket)
    }

    /// Makes one of a socket that is bound to `address`, or will be.
    pub(in crate::serve) fn made_of(
        socket: Socket,
        address: SocketAddr,
        listen: &Listen,
        dropped_before: Arc<AtomicU64>,
    ) -> io::Result<UdpSocket> {
        let tells = address.ip().is_unspecified();
        let raw = socket.as_raw_fd();
        // No path MTU from ICMP, which can be forged, and no fragments because of it (RFC 9715 section 3.1).
        if address.is_ipv6() {
            set(raw, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT)?;
            if tells {
                set(raw, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
            }
        } else {
            set(raw, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT)?;
            if tells {
                set(raw, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
            }
        }
        // Beyond the system's limit with CAP_NET_ADMIN, up to it without.
        for (force, plain, octets) in [
            (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, listen.receive_buffer),
            (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, listen.send_buffer),
        ] {
            let octets = i32::try_from(octets).unwrap_or(i32::MAX / 2);
            set(raw, libc::SOL_SOCKET, force, octets).or_else(|_| set(raw, libc::SOL_SOCKET, plain, octets))?;
        }
        socket.set_read_timeout(Some(Duration::from_millis(UdpLimits::LOOK_UP_MILLIS)))?;
        // A kernel before 4.18 would send what it cannot cut as one datagram; it does not know the option either.
        let bundles = AtomicBool::new(get(raw, libc::SOL_UDP, control::UDP_SEGMENT).is_ok());
        Ok(UdpSocket { socket, tells, bundles, dropped_before })
    }

    /// Its descriptor, to try it with options of the kernel.
    #[cfg(test)]
    pub(super) fn raw(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// What the kernel gives: octets of receive and of send buffer. It counts its own bookkeeping in and so tells twice what was asked for
    /// (socket(7)).
    pub(in crate::serve) fn buffers(&self) -> io::Result<(u64, u64)> {
        Ok((self.socket.recv_buffer_size()? as u64 / 2, self.socket.send_buffer_size()? as u64 / 2))
    }

    /// Whether others may share its address (SO_REUSEPORT).
    pub(in crate::serve) fn shares_its_port(&self) -> bool {
        self.socket.reuse_port().unwrap_or(false)
    }

    /// The address it is bound to.
    pub(in crate::serve) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()?.as_socket().ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
    }

    /// Whether it listens on every address, so that each packet tells which one it was sent to.
    pub(in crate::serve) fn tells(&self) -> bool {
        self.tells
    }

    /// Whether several answers to a client may leave in one piece.
    pub(in crate::serve) fn bundles(&self) -> bool {
        self.bundles.load(Ordering::Relaxed)
    }

    /// After a piece of several answers could not be sent: not again, if that was because there were several. A network device may be unable
    /// to cut it, or what lies on its way (EIO, as with IPsec); or they do not fit through it.
    pub(in crate::serve) fn failed_bundle(&self, error: &io::Error) {
        if matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE | libc::EOPNOTSUPP)) {
            self.bundles.store(false, Ordering::Relaxed);
        }
    }

    /// Receives up to `most` packets into the first slots of the batch; how many. With `wait`, waits for the first one, for
    /// [`UdpLimits::LOOK_UP_MILLIS`] at most; never for a second one.
    pub(in crate::serve) fn receive(&self, batch: &mut Batch, most: usize, wait: bool) -> io::Result<usize> {
        let most = most.min(batch.slots());
        let Batch { peers, packets, came, vectors, heads, .. } = &mut *batch;
        // The iterators give parts that do not overlap, so every pointer stays good while the next ones are made.
        let slots =
            packets.chunks_exact_mut(STRIDE).zip(peers.iter_mut()).zip(vectors.iter_mut()).zip(heads.iter_mut());
        for (((buffer, peer), vector), head) in slots.take(most) {
            *vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: UdpLimits::ANSWER };
            let head = &mut head.msg_hdr;
            head.msg_name = (&raw mut peer.name).cast();
            head.msg_namelen = RawName::SIZE as libc::socklen_t;
            head.msg_iov = vector;
            head.msg_iovlen = 1;
            head.msg_flags = 0;
            (head.msg_control, head.msg_controllen) =
                if self.tells { ((&raw mut peer.control).cast(), Control::SIZE as _) } else { (ptr::null_mut(), 0) };
        }
        let flags = if wait { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
        // SAFETY: the first `most` heads were just pointed to vectors, names, control messages and buffers of `batch`, each with
        // its true size (a buffer is STRIDE octets, of which ANSWER are given). All of them are initialised and borrowed
        // mutably for the call, and there are at least `most` heads. A null timeout is allowed.
        let got = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                heads.as_mut_ptr(),
                most as libc::c_uint,
                flags as _,
                ptr::null_mut::<libc::timespec>(),
            )
        };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        for ((head, came), peer) in heads.iter().zip(came).zip(peers).take(got) {
            *came = Came { length: head.msg_len as usize, truncated: head.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 };
            peer.name_length = head.msg_hdr.msg_namelen as usize;
            // A control message that did not fit is no control message.
            let whole = head.msg_hdr.msg_flags & libc::MSG_CTRUNC == 0;
            peer.control_length = if self.tells && whole { head.msg_hdr.msg_controllen as _ } else { 0 };
        }
        Ok(got)
    }

    /// Sends the batch's pieces from number `piece` on, which begins with answer number `from`; how many pieces the kernel took, at least one.
    /// An error speaks of the first of them alone. Never waits.
    pub(in crate::serve) fn send(&self, batch: &mut Batch, piece: usize, from: usize) -> io::Result<usize> {
        let Batch { peers, answers, outgoing, pieces, vectors, heads, .. } = &mut *batch;
        let (mut waiting, mut vectors) = (outgoing.get(from..).unwrap_or_default(), &mut vectors[..]);
        let mut count = 0;
        for (&size, head) in pieces.iter().skip(piece).zip(heads.iter_mut()) {
            let Some((these, others)) = waiting.split_at_checked(size) else { break };
            let Some((places, further)) = vectors.split_at_mut_checked(size) else { break };
            let Some(&(first, length)) = these.first() else { break };
            (waiting, vectors) = (others, further);
            for (&(slot, length), vector) in these.iter().zip(places.iter_mut()) {
                let answer = &answers[slot * STRIDE..][..length];
                *vector = libc::iovec { iov_base: answer.as_ptr().cast_mut().cast(), iov_len: answer.len() };
            }
            let peer = &mut peers[first];
            let control = match size {
                1 => peer.control_length,
                _ => control::cut_into(&mut peer.control, peer.control_length, length as u16),
            };
            fill(&mut head.msg_hdr, peer, control, places);
            count += 1;
        }
        // SAFETY: the first `count` heads were just pointed to vectors, names, control messages and answers of `batch`, each
        // with its true size; all are initialised and borrowed for the call. The kernel only reads through these pointers,
        // and writes to the heads alone, of which there are at least `count`.
        let sent = unsafe {
            libc::sendmmsg(
                self.socket.as_raw_fd(),
                heads.as_mut_ptr(),
                count as libc::c_uint,
                (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    /// Sends one answer to a peer that was kept. Never waits.
    pub(in crate::serve) fn send_one(&self, peer: &Peer, answer: &[u8]) -> io::Result<()> {
        let vector = libc::iovec { iov_base: answer.as_ptr().cast_mut().cast(), iov_len: answer.len() };
        let mut vector = [vector];
        let mut head = empty_head().msg_hdr;
        fill(&mut head, peer, peer.control_length, &mut vector);
        // SAFETY: `head` points to `vector`, `peer` and `answer`, with their true sizes; all are borrowed for the call, and the
        // kernel only reads through these pointers.
        let sent =
            unsafe { libc::sendmsg(self.socket.as_raw_fd(), &raw const head, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// How many packets the kernel dropped, since the socket was made, for want of room in its buffer; none where the kernel
    /// does not tell. Asked for when needed: the control message of SO_RXQ_OVFL would come with every packet, and never for
    /// drops that no packet follows.
    pub(in crate::serve) fn dropped(&self) -> Option<u64> {
        let mut numbers = [0_u32; MEMINFO_COUNT];
        let mut length = size_of_val(&numbers) as libc::socklen_t;
        // SAFETY: `numbers` is initialised and `length` is its size in octets; the kernel writes no more than that.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_MEMINFO,
                numbers.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        (result == 0 && length as usize == size_of_val(&numbers)).then(|| u64::from(numbers[MEMINFO_DROPS]))
    }
}

impl Drop for UdpSocket {
    /// Leaves the number of dropped packets behind.
    fn drop(&mut self) {
        self.dropped_before.fetch_add(self.dropped().unwrap_or(0), Ordering::Relaxed);
    }
}

/// Waits until a packet can be received from one of the sockets; `ready[n]` tells whether from the n-th.
pub(in crate::serve) fn wait_readable(
    sockets: &[Arc<UdpSocket>],
    ready: &mut [bool],
    wait: Duration,
) -> io::Result<()> {
    // As many addresses as `listen.dns` may name without an allocation a turn; more are looked at in groups.
    let mut polls = [libc::pollfd { fd: -1, events: 0, revents: 0 }; MOST_POLLED];
    for (poll, socket) in polls.iter_mut().zip(sockets) {
        *poll = libc::pollfd { fd: socket.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    }
    let count = sockets.len().min(MOST_POLLED);
    poll(&mut polls[..count], wait)?;
    for (at, ready) in ready.iter_mut().enumerate() {
        // Sockets beyond the first group are tried each turn. An error is ready too: it has to be fetched.
        *ready = polls.get(at).is_none_or(|poll| poll.revents != 0);
    }
    Ok(())
}

/// Waits until the socket has room for an answer; whether it has.
pub(in crate::serve) fn wait_writable(socket: &UdpSocket, wait: Duration) -> io::Result<bool> {
    let mut polls = [libc::pollfd { fd: socket.socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 }];
    Ok(poll(&mut polls, wait)? > 0)
}

fn poll(polls: &mut [libc::pollfd], wait: Duration) -> io::Result<usize> {
    let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the pointer and the count are those of a slice that is borrowed mutably for the call.
    let ready = unsafe { libc::poll(polls.as_mut_ptr(), polls.len() as libc::nfds_t, millis) };
    usize::try_from(ready).map_err(|_| io::Error::last_os_error())
}

fn set(socket: RawFd, level: i32, option: i32, value: i32) -> io::Result<()> {
    // SAFETY: the pointer is that of an initialised int, and the length is its size; the kernel only reads it.
    let result = unsafe {
        libc::setsockopt(socket, level, option, (&raw const value).cast(), size_of::<libc::c_int>() as libc::socklen_t)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// An option's number.
fn get(socket: RawFd, level: i32, option: i32) -> io::Result<i32> {
    let mut value: libc::c_int = 0;
    let mut length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the pointer is that of an initialised int and `length` is its size; the kernel writes no more than that.
    let result = unsafe { libc::getsockopt(socket, level, option, (&raw mut value).cast(), &raw mut length) };
    if result == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

/// Points a head at a peer, with this much of its control messages, and at vectors; both must outlive its use.
fn fill(head: &mut libc::msghdr, peer: &Peer, control: usize, vectors: &mut [libc::iovec]) {
    head.msg_name = (&raw const peer.name).cast_mut().cast();
    head.msg_namelen = peer.name_length.min(RawName::SIZE) as libc::socklen_t;
    head.msg_iov = vectors.as_mut_ptr();
    head.msg_iovlen = vectors.len() as _;
    head.msg_flags = 0;
    (head.msg_control, head.msg_controllen) = match control.min(Control::SIZE) {
        0 => (ptr::null_mut(), 0),
        length => ((&raw const peer.control).cast_mut().cast(), length as _),
    };
}

/// A head that points nowhere.
pub(super) fn empty_head() -> libc::mmsghdr {
    // SAFETY: an mmsghdr is made of integers and pointers; all zero (null pointers, no lengths) is one.
    unsafe { zeroed() }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

    use proptest::prelude::*;
    use socket2::SockAddr;

    use super::*;

    proptest! {
        #[test]
        fn an_address_is_read_as_the_system_writes_it(octets: [u8; 16], port: u16, scope: u32, v6: bool) {
            let address: SocketAddr = if v6 {
                SocketAddrV6::new(Ipv6Addr::from(octets), port, 0, scope).into()
            } else {
                SocketAddrV4::new(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]), port).into()
            };
            let written = SockAddr::from(address);
            let length = written.len() as usize;
            let mut name = RawName::empty();
            // SAFETY: `written` is a live sockaddr_storage, of which the first `len` octets are initialised.
            name.0[..length].copy_from_slice(unsafe {
                std::slice::from_raw_parts(written.as_ptr().cast::<u8>(), length)
            });
            prop_assert_eq!(name.address(length), Some(address));
            for cut in 0..8 {
                prop_assert_eq!(name.address(cut), None);
            }
        }
    }
}
