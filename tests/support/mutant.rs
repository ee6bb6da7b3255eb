//! Random and mutated packets from a seeded generator: the same seed gives the same packets.

use super::wire;

/// A generator of numbers (SplitMix64).
pub struct Chance(u64);

impl Chance {
    /// A generator that begins with `seed`.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn octets(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// A packet that may be anything, of at most `longest` octets.
pub fn packet(chance: &mut Chance, longest: usize) -> Vec<u8> {
    let mut packet = match chance.below(16) {
        0 => {
            let length = chance.below(64);
            chance.octets(length)
        }
        1 => {
            let length = chance.below(longest);
            chance.octets(length)
        }
        2 => long_name(chance),
        _ => {
            let types = [1, 28, 5, 15, 16, 2, 6, 12, 33, 41, 43, 64, 65, 249, 250, 251, 252, 253, 254, 255, 65_280];
            let names = ["www.blocked.example", "a.home.example", "mutant.example.net", ".", "x.y.z.localhost"];
            wire::query(0, names[chance.below(names.len())], types[chance.below(types.len())])
        }
    };
    for _ in 0..chance.below(4) {
        mutate(chance, &mut packet);
    }
    packet.truncate(longest);
    packet
}

/// Labels up to, at and over the limits of a label (63) and a name (255).
fn long_name(chance: &mut Chance) -> Vec<u8> {
    let mut packet = wire::query(0, "", 1);
    let tail = packet.split_off(12);
    for _ in 0..chance.below(140) {
        let length = [1, 2, 62, 63, 64, 127, 191, 192, 255][chance.below(9)];
        packet.push(length);
        packet.extend(chance.octets(usize::from(length)));
    }
    packet.extend(tail);
    packet
}

fn mutate(chance: &mut Chance, packet: &mut Vec<u8>) {
    let at = chance.below(packet.len().max(1));
    match chance.below(11) {
        // Bits flip.
        0 | 1 => {
            if let Some(octet) = packet.get_mut(at) {
                *octet ^= 1 << chance.below(8);
            }
        }
        // It is cut.
        2 => packet.truncate(at),
        // Octets are left over.
        3 => {
            let length = chance.below(40);
            let more = chance.octets(length);
            packet.extend(more);
        }
        // A second OPT.
        4 => {
            packet.extend([0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 0]);
            if let Some(count) = packet.get_mut(11) {
                *count = count.wrapping_add(1);
            }
        }
        // A pointer: to itself, forward, backward, into the header.
        5 => {
            let target = [12, at, at + 2, at.saturating_sub(4), 0, 16_383][chance.below(6)];
            packet.splice(at..at, [0xc0 | (target >> 8) as u8 & 63, target as u8]);
        }
        // Counts that are not so.
        6 => {
            let count = 4 + chance.below(8);
            if let Some(octet) = packet.get_mut(count) {
                *octet = [0, 1, 2, 255][chance.below(4)];
            }
        }
        // Lengths of records and labels that are not so.
        7 => {
            if let Some(octet) = packet.get_mut(at) {
                *octet = [0, 1, 62, 63, 64, 127, 128, 191, 192, 255][chance.below(10)];
            }
        }
        // Flags and opcodes.
        8 => {
            let octet = chance.next() as u8;
            if let Some(flags) = packet.get_mut(2) {
                *flags = octet;
            }
        }
        // An option of EDNS: a cookie, a client subnet, one that is too long for its record.
        9 => {
            let options: [&[u8]; 3] =
                [b"\0\x0a\0\x08abcdefgh", b"\0\x08\0\x07\0\x01\x18\0\xc0\0\x02", b"\0\x0c\xff\xffabc"];
            let option = options[chance.below(3)];
            packet.extend(option);
            let length = packet.len();
            if let Some(octet) = length.checked_sub(option.len() + 1).and_then(|at| packet.get_mut(at)) {
                *octet = option.len() as u8;
            }
        }
        // The same again.
        _ => {
            let copy = packet.clone();
            packet.extend(copy);
        }
    }
}
