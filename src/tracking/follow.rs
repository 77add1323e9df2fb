//! The trackers there are, and how they follow an experiment.

use super::tracker::{Kind, Tracked, Tracker};
use super::trouble::Trouble;
use super::{mlflow, tensorboard};
use crate::sink::{Event, Failure, Run, Sink, Sinks};

/// All trackers.
const TRACKERS: [Kind; 2] = [mlflow::KIND, tensorboard::KIND];

/// A tracker that follows an experiment.
pub struct Following {
    kind: Kind,
    tracker: Box<dyn Tracker>,
    trouble: Trouble,
}

/// The trackers that the specs of an experiment ask for.
pub fn open(tracked: &Tracked<'_>) -> Vec<Following> {
    let runs = &tracked.plan.runs;
    let is_wanted = |kind: &Kind| {
        let mut specs = runs.iter().map(|planned| &planned.run.spec);
        specs.any(|spec| (kind.is_wanted)(&spec.tracking))
    };
    let wanted = TRACKERS.into_iter().filter(is_wanted);
    let follow = |kind: Kind| {
        let trouble = Trouble::default();
        Following {
            tracker: (kind.open)(tracked, trouble.clone()),
            kind,
            trouble,
        }
    };
    wanted.map(follow).collect()
}

impl Following {
    /// Whether a run asks for the tracker and is still this process's.
    fn follows(&self, run: &Run<'_>) -> bool {
        (self.kind.is_wanted)(&run.planned.run.spec.tracking) && !run.token.is_lost()
    }
}

impl Sink for Following {
    fn event(&self, event: &Event<'_>, sinks: &Sinks<'_>) -> Result<(), Failure> {
        if event.run().is_none_or(|run| self.follows(run)) {
            self.tracker.event(event);
        }
        let is_heard = matches!(event, Event::Epoch(..) | Event::Ended(..) | Event::Over(_));
        if let Some(trouble) = is_heard.then(|| self.trouble.take()).flatten() {
            sinks.warn(&trouble);
        }
        Ok(())
    }
}
