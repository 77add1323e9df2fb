//! How good a saved model is on a part of a dataset.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::{Serialize, Serializer};

use super::{Error, Model};
use crate::data::{self, Batches, Budget, Data, View, Wanted};
use crate::fetch::{Cache, Hub};
use crate::graph::Mode;
use crate::machine;
use crate::metric::{Metrics, PER_CLASS, PER_CLASS_F1, PER_CLASS_PRECISION};
use crate::progress::Progress;
use crate::run::Downloads;
use crate::spec::{Metric, Spec, nearest};
use crate::train::Scores;

/// Which images of a dataset are evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EvaluatedPart {
    #[default]
    Test,
    /// Held out by the spec's `validation_split`, or the folder's own.
    Validation,
    /// Without augmentation
    Train,
    /// Every image there is
    All,
}

impl EvaluatedPart {
    /// The word in messages and results.
    pub fn as_str(self) -> &'static str {
        match self {
            EvaluatedPart::Test => "test",
            EvaluatedPart::Validation => "validation",
            EvaluatedPart::Train => "train",
            EvaluatedPart::All => "all",
        }
    }

    fn of(self, data: Data) -> Vec<View> {
        let parts = match self {
            EvaluatedPart::Test => vec![data.test],
            EvaluatedPart::Validation => vec![data.validation],
            EvaluatedPart::Train => vec![data.train],
            EvaluatedPart::All => vec![data.train, data.validation, data.test],
        };
        parts.into_iter().filter(|part| !part.is_empty()).collect()
    }
}

/// What an evaluation gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The model's file.
    pub model: String,
    pub dataset: String,
    pub part: &'static str,
    pub images: usize,
    /// Images that do not decode and were left out.
    pub skipped_images: usize,
    pub loss: f64,
    /// Every metric that is a single number; NaN where it is not defined, or says nothing of so few classes.
    #[serde(flatten, serialize_with = "as_map")]
    pub metrics: Vec<(Metric, f64)>,
    pub per_class: Vec<ClassScore>,
    pub device: String,
    pub batch_size: usize,
    /// Wall time of the evaluation: making batches of the images in memory, forward passes, scores. Reading and decoding
    /// the images, and loading the model, came before.
    pub seconds: f64,
    pub images_per_second: f64,
    /// Wall time of the forward passes alone, from a batch on the device to logits on the host.
    pub forward_seconds: f64,
    pub forward_images_per_second: f64,
}

/// How good a model is on the images of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScore {
    pub class: String,
    pub images: usize,
    /// In [0, 1]; absent without images.
    pub accuracy: Option<f64>,
    /// In [0, 1], 0 for a class that is never predicted; absent where it has no images either.
    pub precision: Option<f64>,
    /// In [0, 1]; absent for a class that has no images and is never predicted.
    pub f1: Option<f64>,
}

