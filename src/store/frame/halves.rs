//! A frame in three: what is the record's own, who asked, and what was asked and came of it.
//!
//! The last two come again and again: people ask for the same names and get the same answers. As octets of their own, their own record's
//! time and port left out, they can be told alike without being read, so that a seal reads each of them once.

use crate::moment::Moment;
use crate::record::codes::{self, RuleKind};
use crate::store::frame::{AS_OF, FIXED, HEAD, HOST, MAC, TEXTS, USER, V6};
use crate::verdict::{Action, Transport};

/// What no other record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    /// When the query arrived.
    pub(crate) time: Moment,
    /// Source port.
    pub(crate) client_port: u16,
    /// From arrival to closing, in microseconds.
    pub(crate) duration_us: u32,
}

/// Words of the fixed fields: see `Draft::write` for what lies where.
const WORDS: usize = FIXED / 8;
/// Octets of who asked before its texts, and of what came of it before the name and its texts.
const ASKER_FIXED: usize = 5 * 8;
const OUTCOME_FIXED: usize = 6 * 8;
/// Flags of who asked.
const ASKER_FLAGS: u64 = (V6 | MAC | HOST | USER | AS_OF) as u64;
/// In the word of flags and codes: those flags, and how the subject was known.
const ASKER_CODES: u64 = ASKER_FLAGS | 0xff << VIA;
const VIA: u32 = 40;
/// In the word of the first four lengths: those of host and user.
const ASKER_LENGTHS: u64 = 0xffff_ffff << 16;
/// In the word of device and name: the device.
const DEVICE: u64 = (1 << 48) - 1;
/// In the word of type and codes: the source port.
const PORT: u64 = 0xffff << 16;

/// Puts who asked and what was asked and came of it into `asker` and `outcome`. None when the frame's lengths contradict each other; whether
/// a half is one that can be read is told by reading it: the frame can be when both can.
#[inline]
pub(crate) fn split(frame: &[u8], asker: &mut Vec<u8>, outcome: &mut Vec<u8>) -> Option<Own> {
    let (fixed, tail) = frame.get(HEAD..)?.split_first_chunk::<FIXED>()?;
    let (octets, _) = fixed.as_chunks::<8>();
    let mut words = [0; WORDS];
    for (word, octets) in words.iter_mut().zip(octets) {
        *word = u64::from_le_bytes(*octets);
    }
    let [time, as_of, generation, line, question, codes, device, low, high, lengths, more_lengths] = words;
    let length = |of: u64, number: u32| (of >> (16 * number)) as usize & 0xffff;
    let name_and_zone = (device >> 48) as usize % 256 + length(lengths, 0);
    let (before, rest) = tail.split_at_checked(name_and_zone)?;
    let (texts, behind) = rest.split_at_checked(length(lengths, 1) + length(lengths, 2))?;
    let others: usize = length(lengths, 3) + (0..4).map(|number| length(more_lengths, number)).sum::<usize>();
    if behind.len() != others {
        return None;
    }
    let put = |to: &mut Vec<u8>, words: &[u64]| words.iter().for_each(|word| to.extend_from_slice(&word.to_le_bytes()));
    asker.clear();
    // The lengths of host and user stand where the codes of what came of it would.
    let who = (codes & ASKER_FLAGS) | (codes >> VIA & 0xff) << 16 | (lengths & ASKER_LENGTHS) << 16;
    put(asker, &[as_of, who, device & DEVICE, low, high]);
    asker.extend_from_slice(texts);
    outcome.clear();
    let name = device >> 48 & 0xff;
    put(
        outcome,
        &[
            generation,
            line >> 32 | name << 32,
            question & !PORT,
            codes & !ASKER_CODES,
            lengths & !ASKER_LENGTHS,
            more_lengths,
        ],
    );
    outcome.extend_from_slice(before);
    outcome.extend_from_slice(behind);
    Some(Own { time: Moment(time as i64), client_port: (question >> 16) as u16, duration_us: line as u32 })
}

/// A frame, but for its head, that says who asked as `asker` does, and of all else as little as a frame can.
pub(crate) fn asker_frame(asker: &[u8], frame: &mut Vec<u8>) {
    let Some((words, texts)) = words_of::<{ ASKER_FIXED / 8 }>(asker) else { return frame.clear() };
    let [as_of, who, device, low, high] = words;
    let some = u64::from(codes::of_transport(Transport::Udp)) << 16
        | u64::from(codes::of_action(Action::Allowed)) << 24
        | u64::from(codes::of_rule_kind(RuleKind::None)) << 48;
    let codes = (who & 0xffff) | (who >> 16 & 0xff) << VIA | some;
    write(frame, [0, as_of, 0, 0, 0, codes, device, low, high, who >> 16 & ASKER_LENGTHS, 0], texts);
}

/// A frame, but for its head, that says what was asked and came of it as `outcome` does, and nothing of who asked.
pub(crate) fn outcome_frame(outcome: &[u8], frame: &mut Vec<u8>) {
    let Some((words, texts)) = words_of::<{ OUTCOME_FIXED / 8 }>(outcome) else { return frame.clear() };
    let [generation, line, question, codes, lengths, more_lengths] = words;
    let (line, name) = (line << 32, line >> 32 << 48);
    write(frame, [0, 0, generation, line, question, codes, name, 0, 0, lengths, more_lengths], texts);
}

fn words_of<const N: usize>(half: &[u8]) -> Option<([u64; N], &[u8])> {
    let (octets, texts) = half.split_at_checked(N * 8)?;
    let mut words = [0; N];
    for (word, octets) in words.iter_mut().zip(octets.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*octets);
    }
    Some((words, texts))
}

fn write(frame: &mut Vec<u8>, words: [u64; WORDS], texts: &[u8]) {
    frame.clear();
    frame.resize(HEAD, 0);
    words.iter().for_each(|word| frame.extend_from_slice(&word.to_le_bytes()));
    frame.extend_from_slice(texts);
}

const _: () = assert!(TEXTS == 8 && WORDS == 11, "the words are taken apart by their places");
