//! Which answers of a batch leave in one piece: those to one client, from one address of ours. The kernel carries a piece once through all of its
//! layers and then takes it apart into the datagrams it stands for (UDP segmentation offload, `UDP_SEGMENT` in udp(7), since Linux 4.18). All
//! of them but the last have to be of one length, and the last may be shorter.
//!
//! Those who send several queries at a time from one port get it: a stub resolver that asks for A and AAAA together, a load balancer or a resolver
//! in front of this one. Clients that take a fresh port for each query do not, and pay a look at the port for it.

use super::batch::Peer;

/// Most answers in one piece: what every kernel takes (`UDP_MAX_SEGMENTS`).
const MOST: usize = 64;
/// Longest answer that goes with others: a piece is refused when its answers do not fit through the interface (RFC 9715 appendix A).
const LONGEST: usize = 1232;
/// Most octets of a piece: an IPv4 packet of 65,535 octets, and something over.
const MOST_OCTETS: usize = 60_000;
/// Most answers of a batch that are looked at; the others leave by themselves.
const MOST_LOOKED_AT: usize = 128;
/// Places of the table that clients are found by: more than there are answers, a power of two.
const PLACES: usize = 2 * MOST_LOOKED_AT;

/// An answer to be sent: its slot and its length.
pub(super) type Outgoing = (usize, usize);

/// Puts answers that go in one piece behind one another, and tells how many each piece has. The order of the answers to one client may change.
pub(super) fn arrange(outgoing: &mut [Outgoing], peers: &[Peer], pieces: &mut Vec<usize>) {
    pieces.clear();
    let count = outgoing.len().min(MOST_LOOKED_AT);
    let Some(chains) = Chains::of(&outgoing[..count], peers) else { return pieces.resize(outgoing.len(), 1) };
    let mut arranged = [(0, 0); MOST_LOOKED_AT];
    let mut at = 0;
    for first in 0..count {
        if !chains.begins[first] {
            continue;
        }
        let begin = at;
        let mut link = Some(first);
        while let Some(one) = link {
            arranged[at] = outgoing[one];
            at += 1;
            link = chains.next[one].checked_sub(1).map(usize::from);
        }
        let chain = &mut arranged[begin..at];
        if chain.len() > 1 {
            chain.sort_unstable_by_key(|(_, length)| std::cmp::Reverse(*length));
        }
        cut(chain, pieces);
    }
    outgoing[..count].copy_from_slice(&arranged[..count]);
    pieces.extend(std::iter::repeat_n(1, outgoing.len() - count));
}

/// Cuts answers to one client, the longest first, into pieces.
fn cut(mut chain: &[Outgoing], pieces: &mut Vec<usize>) {
    while let Some(&(_, length)) = chain.first() {
        let most = if (1..=LONGEST).contains(&length) { MOST.min(MOST_OCTETS / length) } else { 1 };
        let alike = chain.iter().take(most).take_while(|(_, other)| *other == length).count();
        // The last may be shorter. One of no octets would not be a datagram.
        let shorter = alike < most && chain.get(alike).is_some_and(|(_, other)| *other > 0);
        let piece = alike + usize::from(shorter);
        pieces.push(piece);
        chain = &chain[piece..];
    }
}

/// Answers to the same client, each with the next one.
struct Chains {
    /// Whether an answer is the first one to its client.
    begins: [bool; MOST_LOOKED_AT],
    /// The next answer to the same client, counted from 1; 0 for none.
    next: [u8; MOST_LOOKED_AT],
}

