//! Where a run's decoded images are kept: in memory, or in the cache folder.

use std::fmt;

use super::need::{Need, PROGRAM};
use super::planned::PlannedRun;
use crate::data::{self, Budget, Counts, Disk, Resizing};
use crate::fetch::Cache;
use crate::foreign;
use crate::machine;
use crate::spec::{Bytes, Problem};
use crate::text::bytes;

/// Between the images the allocator leaves such a part unused, as between everything else.
const UNUSED: u64 = 8;
/// What is left to the system where the machine alone says how much memory there is, and a GPU does the rest: a part.
const LEFT: u64 = 2;

const KEY: &str = "dataset.memory";
const HELP: &str =
    "set RUNNER_CACHE to a folder with room, raise dataset.memory, or lower backbone.input_size";

/// Decoded images of a run, which are of the network's size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedImages {
    /// All of them, in bytes.
    pub bytes: u64,
    limit: Limit,
}

/// How much memory they may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// `dataset.memory`.
    Set(Bytes),
    /// What the machine has beside what the run takes for other things, in bytes.
    Spare(u64),
    /// The system does not tell.
    Unknown,
}

impl DecodedImages {
    /// Those of a run; none where images are kept as they are stored.
    pub fn of(planned: &PlannedRun) -> Option<Self> {
        let is_decoded = planned.run.spec.dataset.name.image.is_none();
        let images = planned.images.filter(|_| is_decoded)?;
        Some(DecodedImages {
            bytes: of_network(planned).saturating_mul(count(images) as u64),
            limit: Limit::of(planned),
        })
    }

    /// Whether they are more than memory is for.
    pub fn are_on_disk(&self) -> bool {
        self.bytes > self.limit.bytes()
    }

    /// How many bytes, and where: a line.
    pub fn describe(&self) -> String {
        let all = bytes(self.bytes);
        match (self.are_on_disk(), self.limit) {
            (true, _) => format!("{all} on disk"),
            (false, Limit::Set(memory)) => {
                format!("{all} in memory (dataset.memory = \"{memory}\")")
            }
            (false, Limit::Spare(_) | Limit::Unknown) => format!("{all} in memory"),
        }
    }

    /// Why they are on the disk, and where: a line; none where they are in memory.
    pub fn note(&self, planned: &PlannedRun) -> Option<String> {
        if !self.are_on_disk() {
            return None;
        }
        let (all, limit) = (bytes(self.bytes), self.limit);
        let before = format!("the decoded images take {all}, more than {limit}: they are");
        let Some(disk) = disk(planned) else {
            return Some(format!("{before} kept in the cache folder"));
        };
        let folder = foreign::path(&disk.folder);
        Some(match (disk.kept >= self.bytes, disk.free) {
            (true, _) => format!("{before} read from {folder}, where they lie already"),
            (false, Some(free)) => format!(
                "{before} decoded into {folder}, where {} can be had",
                bytes(free)
            ),
            (false, None) => format!("{before} decoded into {folder}"),
        })
    }

    /// What is wrong with a disk that has too little room for them.
    fn beyond(&self, disk: &Disk) -> Option<Problem> {
        let free = disk.free?;
        let missing = self.bytes.saturating_sub(disk.kept);
        (missing > free).then(|| {
            let message = format!(
                "the decoded images take {}, more than {}, and {} has {} for them",
                bytes(self.bytes),
                self.limit,
                foreign::path(&disk.folder),
                bytes(free)
            );
            Problem::new(KEY, message).help(HELP)
        })
    }
}

impl Limit {
    fn of(planned: &PlannedRun) -> Self {
        if let Some(memory) = planned.run.spec.dataset.memory {
            return Limit::Set(memory);
        }
        let Some(all) = machine::memory() else {
            return Limit::Unknown;
        };
        if !planned.device.device.is_cpu() {
            return Limit::Spare(all / LEFT);
        }
        let others = Need::without_images(planned).all();
        let spare = all.saturating_sub(PROGRAM).saturating_sub(others);
        Limit::Spare(spare - spare / (UNUSED + 1))
    }

