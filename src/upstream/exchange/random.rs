//! Random octets of the kernel's generator, fetched ahead: a question needs a dozen, and a system call for each would cost more.

use std::io;

/// Octets fetched at a time.
const AHEAD: usize = 512;

/// Random octets, each given once.
pub(super) struct Random {
    octets: [u8; AHEAD],
    at: usize,
}

impl Random {
    pub(super) const fn new() -> Random {
        Random { octets: [0; AHEAD], at: AHEAD }
    }

    /// The next octets.
    pub(super) fn octets<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        const { assert!(N <= AHEAD) };
        if self.at + N > AHEAD {
            getrandom::fill(&mut self.octets).map_err(io::Error::other)?;
            self.at = 0;
        }
        let mut given = [0; N];
        let taken = &mut self.octets[self.at..self.at + N];
        given.copy_from_slice(taken);
        // What was given is nobody's to find afterwards.
        taken.fill(0);
        self.at += N;
        Ok(given)
    }

    pub(super) fn number(&mut self) -> io::Result<u16> {
        self.octets().map(u16::from_ne_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_neither_repeated_nor_the_zeros_they_leave_behind() {
        let mut random = Random::new();
        let drawn: Vec<u64> = (0..1_000).map(|_| u64::from_ne_bytes(random.octets().unwrap())).collect();
        let mut unlike = drawn.clone();
        unlike.sort_unstable();
        unlike.dedup();
        assert_eq!(unlike.len(), drawn.len());
        assert!(!drawn.contains(&0));
    }
}
