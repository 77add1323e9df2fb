//! The networks of an experiment, as `runner check` shows them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::features;
use crate::foreign::{self, one_line};
use crate::graph::{Detail, summary};
use crate::model::Blueprint;
use crate::run::{self, DecodedImages, Need, PlannedRun};
use crate::spec::{NormalizationScheme, Spec, Weights};
use crate::text::{counted, si};

/// Columns of the networks' tables where nothing says how many there are.
const WIDTH: usize = 120;

/// How networks are shown.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub detail: Detail,
    /// Columns of the terminal.
    pub width: usize,
}

impl Default for Look {
    fn default() -> Self {
        Look {
            detail: Detail::Modules,
            width: WIDTH,
        }
    }
}

/// Every network of the runs once, with what it is made of and takes.
pub(super) fn networks(runs: &[PlannedRun], look: Look) -> Vec<String> {
    let models = distinct_models(runs);
    let of = |model: &Model<'_>| describe(model, runs.len(), look);
    models.iter().map(of).collect()
}

/// The runs that use a network, with their numbers.
struct Model<'a> {
    blueprint: &'a Blueprint,
    runs: Vec<(usize, &'a PlannedRun)>,
}

fn distinct_models(runs: &[PlannedRun]) -> Vec<Model<'_>> {
    let mut models: Vec<Model<'_>> = Vec::new();
    let mut places = HashMap::new();
    for (i, run) in runs.iter().enumerate() {
        let blueprint = &run.blueprint;
        let place = *places.entry(Arc::as_ptr(blueprint)).or_insert_with(|| {
            let same = models
                .iter()
                .position(|model| *model.blueprint == **blueprint);
            same.unwrap_or(models.len())
        });
        match models.get_mut(place) {
            Some(model) => model.runs.push((i + 1, run)),
            None => models.push(Model {
                blueprint,
                runs: vec![(i + 1, run)],
            }),
        }
    }
    models
}

fn describe(model: &Model<'_>, all: usize, look: Look) -> String {
    let mut text = String::new();
    let Some((_, first)) = model.runs.first() else {
        return text;
    };
    let spec = &first.run.spec;
    let runs: Vec<String> = model.runs.iter().map(|(i, _)| i.to_string()).collect();
    let of = if runs.len() == all {
        String::new()
    } else {
        format!(" (run {} of {all})", runs.join(", "))
    };
    let _ = writeln!(
        text,
        "{} with weights {}{of}",
        spec.backbone.arch,
        one_line(&weights(spec))
    );
    for line in preparations(model) {
        let _ = writeln!(text, "images                 {}", one_line(&line));
    }
    let (graph, cut) = (&model.blueprint.graph, &model.blueprint.cut);
    text += &summary(graph, cut, look.detail, look.width);
    let cost = model.blueprint.cost(spec.optimizer.rule().slots().len());
    let _ = writeln!(
        text,
        "operations per image   {} forward, {} training (multiply-accumulates)",
        si(cost.forward),
        si(cost.training)
    );
    if let Some(images) = first.images.map(|images| images.train) {
        let run = cost
            .training
            .saturating_mul(images.saturating_mul(spec.epochs()) as u64);
        let _ = writeln!(
            text,
            "operations per run     {} at most ({} × {})",
            si(run),
            counted(images, "image"),
            counted(spec.epochs(), "epoch")
        );
    }
    for line in steps(model) {
        let _ = writeln!(text, "steps                  {line}");
    }
    // Runs of the same network may differ in all else.
    let needs = model.runs.iter();
    let needs = needs.map(|(_, run)| Need::planned(run, run.run.spec.training.batch_size));
    let need = needs.max_by_key(Need::peak).unwrap_or_default();
    let mib = need.peak() as f64 / f64::from(1 << 20);
    let _ = writeln!(text, "memory                 {mib:.0} MiB ({need})");
    if let Some(images) = DecodedImages::of(first) {
        let _ = writeln!(text, "decoded images         {}", images.describe());
    }
    let on_cpu = first.device.device.is_cpu();
    let _ = write!(
        text,
        "{}",
        features::describe(spec, model.blueprint, first.images, on_cpu)
    );
    text
}

/// How the images are prepared, where specs say more than a formula for their values: each way once.
fn preparations(model: &Model<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for (_, planned) in &model.runs {
        let spec = &planned.run.spec;
        let scheme = spec.normalization.scheme;
        if spec.resize.is_usual() && scheme != NormalizationScheme::Pretrained {
            continue;
        }
        let line = match &planned.preparation {
            Some(preparation) => preparation.describe(spec),
            None => "as the experiment says that the weights come from".into(),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// What a step is, where it is more than one of a batch: each way once.
fn steps(model: &Model<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let stages = model.runs.iter().flat_map(|(_, run)| &run.stages);
    for training in stages.map(|stage| &stage.spec.training) {
        let (batches, decay) = (training.accumulate, training.ema);
        let images = batches * training.batch_size;
        let of = match batches {
            1 => format!("of {}", counted(images, "image")),
            _ => format!("of {batches} batches, {}", counted(images, "image")),
        };
        let line = match decay > 0.0 {
            false if batches == 1 => continue,
            false => of,
            true => format!("{of}; weights averaged over them (ema {decay})"),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn weights(spec: &Spec) -> String {
    let described = run::describe_weights(spec);
    match &spec.backbone.weights {
        Weights::Imagenet => described.unwrap_or_else(|| "imagenet".into()),
        Weights::Keras => described.unwrap_or_else(|| "keras".into()),
        Weights::Hub(repository) => described.unwrap_or_else(|| repository.to_string()),
        Weights::Random => "random".into(),
        Weights::File(path) => foreign::path(path),
        Weights::Experiment(path) => format!("from experiment {}", foreign::path(path)),
    }
}
