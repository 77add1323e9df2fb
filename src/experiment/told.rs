//! What a sweep's strategy is told of the runs: what their folders say.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::spec::{Monitor, Run};
use crate::store::tables::own::{self, OwnRows};
use crate::store::{Status, run_folder};

/// What of the recorded results the strategy is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    Nothing,
    /// Failed runs are as if they had not been begun.
    Successes,
    Everything,
}

/// What the folders of runs say.
pub(super) struct Told {
    folder: PathBuf,
    watched: Option<Monitor>,
    telling: Telling,
    /// By the runs' ids.
    read: RefCell<HashMap<String, Option<OwnRows>>>,
}

impl Told {
    pub fn new(folder: &Path, watched: Option<Monitor>, telling: Telling) -> Self {
        Told {
            folder: folder.to_owned(),
            watched,
            telling,
            read: RefCell::default(),
        }
    }

    /// What a run has come to after so many epochs, or at its end.
    pub fn answer(&self, run: &Run, until: Option<usize>) -> Option<f64> {
        let metric = &self.watched.as_ref()?.metric;
        if self.telling == Telling::Nothing {
            return None;
        }
        let mut read = self.read.borrow_mut();
        let rows = read.entry(run.id.clone()).or_insert_with(|| {
            let rows = own::read(&run_folder(&self.folder, &run.id), &[]);
            // What cannot be read is damage, which is told and mended where the folder is opened.
            rows.unwrap_or_default()
        });
        answer(rows.as_ref()?, metric, until, self.telling)
    }
}

fn answer(rows: &OwnRows, metric: &str, until: Option<usize>, telling: Telling) -> Option<f64> {
    let row = &rows.row;
    let value = |epoch: usize| {
        let mut epochs = rows.epochs.iter().map(|row| &row.epoch);
        epochs.find(|row| row.epoch == epoch)?.value(metric)
    };
    // One that was stopped there has yet to be held there.
    let is_there = |until: &usize| match row.status {
        Status::Interrupted | Status::Elsewhere => *until < row.epochs,
        Status::Finished | Status::Failed | Status::Paused => *until <= row.epochs,
    };
    let known = until.filter(is_there);
    match (row.status, known) {
        // It has a row for that epoch, however it went on.
        (_, Some(until)) => Some(value(until).unwrap_or(f64::NAN)),
        (Status::Finished, None) => {
            let of_model = metric
                .strip_prefix("val_")
                .and_then(|metric| row.validation.as_ref()?.value(metric));
            Some(of_model.or_else(|| value(row.epochs)).unwrap_or(f64::NAN))
        }
        (Status::Failed, None) => (telling == Telling::Everything).then_some(f64::NAN),
        _ => None,
    }
}
