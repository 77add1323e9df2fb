//! How much memory a piece of work takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::common::done_alone;

/// Counts the bytes that are allocated.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is the system's allocator's; the numbers are only counted beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps to `GlobalAlloc::alloc`.
        let place = unsafe { System.alloc(layout) };
        if !place.is_null() {
            let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
            PEAK.fetch_max(now, Relaxed);
        }
        place
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps to `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(place, layout) }
    }
}

/// What `work` gives, and the most bytes that were allocated at a time while it was done, by any thread of the process:
/// for tests that are done alone.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = work();
    (result, PEAK.load(Relaxed).saturating_sub(before))
}

#[test]
fn the_peak_is_what_was_there_at_a_time() {
    if done_alone(the_peak_is_what_was_there_at_a_time) {
        return;
    }
    let work = || {
        drop(vec![1u8; 40 << 20]);
        vec![1u8; 30 << 20].len()
    };
    let (length, peak) = peak(work);
    assert_eq!(length, 30 << 20);
    assert!((40 << 20..50 << 20).contains(&peak), "{peak}");
}
