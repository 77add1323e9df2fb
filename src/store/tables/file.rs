//! A table's bytes: Parquet with a checksum and the format in its own words.

use std::io::{Cursor, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use polars::error::PolarsResult;
use polars::prelude::{
    DataFrame, FileMetadata, KeyValueMetadata, ParquetCompression, ParquetReader, ParquetWriter,
    SerReader,
};

use super::TableError;
use super::decode::Decoder;
use super::format::{FORMAT, FORMAT_KEY};
use super::seal::{self, Seal, seal};
use crate::atomic::{write_claimed, write_claimed_for_now};
use crate::claim::Token;
use crate::{guarded, parquet};

/// Tables of at most so many rows are not compressed: that of a run has dozens of columns of a few bytes each, a decompressor
/// for each takes longer than all else, and every process of a large sweep reads the tables of all runs.
const SMALL: usize = 100;

/// A table file's own key-value pairs: the format, and one more.
pub(in crate::store) fn file_metadata(more: Option<(&str, String)>) -> KeyValueMetadata {
    let mut pairs = vec![(FORMAT_KEY.to_owned(), FORMAT.to_owned())];
    pairs.extend(more.map(|(key, value)| (key.to_owned(), value)));
    KeyValueMetadata::from_static(pairs)
}

/// What a file says under a key of its own.
pub(in crate::store) fn value_of(metadata: &FileMetadata, key: &str) -> Option<String> {
    let pairs = metadata.key_value_metadata().as_ref()?;
    let pair = pairs.iter().find(|pair| pair.key == key)?;
    pair.value.clone()
}

/// The bytes of a sealed file with this table; `path` is for messages.
pub(in crate::store) fn encode(
    path: &Path,
    frame: PolarsResult<DataFrame>,
    more: Option<(&str, String)>,
) -> Result<Vec<u8>, TableError> {
    let mut bytes = Vec::new();
    frame
        .and_then(|mut frame| {
            let is_small = frame.height() <= SMALL;
            let compression = match is_small {
                true => ParquetCompression::Uncompressed,
                false => ParquetCompression::default(),
            };
            ParquetWriter::new(&mut bytes)
                .with_compression(compression)
                // Handing a few rows to other threads takes longer than writing them.
                .set_parallel(!is_small)
                .with_key_value_metadata(Some(file_metadata(more)))
                .finish(&mut frame)
        })
        .map_err(|e| TableError::Encode {
            path: path.to_owned(),
            why: e.to_string(),
        })?;
    seal(&mut Cursor::new(&mut bytes)).map_err(|source| TableError::Write {
        path: path.to_owned(),
        source,
    })?;
    Ok(bytes)
}

/// Writes what [`encode`] gives, whole or not at all, as long as the claim on it is held.
pub(in crate::store) fn put(path: &Path, bytes: &[u8], token: &Token) -> Result<(), TableError> {
    write_claimed(path, bytes, token).map_err(|source| TableError::Write {
        path: path.to_owned(),
        source,
    })
}

/// As [`put`], for files of a run's folder to which another follows that is [`put`] there: only then do they outlast a power
/// failure for sure.
pub(in crate::store) fn put_for_now(
    path: &Path,
    bytes: &[u8],
    token: &Token,
) -> Result<(), TableError> {
    write_claimed_for_now(path, bytes, token).map_err(|source| TableError::Write {
        path: path.to_owned(),
        source,
    })
}

/// One of the two tables, with the file's own words about it; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<(Decoder, Arc<FileMetadata>)>, TableError> {
    let Some((metadata, frame)) = read_table(path)? else {
        return Ok(None);
    };
    let format = value_of(&metadata, FORMAT_KEY);
    let decoder = Decoder::new(path, frame).checked(format)?;
    Ok(Some((decoder, metadata)))
}

/// A table with the file's own words about it; none where there is no file.
pub(in crate::store) fn read_table(
    path: &Path,
) -> Result<Option<(Arc<FileMetadata>, DataFrame)>, TableError> {
    read_with(path, decode)
}

/// A file's own words about it, without its table; none where there is no file.
pub(in crate::store) fn read_words(path: &Path) -> Result<Option<Arc<FileMetadata>>, TableError> {
    read_with(path, |bytes| {
        words(&mut ParquetReader::new(Cursor::new(bytes)))
    })
}

/// What is made of a file's bytes, whose checksum is right; none where there is no file.
fn read_with<T>(
    path: &Path,
    decode: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<Option<T>, TableError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(TableError::read(path)(source)),
    };
    let found = match seal::check(&bytes) {
        Seal::Broken => Err("its checksum is wrong".into()),
        // polars panics on some damaged files.
        _ => guarded::guarded(|| decode(&bytes))
            .unwrap_or_else(|_| Err("it cannot be decoded".into())),
    };
    found.map(Some).map_err(|why| TableError::Damaged {
        path: path.to_owned(),
        why,
    })
}

fn words(reader: &mut ParquetReader<Cursor<&[u8]>>) -> Result<Arc<FileMetadata>, String> {
    reader.get_metadata().cloned().map_err(|e| e.to_string())
}

/// A whole file's table, and its words about it.
fn decode(bytes: &[u8]) -> Result<(Arc<FileMetadata>, DataFrame), String> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let metadata = words(&mut reader)?;
    parquet::check_all(&mut Cursor::new(bytes), &metadata)?;
    let frame = reader.finish().map_err(|e| e.to_string())?;
    Ok((metadata, frame))
}
