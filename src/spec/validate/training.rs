//! `[training]`.

use super::check::Check;
use crate::datasets::PartsOf;
use crate::spec::explain::listed;
use crate::spec::key;
use crate::spec::problem::Problem;
use crate::spec::suggest::nearest;
use crate::spec::types::{ClassWeights, Loss, Metric, Spec, Training};

/// A metric that says nothing of so many classes.
pub fn pointless_metric(training: &Training, classes: usize) -> Option<Problem> {
    let is_pointless = |metric: &Metric| classes <= metric.says_nothing_of;
    let at = training.metrics.iter().position(is_pointless)?;
    let (name, most) = (training.metrics[at], training.metrics[at].says_nothing_of);
    let message = format!("{name} is always 1 with {classes} classes");
    let help =
        format!("use \"accuracy\"; among more than {most} classes, {name} can tell models apart");
    Some(Problem::new(format!("training.metrics.{at}"), message).help(help))
}

/// A class weight of a class that there is not.
pub fn unknown_weighted_class(training: &Training, classes: &[String]) -> Option<Problem> {
    const SHOWN: usize = 10;
    let ClassWeights::ByClass(weights) = &training.class_weights else {
        return None;
    };
    let class = weights.keys().find(|class| !classes.contains(class))?;
    let key = key::dotted(&key::path(&["training", "class_weights", class]));
    let near = nearest(class, classes.iter().map(String::as_str));
    let near = near.map_or(String::new(), |near| format!("did you mean \"{near}\"? "));
    let shown: Vec<&str> = classes.iter().take(SHOWN).map(String::as_str).collect();
    let more = if classes.len() > SHOWN { ", …" } else { "" };
    let help = format!("{near}the classes are {}{more}", shown.join(", "));
    Some(Problem::new(key, format!("there is no class \"{class}\"")).help(help))
}

pub(super) fn check(spec: &Spec, check: &mut Check) {
    let training = &spec.training;
    metrics(spec, check);
    imbalance(training, check);
    several_labels(spec, check);
    if let Some(stopping) = &training.early_stopping {
        monitor(
            spec,
            "training.early_stopping.monitor",
            &stopping.monitor,
            check,
        );
    }
    if let Some(path) = &training.initial_weights {
        check.file(
            "training.initial_weights",
            path,
            "name a model that the runner saved",
        );
    }
}

/// Refuses what contradicts a sampler that draws every class as often.
fn imbalance(training: &Training, check: &mut Check) {
    if training.sampler.is_none() {
        return;
    }
    let key = "training.sampler";
    if !training.shuffle {
        let message = format!("`{key}` draws images at random, but `training.shuffle = false`");
        check.problem_with_help(key, message, "leave one of the two out");
    }
    if training.class_weights == ClassWeights::Balanced {
        let message = format!(
            "`{key}` and `training.class_weights` would both make up for the classes' sizes: small classes would count more than large ones"
        );
        check.problem_with_help(key, message, "leave one of the two out");
    }
}

/// Refuses what is not defined of images with several labels, and what is for them alone.
fn several_labels(spec: &Spec, check: &mut Check) {
    let training = &spec.training;
    if !spec.dataset.multi_label {
        if training.threshold != Training::default().threshold {
            check.problem_with_help(
                "training.threshold",
                "`training.threshold` is for images with several labels: of one label the most probable class is predicted",
                "remove `threshold`; or set `dataset.multi_label = true`",
            );
        }
        return;
    }
    if training.loss != Loss::BinaryCrossentropy {
        check.problem_with_help(
            "training.loss",
            format!(
                "`dataset.multi_label` needs a loss that takes each class by itself, and {} shares one image among them",
                training.loss
            ),
            "set `loss = \"binary_crossentropy\"`, and the head's last `activation = \"sigmoid\"`",
        );
    }
    if !training.sampler.is_none() {
        check.problem_with_help(
            "training.sampler",
            "`training.sampler` draws classes as often as one another, and with `dataset.multi_label` an image is of several",
            "use `training.class_weights`",
        );
    }
}

