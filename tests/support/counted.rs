//! An allocator that counts what each thread asks of it, and remembers where the first one came from that should not have been.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};

/// The system's allocator, with a count for each thread.
pub struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static FIRST: RefCell<Option<String>> = const { RefCell::new(None) };
}

// SAFETY: every call is passed on to the system's allocator as it came; the counting beside it touches no memory it gives out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count() {
    // A thread that is ending has no counters any more.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
    if WATCHED.try_with(|watched| watched.replace(false)).unwrap_or(false) {
        let place = Backtrace::force_capture().to_string();
        let _ = FIRST.try_with(|first| first.replace(Some(place)));
    }
}

/// How often this thread has allocated so far.
pub fn allocations() -> u64 {
    COUNT.get()
}

/// Does some work; tells how often this thread allocated for it, and where it did first.
pub fn watched(work: impl FnOnce()) -> (u64, String) {
    FIRST.take();
    let before = allocations();
    WATCHED.set(true);
    work();
    WATCHED.set(false);
    let first = FIRST.take();
    // What keeping the place itself allocated does not count; it happens only where something else did before.
    (if first.is_some() { allocations() - before } else { 0 }, first.unwrap_or_default())
}
