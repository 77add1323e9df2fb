//! The cache folder's features: `features/<key>.features`, of bounded size.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::file::{self, Extent, Stored, UNFINISHED, Writer};
use super::key::Key;
use super::turn::{self, Turn};
use crate::atomic::Unfinished;
use crate::claim::Claims;
use crate::fetch::Cache;
use crate::foreign;
use crate::machine;
use crate::progress::Progress;
use crate::stop::{Interrupted, Stop};

/// All files together, where the system does not tell how large the disk is (16 GiB).
const FALLBACK: u64 = 16 << 30;
/// One of so many parts of the disk is left free; where less is free already, half of that.
const LEFT: u64 = 5;
const ENDING: &str = "features";
/// An unfinished file this old is a killed process's.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Files of features.
pub(super) struct Folder {
    /// None where there is no cache folder: nothing is found, and nothing can be begun.
    path: Option<PathBuf>,
    /// Whether it was said that nothing can be written.
    has_warned: AtomicBool,
}

impl Folder {
    pub fn of(cache: &Cache) -> Self {
        Folder {
            path: cache.root().map(|root| root.join("features")),
            has_warned: AtomicBool::new(false),
        }
    }

    /// The bytes that all files may take so that a fifth of the disk is left free, or where less is free already half of
    /// that, up to 16 GiB in all; none without a cache folder.
    pub fn usual_limit(&self) -> u64 {
        let Some(folder) = &self.path else {
            return 0;
        };
        let disk = machine::free_disk(folder).zip(machine::whole_disk(folder));
        disk.map_or(FALLBACK, |(free, whole)| {
            let files = fs::read_dir(folder).into_iter().flatten().flatten();
            let files = files.filter(|file| has_ending(&file.path(), ENDING));
            let kept: u64 = files
                .filter_map(|file| Some(file.metadata().ok()?.len()))
                .sum();
            let roomy = kept.saturating_add(free).saturating_sub(whole / LEFT);
            roomy.max(FALLBACK.min(kept.saturating_add(free / 2)))
        })
    }

    /// The file of `key`, checked; one that is damaged is removed, with a warning.
    pub fn find(&self, key: &Key, extent: Extent) -> Option<Stored> {
        let path = self.file(key).ok()?;
        Stored::open(&path, extent).unwrap_or_else(|why| {
            tracing::warn!(
                "the kept features in {} cannot be used: {why}; they are computed again",
                foreign::path(&path)
            );
            let _ = fs::remove_file(&path);
            None
        })
    }

    /// Waits while another process computes the features of `key`. A folder that cannot be written keeps nobody waiting.
    ///
    /// # Errors
    /// The work is to stop.
    pub fn turn(
        &self,
        key: &Key,
        who: (&Claims, &Stop),
        what: &str,
        progress: &dyn Progress,
    ) -> Result<Turn, Interrupted> {
        let waited = self
            .file(key)
            .and_then(|file| turn::wait(&file, who, what, progress));
        self.written(waited).unwrap_or(Ok(Turn::Own(None)))
    }

    /// Begins the file of `key`, after making room for it, so that all files together take `limit` bytes at most: the
    /// longest unused are removed.
    pub fn begin(&self, key: &Key, extent: Extent, limit: u64) -> io::Result<Writer> {
        let folder = self.path()?;
        fs::create_dir_all(folder)?;
        self.make_room(folder, file::len(extent), limit)?;
        Writer::create(&self.file(key)?, extent)
    }

    /// The value, or once a warning that the folder cannot be written.
    pub fn written<T>(&self, result: io::Result<T>) -> Option<T> {
        let warn = |error: &io::Error| {
            if !self.has_warned.swap(true, Ordering::Relaxed) {
                let folder = self.path.as_deref().map(foreign::path);
                let folder = folder.map_or(String::new(), |path| format!(", {path}"));
                tracing::warn!("features cannot be kept in the cache folder{folder}: {error}");
            }
        };
        result.inspect_err(warn).ok()
    }

    fn path(&self) -> io::Result<&Path> {
        let none = || io::Error::new(io::ErrorKind::NotFound, "there is none; set RUNNER_CACHE");
        self.path.as_deref().ok_or_else(none)
    }

    fn file(&self, key: &Key) -> io::Result<PathBuf> {
        Ok(self.path()?.join(format!("{key}.{ENDING}")))
    }

    /// Removes what is abandoned, and the longest unused files until `bytes` more keep to the limit.
    fn make_room(&self, folder: &Path, bytes: u64, limit: u64) -> io::Result<()> {
        let unfinished = Unfinished::all(folder)?;
        for file in unfinished.iter().filter(|file| file.is_abandoned()) {
            let _ = file.remove();
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)?.flatten() {
            let (path, Ok(about)) = (entry.path(), entry.metadata()) else {
                continue;
            };
            let used = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let is_old = used.elapsed().is_ok_and(|age| age > ABANDONED);
            if has_ending(&path, turn::ENDING) && is_old {
                let _ = fs::remove_dir_all(path);
            } else if has_ending(&path, ENDING) {
                files.push((used, about.len(), path));
            } else if has_ending(&path, UNFINISHED) && is_old {
                let _ = fs::remove_file(path);
            }
        }
        files.sort();
        let mut total = bytes + files.iter().map(|(_, len, _)| len).sum::<u64>();
        for (_, len, path) in files {
            if total <= limit {
                break;
            }
            tracing::info!(
                "removing the longest unused features, {}",
                foreign::path(&path)
            );
            fs::remove_file(path)?;
            total -= len;
        }
        Ok(())
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|e| e == ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_file_is_removed_for_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let extent = (1, 9);
        let features = Folder {
            path: Some(folder.path().join("features")),
            has_warned: AtomicBool::new(false),
        };
        let [a, b, c] = ["a", "b", "c"].map(Key::for_test);
        for (key, age) in [(&a, 200), (&b, 300), (&c, 0)] {
            let mut writer = features.begin(key, extent, 2 * file::len(extent)).unwrap();
            writer.push(&[1.0; 9]).unwrap();
            writer.finish().unwrap();
            let file = fs::File::open(features.file(key).unwrap()).unwrap();
            let used = SystemTime::now() - Duration::from_secs(age);
            file.set_modified(used).unwrap();
        }
        assert!(features.find(&b, extent).is_none());
        assert!(features.find(&a, extent).is_some());
        assert!(features.find(&c, extent).is_some());
    }

    #[test]
    fn a_damaged_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let features = Folder::of(&Cache::at(folder.path()));
        let key = Key::for_test("a");
        features
            .begin(&key, (1, 1), u64::MAX)
            .unwrap()
            .finish()
            .unwrap();
        assert!(features.file(&key).unwrap().is_file());
        assert!(features.find(&key, (1, 1)).is_none());
        assert!(!features.file(&key).unwrap().exists());
    }
}
