//! A file of features.
//!
//! 64 bytes of header (the magic, the number of images and of values an image as little-endian u64, a
//! SHA-256), then the values as little-endian f32, image by image. The checksum is the SHA-256 of the
//! SHA-256s of the values' blocks of 1 MiB, so that it can be verified on all cores.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
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
const MAGIC: [u8; 16] = *b"runner features1";
const HEADER: usize = 64;
const BLOCK: usize = 1 << 20;
/// A use is noted again after so long.
const RECENT: Duration = Duration::from_secs(3600);
/// Ends the name of a file that is not whole yet.
pub(super) const UNFINISHED: &str = "tmp";

/// How many images there are, and values an image.
pub(super) type Extent = (usize, usize);

/// Writes a file piece by piece; it has its name once it is whole and on the disk.
pub(super) struct Writer {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    extent: Extent,
    block: Vec<u8>,
    blocks: Sha256,
    finished: bool,
}

impl Writer {
    /// A file that is to be `path` and to hold as many values as `extent` says.
    pub fn create(path: &Path, extent: Extent) -> io::Result<Self> {
        // Two processes that compute the same do not meet.
        let (file, temporary) = create_beside(path)?;
        let mut writer = Writer {
            file,
            temporary,
            path: path.to_owned(),
            extent,
            block: Vec::with_capacity(BLOCK),
            blocks: Sha256::new(),
            finished: false,
        };
        writer.file.write_all(&[0; HEADER])?;
        fail_point::reached(path, "begun");
        Ok(writer)
    }

    /// Appends values.
    pub fn push(&mut self, values: &[f32]) -> io::Result<()> {
        let mut rest = values;
        while !rest.is_empty() {
            let room = (BLOCK - self.block.len()) / 4;
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.block.extend(now.iter().flat_map(|v| v.to_le_bytes()));
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
    pub fn finish(mut self) -> io::Result<()> {
        self.end_block()?;
        let checksum = self.blocks.finalize_reset();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&head(self.extent))?;
        self.file.write_all(&checksum)?;
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

/// The header without its checksum.
fn head((rows, width): Extent) -> [u8; 32] {
    let mut head = [0; 32];
    head[..16].copy_from_slice(&MAGIC);
    head[16..24].copy_from_slice(&(rows as u64).to_le_bytes());
    head[24..].copy_from_slice(&(width as u64).to_le_bytes());
    head
}

/// The length of a whole file in bytes.
pub(super) fn len((rows, width): Extent) -> u64 {
    HEADER as u64 + 4 * rows as u64 * width as u64
}

/// A checked file. Its values are read when they are wanted: a file that is mapped instead would end the process where
/// another one cuts it.
#[derive(Debug)]
pub(super) struct Stored {
    file: File,
    path: PathBuf,
    extent: Extent,
    /// How the file was when it was last checked.
    checked: Mutex<Stamp>,
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
    /// Images that have features.
    pub fn images(&self) -> usize {
        self.extent.0
    }

    /// Opens a file and checks it; `None` where there is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(path: &Path, extent: Extent) -> Result<Option<Self>, String> {
        let file = match File::open(path) {
            Ok(file) => file,
            // A folder that is none, or may not be looked into, is said where it is to be written.
            Err(e) if NOT_THERE.contains(&e.kind()) => return Ok(None),
            Err(e) => return Err(e.to_string()),
        };
        touch(&file);
        let checked = stamp(&file).map_err(|e| e.to_string())?;
        check(&file, extent)?;
        Ok(Some(Stored {
            file,
            path: path.to_owned(),
            extent,
            checked: Mutex::new(checked),
        }))
    }

    /// Reads as many values as `into` has room for, from the value `first` on. They count once [`Stored::confirm`] has
    /// been asked.
    ///
    /// # Errors
    /// The disk's, and a file that was cut.
    pub fn read(&self, first: usize, into: &mut [f32]) -> io::Result<()> {
        let mut bytes = vec![0; 4 * into.len()];
        read_at(&self.file, &mut bytes, HEADER as u64 + 4 * first as u64)?;
        for (value, bytes) in into.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    /// Finds out whether what was read before is what was once written: the file was not touched since it was checked, or
    /// is whole when it is checked again.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn confirm(&self) -> Result<(), String> {
        let why = |why: String| {
            let path = foreign::path(&self.path);
            format!(
                "the kept features in {path} were changed while they were used: {why}; start again, and they are computed anew"
            )
        };
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.file).map_err(|e| why(e.to_string()))?;
        if now != *checked {
            check(&self.file, self.extent).map_err(why)?;
            *checked = now;
        }
        Ok(())
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

fn check(file: &File, extent: Extent) -> Result<(), String> {
    let found = file.metadata().map_err(|e| e.to_string())?.len();
    let wanted = len(extent);
    if found != wanted {
        return Err(format!("it has {found} bytes instead of {wanted}"));
    }
    let mut header = [0; HEADER];
    read_at(file, &mut header, 0).map_err(|e| e.to_string())?;
    if !header.starts_with(&head(extent)) {
        return Err("its header is not the one expected".into());
    }
    let values = wanted - HEADER as u64;
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
mod tests {
    use super::*;

    fn written(folder: &Path, extent: Extent) -> PathBuf {
        let path = folder.join("a.features");
        let mut writer = Writer::create(&path, extent).unwrap();
        for row in 0..extent.0 {
            writer.push(&vec![row as f32; extent.1]).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    #[test]
    fn a_file_of_several_blocks_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let extent = (5, 100_003);
        let path = written(folder.path(), extent);
        let stored = Stored::open(&path, extent).unwrap().unwrap();
        let mut third = vec![0.0; extent.1];
        stored.read(3 * extent.1, &mut third).unwrap();
        stored.confirm().unwrap();
        assert!(third.iter().all(|value| *value == 3.0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_changed_byte_anywhere_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let extent = (3, 5);
        let path = written(folder.path(), extent);
        let good = fs::read(&path).unwrap();
        for at in [0, 16, 31, 32, 63, 64, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert!(Stored::open(&path, extent).is_err(), "byte {at}");
        }
        fs::write(&path, &good[..good.len() - 4]).unwrap();
        assert!(Stored::open(&path, extent).unwrap_err().contains("bytes"));
        fs::write(&path, b"").unwrap();
        assert!(Stored::open(&path, extent).is_err());
    }

    #[test]
    fn a_file_that_is_cut_or_changed_while_it_is_used_is_noticed_and_one_that_is_only_touched_is_not()
     {
        let folder = tempfile::tempdir().unwrap();
        let extent = (3, 5);
        let path = written(folder.path(), extent);
        let good = fs::read(&path).unwrap();
        let stored = Stored::open(&path, extent).unwrap().unwrap();
        let touch = || {
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        };
        touch();
        stored.read(0, &mut [0.0; 15]).unwrap();
        stored.confirm().unwrap();
        let mut bad = good.clone();
        bad[70] ^= 1;
        fs::write(&path, &bad).unwrap();
        touch();
        let mut values = [0.0; 15];
        stored.read(0, &mut values).unwrap();
        let why = stored.confirm().unwrap_err();
        assert!(
            why.contains("a.features") && why.contains("checksum"),
            "{why}"
        );
        fs::write(&path, &good[..80]).unwrap();
        assert!(stored.read(0, &mut values).is_err());
        assert!(stored.confirm().unwrap_err().contains("bytes"));
    }

    #[test]
    fn a_writer_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.features");
        Writer::create(&path, (2, 2)).unwrap().push(&[1.0]).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(Stored::open(&path, (2, 2)).unwrap().is_none());
    }
}
