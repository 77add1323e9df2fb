//! Which folders of an image dataset are classes, and which are its parts.
//!
//! Either the class folders lie directly in the dataset's folder, or in folders for its parts whose names say so
//! ([`says`]). Where both could be meant, nothing is guessed: it is refused, with how to say it.

use std::path::Path;

use super::folders::{
    Folder, PartFolder, class_folders, declaration, folders, has_images, holds_images, names,
    part_folder, refused, sorted,
};
use super::matching::matching;
use super::nesting;
use crate::data::error::Error;
use crate::data::files::{Walk, real};
use crate::data::kind::is_image;
use crate::foreign;
use crate::split::{PartName, Says, composed};
use crate::text::counted;

/// The folders of a dataset.
#[derive(Debug)]
pub(super) struct Layout {
    pub train: PartFolder,
    pub validation: Option<PartFolder>,
    pub test: Option<PartFolder>,
    /// What should be said of it, each a line.
    pub notes: Vec<String>,
}

impl Layout {
    /// Looks at the folders in `root`. Where `named` are classes that the spec names and all of them are folders there,
    /// that says that the folders are classes.
    ///
    /// # Errors
    /// What could be meant in more than one way; parts that do not belong together.
    pub fn find(root: &Path, named: &[&str]) -> Result<Layout, Error> {
        let all = folders(root)?;
        if all.is_empty() {
            let message = "has no folders, expected one for each class with its images inside";
            return Err(Error::file(root, message));
        }
        let is_declared = are_declared(&all, named);
        let (parts, others): (Vec<Folder>, Vec<Folder>) =
            all.into_iter().partition(|folder| folder.says.is_some());
        if parts.is_empty() || is_declared {
            return flat(root, sorted(parts, others), is_declared);
        }
        if are_classes(&parts)? {
            let (names, parts_count) = (names(&parts), parts.len());
            let mut layout = flat(root, sorted(parts, others), is_declared)?;
            let taken = match parts_count {
                1 => "a class",
                _ => "classes",
            };
            let note = format!("{names} in {} taken for {taken}", root.display());
            layout.notes.push(note);
            return Ok(layout);
        }
        let is_clear = others.is_empty() || says_parts(&parts, &others)?;
        if !is_clear {
            return Err(unclear(root, &parts, &others));
        }
        of_parts(root, &parts, &others, named)
    }
}

/// Whether the spec names classes that are all among these folders.
fn are_declared(folders: &[Folder], named: &[&str]) -> bool {
    let is_there = |class: &&str| folders.iter().any(|folder| folder.name == composed(class));
    !named.is_empty() && named.iter().all(is_there)
}

