//! Files that are there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::fail_point;

/// Writes `contents` to `path`: into `<path>.tmp` beside it, synced, then renamed over it.
///
/// Killed at any moment, `path` holds either what it held before or all of `contents`.
///
/// # Errors
/// When the folder cannot be written; `path` is then as it was and nothing is left beside it.
pub fn write_atomically(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = NewFile::create(path)?;
    file.write_all(contents)?;
    file.commit(path)
}

/// As [`write_atomically`], for what is written again where it is missing: the name outlasts a power failure only once
/// another file of the folder is written.
///
/// # Errors
/// The same.
pub fn write_atomically_for_now(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = NewFile::create(path)?;
    file.write_all(contents)?;
    file.rename_to(path)
}

/// A file that is being written beside its place, and removed unless it is committed.
pub struct NewFile {
    out: BufWriter<File>,
    temporary: PathBuf,
    committed: bool,
}

impl NewFile {
    /// Begins `<path>.tmp`, replacing one that a killed process left.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let temporary = temporary_beside(path);
        let new = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)?;
        let out = BufWriter::new(new);
        let file = NewFile {
            out,
            temporary,
            committed: false,
        };
        fail_point::reached(&file.temporary, "begun");
        Ok(file)
    }

    /// The file with all that was written, to be read and changed.
    ///
    /// # Errors
    /// A full disk.
    pub fn flushed(&mut self) -> io::Result<&mut File> {
        self.out.flush()?;
        Ok(self.out.get_mut())
    }

    /// Makes the file durable and gives it its name, in place of an older file.
    ///
    /// # Errors
    /// A full disk, or a name that cannot be given; nothing is left beside it then.
    pub fn commit(self, path: &Path) -> io::Result<()> {
        self.rename_to(path)?;
        sync_folder_of(path);
        Ok(())
    }

    fn rename_to(mut self, path: &Path) -> io::Result<()> {
        self.out.flush()?;
        if fail_point::is_here(&self.temporary, "full") {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = self.out.get_ref();
        if fail_point::is_here(&self.temporary, "half") {
            file.set_len(file.metadata()?.len() / 2)?;
            std::process::abort();
        }
        fail_point::reached(&self.temporary, "written");
        file.sync_all()?;
        fs::rename(&self.temporary, path)?;
        self.committed = true;
        fail_point::reached(&self.temporary, "renamed");
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.committed {
            // The reason for the failure matters more than a leftover.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(".tmp");
    path.with_file_name(name)
}

/// Makes a new name survive a power failure, where folders can be synced.
fn sync_folder_of(path: &Path) {
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomically(&path, b"first, and longer").unwrap();
        write_atomically(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_keeps_what_was_there_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "kept").unwrap();
        assert!(write_atomically(&path, b"x").is_err());
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"kept");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
