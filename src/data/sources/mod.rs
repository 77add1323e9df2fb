//! Readers of datasets, a file a format.

mod cifar;
mod cifar_binary;
mod digits;
mod hub;
mod idx;
mod image_folder;
mod parquet;
mod table;
mod webdataset;

use std::path::Path;

pub use hub::commit as hub_commit;

use super::error::Error;
use super::format::Reader;
use crate::datasets::Format;
use crate::progress::Progress;
use crate::spec::Dataset;

/// Brings what lies elsewhere and the plan needs to this machine; the progress is told.
///
/// # Errors
/// What cannot be had.
pub(super) fn bring(spec: &Dataset, progress: &dyn Progress) -> Result<(), Error> {
    match spec.name.format {
        Format::Hub => hub::bring(spec, progress),
        _ => Ok(()),
    }
}

/// Finds the files of a dataset in its place.
///
/// # Errors
/// Files that are missing or cannot be what they should be.
pub(super) fn open(spec: &Dataset, place: &Path) -> Result<Box<dyn Reader>, Error> {
    let open = match spec.name.format {
        Format::Digits => digits::open,
        Format::Idx => idx::open,
        Format::Cifar10 => cifar::open_10,
        Format::Cifar100 => cifar::open_100,
        Format::ImageFolder => image_folder::open,
        Format::Table => table::open,
        Format::Hub => hub::open,
        Format::WebDataset => webdataset::open,
    };
    open(spec, place)
}
