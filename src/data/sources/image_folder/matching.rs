//! Whether the folder of a part that is not trained on has the classes of training.

use std::path::Path;

use super::folders::{Folder, PartFolder, folders, has_images, names, part_folder, refused};
use crate::data::error::Error;
use crate::data::files::entries;
use crate::foreign;

/// What Tiny ImageNet says the classes of its validation images in.
const ANNOTATIONS: &str = "val_annotations.txt";

/// A part with the same classes as training has.
///
/// # Errors
/// What its folders are instead.
pub(super) fn matching(folder: &Folder, train: &PartFolder) -> Result<PartFolder, Error> {
    let path = &folder.path;
    let classes = folders(path)?;
    if classes.is_empty() {
        return Err(without_folders(path, train)?);
    }
    let is_known = |class: &Folder| train.classes.iter().any(|(name, _)| *name == class.name);
    if !classes.iter().any(is_known)
        && let [only] = &classes[..]
        && has_images(&only.path)?
    {
        return Err(one_folder(path, only)?);
    }
    let part = part_folder(path, classes)?;
    let where_ = foreign::path(&train.path);
    let (message, help) = if let Some(class) = lacking(train, &part) {
        let message = format!("has no folder \"{class}\", a class in {where_}");
        let help = match in_other_case(class, &part) {
            Some(other) => {
                format!("upper and lower case differ in \"{other}\": rename one of the two")
            }
            None => {
                "every part has a folder for each class, an empty one where it has no image".into()
            }
        };
        (message, help)
    } else if let Some(class) = lacking(&part, train) {
        let message = format!("has a folder \"{class}\", which is no class in {where_}");
        let help = format!("move it elsewhere, or add the class \"{class}\" to {where_}");
        (message, help)
    } else {
        return Ok(part);
    };
    Err(refused(path, message, help))
}

/// The first class of `has` that `lacks` does not have.
fn lacking<'a>(has: &'a PartFolder, lacks: &PartFolder) -> Option<&'a str> {
    let is_there = |class: &str| lacks.classes.iter().any(|(name, _)| name == class);
    let mut names = has.classes.iter().map(|(name, _)| name.as_str());
    names.find(|name| !is_there(name))
}

fn in_other_case<'a>(class: &str, part: &'a PartFolder) -> Option<&'a str> {
    let mut names = part.classes.iter().map(|(name, _)| name.as_str());
    names.find(|name| name.to_lowercase() == class.to_lowercase())
}

fn without_folders(path: &Path, train: &PartFolder) -> Result<Error, Error> {
    if has_images(path)? {
        let message =
            "has images, but no folders for the classes inside: nothing says what they show";
        let help = "move it elsewhere if its images have no classes, or put them into <class>/";
        return Ok(refused(path, message, help));
    }
    let classes = train
        .classes
        .iter()
        .take(3)
        .map(|(name, _)| format!("{name}/"));
    let classes: Vec<String> = classes.collect();
    let help = format!(
        "remove it, or give it the folders of the classes in {}: {} …",
        foreign::path(&train.path),
        classes.join(", ")
    );
    Ok(refused(path, "is empty", help))
}

/// All images lie in one folder, which is no class.
fn one_folder(path: &Path, only: &Folder) -> Result<Error, Error> {
    let inside = names([only]);
    if entries(path)?
        .1
        .iter()
        .any(|file| file.ends_with(ANNOTATIONS))
    {
        let message = format!(
            "has the layout of Tiny ImageNet: {inside} has the images of all classes, and {ANNOTATIONS} says their classes"
        );
        let help = format!(
            "sort them into folders of their classes; there, in Python: import os, shutil; rows = [l.split(\"\\t\")[:2] for l in \
             open(\"{ANNOTATIONS}\")]; [os.makedirs(c, exist_ok=True) or shutil.move(\"{inside}\" + f, c) for f, c in \
             rows]; os.rmdir(\"{inside}\")"
        );
        return Ok(refused(path, message, help));
    }
    let message = format!(
        "has its images in {inside}, and no folders for the classes: nothing says what they show"
    );
    let help = "move it elsewhere if its images have no classes, or put them into <class>/";
    Ok(refused(path, message, help))
}
