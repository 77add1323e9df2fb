//! Who does what, among processes and hosts that share a folder.
//!
//! A claim on a folder is a file in it whose name says whose it is. Who wants a folder creates its file, and looks for
//! others' only then: of any two, the one that looks later sees the other, so that no two find themselves alone. Who
//! is alone holds the folder. Else the one whose name comes first waits a moment for the others to step back.
//!
//! The claims of the dead are removed by whoever sees them. A process of the same host and container is dead when it
//! is gone, also where its id is another's by now; one elsewhere when its file has not been touched for a while, by
//! the clock of the one who watches, or at once where it was an earlier start of the same task of a batch system. A name
//! is never used again, so that what is removed cannot be somebody else's.
//!
//! A process that is taken for dead may only have been paused: a suspended machine, a stalled network disk. When it
//! wakes it must not write over what its successor has written. So each claim has a [`Token`], which whoever writes
//! into the folder checks just before the file gets its name; and whoever takes a folder over removes the unfinished
//! files of others in it (see [`crate::atomic`]) *after* the old claim and *before* reading anything. A sleeper whose
//! check passed thus began its file before it was taken over, and the renaming of that file fails; one whose check
//! comes later sees that its claim is gone.

mod process;
mod task;
#[cfg(test)]
mod tests;
mod token;
mod watch;

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use process::{Process, host};
use task::Task;
pub use token::{Token, is_taken_over};
use watch::{Life, Watch};

use crate::stop::Stop;

/// How the names of claims begin.
const PREFIX: &str = "claim-";
/// Claims are touched this often.
const BEAT: Duration = Duration::from_secs(10);
/// One elsewhere that is not touched for so long is a dead process's.
const STALE: Duration = Duration::from_secs(60);
/// Others that came at the same time have stepped back after this.
const MOMENT: Duration = Duration::from_millis(50);
/// Between two looks at a folder that is to be free in a moment.
const PAUSE: Duration = Duration::from_millis(2);
/// The longest pause between two looks of many that wait for one folder.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// A folder is still waited for so long once the work is to stop: what is done is then recorded.
const GRACE: Duration = Duration::from_secs(2);

/// This process as it stands in the names of its files; no other process has ever had this name.
pub(crate) fn own_name() -> String {
    Process::own().to_string()
}

/// Whether the process of this name is known to be dead.
pub(crate) fn is_dead(name: &str) -> bool {
    let process = Process::parse(name);
    process.is_some_and(|process| process.lives(Process::own()) == Some(false))
}

/// The claims of this process.
#[derive(Debug)]
pub struct Claims {
    shared: Arc<Shared>,
    /// Its end ends the thread that touches the files.
    _alive: Sender<()>,
}

#[derive(Debug)]
struct Shared {
    held: Mutex<HashMap<PathBuf, Token>>,
    elsewhere: Watch,
}

/// A folder that is this process's until this is dropped.
#[derive(Debug)]
pub struct Claim {
    token: Token,
    shared: Arc<Shared>,
    /// The dead whose claims were there.
    before: Vec<Owner>,
}

/// Another process's claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    text: String,
    /// Whether it is known to live, or only not known to be dead.
    certain: bool,
}

/// What comes of wanting a folder.
#[derive(Debug)]
pub enum Attempt {
    Held(Claim),
    Taken(Owner),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Owner {
    /// One of which nothing is known but that it lives.
    pub fn another() -> Self {
        Owner {
            text: "another process".into(),
            certain: false,
        }
    }
}

impl Claims {
    /// No claims yet. Processes elsewhere have `patience` times a minute to show that they live.
    pub fn new(patience: f64) -> Self {
        let shared = Arc::new(Shared {
            held: Mutex::default(),
            elsewhere: Watch::new(STALE.mul_f64(patience)),
        });
        let (_alive, ends) = channel();
        let (every, touched) = (BEAT.mul_f64(patience), Arc::clone(&shared));
        thread::spawn(move || {
            while ends.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                touched.touch();
            }
        });
        Claims { shared, _alive }
    }

    /// Wants a folder.
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub fn attempt(&self, folder: &Path) -> io::Result<Attempt> {
        let mut before = Vec::new();
        let (there, _) = self.shared.others(folder, None, &mut before)?;
        if let Some(owner) = there {
            return Ok(Attempt::Taken(owner));
        }
        let mut claim = Claim::announce(folder, &self.shared)?;
        let end = Instant::now() + MOMENT;
        loop {
            let own = claim.token.path().to_owned();
            let (there, is_before) = self.shared.others(folder, Some(&own), &mut before)?;
            match there {
                None => match claim.token.check() {
                    Ok(()) => {
                        claim.before = before;
                        return Ok(Attempt::Held(claim));
                    }
                    // This process slept while it announced itself.
                    Err(error) if is_taken_over(&error) => {
                        claim = Claim::announce(folder, &self.shared)?;
                    }
                    Err(error) => return Err(error),
                },
                Some(owner) if is_before || Instant::now() >= end => {
                    return Ok(Attempt::Taken(owner));
                }
                Some(_) => thread::sleep(PAUSE),
            }
        }
    }

