//! Checked files of the cache folder that hold something for each of many images.
//!
//! 64 bytes of header (the magic, the number of images and of values an image as little-endian u64, a
//! SHA-256), then the values, image by image, then what else was to be kept. The checksum is the SHA-256 of the
//! SHA-256s of the blocks of 1 MiB behind the header, so that it can be verified on all cores.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::atomic::create_beside;
use crate::fail_point;
use crate::foreign;

/// Why a file cannot be opened that does not damage it.
const NOT_THERE: [io::ErrorKind; 3] = [
    io::ErrorKind::NotFound,
    io::ErrorKind::NotADirectory,
    io::ErrorKind::PermissionDenied,
];
const HEADER: usize = 64;
const BLOCK: usize = 1 << 20;
/// A use is noted again after so long.
const RECENT: Duration = Duration::from_secs(3600);

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// What it starts with.
    pub magic: [u8; 16],
    /// What it holds, in words for people.
    pub what: &'static str,
    pub images: usize,
    /// Values an image.
    pub values: usize,
    /// Bytes of a value.
    pub value: usize,
}

impl Form {
    /// Bytes of all images' values.
    fn of_values(&self) -> u64 {
        self.images as u64 * self.values as u64 * self.value as u64
    }

    /// The length of a whole file in bytes, with nothing behind the values.
    pub fn len(&self) -> u64 {
        HEADER as u64 + self.of_values()
    }

    /// The header without its checksum.
    fn head(&self) -> [u8; 32] {
        let mut head = [0; 32];
        head[..16].copy_from_slice(&self.magic);
        head[16..24].copy_from_slice(&(self.images as u64).to_le_bytes());
        head[24..].copy_from_slice(&(self.values as u64).to_le_bytes());
        head
    }
}

/// Writes a file piece by piece; it has its name once it is whole and on the disk.
pub struct Writer {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    form: Form,
    block: Vec<u8>,
    blocks: Sha256,
    finished: bool,
}

