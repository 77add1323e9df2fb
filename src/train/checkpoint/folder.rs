//! The two newest checkpoints of a run: `<number>-<checksum>.safetensors`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::file::{self, Checkpoint};
use crate::atomic::NewFile;
use crate::claim::Token;
use crate::foreign;

/// How many are kept.
const KEPT: usize = 2;
/// How often the folder is made where it vanishes before the first file is in it: a process that finds its run taken
/// over takes its empty folder away.
const TRIES: usize = 3;
const ENDING: &str = "safetensors";

/// Why a checkpoint cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the checkpoint {} cannot be used: {source}", foreign::path(path))]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "the checkpoint {} does not fit this run: {why}; delete it, and the run starts over",
        foreign::path(path)
    )]
    Foreign { path: PathBuf, why: String },
}

/// Where one run's checkpoints are.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// Shows that the run is still this process's.
    token: Token,
}

/// A checkpoint's file, told by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    number: u64,
    checksum: String,
    path: PathBuf,
}

impl Entry {
    fn of(path: PathBuf) -> Option<Self> {
        let (number, checksum) = path
            .file_name()?
            .to_str()?
            .strip_suffix(ENDING)?
            .strip_suffix('.')?
            .split_once('-')?;
        Some(Entry {
            number: number.parse().ok()?,
            checksum: checksum.to_owned(),
            path,
        })
    }
}

impl Folder {
    pub fn new(path: PathBuf, token: Token) -> Self {
        Folder { path, token }
    }

    /// The newest whole checkpoint with its path. Damaged ones are removed, with a warning.
    ///
    /// # Errors
    /// Files that cannot be read; they are left.
    pub fn newest(&self) -> Result<Option<(PathBuf, Checkpoint)>, Error> {
        for entry in self.entries()?.into_iter().rev() {
            let bytes = fs::read(&entry.path).map_err(io_error(&entry.path))?;
            let whole = file::checksum(&bytes) == entry.checksum;
            let checkpoint = match whole {
                true => Checkpoint::decode(&bytes),
                false => Err("its checksum is wrong".into()),
            };
            match checkpoint {
                Ok(checkpoint) => return Ok(Some((entry.path, checkpoint))),
                Err(why) => {
                    tracing::warn!(
                        "the checkpoint {} is damaged: {why}; the run resumes from the one before",
                        foreign::path(&entry.path)
                    );
                    self.remove(&entry)?;
                }
            }
        }
        Ok(None)
    }

    /// Writes a checkpoint, then removes all but the newest two.
    ///
    /// # Errors
    /// A folder that cannot be written, or a run that another process has taken over; the checkpoints in it are as they
    /// were.
    pub fn add(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let added = self.try_add(checkpoint);
        if self.token.is_lost() {
            // It may have been made after the other process had finished; one that has a file in it stays.
            let _ = fs::remove_dir(&self.path);
        }
        added
    }

    fn try_add(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        self.token.check().map_err(io_error(&self.path))?;
        let older = self.entries()?;
        let number = older.last().map_or(1, |newest| newest.number + 1);
        let write = || {
            let mut new = self.begin()?;
            let checksum = file::encode(&mut new, checkpoint)?;
            let name = format!("{number:06}-{checksum}.{ENDING}");
            new.commit(&self.path.join(name))
        };
        write().map_err(io_error(&self.path))?;
        let surplus = (older.len() + 1).saturating_sub(KEPT);
        older
            .iter()
            .take(surplus)
            .try_for_each(|entry| self.remove(entry))
    }

    /// A file whose name is known once its bytes are.
    fn begin(&self) -> io::Result<NewFile> {
        let nameless = self.path.join(super::FOLDER);
        let mut tries = 1;
        loop {
            fs::create_dir_all(&self.path)?;
            match NewFile::create(&nameless, &self.token) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => {
                    tries += 1;
                }
                new => return new,
            }
        }
    }

    /// Removes a file of this run, whose name no later one has.
    fn remove(&self, entry: &Entry) -> Result<(), Error> {
        self.token.check().map_err(io_error(&entry.path))?;
        match fs::remove_file(&entry.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(io_error(&entry.path)(error))
            }
            _ => Ok(()),
        }
    }

    /// From the oldest.
    fn entries(&self) -> Result<Vec<Entry>, Error> {
        let files = match fs::read_dir(&self.path) {
            Ok(files) => files,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(io_error(&self.path)(e)),
        };
        let mut entries = Vec::new();
        for file in files {
            entries.extend(Entry::of(file.map_err(io_error(&self.path))?.path()));
        }
        entries.sort();
        Ok(entries)
    }
}

/// The file name of the newest checkpoint in a folder; none where there is none, or none to be seen.
pub fn newest_name(folder: &Path) -> Option<String> {
    let files = fs::read_dir(folder).ok()?.flatten();
    let newest = files.filter_map(|file| Entry::of(file.path())).max()?;
    Some(newest.path.file_name()?.to_string_lossy().into_owned())
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::weights::HostTensor;

    fn tensor(value: f32) -> HostTensor {
        HostTensor {
            shape: vec![2],
            data: vec![value, f32::INFINITY],
        }
    }

    fn checkpoint(tensors: BTreeMap<String, HostTensor>, n: usize) -> Checkpoint {
        Checkpoint {
            tensors,
            state: format!("state {n}"),
        }
    }

    fn filled(folder: &Path, checkpoints: usize) -> Folder {
        let folder = Folder::new(folder.join("checkpoint"), Token::unclaimed());
        for n in 1..=checkpoints {
            let tensor = tensor(n as f32);
            folder
                .add(&checkpoint([("a".to_owned(), tensor)].into(), n))
                .unwrap();
        }
        folder
    }

    fn state(folder: &Folder) -> Option<String> {
        folder.newest().unwrap().map(|(_, c)| c.state)
    }

    #[test]
    fn the_newest_of_the_two_kept_is_read_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = filled(folder.path(), 3);
        let (_, found) = checkpoints.newest().unwrap().unwrap();
        assert_eq!(found.tensors["a"], tensor(3.0));
        assert_eq!(found.state, "state 3");
        assert_eq!(fs::read_dir(&checkpoints.path).unwrap().count(), 2);
        assert!(
            filled(&folder.path().join("none"), 0)
                .newest()
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn one_changed_byte_anywhere_is_noticed_and_the_one_before_taken() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = filled(folder.path(), 2);
        let newest = checkpoints.entries().unwrap().pop().unwrap();
        let good = fs::read(&newest.path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&newest.path, &bad).unwrap();
            assert_eq!(state(&checkpoints).unwrap(), "state 1", "byte {at}");
            assert!(!newest.path.exists());
        }
        fs::write(&newest.path, &good[..good.len() / 2]).unwrap();
        assert_eq!(state(&checkpoints).unwrap(), "state 1");
    }

    #[test]
    fn after_a_damaged_one_the_one_before_is_kept_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = filled(folder.path(), 2);
        let newest = checkpoints.entries().unwrap().pop().unwrap();
        fs::write(&newest.path, "").unwrap();
        assert_eq!(state(&checkpoints).unwrap(), "state 1");
        checkpoints.add(&checkpoint(BTreeMap::new(), 3)).unwrap();
        let newest = checkpoints.entries().unwrap().pop().unwrap();
        fs::write(&newest.path, "").unwrap();
        assert_eq!(state(&checkpoints).unwrap(), "state 1");
    }
}
