//! CIFAR in the hub's Parquet layout: a column of encoded images and one of labels.

mod file;
mod kinds;

use std::path::{Path, PathBuf};

use super::decode::Decoding;
use super::pick::{Picker, Pickers};
use super::shards::Shards;
use super::survey::Labels;
use super::{Error, Images, Part, Parts, label_names};
use crate::foreign;
use crate::progress::Progress;
use crate::spec::{DatasetName, OnBadImage, classes_of};
use file::ParquetFile;

/// CIFAR's images are 32×32.
const SIZE: usize = 32;
/// Bytes of a decoded image.
pub(super) const IMAGE_LEN: usize = SIZE * SIZE * 3;

/// The files of each part, where there are any below `folder`.
pub(super) struct Files {
    shards: Shards,
    /// The dataset's classes, by label.
    classes: &'static [&'static str],
}

impl Files {
    /// Looks for the files of a training and a test part in and below `folder`; none where there is neither.
    pub fn find(folder: &Path, dataset: DatasetName) -> Result<Option<Self>, Error> {
        let shards = Shards::find(folder)?;
        if shards.train.is_empty() && shards.test.is_empty() {
            return Ok(None);
        }
        for (part, name) in [
            (&shards.train, "train*.parquet"),
            (&shards.test, "test*.parquet"),
        ] {
            if part.is_empty() {
                return Err(Error::Missing {
                    dataset,
                    folder: folder.to_owned(),
                    looked_for: format!("{name} in it and below"),
                });
            }
        }
        Ok(Some(Files {
            shards,
            classes: classes_of(dataset).unwrap_or_default(),
        }))
    }

    /// The files that are read.
    pub fn all(self) -> Vec<PathBuf> {
        let Shards {
            train,
            validation,
            test,
            ..
        } = self.shards;
        train.into_iter().chain(validation).chain(test).collect()
    }

    /// What is to be said of the names that the files give their labels.
    pub fn label_note(&self, dataset: DatasetName) -> Option<String> {
        let path = self.shards.train.first()?;
        let file = ParquetFile::open(path).ok()?;
        let column = file.column(label_columns(dataset)).ok()?;
        let mapping = label_names::mapping(&file.metadata, column, self.classes).ok()??;
        Some(format!("{}: {}", foreign::path(path), mapping.note?))
    }

    /// Parquet files that say no part.
    pub fn unused(&self) -> &[PathBuf] {
        &self.shards.unused
    }

    /// The labels of the images that are wanted. That these are there is looked at too, without decoding them.
    pub fn labels(
        &self,
        dataset: DatasetName,
        mut pickers: Pickers,
        on_bad: OnBadImage,
    ) -> Result<Labels, Error> {
        let of = |paths: &[PathBuf], picker: &mut Picker| {
            let mut labels = Vec::new();
            for file in open(paths)? {
                file.check_images()?;
                let rows = file.pick(label_columns(dataset), self.classes, picker, &mut labels)?;
                file.check_rows(&rows, on_bad)?;
            }
            Ok::<_, Error>(labels)
        };
        Ok(Labels {
            train: of(&self.shards.train, &mut pickers.train)?,
            validation: match &self.shards.validation[..] {
                [] => None,
                files => Some(of(files, &mut pickers.validation)?),
            },
            test: Some(of(&self.shards.test, &mut pickers.test)?),
            ..Labels::default()
        })
    }

    /// Decodes the images that are wanted.
    pub fn read(
        &self,
        dataset: DatasetName,
        pickers: Pickers,
        on_bad: OnBadImage,
        progress: &dyn Progress,
    ) -> Result<Parts, Error> {
        let labels = label_columns(dataset);
        let mut skipped = 0;
        let mut read = |files: &[PathBuf], part: &str, picker| -> Result<Part, Error> {
            let what = format!("Decoding {dataset}'s {part} images");
            let start = |images| Decoding::start(progress, &what, images, on_bad);
            let (part, bad) = read_part(files, (labels, self.classes), picker, start)?;
            skipped += bad;
            Ok(part)
        };
        Ok(Parts {
            train: read(&self.shards.train, "training", pickers.train)?,
            listed: None,
            validation: match &self.shards.validation[..] {
                [] => None,
                files => Some(read(files, "validation", pickers.validation)?),
            },
            test: Some(read(&self.shards.test, "test", pickers.test)?),
            skipped,
        })
    }
}

/// The names that the column of labels may have, the first that is there.
fn label_columns(dataset: DatasetName) -> &'static [&'static str] {
    match dataset {
        DatasetName::Cifar100 => &["fine_label", "label"],
        _ => &["label"],
    }
}

/// The images of a part, and how many were skipped; `start` begins the decoding of so many.
fn read_part<'a>(
    paths: &[PathBuf],
    (label_columns, classes): (&[&str], &[&str]),
    mut picker: Picker,
    start: impl FnOnce(usize) -> Decoding<'a>,
) -> Result<(Part, usize), Error> {
    let mut labels = Vec::new();
    let mut wanted = Vec::new();
    for file in open(paths)? {
        let rows = file.pick(label_columns, classes, &mut picker, &mut labels)?;
        wanted.push((file, rows));
    }
    if labels.is_empty() {
        return Ok((Part::empty(SIZE, SIZE, 3), 0));
    }
    let mut part = Part {
        images: Images::black(labels.len(), SIZE, SIZE, 3)?,
        labels,
        files: None,
    };
    let mut decoding = start(part.len());
    let mut places = &mut part.images.data[..];
    for (file, rows) in &wanted {
        let (here, rest) = places.split_at_mut(rows.len() * IMAGE_LEN);
        file.decode(rows, here, &mut decoding)?;
        places = rest;
    }
    let skipped = decoding.finish(&mut part)?.len();
    Ok((part, skipped))
}

/// The files of a part, of which not all are empty.
fn open(paths: &[PathBuf]) -> Result<Vec<ParquetFile<'_>>, Error> {
    let files: Vec<ParquetFile<'_>> = paths
        .iter()
        .map(|path| ParquetFile::open(path))
        .collect::<Result<_, _>>()?;
    match files.first() {
        Some(first) if files.iter().all(|file| file.metadata.num_rows == 0) => {
            Err(Error::file(first.path, "has no rows"))
        }
        _ => Ok(files),
    }
}
