//! UCI's handwritten digits, built into the binary; `data/digits/README.md` names the source.

use std::io::Cursor;
use std::ops::Range;
use std::path::{Path, PathBuf};

use polars::prelude::{DataFrame, ParquetReader, SerReader};

use crate::data::error::Error;
use crate::data::format::{Labels, Parts, Reader, Request, Seen};
use crate::data::images::Part;
use crate::data::pick::{Picker, Pickers, Subset};
use crate::progress::Progress;
use crate::spec::Dataset;

const FILE: &[u8] = include_bytes!("../../../data/digits/digits.parquet");
/// The first of the 1,797 images are the training part.
const TRAIN: usize = 1437;
const SIZE: usize = 8;
/// Of an image, a byte each.
const PIXELS: usize = SIZE * SIZE;

struct Digits;

pub(super) fn open(_: &Dataset, _: &Path) -> Result<Box<dyn Reader>, Error> {
    Ok(Box::new(Digits))
}

impl Reader for Digits {
    fn look(&self, spec: &Dataset, subset: &Subset) -> Result<Seen, Error> {
        Ok(Seen {
            labels: Some(labels(Pickers::of(spec, subset, spec.train_limit))?),
            ..Seen::default()
        })
    }

    fn read(&self, request: &Request<'_>, _: &dyn Progress) -> Result<Parts, Error> {
        read(request.pickers())
    }

    fn files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        Ok(Vec::new())
    }
}

/// The 8×8 grey images that are wanted; values 0..=16 become `round(v * 255 / 16)`.
fn read(mut pickers: Pickers) -> Result<Parts, Error> {
    let frame = frame()?;
    let test = TRAIN..frame.height();
    Ok(Parts {
        train: part(&frame, 0..TRAIN, &mut pickers.train).map_err(wrong)?,
        listed: None,
        validation: None,
        test: Some(part(&frame, test, &mut pickers.test).map_err(wrong)?),
        skipped: 0,
    })
}

/// The labels of the images that are wanted.
fn labels(mut pickers: Pickers) -> Result<Labels, Error> {
    let frame = frame()?;
    let of = |rows: Range<usize>, picker: &mut Picker| -> Result<Vec<u32>, String> {
        let column = frame.column("label").and_then(|column| column.i64());
        let column = column.map_err(|e| e.to_string())?;
        picker.pick_all(rows.filter_map(|row| column.get(row)))
    };
    let test = TRAIN..frame.height();
    Ok(Labels {
        train: of(0..TRAIN, &mut pickers.train).map_err(wrong)?,
        test: Some(of(test, &mut pickers.test).map_err(wrong)?),
        ..Labels::default()
    })
}

fn frame() -> Result<DataFrame, Error> {
    ParquetReader::new(Cursor::new(FILE))
        .finish()
        .map_err(|e| wrong(e.to_string()))
}

fn wrong(why: String) -> Error {
    Error::file(Path::new("built-in digits"), why)
}

fn part(frame: &DataFrame, rows: Range<usize>, picker: &mut Picker) -> Result<Part, String> {
    let images = frame.column("image").and_then(|column| column.binary());
    let images = images.map_err(|e| e.to_string())?;
    let labels = frame.column("label").and_then(|column| column.i64());
    let labels = labels.map_err(|e| e.to_string())?;
    let mut part = Part::empty(SIZE, SIZE, 1);
    for row in rows {
        let (Some(image), Some(label)) = (images.get(row), labels.get(row)) else {
            return Err(format!("row {row} is null"));
        };
        if image.len() != PIXELS {
            return Err(format!("row {row} has {} pixels", image.len()));
        }
        if let Some(new) = picker.pick(label).map_err(|e| e.to_string())? {
            let scaled: Vec<u8> = image.iter().map(|&v| scale(v)).collect();
            part.images.push(&scaled);
            part.labels.push(new);
        }
    }
    Ok(part)
}

/// From 0..=16 to 0..=255, rounded to the nearest.
fn scale(v: u8) -> u8 {
    ((u16::from(v.min(16)) * 255 + 8) / 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_rounds_to_the_nearest() {
        for v in 0..=16u8 {
            assert_eq!(
                f64::from(scale(v)),
                (f64::from(v) * 255.0 / 16.0).round(),
                "{v}"
            );
        }
    }
}