impl Chains {
    /// Of these answers; none when each has a client of its own.
    fn of(outgoing: &[Outgoing], peers: &[Peer]) -> Option<Chains> {
        const { assert!(MOST_LOOKED_AT <= u8::MAX as usize) };
        if outgoing.len() < 2 {
            return None;
        }
        // By client the first and the last answer to it, counted from 1.
        let mut places = [(0u8, 0u8); PLACES];
        let mut chains = Chains { begins: [false; MOST_LOOKED_AT], next: [0; MOST_LOOKED_AT] };
        let mut any = false;
        for (index, (slot, _)) in outgoing.iter().enumerate() {
            let peer = &peers[*slot];
            let mut place = peer.spread() % PLACES;
            loop {
                let (first, last) = &mut places[place];
                let Some(of_first) = first.checked_sub(1) else {
                    (*first, *last) = (index as u8 + 1, index as u8 + 1);
                    chains.begins[index] = true;
                    break;
                };
                if peers[outgoing[usize::from(of_first)].0].is_same(peer) {
                    chains.next[usize::from(*last) - 1] = index as u8 + 1;
                    *last = index as u8 + 1;
                    any = true;
                    break;
                }
                place = (place + 1) % PLACES;
            }
        }
        any.then_some(chains)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use proptest::prelude::*;
    use socket2::SockAddr;

    use super::*;
    use crate::serve::udp::control::{Asked, answer_from};

    /// A peer of this address and port, answered from this address.
    fn peer(port: u16, from: u8) -> Peer {
        let mut peer = Peer::empty();
        let written = SockAddr::from(SocketAddr::from((Ipv4Addr::new(127, 0, 0, 1), port)));
        peer.name_length = written.len() as usize;
        // SAFETY: `written` is a live sockaddr_storage, of which the first `len` octets are initialised.
        let octets = unsafe { std::slice::from_raw_parts(written.as_ptr().cast::<u8>(), peer.name_length) };
        peer.name.0[..peer.name_length].copy_from_slice(octets);
        peer.control_length = answer_from(Asked::V4(Ipv4Addr::new(127, 0, 0, from)), &mut peer.control);
        peer
    }

    #[test]
    fn one_client_gets_one_piece_the_shorter_last() {
        let peers = [peer(1, 1), peer(2, 1), peer(1, 1), peer(1, 1)];
        let mut outgoing = [(0, 60), (1, 60), (2, 90), (3, 90)];
        let mut pieces = Vec::new();
        arrange(&mut outgoing, &peers, &mut pieces);
        assert_eq!(outgoing, [(2, 90), (3, 90), (0, 60), (1, 60)]);
        assert_eq!(pieces, [3, 1]);
    }

    #[test]
    fn what_leaves_from_another_address_goes_by_itself() {
        let peers = [peer(1, 1), peer(1, 2)];
        let mut pieces = Vec::new();
        arrange(&mut [(0, 60), (1, 60)], &peers, &mut pieces);
        assert_eq!(pieces, [1, 1]);
    }

    #[test]
    fn a_piece_is_one_the_kernel_takes() {
        let peers = vec![peer(1, 1); 128];
        let mut pieces = Vec::new();
        for (length, most) in [(12, MOST), (LONGEST, MOST_OCTETS / LONGEST), (LONGEST + 1, 1)] {
            let mut outgoing: Vec<Outgoing> = (0..128).map(|slot| (slot, length)).collect();
            arrange(&mut outgoing, &peers, &mut pieces);
            assert_eq!(pieces.iter().max(), Some(&most), "answers of {length} octets");
            assert_eq!(pieces.iter().sum::<usize>(), 128);
        }
    }

    proptest! {
        #[test]
        fn every_answer_leaves_once_with_its_like(
            answers in prop::collection::vec((0u16..6, 1u8..3, prop_oneof![0usize..4, 1_230usize..1_235]), 0..200),
        ) {
            let peers: Vec<Peer> = answers.iter().map(|(port, from, _)| peer(*port, *from)).collect();
            let mut outgoing: Vec<Outgoing> = answers.iter().map(|(.., length)| *length).enumerate().collect();
            let mut pieces = Vec::new();
            arrange(&mut outgoing, &peers, &mut pieces);
            prop_assert_eq!(pieces.iter().sum::<usize>(), answers.len());
            let mut rest = &outgoing[..];
            for piece in pieces {
                let (these, others) = rest.split_at(piece);
                rest = others;
                let (length, last) = (these[0].1, these[piece - 1].1);
                prop_assert!(piece == 1 || last > 0 && length <= LONGEST && piece <= MOST);
                prop_assert!(these.iter().map(|(_, length)| length).sum::<usize>() <= MOST_OCTETS);
                for (at, (slot, other)) in these.iter().enumerate() {
                    prop_assert_eq!((answers[*slot].0, answers[*slot].1), (answers[these[0].0].0, answers[these[0].0].1));
                    prop_assert!(*other == length || at + 1 == piece && *other < length);
                }
            }
            let mut slots: Vec<usize> = outgoing.iter().map(|(slot, _)| *slot).collect();
            slots.sort_unstable();
            prop_assert!(slots.into_iter().eq(0..answers.len()));
        }
    }
}
