//! CIFAR's official binary files, in a folder or inside their `.tar.gz`.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::data::error::Error;
use crate::data::files::file_name;
use crate::data::format::{Labels, Parts};
use crate::data::images::Part;
use crate::data::pick::{Picker, Pickers};
use crate::datasets;
use crate::files::open_regular;
use crate::spec::DatasetName;

const SIZE: usize = 32;
/// Bytes of one of an image's three colour planes.
const PLANE: usize = SIZE * SIZE;
/// No more than this is unpacked of an archive; the official ones hold under 200 MB.
const MAX_ARCHIVE: u64 = 1 << 28;

/// What the official files are called and what a record looks like.
pub(super) struct Format {
    dataset: DatasetName,
    archive: &'static str,
    folder: &'static str,
    /// The folder of the edition for Python, and its archive without ending.
    python: &'static str,
    archive_for_python: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    /// How many classes each leading byte of a record tells apart; the last such byte is the label.
    labels: &'static [u8],
    /// The most records an official file has.
    max_records: usize,
}

pub(super) static CIFAR10: Format = Format {
    dataset: DatasetName::of(&datasets::CIFAR10),
    archive: "cifar-10-binary.tar.gz",
    folder: "cifar-10-batches-bin",
    python: "cifar-10-batches-py",
    archive_for_python: "cifar-10-python",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    labels: &[10],
    max_records: 10_000,
};

pub(super) static CIFAR100: Format = Format {
    dataset: DatasetName::of(&datasets::CIFAR100),
    archive: "cifar-100-binary.tar.gz",
    folder: "cifar-100-binary",
    python: "cifar-100-python",
    archive_for_python: "cifar-100-python",
    train: &["train.bin"],
    test: "test.bin",
    labels: &[20, 100],
    max_records: 50_000,
};

/// Where the files were found.
#[derive(Debug)]
pub(super) enum Found {
    Folder(PathBuf),
    Archive(PathBuf),
}

impl Format {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.train.iter().copied().chain([self.test])
    }

    /// What [`Self::find`] looks for, for people.
    pub fn looked_for(&self) -> String {
        let names: Vec<_> = self.names().collect();
        let (names, folder, archive) = (names.join(", "), self.folder, self.archive);
        format!("{names} in it or in {folder}/; {archive} in it")
    }

    /// What is said where only the edition for Python is there, which Keras and torchvision download.
    pub fn pickled(&self, path: &Path) -> String {
        let names = [self.python, &format!("{}.tar.gz", self.archive_for_python)];
        let is_there = |name: &&str| path.ends_with(name) || path.join(name).exists();
        let holds_it = |name: &&str| path.join(name).is_file();
        let inside = ["data_batch_1", "batches.meta", "meta"]
            .iter()
            .find(|name| holds_it(name));
        match names.iter().find(|name| is_there(name)).or(inside) {
            Some(name) => format!(
                "; {name} is the edition for Python, whose pickle files are not read: get {} instead",
                self.archive
            ),
            None => String::new(),
        }
    }

    /// The folder that has any of the files, or the archive. `path` is a folder or the archive itself.
    pub fn find(&self, path: &Path) -> Result<Option<Found>, Error> {
        let is_archive = |e| e == "gz" || e == "tgz";
        if path.is_file() {
            if path.extension().is_some_and(is_archive) {
                return Ok(Some(Found::Archive(path.to_owned())));
            }
            let message = format!("is a file, expected a folder or {}", self.archive);
            return Err(Error::file(path, message));
        }
        let has_any = |folder: &PathBuf| self.names().any(|name| folder.join(name).is_file());
        let folders = [path.to_owned(), path.join(self.folder)];
        let folder = folders.into_iter().find(has_any).map(Found::Folder);
        let archive = path.join(self.archive);
        Ok(folder.or_else(|| archive.is_file().then_some(Found::Archive(archive))))
    }

    /// The files that are read.
    pub fn files(&self, place: &Found) -> Vec<PathBuf> {
        match place {
            Found::Folder(folder) => self.names().map(|name| folder.join(name)).collect(),
            Found::Archive(archive) => vec![archive.clone()],
        }
    }

    /// Reads the images that are wanted.
    pub fn read(&self, place: &Found, mut pickers: Pickers) -> Result<Parts, Error> {
        let mut files = match place {
            Found::Folder(folder) => Files::Folder(folder.clone()),
            Found::Archive(path) => Files::unpack(self, path.clone())?,
        };
        let mut train = Part::empty(SIZE, SIZE, 3);
        for name in self.train {
            let (path, bytes) = files.take(self, name)?;
            self.add_records(&path, &bytes, &mut pickers.train, &mut train)?;
        }
        let mut test = Part::empty(SIZE, SIZE, 3);
        let (path, bytes) = files.take(self, self.test)?;
        self.add_records(&path, &bytes, &mut pickers.test, &mut test)?;
        Ok(Parts {
            train,
            listed: None,
            validation: None,
            test: Some(test),
            skipped: 0,
        })
    }

    /// The labels of the images that are wanted; an archive would have to be unpacked for them.
    pub fn labels(&self, place: &Found, mut pickers: Pickers) -> Result<Option<Labels>, Error> {
        let Found::Folder(folder) = place else {
            return Ok(None);
        };
        let mut files = Files::Folder(folder.clone());
        let mut of = |name, picker: &mut Picker| {
            let (path, bytes) = files.take(self, name)?;
            let records = bytes.chunks_exact(self.record_len()).enumerate();
            let labels = records.map(|(i, record)| self.label(&path, i, record));
            let labels: Vec<i64> = labels.collect::<Result<_, _>>()?;
            let picked = picker.pick_all(labels.into_iter());
            picked.map_err(|why| Error::file(&path, why))
        };
        let mut train = Vec::new();
        for name in self.train {
            train.extend(of(name, &mut pickers.train)?);
        }
        Ok(Some(Labels {
            train,
            test: Some(of(self.test, &mut pickers.test)?),
            ..Labels::default()
        }))
    }

    fn record_len(&self) -> usize {
        self.labels.len() + 3 * PLANE
    }

    /// The label of record `i`, its other leading bytes checked too.
    fn label(&self, path: &Path, i: usize, record: &[u8]) -> Result<i64, Error> {
        for (label, classes) in record.iter().zip(self.labels) {
            if label >= classes {
                let message = format!("record {i}: label {label}, expected 0 to {}", classes - 1);
                return Err(Error::file(path, message));
            }
        }
        let last = record.get(self.labels.len() - 1);
        Ok(last.copied().unwrap_or_default().into())
    }

    /// The records' labels and colour planes (red, green, blue) to images.
    fn add_records(
        &self,
        path: &Path,
        bytes: &[u8],
        picker: &mut Picker,
        part: &mut Part,
    ) -> Result<(), Error> {
        let mut pixels = vec![0; 3 * PLANE];
        for (i, record) in bytes.chunks_exact(self.record_len()).enumerate() {
            let at = |why: String| Error::file(path, format!("record {i}: {why}"));
            let label = self.label(path, i, record)?;
            let planes = record.get(self.labels.len()..).unwrap_or_default();
            if let Some(new) = picker.pick(label).map_err(|e| at(e.to_string()))? {
                for (c, plane) in planes.chunks_exact(PLANE).enumerate() {
                    let channel = pixels.iter_mut().skip(c).step_by(3);
                    channel.zip(plane).for_each(|(to, from)| *to = *from);
                }
                part.images.push(&pixels);
                part.labels.push(new);
            }
        }
        Ok(())
    }

    /// Reads a file of `len` bytes, when that is a length it can have.
    fn read_file(&self, path: &Path, len: u64, reader: impl Read) -> Result<Vec<u8>, Error> {
        let record = self.record_len() as u64;
        let records = len / record;
        if len == 0 || !len.is_multiple_of(record) || records > self.max_records as u64 {
            let message = format!(
                "{len} bytes are not 1 to {} whole records of {record} bytes; \
                 the file is cut off or is another one",
                self.max_records
            );
            return Err(Error::file(path, message));
        }
        // Not made as large as the length says before so much has come: an archive's header can say anything.
        let mut bytes = Vec::new();
        reader
            .take(len)
            .read_to_end(&mut bytes)
            .map_err(Error::io(path))?;
        if bytes.len() as u64 != len {
            let message = format!("ends after {} of {len} bytes", bytes.len());
            return Err(Error::file(path, message));
        }
        Ok(bytes)
    }
}

