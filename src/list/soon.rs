//! Asking for memory before it is needed.

/// Tells the processor that the first octets will be read soon. It only saves time: nothing is read and nothing depends on it.
#[inline]
pub(super) fn will_read(octets: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the place is that of a slice; a prefetch reads nothing and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(octets.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = octets;
}
