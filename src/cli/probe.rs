//! `runner probe SPEC`.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::format::table;
use super::given::spec;
use super::log::start_log;
use super::run_args::SpecArgs;
use crate::experiment::{self, RESULTS};
use crate::sink::progress::{self, Verbosity};
use crate::terminal;

#[derive(Debug, Args)]
#[command(after_help = "\
One pass over the images collects the pooled features at the end of every module of the \
backbone, all of it frozen. At each, ridge regression (the penalty by leaving one out), logistic \
regression and nearest neighbours learn from the training images, are chosen on the validation \
images and measured on both. A backbone of the sweep's is probed once, whatever the sweep freezes. \
Where the accuracy falls, the layers are made for other classes: those are worth training.

Examples:
  runner probe experiments/vgg16_freeze_depths.toml
  runner probe photos.toml --set 'sweep.axes.\"backbone.arch\"=[\"resnet18\", \"efficientnet_b0\"]'")]
pub(super) struct ProbeArgs {
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Where results are kept; the table and the chart go into DIR/<name of the experiment>
    #[arg(long, value_name = "DIR", default_value = RESULTS)]
    results: PathBuf,
}

pub(super) fn run(args: &ProbeArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let spec = spec(&args.spec.spec, verbosity)?;
    let (reporter, log) = progress::for_stderr(verbosity);
    start_log(log, verbosity);
    let overrides = &args.spec.overrides;
    let probed = experiment::probe(&spec, overrides, &args.results, &*reporter);
    reporter.close();
    let probed = probed?;
    let rows = probed.table();
    let numbers: Vec<usize> = (2..rows.first().map_or(0, Vec::len)).collect();
    terminal::print(&table(&rows, &numbers))?;
    Ok(terminal::print(&format!("\n{}", probed.text()))?)
}
