//! Processes under names by which others, also on other hosts, can tell whether they live.

use std::fmt;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

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
    pub fn own() -> Self {
        let id = std::process::id();
        let start = started(id);
        Process {
            // A place of its own where its life cannot be looked up.
            place: start.and(place()).unwrap_or_else(nowhere),
            id,
            start: start.unwrap_or(0),
        }
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

    /// Whether it lives; unknown of a process at another place.
    pub fn lives(&self, own: &Process) -> Option<bool> {
        let visible = || fs::read("/proc/1/stat").is_ok();
        let same = self.place == own.place && visible();
        same.then(|| started(self.id) == Some(self.start))
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.place, self.id, self.start)
    }
}

/// The host's name, for people.
pub(super) fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname");
    let name = name.or_else(|_| std::env::var("HOSTNAME"));
    name.map_or("an unnamed host".into(), |name| name.trim().to_owned())
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
    let digest = Sha256::digest(text);
    digest.iter().take(6).map(|b| format!("{b:02x}")).collect()
}

/// When the process was started; none where it is gone, or dead and not yet waited for. Linux only.
fn started(id: u32) -> Option<u64> {
    start_in(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// Field 22 of `/proc/<id>/stat` (see `man proc_pid_stat`), unless the state, field 3, is that of a dead process.
fn start_in(stat: &str) -> Option<u64> {
    // The name, field 2, may hold blanks and brackets.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_place_id_and_start() {
        let own = Process::own();
        assert_eq!(Process::parse(&own.to_string()), Some(own.clone()));
        for wrong in ["", "a-1", "a-b-1", "a-1-1-1"] {
            assert_eq!(Process::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_id_given_again_is_another_process_and_other_places_are_not_judged() {
        let own = Process::own();
        assert_eq!(own.lives(&own), Some(true));
        let earlier = Process {
            start: own.start - 1,
            ..own.clone()
        };
        assert_eq!(earlier.lives(&own), Some(false));
        let elsewhere = Process {
            place: "0".into(),
            ..own.clone()
        };
        assert_eq!(elsewhere.lives(&own), None);
    }

    #[test]
    fn the_start_stands_after_a_name_with_brackets_and_the_dead_have_none() {
        let stat = |state: &str| {
            let fields: Vec<String> = (4..=30).map(|i| i.to_string()).collect();
            format!("7 (a) b) {state} {}", fields.join(" "))
        };
        assert_eq!(start_in(&stat("S")), Some(22));
        assert_eq!(start_in(&stat("Z")), None);
        assert_eq!(start_in("7 (a) S 1"), None);
    }
}