/// The files' bytes, one after the other.
enum Files {
    Folder(PathBuf),
    /// The archive's path, and what was in it: the order of an archive is not that of the names.
    Unpacked(PathBuf, HashMap<&'static str, (PathBuf, Vec<u8>)>),
}

impl Files {
    fn unpack(layout: &Format, path: PathBuf) -> Result<Self, Error> {
        let file = BufReader::new(open_regular(&path).map_err(Error::io(&path))?);
        let wrong = |e: io::Error| Error::file(&path, format!("not a whole .tar.gz archive: {e}"));
        let mut archive = tar::Archive::new(MultiGzDecoder::new(file).take(MAX_ARCHIVE));
        let mut found = HashMap::new();
        // Raw: long names and the like stand in entries of their own, which are as long as their header says. The names
        // looked for need none, and nobody reads them.
        for entry in archive.entries().map_err(wrong)?.raw(true) {
            let entry = entry.map_err(wrong)?;
            let inside = entry.path().map_err(wrong)?.into_owned();
            let name = file_name(&inside);
            let Some(name) = layout.names().find(|known| *known == name) else {
                continue;
            };
            let refused = |why| Error::file(&path, format!("entry {}: {why}", inside.display()));
            let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
            if !inside.components().all(is_plain) {
                return Err(refused("its path leads out of the archive"));
            }
            if !entry.header().entry_type().is_file() {
                return Err(refused("a link or the like, expected a file"));
            }
            if found.contains_key(name) {
                return Err(refused("a second file of this name"));
            }
            // Shown as a path, but never used as one: nothing of an archive is written to the disk.
            let shown = path.join(&inside);
            let bytes = layout.read_file(&shown, entry.size(), entry)?;
            found.insert(name, (shown, bytes));
        }
        // Only the end of the gzip stream has the checksum.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(wrong)?;
        Ok(Files::Unpacked(path, found))
    }

    /// The path (for messages) and the bytes of a file.
    fn take(&mut self, layout: &Format, name: &'static str) -> Result<(PathBuf, Vec<u8>), Error> {
        let missing = |place: &Path| Error::Missing {
            dataset: layout.dataset,
            folder: place.to_owned(),
            looked_for: name.to_owned(),
        };
        match self {
            Files::Folder(folder) => {
                let path = folder.join(name);
                if !path.is_file() {
                    return Err(missing(folder));
                }
                let len = fs::metadata(&path).map_err(Error::io(&path))?.len();
                let file = open_regular(&path).map_err(Error::io(&path))?;
                let bytes = layout.read_file(&path, len, file)?;
                Ok((path, bytes))
            }
            Files::Unpacked(archive, files) => files.remove(name).ok_or_else(|| missing(archive)),
        }
    }
}
