//! A repository of Hugging Face's hub with Parquet files, which are read as a table once they are in the cache.
//!
//! Which columns hold images and labels is told by their features, as `dataset_info` in the repository's README.md or the
//! files' own metadata give them; which files make up a part by `configs` there, or by their names.

mod features;
mod parts;

use std::path::Path;

use features::Features;
use parts::Splits;

use super::table;
use crate::data::error::Error;
use crate::data::format::Reader;
use crate::datasets::{GROUP_COLUMN, LABEL_SEPARATOR, REPOSITORY, REVISION};
use crate::fetch::{
    self, Cache, Hub, NoRepository, Repository, is_repository_file_cached, repository_file,
};
use crate::foreign::one_line;
use crate::progress::{NoProgress, Progress};
use crate::spec::{Dataset, Problem, nearest};
use crate::text::{about_bytes, counted};

/// What of a repository makes up a dataset: its files, which are in the cache, with their columns.
struct Files {
    files: Vec<table::Found>,
    features: Features,
    /// Those of the images and of the labels.
    columns: (String, String),
    /// What is to be said of the choice.
    notes: Vec<String>,
}

pub(super) fn open(spec: &Dataset, _: &Path) -> Result<Box<dyn Reader>, Error> {
    let Files {
        files,
        features,
        columns: (image, label),
        notes,
    } = files(spec, &NoProgress)?;
    let columns = table::Columns {
        names: features.classes(&label),
        group: spec.options.text_if_set(&GROUP_COLUMN),
        split: None,
        multi_label: spec.multi_label,
        separator: spec.options.text_if_set(&LABEL_SEPARATOR),
        image,
        label,
    };
    table::of_files(spec, files, table::form, columns, notes)
}

/// Downloads the files that are not in the cache.
pub(super) fn bring(spec: &Dataset, progress: &dyn Progress) -> Result<(), Error> {
    files(spec, progress).map(|_| ())
}

fn files(spec: &Dataset, progress: &dyn Progress) -> Result<Files, Error> {
    let name = spec.options.text(&REPOSITORY);
    let (cache, hub) = (Cache::from_env().map_err(unavailable)?, Hub::from_env());
    let revision = spec.options.text(&REVISION);
    let found = fetch::repository(&cache, &hub, &name, &revision).map_err(refused)?;
    let splits = Splits::of(&found, spec)?;
    let card = Features::of_card(found.card.as_ref(), splits.subset.as_deref());
    if let Some(features) = &card {
        // Before anything large is downloaded.
        features.columns(spec)?;
    }
    let parts = splits.parts(spec)?;
    let files = download((&cache, &hub), (&name, &found), &parts, progress)?;
    let features = match card {
        Some(features) => features,
        None => Features::of_file(files.first().map_or(Path::new(""), |(_, path)| path))?,
    };
    let (image, label) = features.columns(spec)?;
    let mut notes = vec![format!(
        "{name} at commit {}: images in column {}, labels in {}",
        found.sha,
        one_line(&image),
        one_line(&label)
    )];
    notes.extend(splits.unused(&parts));
    Ok(Files {
        files,
        features,
        columns: (image, label),
        notes,
    })
}

/// The files of all parts in the cache, with their parts.
fn download(
    (cache, hub): (&Cache, &Hub),
    (name, found): (&str, &Repository),
    parts: &parts::Parts<'_>,
    progress: &dyn Progress,
) -> Result<Vec<table::Found>, Error> {
    let at = (name, found.sha.as_str());
    let all = || parts.iter().flat_map(|(_, split)| &split.files);
    let missing = all().filter(|file| !is_repository_file_cached(cache, at, file));
    let (count, bytes) = missing.fold((0, 0), |(count, bytes), file| {
        (count + 1, bytes + file.size.unwrap_or(0))
    });
    if count > 0 {
        let files = counted(count, "file");
        tracing::warn!(
            "downloading {files} of {name} ({}), which say its classes",
            about_bytes(bytes)
        );
    }
    let mut files = Vec::new();
    for (part, split) in parts {
        for file in &split.files {
            let path = repository_file((cache, hub), at, file, progress).map_err(unavailable)?;
            files.push((Some(*part), path));
        }
    }
    Ok(files)
}

fn unavailable(error: fetch::Error) -> Error {
    Problem::new("dataset.repository", error.to_string()).into()
}

fn refused(error: NoRepository) -> Error {
    let message = one_line(&error.to_string()).into_owned();
    let problem = match &error {
        NoRepository::Repository(_) => Problem::new("dataset.repository", message).help(
            "name it as its page does, e.g. \"ethz/food101\"; HF_TOKEN is the hub's access token for what is not public",
        ),
        NoRepository::Revision { revision, there, .. } => {
            let near = nearest(revision, there.iter().map(String::as_str));
            let meant = near.map_or(String::new(), |near| format!("did you mean \"{near}\"? "));
            let there = there.join(", ");
            Problem::new("dataset.revision", message)
                .help(format!("{meant}its revisions are {there}, and its commits"))
        }
        NoRepository::Other(_) => Problem::new("dataset.repository", error.to_string()),
    };
    problem.into()
}

/// The commit that the files of a repository are of; none of other datasets.
pub fn commit(spec: &Dataset) -> Option<String> {
    let name = spec.options.text_if_set(&REPOSITORY)?;
    let (cache, hub) = (Cache::from_env().ok()?, Hub::from_env());
    let found = fetch::repository(&cache, &hub, &name, &spec.options.text(&REVISION));
    Some(found.ok()?.sha.clone())
}
