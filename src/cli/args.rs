//! What the command line may be.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::failure::Failure;
use super::run_args::{RunOptions, SpecArgs};
use super::{
    compare, embed, evaluate, explain, export, init, predict, probe_args, shell, submit_args, watch,
};
use crate::sink::progress::Verbosity;

const EXAMPLES: &str = "\
Examples:
  runner experiments/quickstart.toml
  runner experiments/vgg16_ft.toml --set training.epochs=3
  runner experiments/vgg16_ft.toml --set 'sweep.axes.\"freeze.through\"=[\"none\", \"all\"]'
  runner experiments/vgg16_freeze_depths.toml --only through=none,seed=0
  runner check experiments/vgg16_ft.toml

Exit status: 0 done; 1 some runs failed (the others are recorded); 2 the spec or the command line
is wrong; 130 stopped by Ctrl-C, 75 by SIGTERM or SIGUSR1 (the same command resumes; a second
signal stops at once).";

/// Run transfer learning experiments declared in TOML.
///
/// Trains every run of the sweep that a spec declares and writes tables (Parquet), charts (SVG) and models
/// (safetensors) to results/<name>/. Finished runs are not done again. `runner SPEC` is short for `runner run SPEC`.
#[derive(Debug, Parser)]
#[command(
    version,
    bin_name = "runner",
    after_help = EXAMPLES,
    override_usage = "runner [OPTIONS] <SPEC>\n       runner <COMMAND>",
    arg_required_else_help = true
)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// The experiment's TOML file
    #[arg(value_name = "SPEC")]
    spec: Option<PathBuf>,
    /// Set a key of the spec, e.g. training.epochs=3; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    #[command(flatten)]
    options: RunOptions,
    #[command(flatten)]
    pub amount: Amount,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run an experiment; the same as `runner SPEC`
    Run(RunArgs),
    /// Show the plan: runs, layers, shapes, what trains, what it will cost; trains nothing
    #[command(
        after_help = "Examples:\n  runner check experiments/vgg16_ft.toml --set backbone.input_size=64\n  \
                      runner check experiments/image_folder.toml --pictures"
    )]
    Check(CheckArgs),
    /// Have an experiment's runs done by an engine such as Slurm, on many machines; again: submits what is lost
    Submit(submit_args::SubmitArgs),
    /// Say, from one pass over the images and before any training, which layers are worth training
    Probe(probe_args::ProbeArgs),
    /// Compare the runs of experiments: which setting is best, and whether that is more than noise
    Compare(compare::CompareArgs),
    /// Measure a trained model on its test images, or on others
    Evaluate(evaluate::EvaluateArgs),
    /// Serve an experiment's report on localhost, kept up to date while it runs
    Watch(watch::WatchArgs),
    /// Write report.html and the charts again from what is recorded
    Report(watch::ReportArgs),
    /// Write a commented spec to begin with
    Init(init::InitArgs),
    /// Print the JSON Schema of specs, for editors
    Schema,
    /// Print a script that completes commands in a shell
    Completions(shell::CompletionsArgs),
    /// Print the manual page (view it with: runner man | man -l -)
    Man,
    /// Classify images with a trained model
    Predict(predict::PredictArgs),
    /// Write what a trained model makes of images before its classifier, as Parquet
    Embed(embed::EmbedArgs),
    /// Show what a trained model's answers rest on, as pictures
    Explain(explain::ExplainArgs),
    /// Write a trained model for other programs: ONNX, timm, Keras
    Export(export::ExportArgs),
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Write a page of training images as the network sees them, augmentation included [default FILE: pictures.html]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "pictures.html")]
    pub pictures: Option<PathBuf>,
    /// Try learning rates from small to large over a hundred batches, draw the loss and suggest one [default FILE: learning_rate.svg]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "learning_rate.svg")]
    pub learning_rate: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub spec: SpecArgs,
    #[command(flatten)]
    pub options: RunOptions,
}

/// How much is said; before or after any command.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Amount {
    /// Print only errors, and what a command was asked for
    #[arg(short, long, conflicts_with = "verbose", global = true)]
    quiet: bool,
    /// Say more about what is done
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl Amount {
    pub fn verbosity(self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

impl Cli {
    /// The command, `run` where none is named; with what stands before it and can be meant for it.
    pub fn chosen(self) -> Result<Command, Failure> {
        let Cli {
            command,
            spec,
            overrides: mut set,
            options: before,
            ..
        } = self;
        match (command, spec) {
            (None, Some(spec)) => Ok(Command::Run(RunArgs {
                spec: SpecArgs {
                    spec,
                    overrides: set,
                },
                options: before,
            })),
            (None, None) => Err(Failure::usage(
                "name a spec or a command, e.g. runner experiments/quickstart.toml; runner --help lists the commands",
            )),
            (Some(command), Some(spec)) => Err(Failure::usage(format!(
                "the command comes first: runner {} {}",
                command.name(),
                spec.display()
            ))),
            (Some(Command::Run(mut args)), None) => {
                set.append(&mut args.spec.overrides);
                args.spec.overrides = set;
                args.options = args.options.or(&before);
                Ok(Command::Run(args))
            }
            (Some(Command::Submit(mut args)), None) if !before.fresh && !before.fail_fast => {
                set.append(&mut args.spec.overrides);
                args.spec.overrides = set;
                args.shared = args.shared.or(&before);
                Ok(Command::Submit(args))
            }
            (Some(command), None) => {
                let name = command.name();
                let misplaced = |flag| {
                    let see = format!("see runner {name} --help");
                    Failure::usage(format!("{flag} is not for `runner {name}` ({see})"))
                };
                match before.given() {
                    Some(flag) => Err(misplaced(flag)),
                    None => command.with(set).ok_or_else(|| misplaced("--set")),
                }
            }
        }
    }
}

impl Command {
    /// With overrides that stand before it; none where it takes none.
    fn with(mut self, mut set: Vec<String>) -> Option<Self> {
        let own = match &mut self {
            Command::Check(args) => &mut args.spec.overrides,
            Command::Probe(args) => &mut args.spec.overrides,
            Command::Evaluate(args) => &mut args.overrides,
            Command::Predict(args) => &mut args.overrides,
            Command::Embed(args) => &mut args.overrides,
            Command::Export(args) => &mut args.overrides,
            _ => return set.is_empty().then_some(self),
        };
        set.append(own);
        *own = set;
        Some(self)
    }

    fn name(&self) -> &'static str {
        match self {
            Command::Run(_) => "run",
            Command::Submit(_) => "submit",
            Command::Check(_) => "check",
            Command::Probe(_) => "probe",
            Command::Compare(_) => "compare",
            Command::Evaluate(_) => "evaluate",
            Command::Watch(_) => "watch",
            Command::Report(_) => "report",
            Command::Init(_) => "init",
            Command::Schema => "schema",
            Command::Completions(_) => "completions",
            Command::Man => "man",
            Command::Predict(_) => "predict",
            Command::Embed(_) => "embed",
            Command::Explain(_) => "explain",
            Command::Export(_) => "export",
        }
    }
}
