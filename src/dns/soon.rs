//! Asking for memory before it is needed.

/// Tells the processor that the first octets will be read soon. It only saves time: nothing is read and nothing depends on it.
#[inline]
pub fn will_read(octets: &[u8]) {
    will_read_at(octets.as_ptr());
}

/// As [`will_read`], for a place that others may write to meanwhile, or that is no place at all.
#[inline]
pub fn will_read_at(place: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and never faults, whatever the place.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// As [`will_read`], for a value of two lines of memory at most.
#[inline]
pub fn will_look_at<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let first = std::ptr::from_ref(value).cast::<i8>();
        // SAFETY: the places are those of the first and the last octet of a value; a prefetch reads nothing and never faults.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(first);
            if size_of::<T>() > 64 {
                _mm_prefetch::<_MM_HINT_T0>(first.add(size_of::<T>() - 1));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
