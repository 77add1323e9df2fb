//! Images that a table has in several parts: the same bytes.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::columns::Columns;
use super::files::TableFile;
use super::form::EncodedImages;
use super::mistakes::Mistakes;
use super::rows::{Row, Rows};
use crate::data::contents::digest;
use crate::data::decode::bytes_to_decode;
use crate::data::error::Error;
use crate::data::sources::parquet::file::NULL;
use crate::spec::OnBadImage;
use crate::text::hex;

/// So many images that are read at once are looked into for what it takes to decode them: those with the most bytes.
const LOOKED_INTO: usize = 8;

/// Refuses files with the same bytes in several parts; those of the same length are read.
pub(super) fn check_files(table: &Rows) -> Result<(), Error> {
    let rows = &table.each;
    let mut by_length: BTreeMap<u64, Vec<&Row>> = BTreeMap::new();
    let lengths: Vec<Option<u64>> = rows
        .par_iter()
        .map(|row| Some(fs::metadata(row.file.as_ref()?).ok()?.len()))
        .collect();
    for (row, length) in rows.iter().zip(lengths) {
        if let Some(length) = length {
            by_length.entry(length).or_default().push(row);
        }
    }
    let is_in_several = |rows: &&Vec<&Row>| rows.iter().any(|row| row.part != rows[0].part);
    let near: Vec<&Row> = by_length
        .values()
        .filter(is_in_several)
        .flatten()
        .copied()
        .collect();
    let digests = near.par_iter().map(|row| {
        let digest = row.file.as_ref().and_then(|file| digest(file).ok());
        digest.map(|digest| (digest, *row))
    });
    let digests: Vec<Option<(String, &Row)>> = digests.collect();
    refuse_same(table, digests.into_iter().flatten())
}

/// [`check_files`] of images in the table itself, which must be there; gives the most bytes that one takes to be decoded.
pub(super) fn check_packed(
    table: &Rows,
    (files, columns): (&[TableFile], &Columns),
    on_bad: OnBadImage,
) -> Result<u64, Error> {
    let has_parts = table.each.iter().any(|row| row.part != table.each[0].part);
    let mut digests: Vec<(String, &Row)> = Vec::new();
    let mut heaviest = 0;
    for (at, file) in files.iter().enumerate() {
        let rows: Vec<&Row> = table.each.iter().filter(|row| row.at.0 == at).collect();
        let places: Vec<usize> = rows.iter().map(|row| row.at.1).collect();
        file.form
            .by_group(columns, &places, &mut |images, here, range| {
                let null = here.iter().find(|row| images.of_row(**row).is_none());
                if let Some(&row) = null.filter(|_| on_bad == OnBadImage::Error) {
                    return Err(file.form.bad(row, NULL));
                }
                heaviest = heaviest.max(weight(images, here));
                if has_parts {
                    let here = rows[range].par_iter();
                    let hashed = here.filter_map(|row| {
                        let bytes = images.of_row(row.at.1)?;
                        Some((hex(Sha256::digest(bytes)), *row))
                    });
                    digests.extend(hashed.collect::<Vec<_>>());
                }
                Ok(())
            })?;
    }
    refuse_same(table, digests.into_iter())?;
    Ok(heaviest)
}

/// The most bytes that it takes to decode one of these images.
fn weight(images: &dyn EncodedImages, rows: &[usize]) -> u64 {
    let encoded = rows.iter().filter_map(|row| images.of_row(*row));
    let mut encoded: Vec<&[u8]> = encoded.collect();
    encoded.sort_by_key(|bytes| std::cmp::Reverse(bytes.len()));
    encoded.truncate(LOOKED_INTO);
    let weights = encoded.into_par_iter().filter_map(bytes_to_decode);
    weights.max().unwrap_or(0)
}

fn refuse_same<'t>(
    table: &'t Rows,
    digests: impl Iterator<Item = (String, &'t Row)>,
) -> Result<(), Error> {
    let mut seen: HashMap<String, &Row> = HashMap::new();
    let mut same = Mistakes::default();
    for (digest, row) in digests {
        let first = *seen.entry(digest).or_insert(row);
        if first.part != row.part {
            let said = |row: &Row| {
                let place = table.place(row);
                format!("\"{}\" ({}, {place})", row.name, row.part.as_str())
            };
            same.add(|| format!("{} is {}", said(row), said(first)));
        }
    }
    same.refuse(
        "path",
        "an image that is in another part, too, to the byte",
        || {
            "keep each image in one part: a model is not to be tested on what it learned from"
                .into()
        },
    )
}
