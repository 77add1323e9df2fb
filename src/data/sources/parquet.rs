//! The hub's Parquet layout: a column of encoded images and one of labels.

pub(super) mod file;
pub(super) mod kinds;

use std::path::{Path, PathBuf};

use file::ParquetFile;

use crate::data::decode::Decoding;
use crate::data::error::Error;
use crate::data::files::{file_name, named};
use crate::data::format::{Labels, Parts, Reader, Request, Seen};
use crate::data::images::{Images, Part};
use crate::data::label_names;
use crate::data::pick::{Picker, Pickers, Subset};
use crate::data::shards::Shards;
use crate::datasets::ImageSize;
use crate::foreign;
use crate::progress::Progress;
use crate::spec::{Dataset, DatasetName, OnBadImage};

/// Of a dataset whose catalog says none.
const NO_SIZE: ImageSize = ImageSize::square(0, 3);

/// The files of each part, where there are any below `folder`.
pub(super) struct Files {
    shards: Shards,
    dataset: DatasetName,
    columns: Columns,
}

/// What is looked for in the files.
#[derive(Clone, Copy)]
struct Columns {
    /// The names that the column of labels may have, the first that is there.
    labels: &'static [&'static str],
    /// The dataset's classes, by label.
    classes: &'static [&'static str],
    image: ImageSize,
}

impl Files {
    /// Looks for the files of a training and a test part in and below `folder`; none where there is neither.
    pub fn find(folder: &Path, dataset: DatasetName) -> Result<Option<Self>, Error> {
        let shards = Shards::find(folder, "parquet")?;
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
            dataset,
            columns: Columns {
                labels: dataset.label_columns,
                classes: dataset.classes.unwrap_or_default(),
                image: dataset.image.unwrap_or(NO_SIZE),
            },
        }))
    }

    /// What is to be said of the names that the files give their labels.
    fn label_note(&self) -> Option<String> {
        let path = self.shards.train.first()?;
        let file = ParquetFile::open(path).ok()?;
        let column = file.column(self.columns.labels).ok()?;
        let mapping = label_names::mapping(&file.metadata, column, self.columns.classes).ok()??;
        Some(format!("{}: {}", foreign::path(path), mapping.note?))
    }

    /// What is said of files whose names say no part.
    fn unused(&self, folder: &Path) -> Option<String> {
        let unused = &self.shards.unused;
        let first = file_name(unused.first()?);
        let (place, count) = (folder.display(), unused.len());
        Some(format!(
            "not used in {place}: {count} Parquet files whose names say neither train nor test, e.g. {first}"
        ))
    }

    /// The labels of the images that are wanted. That these are there is looked at too, without decoding them.
    fn labels(&self, mut pickers: Pickers, on_bad: OnBadImage) -> Result<Labels, Error> {
        let Columns {
            labels: columns,
            classes,
            ..
        } = self.columns;
        let of = |paths: &[PathBuf], picker: &mut Picker| {
            let mut labels = Vec::new();
            for file in open(paths)? {
                file.check_images()?;
                let rows = file.pick(columns, classes, picker, &mut labels)?;
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
}

impl Reader for Files {
    fn look(&self, spec: &Dataset, subset: &Subset) -> Result<Seen, Error> {
        let folder = spec.path.as_deref().unwrap_or(Path::new(""));
        let notes = self.unused(folder).into_iter().chain(self.label_note());
        let pickers = Pickers::of(spec, subset, spec.train_limit);
        Ok(Seen {
            notes: notes.collect(),
            labels: Some(self.labels(pickers, spec.on_bad_image)?),
            ..Seen::default()
        })
    }

    fn read(&self, request: &Request<'_>, progress: &dyn Progress) -> Result<Parts, Error> {
        let (pickers, on_bad) = (request.pickers(), request.spec.on_bad_image);
        let mut skipped = 0;
        let mut read = |files: &[PathBuf], part: &str, picker| -> Result<Part, Error> {
            let what = format!("Decoding {}'s {part} images", self.dataset);
            let start = |images| Decoding::start(progress, &what, images, on_bad);
            let (part, bad) = read_part(files, self.columns, picker, start)?;
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

    fn files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let Shards {
            train,
            validation,
            test,
            ..
        } = &self.shards;
        let all = train.iter().chain(validation).chain(test);
        Ok(named(all.cloned().collect()))
    }
}

/// The images of a part, and how many were skipped; `start` begins the decoding of so many.
fn read_part<'a>(
    paths: &[PathBuf],
    columns: Columns,
    mut picker: Picker,
    start: impl FnOnce(usize) -> Decoding<'a>,
) -> Result<(Part, usize), Error> {
    let ImageSize {
        height,
        width,
        channels,
    } = columns.image;
    let mut labels = Vec::new();
    let mut wanted = Vec::new();
    for file in open(paths)? {
        let rows = file.pick(columns.labels, columns.classes, &mut picker, &mut labels)?;
        wanted.push((file, rows));
    }
    if labels.is_empty() {
        return Ok((Part::empty(height, width, channels), 0));
    }
    let mut part = Part {
        images: Images::black(labels.len(), height, width, channels)?,
        labels,
        files: None,
        originals: None,
        label_sets: None,
    };
    let mut decoding = start(part.len());
    let mut places = &mut part.images.data[..];
    for (file, rows) in &wanted {
        let (here, rest) = places.split_at_mut(rows.len() * columns.image.bytes());
        file.decode(rows, columns.image, here, &mut decoding)?;
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
