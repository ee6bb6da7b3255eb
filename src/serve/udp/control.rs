//! Control messages of a datagram: which address it was sent to, and which address an answer is to leave from.
//!
//! Pure functions over octets. The layout is the kernel's: a `cmsghdr` (its length as `size_t`, level, type), the
//! content, padding to the size of a `size_t`; see cmsg(3), ip(7) `IP_PKTINFO`, ipv6(7) and RFC 3542 section 6.

use std::net::{Ipv4Addr, Ipv6Addr};

const WORD: usize = size_of::<usize>();
const HEADER: usize = (WORD + 2 * size_of::<i32>()).next_multiple_of(WORD);
/// Octets of the longer message that says where an answer leaves from, the one for IPv6.
const PKTINFO: usize = (HEADER + 20).next_multiple_of(WORD);
/// The option that cuts, and its control message (linux/udp.h).
pub(super) const UDP_SEGMENT: i32 = 103;
const _: () = assert!(PKTINFO + (HEADER + size_of::<u16>()).next_multiple_of(WORD) <= Control::SIZE);

/// Room for every control message that is asked for, aligned as the kernel wants it.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(super) struct Control(pub(super) [u8; Control::SIZE]);

impl Control {
    /// Octets; where an answer leaves from takes 40 of them for IPv6, how it is cut 24.
    pub(super) const SIZE: usize = 64;

    pub(super) const fn empty() -> Control {
        Control([0; Control::SIZE])
    }
}

/// The address of ours that a packet was sent to: where its answer leaves from (invariant Q8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The address to answer from, which the kernel has made a unicast one.
    V4(Ipv4Addr),
    /// The address, and the index of the interface it came in on.
    V6(Ipv6Addr, u32),
}

/// What the control messages of a received packet say of the address it was sent to; none when they do not.
pub(super) fn asked_at(mut control: &[u8]) -> Option<Asked> {
    loop {
        let (length, rest) = control.split_first_chunk::<WORD>()?;
        let (level, rest) = rest.split_first_chunk::<4>()?;
        let (kind, _) = rest.split_first_chunk::<4>()?;
        let length = usize::from_ne_bytes(*length);
        let content = control.get(HEADER..length)?;
        match (i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind)) {
            // struct in_pktinfo: interface index, address to answer from, address in the IP header
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                let source = content.get(4..)?.first_chunk::<4>()?;
                return Some(Asked::V4(Ipv4Addr::from(*source)));
            }
            // struct in6_pktinfo: address in the IP header, interface index
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let (address, rest) = content.split_first_chunk::<16>()?;
                return Some(Asked::V6(Ipv6Addr::from(*address), u32::from_ne_bytes(*rest.first_chunk::<4>()?)));
            }
            _ => control = control.get(length.checked_next_multiple_of(WORD)?..)?,
        }
    }
}

/// Writes the control message that makes an answer leave from `asked`; how many octets it takes, 0 when the kernel is to
/// choose (a packet sent to a multicast group is answered from an address of the interface, RFC 3542 section 6.1).
pub(super) fn answer_from(asked: Asked, control: &mut Control) -> usize {
    match asked {
        Asked::V4(source) => {
            let mut content = [0; 12];
            // Interface 0: the route decides. It need not be the one the packet came in on.
            content[4..8].copy_from_slice(&source.octets());
            write(control, 0, libc::IPPROTO_IP, libc::IP_PKTINFO, &content)
        }
        Asked::V6(source, _) if source.is_multicast() => 0,
        Asked::V6(source, interface) => {
            let mut content = [0; 20];
            content[..16].copy_from_slice(&source.octets());
            // A link-local address means something on its own link only.
            let interface = if source.is_unicast_link_local() { interface } else { 0 };
            content[16..].copy_from_slice(&interface.to_ne_bytes());
            write(control, 0, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &content)
        }
    }
}

/// Puts a control message behind the `before` octets there are by which the kernel cuts what is sent into datagrams of `length` octets (`UDP_SEGMENT`
/// in udp(7)); how many octets there are then.
pub(super) fn cut_into(control: &mut Control, before: usize, length: u16) -> usize {
    let before = before.min(PKTINFO);
    before + write(control, before, libc::SOL_UDP, UDP_SEGMENT, &length.to_ne_bytes())
}