    /// The other process that holds a folder, if any does.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn owner(&self, folder: &Path) -> io::Result<Option<Owner>> {
        let (owner, _) = self.shared.others(folder, None, &mut Vec::new())?;
        Ok(owner)
    }

    /// Wants a folder until it is clear whether its owner lives, or the work is to stop.
    ///
    /// # Errors
    /// As [`Claims::attempt`].
    pub fn settle(&self, folder: &Path, stop: &Stop) -> io::Result<Attempt> {
        loop {
            match self.attempt(folder)? {
                Attempt::Taken(owner) if !owner.certain && !stop.is_requested() => {
                    thread::sleep(MOMENT);
                }
                settled => return Ok(settled),
            }
        }
    }

    /// Waits for a folder that nobody holds for long; not much longer once the work is to stop.
    ///
    /// # Errors
    /// As [`Claims::attempt`]; who holds it, where the work is to stop.
    pub fn lock(&self, folder: &Path, stop: &Stop) -> io::Result<Claim> {
        let (mut pause, mut waited) = (PAUSE, Duration::ZERO);
        loop {
            let owner = match self.attempt(folder)? {
                Attempt::Held(claim) => return Ok(claim),
                Attempt::Taken(owner) => owner,
            };
            if stop.is_requested() && waited >= GRACE {
                let text = format!("{owner} is writing there; it was not waited for any longer");
                return Err(io::Error::new(ErrorKind::Interrupted, text));
            }
            let now = jittered(pause);
            thread::sleep(now);
            if stop.is_requested() {
                waited += now;
            }
            pause = LONGEST_PAUSE.min(pause * 3 / 2);
        }
    }
}

/// Between half of a pause and one and a half, so that those who wait together do not look together.
fn jittered(pause: Duration) -> Duration {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let seed = n.wrapping_mul(1 << 32) ^ u64::from(std::process::id());
    // Knuth's multiplicative hash; its upper bits.
    let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    pause.mul_f64(0.5 + random as f64 / f64::from(1 << 24))
}

impl Claim {
    fn announce(folder: &Path, shared: &Arc<Shared>) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{PREFIX}{}.{n}", Process::own()));
        let mut file = File::create_new(&path)?;
        // For people, and for the task's next start; on a full disk the name must do.
        let mut text = format!("process {} on {}\n", Process::own().id(), host());
        text.extend(Task::own().map(|task| task.to_line() + "\n"));
        let _ = file.write_all(text.as_bytes());
        let token = Token::of(path.clone());
        shared.held().insert(path, token.clone());
        Ok(Claim {
            token,
            shared: Arc::clone(shared),
            before: Vec::new(),
        })
    }

    /// The dead processes that had it.
    pub fn before(&self) -> &[Owner] {
        &self.before
    }

    /// Shows whether this claim is still held.
    pub fn token(&self) -> &Token {
        &self.token
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let path = self.token.path();
        self.shared.held().remove(path);
        // One that stays is a dead process's soon.
        let _ = fs::remove_file(path);
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, HashMap<PathBuf, Token>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows that this process lives, and finds out what was taken from it.
    fn touch(&self) {
        let held = self.held().clone();
        for (path, token) in held {
            let file = OpenOptions::new().write(true).open(&path);
            let touched = file.and_then(|file| file.set_modified(SystemTime::now()));
            // One that was given back in between is not lost.
            if touched.is_err() && self.held().contains_key(&path) {
                let _ = token.check();
            }
        }
    }

    /// The living claim on a folder whose name comes first, and whether it comes before `mine`; the dead are removed.
    fn others(
        &self,
        folder: &Path,
        mine: Option<&Path>,
        dead: &mut Vec<Owner>,
    ) -> io::Result<(Option<Owner>, bool)> {
        let mut living: Vec<(PathBuf, Owner)> = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Some(name) = name.strip_prefix(PREFIX) else {
                continue;
            };
            if mine == Some(&path) {
                continue;
            }
            let process = name.split_once('.').and_then(|(p, _)| Process::parse(p));
            let text = fs::read_to_string(&path).unwrap_or_default();
            let is_earlier = Task::own().is_some_and(|task| task.follows(&text));
            let text = match (text.lines().next().unwrap_or("").trim(), &process) {
                ("", Some(process)) => format!("process {}", process.id()),
                ("", None) => format!("the owner of {}", path.display()),
                (text, _) => text.to_owned(),
            };
            let known = process.and_then(|process| process.lives(Process::own()));
            let known = known.or(is_earlier.then_some(false));
            let certain = |lives| Life {
                lives,
                certain: true,
            };
            let Some(life) = known.map(certain).or_else(|| self.elsewhere.look(&path)) else {
                continue;
            };
            let owner = Owner {
                text,
                certain: life.certain,
            };
            if life.lives {
                living.push((path, owner));
            } else {
                // As long as it is there, its owner may wake and write. Somebody else may have removed it.
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => dead.push(owner),
                }
            }
        }
        living.sort_by(|a, b| a.0.cmp(&b.0));
        let first = living.into_iter().next();
        let is_before = first
            .as_ref()
            .is_some_and(|(path, _)| mine.is_some_and(|mine| path.as_path() < mine));
        Ok((first.map(|(_, owner)| owner), is_before))
    }
}

/// Who claims a folder, in words, whether alive or dead: `process 7 on node3`.
pub fn claimant(folder: &Path) -> Option<String> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mut claims = entries.filter(is_claim);
    let text = fs::read_to_string(claims.next()?.path()).ok()?;
    Some(text.lines().next()?.trim().to_owned())
}

fn is_claim(entry: &fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with(PREFIX)
}

/// Whether a folder has the claim of anybody, alive or dead.
pub fn is_claimed(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| is_claim(&entry)))
}
