//! `runner check`: the plan of an experiment, nothing trained.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use super::foreseen::Foreseen;
use super::identity::{Network, Sources};
use super::networks::{Look, networks};
use super::{Error, Prepared, RESULTS, prepare};
use crate::data::Counts;
use crate::foreign::one_line;
use crate::progress::{NoProgress, Progress};
use crate::run::{self, PlannedRun, PlannedStage};
use crate::spec::{BatchNormMode, DatasetName, Experiment};
use crate::sweep;
use crate::text::{about, counted, thousands};

/// Whose work is counted to estimate the time of all.
const COUNTED: usize = 500;

/// [`check_as`] with a line per module.
///
/// # Errors
/// A wrong spec.
pub fn check(spec: &Path, overrides: &[String]) -> Result<String, Error> {
    check_as(spec, overrides, Look::default())
}

/// [`Checked::text`] of a spec.
///
/// # Errors
/// A wrong spec.
pub fn check_as(spec: &Path, overrides: &[String], look: Look) -> Result<String, Error> {
    Ok(Checked::new(spec, overrides, &NoProgress)?.text(look))
}

/// An experiment that can be run.
pub struct Checked(pub(super) Prepared);

impl Checked {
    /// Plans the experiment of a spec file.
    ///
    /// # Errors
    /// A wrong spec.
    pub fn new(spec: &Path, overrides: &[String], progress: &dyn Progress) -> Result<Self, Error> {
        let sources = Sources {
            network: Network::Unused,
            progress,
            // Runs that are there are shown under the names that they have there.
            results: Path::new(RESULTS),
        };
        Ok(Checked(prepare(spec, overrides, sources)?))
    }

    /// The plan as text: runs, layers, shapes, what trains, what it will cost.
    pub fn text(&self, look: Look) -> String {
        text(&self.0, look)
    }
}

fn text(prepared: &Prepared, look: Look) -> String {
    let Prepared {
        experiment, plan, ..
    } = prepared;
    let mut text = String::new();
    for warning in experiment.warnings() {
        let _ = writeln!(text, "warning: {}", one_line(warning));
    }
    let foreseen = Foreseen::of(experiment);
    let _ = write!(
        text,
        "{}",
        heading(experiment, &plan.runs, foreseen.as_ref())
    );
    if prepared.is_preliminary() {
        let _ = writeln!(
            text,
            "\nThe ImageNet weights are not in the cache yet; the runs' names will end differently once they are."
        );
    }
    for choice in plan.choices() {
        let _ = writeln!(text, "\n{choice}");
    }
    for network in networks(&plan.runs, look) {
        let _ = write!(text, "\n{network}");
    }
    let asked = foreseen.map(|foreseen| plan.until(&foreseen.until));
    text += &time(&asked.as_ref().unwrap_or(plan).runs);
    text
}

/// How long all of it may take, from how fast the networks are here.
fn time(runs: &[PlannedRun]) -> String {
    // Of very many runs, as many as are counted in a moment stand for all.
    let each = runs.len().div_ceil(COUNTED).max(1);
    let sample: Vec<&PlannedRun> = runs.iter().step_by(each).collect();
    let Some(speed) = run::speed(&sample) else {
        return String::new();
    };
    let seconds = sweep::seconds(&sample, speed) * runs.len() as f64 / sample.len() as f64;
    let measured = match speed.steps {
        Some(_) => "a forward pass and a step of training",
        None => "a forward pass",
    };
    format!(
        "\ntime  {} for {} on this machine: an estimate from {measured} measured now;\n      runs that are finished \
         already, early stopping and kept features take less, a busy machine more\n",
        about(seconds),
        counted(runs.len(), "run")
    )
}

