//! Folders of images: what lies in them, and what their names say.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::data::error::Error;
use crate::data::files::{Walk, entries, file_name, real};
use crate::data::kind::is_image;
use crate::spec::Problem;
use crate::split::{PartName, Says, composed, says};

/// The folder of a part, with those of its classes.
#[derive(Debug)]
pub(super) struct PartFolder {
    pub path: PathBuf,
    /// Name and folder, sorted by name as text.
    pub classes: Vec<(String, PathBuf)>,
}

/// A folder, and what its name says.
#[derive(Debug)]
pub(super) struct Folder {
    pub name: String,
    pub path: PathBuf,
    pub says: Option<Says>,
}

impl Folder {
    pub fn part(&self) -> Option<PartName> {
        self.says.and_then(Says::part)
    }
}

pub(super) fn sorted(parts: Vec<Folder>, others: Vec<Folder>) -> Vec<Folder> {
    let mut all: Vec<Folder> = parts.into_iter().chain(others).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The folders in one, by name.
pub(super) fn folders(path: &Path) -> Result<Vec<Folder>, Error> {
    let folder = |path: PathBuf| match path.file_name().and_then(|name| name.to_str()) {
        Some(name) => Ok(Folder {
            name: composed(name),
            says: says(name),
            path,
        }),
        None => Err(Error::file(&path, "the folder's name is not valid UTF-8")),
    };
    let all: Result<Vec<Folder>, Error> = entries(path)?.0.into_iter().map(folder).collect();
    Ok(sorted(all?, Vec::new()))
}

/// `train/, val/`
pub(super) fn names<'a>(folders: impl IntoIterator<Item = &'a Folder>) -> String {
    const SHOWN: usize = 6;
    let mut folders = folders.into_iter();
    let shown = folders.by_ref().take(SHOWN);
    let mut names: Vec<String> = shown.map(|folder| format!("{}/", folder.name)).collect();
    if folders.next().is_some() {
        names.push("…".into());
    }
    names.join(", ")
}

pub(super) fn has_images(folder: &Path) -> Result<bool, Error> {
    Ok(entries(folder)?.1.iter().any(|file| is_image(file)))
}

pub(super) fn holds_images(folder: &Path) -> Result<bool, Error> {
    let files = Walk::beside([folder])?.files(folder)?;
    Ok(files.iter().any(|file| is_image(file)))
}

/// The folders inside that hold images.
pub(super) fn class_folders(folder: &Path) -> Result<Vec<Folder>, Error> {
    let mut found = Vec::new();
    for folder in folders(folder)? {
        if holds_images(&folder.path)? {
            found.push(folder);
        }
    }
    Ok(found)
}

/// `dataset.classes = ["bus", "car", "train"]`
pub(super) fn declaration<'a>(folders: impl IntoIterator<Item = &'a Folder>) -> String {
    let folders = folders.into_iter();
    let mut names: Vec<String> = folders.map(|f| format!("{:?}", f.name)).collect();
    names.sort();
    if names.len() > 8 {
        names.truncate(8);
        names.push("…".into());
    }
    format!("dataset.classes = [{}]", names.join(", "))
}

pub(super) fn refused(
    root: &Path,
    message: impl std::fmt::Display,
    help: impl Into<String>,
) -> Error {
    let message = format!("{}: {message}", root.display());
    Problem::new("dataset.path", message).help(help).into()
}

/// Two class folders must be two.
pub(super) fn part_folder(path: &Path, classes: Vec<Folder>) -> Result<PartFolder, Error> {
    let refuse = |one: &Folder, two: &Folder, what: &str| {
        let (one, two) = (file_name(&one.path), file_name(&two.path));
        Err(refused(
            path,
            format!("{one}/ and {two}/ {what}"),
            "keep one of them",
        ))
    };
    let mut seen: HashMap<PathBuf, &Folder> = HashMap::new();
    for (i, class) in classes.iter().enumerate() {
        if let Some(other) = seen.insert(real(&class.path)?, class) {
            return refuse(other, class, "are the same folder");
        }
        if let Some(next) = classes.get(i + 1).filter(|next| next.name == class.name) {
            return refuse(class, next, "have the same name, written in two ways");
        }
    }
    let named = |folder: Folder| (folder.name, folder.path);
    Ok(PartFolder {
        path: path.to_owned(),
        classes: classes.into_iter().map(named).collect(),
    })
}
