//! Whole numbers in as few octets as they need (LEB128): seven bits an octet, the lowest first; all octets but the last have the uppermost bit
//! set. Lists, the log's frames and Parquet pages have them.

/// Appends a number.
#[inline]
pub fn write(mut number: u64, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// Reads one from the front, and gives what is behind it; none where it does not end, or is larger than 64 bits can hold.
#[inline]
pub fn read(from: &[u8]) -> Option<(u64, &[u8])> {
    let (mut number, mut rest) = (0u64, from);
    for shift in (0..u64::BITS).step_by(7) {
        let (&octet, others) = rest.split_first()?;
        rest = others;
        let bits = u64::from(octet & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if octet < 0x80 {
            return Some((number, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(number: u64, few in 0u32..64, behind: [u8; 3]) {
            let number = number >> few;
            let mut octets = Vec::new();
            write(number, &mut octets);
            prop_assert_eq!(octets.len(), (u64::BITS - number.leading_zeros()).div_ceil(7).max(1) as usize);
            for end in 0..octets.len() {
                prop_assert_eq!(read(&octets[..end]), None);
            }
            octets.extend(behind);
            prop_assert_eq!(read(&octets), Some((number, &behind[..])));
        }
    }

    #[test]
    fn what_goes_on_for_ever_or_is_too_large_is_none() {
        let most = [[0xff; 9].as_slice(), &[1]].concat();
        assert_eq!(read(&most), Some((u64::MAX, &[][..])));
        assert_eq!(read(&[[0xff; 9].as_slice(), &[2]].concat()), None);
        assert_eq!(read(&[0x80; 40]), None);
        assert_eq!(read(&[]), None);
    }
}
