//! CIFAR's files in one of their layouts.

use std::path::{Path, PathBuf};

use super::cifar_binary::{CIFAR10, CIFAR100, Format, Found};
use super::parquet;
use crate::data::error::Error;
use crate::data::files::named;
use crate::data::format::{Parts, Reader, Request, Seen};
use crate::data::pick::{Pickers, Subset};
use crate::progress::Progress;
use crate::spec::Dataset;

/// The official binary files.
struct Binary {
    layout: &'static Format,
    place: Found,
}

pub(super) fn open_10(spec: &Dataset, path: &Path) -> Result<Box<dyn Reader>, Error> {
    open(&CIFAR10, spec, path)
}

pub(super) fn open_100(spec: &Dataset, path: &Path) -> Result<Box<dyn Reader>, Error> {
    open(&CIFAR100, spec, path)
}

/// Parquet files where there are any, else the official binary files, else their archive.
fn open(layout: &'static Format, spec: &Dataset, path: &Path) -> Result<Box<dyn Reader>, Error> {
    if path.is_dir()
        && let Some(files) = parquet::Files::find(path, spec.name)?
    {
        return Ok(Box::new(files));
    }
    match layout.find(path)? {
        Some(place) => Ok(Box::new(Binary { layout, place })),
        None => Err(Error::Missing {
            dataset: spec.name,
            folder: path.to_owned(),
            looked_for: format!(
                "train*.parquet and test*.parquet in it and below; {}{}",
                layout.looked_for(),
                layout.pickled(path)
            ),
        }),
    }
}

impl Reader for Binary {
    fn look(&self, spec: &Dataset, subset: &Subset) -> Result<Seen, Error> {
        let pickers = Pickers::of(spec, subset, spec.train_limit);
        Ok(Seen {
            labels: self.layout.labels(&self.place, pickers)?,
            ..Seen::default()
        })
    }

    fn read(&self, request: &Request<'_>, _: &dyn Progress) -> Result<Parts, Error> {
        self.layout.read(&self.place, request.pickers())
    }

    fn files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        Ok(named(self.layout.files(&self.place)))
    }
}
