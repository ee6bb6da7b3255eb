//! What was added, put aside by the first octet of its hash until the file is written: in memory as long as it is little, on a medium
//! then. So millions of names are compiled in the memory of a few thousand, each part sorted by itself.

use std::io::{self, Read, Seek, SeekFrom, Write};

use memmap2::MmapMut;

use super::CompileError;

/// Where what does not fit into memory is put aside: a file that nobody else has, or octets in memory.
pub trait Medium: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Medium for T {}

/// How many parts there are: one for each first octet of a hash.
pub(super) const PARTS: usize = 256;
/// How much of a part is gathered before it is put aside, in octets, the longest name included.
const GATHERED: usize = 32 << 10;
/// Octets before a name: hash, line, source, length.
const BEFORE: usize = 8 + 4 + 4 + 2;

/// One name as it was added.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) hash: u64,
    /// Where its name lies in the part, and how long it is.
    at: u32,
    length: u16,
    pub(super) line: u32,
    pub(super) source: u32,
}

/// What was added, by part.
pub(super) struct Spool {
    medium: Box<dyn Medium>,
    end: u64,
    parts: Vec<Part>,
    distinct: Distinct,
}

#[derive(Clone, Default)]
struct Part {
    gathered: Vec<u8>,
    /// Place and length of what was put aside, in order.
    aside: Vec<(u64, usize)>,
}

impl Spool {
    pub(super) fn new(medium: Box<dyn Medium>) -> Spool {
        Spool { medium, end: 0, parts: vec![Part::default(); PARTS], distinct: Distinct::new() }
    }

    /// Adds a name in whatever form.
    #[inline]
    pub(super) fn add(&mut self, hash: u64, line: u32, source: u32, name: &[u8]) -> io::Result<()> {
        let number = (hash >> 56) as usize;
        let part = &mut self.parts[number];
        if part.gathered.len() + BEFORE + name.len() > part.gathered.capacity() {
            self.make_room(number)?;
        }
        put(&mut self.parts[number].gathered, hash, line, source, name);
        Ok(())
    }

    /// Makes room for one more name in a part: more of it while it is little, so that few names need little, and never more than is put
    /// aside at once.
    #[cold]
    fn make_room(&mut self, number: usize) -> io::Result<()> {
        let gathered = &mut self.parts[number].gathered;
        if gathered.capacity() >= GATHERED {
            return self.put_aside(number);
        }
        let room = (gathered.capacity() * 2).clamp(GATHERED / 32, GATHERED);
        gathered.reserve_exact(room - gathered.len());
        Ok(())
    }

    fn put_aside(&mut self, number: usize) -> io::Result<()> {
        let part = &mut self.parts[number];
        self.distinct.add_all(&part.gathered)?;
        self.medium.write_all(&part.gathered)?;
        part.aside.push((self.end, part.gathered.len()));
        self.end += part.gathered.len() as u64;
        part.gathered.clear();
        Ok(())
    }

    /// About how many different hashes were added. To be asked once, when all were.
    pub(super) fn about(&mut self) -> io::Result<u64> {
        for part in &self.parts {
            self.distinct.add_all(&part.gathered)?;
        }
        Ok(self.distinct.about())
    }

    /// Everything of one part: the octets, and in the order of their hashes, equal ones as they were added, the names in them.
    pub(super) fn part(
        &mut self,
        number: usize,
        octets: &mut Vec<u8>,
        entries: &mut Vec<Entry>,
    ) -> Result<(), CompileError> {
        octets.clear();
        entries.clear();
        let part = std::mem::take(&mut self.parts[number]);
        for (place, length) in part.aside {
            self.medium.seek(SeekFrom::Start(place))?;
            let from = octets.len();
            octets.resize(from + length, 0);
            self.medium.read_exact(&mut octets[from..])?;
        }
        octets.extend_from_slice(&part.gathered);
        each(octets, |entry, _| entries.push(entry));
        // Names lie in the order they were added.
        entries.sort_unstable_by_key(|entry| (entry.hash, entry.at));
        Ok(())
    }
}

impl Entry {
    /// Its name, of the octets of its part.
    #[inline]
    pub(super) fn name<'o>(&self, octets: &'o [u8]) -> &'o [u8] {
        let at = self.at as usize;
        octets.get(at..at + usize::from(self.length)).unwrap_or_default()
    }
}

/// Puts a name at the end of others.
#[inline]
pub(super) fn put(to: &mut Vec<u8>, hash: u64, line: u32, source: u32, name: &[u8]) {
    let mut before = [0; BEFORE];
    before[..8].copy_from_slice(&hash.to_le_bytes());
    before[8..12].copy_from_slice(&line.to_le_bytes());
    before[12..16].copy_from_slice(&source.to_le_bytes());
    before[16..].copy_from_slice(&(name.len() as u16).to_le_bytes());
    to.extend_from_slice(&before);
    to.extend_from_slice(name);
}

/// Calls `visit` with each name that was put there, in order.
pub(super) fn each(octets: &[u8], mut visit: impl FnMut(Entry, &[u8])) {
    let mut at = 0;
    while let Some(before) = octets.get(at..).and_then(<[u8]>::first_chunk::<BEFORE>) {
        let &[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] = before;
        let length = u16::from_le_bytes([q, r]);
        at += BEFORE;
        let entry = Entry {
            hash: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            at: at as u32,
            length,
            line: u32::from_le_bytes([i, j, k, l]),
            source: u32::from_le_bytes([m, n, o, p]),
        };
        visit(entry, entry.name(octets));
        at += usize::from(length);
    }
}

/// About how many different hashes there are: a bit for each of many ranges of them, and how many bits were set (linear counting). They come
/// by the part, so that the bits they set lie together.
struct Distinct {
    /// Memory of its own, zeroed by the system page by page as they are touched: it goes back whole, where the C library would keep it.
    bits: Option<MmapMut>,
    set: u64,
}

impl Distinct {
    /// Above so many names buckets are fuller than they should be, and the file is still right.
    const BITS: u64 = 1 << 26;

    fn new() -> Distinct {
        Distinct { bits: None, set: 0 }
    }

    /// Adds the hashes of names as [`put`] wrote them.
    fn add_all(&mut self, octets: &[u8]) -> io::Result<()> {
        let bits = match &mut self.bits {
            Some(bits) => bits,
            None => self.bits.insert(MmapMut::map_anon(Distinct::BITS as usize / 8)?),
        };
        each(octets, |entry, _| {
            let place = entry.hash >> (64 - Distinct::BITS.trailing_zeros());
            let (octet, bit) = (&mut bits[(place / 8) as usize], 1 << (place % 8));
            self.set += u64::from(*octet & bit == 0);
            *octet |= bit;
        });
        Ok(())
    }

    fn about(&self) -> u64 {
        let bits = Distinct::BITS as f64;
        // With every bit set there is no telling; half a bit left gives a number that is large enough.
        let free = (bits - self.set as f64).max(0.5);
        (bits * (bits / free).ln()).ceil() as u64
    }
}
