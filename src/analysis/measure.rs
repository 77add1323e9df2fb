//! What is measured of a run, as a column of the comparison.

use super::error::hint;
use super::{Error, Recorded, Results};
use crate::train::Metrics;

/// How the numbers of a measure are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// In [0, 1], shown in percent.
    Share,
    Plain,
    Count,
    Seconds,
}

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
    /// The run's value.
    pub of: fn(&Recorded) -> Option<f64>,
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
const ALL: [Measure; 9] = [
    measure("test_accuracy", Unit::Share, true, |r| test(r)?.accuracy),
    measure("val_accuracy", Unit::Share, true, |r| {
        validation(r)?.accuracy
    }),
    measure("test_loss", Unit::Plain, false, |r| Some(test(r)?.loss)),
    measure("val_loss", Unit::Plain, false, |r| {
        Some(validation(r)?.loss)
    }),
    measure("test_top5_accuracy", Unit::Share, true, |r| {
        test(r)?.top5_accuracy
    }),
    measure("val_top5_accuracy", Unit::Share, true, |r| {
        validation(r)?.top5_accuracy
    }),
    measure("trainable_parameters", Unit::Count, false, |r| {
        Some(r.row.trainable_parameters? as f64)
    }),
    measure("seconds", Unit::Seconds, false, |r| Some(r.row.seconds)),
    measure("epochs", Unit::Count, false, |r| Some(r.row.epochs as f64)),
];

const fn measure(
    name: &'static str,
    unit: Unit,
    rises: bool,
    of: fn(&Recorded) -> Option<f64>,
) -> Measure {
    Measure {
        name,
        unit,
        rises,
        on: images(name),
        of,
    }
}

/// What the prefix of a column says.
const fn images(name: &str) -> Images {
    match name.as_bytes() {
        [b't', b'e', b's', b't', b'_', ..] => Images::Test,
        [b'v', b'a', b'l', b'_', ..] => Images::Validation,
        _ => Images::None,
    }
}

impl Measure {
    /// The measure of this name, or the first that any run has a value of.
    ///
    /// # Errors
    /// A name that is none, or a measure that no run has.
    pub fn named(name: Option<&str>, results: &Results) -> Result<Measure, Error> {
        let is_there = |measure: &&Measure| results.runs.iter().any(|r| (measure.of)(r).is_some());
        let Some(name) = name else {
            let first = ALL.iter().find(is_there).copied();
            return first.ok_or_else(|| Error::Nothing("no run has a result yet".into()));
        };
        match ALL.iter().find(|measure| measure.name == name) {
            Some(measure) if is_there(&measure) => Ok(*measure),
            Some(_) => Err(Error::Nothing(format!("no run has a `{name}`"))),
            None => Err(Error::UnknownMetric {
                name: name.to_owned(),
                hint: hint(name, ALL.iter().map(|m| m.name)),
                known: ALL.map(|m| m.name).join(", "),
            }),
        }
    }

    /// The columns of a comparison by this measure: itself, accuracy, loss, trained parameters and time.
    pub(super) fn with_companions(self, results: &Results) -> Vec<Measure> {
        let any = |measure: &Measure| results.runs.iter().any(|r| (measure.of)(r).is_some());
        let mut measures = vec![self];
        for pair in [["test_accuracy", "val_accuracy"], ["test_loss", "val_loss"]] {
            let named = pair
                .iter()
                .filter_map(|n| ALL.iter().find(|m| m.name == *n));
            measures.extend(named.copied().find(any));
        }
        let rest = ["trainable_parameters", "seconds"];
        measures.extend(ALL.iter().filter(|m| rest.contains(&m.name)).copied());
        let mut seen: Vec<Measure> = Vec::new();
        for measure in measures {
            if !seen.contains(&measure) {
                seen.push(measure);
            }
        }
        seen
    }
}
