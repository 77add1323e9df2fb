//! The specs of a run's stages: its own with what each changes.

use std::collections::BTreeMap;

use super::key::{self, KeyPath};
use super::problem::Problem;
use super::schema;
use super::suggest::nearest;
use super::types::{Optimizer, Spec, Stage, Table};

/// Tables that a stage may change as a whole.
const TABLES: [&str; 3] = ["freeze", "optimizer", "augmentation"];
/// Keys of `[training]` that a stage may change; the others say what is measured, where, and by whom.
const OF_TRAINING: [&str; 8] = [
    "batch_size",
    "accumulate",
    "ema",
    "label_smoothing",
    "class_weights",
    "sampler",
    "shuffle",
    "early_stopping",
];

/// A part of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct StageSpec {
    /// None where the run has no stages.
    pub name: Option<String>,
    /// Everything that holds for it, `training.epochs` among it.
    pub spec: Spec,
}

impl Spec {
    /// The parts of a run: its stages, or the whole of it as the only one.
    ///
    /// # Errors
    /// The first key that a stage cannot set, or a value that does not fit, at its place.
    pub fn stages(&self) -> Result<Vec<StageSpec>, Problem> {
        if self.stage.is_empty() {
            return Ok(vec![StageSpec {
                name: None,
                spec: self.clone(),
            }]);
        }
        let stages = self.stage.iter().enumerate();
        stages.map(|(i, stage)| self.of_stage(i, stage)).collect()
    }

    /// Passes over the training images in all stages together, at most.
    pub fn epochs(&self) -> usize {
        match self.stage.as_slice() {
            [] => self.training.epochs,
            stages => stages.iter().map(|stage| stage.epochs).sum(),
        }
    }

    /// Where a problem with the spec of a stage is to be mended: in the stage, where it sets the key.
    pub fn in_stage(&self, stage: usize, mut problem: Problem) -> Problem {
        let Some(changes) = self.stage.get(stage).map(|stage| &stage.changes) else {
            return problem;
        };
        let path = key::parse(&problem.key).unwrap_or_default();
        let is_set = |key: &&String| {
            let set = key::parse(key).unwrap_or_default();
            key::below(&path, &set).is_some() || key::below(&set, &path).is_some()
        };
        if let Some(key) = changes.keys().find(is_set) {
            problem.key = place(stage, key);
        }
        problem
    }

    fn of_stage(&self, i: usize, stage: &Stage) -> Result<StageSpec, Problem> {
        let read = self.changed(i, &stage.changes)?;
        let mut spec = read.map_err(|error| {
            // Which of several it is, they are asked one by one.
            let alone = |(key, value): &(&String, &toml::Value)| {
                let one = BTreeMap::from([((*key).clone(), (*value).clone())]);
                matches!(self.changed(i, &one), Ok(Err(_)))
            };
            let culprit = stage.changes.iter().find(alone);
            let key = culprit.map_or("name", |(key, _)| key);
            Problem::new(place(i, key), error.message())
        })?;
        spec.training.epochs = stage.epochs;
        spec.fill(&|_| false);
        Ok(StageSpec {
            name: Some(stage.name.clone()),
            spec,
        })
    }

    /// This spec without stages and with these changes of one, where they give a spec.
    ///
    /// # Errors
    /// A key that a stage cannot set.
    fn changed(
        &self,
        stage: usize,
        changes: &BTreeMap<String, toml::Value>,
    ) -> Result<Result<Spec, toml::de::Error>, Problem> {
        let wrong = |key: &str, why: String| Problem::new(place(stage, key), why);
        let plain = Spec {
            stage: Vec::new(),
            ..self.clone()
        };
        let not_toml = |why: toml::ser::Error| wrong("name", why.to_string());
        let mut values = toml::Value::try_from(&plain).map_err(not_toml)?;
        let paths = changes.keys().map(|key| path(stage, key));
        let paths = paths.collect::<Result<Vec<KeyPath>, Problem>>()?;
        if paths.iter().any(|path| is_optimizer(path)) {
            // What only the one before takes; first, since the stage may set options of the new one.
            forget_options(&mut values);
        }
        for ((key, value), path) in changes.iter().zip(&paths) {
            set(&mut values, path, value.clone())
                .ok_or_else(|| wrong(key, format!("`{key}` cannot be set here")))?;
        }
        Ok(values.try_into())
    }
}

/// The key of a stage's key.
pub(super) fn place(stage: usize, key: &str) -> String {
    key::dotted(&key::path(&["stage", &stage.to_string(), key]))
}

/// A key that a stage may set.
fn path(stage: usize, key: &str) -> Result<KeyPath, Problem> {
    let wrong = |message: String| Problem::new(place(stage, key), message);
    let path = key::parse(key).map_err(|why| wrong(format!("`{key}`: {why}")))?;
    let (table, below) = (path.first().map_or("", String::as_str), path.get(1));
    let may = match below {
        None => false,
        Some(below) => {
            TABLES.contains(&table) || table == "training" && OF_TRAINING.contains(&below.as_str())
        }
    };
    let known = schema::check(&path);
    if may && known.is_ok() {
        return Ok(path);
    }
    if let Err(unknown) = known {
        let near = schema::full_key_like(key);
        let near = near.or_else(|| nearest(key, ["name", "epochs"]).map(str::to_owned));
        let help = match near {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("there is no `{}`", unknown.key),
        };
        return Err(wrong(format!(
            "a stage sets keys of the spec, and `{key}` is none"
        ))
        .help(help));
    }
    let of_training = OF_TRAINING.map(|key| format!("training.{key}"));
    Err(
        wrong(format!("`{key}` is the same for all stages of a run")).help(format!(
            "what a stage can set: freeze.…, optimizer.…, augmentation.…, {}",
            of_training.join(", ")
        )),
    )
}

fn is_optimizer(path: &[String]) -> bool {
    path == ["optimizer", Optimizer::TAG]
}

/// Leaves of `[optimizer]` only what goes with every one.
fn forget_options(values: &mut toml::Value) {
    if let Some(toml::Value::Table(table)) = values.get_mut("optimizer") {
        table.retain(|key, _| Optimizer::goes_with_all(key));
    }
}

/// Puts a value at a path, in tables that are made where they are missing; none where something else is in the way.
fn set(values: &mut toml::Value, path: &[String], value: toml::Value) -> Option<()> {
    let (last, above) = path.split_last()?;
    let mut table = values.as_table_mut()?;
    for key in above {
        let below = table
            .entry(key)
            .or_insert_with(|| toml::Table::new().into());
        table = below.as_table_mut()?;
    }
    table.insert(last.clone(), value);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_optimizer_has_the_options_that_its_stage_gives_it() {
        let text = "name = 't'\ndataset = { name = 'digits' }\nbackbone = { arch = 'vgg11' }\n\
                    optimizer = { name = 'adam', beta_1 = 0.8, clip_norm = 1.0 }\n\
                    [[stage]]\nname = 'fine'\nepochs = 1\n'optimizer.name' = 'sgd'\n\
                    'optimizer.learning_rate' = 0.5\n'optimizer.momentum' = 0.9";
        let spec: Spec = toml::from_str(text).unwrap();
        let optimizer = &spec.stages().unwrap()[0].spec.optimizer;
        let written = toml::to_string(optimizer).unwrap();
        for line in [
            "name = \"sgd\"",
            "learning_rate = 0.5",
            "momentum = 0.9",
            "clip_norm = 1.0",
        ] {
            assert!(written.contains(line), "{line}: {written}");
        }
        assert!(!written.contains("beta_1"), "{written}");
    }
}
