//! Numbers in few bits, as Parquet has them: runs and packed groups for numbers of words and for levels, differences for numbers that
//! go on from one another (Apache Parquet, "Encodings": RLE = 3, DELTA_BINARY_PACKED = 5).

use crate::varint;

/// Values of a block of differences, and of each of the miniblocks it has.
const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;
/// A repetition shorter than this is packed with its neighbours.
const RUN: usize = 8;

/// How many bits the numbers from 0 to `greatest` need.
pub(crate) fn width(greatest: u32) -> u32 {
    u32::BITS - greatest.leading_zeros()
}

/// Writes numbers as runs and packed groups of eight.
pub(crate) struct Hybrid<'a> {
    width: u32,
    out: &'a mut Vec<u8>,
    /// What is to be packed, and the run behind it.
    loose: &'a mut Vec<u32>,
    run: (u32, usize),
}

impl<'a> Hybrid<'a> {
    /// Of numbers of at most `width` bits; `loose` is room to work in.
    pub(crate) fn new(width: u32, out: &'a mut Vec<u8>, loose: &'a mut Vec<u32>) -> Hybrid<'a> {
        loose.clear();
        Hybrid { width, out, loose, run: (0, 0) }
    }

    /// The same number so many times.
    #[inline]
    pub(crate) fn push(&mut self, number: u32, times: usize) {
        if number == self.run.0 {
            self.run.1 += times;
        } else {
            self.end_run();
            self.run = (number, times);
        }
    }

    #[inline]
    fn end_run(&mut self) {
        let (number, times) = self.run;
        if times == 1 {
            return self.loose.push(number);
        }
        // A group that was begun is filled up from the run.
        let fill = self.loose.len().next_multiple_of(8) - self.loose.len();
        if times < RUN + fill {
            self.loose.extend(std::iter::repeat_n(number, times));
            return;
        }
        self.loose.extend(std::iter::repeat_n(number, fill));
        self.pack_loose();
        varint::write(((times - fill) as u64) << 1, self.out);
        self.out.extend_from_slice(&number.to_le_bytes()[..self.width.div_ceil(8) as usize]);
    }

    fn pack_loose(&mut self) {
        packed(self.loose, self.width, self.out);
        self.loose.clear();
    }

    /// Writes what is held back.
    pub(crate) fn finish(mut self) {
        self.end_run();
        self.pack_loose();
    }
}

/// Writes for rows whether they say something, as a page has it before its values: whether, and for how many rows.
pub(crate) fn levels(rows: impl Iterator<Item = (bool, usize)>, page: &mut Vec<u8>, loose: &mut Vec<u32>) {
    let at = page.len();
    page.extend_from_slice(&[0; 4]);
    let mut levels = Hybrid::new(1, page, loose);
    rows.for_each(|(says, rows)| levels.push(u32::from(says), rows));
    levels.finish();
    let length = (page.len() - at - 4) as u32;
    page[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// Writes numbers as one packed piece.
pub(crate) fn packed(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(8);
    varint::write((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    pack(numbers, width, out);
    // The last group is filled up with zeros.
    out.resize(end, 0);
}

/// Appends numbers of at most `width` bits one after the other, the lowest bit first.
fn pack<T: Copy + Into<u64>>(numbers: &[T], width: u32, out: &mut Vec<u8>) {
    if width > 32 {
        return pack_wide(numbers.iter().map(|number| (*number).into()), width, out);
    }
    // Eight numbers fill as many octets as they have bits each.
    let (eights, rest) = if width <= 16 { numbers.as_chunks::<8>() } else { (&[][..], numbers) };
    let mut at = out.len();
    out.resize(at + eights.len() * width as usize + size_of::<u128>(), 0);
    for &[a, b, c, d, e, f, g, h] in eights {
        let shifted = |number: T, places: u32| -> u64 { number.into() << (places * width) };
        let low = shifted(a, 0) | shifted(b, 1) | shifted(c, 2) | shifted(d, 3);
        let high = shifted(e, 0) | shifted(f, 1) | shifted(g, 2) | shifted(h, 3);
        let octets = (u128::from(low) | u128::from(high) << (4 * width)).to_le_bytes();
        // What is written beyond them is zero, and is written over by the next.
        if let Some(place) = out.get_mut(at..).and_then(|out| out.first_chunk_mut()) {
            *place = octets;
        }
        at += width as usize;
    }
    out.truncate(at);
    let (mut held, mut bits) = (0u64, 0);
    for number in rest {
        held |= (*number).into() << bits;
        bits += width;
        if bits >= 32 {
            out.extend_from_slice(&(held as u32).to_le_bytes());
            held >>= 32;
            bits -= 32;
        }
    }
    out.extend_from_slice(&held.to_le_bytes()[..bits.div_ceil(8) as usize]);
}

fn pack_wide(numbers: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let (mut held, mut bits) = (0u128, 0);
    for number in numbers {
        held |= u128::from(number) << bits;
        bits += width;
        while bits >= 8 {
            out.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        out.push(held as u8);
    }
}

/// Appends numbers as differences. Those of 32 bits are told apart (`narrow`), since their differences wrap at 32 bits.
pub(crate) fn differences(numbers: &[i64], narrow: bool, out: &mut Vec<u8>) {
    let wrap = |difference: i64| if narrow { i64::from(difference as i32) } else { difference };
    varint::write(BLOCK as u64, out);
    varint::write((BLOCK / MINIBLOCK) as u64, out);
    varint::write(numbers.len() as u64, out);
    let Some((&first, mut rest)) = numbers.split_first() else {
        varint::write(0, out);
        return;
    };
    varint::write(zigzag(wrap(first)), out);
    let mut before = first;
    while !rest.is_empty() {
        let (block, later) = rest.split_at(rest.len().min(BLOCK));
        rest = later;
        let mut steps = [0i64; BLOCK];
        for (step, &number) in steps.iter_mut().zip(block) {
            *step = wrap(number.wrapping_sub(before));
            before = number;
        }
        let steps = &steps[..block.len()];
        let least = steps.iter().copied().min().unwrap_or(0);
        // What a step is above the least.
        let mask = if narrow { u64::from(u32::MAX) } else { u64::MAX };
        let mut above = [0u64; BLOCK];
        for (above, step) in above.iter_mut().zip(steps) {
            *above = step.wrapping_sub(least) as u64 & mask;
        }
        let above = &above[..steps.len()];
        varint::write(zigzag(least), out);
        let widths = out.len();
        out.extend_from_slice(&[0; BLOCK / MINIBLOCK]);
        for (index, miniblock) in above.chunks(MINIBLOCK).enumerate() {
            // The greatest has the uppermost bit that any has.
            let width = u64::BITS - miniblock.iter().fold(0, |bits, above| bits | above).leading_zeros();
            out[widths + index] = width as u8;
            let end = out.len() + width as usize * MINIBLOCK / 8;
            pack(miniblock, width, out);
            out.resize(end, 0);
        }
    }
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}
