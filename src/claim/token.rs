//! Whether a claim is still held.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shows whether a claim is still held; to be checked just before anything is changed that others can see.
#[derive(Clone, Debug)]
pub struct Token {
    /// The claim's file; none for what nobody needs to claim.
    path: Option<PathBuf>,
    lost: Arc<AtomicBool>,
}

/// Another process has taken this one for dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another process took over while this one was paused")]
struct TakenOver;

/// Whether this is what [`Token::check`] says of a claim that another process has taken over.
pub fn is_taken_over(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<TakenOver>())
}

impl Token {
    /// For the claim with this file.
    pub(super) fn of(path: PathBuf) -> Self {
        Token {
            path: Some(path),
            lost: Arc::default(),
        }
    }

    /// For what every process may write.
    pub fn unclaimed() -> Self {
        Token {
            path: None,
            lost: Arc::default(),
        }
    }

    /// The name of the claim's file in the claimed folder; none for what nobody needs to claim.
    pub fn file_name(&self) -> Option<&OsStr> {
        self.path.as_deref()?.file_name()
    }

    pub(super) fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }

    /// Finds out whether the claim is still held.
    ///
    /// # Errors
    /// One that [`is_taken_over`] where it is not; others where that cannot be known.
    pub fn check(&self) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        if self.is_lost() {
            return Err(io::Error::other(TakenOver));
        }
        match fs::symlink_metadata(path) {
            Ok(_) => Ok(()),
            // A folder that is gone altogether has not been taken over.
            Err(error) if error.kind() == ErrorKind::NotFound && folder_is_there(path) => {
                self.lost.store(true, Ordering::Relaxed);
                Err(io::Error::other(TakenOver))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether it has been found out that another process holds the claim.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Set once that is found out.
    pub fn lost(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.lost)
    }
}

fn folder_is_there(path: &Path) -> bool {
    path.parent().is_some_and(Path::is_dir)
}
