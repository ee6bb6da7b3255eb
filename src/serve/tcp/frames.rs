//! DNS messages in a stream: each follows its length in two octets (RFC 1035 section 4.2.2, RFC 7766 section 8).

use bytes::{Buf, BytesMut};

/// Octets that came and are not yet taken as messages.
#[derive(Debug, Default)]
pub(super) struct Frames {
    octets: BytesMut,
}

/// What stands at the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// Nothing.
    Empty,
    /// Part of a message, or of its length.
    Part,
    /// A whole message.
    Whole,
    /// A length that no DNS message has: shorter than a header. What follows cannot be trusted to be a length.
    Malformed,
}

const LENGTH: usize = 2;
/// Octets of a DNS header (RFC 1035 section 4.1.1).
const HEADER: usize = 12;
/// Room made for each read: most queries, and a few at once.
const READ: usize = 2048;

impl Frames {
    /// What stands at the front.
    pub(super) fn front(&self) -> Front {
        match self.length() {
            None if self.octets.is_empty() => Front::Empty,
            None => Front::Part,
            Some(length) if length < HEADER => Front::Malformed,
            Some(length) if self.octets.len() < LENGTH + length => Front::Part,
            Some(_) => Front::Whole,
        }
    }

    /// Takes the whole message at the front.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let length = self.length()?;
        let message = self.octets.get(LENGTH..LENGTH + length)?.to_vec();
        self.octets.advance(LENGTH + length);
        Some(message)
    }

    /// Where to read into. The buffer grows with what really came, not with what a length promises, and is bounded by one
    /// message and one read.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        self.octets.reserve(READ);
        &mut self.octets
    }

    fn length(&self) -> Option<usize> {
        self.octets.first_chunk::<LENGTH>().map(|length| usize::from(u16::from_be_bytes(*length)))
    }
}

/// Adds an answer and its length; whether it fits into a frame.
pub(super) fn put(answer: &[u8], out: &mut Vec<u8>) -> bool {
    let Ok(length) = u16::try_from(answer.len()) else { return false };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(answer);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_too_short_for_a_header_is_malformed() {
        for length in 0..HEADER {
            let mut frames = Frames::default();
            let mut stream = Vec::new();
            put(&vec![7; length], &mut stream);
            frames.room().extend_from_slice(&stream);
            assert_eq!(frames.front(), Front::Malformed, "{length} octets");
        }
    }

    #[test]
    fn an_answer_of_more_than_65535_octets_fits_no_frame() {
        let mut out = Vec::new();
        assert!(!put(&vec![0; 65_536], &mut out) && out.is_empty());
        assert!(put(&vec![0; 65_535], &mut out));
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_they_are_cut(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), HEADER..300), 1..10),
            cuts in proptest::collection::vec(1_usize..50, 1..200),
        ) {
            let mut stream = Vec::new();
            for message in &messages {
                put(message, &mut stream);
            }
            let (mut frames, mut came, mut rest) = (Frames::default(), Vec::new(), stream.as_slice());
            let mut cuts = cuts.into_iter().cycle();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                frames.room().extend_from_slice(now);
                rest = later;
                while frames.front() == Front::Whole {
                    came.extend(frames.take());
                }
            }
            prop_assert_eq!(frames.front(), Front::Empty);
            prop_assert_eq!(came, messages);
        }
    }
}