    fn bytes(self) -> u64 {
        match self {
            Limit::Set(memory) => memory.0,
            Limit::Spare(bytes) => bytes,
            Limit::Unknown => u64::MAX,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Set(memory) => write!(f, "dataset.memory = \"{memory}\" allows"),
            Limit::Spare(0) => f.write_str("the memory that the run leaves, which is none"),
            Limit::Spare(spare) => {
                write!(f, "the {} of memory that the run leaves", bytes(*spare))
            }
            Limit::Unknown => f.write_str("there is memory for"),
        }
    }
}

/// The memory that a run's decoded images may take, and where they go beyond it.
pub fn budget(planned: &PlannedRun) -> Budget {
    Budget {
        memory: Limit::of(planned).bytes(),
        cache: cache().and_then(|cache| cache.root().map(Into::into)),
    }
}

/// Finds out whether the disk has room for decoded images that are more than memory is for.
///
/// # Errors
/// Too little room: how much is missing.
pub fn check_disk(planned: &PlannedRun) -> Result<(), Problem> {
    let Some(images) = DecodedImages::of(planned).filter(DecodedImages::are_on_disk) else {
        return Ok(());
    };
    if cache().is_none_or(|cache| cache.root().is_none()) {
        let (all, limit) = (bytes(images.bytes), images.limit);
        let message = format!(
            "the decoded images take {all}, more than {limit}, and there is no cache folder"
        );
        return Err(Problem::new(KEY, message).help(HELP));
    }
    let problem = disk(planned).and_then(|disk| images.beyond(&disk));
    problem.map_or(Ok(()), Err)
}

fn cache() -> Option<Cache> {
    Cache::from_env().ok()
}

/// What they take on the disk; none where that cannot be told before the run.
fn disk(planned: &PlannedRun) -> Option<Disk> {
    let (spec, cache) = (&planned.run.spec, cache()?);
    let size = spec.backbone.input_size;
    let resizing = planned.preparation.as_ref();
    let resizing = resizing.map_or(Resizing::squash(size), |preparation| preparation.resizing);
    data::disk(&spec.dataset, (resizing, spec.seed), cache.root()?).ok()
}

/// Bytes of an image in the size that the network takes.
fn of_network(planned: &PlannedRun) -> u64 {
    3 * planned.run.spec.backbone.input_size.pixels() as u64
}

fn count(images: Counts) -> usize {
    images.train + images.validation + images.test
}

impl Need {
    /// Before anything is read; with `unknown` images in a part of which the number is not known.
    pub fn planned(planned: &PlannedRun, unknown: usize) -> Self {
        let counts = planned.images.unwrap_or(Counts {
            train: unknown,
            validation: unknown,
            test: unknown,
            ..Counts::default()
        });
        let are_on_disk = DecodedImages::of(planned).is_some_and(|images| images.are_on_disk());
        let each = planned.footprint.kept.unwrap_or(of_network(planned));
        let images = match are_on_disk {
            true => 0,
            false => each.saturating_mul(count(counts) as u64),
        };
        let all_else = Need::of_counts(planned, counts, are_on_disk);
        Need {
            images: all_else.images.saturating_add(images),
            ..all_else
        }
    }

    /// What a run takes for all else than its images.
    fn without_images(planned: &PlannedRun) -> Self {
        Need::of_counts(planned, planned.images.unwrap_or_default(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_with_too_little_room_is_refused_unless_the_images_are_there() {
        let images = DecodedImages {
            bytes: 5 << 30,
            limit: Limit::Set(Bytes(1 << 30)),
        };
        let disk = |kept: u64, free| Disk {
            folder: "cache/images".into(),
            kept: kept << 30,
            free,
        };
        let problem = images.beyond(&disk(0, Some(4 << 30))).unwrap();
        let says = "the decoded images take 5.0 GiB, more than dataset.memory = \"1GiB\" allows, and cache/images has 4.0 GiB for them";
        assert_eq!(problem.message, says);
        assert!(images.beyond(&disk(1, Some(4 << 30))).is_none());
        assert!(images.beyond(&disk(5, Some(0))).is_none());
        assert!(images.beyond(&disk(0, None)).is_none());
    }
}
