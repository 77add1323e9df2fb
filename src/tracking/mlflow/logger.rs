//! What is logged of what happens in a run.

use std::time::SystemTime;

use super::job::{Begun, Ended, Job, Numbers};
use super::server::MlflowServer;
use crate::sink::{Event, Run};
use crate::tracking::epochs::{back_from, unix_seconds};
use crate::tracking::names;
use crate::tracking::outbox::Outbox;
use crate::tracking::tracker::{Kind, Tracked, Tracker};
use crate::tracking::trouble::Trouble;
use crate::train::Epoch;

/// `mlflow = ADDRESS`.
pub(in crate::tracking) const KIND: Kind = Kind {
    is_wanted: |tracking| tracking.mlflow.is_some(),
    open: |tracked, trouble| Box::new(Mlflow::open(tracked, trouble)),
};

/// Logs the runs of an experiment to one server.
struct Mlflow(Outbox<MlflowServer>);

impl Mlflow {
    /// To the server that the first run names which names one.
    fn open(tracked: &Tracked<'_>, trouble: Trouble) -> Self {
        let mut runs = tracked.plan.runs.iter();
        let address = runs.find_map(|planned| planned.run.spec.tracking.mlflow.as_deref());
        let (address, patience) = (address.unwrap_or_default(), tracked.patience);
        let server = MlflowServer::new(tracked.experiment, address, patience, trouble.clone());
        Mlflow(Outbox::new(server, patience, trouble))
    }
}

impl Tracker for Mlflow {
    fn event(&self, event: &Event<'_>) {
        let now = SystemTime::now();
        match *event {
            Event::Started(run, _) => self.0.put(Job::Begun(Begun {
                run: run.row.run.clone(),
                folder: run.folder.clone(),
                parameters: names::parameters(&run.planned.run),
                time: millis(now),
            })),
            Event::Training(run, begin) => {
                // Those that an earlier start has logged are left out where that is known.
                for (time, done) in back_from(now, begin.epochs) {
                    self.0.put(epoch(run, time, done));
                }
            }
            Event::Epoch(run, done) => self.0.put(epoch(run, now, done)),
            Event::Ended(run, _) => self.0.put(ended(run, now)),
            Event::Over(folder) => self.0.close(Job::Charts(folder.join("charts"))),
            _ => {}
        }
    }
}

fn epoch(run: &Run<'_>, time: SystemTime, epoch: &Epoch) -> Job {
    Job::Epoch(Numbers {
        run: run.row.run.clone(),
        step: epoch.epoch,
        time: millis(time),
        scalars: names::of_epoch(epoch, &run.planned.classes),
    })
}

fn ended(run: &Run<'_>, time: SystemTime) -> Job {
    let test = run.row.test.as_ref();
    let test = test.map(|test| names::of_test(test, &run.planned.classes));
    Job::Ended(Ended {
        numbers: Numbers {
            run: run.row.run.clone(),
            step: run.row.epochs,
            time: millis(time),
            scalars: test.unwrap_or_default(),
        },
        status: run.row.status,
        error: run.row.error.clone(),
        folder: run.folder.clone(),
    })
}

/// Milliseconds since 1970, as MLflow counts.
fn millis(time: SystemTime) -> u64 {
    (unix_seconds(time) * 1e3) as u64
}
