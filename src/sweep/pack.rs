//! Runs put together into tasks that take about as long.

use std::collections::HashMap;

use super::effort::Parts;
use crate::run::PlannedRun;

/// What makes a task large enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// So many runs.
    Runs(usize),
    /// So many multiply-accumulates, or a run that takes more; of very small runs [`MOST_SMALL`].
    Work(f64),
}

/// Each task computes the frozen parts of its runs once. They take at most this part of its work, where that can be had by
/// putting more runs together.
const REPEATED: f64 = 0.25;

/// What runs take beside their multiply-accumulates counts with so many of them, and their ids are to fit a command line.
const MOST_SMALL: usize = 500;

/// The runs in tasks of this size. Runs that share a frozen part come one after another, so that few tasks compute it.
pub fn pack<'a>(runs: &[&'a PlannedRun], size: Size) -> Vec<Vec<&'a PlannedRun>> {
    let work: Vec<Work> = parts(runs);
    packed(&work, size)
        .into_iter()
        .map(|task| task.into_iter().map(|at| runs[at]).collect())
        .collect()
}

/// What a run takes, and the number of the frozen part that it shares with others.
struct Work {
    own: f64,
    once: f64,
    shared: usize,
}

fn parts(runs: &[&PlannedRun]) -> Vec<Work> {
    let mut numbers = HashMap::new();
    let mut work = |planned: &&PlannedRun| {
        let Parts { own, once, frozen } = Parts::of(planned);
        let next = numbers.len();
        let shared = *numbers.entry(frozen).or_insert(next);
        Work {
            own: own.all(),
            once,
            shared,
        }
    };
    runs.iter().map(&mut work).collect()
}

/// The places of the runs of each task.
fn packed(runs: &[Work], size: Size) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..runs.len()).collect();
    // Stable: in a group they stay in the sweep's order.
    order.sort_by_key(|at| runs[*at].shared);
    let mut tasks: Vec<Vec<usize>> = Vec::new();
    let (mut total, mut largest) = (0.0, 0.0_f64);
    for at in order {
        let run = &runs[at];
        let last = tasks.last_mut();
        let before = last.as_ref().and_then(|task| task.last());
        let once = match before.is_some_and(|before| runs[*before].shared == run.shared) {
            true => 0.0,
            false => run.once,
        };
        let is_full = match (size, &last) {
            (_, None) => true,
            (Size::Runs(most), Some(task)) => task.len() >= most,
            (Size::Work(most), Some(task)) => {
                let is_large = total + run.own + once > most.max(largest / REPEATED);
                is_large || task.len() >= MOST_SMALL
            }
        };
        match last {
            Some(task) if !is_full => {
                task.push(at);
                total += run.own + once;
                largest = largest.max(once);
            }
            _ => {
                tasks.push(vec![at]);
                (total, largest) = (run.own + run.once, run.once);
            }
        }
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(all: &[(f64, f64, usize)]) -> Vec<Work> {
        let work = |&(own, once, shared)| Work { own, once, shared };
        all.iter().map(work).collect()
    }

    #[test]
    fn runs_of_one_frozen_part_come_together_and_tasks_are_as_large_as_wished() {
        let mixed = runs(&[
            (4.0, 1.0, 0),
            (4.0, 1.0, 1),
            (4.0, 1.0, 0),
            (4.0, 1.0, 1),
            (30.0, 0.0, 2),
        ]);
        let tasks = packed(&mixed, Size::Work(10.0));
        assert_eq!(tasks, [vec![0, 2], vec![1, 3], vec![4]]);
        assert_eq!(packed(&mixed, Size::Runs(3)), [vec![0, 2, 1], vec![3, 4]]);
        assert_eq!(packed(&mixed, Size::Runs(1)).len(), 5);
        assert!(packed(&[], Size::Runs(1)).is_empty());
    }

    #[test]
    fn a_task_of_very_small_runs_has_500() {
        let tiny = runs(&[(0.0, 0.0, 0); 1_200]);
        let sizes: Vec<usize> = packed(&tiny, Size::Work(1.0))
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(sizes, [500, 500, 200]);
    }

    #[test]
    fn a_dear_frozen_part_is_computed_by_few_tasks() {
        let dear = runs(&[(1.0, 8.0, 0); 60]);
        let tasks = packed(&dear, Size::Work(10.0));
        let sizes: Vec<usize> = tasks.iter().map(Vec::len).collect();
        assert_eq!(sizes, [24, 24, 12]);
    }
}
