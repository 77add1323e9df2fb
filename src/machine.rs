//! What the machine has.

mod cgroup;

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// The memory the process can have in bytes: the machine's, or the limit of its control groups, of any of those above
/// them, or of the process itself where that is less (Linux only). Looked up once.
pub fn memory() -> Option<u64> {
    static MEMORY: OnceLock<Option<u64>> = OnceLock::new();
    *MEMORY.get_or_init(look_up_memory)
}

fn look_up_memory() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let physical = total(&read("/proc/meminfo")?)?;
    let groups = read("/proc/self/cgroup").zip(read("/proc/self/mountinfo"));
    let groups = groups.map_or(Vec::new(), |(groups, mounts)| {
        cgroup::limits(&groups, &mounts)
    });
    let own = read("/proc/self/limits").and_then(|limits| address_space(&limits));
    Some(groups.into_iter().chain(own).fold(physical, u64::min))
}

/// The bytes that can be written to the disk of a folder, which need not be there yet; none where the system does not tell.
pub fn free_disk(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    fs4::available_space(there).ok()
}

/// The size in bytes of the disk of a folder, which need not be there yet; none where the system does not tell.
pub fn whole_disk(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    fs4::total_space(there).ok()
}

/// How many processes the system has killed since it was started, for lack of memory, and which start that was (Linux
/// only).
pub fn killed_for_memory() -> Option<(u64, String)> {
    let statistics = fs::read_to_string("/proc/vmstat").ok()?;
    let kills = oom_kills(&statistics)?;
    Some((kills, boot()?.to_owned()))
}

/// Which start of the system this is; looked up once.
fn boot() -> Option<&'static str> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let look_up = || fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let boot = BOOT.get_or_init(look_up).as_deref();
    boot.map(str::trim)
}

/// `oom_kill` of `/proc/vmstat`.
fn oom_kills(statistics: &str) -> Option<u64> {
    let line = statistics
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

/// The machine in a line: processor, cores, memory, system; looked up once.
pub fn describe() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(look_at)
}

fn look_at() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    });
    let cores = std::thread::available_parallelism().map(|n| format!("{n} cores"));
    let memory = memory().map(|bytes| format!("{:.0} GiB", bytes as f64 / (1u64 << 30) as f64));
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let parts = [name, cores.ok(), memory, Some(system)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `MemTotal` of `/proc/meminfo` in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The soft limit of the address space in `/proc/self/limits`; none where it is unlimited.
fn address_space(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
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

    #[test]
    fn kills_for_lack_of_memory_are_counted_by_the_system() {
        assert_eq!(oom_kills("pgfault 3\noom_kill 7\nx 1\n"), Some(7));
        assert_eq!(oom_kills("pgfault 3\n"), None);
    }

    #[test]
    fn the_soft_limit_of_the_address_space_is_read_in_bytes() {
        let line =
            |soft| format!("Limit  Soft Limit\nMax address space  {soft}  unlimited  bytes\n");
        assert_eq!(address_space(&line("4096")), Some(4096));
        assert_eq!(address_space(&line("unlimited")), None);
    }
}
