//! The names of one bucket, gathered until the next one begins.

use std::io::{self, Write};

use super::file::Counted;
use crate::list::layout::{EVEN, FAR, LONG, MANY};
use crate::varint;

/// What a bucket has so far (see [`crate::list::layout`]).
#[derive(Default)]
pub(super) struct Bucket {
    tags: Vec<u8>,
    heads: Vec<u8>,
    names: Vec<u8>,
    uneven: bool,
}

impl Bucket {
    /// Adds a name, coded, with the lines of those who speak for it.
    #[inline]
    pub(super) fn add(
        &mut self,
        tag: u8,
        set: u32,
        coded: &[u8],
        lines: impl ExactSizeIterator<Item = u32>,
        line_width: usize,
    ) {
        let (long, far) = (coded.len() >= LONG, set as usize >= FAR);
        self.uneven |= long || far || lines.len() != 1;
        self.tags.push(tag);
        self.heads.push((coded.len().min(LONG) | (set as usize).min(FAR) << 5) as u8);
        if long {
            self.names.extend_from_slice(&(coded.len() as u16).to_le_bytes());
        }
        if far {
            varint::write(set.into(), &mut self.names);
        }
        self.names.extend_from_slice(coded);
        for line in lines {
            self.names.extend_from_slice(&line.to_le_bytes()[..line_width]);
        }
    }

    /// Writes it, and begins the next one. A bucket without names takes no octets.
    pub(super) fn write(&mut self, out: &mut Counted<impl Write>) -> io::Result<()> {
        let count = self.tags.len();
        if count == 0 {
            return Ok(());
        }
        out.put(&[count.min(MANY) as u8 | if self.uneven { 0 } else { EVEN }])?;
        if count >= MANY {
            out.put(&(count as u32).to_le_bytes())?;
        }
        for part in [&mut self.tags, &mut self.heads, &mut self.names] {
            out.put(part)?;
            part.clear();
        }
        self.uneven = false;
        Ok(())
    }
}
