//! Files that are almost right.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// One change to a file.
#[derive(Clone, Debug)]
pub enum Change {
    Set(Index, u8),
    Flip(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    /// A number that may be a length, in either order of its bytes.
    Number(Index, u64, bool, usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |place: &Index| place.index(bytes.len().max(1)).min(bytes.len());
        match self {
            Change::Set(place, value) => {
                let at = at(place);
                bytes[at..]
                    .iter_mut()
                    .take(1)
                    .for_each(|byte| *byte = *value);
            }
            Change::Flip(place, bit) => {
                let at = at(place);
                bytes[at..]
                    .iter_mut()
                    .take(1)
                    .for_each(|byte| *byte ^= 1 << bit);
            }
            Change::Cut(place) => bytes.truncate(at(place)),
            Change::Remove(place, count) => {
                let at = at(place);
                let end = (at + count).min(bytes.len());
                bytes.drain(at..end);
            }
            Change::Insert(place, more) => {
                let at = at(place);
                bytes.splice(at..at, more.iter().copied());
            }
            Change::Number(place, number, big, width) => {
                let at = at(place);
                let little = number.to_le_bytes();
                let mut written = little[..*width].to_vec();
                if *big {
                    written.reverse();
                }
                let places = bytes[at..].iter_mut();
                places.zip(written).for_each(|(byte, new)| *byte = new);
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    let numbers = [
        0,
        1,
        255,
        1 << 16,
        1 << 24,
        1 << 31,
        u64::from(u32::MAX),
        1 << 40,
        1 << 62,
        u64::MAX,
    ];
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, value)| Change::Set(at, value)),
        (place(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        place().prop_map(Change::Cut),
        (place(), 1..40usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (place(), vec(any::<u8>(), 1..20)).prop_map(|(at, more)| Change::Insert(at, more)),
        (
            place(),
            proptest::sample::select(numbers.to_vec()),
            any::<bool>(),
            proptest::sample::select(vec![1usize, 2, 4, 8])
        )
            .prop_map(|(at, number, big, width)| Change::Number(at, number, big, width)),
    ]
}

/// Keeps a good file as a first input for the fuzz target of this name, below the folder that `FUZZ_SEEDS` names.
pub fn seed(target: &str, good: &[u8]) {
    if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
        let folder = Path::new(&folder).join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("good-{}", good.len())), good).unwrap();
    }
}

/// `good` with one to four changes, or bytes that have nothing to do with it.
pub fn almost(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let changed = vec(change(), 1..5).prop_map(move |changes| {
        let mut bytes = good.clone();
        changes.iter().for_each(|change| change.apply(&mut bytes));
        bytes
    });
    prop_oneof![9 => changed, 1 => vec(any::<u8>(), 0..300)]
}
