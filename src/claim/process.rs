//! Processes under names by which others, also on other hosts, can tell whether they live.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::text::hex;
use sha2::{Digest, Sha256};

/// A process, written `<place>-<id>-<start>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// The host since it was booted, and the container; no other place has it.
    place: String,
    id: u32,
    /// When it was started, in the kernel's ticks: ids are given again.
    start: u64,
}

impl Process {
    /// This process, looked up once.
    pub fn own() -> &'static Self {
        static OWN: OnceLock<Process> = OnceLock::new();
        OWN.get_or_init(|| {
            let id = std::process::id();
            let start = match started(id) {
                Ok(Life::Since(start)) => Some(start),
                _ => None,
            };
            Process {
                // A place of its own where its life cannot be looked up.
                place: start.and(place()).unwrap_or_else(nowhere),
                id,
                start: start.unwrap_or(0),
            }
        })
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let process = Process {
            place: parts.next()?.to_owned(),
            id: parts.next()?.parse().ok()?,
            start: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(process)
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether it lives. Unknown of a process at another place, and of one that cannot be looked at: only a process
    /// that the system does not know, or an id that another process has by now, is dead. Hidden processes, and a lack
    /// of file descriptors or of rights here, say nothing.
    pub fn lives(&self, own: &Process) -> Option<bool> {
        if self.place != own.place {
            return None;
        }
        if is_gone(self.id) {
            return Some(false);
        }
        match started(self.id) {
            Ok(Life::Since(start)) => Some(start == self.start),
            Ok(Life::Over) => Some(false),
            // It may have ended in between.
            Err(_) => is_gone(self.id).then_some(false),
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.place, self.id, self.start)
    }
}

/// The host's name, for people; looked up once.
pub(super) fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| {
        let name = fs::read_to_string("/proc/sys/kernel/hostname");
        let name = name.or_else(|_| std::env::var("HOSTNAME"));
        name.map_or("an unnamed host".into(), |name| name.trim().to_owned())
    })
}

/// Linux only.
fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // Containers of one host have process ids of their own.
    let ids = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(short_hash(&format!("{} {boot} {ids:?}", host())))
}

fn nowhere() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_nanos());
    short_hash(&format!("{} {} {now}", host(), std::process::id()))
}

fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text)[..6])
}

/// What the system knows of a process that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Since this time, in the kernel's ticks.
    Since(u64),
    /// It is dead, and not yet waited for.
    Over,
}

/// Whether the system has no process of this id. Needs no file descriptor and sees processes that `/proc` hides.
#[cfg(unix)]
fn is_gone(id: u32) -> bool {
    let Ok(id) = libc::pid_t::try_from(id) else {
        return true;
    };
    // SAFETY: signal 0 is not sent; the call only looks whether it could be.
    let found = unsafe { libc::kill(id, 0) };
    found != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

#[cfg(not(unix))]
fn is_gone(_: u32) -> bool {
    false
}

/// Since when a process lives. Linux only.
fn started(id: u32) -> io::Result<Life> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    life_in(&stat).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// Field 22 of `/proc/<id>/stat` (see `man proc_pid_stat`), unless the state, field 3, is that of a dead process.
fn life_in(stat: &str) -> Option<Life> {
    // The name, field 2, may hold blanks and brackets.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?.parse().ok()?;
    Some(match state {
        "Z" | "X" => Life::Over,
        _ => Life::Since(start),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_place_id_and_start() {
        let own = Process::own();
        assert_eq!(Process::parse(&own.to_string()).as_ref(), Some(own));
        for wrong in ["", "a-1", "a-b-1", "a-1-1-1"] {
            assert_eq!(Process::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_id_given_again_is_another_process_and_other_places_are_not_judged() {
        let own = Process::own();
        assert_eq!(own.lives(own), Some(true));
        let earlier = Process {
            start: own.start - 1,
            ..own.clone()
        };
        assert_eq!(earlier.lives(own), Some(false));
        let elsewhere = Process {
            place: "0".into(),
            ..own.clone()
        };
        assert_eq!(elsewhere.lives(own), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_cannot_be_looked_at_is_not_dead() {
        // Of the system's first process, others may see no more than that it is there.
        assert!(!is_gone(1));
        assert!(is_gone(u32::MAX));
        let own = Process::own();
        let first = Process {
            id: 1,
            start: u64::MAX,
            ..own.clone()
        };
        let seen = started(1).is_ok();
        assert_eq!(first.lives(own), seen.then_some(false));
    }

    #[test]
    fn the_start_stands_after_a_name_with_brackets_and_the_dead_have_none() {
        let stat = |state: &str| {
            let fields: Vec<String> = (4..=30).map(|i| i.to_string()).collect();
            format!("7 (a) b) {state} {}", fields.join(" "))
        };
        assert_eq!(life_in(&stat("S")), Some(Life::Since(22)));
        assert_eq!(life_in(&stat("Z")), Some(Life::Over));
        assert_eq!(life_in("7 (a) S 1"), None);
    }
}
