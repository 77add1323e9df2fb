//! MNIST's and Fashion-MNIST's IDX files, plain or gzipped.
//!
//! IDX: two zero bytes, the type (8: unsigned bytes), the number of dimensions, each dimension as a big-endian u32, then
//! the values (<http://yann.lecun.com/exdb/mnist/>).

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::data::error::Error;
use crate::data::files::named;
use crate::data::format::{Labels, Parts, Reader, Request, Seen};
use crate::data::images::Part;
use crate::data::pick::{Picker, Pickers, Subset};
use crate::files::open_regular;
use crate::progress::Progress;
use crate::spec::{Dataset, DatasetName};

const SIZE: usize = 28;
/// Of an image, a byte each.
const PIXELS: usize = SIZE * SIZE;
/// More images than any file of this kind has; no header makes us read on without end.
const MAX_COUNT: u32 = 100_000;
/// Where torchvision puts the files below its `root`.
const FOLDERS: [&str; 4] = ["", "raw", "MNIST/raw", "FashionMNIST/raw"];

/// The folder of the four files.
struct Folder {
    path: PathBuf,
    dataset: DatasetName,
}

pub(super) fn open(spec: &Dataset, path: &Path) -> Result<Box<dyn Reader>, Error> {
    Ok(Box::new(Folder {
        path: path.to_owned(),
        dataset: spec.name,
    }))
}

impl Reader for Folder {
    fn look(&self, spec: &Dataset, subset: &Subset) -> Result<Seen, Error> {
        files(&self.path, self.dataset)?;
        let pickers = Pickers::of(spec, subset, spec.train_limit);
        Ok(Seen {
            labels: Some(labels(&self.path, self.dataset, pickers)?),
            ..Seen::default()
        })
    }

    fn read(&self, request: &Request<'_>, _: &dyn Progress) -> Result<Parts, Error> {
        read(&self.path, self.dataset, request.pickers())
    }

    fn files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        Ok(named(files(&self.path, self.dataset)?))
    }
}

/// Reads the 28×28 grey images that are wanted.
fn read(folder: &Path, dataset: DatasetName, mut pickers: Pickers) -> Result<Parts, Error> {
    Ok(Parts {
        train: read_part(folder, dataset, "train", &mut pickers.train)?,
        listed: None,
        validation: None,
        test: Some(read_part(folder, dataset, "t10k", &mut pickers.test)?),
        skipped: 0,
    })
}

/// The labels of the images that are wanted; whether their images belong to them is seen at the files' heads.
fn labels(folder: &Path, dataset: DatasetName, mut pickers: Pickers) -> Result<Labels, Error> {
    let of = |part: &str, picker: &mut Picker| {
        let path = find(folder, dataset, &format!("{part}-labels"), "idx1-ubyte")?;
        let labels = read_labels(&path)?;
        let images = find(folder, dataset, &format!("{part}-images"), "idx3-ubyte")?;
        open_images(&images, &path, labels.len())?;
        let picked = picker.pick_all(labels.into_iter().map(i64::from));
        picked.map_err(|why| Error::file(&path, why))
    };
    Ok(Labels {
        train: of("train", &mut pickers.train)?,
        test: Some(of("t10k", &mut pickers.test)?),
        ..Labels::default()
    })
}

/// The four files.
fn files(folder: &Path, dataset: DatasetName) -> Result<Vec<PathBuf>, Error> {
    let stems = ["train", "t10k"].into_iter().flat_map(|part| {
        let stem = |what: &str| format!("{part}-{what}");
        [
            (stem("labels"), "idx1-ubyte"),
            (stem("images"), "idx3-ubyte"),
        ]
    });
    stems
        .map(|(stem, ending)| find(folder, dataset, &stem, ending))
        .collect()
}

fn read_part(
    folder: &Path,
    dataset: DatasetName,
    part: &str,
    picker: &mut Picker,
) -> Result<Part, Error> {
    let labels_path = find(folder, dataset, &format!("{part}-labels"), "idx1-ubyte")?;
    let images_path = find(folder, dataset, &format!("{part}-images"), "idx3-ubyte")?;
    let labels = read_labels(&labels_path)?;
    read_images(&images_path, &labels_path, &labels, picker)
}

