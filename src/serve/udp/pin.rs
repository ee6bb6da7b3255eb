//! Keeping a worker on one processor, so that its packets, its part of the cache and its lane stay in that processor's memory.

use std::io;
use std::mem::{size_of, zeroed};

/// Keeps the calling thread on the `worker`-th of the processors the process may run on, counted round.
pub(in crate::serve) fn to_a_processor(worker: usize) -> io::Result<usize> {
    let mut allowed = empty();
    // SAFETY: the set is initialised and its size is given; the kernel writes no more than that. 0 is the calling thread.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut allowed) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let count = 8 * size_of::<libc::cpu_set_t>();
    // SAFETY: every number is below the number of bits of the set.
    let processors: Vec<usize> = (0..count).filter(|at| unsafe { libc::CPU_ISSET(*at, &allowed) }).collect();
    let Some(&processor) = processors.get(worker % processors.len().max(1)) else {
        return Err(io::Error::other("the process may run on no processor"));
    };
    let mut one = empty();
    // SAFETY: the number is that of a bit of the set.
    unsafe { libc::CPU_SET(processor, &mut one) };
    // SAFETY: the set is initialised and its size is given; the kernel only reads it.
    if unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const one) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(processor)
}

fn empty() -> libc::cpu_set_t {
    // SAFETY: a set is made of integers; all zero is the empty one.
    unsafe { zeroed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_spread_over_the_processors_there_are() {
        let pinned =
            |worker| std::thread::spawn(move || to_a_processor(worker)).join().expect("a thread").expect("a set");
        let there = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let first: Vec<usize> = (0..there).map(pinned).collect();
        let mut apart = first.clone();
        apart.sort_unstable();
        apart.dedup();
        assert_eq!(apart.len(), there, "{first:?}");
        assert_eq!(pinned(there), first[0], "and round");
    }
}
