//! What happens in an experiment, as whoever follows it is told.

use std::path::{Path, PathBuf};

use crate::claim::Token;
use crate::data::Data;
use crate::run::{self, Download, Finished, PlannedRun};
use crate::store::RunRow;
use crate::train::{Batch, Begin, Epoch};

/// Something that happens in an experiment.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// These runs are to be done, by their ids, with the multiply-accumulates that each takes.
    Planned(&'a [(String, f64)]),
    /// A run begins here, anew or after an earlier start.
    Started(&'a Run<'a>, Place),
    /// The weights that a run starts from were downloaded, now or earlier.
    Weights(&'a Run<'a>, &'a Download),
    /// The images of a run are there, and divided.
    Divided(&'a Run<'a>, &'a Data),
    /// All of a run is prepared, and its first step follows.
    Training(&'a Run<'a>, Begin<'a>),
    /// A run has done a batch.
    Batch(&'a Run<'a>, &'a Batch),
    /// A run has done an epoch.
    Epoch(&'a Run<'a>, &'a Epoch),
    /// A run is over, well or not.
    Ended(&'a Run<'a>, Result<&'a Finished, &'a run::Error>),
    /// The experiment's tables are up to date; whoever makes something of them may write it into the folder now.
    Tables(Written<'a>),
    /// No further run is begun, and the folder with these results is not written any more.
    Over(&'a Path),
    /// Something went other than wished, and what is done about it.
    Warning(&'a str),
    /// Something worth knowing.
    Note(&'a str),
}

impl<'a> Event<'a> {
    /// The run in which it happens; none where it is of the experiment.
    pub fn run(&self) -> Option<&'a Run<'a>> {
        match *self {
            Event::Started(run, _)
            | Event::Weights(run, _)
            | Event::Divided(run, _)
            | Event::Training(run, _)
            | Event::Batch(run, _)
            | Event::Epoch(run, _)
            | Event::Ended(run, _) => Some(run),
            Event::Planned(_)
            | Event::Tables(_)
            | Event::Over(_)
            | Event::Warning(_)
            | Event::Note(_) => None,
        }
    }
}

/// A run that this process does.
#[derive(Debug)]
pub struct Run<'a> {
    pub planned: &'a PlannedRun,
    /// The run's own folder.
    pub folder: PathBuf,
    /// Shows whether the run is still this process's.
    pub token: Token,
    /// What is known of it by now.
    pub row: RunRow,
}

/// Where in the sweep a run is that begins.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// From 1.
    pub index: usize,
    /// How many runs the sweep has.
    pub total: usize,
    /// How many of them have come to an end.
    pub ended: usize,
}

/// Tables that are up to date, in a folder that is locked as long as this is told.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The folder of the experiment's results.
    pub folder: &'a Path,
    /// Whether they are not written again by this process.
    pub is_last: bool,
    /// Whether another process may have made of them already what is to be made.
    pub is_known: bool,
}
