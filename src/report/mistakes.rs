//! The mistakes that a run was most confident of.

use std::path::{Path, PathBuf};

use crate::store::predictions::Predictions;

/// How many are shown.
const MOST: usize = 24;

/// An image that was taken for something else.
pub struct Mistake {
    /// As the bytes of a PNG file.
    pub png: Vec<u8>,
    pub label: String,
    pub predicted: String,
    /// Of the prediction, in [0, 1].
    pub probability: f32,
    /// The image's file, or its index in the part.
    pub name: String,
    /// Its file, relative to the dataset's folder, where it has one.
    pub file: Option<String>,
    /// Its index in the part.
    pub index: usize,
}

/// Where pictures lie of what mistakes of an experiment's best run rest on.
pub fn heat_folder(folder: &Path) -> PathBuf {
    folder.join("charts/mistakes")
}

impl Mistake {
    /// The name in [`heat_folder`] of what it rests on.
    pub fn heat_file(&self, run: &str) -> String {
        format!("{run}-{}.png", self.index)
    }
}

/// Width and height in pixels, from a PNG file's first chunk (PNG specification, 11.2.2).
pub fn size(png: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| {
        let bytes = png.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    Some((number(16)?, number(20)?))
}

/// The wrong predictions whose images were kept, the most confident first.
pub fn most_confident(predictions: &Predictions) -> Vec<Mistake> {
    let mut wrong = rows(predictions).unwrap_or_default();
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    wrong.truncate(MOST);
    wrong
}

fn rows(predictions: &Predictions) -> Option<Vec<Mistake>> {
    let frame = &predictions.frame;
    let (labels, predicted) = (predictions.text("label")?, predictions.text("predicted")?);
    let files = predictions.text("file")?;
    let probabilities = frame.column("probability").ok()?.f32().ok()?;
    let images = frame.column("image").ok()?.binary().ok()?;
    let row = |i: usize| {
        Some(Mistake {
            png: images.get(i)?.to_vec(),
            label: labels.get(i)?.to_owned(),
            predicted: predicted.get(i)?.to_owned(),
            probability: probabilities.get(i)?,
            index: i,
            file: files.get(i).map(str::to_owned),
            name: files.get(i).map_or_else(
                || format!("{} image {i}", predictions.part()),
                str::to_owned,
            ),
        })
    };
    Some((0..frame.height()).filter_map(row).collect())
}
