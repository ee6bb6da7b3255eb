//! Words written to octets, and compared with octets.

/// Gathers words into octets, first bit highest.
pub(super) struct Writer<'o> {
    held: u64,
    /// Bits held: fewer than eight between words.
    count: u32,
    out: &'o mut [u8],
    at: usize,
}

impl<'o> Writer<'o> {
    pub(super) fn to(out: &'o mut [u8]) -> Writer<'o> {
        Writer { held: 0, count: 0, out, at: 0 }
    }

    /// As if nothing had been written.
    pub(super) fn again(self) -> Writer<'o> {
        Writer::to(self.out)
    }

    #[inline]
    pub(super) fn put(&mut self, bits: u64, length: u32) {
        self.held = self.held << length | bits;
        self.count += length;
        let octets = (self.held << 1 << (63 - self.count)).to_be_bytes();
        let whole = (self.count / 8) as usize;
        if let Some(to) = self.out.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut::<8>) {
            *to = octets;
            self.at += whole;
        }
        self.count %= 8;
    }

    /// Fills the last octet with ones.
    #[inline]
    pub(super) fn end(self) -> usize {
        if self.count == 0 {
            return self.at;
        }
        let filling = 8 - self.count;
        match self.out.get_mut(self.at) {
            Some(to) => *to = (self.held << filling) as u8 | ((1 << filling) - 1),
            None => return self.at,
        }
        self.at + 1
    }
}

/// Compares words with octets, first bit highest.
pub(super) struct Reader<'l> {
    from: &'l [u8],
    /// How far it is, in bits.
    at: usize,
    /// The bits in which anything differed.
    differs: u64,
}

impl<'l> Reader<'l> {
    #[inline]
    pub(super) fn of(from: &'l [u8]) -> Reader<'l> {
        Reader { from, at: 0, differs: 0 }
    }

    #[inline]
    pub(super) fn compare(&mut self, bits: u64, length: u32) {
        self.differs |= self.next(length) ^ bits;
        self.at += length as usize;
    }

    /// The next bits, 56 at most.
    #[inline]
    fn next(&self, count: u32) -> u64 {
        let octets = match self.from.get(self.at / 8..) {
            Some(rest) => rest.first_chunk::<8>().copied().unwrap_or_else(|| last(rest)),
            None => [0; 8],
        };
        (u64::from_be_bytes(octets) << (self.at % 8) >> 1) >> (63 - count)
    }

    /// Whether nothing differed, and what was compared takes `size` octets, the last one filled up.
    #[inline]
    pub(super) fn ends_at(&self, size: usize) -> bool {
        let filling = self.at.wrapping_neg() as u32 % 8;
        self.differs == 0 && self.at.div_ceil(8) == size && self.next(filling) == (1 << filling) - 1
    }
}

/// The last octets of all, fewer than eight.
#[cold]
fn last(rest: &[u8]) -> [u8; 8] {
    std::array::from_fn(|number| rest.get(number).copied().unwrap_or(0))
}
