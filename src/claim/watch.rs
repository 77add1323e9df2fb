//! Processes elsewhere, known to live only by their touching of their claims.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// What is known of a claim's owner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub lives: bool,
    /// Whether it is known, or only not known to be otherwise.
    pub certain: bool,
}

/// When claims were seen to be touched, by the clock of this process.
#[derive(Debug)]
pub(super) struct Watch {
    /// One that is not touched for so long is a dead process's.
    stale: Duration,
    seen: Mutex<HashMap<PathBuf, Seen>>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    touched: SystemTime,
    since: Instant,
    /// Whether it was touched while it was watched.
    alive: bool,
}

impl Watch {
    pub fn new(stale: Duration) -> Self {
        Watch {
            stale,
            seen: Mutex::default(),
        }
    }

    /// Whether the owner of a claim lives; none where the claim is gone. One that cannot be looked at is not dead.
    pub fn look(&self, path: &Path) -> Option<Life> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let touched = match touched(path) {
            Ok(touched) => touched,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                seen.remove(path);
                return None;
            }
            Err(_) => {
                return Some(Life {
                    lives: true,
                    certain: false,
                });
            }
        };
        let now = Instant::now();
        let last = seen.entry(path.to_owned()).or_insert(Seen {
            touched,
            since: now,
            alive: false,
        });
        if last.touched != touched {
            *last = Seen {
                touched,
                since: now,
                alive: true,
            };
        }
        let lives = now.duration_since(last.since) <= self.stale;
        Some(Life {
            lives,
            certain: last.alive || !lives,
        })
    }
}

/// When a file was touched. Opened, as shared folders may keep what they know of a closed file for a while; where there
/// is no file descriptor left, what they know must do.
fn touched(path: &Path) -> io::Result<SystemTime> {
    let opened = File::open(path).and_then(|file| file.metadata()?.modified());
    match opened {
        Err(error) if error.kind() != ErrorKind::NotFound => fs::metadata(path)?.modified(),
        known => known,
    }
}
