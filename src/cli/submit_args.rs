//! What `runner submit` may be told.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::number::from_one;
use super::run_args::{RunOptions, SpecArgs};
use crate::experiment::Load;

/// How long a task is to take, in minutes, where nothing is said.
const MINUTES: f64 = 10.0;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  runner submit experiments/vgg16_freeze_depths.toml --engine slurm -- --partition=gpu --gres=gpu:1
  runner submit experiments/vgg16_freeze_depths.toml --engine slurm --cancel
  runner submit experiments/vgg16_freeze_depths.toml --engine ray=http://head:8265 -- entrypoint_num_gpus=1
  runner submit experiments/quickstart.toml --print | xargs -d '\\n' -P 4 -I{} sh -c {}")]
pub(super) struct SubmitArgs {
    #[command(flatten)]
    pub spec: SpecArgs,
    #[command(flatten)]
    pub shared: Shared,
    #[command(flatten)]
    pub how: How,
    #[command(flatten)]
    pub load: PerTask,
    /// Stop the experiment's jobs, and those of experiments that it builds on
    #[arg(long, requires = "engine")]
    pub cancel: bool,
    /// For the engine, as they are: options of sbatch; fields of Ray's jobs, such as entrypoint_num_gpus=1
    #[arg(last = true, value_name = "OPTIONS", requires = "engine")]
    pub options: Vec<String>,
}

/// What tasks are given as `runner run` is.
#[derive(Debug, Args)]
pub(super) struct Shared {
    /// Output directory, which all machines see; one subfolder per experiment [default: results]
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Submit these runs of the sweep alone: ids, or beginnings that one run has, with commas between; may be repeated
    #[arg(long, value_name = "RUN,…")]
    pub only: Vec<String>,
    /// Run N runs of a task in parallel, sharing the threads [default: 1; small runs side by side]
    #[arg(short, long, value_name = "N", value_parser = from_one, allow_negative_numbers = true)]
    pub jobs: Option<NonZeroUsize>,
}

impl Shared {
    /// These, and what they leave open as it stands before the command.
    pub fn or(self, before: &RunOptions) -> Self {
        Shared {
            results: self.results.or_else(|| before.results.clone()),
            only: [before.only.clone(), self.only].concat(),
            jobs: self.jobs.or(before.jobs),
        }
    }
}

/// What the tasks are handed to.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct How {
    /// Submit the tasks to this engine: slurm, or ray=http://HEAD:8265
    #[arg(long, value_name = "ENGINE")]
    pub engine: Option<String>,
    /// Print a command per task, for any other engine
    #[arg(long)]
    pub print: bool,
}

/// How large tasks are.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct PerTask {
    /// Put N runs into each task, 1000 at most
    #[arg(long, alias = "runs-a-task", value_name = "N", value_parser = count, allow_negative_numbers = true)]
    runs_per_task: Option<NonZeroUsize>,
    /// Put as many runs into each task as take M minutes on this machine, by an estimate [default: 10]
    #[arg(long, value_name = "M", value_parser = minutes, allow_negative_numbers = true)]
    minutes_per_task: Option<f64>,
}

/// Their ids are to fit a command line.
fn count(text: &str) -> Result<NonZeroUsize, &'static str> {
    let count = from_one(text).ok().filter(|count| count.get() <= 1000);
    count.ok_or("expected a whole number from 1 to 1000")
}

fn minutes(text: &str) -> Result<f64, &'static str> {
    let minutes = text.parse().ok();
    let minutes = minutes.filter(|minutes: &f64| minutes.is_finite() && *minutes > 0.0);
    minutes.ok_or("expected a number above 0")
}

impl PerTask {
    pub fn load(&self) -> Load {
        match (self.runs_per_task, self.minutes_per_task) {
            (Some(runs), _) => Load::Runs(runs.get()),
            (None, minutes) => Load::Minutes(minutes.unwrap_or(MINUTES)),
        }
    }
}
