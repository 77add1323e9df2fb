//! A file of features.
//!
//! 64 bytes of header (the magic, the number of images and of values an image as little-endian u64, a
//! SHA-256), then the values as little-endian f32, image by image. The checksum is the SHA-256 of the
//! SHA-256s of the values' blocks of 1 MiB, so that it can be verified on all cores.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::fail_point;

const MAGIC: [u8; 16] = *b"runner features1";
const HEADER: usize = 64;
const BLOCK: usize = 1 << 20;
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
        let temporary = path.with_extension(format!("{}.{UNFINISHED}", std::process::id()));
        let mut writer = Writer {
            file: File::create(&temporary)?,
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

/// The values' bytes.
pub(super) fn values(file: &[u8]) -> &[u8] {
    file.get(HEADER..).unwrap_or_default()
}

/// Maps a file and checks it; `None` where there is none.
///
/// # Errors
/// What is wrong with it.
pub(super) fn open(path: &Path, extent: Extent) -> Result<Option<Mmap>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    // SAFETY: the bytes must not change while they are mapped. The runner never writes to a file under its
    // final name: it replaces it by renaming and removes it by unlinking, and both leave a mapping whole.
    let map = unsafe { Mmap::map(&file) }.map_err(|e| e.to_string())?;
    check(&map, extent)?;
    // The time of the last use, by which old files are told; a read-only cache does without.
    let _ = file.set_modified(std::time::SystemTime::now());
    Ok(Some(map))
}

fn check(file: &[u8], extent: Extent) -> Result<(), String> {
    if file.len() as u64 != len(extent) {
        let (found, wanted) = (file.len(), len(extent));
        return Err(format!("it has {found} bytes instead of {wanted}"));
    }
    if !file.starts_with(&head(extent)) {
        return Err("its header is not the one expected".into());
    }
    let digests: Vec<_> = values(file).par_chunks(BLOCK).map(Sha256::digest).collect();
    let mut blocks = Sha256::new();
    digests.iter().for_each(|digest| blocks.update(digest));
    let checksum = blocks.finalize();
    if file.get(32..HEADER) == Some(checksum.as_slice()) {
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
        let map = open(&path, extent).unwrap().unwrap();
        let third = &values(&map)[3 * 4 * extent.1..][..4];
        assert_eq!(third, 3f32.to_le_bytes());
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
            assert!(open(&path, extent).is_err(), "byte {at}");
        }
        fs::write(&path, &good[..good.len() - 4]).unwrap();
        assert!(open(&path, extent).unwrap_err().contains("bytes"));
        fs::write(&path, b"").unwrap();
        assert!(open(&path, extent).is_err());
    }

    #[test]
    fn a_writer_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.features");
        Writer::create(&path, (2, 2)).unwrap().push(&[1.0]).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(open(&path, (2, 2)).unwrap().is_none());
    }
}
