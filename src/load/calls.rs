//! The system calls of measuring that have no other name: many packets a call, which cores a thread may run on, a signal to a child.
//!
//! All `unsafe` of measuring is in this file.

use std::io;
use std::mem::zeroed;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr;

/// Most packets of a call.
pub const MOST: usize = 64;
/// Octets there is room for in a packet.
pub const ROOM: usize = 2048;

/// Packets that arrive or leave together.
pub struct Batch {
    octets: Box<[u8]>,
    lengths: [usize; MOST],
    peers: Box<[libc::sockaddr_in]>,
    vectors: Box<[libc::iovec]>,
    heads: Box<[libc::mmsghdr]>,
}

impl Default for Batch {
    fn default() -> Batch {
        // SAFETY: these are made of integers and pointers; all zero (null pointers, no lengths) is a value of each.
        let (peer, head): (libc::sockaddr_in, libc::mmsghdr) = unsafe { (zeroed(), zeroed()) };
        Batch {
            octets: vec![0; MOST * ROOM].into(),
            lengths: [0; MOST],
            peers: vec![peer; MOST].into(),
            vectors: vec![libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; MOST].into(),
            heads: vec![head; MOST].into(),
        }
    }
}

impl Batch {
    /// The octets of packet `slot`, which is below [`MOST`].
    pub fn packet(&self, slot: usize) -> &[u8] {
        &self.octets[slot * ROOM..][..self.lengths[slot]]
    }

    /// Writes packet `slot`; it has at most [`ROOM`] octets.
    pub fn write(&mut self, slot: usize, id: u16, octets: &[u8]) {
        let packet = &mut self.octets[slot * ROOM..][..octets.len()];
        packet.copy_from_slice(octets);
        packet[..2].copy_from_slice(&id.to_be_bytes());
        self.lengths[slot] = octets.len();
    }

    /// Changes packet `slot` where it stands: gets its room and its length, gives the new length.
    pub fn change(&mut self, slot: usize, change: impl FnOnce(&mut [u8], usize) -> usize) {
        let length = self.lengths[slot];
        let room = &mut self.octets[slot * ROOM..][..ROOM];
        self.lengths[slot] = change(room, length).min(ROOM);
    }

    /// Receives what has arrived, [`MOST`] packets at most; how many. With `wait`, waits for the first one as long as the socket's time-out.
    pub fn receive(&mut self, socket: &UdpSocket, wait: bool) -> io::Result<usize> {
        self.point(0..MOST, |_| ROOM, true);
        let flags = if wait { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
        // SAFETY: all heads were just pointed to buffers, vectors and names of `self`, each with its true size; they are initialised and
        // borrowed mutably for the call. A null time-out is allowed.
        let got = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.heads.as_mut_ptr(),
                MOST as libc::c_uint,
                flags as _,
                ptr::null_mut::<libc::timespec>(),
            )
        };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        for (length, head) in self.lengths.iter_mut().zip(&self.heads).take(got) {
            *length = (head.msg_len as usize).min(ROOM);
        }
        Ok(got)
    }

    /// Sends packets `from..to`: on a connected socket, or with `back` each to whom it came from. How many the kernel took.
    pub fn send(&mut self, socket: &UdpSocket, from: usize, to: usize, back: bool) -> io::Result<usize> {
        let lengths = self.lengths;
        self.point(from..to, |slot| lengths[slot], back);
        // SAFETY: heads `from..to` were just pointed to buffers, vectors and names of `self`, each with its true size; the slice bounds the
        // count, and the kernel reads through the pointers and writes to the heads alone.
        let sent = unsafe {
            let heads = &mut self.heads[from..to];
            libc::sendmmsg(socket.as_raw_fd(), heads.as_mut_ptr(), heads.len() as libc::c_uint, libc::MSG_NOSIGNAL as _)
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    /// Points the heads of some packets to their octets, and to their peers.
    fn point(&mut self, slots: std::ops::Range<usize>, length: impl Fn(usize) -> usize, peers: bool) {
        let Batch { octets, peers: names, vectors, heads, .. } = self;
        let parts = octets.chunks_exact_mut(ROOM).zip(names.iter_mut()).zip(vectors.iter_mut()).zip(heads.iter_mut());
        for (slot, (((octets, name), vector), head)) in parts.enumerate().take(slots.end).skip(slots.start) {
            *vector = libc::iovec { iov_base: octets.as_mut_ptr().cast(), iov_len: length(slot) };
            let head = &mut head.msg_hdr;
            head.msg_iov = vector;
            head.msg_iovlen = 1;
            (head.msg_name, head.msg_namelen) = match peers {
                true => (ptr::from_mut(name).cast(), size_of::<libc::sockaddr_in>() as libc::socklen_t),
                false => (ptr::null_mut(), 0),
            };
        }
    }
}

/// Asks for socket buffers of `octets`, beyond the system's limit where that is granted; how many there are for receiving.
pub fn buffers(socket: &UdpSocket, octets: usize) -> io::Result<usize> {
    let wanted = libc::c_int::try_from(octets).unwrap_or(libc::c_int::MAX / 2);
    for (force, plain) in [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)] {
        let set = |option| {
            // SAFETY: the pointer is that of an initialised int, and the length is its size; the kernel only reads it.
            unsafe {
                let size = size_of::<libc::c_int>() as libc::socklen_t;
                libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const wanted).cast(), size)
            }
        };
        if set(force) != 0 && set(plain) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // The kernel gives twice what is asked for, for what it keeps beside each packet.
    Ok(socket2::SockRef::from(socket).recv_buffer_size()? / 2)
}