/// Numbers by the names of the metrics.
fn as_map<S: Serializer>(numbers: &[(Metric, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(numbers.iter().map(|(metric, value)| (metric.name, value)))
}

/// Evaluates a model on a part of its dataset, or of the one that its overrides name.
///
/// # Errors
/// Data that cannot be had, or has a class that the model does not know; what the device reports.
pub fn evaluate(
    model: &Model,
    part: EvaluatedPart,
    progress: &dyn Progress,
) -> Result<Evaluation, Error> {
    measure(model, part, progress, None)
}

/// What a network gave for images.
#[derive(Default)]
pub(super) struct Kept {
    pub logits: Vec<Vec<f32>>,
    /// The images' classes.
    pub labels: Vec<u32>,
}

/// [`evaluate`], which keeps the logits where they are wanted.
///
/// # Errors
/// As [`evaluate`].
pub(super) fn measure(
    model: &Model,
    part: EvaluatedPart,
    progress: &dyn Progress,
    mut kept: Option<&mut Kept>,
) -> Result<Evaluation, Error> {
    let Images {
        parts,
        labels,
        skipped: skipped_images,
    } = load(model, part, progress)?;
    let images = parts.iter().map(View::len).sum();
    if images == 0 {
        return Err(Error::NoImages {
            part: part.as_str(),
        });
    }
    let mut training = model.spec.training.clone();
    let sets = parts.iter().find_map(|part| part.label_sets().cloned());
    let sets = sets.map(|sets| Arc::new(sets.renumbered(|class| number(&labels, class))));
    let multi_label = sets.is_some();
    training.metrics = Metric::all()
        .filter(|metric| metric.fits(multi_label))
        .collect();
    let output = model.network.blueprint.output;
    let of = (model.classes.len(), sets.as_ref());
    let mut scores = Scores::new(&training, of, output, images);
    let (start, mut forward) = (Instant::now(), Duration::ZERO);
    for part in &parts {
        let batches = batches(model, part);
        let order: Vec<u32> = (0..part.len() as u32).collect();
        for indices in order.chunks(training.batch_size) {
            let (images, found) = batches.batch(indices, 0)?;
            let begun = Instant::now();
            let logits = model.network.forward(&images, Mode::Evaluate)?;
            model.device.synchronize()?;
            forward += begun.elapsed();
            let found = match multi_label {
                true => found,
                false => known(&labels, found),
            };
            let rows = scores.add(&logits, &found)?;
            if let Some(kept) = &mut kept {
                kept.logits.extend(rows);
                kept.labels.extend(found);
            }
        }
    }
    let (seconds, forward_seconds) = (start.elapsed().as_secs_f64(), forward.as_secs_f64());
    let metrics = scores.metrics().unwrap_or_default();
    Ok(Evaluation {
        model: model.path.display().to_string(),
        dataset: model.spec.dataset.name.to_string(),
        part: part.as_str(),
        images,
        skipped_images,
        loss: metrics.loss,
        metrics: numbers(&metrics, model.classes.len()),
        per_class: per_class(&model.classes, &parts, &labels, &metrics),
        device: model.device_name.clone(),
        batch_size: training.batch_size,
        seconds,
        images_per_second: images as f64 / seconds,
        forward_seconds,
        forward_images_per_second: images as f64 / forward_seconds,
    })
}

/// Batches as the model was trained on, without augmentation.
pub(super) fn batches<'a>(model: &'a Model, view: &'a View) -> Batches<'a> {
    Batches::new(view, &model.normalizer, model.resizing, None, &model.device)
}

/// The wanted images, and the model's label of each of the dataset's.
struct Images {
    parts: Vec<View>,
    labels: Vec<u32>,
    skipped: usize,
}

fn load(model: &Model, part: EvaluatedPart, progress: &dyn Progress) -> Result<Images, Error> {
    let (cache, hub) = (Cache::from_env()?, Hub::from_env());
    let Spec { dataset, seed, .. } = &model.spec;
    let downloads = Downloads(&cache, &hub, progress);
    let input = (model.resizing, *seed);
    let wanted = match part {
        EvaluatedPart::Test => Wanted::Test,
        _ => Wanted::All,
    };
    let budget = Budget {
        memory: dataset.memory.map_or_else(spare_memory, |memory| memory.0),
        cache: cache.root().map(Into::into),
    };
    let loaded = data::read(dataset, input, (wanted, &budget), &downloads, progress)?;
    let skipped = loaded.skipped();
    let (classes, parts) = match wanted {
        Wanted::Test => {
            let (classes, test) = loaded.into_test(dataset, *seed)?;
            (classes, vec![test])
        }
        Wanted::All => {
            let data = loaded.arrange_for_evaluation(dataset, *seed)?;
            (data.classes.clone(), part.of(data))
        }
    };
    Ok(Images {
        parts,
        labels: labels(&classes, model)?,
        skipped,
    })
}

/// What images may take of the machine's memory by default: half, the network has the rest.
fn spare_memory() -> u64 {
    machine::memory().map_or(u64::MAX, |all| all / 2)
}

/// The model's labels for the dataset's.
fn known(labels: &[u32], found: Vec<u32>) -> Vec<u32> {
    found
        .into_iter()
        .map(|label| number(labels, label))
        .collect()
}

/// The model's number of a class of the dataset.
fn number(labels: &[u32], class: u32) -> u32 {
    labels.get(class as usize).copied().unwrap_or(class)
}

/// The model's label of each of the dataset's classes, which have the model's names or ImageNet's synsets.
fn labels(found: &[String], model: &Model) -> Result<Vec<u32>, Error> {
    let label = |class: &String| {
        let names = [&model.classes, &model.synsets];
        let place = |names: &Vec<String>| names.iter().position(|name| name == class);
        let place = names.into_iter().find_map(place);
        let place = place.ok_or_else(|| Error::UnknownClass {
            found: class.clone(),
            known: known_classes(class, model),
        })?;
        Ok(place as u32)
    };
    found.iter().map(label).collect()
}

/// What to say of the classes that a model knows: all, or of very many what may have been meant.
fn known_classes(wanted: &str, model: &Model) -> String {
    const FEW: usize = 100;
    let classes = &model.classes;
    if classes.len() <= FEW {
        return format!("its classes: {}", classes.join(", "));
    }
    let near = nearest(wanted, classes.iter().map(String::as_str));
    let near = near.map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
    let synset = match model.synsets.first() {
        Some(synset) => format!(", or by their synsets, such as {synset}"),
        None => String::new(),
    };
    format!(
        "it has {} classes, called such as \"{}\"{synset}{near}",
        classes.len(),
        classes[0]
    )
}

/// The metrics that are single numbers.
fn numbers(metrics: &Metrics, classes: usize) -> Vec<(Metric, f64)> {
    let number = |metric: Metric| {
        let value = metrics.number(metric.row())?;
        let says_something = classes > metric.says_nothing_of;
        Some((metric, if says_something { value } else { f64::NAN }))
    };
    Metric::all().filter_map(number).collect()
}

fn per_class(
    classes: &[String],
    parts: &[View],
    labels: &[u32],
    metrics: &Metrics,
) -> Vec<ClassScore> {
    let all = known(labels, parts.iter().flat_map(View::class_labels).collect());
    let images = |label: usize| all.iter().filter(|found| **found as usize == label).count();
    let of = |metric, label: usize| {
        let value = metrics.each(metric)?.get(label)?;
        Some(*value).filter(|value| !value.is_nan())
    };
    let score = |(label, class): (usize, &String)| ClassScore {
        class: class.clone(),
        images: images(label),
        accuracy: of(&PER_CLASS, label),
        precision: of(&PER_CLASS_PRECISION, label),
        f1: of(&PER_CLASS_F1, label),
    };
    classes.iter().enumerate().map(score).collect()
}
