//! Frequent top-level domains, each found by its octets.

/// Most top-level domains with a symbol of their own.
pub(super) const MOST_TOPS: usize = 766;
/// Slots of the table: a power of two above twice their number.
const TABLE: usize = 2048;
/// Longest label that fits into a key beside its length.
const SHORT: usize = 7;

/// Top-level domains, each with something of its own.
#[derive(Clone)]
pub(super) struct Tops {
    /// By hash of the key. The key of no label is 0.
    short: Box<[(u64, u32)]>,
    /// Longer ones, sorted.
    long: Box<[(Box<[u8]>, u32)]>,
}

impl Tops {
    pub(super) fn new(tops: &[Box<[u8]>], values: impl Iterator<Item = u32>) -> Tops {
        let mut short = vec![(0u64, 0u32); TABLE];
        let mut long = Vec::new();
        for (top, value) in tops.iter().zip(values) {
            if top.len() > SHORT {
                long.push((top.clone(), value));
                continue;
            }
            let key = key_of(top);
            let mut slot = slot(key);
            while short[slot].0 != 0 {
                slot = (slot + 1) % TABLE;
            }
            short[slot] = (key, value);
        }
        long.sort_unstable();
        Tops { short: short.into(), long: long.into() }
    }

    /// What belongs to the label that begins at `top` of a wire form.
    #[inline]
    pub(super) fn get(&self, wire: &[u8], top: usize) -> Option<u32> {
        let length = usize::from(*wire.get(top)?);
        let end = top + 1 + length;
        if length > SHORT {
            return self.get_long(wire.get(top + 1..end)?);
        }
        let key = match end.checked_sub(8).and_then(|from| wire.get(from..)?.first_chunk::<8>()) {
            Some(eight) => u64::from_le_bytes(*eight) >> (8 * (SHORT - length)),
            None => key_of(wire.get(top + 1..end)?),
        };
        let mut slot = slot(key);
        loop {
            match self.short.get(slot)? {
                (held, value) if *held == key => return Some(*value),
                (0, _) => return None,
                _ => slot = (slot + 1) % TABLE,
            }
        }
    }

    #[cold]
    fn get_long(&self, label: &[u8]) -> Option<u32> {
        let place = self.long.binary_search_by(|(held, _)| (**held).cmp(label)).ok()?;
        self.long.get(place).map(|(_, value)| *value)
    }
}

/// A short label with its length before it, as one number.
fn key_of(label: &[u8]) -> u64 {
    let octets = label.iter().rev().fold(0u64, |key, octet| key << 8 | u64::from(*octet));
    octets << 8 | label.len() as u64
}

/// Spreads keys over the table. It need not withstand anybody: the table is small and at most half full.
#[inline]
fn slot(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - TABLE.trailing_zeros())) as usize
}
