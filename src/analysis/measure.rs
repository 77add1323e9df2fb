//! What is measured of a run, as a column of the comparison.

use std::sync::LazyLock;

use super::error::{Error, hint};
use super::recorded::{Recorded, Results};
pub use crate::metric::Unit;
use crate::metric::{ACCURACY, LOSS, METRICS, Metric, Metrics};

/// On what images a number is measured: numbers of different ones are not ranked together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Images {
    Test,
    Validation,
    /// It does not depend on images.
    None,
}

/// A number that every run has.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// As the column of `runs.parquet`.
    pub name: &'static str,
    pub unit: Unit,
    /// Whether more is better.
    pub rises: bool,
    /// On what images it is measured.
    pub on: Images,
    of: Of,
}

/// Where a run's value is taken from.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// What the saved model was measured on.
    Metric(fn(&Recorded) -> Option<&Metrics>, &'static Metric),
    Run(fn(&Recorded) -> Option<f64>),
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

fn test(run: &Recorded) -> Option<&Metrics> {
    run.row.test.as_ref()
}

fn validation(run: &Recorded) -> Option<&Metrics> {
    run.validation.as_ref()
}

/// Every measure, those that decide by default first.
fn all() -> &'static [Measure] {
    static ALL: LazyLock<Vec<Measure>> = LazyLock::new(|| {
        let first = [&ACCURACY, &LOSS];
        let is_other = |metric: &&Metric| first.iter().all(|other| other.name != metric.name);
        let others = METRICS.into_iter().filter(is_other);
        let metrics = first.into_iter().chain(others);
        metrics
            .filter(|metric| !metric.is_per_class())
            .flat_map(of_metric)
            .chain(OF_RUNS)
            .collect()
    });
    &ALL
}

/// A metric on the test and on the validation images.
fn of_metric(metric: &'static Metric) -> [Measure; 2] {
    let on = |part: &str, on, of| Measure {
        // Made once for the life of the program.
        name: format!("{part}_{}", metric.name).leak(),
        unit: metric.unit,
        rises: metric.rises,
        on,
        of: Of::Metric(of, metric),
    };
    [
        on("test", Images::Test, test),
        on("val", Images::Validation, validation),
    ]
}

/// What is known of a run beside its metrics.
const OF_RUNS: [Measure; 4] = [TRAINABLE, PARAMETERS, SECONDS, EPOCHS];

const TRAINABLE: Measure = of_run("trainable_parameters", Unit::Count, |r| {
    Some(r.row.trainable_parameters? as f64)
});
const PARAMETERS: Measure = of_run("parameters", Unit::Count, |r| {
    Some(r.row.parameters? as f64)
});
const SECONDS: Measure = of_run("seconds", Unit::Seconds, |r| Some(r.row.seconds));
const EPOCHS: Measure = of_run("epochs", Unit::Count, |r| Some(r.row.epochs as f64));

const fn of_run(name: &'static str, unit: Unit, of: fn(&Recorded) -> Option<f64>) -> Measure {
    Measure {
        name,
        unit,
        rises: false,
        on: Images::None,
        of: Of::Run(of),
    }
}

impl Measure {
    /// The run's value.
    pub fn of(&self, run: &Recorded) -> Option<f64> {
        match self.of {
            Of::Metric(part, metric) => part(run)?.number(metric),
            Of::Run(of) => of(run),
        }
    }

    /// The measure of this name, or without one the first that any run has a value of: on the images that are to decide,
    /// where there are such. The name of a metric alone means it on those images.
    ///
    /// # Errors
    /// A name that is none, or a measure that no run has.
    pub(super) fn named(
        name: Option<&str>,
        on: Images,
        results: &Results,
    ) -> Result<Measure, Error> {
        let is_there = |measure: &&Measure| measure.is_in(results);
        let decides = |measure: &&Measure| measure.on == on;
        let Some(name) = name else {
            let mut first = all().iter().filter(is_there);
            let first = first.clone().find(decides).or_else(|| first.next());
            return first
                .copied()
                .ok_or_else(|| Error::Nothing("no run has a result yet".into()));
        };
        let is_of_metric = |measure: &&Measure| match measure.of {
            Of::Metric(_, metric) => metric.name == name,
            Of::Run(_) => false,
        };
        let of_metric = || all().iter().filter(is_of_metric);
        let meant = of_metric().filter(is_there).find(decides);
        let meant = meant.or_else(|| of_metric().find(is_there));
        let meant = meant.or_else(|| of_metric().find(decides));
        let is_named = |measure: &&Measure| measure.name == name;
        let found = all().iter().find(is_named);
        match found.or(meant) {
            Some(measure) if is_there(&measure) => Ok(*measure),
            Some(_) => Err(Error::Nothing(format!("no run has a `{name}`"))),
            None => Err(Error::UnknownMetric {
                name: name.to_owned(),
                hint: hint(name, all().iter().map(|m| m.name)),
                known: all().iter().map(|m| m.name).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// Equal for runs whose numbers by this measure can be compared.
    pub fn images_of<'r>(&self, run: &'r Recorded) -> &'r str {
        match self.on {
            Images::Test => &run.test_set,
            Images::Validation => &run.validation_set,
            Images::None => "",
        }
    }

    /// Whether any run has a value.
    fn is_in(&self, results: &Results) -> bool {
        results.runs.iter().any(|run| self.of(run).is_some())
    }

    /// The same number on other images; none where no run has it there.
    pub(super) fn elsewhere(&self, on: Images, results: &Results) -> Option<Measure> {
        let Of::Metric(_, metric) = self.of else {
            return None;
        };
        let is_it = |measure: &&Measure| match measure.of {
            Of::Metric(_, of) => of.name == metric.name && measure.on == on,
            Of::Run(_) => false,
        };
        let found = all().iter().find(is_it);
        found.filter(|measure| measure.is_in(results)).copied()
    }

    /// Whether less of it is cheaper.
    pub(super) fn is_cost(&self) -> bool {
        [TRAINABLE, PARAMETERS, SECONDS].contains(self)
    }

    /// Whether a table has room for it where it decides nothing.
    pub(super) fn is_shown(&self) -> bool {
        !self.is_loss() && *self != PARAMETERS
    }

    /// Whether it is the loss.
    pub(super) fn is_loss(&self) -> bool {
        matches!(self.of, Of::Metric(_, metric) if metric.name == LOSS.name)
    }

    /// Whether it is the share of images that are classified right.
    pub(super) fn is_accuracy(&self) -> bool {
        matches!(self.of, Of::Metric(_, metric) if metric.name == ACCURACY.name)
    }

    /// The columns of a comparison: this measure, which decides, and what is reported; accuracy, loss, trained parameters
    /// and time.
    pub(super) fn with_companions(self, reported: Measure, results: &Results) -> Vec<Measure> {
        let mut measures = vec![self, reported];
        for metric in [&ACCURACY, &LOSS] {
            let is_of = |measure: &&Measure| match measure.of {
                Of::Metric(_, of) => of.name == metric.name && measure.is_in(results),
                Of::Run(_) => false,
            };
            let there: Vec<&Measure> = all().iter().filter(is_of).collect();
            let same = there.iter().find(|measure| measure.on == reported.on);
            measures.extend(same.or(there.first()).map(|measure| **measure));
        }
        measures.extend([TRAINABLE, PARAMETERS, SECONDS]);
        let mut seen: Vec<Measure> = Vec::new();
        for measure in measures {
            if !seen.contains(&measure) {
                seen.push(measure);
            }
        }
        seen
    }
}
