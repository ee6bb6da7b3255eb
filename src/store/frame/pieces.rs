//! A frame in pieces: what is the record's own, who asked, and in what manner it was answered.
//!
//! The last two come again and again, whatever name was asked for. As octets of their own they can be told alike without being read, so
//! that a seal reads each of them once.

use std::hash::Hasher;

use crate::moment::Moment;
use crate::record::codes::{self, RuleKind};
use crate::store::frame::{AS_OF, FIXED, HEAD, HOST, MAC, QNAME, TEXTS, USER, V6, is_name};
use crate::store::keys::same;
use crate::verdict::{Action, Transport};

/// What other records seldom say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Own<'a> {
    /// When the query arrived.
    pub(crate) time: Moment,
    /// Sequence number.
    pub(crate) seq: u64,
    /// Source port.
    pub(crate) client_port: u16,
    /// From arrival to closing, in microseconds.
    pub(crate) duration_us: u32,
    /// The name asked for, in wire form; empty where there is none.
    pub(crate) qname: &'a [u8],
    /// Where a line of a list spoke: which one.
    pub(crate) line: u32,
    /// And how many labels of the name it covers.
    pub(crate) labels: u8,
}

/// Words of the fixed fields: see `Draft::write` for what lies where.
const WORDS: usize = FIXED / 8;
const SUBJECT_WORDS: usize = 6;
const MANNER_WORDS: usize = 5;
/// Flags of who asked.
const SUBJECT_FLAGS: u64 = (V6 | MAC | HOST | USER | AS_OF) as u64;
/// In the word of flags and codes: those flags, and how the subject was known.
const SUBJECT_CODES: u64 = SUBJECT_FLAGS | 0xff << VIA;
const VIA: u32 = 40;
/// In the same word: how many labels a rule covers.
const LABELS: u32 = 56;
/// In the word of the first four lengths: those of host and user.
const SUBJECT_LENGTHS: u64 = 0xffff_ffff << 16;
/// In the word of device and name: the device. The length of the name is behind it.
const DEVICE: u64 = (1 << 48) - 1;
/// In the word of type and codes: the source port.
const PORT: u64 = 0xffff << 16;

/// The fixed fields of a frame by words, and what is behind them.
#[inline]
fn words(frame: &[u8]) -> Option<([u64; WORDS], &[u8])> {
    let (octets, tail) = frame.get(HEAD..)?.split_at_checked(FIXED)?;
    let mut words = [0; WORDS];
    for (word, octets) in words.iter_mut().zip(octets.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*octets);
    }
    Some((words, tail))
}

/// What is a frame's own, of one that was taken apart before.
#[inline]
pub(crate) fn own(frame: &[u8]) -> Option<Own<'_>> {
    let (fixed, tail) = frame.split_first_chunk::<{ HEAD + FIXED }>()?;
    let (words, _) = fixed.as_chunks::<8>();
    let word = |at: usize| u64::from_le_bytes(words[at]);
    let line = word(5);
    Some(Own {
        time: Moment(word(2) as i64),
        seq: word(1),
        client_port: (word(6) >> 16) as u16,
        duration_us: line as u32,
        qname: tail.get(..(word(8) >> 48) as usize & 0xff)?,
        line: (line >> 32) as u32,
        labels: (word(7) >> LABELS) as u8,
    })
}

/// A piece that recurs: some words, and what is in the frame behind them. It is known again without being put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a, const N: usize> {
    words: [u64; N],
    texts: [&'a [u8]; 2],
}

impl<const N: usize> Piece<'_, N> {
    /// Octets of [`Piece::write`].
    #[inline]
    pub(crate) fn length(&self) -> usize {
        N * 8 + self.texts[0].len() + self.texts[1].len()
    }

    /// Hashes it.
    #[inline]
    pub(crate) fn hash(&self, mut hasher: impl Hasher) -> u64 {
        self.words.iter().for_each(|word| hasher.write_u64(*word));
        self.texts.iter().filter(|text| !text.is_empty()).for_each(|text| hasher.write(text));
        hasher.finish()
    }

    /// Whether octets are those of [`Piece::write`].
    #[inline]
    pub(crate) fn is(&self, octets: &[u8]) -> bool {
        let Some((words, texts)) = taken::<N>(octets) else { return false };
        let [first, second] = self.texts;
        let alike = || texts.split_at_checked(first.len()).is_some_and(|(a, b)| same(a, first) && same(b, second));
        words == self.words && alike()
    }

    /// Appends it as octets.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.words.map(u64::to_le_bytes).as_flattened());
        self.texts.iter().for_each(|text| to.extend_from_slice(text));
    }
}

/// Who asked.
pub(crate) type SubjectPiece<'a> = Piece<'a, SUBJECT_WORDS>;
/// In what manner it was answered.
pub(crate) type MannerPiece<'a> = Piece<'a, MANNER_WORDS>;

