//! What is said of means over the classes where a class has no value of its own.

use super::probabilities::Probabilities;
use crate::data::View;
use crate::features::Split;
use crate::foreign::one_line;
use crate::metric::{Metric, Undefined};
use crate::spec::{Spec, Training};
use crate::text::counted;
use crate::train::Prediction;

/// Classes that are named at most.
const NAMED: usize = 5;

/// What becomes of classes that a part has no image of; nothing where the means that the spec asks for have them all.
pub(super) fn unseen(
    training: &Training,
    classes: &[String],
    part: Split,
    view: &View,
) -> Option<String> {
    if view.is_empty() {
        return None;
    }
    let missing = without(classes, view.class_labels())?;
    let treated = [
        (Undefined::LeftOut, "left out of"),
        (Undefined::Zero, "where predicted, 0 in"),
    ];
    let treated = treated.into_iter().filter_map(|(undefined, how)| {
        let metrics = names(training, undefined)?;
        Some(format!("{how} {metrics}"))
    });
    let treated: Vec<String> = treated.collect();
    let part = part.as_str();
    (!treated.is_empty())
        .then(|| format!("no {part} image is of {missing}: {}", treated.join("; ")))
}

/// What parts are taken of at random where images are in a table itself.
pub(super) fn cropped(spec: &Spec, view: &View) -> Option<String> {
    let part = view.part();
    let are_squares = part.originals.is_none() && part.images.is_resized && !view.is_empty();
    let said = "augmentation.random_resized_crop takes parts of the images as they were resized: photos that are in a table \
                itself are not decoded anew in each epoch";
    (spec.augmentation.random_resized_crop.is_some() && are_squares).then(|| said.into())
}

/// What becomes of classes that nothing was taken for.
pub(super) fn unpredicted(
    training: &Training,
    classes: &[String],
    part: Split,
    predictions: &[Prediction],
) -> Option<String> {
    let metrics = names(training, Undefined::Zero)?;
    let predicted = predictions.iter().flat_map(|p| match &p.several {
        Some(several) => several.predicted.clone(),
        None => p.first().map(|(class, _)| class).into_iter().collect(),
    });
    let missing = without(classes, predicted)?;
    let part = part.as_str();
    Some(format!(
        "no {part} image was predicted to be of {missing}: 0 in {metrics}"
    ))
}

/// Of which images the probabilities of all classes are recorded, where it is not of all.
pub(super) fn thinned(part: Split, probabilities: &Probabilities) -> Option<String> {
    let (every, part) = (probabilities.every(), part.as_str());
    (every > 1).then(|| {
        format!(
            "there are too many {part} images and classes to record all probabilities: those of the {part} images 0, \
             {every}, {}, … are recorded",
            2 * every
        )
    })
}

/// The classes that are not among these labels, such as `2 classes (cat, dog)`.
fn without(classes: &[String], labels: impl Iterator<Item = u32>) -> Option<String> {
    let mut is_there = vec![false; classes.len()];
    for label in labels {
        if let Some(is_there) = is_there.get_mut(label as usize) {
            *is_there = true;
        }
    }
    let missing = classes.iter().zip(&is_there).filter(|(_, there)| !**there);
    let missing: Vec<_> = missing.map(|(class, _)| one_line(class)).collect();
    let named = missing[..missing.len().min(NAMED)].join(", ");
    let more = if missing.len() > NAMED { ", …" } else { "" };
    let count = counted(missing.len(), "class");
    (!missing.is_empty()).then(|| format!("{count} ({named}{more})"))
}

/// The metrics of a spec that treat such classes so.
fn names(training: &Training, undefined: Undefined) -> Option<String> {
    let treats = |metric: &&'static Metric| metric.undefined == undefined;
    let names: Vec<&str> = training.metrics().filter(treats).map(|m| m.name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
