//! What a dataset's images take in memory, before they are read.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::decode::{MOST_BYTES, bytes_to_decode};
use crate::files::read_regular;

/// So many files are looked into: those with the most bytes, of which the largest image is one but for very uneven
/// compression.
const LOOKED_INTO: usize = 32;

/// What images take in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Bytes of an image as it is kept; none where it is kept in the size that the network takes.
    pub kept: Option<u64>,
    /// The most bytes that are needed to decode an image; each thread decodes one at a time.
    pub decoding: u64,
}

/// The most bytes that are needed to decode one of these files. Files that cannot be read take nothing; the run says what
/// is wrong with them.
pub(super) fn decoding(files: Vec<PathBuf>) -> u64 {
    let mut sized: Vec<(u64, PathBuf)> = files
        .into_par_iter()
        .filter_map(|path| Some((fs::metadata(&path).ok()?.len(), path)))
        .collect();
    sized.sort_by_key(|(len, _)| Reverse(*len));
    sized.truncate(LOOKED_INTO);
    let largest = sized
        .into_par_iter()
        .filter_map(|(_, path)| of_file(&path))
        .max();
    largest.unwrap_or(0)
}

/// What it takes to decode an image, the file's own bytes included.
fn of_file(path: &Path) -> Option<u64> {
    let encoded = read_regular(path, MOST_BYTES).ok()?;
    Some(encoded.len() as u64 + bytes_to_decode(&encoded)?)
}
