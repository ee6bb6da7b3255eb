//! Whether an answer is right: read octet by octet, by none of the code that is measured.

use crate::dns::Name;
use crate::dns::types::rtype;

/// Octets of a header.
pub const HEADER: usize = 12;

/// What a query has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The address that the bench's own upstream has for the name.
    Address([u8; 4]),
    /// A block, in any form: NXDOMAIN, REFUSED, no data, or addresses that are all zero.
    Block,
    /// Anything that repeats the question: what a bare echo gives.
    Echo,
}

/// The address that the bench's own upstream gives a name: its own for nearly every name (198.18.0.0/15, RFC 2544), so that an answer to
/// another name is noticed.
pub fn address_of(name: &Name) -> [u8; 4] {
    address_of_wire(name.as_wire())
}

/// The same for a name as it stands in a message, in any case.
pub fn address_of_wire(wire: &[u8]) -> [u8; 4] {
    let hash = wire.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(octet.to_ascii_lowercase())).wrapping_mul(0x100_0000_01b3)
    });
    let [a, b, c, ..] = hash.to_le_bytes();
    [198, 18 | (a & 1), b, c]
}

/// Whether `answer` is a right one to `query`, identifiers aside.
pub fn is_right(query: &[u8], answer: &[u8], expected: Expected) -> bool {
    let same_question = query.get(HEADER..).is_some_and(|asked| {
        answer.get(HEADER..HEADER + asked.len()).is_some_and(|repeated| repeated.eq_ignore_ascii_case(asked))
    });
    if !same_question || answer.get(2).is_none_or(|flags| flags & 0x80 == 0) {
        return false;
    }
    let code = answer.get(3).map_or(15, |flags| flags & 15);
    let records = answer.get(6..8).map_or(0, |count| usize::from(count[0]) << 8 | usize::from(count[1]));
    match expected {
        Expected::Echo => true,
        Expected::Block if code == 3 || code == 5 => true,
        Expected::Block => code == 0 && (records == 0 || address(answer, query.len(), records) == Some([0; 4])),
        Expected::Address(wanted) => code == 0 && address(answer, query.len(), records) == Some(wanted),
    }
}

/// The first IPv4 address among the answer's records, which begin at `at`.
fn address(answer: &[u8], mut at: usize, records: usize) -> Option<[u8; 4]> {
    for _ in 0..records {
        at = after_name(answer, at)?;
        let fixed = answer.get(at..at + 10)?;
        let length = usize::from(fixed[8]) << 8 | usize::from(fixed[9]);
        at += 10;
        if fixed[..2] == rtype::A.to_be_bytes() {
            return answer.get(at..at + length)?.try_into().ok();
        }
        at += length;
    }
    None
}

fn after_name(answer: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *answer.get(at)? {
            0 => return Some(at + 1),
            pointer if pointer >= 192 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

/// Turns a query of one question, in place, into an answer with the address of its name; gives its length. Nothing for what is no query.
pub fn answer_in_place(packet: &mut [u8], length: usize) -> Option<usize> {
    let end = after_name(packet.get(..length)?, HEADER)?;
    let address = address_of_wire(packet.get(HEADER..end)?);
    let asked: [u8; 2] = packet.get(end..end + 2)?.try_into().ok()?;
    let end = end + 4;
    if end > length || *packet.get(2)? & 0x80 != 0 {
        return None;
    }
    *packet.get_mut(2)? |= 0x80;
    *packet.get_mut(3)? = 0x80;
    let is_address = asked == rtype::A.to_be_bytes();
    packet.get_mut(6..HEADER)?.copy_from_slice(&[0, u8::from(is_address), 0, 0, 0, 0]);
    if !is_address {
        return Some(end);
    }
    // A pointer to the question's name, A, IN, a day, four octets.
    let record = [0xc0, 12, 0, 1, 0, 1, 0, 1, 0x51, 0x80, 0, 4];
    packet.get_mut(end..end + 12)?.copy_from_slice(&record);
    packet.get_mut(end + 12..end + 16)?.copy_from_slice(&address);
    Some(end + 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::work::query;

    fn answered(name: &str) -> (Vec<u8>, Vec<u8>, Name) {
        let name = Name::parse(name).unwrap();
        let asked = query(&name);
        let mut packet = [asked.as_slice(), &[0; 32]].concat();
        let length = answer_in_place(&mut packet, asked.len()).unwrap();
        packet.truncate(length);
        (asked, packet, name)
    }

    #[test]
    fn only_the_address_of_the_name_itself_is_right() {
        let (asked, answer, name) = answered("www.one.example");
        assert!(is_right(&asked, &answer, Expected::Address(address_of(&name))));
        assert!(!is_right(&asked, &answer, Expected::Block));
        let other = address_of(&Name::parse("www.two.example").unwrap());
        assert!(!is_right(&asked, &answer, Expected::Address(other)));
        let (other, ..) = answered("www.two.example");
        assert!(!is_right(&other, &answer, Expected::Address(address_of(&name))), "an answer to another question");
        for cut in 0..answer.len() {
            assert!(!is_right(&asked, &answer[..cut], Expected::Address(address_of(&name))), "cut at {cut}");
        }
    }

    #[test]
    fn a_block_has_many_forms_and_a_failure_is_none_of_them() {
        let (asked, mut answer, _) = answered("bad.example");
        let end = answer.len();
        answer[end - 4..].fill(0);
        assert!(is_right(&asked, &answer, Expected::Block), "addresses that are all zero");
        let mut bare = asked.clone();
        bare[2] |= 0x80;
        for (code, right) in [(0, true), (3, true), (5, true), (2, false), (1, false)] {
            bare[3] = code;
            assert_eq!(is_right(&asked, &bare, Expected::Block), right, "response code {code}");
        }
        assert!(!is_right(&asked, &asked, Expected::Block), "a query is no answer");
    }
}
