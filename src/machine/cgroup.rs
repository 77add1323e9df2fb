//! The memory that control groups allow: the process's own, and all those above it.

use std::fs;
use std::path::{Path, PathBuf};

/// The files with limits in bytes, of version 2 and of version 1; `max` or a number beyond all memory is no limit.
const LIMITS: [&str; 3] = ["memory.max", "memory.high", "memory.limit_in_bytes"];

/// All limits that hold for a process with these control groups (`/proc/self/cgroup`) and mounts
/// (`/proc/self/mountinfo`), see `man 7 cgroups` and `man 5 proc`.
pub(super) fn limits(groups: &str, mounts: &str) -> Vec<u64> {
    let mut found = Vec::new();
    for group in groups.lines().filter_map(Group::of) {
        let mounts = mounts.lines().filter_map(Mount::of);
        for mount in mounts.filter(|mount| mount.is_of(&group)) {
            for folder in mount.folders(&group) {
                let texts = LIMITS.map(|file| fs::read_to_string(folder.join(file)).ok());
                let numbers = texts.into_iter().flatten();
                found.extend(numbers.filter_map(|text| text.trim().parse::<u64>().ok()));
            }
        }
    }
    found
}

/// A control group that may limit memory.
struct Group<'a> {
    is_version_2: bool,
    path: &'a Path,
}

impl<'a> Group<'a> {
    /// `<hierarchy>:<controllers>:<path>`; version 2 has hierarchy 0 and names no controllers.
    fn of(line: &'a str) -> Option<Self> {
        let mut parts = line.splitn(3, ':');
        let (hierarchy, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let is_version_2 = hierarchy == "0" && controllers.is_empty();
        let limits = is_version_2 || controllers.split(',').any(|name| name == "memory");
        limits.then_some(Group {
            is_version_2,
            path: Path::new(path),
        })
    }
}

/// Where a hierarchy of control groups is to be seen.
struct Mount {
    /// Which of its groups is there.
    root: PathBuf,
    point: PathBuf,
    is_version_2: bool,
    limits_memory: bool,
}

impl Mount {
    /// `<id> <parent> <device> <root> <point> <options> … - <type> <source> <options>`
    fn of(line: &str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (unescaped(fields.next()?), unescaped(fields.next()?));
        let mut system = system.split(' ');
        let (kind, options) = (system.next()?, system.nth(1).unwrap_or_default());
        let is_version_2 = kind == "cgroup2";
        (is_version_2 || kind == "cgroup").then_some(Mount {
            root,
            point,
            is_version_2,
            limits_memory: is_version_2 || options.split(',').any(|name| name == "memory"),
        })
    }

    fn is_of(&self, group: &Group<'_>) -> bool {
        self.limits_memory && self.is_version_2 == group.is_version_2
    }

    /// The group's folder and those above it, as far as they can be seen. In a container that does not know where its
    /// group is, the highest one must do.
    fn folders(&self, group: &Group<'_>) -> Vec<PathBuf> {
        let inside = group.path.strip_prefix(&self.root);
        let inside = inside.or_else(|_| group.path.strip_prefix("/"));
        let own = self.point.join(inside.unwrap_or(Path::new("")));
        let above = own
            .ancestors()
            .take_while(|folder| folder.starts_with(&self.point));
        above.map(Path::to_owned).collect()
    }
}

/// Blanks in paths are written `\040`.
fn unescaped(text: &str) -> PathBuf {
    text.replace("\\040", " ").replace("\\011", "\t").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(folder: &Path, file: &str, limit: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(file), format!("{limit}\n")).unwrap();
    }

    #[test]
    fn the_limits_of_all_groups_above_hold() {
        let tmp = tempfile::tempdir().unwrap();
        let point = tmp.path().join("sys fs");
        group(&point.join("slice/job"), "memory.max", "max");
        group(&point.join("slice/job"), "memory.high", "300");
        group(&point.join("slice"), "memory.max", "200");
        group(&point.join("other"), "memory.max", "1");
        let shown = point.to_str().unwrap().replace(' ', "\\040");
        let mounts = format!("30 23 0:26 / {shown} rw,nosuid - cgroup2 cgroup2 rw\n");
        let mut found = limits("0::/slice/job\n", &mounts);
        found.sort();
        assert_eq!(found, [200, 300]);
    }

    #[test]
    fn in_a_container_the_group_is_found_below_what_is_mounted() {
        let tmp = tempfile::tempdir().unwrap();
        let point = tmp.path().join("memory");
        group(&point, "memory.limit_in_bytes", "100");
        let point = point.to_str().unwrap();
        let mounts = format!(
            "1 0 0:1 / /proc rw - proc proc rw\n\
             36 25 0:31 /docker/a {point} ro - cgroup cgroup rw,memory\n"
        );
        for path in ["/docker/a", "/", "/somewhere/else"] {
            let groups = format!("12:cpu,cpuacct:/b\n5:memory:{path}\n");
            assert_eq!(limits(&groups, &mounts), [100], "{path}");
        }
        assert_eq!(limits("5:cpu:/docker/a\n", &mounts), [0u64; 0]);
    }
}
