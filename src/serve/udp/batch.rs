//! The buffers of one UDP worker: packets as they came in, answers as they will go out. Used again for every batch.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::UdpLimits;
use super::bundle::{self, Outgoing};
use super::control::{self, Control};
use super::socket;

/// A socket address as the kernel writes it, large enough for IPv4 and IPv6 (ip(7), ipv6(7)).
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub(super) struct RawName(pub(super) [u8; RawName::SIZE]);

impl RawName {
    /// Octets: those of `sockaddr_in6`.
    pub(super) const SIZE: usize = size_of::<libc::sockaddr_in6>();

    pub(super) const fn empty() -> RawName {
        RawName([0; RawName::SIZE])
    }

    /// The address in the first `length` octets; none when there is no whole one.
    pub(super) fn address(&self, length: usize) -> Option<SocketAddr> {
        let octets = self.0.get(..length)?;
        let (family, rest) = octets.split_first_chunk::<2>()?;
        let (port, rest) = rest.split_first_chunk::<2>()?;
        let port = u16::from_be_bytes(*port);
        match i32::from(u16::from_ne_bytes(*family)) {
            libc::AF_INET => Some(SocketAddrV4::new(Ipv4Addr::from(*rest.first_chunk::<4>()?), port).into()),
            libc::AF_INET6 => {
                let (flow, rest) = rest.split_first_chunk::<4>()?;
                let (address, rest) = rest.split_first_chunk::<16>()?;
                let scope = u32::from_ne_bytes(*rest.first_chunk::<4>()?);
                Some(SocketAddrV6::new(Ipv6Addr::from(*address), port, u32::from_be_bytes(*flow), scope).into())
            }
            _ => None,
        }
    }
}

/// Where an answer goes and which address it leaves from.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Peer {
    pub(super) name: RawName,
    pub(super) name_length: usize,
    pub(super) control: Control,
    pub(super) control_length: usize,
}

impl Peer {
    pub(super) const fn empty() -> Peer {
        Peer { name: RawName::empty(), name_length: 0, control: Control::empty(), control_length: 0 }
    }

    /// A number that differs for most clients.
    pub(super) fn spread(&self) -> usize {
        let word =
            |at: usize| self.name.0.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_ne_bytes(*word));
        // Port and IPv4 address; the second half of an IPv6 address. What is behind the name is left from another one.
        let back = if self.name_length >= 24 { word(16) } else { 0 };
        ((word(0) ^ back.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize
    }

    /// Whether answers to both go to the same client from the same address.
    pub(super) fn is_same(&self, other: &Peer) -> bool {
        self.name.0.get(..self.name_length) == other.name.0.get(..other.name_length)
            && self.control.0.get(..self.control_length) == other.control.0.get(..other.control_length)
    }
}

/// One received packet, apart from its octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Came {
    pub(super) length: usize,
    pub(super) truncated: bool,
}

/// The buffers. Slot n holds a packet, its sender, and room for its answer.
pub(in crate::serve) struct Batch {
    /// Senders and control messages; after [`Batch::turn_round`] those of the answers.
    pub(super) peers: Box<[Peer]>,
    pub(super) came: Box<[Came]>,
    pub(super) packets: Box<[u8]>,
    pub(super) answers: Box<[u8]>,
    /// What the kernel is given; pointed anew before each call and without meaning after it.
    pub(super) vectors: Box<[libc::iovec]>,
    pub(super) heads: Box<[libc::mmsghdr]>,
    /// The answers to send: slot and length.
    pub(super) outgoing: Vec<Outgoing>,
    /// How many of them leave in one piece, piece by piece.
    pub(super) pieces: Vec<usize>,
}

/// From one buffer to the next. Not a power of two: the fronts of all buffers, the only parts that are in use most of the
/// time, would fall on the same few sets of the processor's cache.
pub(super) const STRIDE: usize = UdpLimits::ANSWER + 192;

