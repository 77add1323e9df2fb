//! The images of a table, decoded.

use std::io::ErrorKind;

use super::rows::Row;
use super::{Chosen, Table};
use crate::data::decode::{decode_file, decode_upright};
use crate::data::decoded::{Canvas, Manner, Place};
use crate::data::error::{BadImage, Error};
use crate::data::format::Request;
use crate::data::images::Part;
use crate::data::sources::parquet::file::NULL;
use crate::progress::Progress;
use crate::resize::{Resizing, shape_to};
use crate::split::PartName;

impl Table {
    /// The images of rows in the table's order, and the places among them of those that were skipped.
    pub(super) fn decode(
        &self,
        chosen: &Chosen,
        (part, place): (PartName, &Place),
        request: &Request<'_>,
        progress: &dyn Progress,
    ) -> Result<(Part, Vec<usize>), Error> {
        let resizing = &request.resizing;
        let manner = Manner {
            part,
            resizing,
            on_bad: request.spec.on_bad_image,
            what: &format!("Decoding the {} images", part.as_str()),
            progress,
        };
        let rows: Vec<&Row> = chosen.iter().map(|(at, _)| &self.rows.each[*at]).collect();
        let part = Part {
            label_sets: self.rows.sets.clone(),
            labels: chosen.iter().map(|(_, label)| *label).collect(),
            files: Some(rows.iter().map(|row| row.name.clone()).collect()),
            originals: rows.iter().map(|row| row.file.clone()).collect(),
            ..Part::default()
        };
        place.filled(part, &manner, |canvas| match self.rows.is_packed {
            true => self.unpack(&rows, canvas, resizing),
            false => canvas.add(&rows, |row, place| decode_row(row, resizing, place)),
        })
    }

    /// Decodes images that are in the table itself, some at a time.
    fn unpack(
        &self,
        rows: &[&Row],
        canvas: &mut Canvas<'_, '_>,
        resizing: &Resizing,
    ) -> Result<(), Error> {
        for (at, file) in self.files.iter().enumerate() {
            let rows = rows.iter().filter(|row| row.at.0 == at);
            let rows: Vec<usize> = rows.map(|row| row.at.1).collect();
            if rows.is_empty() {
                continue;
            }
            let form = &*file.form;
            form.by_group(&self.columns, &rows, &mut |images, rows, _| {
                canvas.add(rows, |&row, place| {
                    let encoded = images.of_row(row).ok_or_else(|| form.bad(row, NULL))?;
                    let decoded = decode_upright(encoded).map_err(|why| form.bad(row, &why))?;
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
