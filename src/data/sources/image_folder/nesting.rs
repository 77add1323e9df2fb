//! Folders that cannot all be classes: parts, sites or dates with the classes inside, or parts and classes in one name.
//!
//! Images of the test would be trained on, or where and when a photo was taken would be learned. What could be meant in
//! two ways is refused with how to say it; `dataset.classes`, which names every folder, overrides it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::folders::{Folder, class_folders, declaration, folders, has_images, names, refused};
use crate::data::error::Error;
use crate::split::{PartName, Says, halves, in_words, part_of};

/// Folders that lie deeper below a class are looked at no more.
const DEPTH: usize = 4;

/// A folder that is taken for a class, with what lies in it.
struct Outer<'a> {
    folder: &'a Folder,
    inside: Vec<Folder>,
}

/// Looks at the folders in `root` that are to be classes.
///
/// # Errors
/// What else they could be.
pub(super) fn check(root: &Path, classes: &[Folder]) -> Result<(), Error> {
    refuse_parts_in_names(root, classes)?;
    refuse_masks(root, classes)?;
    let outer = |folder| -> Result<Outer<'_>, Error> {
        Ok(Outer {
            folder,
            inside: folders(&folder.path)?,
        })
    };
    let outer: Vec<Outer<'_>> = classes.iter().map(outer).collect::<Result<_, _>>()?;
    refuse_part_among_classes(root, &outer)?;
    refuse_parts_inside(root, &outer)?;
    refuse_classes_inside(root, &outer)
}

/// `train_cat/`, `train_dog/`, `test_cat/`, `test_dog/`; `traincat/`, `testcat/`.
fn refuse_parts_in_names(root: &Path, classes: &[Folder]) -> Result<(), Error> {
    if let Some((first, part, class)) = joined(classes) {
        let both = classes.iter().filter(|folder| {
            let mut halves = halves(&folder.name);
            halves.any(|(_, other)| other == class)
        });
        return Err(parts_in_names(
            root,
            &names(both),
            first,
            (&part, &class),
            classes,
        ));
    }
    let mut parts: BTreeSet<&str> = BTreeSet::new();
    let mut by_class: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut named = Vec::new();
    for folder in classes {
        let Some(Says::AmongOthers(part)) = folder.says else {
            continue;
        };
        named.push(folder);
        parts.insert(part.as_str());
        let (_, class) = in_words(&folder.name);
        let of_class = by_class.entry(class).or_default();
        of_class.insert(part.as_str());
    }
    let is_divided = by_class.values().any(|parts| parts.len() > 1);
    let is_most = named.len() * 2 > classes.len() && named.len() > parts.len();
    let are_all = named.len() > 1 && named.len() == classes.len();
    let (Some(first), true) = (named.first(), is_divided || is_most || are_all) else {
        return Ok(());
    };
    let (part, class) = in_words(&first.name);
    let named = names(named.iter().copied());
    Err(parts_in_names(
        root,
        &named,
        first,
        (&part, &class),
        classes,
    ))
}

/// The first of the folders that name a part and a class in one word, where several parts of that class are there, with
/// the part and the class.
fn joined(classes: &[Folder]) -> Option<(&Folder, String, String)> {
    let mut seen: Vec<(&Folder, PartName, String, String)> = Vec::new();
    for folder in classes {
        for (word, class) in halves(&folder.name) {
            let Some(part) = part_of(&word) else { continue };
            let other = seen.iter().find(|(_, p, _, c)| *c == class && *p != part);
            if let Some((first, _, word, class)) = other {
                return Some((first, word.clone(), class.clone()));
            }
            seen.push((folder, part, word, class));
        }
    }
    None
}

fn parts_in_names(
    root: &Path,
    named: &str,
    first: &Folder,
    (part, class): (&str, &str),
    classes: &[Folder],
) -> Error {
    let message = format!(
        "{named} have a word for a part of the dataset in their names: are these classes, or parts of classes?"
    );
    let help = format!(
        "a folder for each part with the classes inside says it: {part}/{class}/ instead of {}/; if all are classes, name \
         them: {}",
        first.name,
        declaration(classes)
    );
    refused(root, message, help)
}

