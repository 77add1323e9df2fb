//! `splits.parquet` in a run's folder: which images were learned from, validated on and tested on.

use std::path::Path;
use std::sync::Arc;

use polars::prelude::{Column, DataFrame, PolarsResult};

use super::TableError;
use super::tables::{encode_file, put_for_now};
use crate::claim::Token;
use crate::data::{Data, View};
use crate::features::Split;
use crate::label_sets::LabelSets;

/// The table's name.
pub const FILE: &str = "splits.parquet";

/// How a run's images are divided, as the bytes of its file in this folder.
///
/// # Errors
/// What the encoder reports.
pub fn encode(folder: &Path, data: &Data) -> Result<Vec<u8>, TableError> {
    encode_file(&folder.join(FILE), frame(data), None)
}

/// Writes these bytes into a run's folder, whole or not at all, as long as the claim on the run is held.
///
/// # Errors
/// A folder that cannot be written, and a run that another process has taken over.
pub fn write(folder: &Path, bytes: &[u8], token: &Token) -> Result<(), TableError> {
    put_for_now(&folder.join(FILE), bytes, token)
}

fn frame(data: &Data) -> PolarsResult<DataFrame> {
    let splits = [Split::Training, Split::Validation, Split::Test];
    let views: Vec<(Split, &View)> = splits.map(|split| (split, split.of(data))).into();
    let rows = views.iter().map(|(_, view)| view.len()).sum();
    let parts = views
        .iter()
        .flat_map(|(split, view)| vec![split.as_str(); view.len()]);
    let sources = views
        .iter()
        .flat_map(|(split, view)| vec![source(data, (*split, view)).as_str(); view.len()]);
    let indices = views
        .iter()
        .flat_map(|(_, view)| view.rows().iter().map(|&row| row as i32));
    let files = views.iter().flat_map(|(_, view)| files(view));
    let labels = views
        .iter()
        .flat_map(|(_, view)| (0..view.len()).map(|i| label(data, view, i)));
    let columns = vec![
        Column::new("part".into(), parts.collect::<Vec<&str>>()),
        Column::new("source".into(), sources.collect::<Vec<&str>>()),
        Column::new("index".into(), indices.collect::<Vec<i32>>()),
        Column::new("file".into(), files.collect::<Vec<Option<String>>>()),
        Column::new("label".into(), labels.collect::<Vec<Option<String>>>()),
    ];
    DataFrame::new(rows, columns)
}

/// The class of an image; where images have several labels, a JSON list of them.
fn label(data: &Data, view: &View, i: usize) -> Option<String> {
    match view.label_sets() {
        Some(_) => Some(LabelSets::names(&view.classes_of(i), &data.classes)),
        None => data.classes.get(view.label(i)? as usize).cloned(),
    }
}

/// The part of the dataset's own files that a view's images are taken of: the training part where they are held out.
fn source(data: &Data, (split, view): (Split, &View)) -> Split {
    match Arc::ptr_eq(view.part(), data.train.part()) {
        true => Split::Training,
        false => split,
    }
}

fn files(view: &View) -> Vec<Option<String>> {
    match view.files() {
        Some(files) => files.into_iter().map(Some).collect(),
        None => vec![None; view.len()],
    }
}
