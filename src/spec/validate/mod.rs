//! Mistakes that the types alone do not show: ranges, contradictions, options of something else.

mod dataset;
mod head;
mod optimizer;
mod tracking;
mod training;

use std::path::Path;

use super::experiment::Problem;
use super::suggest::nearest;
use super::types::Spec;
use super::values::Weights;

/// Every mistake in a spec that can be seen without opening a file; whether files exist is looked up.
pub fn validate(spec: &Spec) -> Vec<Problem> {
    let mut check = Check::default();
    check.name(&spec.name);
    dataset::check(spec, &mut check);
    check.backbone(spec);
    head::check(spec, &mut check);
    optimizer::check(spec, &mut check);
    training::check(spec, &mut check);
    tracking::check(spec, &mut check);
    check.problems
}

/// The mistakes found so far.
#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(key, message));
    }

    fn problem_with_help(
        &mut self,
        key: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problems.push(Problem::new(key, message).help(help));
    }

    /// Refuses a number that is not as `expected` says.
    fn number(&mut self, key: &str, value: f64, good: bool, expected: &str) {
        if !good {
            self.problem(key, format!("`{key}` must be {expected}, not {value}"));
        }
    }

    /// In [0, 1).
    fn part(&mut self, key: &str, value: f64) {
        let good = (0.0..1.0).contains(&value);
        self.number(key, value, good, "at least 0 and less than 1");
    }

    fn positive(&mut self, key: &str, value: f64) {
        let good = value.is_finite() && value > 0.0;
        self.number(key, value, good, "a finite number greater than 0");
    }

    fn not_negative(&mut self, key: &str, value: f64) {
        let good = value.is_finite() && value >= 0.0;
        self.number(key, value, good, "a finite number, 0 or more");
    }

    fn at_least_one(&mut self, key: &str, value: usize) {
        self.number(key, value as f64, value >= 1, "at least 1");
    }

    /// Refuses options that are set but do not belong to what was chosen.
    ///
    /// `set` are the options with whether they are set, `taken` those that `chosen` takes, and `owners` lists who
    /// takes an option.
    fn options(
        &mut self,
        table: &str,
        chosen: &str,
        set: &[(&str, bool)],
        taken: &[&str],
        owners: &dyn Fn(&str) -> String,
    ) {
        for (option, _) in set
            .iter()
            .filter(|(name, set)| *set && !taken.contains(name))
        {
            self.problem_with_help(
                &format!("{table}.{option}"),
                format!(
                    "`{option}` is no option of {chosen}; it belongs to {}",
                    owners(option)
                ),
                format!("remove `{option}`, or choose what it belongs to"),
            );
        }
    }

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
        self.at_least_one("backbone.input_size", spec.backbone.input_size);
        match &spec.backbone.weights {
            Weights::Imagenet | Weights::Random => {}
            Weights::File(path) => {
                let stem = path.file_name().unwrap_or_default().to_string_lossy();
                let near = nearest(&stem, ["imagenet", "random"]);
                let meant = near.map_or("", |_| "if no file is meant: ");
                let help = format!(
                    "{meant}weights can be \"imagenet\" or \"random\", a file, or {{ experiment = \"…\" }}"
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
        if !path.is_file() {
            let what = if path.exists() {
                "is not a file"
            } else {
                "does not exist"
            };
            let message = format!("`{key}`: {} {what}", path.display());
            self.problem_with_help(key, message, help);
        }
    }
}

#[cfg(test)]
mod tests;