fn heading(experiment: &Experiment, runs: &[PlannedRun], foreseen: Option<&Foreseen>) -> String {
    let spec = &experiment.spec;
    let (name, count) = (one_line(&spec.name), counted(runs.len(), "run"));
    let mut text = format!("experiment {name}: {count}\n");
    for (key, values) in experiment.axes() {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "  {}: {}",
            one_line(&key),
            one_line(&values.join(", "))
        );
    }
    if let Some(foreseen) = foreseen {
        let _ = writeln!(text, "  {}", foreseen.text);
    }
    if !runs.is_empty() {
        text.push_str(&datasets(runs));
        let _ = writeln!(text, "\nruns");
        let width = runs.iter().map(|run| run.run.id.len()).max().unwrap_or(0);
        for planned in runs {
            let PlannedRun {
                run,
                blueprint,
                stages,
                ..
            } = planned;
            let frozen = blueprint.frozen();
            let norms = match run.spec.freeze.batch_norm {
                BatchNormMode::Frozen => String::new(),
                mode => format!(", batch_norm = \"{mode}\""),
            };
            let trained = thousands(blueprint.trainable_count());
            if let [PlannedStage { name: None, .. }] = stages.as_slice() {
                let _ = writeln!(
                    text,
                    "  {:width$}  {frozen}{norms}, {trained} trained parameters, {}",
                    run.id,
                    counted(run.spec.training.epochs, "epoch")
                );
                continue;
            }
            let _ = writeln!(text, "  {}", run.id);
            for stage in stages {
                let _ = writeln!(text, "    {}", staged(stage));
            }
        }
    }
    text
}

/// A stage of a run: `fine: frozen through layer3, 8,398,858 trained parameters, 10 epochs, learning rate 0.00001`.
fn staged(stage: &PlannedStage) -> String {
    let (spec, blueprint) = (&stage.spec, &stage.blueprint);
    format!(
        "{}: {}, {} trained parameters, {}, {} at a learning rate of {}",
        one_line(stage.name.as_deref().unwrap_or_default()),
        blueprint.frozen(),
        thousands(blueprint.trainable_count()),
        counted(spec.training.epochs, "epoch"),
        spec.optimizer.name,
        spec.optimizer.learning_rate()
    )
}

/// Each dataset of the runs once, with its classes and how many images they have.
fn datasets(runs: &[PlannedRun]) -> String {
    let mut found: HashMap<(DatasetName, Option<Counts>, &[String]), usize> = HashMap::new();
    let mut in_order = Vec::new();
    for run in runs {
        let key = (run.run.spec.dataset.name, run.images, &run.classes[..]);
        let count = found.entry(key).or_insert(0);
        if *count == 0 {
            in_order.push(key);
        }
        *count += 1;
    }
    let mut text = String::new();
    for (i, key @ (name, images, classes)) in in_order.iter().enumerate() {
        let is_same = |at: usize| (in_order[at].0, in_order[at].2) == (*name, *classes);
        if !(0..i).any(is_same) {
            let _ = writeln!(text, "{}", dataset(*name, classes));
        }
        let of = match in_order.len() {
            1 => String::new(),
            _ => format!(" ({} of {})", found[key], counted(runs.len(), "run")),
        };
        let _ = writeln!(text, "  images: {}{of}", counts(*images));
    }
    text
}

/// `dataset digits: 2 classes (3, 5)`
fn dataset(name: DatasetName, classes: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<_> = classes
        .iter()
        .take(SHOWN)
        .map(|class| one_line(class))
        .collect();
    let more = if classes.len() > SHOWN { ", …" } else { "" };
    let count = counted(classes.len(), "class");
    format!("dataset {name}: {count} ({}{more})", shown.join(", "))
}

/// `90 training, 10 validation, 180 test`
fn counts(images: Option<Counts>) -> String {
    let Some(images) = images else {
        return "counted when the files are read".into();
    };
    let parts = [
        (images.train, "training"),
        (images.validation, "validation"),
        (images.test, "test"),
    ];
    let part = |(count, name): (usize, &str)| match count {
        0 => format!("no {name}"),
        count => format!("{} {name}", thousands(count)),
    };
    parts.map(part).join(", ")
}