impl Batch {
    /// Buffers for `slots` packets.
    pub(in crate::serve) fn new(slots: usize) -> Batch {
        Batch {
            peers: vec![Peer::empty(); slots].into(),
            came: vec![Came { length: 0, truncated: false }; slots].into(),
            packets: vec![0; slots * STRIDE].into(),
            answers: vec![0; slots * STRIDE].into(),
            vectors: vec![libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; slots].into(),
            heads: vec![socket::empty_head(); slots].into(),
            outgoing: Vec::with_capacity(slots),
            pieces: Vec::with_capacity(slots),
        }
    }

    /// How many packets there is room for.
    pub(in crate::serve) fn slots(&self) -> usize {
        self.peers.len()
    }

    /// The packet in a slot, and the buffer of its answer.
    pub(in crate::serve) fn slot(&mut self, slot: usize) -> (&[u8], &mut [u8]) {
        let length = self.came[slot].length.min(UdpLimits::ANSWER);
        let from = slot * STRIDE;
        (&self.packets[from..from + length], &mut self.answers[from..from + UdpLimits::ANSWER])
    }

    /// Whether the packet was longer than its buffer.
    pub(in crate::serve) fn is_truncated(&self, slot: usize) -> bool {
        self.came[slot].truncated
    }

    /// Who sent the packet, with the slot made ready for the answer: it will leave from the address the packet was sent
    /// to. None when it cannot be answered: no sender, port 0, or no word of where it was sent to though the socket (which
    /// `tells`) listens on every address.
    pub(in crate::serve) fn turn_round(&mut self, slot: usize, tells: bool) -> Option<SocketAddr> {
        let peer = &mut self.peers[slot];
        let client = peer.name.address(peer.name_length).filter(|client| client.port() != 0)?;
        if tells {
            let asked = control::asked_at(peer.control.0.get(..peer.control_length)?)?;
            peer.control_length = control::answer_from(asked, &mut peer.control);
        } else {
            peer.control_length = 0;
        }
        Some(client)
    }

    /// The sender of a slot that was turned round, to keep.
    pub(in crate::serve) fn peer(&self, slot: usize) -> Peer {
        self.peers[slot]
    }

    /// Marks a slot's answer as one to send.
    pub(in crate::serve) fn send_answer(&mut self, slot: usize, length: usize) {
        self.outgoing.push((slot, length.min(UdpLimits::ANSWER)));
    }

    /// How many answers are to be sent.
    pub(in crate::serve) fn outgoing(&self) -> usize {
        self.outgoing.len()
    }

    /// Puts the answers together to the pieces they leave in: those to one client in one, or each in its own.
    pub(super) fn bundle(&mut self, together: bool) {
        if together {
            bundle::arrange(&mut self.outgoing, &self.peers, &mut self.pieces);
        } else {
            self.take_apart(0, 0);
        }
    }

    /// How many answers there are in so many pieces from number `piece` on.
    pub(super) fn answers_in(&self, piece: usize, count: usize) -> usize {
        self.pieces.iter().skip(piece).take(count).sum()
    }

    /// Lets the answers from number `from` on, the first one of piece `piece`, leave each in its own.
    pub(super) fn take_apart(&mut self, piece: usize, from: usize) {
        self.pieces.truncate(piece);
        self.pieces.resize(piece + self.outgoing.len() - from, 1);
    }

    /// Forgets the answers, sent or not.
    pub(in crate::serve) fn forget_outgoing(&mut self) {
        self.outgoing.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_octets_make_the_address_reader_panic(octets: [u8; RawName::SIZE], length in 0_usize..200) {
            let _ = RawName(octets).address(length);
        }
    }

    #[test]
    fn buffers_do_not_overlap() {
        let mut batch = Batch::new(3);
        for slot in 0..3 {
            batch.packets[slot * STRIDE..][..UdpLimits::ANSWER].fill(slot as u8 + 1);
            batch.came[slot].length = UdpLimits::ANSWER;
        }
        for slot in 0..3 {
            let (packet, out) = batch.slot(slot);
            assert!(packet.iter().all(|&octet| octet == slot as u8 + 1));
            assert_eq!(out.len(), UdpLimits::ANSWER);
        }
    }
}