/// The file under one of its names: with `-` or `.` before the ending, plain or gzipped.
fn find(folder: &Path, dataset: DatasetName, stem: &str, ending: &str) -> Result<PathBuf, Error> {
    let names: Vec<String> = ["-", "."]
        .iter()
        .flat_map(|dot| ["", ".gz"].map(|gz| format!("{stem}{dot}{ending}{gz}")))
        .collect();
    let mut paths = FOLDERS
        .iter()
        .flat_map(|below| names.iter().map(move |name| folder.join(below).join(name)));
    paths
        .find(|path| path.is_file())
        .ok_or_else(|| Error::Missing {
            dataset,
            folder: folder.to_owned(),
            looked_for: format!(
                "{} in it or in {}",
                names.join(", "),
                FOLDERS[1..].join(", ")
            ),
        })
}

/// A file being read, with what errors need.
struct Idx<'a> {
    path: &'a Path,
    reader: Box<dyn Read>,
}

impl<'a> Idx<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let file = BufReader::new(open_regular(path).map_err(Error::io(path))?);
        let gzipped = path.extension().is_some_and(|e| e == "gz");
        Ok(Idx {
            path,
            reader: match gzipped {
                true => Box::new(BufReader::new(MultiGzDecoder::new(file))),
                false => Box::new(file),
            },
        })
    }

    /// Checks the magic number and returns the `N` dimensions.
    fn header<const N: usize>(&mut self) -> Result<[u32; N], Error> {
        let expected = [0, 0, 8, N as u8];
        let magic = self.bytes::<4>()?;
        if magic != expected {
            let message = format!(
                "starts with {magic:02x?}, expected {expected:02x?}: IDX of unsigned bytes in {N} dimensions"
            );
            return Err(Error::file(self.path, message));
        }
        let mut dimensions = [0; N];
        for dimension in &mut dimensions {
            *dimension = u32::from_be_bytes(self.bytes()?);
        }
        if dimensions[0] == 0 || dimensions[0] > MAX_COUNT {
            let message = format!(
                "promises {} records, expected 1 to {MAX_COUNT}",
                dimensions[0]
            );
            return Err(Error::file(self.path, message));
        }
        Ok(dimensions)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, || "ends inside its header".into())?;
        Ok(bytes)
    }

    fn fill(&mut self, buffer: &mut [u8], ends: impl FnOnce() -> String) -> Result<(), Error> {
        self.reader.read_exact(buffer).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Error::file(self.path, ends()),
            _ => Error::io(self.path)(e),
        })
    }

    /// Nothing may follow; this also checks the checksum of a gzipped file.
    fn end(mut self) -> Result<(), Error> {
        match self.reader.read(&mut [0]).map_err(Error::io(self.path))? {
            0 => Ok(()),
            _ => Err(Error::file(
                self.path,
                "continues after the records its header promises",
            )),
        }
    }
}

fn read_labels(path: &Path) -> Result<Vec<u8>, Error> {
    let mut idx = Idx::open(path)?;
    let [count] = idx.header()?;
    // At most MAX_COUNT bytes.
    let mut labels = vec![0; count as usize];
    idx.fill(&mut labels, || {
        format!("ends before the {count} labels its header promises")
    })?;
    idx.end()?;
    Ok(labels)
}

/// A file of as many images as there are labels, read as far as its first image.
fn open_images<'a>(path: &'a Path, labels_path: &Path, labels: usize) -> Result<Idx<'a>, Error> {
    let mut idx = Idx::open(path)?;
    let [count, height, width] = idx.header()?;
    if (height as usize, width as usize) != (SIZE, SIZE) {
        let message = format!("images of {width}×{height} pixels, expected {SIZE}×{SIZE}");
        return Err(Error::file(path, message));
    }
    if count as usize != labels {
        let file = labels_path.display();
        let message = format!("has {count} images, but {file} has {labels} labels");
        return Err(Error::file(path, message));
    }
    Ok(idx)
}

fn read_images(
    path: &Path,
    labels_path: &Path,
    labels: &[u8],
    picker: &mut Picker,
) -> Result<Part, Error> {
    let count = labels.len();
    let mut idx = open_images(path, labels_path, count)?;
    let mut part = Part::empty(SIZE, SIZE, 1);
    let mut image = [0; PIXELS];
    for (i, &label) in labels.iter().enumerate() {
        idx.fill(&mut image, || {
            format!("ends inside image {i} of the {count} its header promises")
        })?;
        let wrong = |e| Error::file(labels_path, format!("record {i}: {e}"));
        if let Some(new) = picker.pick(label.into()).map_err(wrong)? {
            part.images.push(&image);
            part.labels.push(new);
        }
    }
    idx.end()?;
    Ok(part)
}
