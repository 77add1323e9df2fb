//! Runs grouped by the axes that differ; the best group, and which others lie within its noise.

use super::{Error, Filter, Measure, Others, Recorded, Results, Sample, groups, others, welch};
use crate::spec::{AxisValue, is_replicate};

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
    /// Look at the runs of earlier forms of the spec too.
    pub all: bool,
}

/// Groups of runs, the best first.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The keys that the groups differ in.
    pub axes: Vec<String>,
    /// The axes on which the runs of a group repeat one another: seeds and folds. Deviations are over these alone.
    pub repeated: Vec<String>,
    /// The keys in which runs of a group differ otherwise, as `by` does not name them: their means are over different
    /// settings, and are not tested.
    pub pooled: Vec<String>,
    /// The first one decides.
    pub measures: Vec<Measure>,
    /// Those that were measured on the same images stand together, the best first.
    pub groups: Vec<Group>,
    /// On how many different sets of images the deciding measure was taken; groups are ranked within each.
    pub images: usize,
    /// Runs that were looked at but have no result.
    pub unfinished: usize,
    /// Runs that were left out as they are not of the present spec.
    pub others: Others,
    /// The key for which such runs were looked at all the same, as the question names it.
    pub asked_for: Option<String>,
    /// Runs that were left out as the same run is in the group already.
    pub copies: usize,
    /// Whether runs with the same settings and seeds stand in groups of their own.
    pub has_again: bool,
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
    /// How many different settings the runs have; where it is 1, they repeat one another.
    pub settings: usize,
    /// Which of the sets of images its runs were measured on, from 0.
    pub images: usize,
    /// Of Welch's t-test against the best group of the same images; absent for the best itself, where one of them has a
    /// single run, and where one of them pools settings.
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

    /// The groups that were measured on the same images as the first one, so that they can be ranked: all of them where
    /// there is one set of images.
    pub fn ranked(&self) -> &[Group] {
        let of_first = self.groups.chunk_by(|a, b| a.images == b.images).next();
        of_first.unwrap_or_default()
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
    for filter in &question.filters {
        results.check_key(&filter.key)?;
    }
    let asked_for = others::asks_for_others(&results, question).filter(|_| !question.all);
    let others = match question.all || asked_for.is_some() {
        true => Others::default(),
        false => others::take_out(&mut results),
    };
    results.retain(&question.filters)?;
    let all = results.runs.len();
    results.runs.retain(Recorded::is_finished);
    let unfinished = all - results.runs.len();
    if results.runs.is_empty() {
        return Err(nothing(all, question, &others));
    }
    let metric = Measure::named(question.metric.as_deref(), &results)?;
    let measures = metric.with_companions(&results);
    let runs: Vec<&Recorded> = results.runs.iter().collect();
    let (axes, repeated, pooled) = axes(&results, &runs, question, &metric);
    let mut members = groups::members(&runs, &axes, &metric, !question.by.is_empty());
    let copies = groups::take_out_copies(&mut members);
    let mut sets: Vec<&str> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for group in &members {
        let on = group
            .runs
            .first()
            .map_or("", |run| run.measured_on(&metric));
        let place = sets.iter().position(|known| *known == on);
        let images = place.unwrap_or_else(|| {
            sets.push(on);
            sets.len() - 1
        });
        groups.push(groups::group(group, &measures, images));
    }
    groups.sort_by_key(|group| group.images);
    for groups in groups.chunk_by_mut(|a, b| a.images == b.images) {
        judge(groups, metric.rises);
    }
    let has_again = members.iter().any(|group| group.again > 0);
    Ok(Comparison {
        has_again,
        axes,
        repeated,
        pooled,
        measures,
        groups,
        images: sets.len(),
        unfinished,
        others,
        asked_for,
        copies,
    })
}

/// Why there is nothing to compare.
fn nothing(all: usize, question: &Question, others: &Others) -> Error {
    let why = match (all, question.filters.is_empty()) {
        (0, false) => "no run matches --where",
        _ if others.count > 0 => "no run of the present spec has finished yet",
        _ => "no run has finished yet",
    };
    Error::Nothing(match others.count {
        0 => why.into(),
        1 => format!("{why}; 1 run of an earlier form of it is in the folder: add --all"),
        n => format!("{why}; {n} runs of earlier forms of it are in the folder: add --all"),
    })
}

/// The keys to group by, the axes on which runs repeat one another, and the keys that are pooled.
fn axes(
    results: &Results,
    runs: &[&Recorded],
    question: &Question,
    metric: &Measure,
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let differs = |key: &&String| {
        let mut values = runs.iter().map(|run| run.value(key));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let differing = results.axes.iter().filter(differs).cloned();
    let (repeated, mut axes): (Vec<String>, Vec<String>) =
        differing.partition(|key| is_replicate(key));
    axes.extend(groups::telling_keys(runs, &axes, metric));
    if question.by.is_empty() {
        return (axes, repeated, Vec::new());
    }
    let by = &question.by;
    let is_pooled = |key: &&String| {
        let members = groups::members(runs, by, metric, true);
        !by.contains(key)
            && members.iter().any(|group| {
                let mut values = group.runs.iter().map(|run| groups::value_of(run, key));
                let first = values.next();
                values.any(|value| Some(value) != first)
            })
    };
    let pooled = axes.iter().filter(is_pooled).cloned().collect();
    let repeated = repeated.into_iter().filter(|key| !by.contains(key));
    (by.clone(), repeated.collect(), pooled)
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
        // Runs of different settings are no sample of one.
        let repeats = best.settings == 1 && group.settings == 1;
        let samples = best.deciding().zip(group.deciding()).filter(|_| repeats);
        group.p_value = samples.and_then(|(best, other)| welch(best, other));
        group.verdict = match group.p_value {
            Some(p) if p < ALPHA => Verdict::Worse,
            Some(_) => Verdict::WithinNoise,
            None => Verdict::Unknown,
        };
    }
}
