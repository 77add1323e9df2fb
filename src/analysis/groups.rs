//! Runs put together: those that repeat one another, and where it is asked for, those of several settings.

use std::collections::{HashMap, HashSet};

use super::comparison::{Group, Verdict};
use super::measure::Measure;
use super::recorded::Recorded;
use super::select::Choice;
use super::stats::Sample;
use crate::spec::{AxisValue, digits_of};

/// Runs that belong together, and what they have in common.
pub(super) struct Members<'a> {
    pub point: Vec<Option<AxisValue>>,
    pub runs: Vec<&'a Recorded>,
    /// How many other groups have the same settings and seeds, and yet other runs.
    pub again: usize,
}

/// What runs of a group have in common: their values of the axes, the images, the setting, and [`Members::again`].
type Common<'a> = (Vec<Option<String>>, [&'a str; 2], &'a str, usize);

/// An experiment, a setting, and a run's values of the keys that are repeated over.
type Repetition<'a> = (&'a str, &'a str, Vec<Option<String>>);

/// Runs with the same settings and seeds by what decides their results beside these.
#[derive(Default)]
struct Again<'a>(HashMap<Repetition<'a>, Vec<&'a str>>);

impl<'a> Again<'a> {
    /// How many others there were before this one with its settings and seeds; a copy counts as the one that it copies.
    fn of(&mut self, run: &'a Recorded) -> usize {
        let key = (
            run.experiment.as_str(),
            run.setting.as_str(),
            run.replicates(),
        );
        let known = self.0.entry(key).or_default();
        let digits = digits_of(&run.row.run);
        let place = known.iter().position(|other| *other == digits);
        place.unwrap_or_else(|| {
            known.push(digits);
            known.len() - 1
        })
    }
}

/// What is said of a key of the recorded spec that is no axis, as contents of files.
pub(super) fn value_of(run: &Recorded, key: &str) -> Option<AxisValue> {
    let recorded = || run.row.setting().value(key).map(AxisValue::Text);
    run.value(key).or_else(recorded)
}

/// The runs by their values of `axes`, in the order of the first ones. Runs that were measured on different images are
/// never put together; those of different settings only where `pools`. Runs with the same settings and the same seed are
/// no repetitions, as where they build on models of different seeds, or another version did them: those of the present
/// spec stand in one group, the others in groups of their own.
pub(super) fn members<'a>(
    runs: &[&'a Recorded],
    axes: &[String],
    choice: &Choice,
    pools: bool,
) -> Vec<Members<'a>> {
    let mut members: Vec<Members<'a>> = Vec::new();
    let mut places: HashMap<Common<'_>, usize> = HashMap::new();
    let mut again = Again::default();
    let (present, others): (Vec<&Recorded>, Vec<&Recorded>) =
        runs.iter().copied().partition(|run| run.is_present);
    for run in present.into_iter().chain(others) {
        let point: Vec<Option<AxisValue>> = axes.iter().map(|key| value_of(run, key)).collect();
        let names = point.iter().map(|v| v.as_ref().map(ToString::to_string));
        let setting = if pools { "" } else { &run.setting };
        let again = again.of(run);
        let key = (names.collect(), choice.images_of(run), setting, again);
        let place = *places.entry(key).or_insert_with(|| {
            members.push(Members {
                point,
                runs: Vec::new(),
                again,
            });
            members.len() - 1
        });
        members[place].runs.push(run);
    }
    members
}

/// Takes runs out that are in a group twice, as those of a folder and its copy, or of a sweep whose axes were changed;
/// gives how many.
pub(super) fn take_out_copies(members: &mut [Members<'_>]) -> usize {
    let mut copies = 0;
    for group in members {
        let before = group.runs.len();
        let mut seen = HashSet::new();
        group
            .runs
            .retain(|run| seen.insert(digits_of(&run.row.run)));
        copies += before - group.runs.len();
    }
    copies
}

/// A group with its samples; `images` is the number of the images that its runs were measured on.
pub(super) fn group(
    members: &Members<'_>,
    measures: &[Measure],
    images: usize,
    reported: usize,
) -> Group {
    let settings = by_setting(&members.runs);
    let sample = |m: &Measure| {
        let values = |runs: &Vec<&Recorded>| -> Vec<f64> {
            runs.iter().filter_map(|run| m.of(run)).collect()
        };
        Sample::within(settings.iter().map(values))
    };
    Group {
        point: members.point.clone(),
        samples: measures.iter().map(sample).collect(),
        runs: members.runs.iter().map(|run| run.row.run.clone()).collect(),
        settings: settings.len(),
        images,
        reported,
        repetitions: Vec::new(),
        difference: None,
        p_value: None,
        verdict: Verdict::Unknown,
        is_on_front: false,
    }
}

/// Runs that repeat one another together, in the order of the first ones.
pub fn by_setting<'a>(runs: &[&'a Recorded]) -> Vec<Vec<&'a Recorded>> {
    let mut settings: Vec<Vec<&Recorded>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for &run in runs {
        let place = *places.entry(&run.setting).or_insert_with(|| {
            settings.push(Vec::new());
            settings.len() - 1
        });
        settings[place].push(run);
    }
    settings
}

/// The first keys, in the order of the spec, by which runs of different settings can be told apart that have the same
/// values of `axes`.
pub(super) fn telling_keys(runs: &[&Recorded], axes: &[String], choice: &Choice) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut keys = axes.to_vec();
    loop {
        let members = members(runs, &keys, choice, true);
        let mixed = members.iter().find_map(|group| {
            let settings = by_setting(&group.runs);
            let (first, other) = (settings.first()?.first()?, settings.get(1)?.first()?);
            let differing = first.row.setting().differs_from(&other.row.setting());
            let is_new = |key: &String| !crate::spec::is_replicate(key) && !keys.contains(key);
            differing.into_iter().find(is_new)
        });
        let Some(key) = mixed else { return found };
        found.push(key.clone());
        keys.push(key);
    }
}
