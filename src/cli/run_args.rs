//! What runs are started with.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;

use super::number::from_one;
use crate::experiment::RESULTS;

#[derive(Clone, Debug, Args)]
pub(super) struct SpecArgs {
    /// The experiment's TOML file
    #[arg(value_name = "SPEC")]
    pub spec: PathBuf,
    /// Set a key of the spec, e.g. training.epochs=3; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub(super) struct RunOptions {
    /// Output directory; one subfolder per experiment [default: results]
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Start over: list, then delete, the experiment's existing runs
    #[arg(long)]
    pub fresh: bool,
    /// Do these runs of the sweep alone: ids, or beginnings that one run has, with commas between; may be repeated
    #[arg(long, value_name = "RUN,…")]
    pub only: Vec<String>,
    /// Start no further run after one that failed
    #[arg(long)]
    pub fail_fast: bool,
    /// Run N runs in parallel, sharing the threads [default: 1; small runs side by side]
    #[arg(short, long, value_name = "N", value_parser = from_one, allow_negative_numbers = true)]
    pub jobs: Option<NonZeroUsize>,
}

impl RunOptions {
    pub fn results(&self) -> &Path {
        self.results.as_deref().unwrap_or(Path::new(RESULTS))
    }

    /// These, and what they leave open as `before`.
    pub fn or(self, before: &RunOptions) -> Self {
        RunOptions {
            results: self.results.or_else(|| before.results.clone()),
            only: [before.only.clone(), self.only].concat(),
            fresh: self.fresh || before.fresh,
            fail_fast: self.fail_fast || before.fail_fast,
            jobs: self.jobs.or(before.jobs),
        }
    }

    /// The first one that was given.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            (self.fresh, "--fresh"),
            (self.fail_fast, "--fail-fast"),
            (self.results.is_some(), "--results"),
            (!self.only.is_empty(), "--only"),
            (self.jobs.is_some(), "--jobs"),
        ];
        flags
            .into_iter()
            .find_map(|(given, flag)| given.then_some(flag))
    }
}
