//! Runs logged to an MLflow server, through its REST interface.
//!
//! What is to be logged waits in a bounded queue for a thread of its own, so that training never waits for the server.

mod answer;
mod client;
mod job;
mod kept;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use super::trouble::Trouble;
use super::{End, Tracker, back_from, names};
use crate::run::PlannedRun;
use crate::train::Epoch;
use client::Client;
use job::{Begun, Ended, Job, Numbers};
use worker::Worker;

/// Jobs that wait at most; further ones are dropped.
const QUEUE: usize = 4096;
/// At the end, a server that answers may take so long for the rest, models too.
const LAST: Duration = Duration::from_secs(60);

/// The server that an experiment's runs are logged to.
pub(super) struct Mlflow {
    /// None once all is said.
    jobs: Option<SyncSender<Job>>,
    /// Its end says that there are no pauses any more.
    open: Option<Sender<()>>,
    /// Ends with the thread.
    done: Mutex<Receiver<()>>,
    last: Duration,
    address: String,
    trouble: Trouble,
}

impl Mlflow {
    /// Starts to log the runs of an experiment to the server at `address`.
    pub fn start(experiment: &str, address: &str, patience: f64) -> Self {
        let trouble = Trouble::default();
        let (jobs, waiting) = sync_channel(QUEUE);
        let (open, closing) = channel();
        let (working, done) = channel::<()>();
        let client = Client::new(address, patience);
        let address = client.address().to_owned();
        if let Some(warning) = client.warning() {
            trouble.note(|| format!("MLflow at {address}: {warning}"));
        }
        let worker = Worker::new(client, experiment, closing, trouble.clone());
        let thread = thread::Builder::new().name("mlflow".into());
        let thread = thread.spawn(move || {
            let _working = working;
            worker.work(&waiting);
        });
        if let Err(error) = thread {
            trouble.note(|| format!("nothing is logged to MLflow: no thread for it: {error}"));
        }
        Mlflow {
            jobs: Some(jobs),
            open: Some(open),
            done: Mutex::new(done),
            last: LAST.mul_f64(patience),
            address,
            trouble,
        }
    }

    /// What logs a run.
    pub fn run(&self, planned: &PlannedRun, folder: &Path) -> Logger {
        Logger {
            run: planned.run.id.clone(),
            parameters: names::parameters(&planned.run),
            classes: planned.classes.to_vec(),
            folder: folder.to_owned(),
            jobs: self.jobs.clone(),
            trouble: self.trouble.clone(),
        }
    }

    pub fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// Logs the charts in a folder, and waits until the rest is logged or given up.
    pub fn finish(&mut self, charts: PathBuf) {
        if let Some(jobs) = self.jobs.take() {
            // Full: the server is too slow, which is said.
            let _ = jobs.try_send(Job::Charts(charts));
        }
        self.open = None;
        let done = self.done.get_mut().unwrap_or_else(|e| e.into_inner());
        if done.recv_timeout(self.last) == Err(RecvTimeoutError::Timeout) {
            let (address, last) = (&self.address, self.last.as_secs_f64());
            self.trouble.note(|| {
                format!("MLflow at {address} did not take everything within {last:.0} s after the last run; what is missing there is in the results")
            });
        }
    }
}

/// Logs one run.
pub(super) struct Logger {
    run: String,
    parameters: Vec<(String, String)>,
    classes: Vec<String>,
    folder: PathBuf,
    jobs: Option<SyncSender<Job>>,
    trouble: Trouble,
}

impl Logger {
    fn add(&self, job: Job) {
        // Full, or without its thread: training continues.
        if let Some(jobs) = &self.jobs
            && jobs.try_send(job).is_err()
        {
            let said = "MLflow takes too long; training continues, and some of it is not logged";
            self.trouble.note(|| said.into());
        }
    }

    fn add_epoch(&self, time: SystemTime, epoch: &Epoch) {
        self.add(Job::Epoch(Numbers {
            run: self.run.clone(),
            step: epoch.epoch,
            time: millis(time),
            scalars: names::of_epoch(epoch, &self.classes),
        }));
    }
}

impl Tracker for Logger {
    fn started(&mut self) {
        let parameters = std::mem::take(&mut self.parameters);
        self.add(Job::Begun(Begun {
            run: self.run.clone(),
            folder: self.folder.clone(),
            parameters,
            time: millis(SystemTime::now()),
        }));
    }

    fn begin(&mut self, epochs: &[Epoch]) {
        // Those that an earlier start has logged are left out where that is known.
        for (time, epoch) in back_from(SystemTime::now(), epochs) {
            self.add_epoch(time, epoch);
        }
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.add_epoch(SystemTime::now(), epoch);
    }

    fn ended(&mut self, end: &End<'_>) {
        let time = millis(SystemTime::now());
        let test = end.test.map(|test| names::of_test(test, &self.classes));
        self.add(Job::Ended(Ended {
            numbers: Numbers {
                run: self.run.clone(),
                step: end.epochs,
                time,
                scalars: test.unwrap_or_default(),
            },
            ending: end.ending,
            error: end.error.map(str::to_owned),
            folder: self.folder.clone(),
        }));
    }
}

/// Milliseconds since 1970, as MLflow counts.
fn millis(time: SystemTime) -> u64 {
    (super::unix_seconds(time) * 1e3) as u64
}
