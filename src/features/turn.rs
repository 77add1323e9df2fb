//! Which of several processes computes features that all of them want.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::claim::{Attempt, Claim, Claims};
use crate::progress::Progress;
use crate::stop::{Interrupted, Stop};

/// How the names of the folders end that the one who computes holds.
pub(super) const ENDING: &str = "computing";
/// Between two looks whether features are there.
const PAUSE: Duration = Duration::from_millis(300);
/// How often a folder may vanish that is being claimed.
const TRIES: usize = 20;

/// Whose turn it is.
pub(super) enum Turn {
    /// This process's, until it is dropped.
    Own(Option<Held>),
    /// Nobody's: another process has computed the features meanwhile.
    Over,
}

/// The right to compute what is to be in a file.
pub(super) struct Held {
    folder: PathBuf,
    claim: Option<Claim>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.claim.take();
        // Another that waits may hold it by now.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Waits until the features of `file` are there, or nobody else computes them. Who dies, or gives up, is followed by the
/// next.
///
/// # Errors
/// The work is to stop; a folder that cannot be written.
pub(super) fn wait(
    file: &Path,
    (claims, stop): (&Claims, &Stop),
    what: &str,
    progress: &dyn Progress,
) -> io::Result<Result<Turn, Interrupted>> {
    let folder = file.with_extension(ENDING);
    let (mut is_waiting, mut vanished) = (false, 0);
    let turn = loop {
        let attempt = fs::create_dir_all(&folder).and_then(|()| claims.attempt(&folder));
        match attempt {
            Ok(Attempt::Held(claim)) => {
                let held = Held {
                    folder,
                    claim: Some(claim),
                };
                break match file.exists() {
                    true => Ok(Turn::Over),
                    false => Ok(Turn::Own(Some(held))),
                };
            }
            Ok(Attempt::Taken(owner)) if !is_waiting => {
                progress.start(
                    &format!("Waiting for {owner} to compute {what}"),
                    None,
                    false,
                );
                is_waiting = true;
            }
            Ok(Attempt::Taken(_)) => {}
            // Its last owner has removed it in between.
            Err(error) if error.kind() == ErrorKind::NotFound && vanished < TRIES => vanished += 1,
            Err(error) => {
                if is_waiting {
                    progress.finish();
                }
                return Err(error);
            }
        }
        if let Err(interrupted) = stop.check() {
            break Err(interrupted);
        }
        if file.exists() {
            break Ok(Turn::Over);
        }
        thread::sleep(PAUSE);
    };
    if is_waiting {
        progress.finish();
    }
    Ok(turn)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::progress::NoProgress;

    #[test]
    fn of_many_who_want_the_same_one_computes_and_the_next_follows_who_gives_up() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("a.features");
        let (computed, over, at_once) = Default::default();
        let count = |count: &AtomicUsize| count.fetch_add(1, Ordering::SeqCst);
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let claims = Claims::new(1.0);
                    let turn = wait(&file, (&claims, &Stop::default()), "it", &NoProgress);
                    match turn.unwrap().unwrap() {
                        Turn::Over => count(&over),
                        Turn::Own(held) => {
                            assert_eq!(count(&at_once), 0);
                            thread::sleep(PAUSE / 3);
                            // The first gives up.
                            if count(&computed) == 1 {
                                fs::write(&file, "").unwrap();
                            }
                            at_once.fetch_sub(1, Ordering::SeqCst);
                            drop(held);
                            0
                        }
                    };
                });
            }
        });
        let counts = [&computed, &over].map(|count: &AtomicUsize| count.load(Ordering::SeqCst));
        assert_eq!(counts, [2, 4]);
        assert!(!file.with_extension(ENDING).exists());
    }

    #[test]
    fn who_waits_stops_when_the_work_is_to_stop() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("a.features");
        let (claims, stop) = (Claims::new(1.0), Stop::default());
        let first = wait(&file, (&claims, &stop), "it", &NoProgress);
        let flag = stop.flag();
        flag.store(true, Ordering::SeqCst);
        let second = wait(&file, (&Claims::new(1.0), &stop), "it", &NoProgress);
        assert!(second.unwrap().is_err());
        drop(first);
    }
}
