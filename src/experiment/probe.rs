//! `runner probe`: what the backbones of a spec tell of its images before anything is trained.

use std::path::{Path, PathBuf};

use super::identity::{Network, Sources};
use super::{Error, Prepared, prepare};
use crate::atomic::write_atomically;
use crate::foreign;
use crate::probe::{self, Advice, Row, advise, best_linear};
use crate::report::charts;
use crate::run::{Executor, PlannedRun};
use crate::sink::progress::Reporter;
use crate::spec::{Problem, Weights};
use crate::stop::Stop;
use crate::store;

/// What probes found.
pub struct Probed {
    pub rows: Vec<Row>,
    pub advice: Vec<Advice>,
    /// The table and the chart.
    pub files: Vec<PathBuf>,
}

/// Probes every backbone of the spec's sweep, each once, whatever is frozen of it, whatever its head and how it is trained.
///
/// # Errors
/// A wrong spec; what ends a probe; files that cannot be written.
pub fn probe(
    spec: &Path,
    overrides: &[String],
    results: &Path,
    reporter: &dyn Reporter,
) -> Result<Probed, Error> {
    let sources = Sources {
        network: Network::Used,
        progress: reporter,
        results,
    };
    let prepared = prepare(spec, overrides, sources)?;
    let backbones = backbones(&prepared)?;
    let executor = Executor::new(Stop::default(), reporter)?;
    let mut rows = Vec::new();
    for (name, planned) in &backbones {
        rows.extend(executor.probe(planned, name).map_err(|error| {
            match error {
                crate::run::Error::Spec(problem) => Error::Spec(
                    prepared
                        .experiment
                        .problem(Some(&planned.run), &problem)
                        .into(),
                ),
                error => error.into(),
            }
        })?);
    }
    let name = &prepared.experiment.spec.name;
    let folder = results.join(name);
    let chart = charts::depth(name, &rows);
    let files = write(&folder, &rows, chart)?;
    Ok(Probed {
        advice: advise(&rows),
        rows,
        files,
    })
}

fn write(folder: &Path, rows: &[Row], chart: Option<charts::Chart>) -> Result<Vec<PathBuf>, Error> {
    let into = folder.join("charts");
    let cannot = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    std::fs::create_dir_all(&into).map_err(cannot(&into))?;
    store::probe::write(folder, rows)
        .map_err(|error| Error::Record(store::Error::from(error).into()))?;
    let mut files = vec![folder.join(store::probe::FILE)];
    if let Some(chart) = chart {
        let path = into.join(&chart.file);
        write_atomically(&path, chart.standalone().as_bytes()).map_err(cannot(&path))?;
        files.push(path);
    }
    Ok(files)
}

/// The first run of each backbone, input and normalization of the sweep, with what tells it from the others.
fn backbones(prepared: &Prepared) -> Result<Vec<(String, &PlannedRun)>, Error> {
    let mut found: Vec<(String, String, &PlannedRun)> = Vec::new();
    for planned in &prepared.plan.runs {
        let spec = &planned.run.spec;
        if let Weights::Experiment(_) = &spec.backbone.weights {
            let problem = Problem::new(
                "backbone.weights",
                "probes are of published weights or those in a file, not of an experiment's that may have yet to run",
            )
            .help("name the model that it left: --set backbone.weights=results/NAME/runs/RUN/model.safetensors");
            return Err(Error::Spec(
                prepared
                    .experiment
                    .problem(Some(&planned.run), &problem)
                    .into(),
            ));
        }
        // Of folds the first, as of seeds.
        let mut dataset = spec.dataset.clone();
        dataset.fold = None;
        let key = format!(
            "{:?} {dataset:?} {:?} {:?}",
            spec.backbone, spec.resize, spec.normalization
        );
        if found.iter().any(|(known, ..)| *known == key) {
            continue;
        }
        found.push((key, spec.backbone.arch.to_string(), planned));
    }
    let is_repeated = |name: &str| found.iter().filter(|(_, other, _)| other == name).count() > 1;
    let told = |(_, name, planned): &(String, String, &'_ PlannedRun)| -> String {
        match is_repeated(name) {
            false => name.clone(),
            true => {
                let point = planned.run.point.iter();
                let point = point.filter(|(key, _)| !crate::spec::is_replicate(key));
                let point = store::text::point(&point.cloned().collect::<Vec<_>>(), ", ");
                format!("{name} ({point})")
            }
        }
    };
    let named = found.iter().map(|entry| (told(entry), entry.2));
    Ok(named.collect())
}

impl Probed {
    /// A table of the best linear probe at each boundary, what to train, and where it is written.
    pub fn table(&self) -> Vec<Vec<String>> {
        let titles = [
            "backbone",
            "boundary",
            "layers",
            "dimensions",
            "ridge",
            "logistic",
            "knn",
            "± ",
            "training step",
        ];
        let mut rows = vec![titles.map(str::to_owned).to_vec()];
        for advice in &self.advice {
            for best in best_linear(&self.rows, &advice.backbone) {
                let of = |probe: &str| {
                    let row = self.rows.iter().find(|row| {
                        row.backbone == best.backbone
                            && row.layers == best.layers
                            && row.probe == probe
                    });
                    row.map_or(String::new(), |row| {
                        format!("{:.1} %", row.val_accuracy * 100.0)
                    })
                };
                let mut cells = vec![
                    best.backbone.clone(),
                    best.boundary.clone(),
                    best.layers.to_string(),
                    best.dimensions.to_string(),
                ];
                cells.extend(probe::PROBES.iter().map(|probe| of(probe.name())));
                cells.push(format!("{:.1} %", best.val_std * 100.0));
                cells.push(crate::text::si(best.training_operations));
                rows.push(cells);
            }
        }
        rows
    }

    /// What to train, and where everything is written.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for advice in &self.advice {
            if advice.boundaries.is_empty() {
                text += &format!("{}: no advice\n  {}\n", advice.backbone, advice.reason);
                continue;
            }
            text += &format!(
                "{}: worth training with freeze.through = {}\n  {}\n",
                advice.backbone,
                advice
                    .boundaries
                    .iter()
                    .map(|name| format!("\"{name}\""))
                    .collect::<Vec<_>>()
                    .join(", "),
                advice.reason
            );
        }
        let files = self
            .files
            .iter()
            .map(|file| foreign::path(file).to_string());
        text + &format!("\nprobes  {}\n", files.collect::<Vec<_>>().join(", "))
    }
}
