//! The images of a table, decoded.

use std::io::ErrorKind;

use super::rows::Row;
use super::{Chosen, Table};
use crate::data::decode::{Decoding, decode_file, decode_upright};
use crate::data::error::{BadImage, Error};
use crate::data::format::Request;
use crate::data::images::{Images, Part};
use crate::data::sources::parquet::file::{NULL, ParquetFile};
use crate::progress::Progress;
use crate::resize::{Resizing, shape_to};

impl Table {
    /// The images of rows in the table's order, and the places among them of those that were skipped.
    pub(super) fn decode(
        &self,
        chosen: &Chosen,
        what: &str,
        request: &Request<'_>,
        progress: &dyn Progress,
    ) -> Result<(Part, Vec<usize>), Error> {
        let (resizing, on_bad) = (&request.resizing, request.spec.on_bad_image);
        let rows: Vec<&Row> = chosen.iter().map(|(at, _)| &self.rows.each[*at]).collect();
        let mut part = Part {
            images: Images::resized(rows.len(), resizing)?,
            labels: chosen.iter().map(|(_, label)| *label).collect(),
            files: Some(rows.iter().map(|row| row.name.clone()).collect()),
            originals: rows.iter().map(|row| row.file.clone()).collect(),
        };
        if rows.is_empty() {
            return Ok((part, Vec::new()));
        }
        let what = format!("Decoding the {what} images");
        let mut decoding = Decoding::start(progress, &what, rows.len(), on_bad);
        let len = part.images.image_len();
        let places = &mut part.images.data;
        match self.rows.is_packed {
            true => self.unpack(&rows, (places, len), &mut decoding, resizing)?,
            false => decoding.fill(places, len, &rows, |row, place| {
                decode_row(row, resizing, place)
            })?,
        }
        let skipped = decoding.finish(&mut part)?;
        Ok((part, skipped))
    }

    /// Decodes images that are in the table itself, a row group at a time.
    fn unpack(
        &self,
        rows: &[&Row],
        (mut places, len): (&mut [u8], usize),
        decoding: &mut Decoding<'_>,
        resizing: &Resizing,
    ) -> Result<(), Error> {
        for (at, file) in self.files.iter().enumerate() {
            let rows = rows.iter().filter(|row| row.at.0 == at);
            let rows: Vec<usize> = rows.map(|row| row.at.1).collect();
            let (here, rest) = places.split_at_mut(rows.len() * len);
            places = rest;
            if rows.is_empty() {
                continue;
            }
            let parquet = ParquetFile::open_table(&file.path)?;
            parquet.by_group(&self.columns.image, &rows, |images, rows, range| {
                let here = &mut here[range.start * len..range.end * len];
                decoding.fill(here, len, rows, |&row, place| {
                    let encoded = images.of_row(row).ok_or_else(|| parquet.bad(row, NULL))?;
                    let decoded = decode_upright(encoded).map_err(|why| parquet.bad(row, &why))?;
                    shape_to(&decoded, resizing, place);
                    Ok(())
                })
            })?;
        }
        Ok(())
    }
}

fn decode_row(row: &Row, resizing: &Resizing, place: &mut [u8]) -> Result<(), Error> {
    let Some(path) = &row.file else {
        return Ok(());
    };
    let decoded = decode_file(path).map_err(|error| match error {
        Error::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            Error::Image(BadImage {
                path: path.clone(),
                row: None,
                reason: "there is no such file".into(),
            })
        }
        error => error,
    })?;
    shape_to(&decoded, resizing, place);
    Ok(())
}
