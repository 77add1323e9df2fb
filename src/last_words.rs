//! What a process that ends itself leaves behind: where the system refuses it memory, it aborts, and nothing of it can
//! be written any more but what was prepared before.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

/// The event's name.
pub const EVENT: &str = "aborted";
/// A line of a log.
const LINE: &[u8] = b"{\"event\":\"aborted\"}\n";
/// No file.
const NONE: i32 = -1;

/// The files that get the line.
static FILES: [AtomicI32; 64] = [const { AtomicI32::new(NONE) }; 64];

/// Has the line written into a file until this is dropped.
#[derive(Debug)]
pub struct Prepared(Option<&'static AtomicI32>);

/// Has the line written into `file`, which must be open until the result is dropped; not where too many are prepared.
pub fn prepare(file: &File) -> Prepared {
    #[cfg(unix)]
    {
        use std::os::fd::AsRawFd;
        let file = file.as_raw_fd();
        let take = |slot: &&AtomicI32| {
            let (order, other) = (Ordering::SeqCst, Ordering::Relaxed);
            slot.compare_exchange(NONE, file, order, other).is_ok()
        };
        Prepared(FILES.iter().find(take))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Prepared(None)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Some(slot) = self.0 {
            slot.store(NONE, Ordering::SeqCst);
        }
    }
}

/// From now on, a process that aborts writes the line.
///
/// # Errors
/// A system that takes no handler.
pub fn listen() -> io::Result<()> {
    #[cfg(unix)]
    // SAFETY: the handler only loads atomics and calls `write`, which a signal handler may.
    unsafe {
        signal_hook::low_level::register(signal_hook::consts::SIGABRT, || {
            for slot in &FILES {
                let file = slot.load(Ordering::SeqCst);
                if file != NONE {
                    let _ = libc::write(file, LINE.as_ptr().cast(), LINE.len());
                }
            }
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_an_event_of_that_name() {
        let event: serde_json::Value = serde_json::from_slice(LINE).unwrap();
        assert_eq!(event["event"], EVENT);
    }

    #[test]
    #[cfg(unix)]
    fn places_are_given_back() {
        let file = tempfile::tempfile().unwrap();
        for _ in 0..3 {
            let all: Vec<Prepared> = (0..FILES.len()).map(|_| prepare(&file)).collect();
            drop(all);
        }
        let one = prepare(&file);
        assert!(one.0.is_some());
    }
}