/// Whether folders with a part's word among others in their names are classes all the same, as `train_station`: they
/// hold images and no folders of images.
fn are_classes(parts: &[Folder]) -> Result<bool, Error> {
    for folder in parts {
        if !matches!(folder.says, Some(Says::AmongOthers(_)))
            || !has_images(&folder.path)?
            || !class_folders(&folder.path)?.is_empty()
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether `parts` are clearly a dataset's parts with `others` beside them that are something else: there is class
/// folders for training, and another part, or nothing else that has images.
fn says_parts(parts: &[Folder], others: &[Folder]) -> Result<bool, Error> {
    let is_training = |folder: &&Folder| folder.part() == Some(PartName::Training);
    let training = parts.iter().find(is_training);
    let Some(training) = training else {
        return Ok(false);
    };
    if class_folders(&training.path)?.is_empty() {
        return Ok(false);
    }
    if !parts.iter().all(|folder| is_training(&folder)) {
        return Ok(true);
    }
    for folder in others {
        if holds_images(&folder.path)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn unclear(root: &Path, parts: &[Folder], others: &[Folder]) -> Error {
    let message = format!(
        "{} beside {}: are these classes, or parts of the dataset beside something else?",
        names(parts),
        names(others)
    );
    let into = parts
        .iter()
        .find(|folder| folder.part() == Some(PartName::Training));
    let help = format!(
        "if all are classes, name them: {}; if not, put the folders of the classes into {}/ and everything else elsewhere",
        declaration(parts.iter().chain(others)),
        into.map_or("train", |folder| &folder.name)
    );
    refused(root, message, help)
}

/// Class folders directly in `root`.
fn flat(root: &Path, classes: Vec<Folder>, is_declared: bool) -> Result<Layout, Error> {
    if !is_declared {
        nesting::check(root, &classes)?;
    }
    Ok(Layout {
        train: part_folder(root, classes)?,
        validation: None,
        test: None,
        notes: Vec::new(),
    })
}

fn of_parts(
    root: &Path,
    parts: &[Folder],
    others: &[Folder],
    named: &[&str],
) -> Result<Layout, Error> {
    let one = |part: PartName| one_of(root, parts, part);
    if let Some(several) = parts.iter().find(|f| f.says == Some(Says::Several)) {
        let message = format!("{}/ names several parts of a dataset", several.name);
        let help = "give each part a folder: train/, val/, test/";
        return Err(refused(root, message, help));
    }
    let (train, validation, test) = (
        one(PartName::Training)?,
        one(PartName::Validation)?,
        one(PartName::Test)?,
    );
    let Some(train) = train else {
        return Err(untrained(root, parts, others)?);
    };
    let held_out: Vec<&Folder> = validation.into_iter().chain(test).collect();
    let train_folder = training(root, train, &held_out, named)?;
    for other in &held_out {
        if real(&other.path)? == real(&train.path)? {
            let message = format!("{}/ and {}/ are the same folder", other.name, train.name);
            let help = "images that are trained on cannot tell how good a model is";
            return Err(refused(root, message, help));
        }
    }
    let held_out = |folder: Option<&Folder>| -> Result<Option<PartFolder>, Error> {
        let part = folder.map(|folder| matching(folder, &train_folder));
        part.transpose()
    };
    let (validation, test) = (held_out(validation)?, held_out(test)?);
    let mut notes = Vec::new();
    if !others.is_empty() {
        let mut images = 0;
        for folder in others {
            let files = Walk::beside([folder.path.as_path()])?.files(&folder.path)?;
            images += files.iter().filter(|file| is_image(file)).count();
        }
        let (others, images) = (names(others), counted(images, "image"));
        let (place, train) = (root.display(), &train.name);
        notes.push(format!(
            "not used in {place}: {others} beside {train}/, with {images}"
        ));
    }
    Ok(Layout {
        train: train_folder,
        validation,
        test,
        notes,
    })
}

/// Parts, and none of them for training.
fn untrained(root: &Path, parts: &[Folder], others: &[Folder]) -> Result<Error, Error> {
    let message = format!("has {} but no train/", names(parts));
    let mut divided = None;
    for part in parts {
        if !class_folders(&part.path)?.is_empty() {
            divided = divided.or(Some(part));
        }
    }
    let help = match divided {
        Some(part) => format!(
            "put the images to train on into train/, a folder for each class; where {}/ has all images, set dataset.path \
             to {} and dataset.test_split to the part to hold out, e.g. 0.15",
            part.name,
            foreign::path(&part.path)
        ),
        None if parts.len() + others.len() > 1 => {
            let all = declaration(parts.iter().chain(others));
            format!("if these are classes, name them: {all}")
        }
        None => "put the images of each class into a folder of its own: train/<class>/".into(),
    };
    Ok(refused(root, message, help))
}

/// The folder of a part, where there is one; two are refused.
fn one_of<'a>(
    root: &Path,
    parts: &'a [Folder],
    part: PartName,
) -> Result<Option<&'a Folder>, Error> {
    let is_it = |folder: &&Folder| folder.part() == Some(part);
    let found: Vec<&Folder> = parts.iter().filter(is_it).collect();
    match found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [first, second, ..] => {
            let message = format!(
                "{}/ and {}/ both name the {} part",
                first.name,
                second.name,
                part.as_str()
            );
            let help = format!(
                "keep the one that is meant; if these are classes, name them: {}",
                declaration(parts)
            );
            Err(refused(root, message, help))
        }
    }
}

fn training(
    root: &Path,
    train: &Folder,
    held_out: &[&Folder],
    named: &[&str],
) -> Result<PartFolder, Error> {
    let classes = folders(&train.path)?;
    if classes.is_empty() {
        let has = match has_images(&train.path)? {
            true => "has images, but no folders",
            false => "has no folders",
        };
        let all = held_out.iter().copied().chain([train]);
        let message = format!("{}/ {has} for the classes inside", train.name);
        let help = format!(
            "put the images of each class into a folder of its own, {}/<class>/; if {}/ is a class, name all classes: {}",
            train.name,
            train.name,
            declaration(all)
        );
        return Err(refused(root, message, help));
    }
    if !are_declared(&classes, named) {
        nesting::check(&train.path, &classes)?;
        nesting::refuse_folder_between(train, held_out, &classes)?;
    }
    part_folder(&train.path, classes)
}
