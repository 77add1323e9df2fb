//! What is worth keeping, and where.

use std::fmt;
use std::sync::Arc;

use super::Split;
use super::budget::{self, Room};
use crate::data::{Counts, View};
use crate::model::Blueprint;
use crate::spec::{Bytes, Spec};

/// Multiply-accumulates a second, for estimates only: two cores of a small machine; a GPU.
const PROCESSOR: f64 = 50e9;
const GPU: f64 = 5e12;
/// Bytes a second that gathering a batch copies from memory.
const COPYING: f64 = 5e9;
/// Bytes a second that a disk gives and takes.
const DISK: f64 = 500e6;
/// Features go to the cache folder where computing them takes at least so many seconds, by the estimate.
const LONG: f64 = 1.0;

/// Where features are kept; at least one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    pub memory: bool,
    /// The cache folder.
    pub disk: bool,
    /// How many images' are, from the first on, and their bytes.
    pub images: usize,
    pub bytes: u64,
}

/// Why features are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    TurnedOff,
    NothingFrozen,
    Augmented,
    CheaperAgain,
    TooLarge,
    /// They do not fit into memory, and a disk is slower.
    SlowerFromDisk,
    /// They do not fit into memory, and the cache folder could not be written.
    NotWritten,
    NoImages,
}

impl Reason {
    /// Whether those of fewer images might be kept.
    pub fn is_of_size(self) -> bool {
        matches!(self, Reason::TooLarge | Reason::SlowerFromDisk)
    }
}

impl Storage {
    /// Bytes of memory that they take.
    pub fn in_memory(&self) -> u64 {
        if self.memory { self.bytes } else { 0 }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::TurnedOff => "features.memory = \"0\" turns them off",
            Reason::NothingFrozen => "nothing worth caching is frozen",
            Reason::Augmented => "augmentation changes the images in every epoch",
            Reason::CheaperAgain => "computing them again is cheaper than reading them",
            Reason::TooLarge => {
                "they are larger than features.memory and features.disk allow"
            }
            Reason::SlowerFromDisk => {
                "they are larger than features.memory allows, and computing them again is faster than a disk"
            }
            Reason::NotWritten => {
                "they are larger than features.memory allows, and the cache folder could not be written"
            }
            Reason::NoImages => "there are no images",
        })
    }
}

/// Where not all find room, so many of [`PARTS`] parts of the images have features: how much room there is changes a little
/// from one time to the next, and those that are kept are to be found again.
const PARTS: u64 = 16;

/// Bytes of a file beside its values, at most.
const HEADER: u64 = 1 << 16;

/// The features of one split, before they are there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub images: usize,
    /// Bytes of all images' features.
    pub bytes: u64,
    /// Seconds to compute them, roughly.
    pub seconds: f64,
}

impl Estimate {
    /// For `images` images on the processor or on a GPU.
    pub fn new(blueprint: &Blueprint, images: usize, on_cpu: bool) -> Self {
        let work = multiplications(blueprint).fold(0, u64::saturating_add);
        let rate = if on_cpu { PROCESSOR } else { GPU };
        Estimate {
            images,
            bytes: (images * bytes_each(blueprint)) as u64,
            seconds: work as f64 * images as f64 / rate,
        }
    }

    /// Where they go when there is so much room for them.
    ///
    /// # Errors
    /// Why nowhere.
    pub fn place(&self, room: Room) -> Result<Storage, Reason> {
        if self.bytes == 0 {
            return Err(Reason::NoImages);
        }
        let size = self.bytes as f64;
        if self.seconds <= size / COPYING {
            return Err(Reason::CheaperAgain);
        }
        let place = Storage {
            memory: self.bytes <= room.memory,
            disk: self.is_worth_a_disk() && self.bytes < room.disk,
            images: self.images,
            bytes: self.bytes,
        };
        match (place.memory || place.disk, self.is_worth_a_disk()) {
            (true, _) => Ok(place),
            (_, true) => Err(Reason::TooLarge),
            (_, false) => Err(Reason::SlowerFromDisk),
        }
    }

    /// Of how many images there may be features where not all find room, the most first.
    pub fn parts(&self) -> impl Iterator<Item = usize> {
        let of_parts = (1..PARTS).rev().map(|parts| self.images_of(parts));
        of_parts.filter(|images| *images > 0)
    }

