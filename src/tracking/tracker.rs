//! What a tracker is.

use std::path::Path;

use super::trouble::Trouble;
use crate::sink::Event;
use crate::spec;
use crate::sweep::Plan;

/// An experiment whose runs are tracked.
#[derive(Clone, Copy, Debug)]
pub struct Tracked<'a> {
    /// Its name.
    pub experiment: &'a str,
    /// The folder of its results.
    pub folder: &'a Path,
    pub plan: &'a Plan,
    /// Servers have so many times the usual time to answer.
    pub patience: f64,
}

/// Logs the runs of one experiment that ask for it.
pub(super) trait Tracker: Send + Sync {
    /// Something has happened. This neither fails nor waits for a server; only the end may take a bounded time.
    fn event(&self, event: &Event<'_>);
}

/// A tracker that specs can ask for by a key of `[tracking]`.
pub(super) struct Kind {
    /// Whether a run's spec asks for it.
    pub is_wanted: fn(&spec::Tracking) -> bool,
    /// Begins to log the runs of an experiment that has some that ask for it; what goes wrong is noted.
    pub open: fn(&Tracked<'_>, Trouble) -> Box<dyn Tracker>,
}