fn metrics(spec: &Spec, check: &mut Check) {
    let metrics = &spec.training.metrics;
    for (at, metric) in metrics.iter().enumerate() {
        let key = format!("training.metrics.{at}");
        if metrics[..at].contains(metric) {
            check.problem(&key, format!("the metric \"{metric}\" is named twice"));
        }
        let multi_label = spec.dataset.multi_label;
        if !metric.fits(multi_label) {
            let fitting = Metric::all().filter(|metric| metric.fits(multi_label));
            let fitting: Vec<&str> = fitting.map(|metric| metric.name).collect();
            let how_many = if multi_label {
                "several labels"
            } else {
                "one label"
            };
            let message = format!("{metric} is not defined of images with {how_many}");
            let help = format!("use some of {}", listed(&fitting));
            check.problem_with_help(&key, message, help);
        }
    }
    let classes = spec.class_count();
    let pointless = classes.and_then(|classes| pointless_metric(&spec.training, classes));
    check.problems.extend(pointless);
}

/// Which images a metric is measured on.
enum Part {
    Validation,
    /// It is not said.
    Any,
}

/// What a monitor is probably measured on, and the rest of it: `validation_acc` is of validation images.
fn split(monitor: &str) -> (Part, &str) {
    let mut prefixes = ["validation", "valid", "val"].into_iter();
    let rest = prefixes.find_map(|prefix| monitor.strip_prefix(prefix));
    match rest {
        Some(rest) => (Part::Validation, rest.trim_start_matches(['_', '-', ' '])),
        None => (Part::Any, monitor),
    }
}

/// Refuses to watch what is not recorded.
pub(super) fn monitor(spec: &Spec, key: &str, monitor: &str, check: &mut Check) {
    let scalar = |metric: &&Metric| !metric.is_per_class();
    let metrics = spec.training.metrics.iter().filter(scalar);
    let training: Vec<&str> = ["loss"]
        .into_iter()
        .chain(metrics.map(|m| m.name))
        .collect();
    let validation: Vec<String> = training.iter().map(|name| format!("val_{name}")).collect();
    let mut recorded = training.clone();
    recorded.extend(validation.iter().map(String::as_str));
    if !recorded.contains(&monitor) {
        let message = format!("`{key}` watches \"{monitor}\", which is not recorded");
        let (part, name) = split(monitor);
        let known = Metric::named(name).filter(|metric| metric.is_per_class());
        if known.is_some() {
            let message = format!("`{key}` watches \"{monitor}\", which is a value for each class");
            let help = format!("watch a single value: {}", listed(&recorded));
            return check.problem_with_help(key, message, help);
        }
        let near = nearest(name, training.iter().copied());
        let meant = match (near, part) {
            (None, _) => String::new(),
            (Some(near), Part::Validation) => format!("did you mean \"val_{near}\"? "),
            (Some(near), Part::Any) => {
                format!("did you mean \"val_{near}\", of validation images, or \"{near}\"? ")
            }
        };
        let recorded = listed(&recorded);
        let help = format!("{meant}recorded: {recorded}; others must stand in `training.metrics`");
        check.problem_with_help(key, message, help);
    } else if monitor.starts_with("val_") && !has_validation(spec) {
        check.problem_with_help(
            key,
            format!("`{key}` watches \"{monitor}\", but `dataset.validation_split = {}` leaves no validation images", spec.dataset.validation_split),
            "set `dataset.validation_split`, or watch a training metric, e.g. \"loss\"",
        );
    }
}

/// Whether a split of this size can hold any image out: it is taken from 1 in float64.
fn can_hold_out(split: f64) -> bool {
    1.0 - split < 1.0
}

/// Whether there are, or may be, validation images: a folder may bring its own, which is looked at later.
fn has_validation(spec: &Spec) -> bool {
    can_hold_out(spec.dataset.validation_split)
        || spec.dataset.folds.is_some()
        || spec.dataset.name.parts == PartsOf::Found
}