impl Writer {
    /// A file that is to be `path` and to hold as many values as `form` says.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn create(path: &Path, form: Form) -> io::Result<Self> {
        // Two processes that compute the same do not meet.
        let (file, temporary) = create_beside(path)?;
        let mut writer = Writer {
            file,
            temporary,
            path: path.to_owned(),
            form,
            block: Vec::with_capacity(BLOCK),
            blocks: Sha256::new(),
            finished: false,
        };
        writer.file.write_all(&[0; HEADER])?;
        fail_point::reached(path, "begun");
        Ok(writer)
    }

    /// Appends the bytes of values, and behind the last of them what else is to be kept.
    ///
    /// # Errors
    /// A full disk.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = BLOCK - self.block.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.block.extend_from_slice(now);
            rest = later;
            if self.block.len() == BLOCK {
                self.end_block()?;
            }
        }
        Ok(())
    }

    fn end_block(&mut self) -> io::Result<()> {
        if !self.block.is_empty() {
            self.blocks.update(Sha256::digest(&self.block));
            self.file.write_all(&self.block)?;
            self.block.clear();
        }
        Ok(())
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// A full disk, or a name that cannot be given; nothing is left then.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_block()?;
        let checksum = self.blocks.finalize_reset();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&self.form.head())?;
        self.file.write_all(&checksum)?;
        if fail_point::is_here(&self.path, "full") {
            return Err(io::ErrorKind::StorageFull.into());
        }
        fail_point::reached(&self.path, "written");
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.finished = true;
        fail_point::reached(&self.path, "renamed");
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.finished {
            // A leftover is removed with the oldest files later.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A checked file. Its values are read when they are wanted: a file that is mapped instead would end the process where
/// another one cuts it.
#[derive(Debug)]
pub struct Stored {
    file: File,
    path: PathBuf,
    form: Form,
    /// How the file was when it was last checked.
    checked: Mutex<Stamp>,
    /// Why something could not be read.
    failed: OnceLock<String>,
}

/// What a change of a file changes.
type Stamp = (u64, Option<SystemTime>, (i64, i64));

fn stamp(file: &File) -> io::Result<Stamp> {
    let about = file.metadata()?;
    #[cfg(unix)]
    let changed = {
        use std::os::unix::fs::MetadataExt;
        (about.ctime(), about.ctime_nsec())
    };
    #[cfg(not(unix))]
    let changed = (0, 0);
    Ok((about.len(), about.modified().ok(), changed))
}

impl Stored {
    /// How many images it has something for.
    pub fn images(&self) -> usize {
        self.form.images
    }

    /// Opens a file and checks it; `None` where there is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(path: &Path, form: Form) -> Result<Option<Self>, String> {
        let file = match File::open(path) {
            Ok(file) => file,
            // A folder that is none, or may not be looked into, is said where it is to be written.
            Err(e) if NOT_THERE.contains(&e.kind()) => return Ok(None),
            Err(e) => return Err(e.to_string()),
        };
        touch(&file);
        let checked = stamp(&file).map_err(|e| e.to_string())?;
        check(&file, &form)?;
        Ok(Some(Stored {
            file,
            path: path.to_owned(),
            form,
            checked: Mutex::new(checked),
            failed: OnceLock::new(),
        }))
    }

    /// Reads as many bytes as `into` has room for, from the byte `first` of the values on. They count once
    /// [`Stored::confirm`] has been asked.
    ///
    /// # Errors
    /// The disk's, and a file that was cut.
    pub fn read(&self, first: u64, into: &mut [u8]) -> io::Result<()> {
        let read = read_at(&self.file, into, HEADER as u64 + first);
        read.inspect_err(|error| {
            let _ = self.failed.set(error.to_string());
        })
    }

    /// What is kept behind the values.
    ///
    /// # Errors
    /// As [`Stored::read`].
    pub fn rest(&self) -> io::Result<Vec<u8>> {
        let len = self.file.metadata()?.len().saturating_sub(self.form.len());
        let mut rest = vec![0; len as usize];
        self.read(self.form.of_values(), &mut rest)?;
        Ok(rest)
    }

    /// Finds out whether what was read before is what was once written: all of it could be read, and the file was not touched
    /// since it was checked, or is whole when it is checked again.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn confirm(&self) -> Result<(), String> {
        let why = |why: String| {
            let (what, path) = (self.form.what, foreign::path(&self.path));
            format!(
                "the kept {what} in {path} were changed while they were used: {why}; start again, and they are made anew"
            )
        };
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.file).map_err(|e| why(e.to_string()))?;
        if now != *checked {
            check(&self.file, &self.form).map_err(why)?;
            *checked = now;
        }
        self.failed
            .get()
            .map_or(Ok(()), |failed| Err(why(failed.clone())))
    }
}

/// The time of the last use, by which old files are told; a read-only cache does without. Not every time, as others that
/// use the file check it again then.
fn touch(file: &File) {
    let now = SystemTime::now();
    let used = file.metadata().and_then(|about| about.modified());
    let is_recent = |used: SystemTime| now.duration_since(used).is_ok_and(|age| age < RECENT);
    if !used.is_ok_and(is_recent) {
        let _ = file.set_modified(now);
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest @ [_, ..]) = bytes.get_mut(done..) {
        match std::os::windows::fs::FileExt::seek_read(file, rest, offset + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => done += read,
        }
    }
    Ok(())
}

fn check(file: &File, form: &Form) -> Result<(), String> {
    let found = file.metadata().map_err(|e| e.to_string())?.len();
    let wanted = form.len();
    if found < wanted {
        return Err(format!("it has {found} bytes instead of {wanted}"));
    }
    let mut header = [0; HEADER];
    read_at(file, &mut header, 0).map_err(|e| e.to_string())?;
    if !header.starts_with(&form.head()) {
        return Err("its header is not the one expected".into());
    }
    let values = found - HEADER as u64;
    let digest = |block: u64| {
        let start = block * BLOCK as u64;
        let mut bytes = vec![0; (values - start).min(BLOCK as u64) as usize];
        read_at(file, &mut bytes, HEADER as u64 + start)?;
        Ok(Sha256::digest(&bytes))
    };
    let blocks = (0..values.div_ceil(BLOCK as u64)).into_par_iter();
    let digests: io::Result<Vec<_>> = blocks.map(digest).collect();
    let mut blocks = Sha256::new();
    for digest in digests.map_err(|e| e.to_string())? {
        blocks.update(digest);
    }
    if header.get(32..) == Some(blocks.finalize().as_slice()) {
        Ok(())
    } else {
        Err("its checksum is wrong".into())
    }
}

#[cfg(test)]
mod tests;