    /// The images of so many of [`PARTS`] parts.
    fn images_of(&self, parts: u64) -> usize {
        (self.images as u64 * parts / PARTS) as usize
    }

    /// As [`Self::place`]; where not all find room, those of the first images.
    ///
    /// # Errors
    /// Why nowhere.
    pub fn place_some(&self, room: Room) -> Result<Storage, Reason> {
        let reason = match self.place(room) {
            Err(reason) if reason.is_of_size() => reason,
            whole => return whole,
        };
        let parts = |room: u64| u128::from(room) * u128::from(PARTS) / u128::from(self.bytes);
        let parts = |room: u64| parts(room).min(u128::from(PARTS - 1)) as u64;
        let in_memory = parts(room.memory);
        let on_disk = match self.is_worth_a_disk() {
            true => parts(room.disk.saturating_sub(HEADER)),
            false => 0,
        };
        match self.images_of(in_memory.max(on_disk)) {
            0 => Err(reason),
            images => Ok(Storage {
                memory: in_memory >= on_disk,
                disk: on_disk > in_memory,
                images,
                bytes: self.bytes / self.images as u64 * images as u64,
            }),
        }
    }

    fn is_worth_a_disk(&self) -> bool {
        self.seconds >= LONG.max(self.bytes as f64 / DISK)
    }
}

/// What the nodes of the frontier are called.
pub(super) fn frontier(blueprint: &Blueprint) -> String {
    let nodes = blueprint.cut.frontier().iter();
    let names: Vec<&str> = nodes.map(|node| blueprint.graph.through(*node)).collect();
    names.join(" and ")
}

/// Bytes of one image's features.
pub(super) fn bytes_each(blueprint: &Blueprint) -> usize {
    let nodes = blueprint.cut.frontier().iter();
    let nodes = nodes.filter_map(|node| blueprint.graph.nodes().get(*node));
    4 * nodes.map(|node| node.output.elements()).sum::<usize>()
}

/// Multiply-accumulates of each constant node, an image.
fn multiplications(blueprint: &Blueprint) -> impl Iterator<Item = u64> {
    let graph = &blueprint.graph;
    let nodes = blueprint.cut.constant().into_iter();
    nodes.filter_map(|node| Some(graph.multiplications(graph.nodes().get(node)?)))
}

/// The memory budget of a run that may have features of this split.
///
/// # Errors
/// Why it has none.
pub(super) fn allowed(spec: &Spec, blueprint: &Blueprint, split: Split) -> Result<Bytes, Reason> {
    let budget = budget::bytes(spec);
    let training = split == Split::Training;
    if multiplications(blueprint).all(|products| products == 0) {
        Err(Reason::NothingFrozen)
    } else if budget == 0 {
        Err(Reason::TurnedOff)
    } else if training && spec.augmentation.fixed_views().is_none() {
        Err(Reason::Augmented)
    } else {
        Ok(Bytes(budget))
    }
}

/// Whether a run's training images go through the frozen part once, where there is room for what it gives.
pub fn may_be_kept(spec: &Spec, blueprint: &Blueprint) -> bool {
    allowed(spec, blueprint, Split::Training).is_ok()
}

/// Whether what is held out of the training images goes through the frozen part with them.
fn are_shared(spec: &Spec, blueprint: &Blueprint) -> bool {
    may_be_kept(spec, blueprint) && !spec.augmentation.is_active()
}

/// In how many forms the images of a split go through the frozen part once.
pub(super) fn views(spec: &Spec, split: Split) -> usize {
    match split {
        Split::Training => spec.augmentation.fixed_views().unwrap_or(1),
        Split::Validation | Split::Test => 1,
    }
}

/// Bytes of memory that a run's features take, for so many images; and whether each split has them of all images or of none.
pub fn memory(spec: &Spec, blueprint: &Blueprint, images: Counts, on_cpu: bool) -> (u64, bool) {
    let (mut taken, mut are_whole, whole) = (0, true, Room::in_memory(spec));
    for (splits, images) in together(spec, blueprint, images) {
        let allowed = splits.first().map(|split| allowed(spec, blueprint, *split));
        let Some(Ok(_)) = allowed else {
            continue;
        };
        let estimate = Estimate::new(blueprint, images, on_cpu);
        let room = left(whole, whole.less(taken), &splits);
        // How much room a disk has is only looked at where memory has too little.
        let place = estimate.place(room).or_else(|_| {
            let disk = Room::of(spec).disk;
            estimate.place_some(Room { disk, ..room })
        });
        if let Ok(place) = place {
            taken = (taken + place.in_memory()).min(whole.memory);
            are_whole &= place.images == images;
        }
    }
    (taken, are_whole)
}

