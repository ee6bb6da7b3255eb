//! Short texts made on the way of a query, on the stack.

use std::fmt;
use std::mem::MaybeUninit;
use std::net::Ipv4Addr;

/// Every octet in decimal digits with a dot behind, and how many characters that takes.
const DIGITS: [([u8; 4], usize); 256] = {
    let mut table = [([0; 4], 0); 256];
    let mut octet = 0;
    while octet < 256 {
        let (hundreds, tens, ones) =
            (b'0' + (octet / 100) as u8, b'0' + (octet / 10 % 10) as u8, b'0' + (octet % 10) as u8);
        table[octet] = match octet {
            0..10 => ([ones, b'.', 0, 0], 2),
            10..100 => ([tens, ones, b'.', 0], 3),
            _ => ([hundreds, tens, ones, b'.'], 4),
        };
        octet += 1;
    }
    table
};

/// A text of at most `N` octets. What does not fit is cut at a character's border and marked with an ellipsis.
///
/// Its octets are never zeroed: several are made for each query.
#[derive(Clone, Copy)]
pub struct ShortText<const N: usize> {
    /// Invariant: the first `length` octets have been written, from whole strings.
    octets: [MaybeUninit<u8>; N],
    length: usize,
    cut: bool,
}

impl<const N: usize> ShortText<N> {
    /// An empty text.
    #[inline]
    pub const fn new() -> ShortText<N> {
        ShortText { octets: [MaybeUninit::uninit(); N], length: 0, cut: false }
    }

    /// A text made by `format_args!`.
    pub fn of(arguments: fmt::Arguments<'_>) -> ShortText<N> {
        let mut text = ShortText::new();
        // Writing into it never fails: it cuts.
        let _ = fmt::Write::write_fmt(&mut text, arguments);
        text
    }

    /// Adds a string.
    #[inline]
    pub fn add(&mut self, text: &str) {
        // Writing into it never fails: it cuts.
        let _ = fmt::Write::write_str(self, text);
    }

    /// Adds a number in decimal digits.
    #[inline]
    pub fn add_number(&mut self, number: u64) {
        self.add(itoa::Buffer::new().format(number));
    }

    /// An address in dotted decimal form, without the machinery of formatting: it stands in the record of every name sent to a sinkhole.
    pub fn of_ipv4(address: Ipv4Addr) -> ShortText<N> {
        let mut digits = [0u8; 16];
        let mut length = 0;
        for octet in address.octets() {
            let (four, used) = &DIGITS[usize::from(octet)];
            digits[length..length + 4].copy_from_slice(four);
            length += used;
        }
        let mut text = ShortText::new();
        // Without the last dot.
        text.push(std::str::from_utf8(&digits[..length - 1]).unwrap_or_default());
        text
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // SAFETY: the first `length` octets have been written, whole strings one after the other, so they are UTF-8.
        unsafe { std::str::from_utf8_unchecked(self.octets[..self.length].assume_init_ref()) }
    }

    /// Writes as much of a string as there is room for; false when it was cut.
    #[inline]
    fn push(&mut self, text: &str) -> bool {
        let fits = text.floor_char_boundary(N - self.length);
        self.octets[self.length..self.length + fits].write_copy_of_slice(&text.as_bytes()[..fits]);
        self.length += fits;
        fits == text.len()
    }
}

impl<const N: usize> Default for ShortText<N> {
    fn default() -> Self {
        ShortText::new()
    }
}

impl<const N: usize> fmt::Write for ShortText<N> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const MARK: &str = "…";
        if self.cut {
            return Ok(());
        }
        let room = N - self.length;
        if text.len() <= room {
            self.push(text);
            return Ok(());
        }
        self.cut = true;
        let fits = text.floor_char_boundary(room.saturating_sub(MARK.len()));
        self.push(&text[..fits]);
        if self.length + MARK.len() <= N {
            self.push(MARK);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_everybody_writes_it() {
        for address in [[0, 0, 0, 0], [10, 9, 99, 100], [255, 200, 101, 1], [192, 0, 2, 110]].map(Ipv4Addr::from) {
            assert_eq!(ShortText::<48>::of_ipv4(address).as_str(), address.to_string());
        }
    }

    #[test]
    fn what_is_added_piece_by_piece_is_what_is_formatted_at_once() {
        let mut text = ShortText::<12>::new();
        text.add("a/");
        text.add_number(1_234);
        assert_eq!(text.as_str(), "a/1234");
        text.add(":");
        text.add_number(u64::MAX);
        assert_eq!(text.as_str(), ShortText::<12>::of(format_args!("a/{}:{}", 1_234, u64::MAX)).as_str());
    }

    #[test]
    fn what_fits_is_kept_and_what_does_not_is_marked() {
        assert_eq!(ShortText::<16>::of(format_args!("{}-{}", "abc", 7)).as_str(), "abc-7");
        assert_eq!(ShortText::<8>::of(format_args!("abcdefghij")).as_str(), "abcde…");
        assert_eq!(ShortText::<8>::of(format_args!("äääää")).as_str(), "ää…");
        let twice: ShortText<8> = ShortText::of(format_args!("{}{}", "abcdefghij", "k"));
        assert_eq!(twice.as_str(), "abcde…");
    }
}
