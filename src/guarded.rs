//! Panics of libraries on damaged files, caught and not shown.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Calls of [`guarded`] at work.
static GUARDED: AtomicUsize = AtomicUsize::new(0);

/// What `read` gives, or the panic that it ended with: polars and hdf5-pure panic on some damaged files.
pub fn guarded<T>(read: impl FnOnce() -> T) -> thread::Result<T> {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            GUARDED.fetch_sub(1, Ordering::SeqCst);
        }
    }
    GUARDED.fetch_add(1, Ordering::SeqCst);
    let _guard = Guard;
    catch_unwind(AssertUnwindSafe(read))
}

/// Whether a panic of a library, on any thread, may be one that [`guarded`] catches.
pub fn is_guarded() -> bool {
    GUARDED.load(Ordering::SeqCst) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_expected_only_while_its_catcher_reads() {
        let outer = guarded(|| {
            assert!(guarded(|| -> () { panic!("damaged") }).is_err());
            is_guarded()
        });
        assert!(outer.is_ok_and(|still| still));
    }
}
