//! A question about results, and its answer.

use super::difference::{Difference, Repetition};
use super::filter::Filter;
use super::measure::Measure;
use super::select::{Optimistic, Select};
use super::stats::Sample;
use crate::spec::AxisValue;

/// Means that differ with a smaller p-value than this are taken to differ.
pub const ALPHA: f64 = 0.05;

/// What is asked of results.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Group by these keys alone; by every axis that differs where there is none.
    pub by: Vec<String>,
    /// What decides; the accuracy on the validation images where there is one.
    pub metric: Option<String>,
    /// On which images; the validation images where nothing is said.
    pub select: Option<Select>,
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
    /// The place of the one among them that is told of the best, and tested.
    pub reported: usize,
    /// Why what is reported of the best is too good; none where other images chose it.
    pub optimistic: Option<Optimistic>,
    /// Those that were measured on the same images stand together, the best first.
    pub groups: Vec<Group>,
    /// On how many different sets of images the deciding measure was taken; groups are ranked within each.
    pub images: usize,
    /// Runs that were looked at but have no result.
    pub unfinished: usize,
    /// Those of them that a search has left behind.
    pub paused: usize,
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
    /// The place of the sample that is reported.
    pub(super) reported: usize,
    pub(super) repetitions: Vec<Repetition>,
    /// What is reported, less that of the best group of the same images; absent for the best itself, where one of them pools
    /// settings, and where nothing is known of its spread.
    pub difference: Option<Difference>,
    /// Of a t-test of what is reported against the best group of the same images, paired where both have the same seeds
    /// and folds, else Welch's; corrected for the number of comparisons by Holm's method. Absent for the best itself, where
    /// one of them has a single run, and where one of them pools settings.
    pub p_value: Option<f64>,
    pub verdict: Verdict,
    /// Whether no other group of the same images is as good in what is reported, in seconds and in parameters, and better in
    /// one of them.
    pub is_on_front: bool,
}

/// How a group stands to the best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Best,
    /// The difference can be noise: p is at least [`ALPHA`], or the interval of the difference holds zero.
    WithinNoise,
    Worse,
    /// It is better by what is reported, though what decides did not choose it.
    Better,
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
            Verdict::Better => "better",
            Verdict::Unknown => "unknown",
        }
    }
}

impl Group {
    /// The sample of the measure that decides.
    pub fn deciding(&self) -> Option<&Sample> {
        self.samples.first()?.as_ref()
    }

    /// The sample of the measure that is reported.
    pub fn reported(&self) -> Option<&Sample> {
        self.samples.get(self.reported)?.as_ref()
    }
}

impl Comparison {
    /// The measure that decides.
    pub fn deciding(&self) -> Option<&Measure> {
        self.measures.first()
    }

    /// The measure that is told of the best.
    pub fn reported(&self) -> Option<&Measure> {
        self.measures.get(self.reported)
    }

    /// The groups that were measured on the same images as the first one, so that they can be ranked: all of them where
    /// there is one set of images.
    pub fn ranked(&self) -> &[Group] {
        let of_first = self.groups.chunk_by(|a, b| a.images == b.images).next();
        of_first.unwrap_or_default()
    }

    /// Whether anything is known of how far groups are apart.
    pub fn has_differences(&self) -> bool {
        self.groups.iter().any(|group| group.difference.is_some())
    }

    /// Whether any group has more than one run, so that differences can be judged.
    pub fn can_judge(&self) -> bool {
        self.groups.iter().any(|g| g.p_value.is_some())
    }
}

/// The runs that were left out since they are not of the spec as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    pub count: usize,
    /// The keys in which they differ from the present runs; empty where there are none of these.
    pub keys: Vec<String>,
}
