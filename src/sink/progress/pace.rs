//! How far the runs are, by what each takes, and how long the rest will take.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Nothing is estimated from less.
const LEAST: Duration = Duration::from_millis(1500);

/// The work of the runs that are to be done, and when it began.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Multiply-accumulates by run, of those that have not ended.
    left: HashMap<String, f64>,
    /// What was done of each run in progress, in [0, 1].
    shares: HashMap<String, f64>,
    /// What a run in progress had done before this start, in [0, 1].
    before: HashMap<String, f64>,
    /// Multiply-accumulates of the runs that ended here.
    done: f64,
    begun: Option<Instant>,
}

impl Pace {
    /// Runs that are to be done, with the multiply-accumulates of each.
    pub fn of(work: &[(String, f64)]) -> Self {
        Pace {
            left: work.iter().cloned().collect(),
            ..Pace::default()
        }
    }

    pub fn start(&mut self, now: Instant) {
        self.begun.get_or_insert(now);
    }

    /// How much of a run is done; of one that is resumed, the first time counts as done before.
    pub fn show(&mut self, run: &str, share: f64, first: f64) {
        self.before.entry(run.to_owned()).or_insert(first);
        self.shares.insert(run.to_owned(), share.clamp(0.0, 1.0));
    }

    pub fn end(&mut self, run: &str) {
        let before = self.before.remove(run).unwrap_or(0.0);
        self.shares.remove(run);
        if let Some(work) = self.left.remove(run) {
            self.done += work * (1.0 - before);
        }
    }

    /// Seconds until all is done at the pace so far; none where too little is known.
    pub fn left(&self, now: Instant) -> Option<f64> {
        let took = now.checked_duration_since(self.begun?)?;
        let (mut left, mut done) = (0.0, self.done);
        for (run, work) in &self.left {
            let share = self.shares.get(run).copied().unwrap_or(0.0);
            let before = self.before.get(run).copied().unwrap_or(0.0);
            left += work * (1.0 - share);
            done += work * (share - before).max(0.0);
        }
        (took >= LEAST && done > 0.0).then(|| took.as_secs_f64() * left / done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_counted_in_operations_not_in_runs() {
        let work = [("cheap", 1.0), ("dear", 9.0)].map(|(run, work)| (run.to_owned(), work));
        let mut pace = Pace::of(&work);
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(pace.left(after(10)), None);
        pace.start(begun);
        assert_eq!(pace.left(after(10)), None);
        pace.show("cheap", 0.5, 0.0);
        pace.end("cheap");
        assert_eq!(pace.left(after(10)), Some(90.0));
        pace.show("dear", 0.5, 0.0);
        assert!((pace.left(after(55)).unwrap() - 45.0).abs() < 1e-9);
        assert_eq!(pace.left(begun + LEAST / 2), None);
    }

    #[test]
    fn what_an_earlier_start_did_took_no_time_now() {
        let mut pace = Pace::of(&[("a".to_owned(), 10.0)]);
        let begun = Instant::now();
        pace.start(begun);
        pace.show("a", 0.6, 0.5);
        let left = pace.left(begun + Duration::from_secs(10)).unwrap();
        assert!((left - 40.0).abs() < 1e-9, "{left}");
    }
}
