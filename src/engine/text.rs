//! Short texts made on the way of a query, on the stack.

use std::fmt;

/// A text of at most `N` octets. What does not fit is cut at a character's border and marked with an ellipsis.
#[derive(Clone, Copy)]
pub struct ShortText<const N: usize> {
    octets: [u8; N],
    length: usize,
    cut: bool,
}

impl<const N: usize> ShortText<N> {
    /// An empty text.
    pub const fn new() -> ShortText<N> {
        ShortText { octets: [0; N], length: 0, cut: false }
    }

    /// A text made by `format_args!`.
    pub fn of(arguments: fmt::Arguments<'_>) -> ShortText<N> {
        let mut text = ShortText::new();
        // Writing into it never fails: it cuts.
        let _ = fmt::Write::write_fmt(&mut text, arguments);
        text
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.octets[..self.length]).unwrap_or("")
    }
}

impl<const N: usize> Default for ShortText<N> {
    fn default() -> Self {
        ShortText::new()
    }
}

impl<const N: usize> fmt::Write for ShortText<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.cut {
            return Ok(());
        }
        let room = N - self.length;
        if text.len() <= room {
            self.octets[self.length..self.length + text.len()].copy_from_slice(text.as_bytes());
            self.length += text.len();
            return Ok(());
        }
        self.cut = true;
        let mut all = [0u8; 4];
        let mark = '…'.encode_utf8(&mut all);
        let fits = text.floor_char_boundary(room.saturating_sub(mark.len()));
        self.octets[self.length..self.length + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.length += fits;
        if self.length + mark.len() <= N {
            self.octets[self.length..self.length + mark.len()].copy_from_slice(mark.as_bytes());
            self.length += mark.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_kept_and_what_does_not_is_marked() {
        assert_eq!(ShortText::<16>::of(format_args!("{}-{}", "abc", 7)).as_str(), "abc-7");
        assert_eq!(ShortText::<8>::of(format_args!("abcdefghij")).as_str(), "abcde…");
        assert_eq!(ShortText::<8>::of(format_args!("äääää")).as_str(), "ää…");
        let twice: ShortText<8> = ShortText::of(format_args!("{}{}", "abcdefghij", "k"));
        assert_eq!(twice.as_str(), "abcde…");
    }
}
