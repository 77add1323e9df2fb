//! How much memory features may take.

use crate::machine;
use crate::spec::Spec;

/// Where the system does not tell how much memory it has: a third of 6 GiB.
const FALLBACK: u64 = 2 << 30;

/// The bytes a spec allows: `features.memory`, else a third of the machine's memory.
pub fn bytes(spec: &Spec) -> u64 {
    match spec.features.memory {
        Some(bytes) => bytes.0,
        None => machine::memory().map_or(FALLBACK, |all| all / 3),
    }
}
