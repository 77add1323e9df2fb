//! What a sweep's strategy asks of runs.

use super::run::Run;

/// What some runs, which repeat one another, give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Their indices among the experiment's.
    pub runs: Vec<usize>,
    /// Which part of their epochs they do until they are looked at: one of so many.
    pub divisor: usize,
    /// From 1. Questions of a round do not depend on each other's answers.
    pub round: usize,
}

impl Question {
    /// After how many epochs a run is looked at; none where that is when it ends.
    pub fn until(&self, run: &Run) -> Option<usize> {
        (self.divisor > 1).then(|| self.epochs(run))
    }

    /// After how many epochs a run is looked at, at most.
    pub fn epochs(&self, run: &Run) -> usize {
        run.spec.epochs().div_ceil(self.divisor.max(1))
    }
}

/// The value of the watched metric that a run has come to after so many epochs, or at its end: NaN where it failed, none
/// where it has not come so far.
pub type Answer<'a> = dyn Fn(&Run, Option<usize>) -> Option<f64> + 'a;
