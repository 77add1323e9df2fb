//! What `runner probe` takes.

use std::path::PathBuf;

use clap::Args;

use super::run_args::SpecArgs;
use crate::experiment::RESULTS;

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
    pub results: PathBuf,
}
