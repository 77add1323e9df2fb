//! A checksum inside a Parquet file, between its pages and its footer, where no reader looks.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

const MARK: [u8; 8] = *b"sha256: ";
/// The mark and the SHA-256 of all other bytes.
const SEAL: usize = MARK.len() + 32;
/// After the footer: its length, and `PAR1`.
const END: usize = 8;
/// So many bytes are read at a time.
const PIECE: usize = 1 << 16;

/// Whether a file is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    Whole,
    Broken,
    /// It was written without one.
    Absent,
}

/// Seals a whole Parquet file, which may be longer than memory.
///
/// # Errors
/// A file that cannot be read or written, or is none of Parquet.
pub(in crate::store) fn seal(file: &mut (impl Read + Write + Seek)) -> io::Result<()> {
    let mut length = [0; 4];
    let before = file.seek(SeekFrom::End(-(END as i64)))?;
    file.read_exact(&mut length)?;
    let footer = before.checked_sub(u32::from_le_bytes(length).into());
    let footer = footer.ok_or(io::ErrorKind::InvalidData)?;
    let mut hasher = Sha256::new();
    file.rewind()?;
    let mut pages = (&mut *file).take(footer);
    let mut piece = vec![0; PIECE];
    loop {
        match pages.read(&mut piece)? {
            0 => break,
            read => hasher.update(piece.get(..read).unwrap_or_default()),
        }
    }
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    hasher.update(&end);
    file.seek(SeekFrom::Start(footer))?;
    file.write_all(&MARK)?;
    file.write_all(&hasher.finalize())?;
    file.write_all(&end)
}

/// The checksum inside a sealed file, as it stands there; none where the file is none, or has none.
///
/// # Errors
/// A file that cannot be read.
pub(in crate::store) fn digest_of(path: &Path) -> io::Result<Option<[u8; 32]>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut length = [0; 4];
    let Ok(before) = file.seek(SeekFrom::End(-(END as i64))) else {
        return Ok(None);
    };
    file.read_exact(&mut length)?;
    let seal = before.checked_sub(u64::from(u32::from_le_bytes(length)) + SEAL as u64);
    let Some(seal) = seal else {
        return Ok(None);
    };
    let mut sealed = [0; SEAL];
    file.seek(SeekFrom::Start(seal))?;
    file.read_exact(&mut sealed)?;
    let digest = sealed.strip_prefix(&MARK).map(<[u8; 32]>::try_from);
    Ok(digest.and_then(Result::ok))
}

pub(super) fn check(file: &[u8]) -> Seal {
    let parts = footer(file).and_then(|footer| {
        let (before, end) = file.split_at_checked(footer)?;
        let (pages, seal) = before.split_at_checked(before.len().checked_sub(SEAL)?)?;
        Some((pages, seal.strip_prefix(&MARK)?, end))
    });
    match parts {
        None => Seal::Absent,
        Some((pages, found, end)) if found == digest(pages, end) => Seal::Whole,
        Some(_) => Seal::Broken,
    }
}

fn digest(pages: &[u8], end: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(pages);
    hasher.update(end);
    hasher.finalize().into()
}

/// Where the footer begins.
fn footer(file: &[u8]) -> Option<usize> {
    let before = file.len().checked_sub(END)?;
    let length: [u8; 4] = file.get(before..before + 4)?.try_into().ok()?;
    before.checked_sub(u32::from_le_bytes(length) as usize)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn one_changed_byte_anywhere_breaks_the_seal_or_takes_it_away() {
        let file = b"PAR1pagesfooter\x06\0\0\0PAR1";
        let mut sealed = Cursor::new(file.to_vec());
        seal(&mut sealed).unwrap();
        let sealed = sealed.into_inner();
        assert_eq!(sealed.len(), file.len() + SEAL);
        assert_eq!((check(file), check(&sealed)), (Seal::Absent, Seal::Whole));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_ne!(check(&changed), Seal::Whole, "byte {at}");
        }
        for short in 0..20 {
            check(&sealed[..short]);
        }
    }
}