/// `images/` beside `masks/`: a segmentation, whose images have no classes.
fn refuse_masks(root: &Path, classes: &[Folder]) -> Result<(), Error> {
    const IMAGES: [&str; 6] = ["images", "image", "imgs", "img", "photos", "jpegimages"];
    const MASKS: [&str; 10] = [
        "masks",
        "mask",
        "labels",
        "annotations",
        "segmentation",
        "segmentations",
        "segmentationclass",
        "groundtruth",
        "ground_truth",
        "gt",
    ];
    let of = |words: &[&str]| {
        let mut classes = classes.iter();
        classes.find(|folder| words.contains(&folder.name.to_lowercase().as_str()))
    };
    let (Some(images), Some(masks)) = (of(&IMAGES), of(&MASKS)) else {
        return Ok(());
    };
    let message = format!(
        "{} beside {}: images with a mask for each, as segmentation has them? A run learns the class of whole images",
        names([images]),
        names([masks])
    );
    let help = format!(
        "put the images of each class into a folder of its own; if these are classes, name them: {}",
        declaration(classes)
    );
    Err(refused(root, message, help))
}

/// `train/val/cat/` beside `train/cat/`.
fn refuse_part_among_classes(root: &Path, classes: &[Outer<'_>]) -> Result<(), Error> {
    for Outer { folder, inside } in classes {
        let is_part = matches!(folder.says, Some(Says::Plainly(_)));
        if !is_part || inside.is_empty() || class_folders(&folder.path)?.is_empty() {
            continue;
        }
        let (name, class) = (&folder.name, &inside[0].name);
        let help = match classes.len() {
            1 => format!(
                "put the folders of the classes one level up: {class}/ instead of {name}/{class}/ in {}; or set \
                 dataset.path to {} where that is all",
                root.display(),
                folder.path.display()
            ),
            _ => format!(
                "parts of a dataset lie side by side, classes inside: put {name}/ beside the folder that it lies in; if \
                 it is a class, name all classes: {}",
                declaration(classes.iter().map(|class| class.folder))
            ),
        };
        let message = format!(
            "{name}/ is named as a part of a dataset and has folders of images inside, {class}/ …"
        );
        return Err(refused(root, message, help));
    }
    Ok(())
}

/// `cat/train/`, `cat/test/`; `data/train/cat/`, `data/test/cat/`; `site/train/cat/`.
fn refuse_parts_inside(root: &Path, classes: &[Outer<'_>]) -> Result<(), Error> {
    let mut divided: Vec<(&Folder, &Folder, bool)> = Vec::new();
    for Outer { folder, inside } in classes {
        let plain = |folder: &&Folder| matches!(folder.says, Some(Says::Plainly(_)));
        let parts: Vec<&Folder> = inside.iter().filter(plain).collect();
        let mut kinds: Vec<PartName> = parts.iter().filter_map(|f| f.says?.part()).collect();
        kinds.dedup();
        let mut holds_classes = false;
        for part in &parts {
            holds_classes |= !class_folders(&part.path)?.is_empty();
        }
        if let Some(first) = parts.first()
            && (kinds.len() > 1 || holds_classes)
        {
            divided.push((folder, first, holds_classes));
        }
    }
    let Some(&(folder, part, holds_classes)) = divided.first() else {
        return Ok(());
    };
    let (name, part, place) = (&folder.name, &part.name, folder.path.display());
    let (message, help) = match divided.len() {
        1 if holds_classes => (
            match classes.len() {
                1 => format!("holds the dataset's folder only, {name}/"),
                _ => format!(
                    "{name}/ has parts of a dataset inside, {part}/ …, and other folders beside it"
                ),
            },
            format!("set dataset.path to {place}"),
        ),
        _ if holds_classes => (
            format!("{name}/ and others have parts of a dataset inside, {part}/ …"),
            format!(
                "a run has one dataset: set dataset.path to {place} or another one, or put them together, {part}/ outside \
                 and the classes inside"
            ),
        ),
        _ => (
            format!("{name}/ has parts of a dataset inside, {part}/ and others"),
            format!(
                "parts are outside and classes inside: {part}/{name}/ instead of {name}/{part}/"
            ),
        ),
    };
    Err(refused(root, message, help))
}

/// `2023/cat/`, `2024/cat/`; `site_a/cat/`, `site_a/dog/`, `site_b/cat/`, `site_b/bird/`; `2023/01/cat/`, `2024/01/cat/`.
fn refuse_classes_inside(root: &Path, classes: &[Outer<'_>]) -> Result<(), Error> {
    if classes.len() < 2 {
        return Ok(());
    }
    let is_date = |name: &str| name.chars().all(|c| !c.is_alphabetic());
    let are_dates = classes.iter().all(|class| is_date(&class.folder.name));
    let mut inside: BTreeMap<String, usize> = BTreeMap::new();
    for class in classes {
        // Where images lie beside the folders inside, these are no classes.
        if !are_dates && (class.inside.is_empty() || has_images(&class.folder.path)?) {
            return Ok(());
        }
        let mut innermost = BTreeSet::new();
        folders_with_images(&class.folder.path, DEPTH, &mut innermost)?;
        for name in innermost.into_iter().filter(|name| !is_date(name)) {
            *inside.entry(name).or_default() += 1;
        }
    }
    let shared = inside.values().filter(|count| **count > 1).count();
    let is_shared = shared > 0 && shared * 3 >= inside.len();
    if inside.len() < 2 || !(are_dates || is_shared) {
        return Ok(());
    }
    let outer = || classes.iter().map(|class| class.folder);
    let inner: Vec<&str> = inside.keys().map(String::as_str).take(6).collect();
    let message = format!(
        "{} hold the same kind of folders ({}): which are the classes?",
        names(outer()),
        inner.join(", ")
    );
    let help = format!(
        "if the outer ones are, name them: {}; if the inner ones are, put all images of a class into one folder, {}/ and \
         so on, or set dataset.path to one of the outer ones",
        declaration(outer()),
        inner.first().unwrap_or(&"")
    );
    Err(refused(root, message, help))
}

/// The names of the folders inside that have images in them, as deep as `depth`.
fn folders_with_images(
    folder: &Path,
    depth: usize,
    found: &mut BTreeSet<String>,
) -> Result<(), Error> {
    for inside in folders(folder)? {
        if has_images(&inside.path)? {
            found.insert(inside.name);
        } else if depth > 1 {
            folders_with_images(&inside.path, depth - 1, found)?;
        }
    }
    Ok(())
}

/// `train/images/cat/`, `train/images/dog/`: a single class, with the classes inside.
///
/// # Errors
/// How the folders of the parts must lie.
pub(super) fn refuse_folder_between(
    train: &Folder,
    held_out: &[&Folder],
    classes: &[Folder],
) -> Result<(), Error> {
    let [only] = classes else { return Ok(()) };
    let inside = class_folders(&only.path)?;
    let [class, _, ..] = &inside[..] else {
        return Ok(());
    };
    let (part, name) = (&train.name, &only.name);
    let message = format!(
        "{part}/ has only one class, \"{name}\", with folders inside: {}",
        names(&inside)
    );
    let help = match held_out.is_empty() {
        true => format!(
            "if these are the classes, set dataset.path to {}",
            only.path.display()
        ),
        false => format!(
            "the folders of the classes lie directly in that of a part: {part}/{class}/ instead of {part}/{name}/{class}/, \
             and so in {}",
            names(held_out.iter().copied()),
            class = class.name
        ),
    };
    Err(refused(&train.path, message, help))
}