/// Whether an error of a socket passes by itself: no room, nothing there, a server that is not there yet.
pub fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | ConnectionRefused | TimedOut)
        || error.raw_os_error() == Some(libc::ENOBUFS)
}

/// The cores this thread may run on.
pub fn allowed_cores() -> io::Result<Vec<usize>> {
    // SAFETY: a cpu_set_t is made of integers; all zero is the empty set.
    let mut set: libc::cpu_set_t = unsafe { zeroed() };
    // SAFETY: the pointer is that of a live, writable set, and the size is its own. 0 is the calling thread.
    if unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: CPU_ISSET reads within the set for numbers below CPU_SETSIZE.
    Ok((0..libc::CPU_SETSIZE as usize).filter(|&core| unsafe { libc::CPU_ISSET(core, &set) }).collect())
}

/// Keeps this thread, and what it starts from now on, on some cores; on none named: leaves it as it is.
pub fn pin(cores: &[usize]) -> io::Result<()> {
    if cores.is_empty() {
        return Ok(());
    }
    // SAFETY: as in `allowed_cores`.
    let mut set: libc::cpu_set_t = unsafe { zeroed() };
    for &core in cores.iter().filter(|&&core| core < libc::CPU_SETSIZE as usize) {
        // SAFETY: CPU_SET writes within the set for numbers below CPU_SETSIZE.
        unsafe { libc::CPU_SET(core, &mut set) };
    }
    // SAFETY: the pointer is that of a live set, and the size is its own. 0 is the calling thread.
    if unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Asks a child of ours that was not waited for yet to end (SIGTERM).
pub fn ask_to_end(child: &std::process::Child) {
    if let Ok(id) = libc::pid_t::try_from(child.id()) {
        // SAFETY: kill(2) takes no pointers; the child is ours and not yet waited for, so its id is still its own.
        unsafe { libc::kill(id, libc::SIGTERM) };
    }
}

/// Clock ticks a second, in which the kernel tells user and system time.
pub fn ticks_a_second() -> u64 {
    // SAFETY: sysconf takes a number, returns a number and touches no memory of ours.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).unwrap_or(100).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn packets_go_out_together_and_come_back_from_whom_they_went_to() {
        let (one, other) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        one.connect(other.local_addr().unwrap()).unwrap();
        for socket in [&one, &other] {
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        }
        let (mut out, mut there) = (Batch::default(), Batch::default());
        for slot in 0..3 {
            out.write(slot, 7 + slot as u16, &[0, 0, 1, 2, slot as u8]);
        }
        assert_eq!(out.send(&one, 1, 3, false).unwrap(), 2);
        let mut got = 0;
        while got < 2 {
            let more = there.receive(&other, true).unwrap();
            for slot in 0..more {
                there.change(slot, |room, length| {
                    room[length] = 9;
                    length + 1
                });
            }
            assert_eq!(there.send(&other, 0, more, true).unwrap(), more);
            got += more;
        }
        let mut back = Vec::new();
        while back.len() < 2 {
            let more = out.receive(&one, true).unwrap();
            back.extend((0..more).map(|slot| out.packet(slot).to_vec()));
        }
        assert_eq!(back, [[0, 8, 1, 2, 1, 9], [0, 9, 1, 2, 2, 9]]);
    }

    #[test]
    fn a_thread_stays_on_the_core_it_is_given() {
        let first = allowed_cores().unwrap()[0];
        let seen = std::thread::spawn(move || {
            pin(&[first]).unwrap();
            allowed_cores().unwrap()
        });
        assert_eq!(seen.join().unwrap(), [first]);
    }
}
