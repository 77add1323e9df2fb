//! How much of a time the program's threads really had a processor.

/// How long the program's threads had a processor, and how long they waited for one, in nanoseconds; Linux says it
/// (`Documentation/scheduler/sched-stats.rst`), elsewhere both are 0.
#[derive(Clone, Copy, Default)]
pub(super) struct Waited {
    had: u64,
    waited: u64,
}

impl Waited {
    pub fn now() -> Self {
        let threads = std::fs::read_dir("/proc/self/task");
        let threads = threads.into_iter().flatten().flatten();
        let mut all = Waited::default();
        for thread in threads {
            let text = std::fs::read_to_string(thread.path().join("schedstat"));
            let text = text.unwrap_or_default();
            let mut numbers = text.split_whitespace().map(|n| n.parse().unwrap_or(0));
            all.had += numbers.next().unwrap_or(0);
            all.waited += numbers.next().unwrap_or(0);
        }
        all
    }

    /// The share of the time until `after` in which threads that could run did.
    pub fn share_since(self, after: Waited) -> f64 {
        let had = after.had.saturating_sub(self.had) as f64;
        let waited = after.waited.saturating_sub(self.waited) as f64;
        match had > 0.0 {
            true => had / (had + waited),
            false => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spent_waiting_for_a_processor_does_not_count() {
        let at = |had, waited| Waited { had, waited };
        assert_eq!(at(5, 7).share_since(at(8, 8)), 0.75);
        assert_eq!(at(5, 7).share_since(at(5, 7)), 1.0);
        assert_eq!(Waited::default().share_since(Waited::default()), 1.0);
    }
}
