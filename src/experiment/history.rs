//! `search.parquet`, made again as results come in.

use super::told::{Telling, Told};
use crate::sink::{Event, Failure, Sink, Sinks};
use crate::spec::{AxisValue, Experiment, Monitor, Question, Run, is_replicate};
use crate::store::search::{Row, write};
use crate::store::text;

/// Writes what a sweep's strategy has asked, and the answers.
pub(super) struct History<'a> {
    experiment: &'a Experiment,
    watched: Monitor,
}

impl<'a> History<'a> {
    /// None where the strategy looks at no results.
    pub fn new(experiment: &'a Experiment) -> Option<Self> {
        let watched = experiment.sweep.watched()?;
        Some(History {
            experiment,
            watched,
        })
    }

    fn row(&self, question: &Question, told: &Told) -> Row {
        let runs = question.runs.iter();
        let runs: Vec<&Run> = runs
            .filter_map(|at| self.experiment.runs.get(*at))
            .collect();
        let first = runs.first();
        let answer = |run: &Run, until| told.answer(run, until);
        Row {
            round: question.round,
            configuration: first.map(|run| configuration(run)).unwrap_or_default(),
            epochs: first.map_or(0, |run| question.epochs(run)),
            metric: self.watched.metric.clone(),
            value: self.experiment.mean(question, &answer),
            runs: runs.iter().map(|run| run.id.clone()).collect(),
        }
    }
}

/// What tells a run from those that do not repeat it: `through=all, units=256`.
pub(super) fn configuration(run: &Run) -> String {
    let own = run.point.iter().filter(|(key, _)| !is_replicate(key));
    let own: Vec<(String, AxisValue)> = own.cloned().collect();
    text::point(&own, ", ")
}

impl Sink for History<'_> {
    fn event(&self, event: &Event<'_>, _sinks: &Sinks<'_>) -> Result<(), Failure> {
        if let Event::Tables(written) = event {
            let told = Told::new(
                written.folder,
                Some(self.watched.clone()),
                Telling::Everything,
            );
            let questions = self.experiment.questions.iter();
            let rows: Vec<Row> = questions
                .map(|question| self.row(question, &told))
                .collect();
            write(written.folder, &rows)?;
        }
        Ok(())
    }
}