/// Gives what is a frame's own, who asked, and in what manner it was answered. `origin`: which lane it is of, as part of who asked. None
/// when the frame cannot be read; it can when the two can as well.
#[inline]
pub(crate) fn take_apart(frame: &[u8], origin: u64) -> Option<(Own<'_>, SubjectPiece<'_>, MannerPiece<'_>)> {
    let (words, tail) = words(frame)?;
    let [_, as_of, generation, _, question, codes, device, low, high, lengths, more_lengths] = words;
    let length = |of: u64, number: u32| (of >> (16 * number)) as usize & 0xffff;
    let (qname, tail) = tail.split_at_checked((device >> 48) as usize & 0xff)?;
    let named = codes & u64::from(QNAME) != 0;
    if named == qname.is_empty() || named && !is_name(qname) {
        return None;
    }
    let (zone, texts) = (length(lengths, 0), length(lengths, 1) + length(lengths, 2));
    let others: usize = length(lengths, 3) + (0..4).map(|number| length(more_lengths, number)).sum::<usize>();
    if tail.len() != zone + texts + others {
        return None;
    }
    // The lengths of host and user stand where the codes of the answer would.
    let who = (codes & SUBJECT_FLAGS) | (codes >> VIA & 0xff) << 16 | (lengths & SUBJECT_LENGTHS) << 16;
    let words = [as_of, who, device & DEVICE, low, high, origin];
    let subject = Piece { words, texts: [tail.get(zone..zone + texts)?, &[]] };
    let codes_of_manner = codes & !SUBJECT_CODES & !(0xff << LABELS);
    let words = [generation, question & !PORT, codes_of_manner, lengths & !SUBJECT_LENGTHS, more_lengths];
    // Most often there is neither host nor user between the zone and the other texts.
    let texts = if texts == 0 { [tail, &[]] } else { [tail.get(..zone)?, tail.get(zone + texts..)?] };
    Some((own(frame)?, subject, Piece { words, texts }))
}

fn put<const N: usize>(to: &mut Vec<u8>, words: [u64; N], texts: [&[u8]; 2]) {
    to.clear();
    to.extend_from_slice(words.map(u64::to_le_bytes).as_flattened());
    texts.into_iter().filter(|text| !text.is_empty()).for_each(|text| to.extend_from_slice(text));
}

/// A frame, but for its head, that says who asked as `subject` does, and of all else as little as a frame can.
pub(crate) fn subject_frame(subject: &[u8], frame: &mut Vec<u8>) {
    let taken = taken::<SUBJECT_WORDS>(subject);
    let Some(([as_of, who, device, low, high, _], texts)) = taken else { return frame.clear() };
    let some = u64::from(codes::of_transport(Transport::Udp)) << 16
        | u64::from(codes::of_action(Action::Allowed)) << 24
        | u64::from(codes::of_rule_kind(RuleKind::None)) << 48;
    let codes = (who & 0xffff) | (who >> 16 & 0xff) << VIA | some;
    put(frame, whole([0, as_of, 0, 0, 0, codes, device, low, high, who >> 16 & SUBJECT_LENGTHS, 0]), [texts, &[]]);
}

/// A frame, but for its head, that says in what manner it was answered as `manner` does. The name is the root, if there was one, and a line
/// is line 0.
pub(crate) fn manner_frame(manner: &[u8], frame: &mut Vec<u8>) {
    let taken = taken::<MANNER_WORDS>(manner);
    let Some(([generation, question, codes, lengths, more_lengths], texts)) = taken else { return frame.clear() };
    let root: &[u8] = if codes & u64::from(QNAME) != 0 { &[0] } else { &[] };
    let words = [0, 0, generation, 0, question, codes, (root.len() as u64) << 48, 0, 0, lengths, more_lengths];
    put(frame, whole(words), [root, texts]);
}

/// Which lane somebody asked of, as [`take_apart`] was told.
pub(crate) fn origin(subject: &[u8]) -> Option<u64> {
    taken::<SUBJECT_WORDS>(subject).map(|([.., origin], _)| origin)
}

/// The words of a piece, and what is behind them.
#[inline]
fn taken<const N: usize>(piece: &[u8]) -> Option<([u64; N], &[u8])> {
    let (octets, texts) = piece.split_at_checked(N * 8)?;
    let mut words = [0; N];
    for (word, octets) in words.iter_mut().zip(octets.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*octets);
    }
    Some((words, texts))
}

/// The words of a frame, with an empty head before them.
fn whole(words: [u64; WORDS]) -> [u64; HEAD / 8 + WORDS] {
    let mut whole = [0; HEAD / 8 + WORDS];
    whole[HEAD / 8..].copy_from_slice(&words);
    whole
}

const _: () = assert!(TEXTS == 8 && WORDS == 11, "the words are taken apart by their places");
