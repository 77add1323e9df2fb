//! What is said of the classes of an image folder.

use std::path::Path;

use super::layout::Layout;
use crate::data::error::Error;
use crate::data::files::{entries, file_name};
use crate::spec::Problem;

/// Refuses a dataset with one class.
pub(super) fn one_class(layout: &Layout, only: &str) -> Error {
    let train = &layout.train;
    let place = train.path.display();
    let message = format!("{place} has only one class, \"{only}\": there is nothing to tell apart");
    let folder = train.classes.iter().find(|(name, _)| name == only);
    let inside = folder.and_then(|(_, folder)| Some((folder, entries(folder).ok()?.0)));
    let help = match inside {
        Some((folder, inside)) if inside.len() > 1 => {
            let names: Vec<String> = inside.iter().take(6).map(|path| file_name(path)).collect();
            format!(
                "if the classes are the folders in it ({}), set dataset.path to {}",
                names.join(", "),
                folder.display()
            )
        }
        _ => format!("each class needs a folder of its own in {place}"),
    };
    Problem::new("dataset.path", message).help(help).into()
}

/// What is said of classes whose names are other numbers than their labels.
pub(super) fn numbered(classes: &[String], path: &Path) -> Option<String> {
    if !classes.iter().all(|class| class.parse::<u64>().is_ok()) {
        return None;
    }
    let mut labelled = classes.iter().enumerate();
    let (label, class) = labelled.find(|(label, class)| **class != label.to_string())?;
    let place = path.display();
    Some(format!(
        "the class folders in {place} are sorted as text, as Keras and torchvision do: label {label} is class \"{class}\""
    ))
}
