//! How much memory features may take.

use std::fs;

use crate::spec::Spec;

/// Where the system does not tell how much memory it has: a third of 6 GiB.
const FALLBACK: u64 = 2 << 30;

/// The bytes a spec allows: `features.memory`, else a third of the machine's memory.
pub fn bytes(spec: &Spec) -> u64 {
    match spec.features.memory {
        Some(bytes) => bytes.0,
        None => machine().map_or(FALLBACK, |all| all / 3),
    }
}

/// The machine's memory in bytes, or the control group's where that is less (Linux only).
fn machine() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let physical = total(&read("/proc/meminfo")?)?;
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limits = limits
        .iter()
        .filter_map(|path| read(path)?.trim().parse().ok());
    Some(limits.fold(physical, u64::min))
}

/// `MemTotal` of `/proc/meminfo` in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_memory_is_read_in_kib() {
        let text = "MemTotal:       16384 kB\nMemFree:  1 kB\n";
        assert_eq!(total(text), Some(16 << 20));
        assert_eq!(total("MemFree: 1 kB\n"), None);
    }
}