fn write<const N: usize>(control: &mut Control, at: usize, level: i32, kind: i32, content: &[u8; N]) -> usize {
    let octets = &mut control.0[at..];
    octets[..WORD].copy_from_slice(&(HEADER + N).to_ne_bytes());
    octets[WORD..WORD + 4].copy_from_slice(&level.to_ne_bytes());
    octets[WORD + 4..WORD + 8].copy_from_slice(&kind.to_ne_bytes());
    octets[HEADER..HEADER + N].copy_from_slice(content);
    let whole = (HEADER + N).next_multiple_of(WORD);
    octets[HEADER + N..whole].fill(0);
    whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(asked: Asked) -> Vec<u8> {
        let mut control = Control([0xff; Control::SIZE]);
        let length = answer_from(asked, &mut control);
        control.0[..length].to_vec()
    }

    #[test]
    fn the_layout_is_that_of_the_system() {
        assert_eq!(HEADER, size_of::<libc::cmsghdr>());
        assert_eq!(size_of::<libc::in_pktinfo>(), 12);
        assert_eq!(size_of::<libc::in6_pktinfo>(), 20);
        assert_eq!(std::mem::offset_of!(libc::in_pktinfo, ipi_spec_dst), 4);
        assert_eq!(std::mem::offset_of!(libc::in6_pktinfo, ipi6_ifindex), 16);
        assert!(align_of::<Control>() >= align_of::<libc::cmsghdr>());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let v4 = Asked::V4(Ipv4Addr::new(127, 0, 0, 3));
        assert_eq!(asked_at(&written(v4)), Some(v4));
        let link = Asked::V6("fe80::1".parse().expect("an address"), 7);
        assert_eq!(asked_at(&written(link)), Some(link));
    }

    #[test]
    fn a_global_address_is_not_tied_to_an_interface() {
        let address = Ipv6Addr::LOCALHOST;
        assert_eq!(asked_at(&written(Asked::V6(address, 7))), Some(Asked::V6(address, 0)));
    }

    #[test]
    fn how_it_is_cut_stands_behind_where_it_leaves_from() {
        for asked in [Asked::V4(Ipv4Addr::LOCALHOST), Asked::V6(Ipv6Addr::LOCALHOST, 0)] {
            let mut control = Control::empty();
            let before = answer_from(asked, &mut control);
            let length = cut_into(&mut control, before, 0x1234);
            assert_eq!(asked_at(&control.0[..length]), Some(asked));
            assert_eq!(length, before + (HEADER + 2).next_multiple_of(WORD));
            assert_eq!(control.0[before + HEADER..before + HEADER + 2], 0x1234_u16.to_ne_bytes());
            assert_eq!(control.0[before..before + WORD], (HEADER + 2).to_ne_bytes());
        }
    }

    #[test]
    fn an_answer_never_leaves_from_a_multicast_address() {
        assert!(written(Asked::V6("ff02::1".parse().expect("an address"), 7)).is_empty());
    }

    #[test]
    fn messages_of_other_kinds_are_stepped_over() {
        let mut octets = Vec::new();
        octets.extend((HEADER + 4).to_ne_bytes());
        octets.extend(libc::SOL_SOCKET.to_ne_bytes());
        octets.extend(99_i32.to_ne_bytes());
        octets.extend([1, 2, 3, 4]);
        octets.resize(octets.len().next_multiple_of(WORD), 0);
        octets.extend(written(Asked::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!(asked_at(&octets), Some(Asked::V4(Ipv4Addr::LOCALHOST)));
    }

    #[test]
    fn a_message_cut_anywhere_is_not_half_believed() {
        for asked in [Asked::V4(Ipv4Addr::LOCALHOST), Asked::V6(Ipv6Addr::LOCALHOST, 0)] {
            let content = if matches!(asked, Asked::V4(_)) { 12 } else { 20 };
            let whole = written(asked);
            for cut in 0..HEADER + content {
                assert_eq!(asked_at(&whole[..cut]), None, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_message_of_no_length_ends_the_walk() {
        for length in [0, 1, HEADER - 1, usize::MAX, usize::MAX - 7] {
            let mut octets = written(Asked::V4(Ipv4Addr::LOCALHOST));
            octets[..WORD].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(asked_at(&octets), None, "length {length}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_make_the_reader_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = asked_at(&octets);
        }

        #[test]
        fn no_damage_makes_the_reader_panic_or_walk_for_ever(
            lengths in proptest::collection::vec((0_usize..80, 0_i32..60, 0_i32..60), 0..8),
            cut in 0_usize..200,
        ) {
            let mut octets = Vec::new();
            for (length, level, kind) in lengths {
                octets.extend(length.to_ne_bytes());
                octets.extend(level.to_ne_bytes());
                octets.extend(kind.to_ne_bytes());
                octets.resize(octets.len() + length.saturating_sub(HEADER).next_multiple_of(WORD), 0xa5);
            }
            octets.truncate(cut);
            let _ = asked_at(&octets);
        }
    }
}