/// The room for features of `splits`, of which others left `rest`: when test images are wanted, those of training are not.
pub(super) fn left(whole: Room, rest: Room, splits: &[Split]) -> Room {
    match splits {
        [Split::Test] => whole,
        _ => rest,
    }
}

/// The splits whose features are kept together, with how many images they have, each view of an image counted.
///
/// What is held out of the training files has its features with the rest of them, where these have any.
pub(super) fn together(
    spec: &Spec,
    blueprint: &Blueprint,
    images: Counts,
) -> Vec<(Vec<Split>, usize)> {
    let of = |split| match split {
        Split::Training => (images.train, false),
        Split::Validation => (images.validation, images.validation_is_held_out),
        Split::Test => (images.test, images.test_is_held_out),
    };
    let mut groups: Vec<(Vec<Split>, usize)> = Vec::new();
    for split in Split::ALL {
        let (count, is_held_out) = of(split);
        match groups.first_mut() {
            Some((splits, all)) if is_held_out && are_shared(spec, blueprint) => {
                if count > 0 {
                    splits.push(split);
                    *all += count;
                }
            }
            _ => groups.push((vec![split], count * views(spec, split))),
        }
    }
    groups
}

/// The images that features of `view` may be kept for, the best first: those that other seeds and other splits share
/// with it, where the training images among them have features too; else its own alone.
pub(super) fn extents(spec: &Spec, blueprint: &Blueprint, view: &View) -> Vec<View> {
    let whole = View::from(Arc::clone(view.part()));
    let is_shared = whole != *view && are_shared(spec, blueprint);
    let shared = is_shared.then_some(whole);
    shared.into_iter().chain([view.clone()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn size_and_work_decide_the_place() {
        let place = |bytes, seconds, memory| {
            let disk = 16 << 30;
            let estimate = Estimate {
                images: 1,
                bytes,
                seconds,
            };
            let place = estimate.place(Room { memory, disk });
            place.map(|place| (place.memory, place.disk))
        };
        let at = |memory, disk| Ok((memory, disk));
        // 352 MiB behind block4_pool, a minute's work.
        assert_eq!(place(352 * MIB, 60.0, 1 << 30), at(true, true));
        assert_eq!(place(352 * MIB, 60.0, 100 * MIB), at(false, true));
        // Quickly computed: not for the folder.
        assert_eq!(place(MIB, 0.5, MIB), at(true, false));
        assert_eq!(place(MIB, 0.5, MIB - 1), Err(Reason::SlowerFromDisk));
        // 10 GiB that take 10 seconds: a disk is slower.
        assert_eq!(place(10 << 30, 10.0, 11 << 30), at(true, false));
        assert_eq!(place(10 << 30, 1.0, 11 << 30), Err(Reason::CheaperAgain));
        assert_eq!(place(20 << 30, 1e4, 1 << 30), Err(Reason::TooLarge));
        assert_eq!(place(0, 0.0, 1), Err(Reason::NoImages));
    }
    #[test]
    fn where_not_all_find_room_some_do_in_whole_parts() {
        let some = |seconds, memory, disk| {
            let estimate = Estimate {
                images: 1000,
                bytes: 16 << 30,
                seconds,
            };
            let place = estimate.place_some(Room { memory, disk })?;
            Ok((place.images, place.in_memory() >> 20, place.disk))
        };
        // An hour's work: where there is more room. A second's: not from a disk.
        assert_eq!(some(3600.0, 3 << 30, 8 << 30), Ok((437, 0, true)));
        assert_eq!(some(3600.0, 9 << 30, 8 << 30), Ok((562, 9207, false)));
        assert_eq!(some(10.0, 2 << 30, 8 << 30), Ok((125, 2047, false)));
        assert_eq!(some(10.0, 0, 8 << 30), Err(Reason::SlowerFromDisk));
        assert_eq!(some(3600.0, 1 << 29, 1 << 29), Err(Reason::TooLarge));
        assert_eq!(some(3600.0, 16 << 30, 0), Ok((1000, 16 << 10, false)));
    }
}
