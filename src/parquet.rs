//! Parquet files that may have been altered: what polars takes on trust is checked before it reads them.
//!
//! polars reserves memory for as many values and bytes as a page's header promises, and the process ends where that
//! cannot be had. Here every page's header is held against its column and against the file's length.

use std::fmt::Display;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;

use polars::io::parquet::metadata::FileMetadata;
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;
use polars_parquet_format::{PageHeader, PageType};

/// A page may have so many bytes, however short it is in the file.
const PAGE: usize = 4 << 20;
/// A longer page may become so many times as long as it is in the file.
const RATIO: usize = 32;
/// Lists may have so many values for each byte of the file.
const LIST: u64 = 1024;

/// What the file's end says of one column's pages in one row group.
struct Chunk {
    bytes: Range<u64>,
    values: i64,
    rows: usize,
    is_list: bool,
}

/// Checks the pages of a column in the row groups that have rows among `rows`.
///
/// # Errors
/// What is wrong.
pub fn check_column(
    file: &mut (impl Read + Seek),
    metadata: &FileMetadata,
    column: &str,
    rows: Range<usize>,
) -> Result<(), String> {
    check(file, metadata, Some(column), rows)
}

/// Checks all pages.
///
/// # Errors
/// What is wrong.
pub fn check_all(file: &mut (impl Read + Seek), metadata: &FileMetadata) -> Result<(), String> {
    check(file, metadata, None, 0..usize::MAX)
}

fn check(
    file: &mut (impl Read + Seek),
    metadata: &FileMetadata,
    column: Option<&str>,
    wanted: Range<usize>,
) -> Result<(), String> {
    let groups = metadata.row_groups.iter().map(|group| group.num_rows());
    let (rows, promised) = (groups.fold(0, usize::saturating_add), metadata.num_rows);
    if rows != promised {
        return Err(format!(
            "{promised} rows are promised, its parts have {rows}"
        ));
    }
    let mut start = 0;
    for group in &metadata.row_groups {
        let rows = group.num_rows();
        let end = start + rows;
        let is_wanted = start < wanted.end && wanted.start < end;
        start = end;
        let all = 0..group.n_columns();
        let columns = match column {
            Some(name) => group
                .columns_idxs_under_root_iter(name)
                .unwrap_or_default()
                .to_vec(),
            None => all.collect(),
        };
        for chunk in columns
            .iter()
            .filter_map(|&i| group.parquet_columns().get(i))
        {
            if is_wanted {
                let chunk = Chunk {
                    bytes: chunk.byte_range(),
                    values: chunk.num_values(),
                    rows,
                    is_list: chunk.descriptor().descriptor.max_rep_level > 0,
                };
                chunk.check(file)?;
            }
        }
    }
    Ok(())
}

impl Chunk {
    fn check(&self, file: &mut (impl Read + Seek)) -> Result<(), String> {
        let length = file.seek(SeekFrom::End(0)).map_err(text)?;
        let values = u64::try_from(self.values).map_err(text)?;
        let fits = if self.is_list {
            values <= length.saturating_mul(LIST)
        } else {
            values == self.rows as u64
        };
        if !fits {
            let rows = self.rows;
            return Err(format!("a column promises {values} values for {rows} rows"));
        }
        let Range { start, end } = self.bytes;
        if start > end || end > length {
            return Err(format!("a column lies beyond the file's {length} bytes"));
        }
        let mut bytes = vec![0; usize::try_from(end - start).map_err(text)?];
        file.seek(SeekFrom::Start(start)).map_err(text)?;
        file.read_exact(&mut bytes).map_err(text)?;
        pages(&bytes, values)
    }
}

/// Checks the pages of a column of so many values.
fn pages(bytes: &[u8], values: u64) -> Result<(), String> {
    let mut rest = Cursor::new(bytes);
    let mut seen = 0;
    // As polars does: what comes after the last value is not looked at.
    while seen < values {
        let mut protocol = TCompactInputProtocol::new(&mut rest, bytes.len());
        let header = PageHeader::read_from_in_protocol(&mut protocol)
            .map_err(|_| "the header of a page is damaged")?;
        seen += page(&header)?;
        if seen > values {
            return Err(format!("pages promise {seen} of {values} values"));
        }
        let end = rest.position() + size(header.compressed_page_size)? as u64;
        if end > bytes.len() as u64 {
            return Err("a page goes beyond its column".into());
        }
        rest.set_position(end);
    }
    Ok(())
}

/// How many rows' values a page has; none where it is a dictionary.
fn page(header: &PageHeader) -> Result<u64, String> {
    let length = size(header.uncompressed_page_size)?;
    let packed = size(header.compressed_page_size)?;
    if length > PAGE.saturating_add(packed.saturating_mul(RATIO)) {
        return Err(format!("a page promises {length} bytes in {packed}"));
    }
    let missing = || "a page without its header".to_owned();
    match header.type_ {
        PageType::DATA_PAGE => {
            let page = header.data_page_header.as_ref().ok_or_else(missing)?;
            Ok(size(page.num_values)? as u64)
        }
        PageType::DATA_PAGE_V2 => {
            let page = header.data_page_header_v2.as_ref().ok_or_else(missing)?;
            let levels = size(page.definition_levels_byte_length)?
                .saturating_add(size(page.repetition_levels_byte_length)?);
            if levels > packed || levels > length {
                return Err(format!("levels of {levels} bytes in a page of {packed}"));
            }
            let (values, nulls) = (size(page.num_values)?, size(page.num_nulls)?);
            if nulls > values || size(page.num_rows)? > values {
                return Err(format!(
                    "a page promises {nulls} nulls among {values} values"
                ));
            }
            Ok(values as u64)
        }
        PageType::DICTIONARY_PAGE => {
            let page = header.dictionary_page_header.as_ref().ok_or_else(missing)?;
            let values = size(page.num_values)?;
            if values > length {
                return Err(format!("a dictionary of {values} values in {length} bytes"));
            }
            Ok(0)
        }
        _ => Err("a page of an unknown kind".into()),
    }
}

/// A length or a count, which Parquet stores with a sign.
fn size(number: i32) -> Result<usize, String> {
    usize::try_from(number).map_err(|_| format!("a page promises {number} of something"))
}

fn text(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(values: i32, length: i32, packed: i32) -> PageHeader {
        use polars_parquet_format::{DataPageHeader, Encoding};
        let page = DataPageHeader {
            num_values: values,
            encoding: Encoding::PLAIN,
            definition_level_encoding: Encoding::RLE,
            repetition_level_encoding: Encoding::RLE,
            statistics: None,
        };
        PageHeader {
            type_: PageType::DATA_PAGE,
            uncompressed_page_size: length,
            compressed_page_size: packed,
            crc: None,
            data_page_header: Some(page),
            index_page_header: None,
            dictionary_page_header: None,
            data_page_header_v2: None,
        }
    }

    #[test]
    fn promises_that_cannot_be_kept_are_found() {
        assert_eq!(page(&header(7, 100, 50)), Ok(7));
        for wrong in [
            header(-1, 100, 50),
            header(7, -100, 50),
            header(7, 100, -50),
            header(7, i32::MAX, 50),
            PageHeader {
                type_: PageType::DATA_PAGE_V2,
                ..header(7, 100, 50)
            },
            PageHeader {
                type_: PageType::INDEX_PAGE,
                ..header(7, 100, 50)
            },
        ] {
            assert!(page(&wrong).is_err(), "{wrong:?}");
        }
    }
}
