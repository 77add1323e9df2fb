//! Runs grouped by the axes that differ; the best group, and which others lie within its noise.

use std::collections::HashMap;

use super::{Error, Filter, Measure, Recorded, Results, Sample, welch};
use crate::spec::AxisValue;

/// Means that differ with a smaller p-value than this are taken to differ.
pub const ALPHA: f64 = 0.05;

/// What is asked of results.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Group by these keys alone; by every axis that differs where there is none.
    pub by: Vec<String>,
    /// What decides; the test accuracy where there is one.
    pub metric: Option<String>,
    pub filters: Vec<Filter>,
}

/// Groups of runs, the best first.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The keys that the groups differ in.
    pub axes: Vec<String>,
    /// The axes whose values are folded into a group: the seed, and what `by` does not name.
    pub folded: Vec<String>,
    /// The first one decides.
    pub measures: Vec<Measure>,
    pub groups: Vec<Group>,
    /// Runs that were looked at but have no result.
    pub unfinished: usize,
}

/// Runs that agree in all axes.
#[derive(Clone, Debug)]
pub struct Group {
    /// The values of the axes; none where the runs do not have the key.
    pub point: Vec<Option<AxisValue>>,
    /// The ids of the runs.
    pub runs: Vec<String>,
    /// A sample a measure; none where no run has a value.
    pub samples: Vec<Option<Sample>>,
    /// Of Welch's t-test against the best group; absent for the best itself, and where one of them has a single run.
    pub p_value: Option<f64>,
    pub verdict: Verdict,
}

/// How a group stands to the best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Best,
    /// The difference can be noise: p is at least [`ALPHA`].
    WithinNoise,
    Worse,
    /// Too few runs to tell.
    Unknown,
}

impl Verdict {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Best => "best",
            Verdict::WithinNoise => "within noise",
            Verdict::Worse => "worse",
            Verdict::Unknown => "unknown",
        }
    }
}

impl Group {
    /// The sample of the measure that decides.
    pub fn deciding(&self) -> Option<&Sample> {
        self.samples.first()?.as_ref()
    }
}

impl Comparison {
    /// The measure that decides.
    pub fn deciding(&self) -> Option<&Measure> {
        self.measures.first()
    }

    /// Whether any group has more than one run, so that differences can be judged.
    pub fn can_judge(&self) -> bool {
        self.groups.iter().any(|g| g.p_value.is_some())
    }
}

/// Answers a question about results.
///
/// # Errors
/// A key or metric that is not there; no finished run.
pub fn compare(mut results: Results, question: &Question) -> Result<Comparison, Error> {
    for key in &question.by {
        results.check_key(key)?;
    }
    results.retain(&question.filters)?;
    let all = results.runs.len();
    results.runs.retain(Recorded::is_finished);
    let unfinished = all - results.runs.len();
    if results.runs.is_empty() {
        return Err(Error::Nothing(match (all, question.filters.is_empty()) {
            (0, false) => "no run passes --where".into(),
            _ => "no run has finished yet".into(),
        }));
    }
    let metric = Measure::named(question.metric.as_deref(), &results)?;
    let measures = metric.with_companions(&results);
    let (axes, folded) = axes(&results, &question.by);
    let mut groups = groups(&results, &axes, &measures);
    judge(&mut groups, metric.rises);
    Ok(Comparison {
        axes,
        folded,
        measures,
        groups,
        unfinished,
    })
}

/// The keys to group by, and the axes that are folded.
fn axes(results: &Results, by: &[String]) -> (Vec<String>, Vec<String>) {
    let differs = |key: &String| {
        let mut values = results.runs.iter().map(|run| run.value(key));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let differing = results.axes.iter().filter(|key| differs(key)).cloned();
    if by.is_empty() {
        differing.partition(|key| key != "seed")
    } else {
        let folded = differing.filter(|key| !by.contains(key)).collect();
        (by.to_vec(), folded)
    }
}

/// The groups, in the order of their first runs.
fn groups(results: &Results, axes: &[String], measures: &[Measure]) -> Vec<Group> {
    let mut members: Vec<(Vec<Option<AxisValue>>, Vec<&Recorded>)> = Vec::new();
    let mut places: HashMap<Vec<Option<String>>, usize> = HashMap::new();
    for run in &results.runs {
        let point: Vec<Option<AxisValue>> = axes.iter().map(|key| run.value(key)).collect();
        let names = point.iter().map(|v| v.as_ref().map(ToString::to_string));
        let place = *places.entry(names.collect()).or_insert_with(|| {
            members.push((point, Vec::new()));
            members.len() - 1
        });
        members[place].1.push(run);
    }
    let group = |(point, runs): (_, Vec<&Recorded>)| {
        let sample = |m: &Measure| Sample::of(runs.iter().filter_map(|run| (m.of)(run)));
        Group {
            point,
            samples: measures.iter().map(sample).collect(),
            runs: runs.iter().map(|run| run.row.run.clone()).collect(),
            p_value: None,
            verdict: Verdict::Unknown,
        }
    };
    members.into_iter().map(group).collect()
}

/// Sorts the groups, the best first, and tests each against the best.
fn judge(groups: &mut [Group], rises: bool) {
    let rank = |group: &Group| match group.deciding() {
        Some(sample) if rises => -sample.mean,
        Some(sample) => sample.mean,
        None => f64::INFINITY,
    };
    groups.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    let Some((best, others)) = groups.split_first_mut() else {
        return;
    };
    if best.deciding().is_some() {
        best.verdict = Verdict::Best;
    }
    for group in others {
        let samples = best.deciding().zip(group.deciding());
        group.p_value = samples.and_then(|(best, other)| welch(best, other));
        group.verdict = match group.p_value {
            Some(p) if p < ALPHA => Verdict::Worse,
            Some(_) => Verdict::WithinNoise,
            None => Verdict::Unknown,
        };
    }
}
