//! What the standard library has no name for: waiting for many sockets at once, and many datagrams a system call.
//!
//! Every pointer given to the kernel is made right before the call from memory that is initialised and borrowed for the whole call.

use std::fs::File;
use std::io::{self, Read, Write};
use std::mem::zeroed;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

/// Most sockets told of at a time.
const EVENTS: usize = 64;
/// Most datagrams taken from a socket by one call.
const DATAGRAMS: usize = 16;
/// Room for a datagram: more than the 1232 octets that are offered.
const ROOM: usize = 4_096;
/// The error of a send for which the system has no memory just now.
pub(super) const NO_BUFFERS: i32 = libc::ENOBUFS;
/// Stands for the waker among the events.
const WAKER: u64 = u64::MAX;

/// Waits for sockets.
pub(super) struct Poll {
    epoll: OwnedFd,
    wakes: Arc<File>,
    events: Box<[libc::epoll_event]>,
}

/// Wakes a [`Poll`] from another thread.
pub(super) struct Waker(Arc<File>);

impl Waker {
    pub(super) fn wake(&self) {
        // Fails only when it has been woken 2^64 times and not looked.
        let _ = (&*self.0).write(&1_u64.to_ne_bytes());
    }
}

impl Poll {
    pub(super) fn new() -> io::Result<(Poll, Waker)> {
        // SAFETY: no pointers; the descriptors are new and nobody else's.
        let (epoll, wakes) = unsafe {
            let epoll = OwnedFd::from_raw_fd(checked(libc::epoll_create1(libc::EPOLL_CLOEXEC))?);
            let wakes = File::from_raw_fd(checked(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK))?);
            (epoll, wakes)
        };
        let wakes = Arc::new(wakes);
        let waker = Waker(wakes.clone());
        let events = vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS].into();
        let poll = Poll { epoll, wakes, events };
        poll.add(poll.wakes.as_raw_fd(), WAKER)?;
        Ok((poll, waker))
    }

    /// From now on `number` is told when the socket has something. Ends when it is closed.
    pub(super) fn watch(&self, socket: &UdpSocket, number: u64) -> io::Result<()> {
        self.add(socket.as_raw_fd(), number)
    }

    fn add(&self, fd: RawFd, number: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: number };
        // SAFETY: `event` lives for the call, which only reads it.
        checked(unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &raw mut event) }).map(drop)
    }

    /// Waits for `limit`, none for ever, and puts the numbers of the sockets that have something into `ready`.
    pub(super) fn wait(&mut self, limit: Option<Duration>, ready: &mut Vec<u64>) {
        ready.clear();
        // Rounded up: what is due is due then.
        let millis = limit.map_or(-1, |limit| i32::try_from(limit.as_micros().div_ceil(1_000)).unwrap_or(i32::MAX));
        // SAFETY: `events` has room for EVENTS events and is borrowed mutably for the call.
        let got = unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), self.events.as_mut_ptr(), EVENTS as i32, millis) };
        // An error is an interruption: the caller looks again.
        for event in self.events.iter().take(usize::try_from(got).unwrap_or(0)) {
            match event.u64 {
                WAKER => {
                    let _ = (&*self.wakes).read(&mut [0; 8]);
                }
                number => ready.push(number),
            }
        }
    }
}

/// Datagrams as they came.
pub(super) struct Inbox {
    octets: Box<[u8]>,
    lengths: [usize; DATAGRAMS],
}

impl Inbox {
    pub(super) const MOST: usize = DATAGRAMS;

    pub(super) fn new() -> Inbox {
        Inbox { octets: vec![0; DATAGRAMS * ROOM].into(), lengths: [0; DATAGRAMS] }
    }

    /// Takes what has come to a socket, [`Inbox::MOST`] at most; how many.
    pub(super) fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        let mut vectors = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; DATAGRAMS];
        // SAFETY: all-zero octets are a valid `mmsghdr`: no name, no vectors, no control messages.
        let mut heads: [libc::mmsghdr; DATAGRAMS] = unsafe { zeroed() };
        for ((buffer, vector), head) in self.octets.chunks_exact_mut(ROOM).zip(&mut vectors).zip(&mut heads) {
            *vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: ROOM };
            head.msg_hdr.msg_iov = vector;
            head.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: each head was just pointed to a vector, and each vector to a buffer of ROOM octets that overlaps no other; all of
        // them live for the call and are borrowed mutably. A null timeout is allowed.
        let got = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                heads.as_mut_ptr(),
                DATAGRAMS as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut::<libc::timespec>(),
            )
        };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        for (length, head) in self.lengths.iter_mut().zip(&heads).take(got) {
            *length = (head.msg_len as usize).min(ROOM);
        }
        Ok(got)
    }

    /// The octets of a datagram that was received. One that was longer than there is room for is cut, and so is no message.
    pub(super) fn datagram(&self, place: usize) -> &[u8] {
        let length = self.lengths.get(place).copied().unwrap_or(0);
        self.octets.get(place * ROOM..place * ROOM + length).unwrap_or_default()
    }
}

fn checked(result: i32) -> io::Result<RawFd> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
