//! How a sweep's strategy asks, and is told.

use super::Error;
use super::experiment::Experiment;
use super::locate::located;
use super::problem::Problem;
use super::question::{Answer, Question};
use super::sweep;
use crate::metric::lower_is_better;
use crate::search;

impl Experiment {
    /// Whether what is asked follows from results.
    pub fn is_searched(&self) -> bool {
        self.sweep.watched().is_some()
    }

    /// Whether runs are looked at before their end.
    pub fn is_halved(&self) -> bool {
        self.questions.iter().any(|question| question.divisor > 1)
    }

    /// Refuses to compare runs after a part of their epochs where they have different ones.
    pub(super) fn check_halving(&self) -> Result<(), Error> {
        if !self.is_halved() || !self.expansion.epochs_differ {
            return Ok(());
        }
        let message =
            "runs are compared after the same epochs, and an axis changes how many they have";
        let help = "sweep the epochs with another strategy, or give every run as many";
        let problem = Problem::new("sweep.strategy", message).help(help);
        Err(located(&self.origin, &[], &problem).into())
    }

    /// Has the sweep's strategy ask everything that follows from the answers, and adds the runs that are asked for.
    ///
    /// # Errors
    /// Options that do not go with the axes, and every mistake in the new runs.
    pub fn ask(&mut self, answer: &Answer<'_>) -> Result<(), Error> {
        let is_lower = self
            .sweep
            .watched()
            .is_some_and(|watched| lower_is_better(&watched.metric));
        let told = |asked: &search::Question| {
            let runs = asked
                .points
                .iter()
                .map(|point| self.by_point.get(point).copied());
            let question = question(asked, runs.collect::<Option<_>>()?);
            let mean = self.mean(&question, answer)?;
            Some(match (mean.is_nan(), is_lower) {
                (true, _) => f64::NEG_INFINITY,
                (_, true) => -mean,
                (_, false) => mean,
            })
        };
        let (axes, epochs) = (&self.expansion.axes, self.expansion.epochs);
        let asked = sweep::ask(&self.sweep, axes, (self.spec.seed, epochs), &told)
            .map_err(|problem| Error::from(located(&self.origin, &[], &problem)))?;
        let points = asked.questions.iter().flat_map(|question| &question.points);
        let mut new = Vec::new();
        let mut by_point = self.by_point.clone();
        for point in points {
            let next = by_point.len();
            by_point.entry(point.clone()).or_insert_with(|| {
                new.push(point.clone());
                next
            });
        }
        self.expansion
            .add(&self.origin, &self.sweep, &new, &mut self.runs)?;
        self.by_point = by_point;
        let index = |point| self.by_point.get(point).copied();
        let questions = asked.questions.iter();
        let questions = questions.map(|asked| {
            let runs = asked.points.iter().filter_map(index);
            question(asked, runs.collect())
        });
        self.questions = questions.collect();
        self.is_over = asked.is_over;
        Ok(())
    }

    /// The same experiment with runs that the strategy may come to ask for: every combination of written values and ends of
    /// ranges, or as many of them as are checked in a moment.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn possible(&self) -> Result<Experiment, Error> {
        const MOST: usize = 200;
        let mut possible = self.clone();
        possible.runs.clear();
        let (axes, epochs) = (&self.expansion.axes, self.expansion.epochs);
        let points = sweep::space(axes, (self.spec.seed, epochs)).corners(MOST);
        let (origin, sweep) = (&self.origin, &self.sweep);
        let expansion = &mut possible.expansion;
        expansion.add(origin, sweep, &points, &mut possible.runs)?;
        Ok(possible)
    }

    /// The mean answer of a question's runs; none before all have come so far, NaN where one failed.
    pub fn mean(&self, question: &Question, answer: &Answer<'_>) -> Option<f64> {
        let mut sum = 0.0;
        for at in &question.runs {
            let run = self.runs.get(*at)?;
            sum += answer(run, question.until(run))?;
        }
        Some(sum / question.runs.len() as f64)
    }
}

fn question(asked: &search::Question, runs: Vec<usize>) -> Question {
    Question {
        runs,
        divisor: asked.divisor,
        round: asked.round,
    }
}
