//! How much room features may take.

use crate::fetch::Cache;
use crate::machine;
use crate::spec::Spec;

use super::folder::Folder;

/// Where the system does not tell how much memory it has: a third of 6 GiB.
const FALLBACK: u64 = 2 << 30;

/// Room for features, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub memory: u64,
    /// For all files in the cache folder together.
    pub disk: u64,
}

impl Room {
    /// What a spec allows: `features.memory`, else a third of the machine's memory; `features.disk`, else what leaves a
    /// fifth of the disk free.
    pub fn of(spec: &Spec) -> Self {
        let disk = match spec.features.disk {
            Some(bytes) => bytes.0,
            None => Cache::from_env().map_or(0, |cache| Folder::of(&cache).usual_limit()),
        };
        Room {
            disk,
            ..Room::in_memory(spec)
        }
    }

    /// Of memory alone.
    pub fn in_memory(spec: &Spec) -> Self {
        let memory = bytes(spec);
        Room { memory, disk: 0 }
    }

    /// With less memory.
    pub fn less(self, memory: u64) -> Self {
        let memory = self.memory.saturating_sub(memory);
        Room { memory, ..self }
    }
}

/// The bytes of memory that a spec allows.
pub fn bytes(spec: &Spec) -> u64 {
    match spec.features.memory {
        Some(bytes) => bytes.0,
        None => machine::memory().map_or(FALLBACK, |all| all / 3),
    }
}
