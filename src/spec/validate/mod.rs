//! Mistakes that the types alone do not show: ranges, contradictions, options of something else.

mod check;
mod choice;
mod dataset;
mod freeze;
mod head;
mod optimizer;
mod ranges;
mod stages;
mod tracking;
mod training;

use check::Check;
use choice::Chosen;
pub use training::{pointless_metric, unknown_weighted_class};

use std::path::Path;

use super::problem::Problem;
use super::suggest::nearest;
use super::types::{Arch, Spec, Sweep, Table};
use super::values::Weights;
use crate::zoo::TimmWeights;

/// Every mistake in a spec that can be seen without opening a file; whether files exist is looked up.
pub fn validate(spec: &Spec) -> Vec<Problem> {
    let mut check = Check::default();
    check.name(&spec.name);
    dataset::check(spec, &mut check);
    check.backbone(spec);
    freeze::check(&spec.freeze, &mut check);
    head::check(spec, &mut check);
    optimizer::check(spec, &mut check);
    training::check(spec, &mut check);
    tracking::check(spec, &mut check);
    ranges::check(spec, &mut check);
    stages::check(spec, &mut check, validate);
    check.problems
}

/// Every mistake in what a sweep's strategy takes.
pub(super) fn sweep(sweep: &Sweep) -> Vec<Problem> {
    let mut check = Check::default();
    let strategy = &sweep.strategy.row().choice;
    let chosen = Chosen::named(
        strategy,
        Sweep::TAG,
        format!("the {} strategy", strategy.name),
    );
    check.choice("sweep", &chosen, &sweep.options, Sweep::choices());
    ranges::options("sweep", &sweep.options, Sweep::all_options(), &mut check);
    check.problems
}

/// What is wrong with the metric that a sweep's strategy looks at, for a run with this spec.
pub(super) fn watched(sweep: &Sweep, spec: &Spec) -> Vec<Problem> {
    let mut check = Check::default();
    if let Some(watched) = sweep.watched() {
        training::monitor(spec, watched.key, &watched.metric, &mut check);
    }
    check.problems
}

/// Every number of a spec that is not in its range.
pub fn out_of_range(spec: &Spec) -> Vec<Problem> {
    let mut check = Check::default();
    ranges::check(spec, &mut check);
    check.problems
}

impl Check {
    fn name(&mut self, name: &str) {
        let forbidden = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
        let wrong = if name.is_empty() {
            Some("is empty".to_owned())
        } else if let Some(c) = name.chars().find(|c| forbidden(*c)) {
            Some(format!("contains {c:?}"))
        } else if name.starts_with(['.', '-', ' ']) || name.ends_with(['.', ' ']) {
            Some("begins or ends with a dot, dash or space".to_owned())
        } else if name.len() > 100 {
            Some("is longer than 100 bytes".to_owned())
        } else {
            None
        };
        if let Some(wrong) = wrong {
            let message = format!("`name` cannot be \"{name}\": it names a folder, and {wrong}");
            let help = "use letters, digits, `_` and `-`, e.g. name = \"vgg16_ft\"";
            self.problem_with_help("name", message, help);
        }
    }

    fn backbone(&mut self, spec: &Spec) {
        match &spec.backbone.weights {
            Weights::Imagenet | Weights::Keras | Weights::Hub(_) | Weights::Random => {}
            Weights::File(path) => {
                let stem = path.file_name().unwrap_or_default().to_string_lossy();
                let near = nearest(&stem, ["imagenet", "keras", "random"]);
                let meant = match (repository_meant(path), near) {
                    (Some(repository), _) => format!("did you mean \"{repository}\"? "),
                    (None, Some(_)) => "if no file is meant: ".into(),
                    (None, None) => String::new(),
                };
                let help = format!(
                    "{meant}weights can be \"imagenet\", \"keras\", \"random\", a repository as \"timm/resnet50.a1_in1k\", a file, or {{ experiment = \"…\" }}"
                );
                self.file("backbone.weights", path, &help);
            }
            Weights::Experiment(path) => {
                let key = "backbone.weights.experiment";
                self.file(key, path, "name the spec file of the experiment");
            }
        }
    }

    /// Refuses a path that is not a file.
    fn file(&mut self, key: &str, path: &Path, help: &str) {
        let message = |what: &str| format!("`{key}`: {} {what}", path.display());
        if path.is_file() {
            return;
        }
        let problem = if path.is_dir() {
            Problem::new(key, message("is a folder, not a file"))
        } else if path.exists() {
            Problem::new(
                key,
                message("is not a regular file, but a pipe or a device"),
            )
        } else {
            Problem::missing_path(key, message("does not exist"))
        };
        self.problems.push(problem.help(help));
    }
}

/// The repository of timm's that was probably meant by a path where no file is: `hf-hub:timm/resnet18.a1_in1k`, an address,
/// another case, or somebody else's repository of an architecture that is known.
fn repository_meant(path: &Path) -> Option<String> {
    let parts: Vec<String> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().to_lowercase())
        .collect();
    let is_timms = |pair: &&[String]| pair[0].rsplit(':').next() == Some("timm");
    let of_timm = parts.windows(2).rev().find(is_timms);
    let model = of_timm.map(|pair| &pair[1]).or(parts.last())?;
    let (model, revision) = match model.split_once('@') {
        Some((model, revision)) if !revision.is_empty() => (model, format!("@{revision}")),
        Some((model, _)) => (model, String::new()),
        None => (model.as_str(), String::new()),
    };
    let known = |weights: &TimmWeights| {
        let repository = weights.published.repository;
        repository.strip_prefix("timm/") == Some(model)
    };
    if let Some(weights) = TimmWeights::all().find(known) {
        return Some(format!("{}{revision}", weights.published.repository));
    }
    let plain = |name: &str| name.replace(['-', '_', '.'], "");
    let arch = Arch::all().find(|arch| plain(arch.name) == plain(model))?;
    Some(arch.imagenet?.repository.to_owned())
}

#[cfg(test)]
mod tests;
