//! The cache folder's decoded images: `images/<key>.<part>.images`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::atomic::Unfinished;
use crate::data::error::Error;
use crate::foreign;
use crate::machine;
use crate::split::PartName;
use crate::stored::{Form, Stored, Writer};

const FOLDER: &str = "images";
const ENDING: &str = "images";

/// Where the decoded images of a dataset are kept.
#[derive(Debug)]
pub(in crate::data) struct Folder {
    path: PathBuf,
    key: String,
}

/// What decoded images take on the disk of the cache folder, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    pub folder: PathBuf,
    /// What is there already.
    pub kept: u64,
    /// What can be had beside, the images of other datasets removed; none where the system does not tell.
    pub free: Option<u64>,
}

impl Folder {
    /// In the cache at `root`, by what decides the images.
    pub fn new(root: &Path, key: String) -> Self {
        Folder {
            path: root.join(FOLDER),
            key,
        }
    }

    fn file(&self, part: PartName) -> PathBuf {
        let (key, part) = (&self.key, part.as_str());
        self.path.join(format!("{key}.{part}.{ENDING}"))
    }

    fn is_own(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(&self.key))
    }

    /// What is wrong with the folder.
    pub fn error(&self, source: io::Error) -> Error {
        Error::Keeping {
            folder: self.path.clone(),
            source,
        }
    }

    /// The file of a part, checked; one that is damaged is removed, with a warning.
    pub fn find(&self, part: PartName, form: Form) -> Option<Stored> {
        let path = self.file(part);
        Stored::open(&path, form).unwrap_or_else(|why| {
            tracing::warn!(
                "the decoded images in {} cannot be used: {why}; they are decoded again",
                foreign::path(&path)
            );
            let _ = fs::remove_file(&path);
            None
        })
    }

    /// Begins the file of a part, after making room for it.
    pub fn begin(&self, part: PartName, form: Form) -> io::Result<Writer> {
        fs::create_dir_all(&self.path)?;
        self.make_room(form.len())?;
        Writer::create(&self.file(part), form)
    }

    /// Removes what is abandoned, and where the disk has too little room for `bytes` more, the longest unused images of
    /// other datasets.
    fn make_room(&self, bytes: u64) -> io::Result<()> {
        let unfinished = Unfinished::all(&self.path)?;
        for file in unfinished.iter().filter(|file| file.is_abandoned()) {
            let _ = file.remove();
        }
        for (_, _, path) in self.others() {
            if machine::free_disk(&self.path).is_none_or(|free| free >= bytes) {
                break;
            }
            let shown = foreign::path(&path);
            tracing::info!("removing the longest unused decoded images, {shown}");
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// The files of other datasets: when they were last used, their bytes; the longest unused first.
    fn others(&self) -> Vec<(SystemTime, u64, PathBuf)> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let others = entries.filter_map(|entry| {
            let (path, about) = (entry.path(), entry.metadata().ok()?);
            let is_other = path.extension()? == ENDING && !self.is_own(&path);
            let used = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            is_other.then_some((used, about.len(), path))
        });
        let mut others: Vec<_> = others.collect();
        others.sort();
        others
    }

    /// What is there, and what can be had.
    pub fn disk(&self) -> Disk {
        let parts = [PartName::Training, PartName::Validation, PartName::Test];
        let kept = parts.map(|part| fs::metadata(self.file(part)).map_or(0, |about| about.len()));
        let others: u64 = self.others().iter().map(|(_, bytes, _)| bytes).sum();
        Disk {
            folder: self.path.clone(),
            kept: kept.iter().sum(),
            free: machine::free_disk(&self.path).map(|free| free.saturating_add(others)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_of_other_datasets_count_as_room_and_own_ones_as_kept() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path(), "aa".into());
        fs::create_dir_all(&folder.path).unwrap();
        let before = folder.disk();
        assert_eq!(before.kept, 0);
        fs::write(folder.file(PartName::Test), [0; 7]).unwrap();
        fs::write(folder.path.join("bb.training.images"), [0; 5]).unwrap();
        fs::write(folder.path.join("notes.txt"), [0; 9]).unwrap();
        let after = folder.disk();
        assert_eq!(after.kept, 7);
        let sizes: Vec<u64> = folder.others().iter().map(|(_, bytes, _)| *bytes).collect();
        assert_eq!(sizes, [5]);
    }
}
