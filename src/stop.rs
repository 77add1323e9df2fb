//! Asking the work to stop at its next good place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A wish to stop, shared by all that work.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    all: Arc<AtomicBool>,
    /// For a part of the work alone.
    part: Option<Arc<AtomicBool>>,
}

/// The work was stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped by the user")]
pub struct Interrupted;

impl Stop {
    /// Whether the work is to stop.
    pub fn is_requested(&self) -> bool {
        let part = self.part.iter();
        let mut flags = part.chain([&self.all]);
        flags.any(|flag| flag.load(Ordering::Relaxed))
    }

    /// For a part of the work that also stops once `flag` is set.
    pub fn or(&self, flag: Arc<AtomicBool>) -> Self {
        Stop {
            all: Arc::clone(&self.all),
            part: Some(flag),
        }
    }

    /// # Errors
    /// Where the work is to stop.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_requested() {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }

    /// What a signal is to set.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.all)
    }
}

/// A file that grows beyond the process's limit (`ulimit -f`) is an error of the write, as on a full disk, and not the end
/// of the process without a word.
pub fn survive_file_limits() {
    #[cfg(unix)]
    // SAFETY: ignoring a signal runs no code of ours.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}
