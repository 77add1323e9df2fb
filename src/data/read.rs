//! A dataset into memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::budget::Budget;
use super::divided::Data;
use super::error::Error;
use super::format::{Reader, Request, Wanted};
use super::key;
use super::loaded::{Listed, Loaded};
use super::pick::Subset;
use super::sources;
use crate::datasets::PathUse;
use crate::progress::Progress;
use crate::resize::Resizing;
use crate::spec::{Dataset, DatasetName, Problem};

/// Gives the folder of a dataset whose `path` is not set, downloading it if need be.
pub trait Source {
    /// A folder with the dataset's files in one of the layouts that [`load`] reads.
    ///
    /// # Errors
    /// What is missing, where it comes from, and where to put it.
    fn files(
        &self,
        dataset: DatasetName,
    ) -> Result<PathBuf, Box<dyn std::error::Error + Send + Sync>>;
}

/// The classes a spec chooses, known without reading images.
///
/// # Errors
/// A class that is not there; an image folder that cannot be read.
pub fn classes(spec: &Dataset) -> Result<Vec<String>, Error> {
    let all = match known_classes(spec) {
        Some(known) => known,
        None => sources::open(spec, &place(spec)?)?.classes(),
    };
    Ok(Subset::new(spec, &all)?.names)
}

/// Brings the files of a dataset without a path, which the plan looks into, to this machine.
///
/// # Errors
/// What cannot be had.
pub fn bring(spec: &Dataset, progress: &dyn Progress) -> Result<(), Error> {
    sources::bring(spec, progress)
}

/// The classes of a dataset whose catalog says them.
pub(super) fn known_classes(spec: &Dataset) -> Option<Vec<String>> {
    let known = spec.name.classes?;
    Some(known.iter().map(|name| name.to_string()).collect())
}

/// Where a dataset lies that is not downloaded.
///
/// # Errors
/// A path that is needed and not set.
pub(super) fn place(spec: &Dataset) -> Result<PathBuf, Error> {
    let missing = |article: &str, what: &str| {
        let name = spec.name;
        Problem::new("dataset", format!("{article} {name} needs a path"))
            .help(format!("set dataset.path to {what}"))
    };
    match (&spec.path, spec.name.path) {
        (Some(path), _) => Ok(path.clone()),
        (None, PathUse::Folder(what)) => Err(missing("an", what).into()),
        (None, PathUse::Files(what)) => Err(missing("a", what).into()),
        (None, PathUse::BuiltIn | PathUse::Optional | PathUse::Repository) => Ok(PathBuf::new()),
    }
}

/// Where a dataset lies, downloaded if need be.
fn place_or_download(spec: &Dataset, source: &dyn Source) -> Result<PathBuf, Error> {
    let dataset = spec.name;
    match (&spec.path, dataset.path) {
        (None, PathUse::Optional) => source
            .files(dataset)
            .map_err(|source| Error::Source { dataset, source }),
        _ => place(spec),
    }
}

/// The chosen classes and the reader of a dataset in the place that `find` gives. A class that is not there is found
/// before anything is downloaded, where the catalog says the classes.
fn open(
    spec: &Dataset,
    find: impl FnOnce() -> Result<PathBuf, Error>,
) -> Result<(Subset, Box<dyn Reader>), Error> {
    if let Some(known) = known_classes(spec) {
        let subset = Subset::new(spec, &known)?;
        return Ok((subset, sources::open(spec, &find()?)?));
    }
    let reader = sources::open(spec, &find()?)?;
    Ok((Subset::new(spec, &reader.classes())?, reader))
}

/// [`open`] of what lies on this machine.
pub(super) fn open_here(spec: &Dataset) -> Result<(Subset, Box<dyn Reader>), Error> {
    open(spec, || place(spec))
}

/// Reads the images a spec chooses and divides them: [`read`] and [`Loaded::arrange`].
///
/// # Errors
/// As these.
pub fn load(
    spec: &Dataset,
    resizing: Resizing,
    seed: u64,
    source: &dyn Source,
    progress: &dyn Progress,
) -> Result<Data, Error> {
    let wanted = (Wanted::All, &Budget::unlimited());
    read(spec, (resizing, seed), wanted, source, progress)?.arrange(spec, seed)
}

/// Reads the images a spec chooses: the classes' subset, of these the first up to the limits.
///
/// Images of many sizes are resized; others stay as they are stored. An image that does
/// not decode is an error, or is left out as `on_bad_image` says; the limits count it. Images that are resized and take more
/// memory than the budget has are decoded into the cache folder.
///
/// # Errors
/// Files that are missing or not what they should be; classes that are not there.
pub fn read(
    spec: &Dataset,
    (resizing, seed): (Resizing, u64),
    (wanted, budget): (Wanted, &Budget),
    source: &dyn Source,
    progress: &dyn Progress,
) -> Result<Loaded, Error> {
    let (subset, reader) = open(spec, || place_or_download(spec, source))?;
    let folder = |root: &Path| key::folder(spec, (resizing, seed), wanted, root);
    let request = Request {
        budget,
        folder: &folder,
        spec,
        subset: &subset,
        resizing,
        seed,
        wanted,
    };
    let parts = reader.read(&request, progress)?;
    let train = Arc::new(parts.train);
    Ok(Loaded {
        classes: subset.names,
        listed: parts.listed.unwrap_or_else(|| Listed::whole(&train)),
        train,
        validation: parts.validation.map(Arc::new),
        test: parts.test.map(Arc::new),
        skipped: parts.skipped,
    })
}
