//! What decides the images that are read for a spec.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::decoded::{Disk, Folder};
use super::error::Error;
use super::fingerprint::fingerprint;
use super::format::Wanted;
use crate::datasets::{IMAGES, PartsOf};
use crate::resize::Resizing;
use crate::spec::Dataset;
use crate::text::hex;

/// Everything that decides what [`super::read`] gives for a spec; the seed does where a limit chooses among mixed images.
pub fn reading_key(spec: &Dataset, resizing: Resizing, seed: u64) -> String {
    let is_chosen_by_seed = spec.name.parts == PartsOf::Found && spec.train_limit.is_some();
    let seed = is_chosen_by_seed.then_some(seed);
    // Which images are held out for validation does not matter, for the test only beside a limit.
    let test = (spec.train_limit.is_some() || spec.test_limit.is_some())
        .then_some((spec.test_split, spec.validation));
    let read = Dataset {
        validation_split: 0.0,
        validation: Default::default(),
        test_split: 0.0,
        folds: None,
        fold: None,
        memory: None,
        ..spec.clone()
    };
    format!("{read:?} {resizing:?} {seed:?} {test:?}")
}

/// Where the decoded images of a spec are kept in the cache at `root`: by what its files hold, wherever they lie.
///
/// # Errors
/// Files that are missing or cannot be read.
pub(super) fn folder(
    spec: &Dataset,
    (resizing, seed): (Resizing, u64),
    wanted: Wanted,
    root: &Path,
) -> Result<Folder, Error> {
    let contents = fingerprint(spec, Some(root))?;
    let anywhere = Dataset {
        path: None,
        options: spec.options.clone().without(&IMAGES),
        ..spec.clone()
    };
    let mut hasher = Sha256::new();
    hasher.update(reading_key(&anywhere, resizing, seed));
    // Of the test part alone, fewer images are read of the others, if any.
    hasher.update(format!(" {wanted:?} {contents:?} {}", env!("DECODING")));
    Ok(Folder::new(root, hex(hasher.finalize())))
}

/// What the decoded images of a spec take, or will take, on the disk of the cache at `root`.
///
/// # Errors
/// Files that are missing or cannot be read.
pub fn disk(spec: &Dataset, (resizing, seed): (Resizing, u64), root: &Path) -> Result<Disk, Error> {
    let folder = folder(spec, (resizing, seed), Wanted::All, root)?;
    Ok(folder.disk())
}
