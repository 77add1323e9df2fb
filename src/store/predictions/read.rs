//! A run's `predictions.parquet`, read back.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::{Column, DataFrame, PolarsResult, Series, StringChunked};

use super::encode::{PART, PROBABILITIES, lists, schema};
use super::{CLASSES_KEY, Classes, FILE};
use crate::features::Split;
use crate::label_sets::LabelSets;
use crate::metric::Ranking;
use crate::store::TableError;
use crate::store::tables::{read_table, value_of};

/// What one run predicted for images that it did not learn from.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// The classes' names, in the order of the labels.
    pub classes: Vec<String>,
    /// Whether images have several labels: `label` and `predicted` are JSON lists of classes then.
    pub multi_label: bool,
    /// The table as it stands in the file.
    pub frame: DataFrame,
}

impl Predictions {
    /// Which part of the dataset the images belong to: `test`, or `validation` where there is no test part.
    pub fn part(&self) -> &str {
        let part = self
            .text(PART)
            .and_then(|column| column.iter().next().flatten());
        part.unwrap_or(Split::Test.as_str())
    }

    /// A column of text.
    pub fn text(&self, column: &str) -> Option<&StringChunked> {
        self.frame.column(column).ok()?.str().ok()
    }

    /// The place of each class among the labels.
    pub fn places(&self) -> HashMap<&str, usize> {
        let names = self.classes.iter().map(String::as_str);
        names.zip(0..).collect()
    }

    /// The images of which every class's probability is recorded; none where it is of no image.
    pub fn ranking(&self) -> Option<Ranking> {
        let (places, labels) = (self.places(), self.text("label")?);
        let column = self.frame.column(PROBABILITIES).ok()?;
        let lists = column.as_materialized_series().list().ok()?;
        let place = |name: &str| u32::try_from(*places.get(name)?).ok();
        let classes = |label: &str| -> Option<Vec<u32>> {
            match self.multi_label {
                true => {
                    let names: Vec<String> = serde_json::from_str(label).ok()?;
                    names.iter().map(|name| place(name)).collect()
                }
                false => Some(vec![place(label)?]),
            }
        };
        let (mut scores, mut kept) = (Vec::new(), Vec::new());
        for (image, label) in labels.iter().enumerate() {
            let (Some(list), Some(label)) = (lists.get_as_series(image), label) else {
                continue;
            };
            scores.extend(list.f32().ok()?.iter().map(|p| p.unwrap_or(f32::NAN)));
            kept.push(classes(label)?);
        }
        let mut ranking = Ranking::default();
        let (labels, sets) = LabelSets::of(kept);
        ranking.set_sets(Some(Arc::new(sets)));
        let fits = ranking.put_back(&scores, labels, self.classes.len());
        (!scores.is_empty() && fits.is_ok()).then_some(ranking)
    }

    /// Without every class's probability, which can be most of what is read.
    pub fn without_ranking(mut self) -> Self {
        if let Ok(frame) = self.frame.drop(PROBABILITIES) {
            self.frame = frame;
        }
        self
    }
}

/// The predictions in a run's folder; none where the run has left none.
///
/// # Errors
/// A file that is damaged, or is not one of the runner's.
pub fn read(folder: &Path) -> Result<Option<Predictions>, TableError> {
    let path = folder.join(FILE);
    let Some((metadata, frame)) = read_table(&path)? else {
        return Ok(None);
    };
    let foreign = |why: String| TableError::Foreign {
        path: path.clone(),
        why,
    };
    let frame = with_part(frame).and_then(with_probabilities);
    let frame = frame.map_err(|e| foreign(e.to_string()))?;
    if **frame.schema() != schema() {
        return Err(foreign("its columns are not those of predictions".into()));
    }
    let found = value_of(&metadata, CLASSES_KEY)
        .and_then(|names| serde_json::from_str(&names).ok())
        .ok_or_else(|| foreign("it does not name the classes".into()))?;
    let (classes, multi_label) = match found {
        Classes::OfOneLabel(classes) => (classes, false),
        Classes::OfSeveral {
            classes,
            multi_label,
        } => (classes, multi_label),
    };
    Ok(Some(Predictions {
        classes,
        multi_label,
        frame,
    }))
}

/// With the column [`PART`]: tables of versions before it have test images only.
fn with_part(mut frame: DataFrame) -> PolarsResult<DataFrame> {
    if frame.column(PART).is_err() && frame.width() > 0 {
        let tested = vec![Split::Test.as_str(); frame.height()];
        frame.insert_column(1, Column::new(PART.into(), tested))?;
    }
    Ok(frame)
}

/// With the column [`PROBABILITIES`], of no image: tables of versions before it have the most probable classes' only.
fn with_probabilities(mut frame: DataFrame) -> PolarsResult<DataFrame> {
    let place = frame.width().saturating_sub(1);
    if frame.column(PROBABILITIES).is_err() && frame.width() > 0 {
        let nothing = Series::full_null(PROBABILITIES.into(), frame.height(), &lists());
        frame.insert_column(place, nothing.into())?;
    }
    Ok(frame)
}
