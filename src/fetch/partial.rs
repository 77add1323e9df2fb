//! A file that is not whole yet, apart from the finished ones, and one process's at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::foreign;

/// What has come of a file so far; others who want it wait as long as this lives.
pub(super) struct Partial {
    part: PathBuf,
    /// Holds the ETag of the version the part belongs to.
    tag: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl Partial {
    /// The part of the file called `name` (its path in the cache) below `folder`, once no other process has it.
    pub fn lock(folder: &Path, name: &str) -> Result<Self, Error> {
        let with = |ending: &str| folder.join(format!("{name}.{ending}"));
        let lock = with("lock");
        let held = take(&lock).map_err(|source| Error::Io {
            path: lock.clone(),
            source,
        })?;
        Ok(Partial {
            part: with("part"),
            tag: with("etag"),
            lock,
            _held: held,
        })
    }

    /// The file of the bytes so far.
    pub fn path(&self) -> &Path {
        &self.part
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        fs::metadata(&self.part).map_or(0, |m| m.len())
    }

    /// The ETag of the version they belong to.
    pub fn tag(&self) -> Option<String> {
        fs::read_to_string(&self.tag).ok()
    }

    /// An empty part, of the version with this ETag.
    pub fn begin(&self, tag: Option<&str>) -> io::Result<File> {
        self.discard();
        let file = File::create(&self.part)?;
        if let Some(tag) = tag {
            fs::write(&self.tag, tag)?;
        }
        Ok(file)
    }

    /// The part, to be written on from its end.
    pub fn resume(&self) -> io::Result<File> {
        OpenOptions::new().append(true).open(&self.part)
    }

    /// Forgets what came so far; nothing there is fine.
    pub fn discard(&self) {
        let _ = fs::remove_file(&self.tag);
        let _ = fs::remove_file(&self.part);
    }

    /// Makes the whole file durable and gives it its name.
    pub fn publish(self, path: &Path) -> Result<(), Error> {
        self.moved(path).map_err(|source| Error::Io {
            path: path.to_path_buf(),
            source,
        })
    }

    fn moved(&self, path: &Path) -> io::Result<()> {
        OpenOptions::new()
            .write(true)
            .open(&self.part)?
            .sync_all()?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(&self.part, path)?;
        // Whoever waits for the lock looks for the finished file first, so the lock's file may go.
        let _ = fs::remove_file(&self.tag);
        let _ = fs::remove_file(&self.lock);
        Ok(())
    }
}

/// The lock file, held exclusively. Where the file system has no locks, the one process is taken on trust.
fn take(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            tracing::info!(
                "another process is downloading; waiting for {}",
                foreign::path(path)
            );
            match file.lock() {
                Err(e) if !has_no_locks(&e) => Err(e),
                _ => Ok(file),
            }
        }
        Err(TryLockError::Error(e)) if has_no_locks(&e) => Ok(file),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// Whether a file system says that it has no locks: some network disks have none, or none to spare.
fn has_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    let known = [libc::ENOLCK, libc::ENOSYS, libc::EOPNOTSUPP, libc::ENOTSUP];
    #[cfg(not(unix))]
    let known: [i32; 0] = [];
    let code = error.raw_os_error();
    error.kind() == io::ErrorKind::Unsupported || code.is_some_and(|code| known.contains(&code))
}
