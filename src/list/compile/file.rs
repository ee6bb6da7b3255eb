//! The file as it is written: how far it is, and what its checksum is so far.

use std::io::{self, Write};

use crate::list::layout::Trailer;

/// A writer that knows how far it is and what the CRC is so far. It gathers small writes.
pub(super) struct Counted<W> {
    to: W,
    pub(super) at: u64,
    crc: crc32fast::Hasher,
    held: Vec<u8>,
}

impl<W: Write> Counted<W> {
    const HELD: usize = 64 << 10;

    pub(super) fn new(to: W) -> Counted<W> {
        Counted { to, at: 0, crc: crc32fast::Hasher::new(), held: Vec::with_capacity(Counted::<W>::HELD + 512) }
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        self.at += bytes.len() as u64;
        if self.held.len() >= Counted::<W>::HELD { self.pass_on() } else { Ok(()) }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.crc.update(&self.held);
        self.to.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }

    pub(super) fn pad_to(&mut self, alignment: u64) -> io::Result<()> {
        while !self.at.is_multiple_of(alignment) {
            self.put(&[0])?;
        }
        Ok(())
    }

    /// Writes the trailer with the CRC of everything before it; how long the file is.
    pub(super) fn end(mut self, mut trailer: Trailer) -> io::Result<u64> {
        self.pass_on()?;
        self.crc.update(&trailer.to_bytes()[..Trailer::LENGTH - Trailer::UNCOVERED]);
        trailer.crc = self.crc.finalize();
        self.to.write_all(&trailer.to_bytes())?;
        self.to.flush()?;
        Ok(self.at + Trailer::LENGTH as u64)
    }
}
