//! Arguments in, exit status out.

mod compare;
mod evaluate;
mod format;
mod predict;
mod shell;
mod watch;

use std::ffi::OsString;
use std::io;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tracing::level_filters::LevelFilter;

use crate::analysis;
use crate::experiment::{self, Error, Options};
use crate::fetch::Progress;
use crate::foreign;
use crate::inference;
use crate::record::progress::{self, LogWriter, Verbosity};
use crate::report;
use crate::stop::Stop;
use crate::terminal::{self, Stream};

/// Some runs failed; the others are recorded.
const SOME_FAILED: u8 = 1;
/// The spec or the command line is wrong.
const WRONG_SPEC: u8 = 2;
/// Stopped by a signal, as shells count them: 128 + SIGINT.
const STOPPED: u8 = 130;

const EXAMPLES: &str = "\
Examples:
  runner experiments/quickstart.toml
  runner experiments/vgg16_ft.toml --set training.epochs=3
  runner experiments/vgg16_ft.toml --set 'sweep.axes.\"freeze.through\"=[\"none\", \"all\"]'
  runner check experiments/vgg16_ft.toml

Exit status: 0 done; 1 some runs failed (the others are recorded); 2 the spec or the command line
is wrong; 130 stopped by Ctrl-C or SIGTERM (the same command goes on; a second signal stops at once).";

/// Run transfer learning experiments declared in TOML.
///
/// Trains every run of the sweep a spec declares and leaves tables (Parquet), charts (SVG) and models
/// (safetensors) in results/<name>/. Runs that are already there are not done again.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    spec: Option<SpecArgs>,
    #[command(flatten)]
    options: RunOptions,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the plan: runs, layers, shapes, what trains, what it will cost; trains nothing
    #[command(
        after_help = "Example:\n  runner check experiments/vgg16_ft.toml --set backbone.input_size=64"
    )]
    Check(SpecArgs),
    /// Compare the runs of experiments: which setting is best, and whether that is more than noise
    Compare(compare::CompareArgs),
    /// Measure a trained model on its test images, or on others
    Evaluate(evaluate::EvaluateArgs),
    /// Show an experiment's report on localhost, kept up to date while it runs
    Watch(watch::WatchArgs),
    /// Write report.html and charts again from what is recorded
    Report(watch::ReportArgs),
    /// Write a commented spec to begin with
    Init(shell::InitArgs),
    /// Print the JSON Schema of specs, for editors
    Schema,
    /// Print a script that completes commands in a shell
    Completions { shell: clap_complete::Shell },
    /// Print the manual page (view it with: runner man | man -l -)
    Man,
    /// Say what a trained model sees in images
    Predict(predict::PredictArgs),
}

/// Why a command has failed: what to show, and the exit status.
struct Failure {
    /// Its foreign parts are visible; it may have colours where standard error has some.
    text: String,
    status: u8,
}

impl Failure {
    fn usage(message: impl std::fmt::Display) -> Self {
        Failure {
            status: WRONG_SPEC,
            ..Failure::other(message)
        }
    }

    fn other(message: impl std::fmt::Display) -> Self {
        Failure {
            text: foreign::visible(&format!("error: {message}")).into_owned(),
            status: SOME_FAILED,
        }
    }
}

impl From<terminal::Error> for Failure {
    fn from(error: terminal::Error) -> Self {
        Failure::other(error)
    }
}

impl From<analysis::Error> for Failure {
    fn from(error: analysis::Error) -> Self {
        match error.is_usage() {
            true => Failure::usage(error),
            false => Failure::other(error),
        }
    }
}

impl From<report::Error> for Failure {
    fn from(error: report::Error) -> Self {
        match error {
            report::Error::Analysis(error) => error.into(),
            other => Failure::other(other),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure {
            text: rendered(|coloured| error.render(coloured)),
            status: match error {
                Error::Spec(_) => WRONG_SPEC,
                Error::Interrupted(_) => STOPPED,
                _ => SOME_FAILED,
            },
        }
    }
}

impl From<inference::Error> for Failure {
    fn from(error: inference::Error) -> Self {
        Failure {
            text: rendered(|coloured| error.render(coloured)),
            status: if error.is_usage() {
                WRONG_SPEC
            } else {
                SOME_FAILED
            },
        }
    }
}

/// A text for standard error, with colours where it has some and they are wanted; all else in it is visible.
fn rendered(render: impl Fn(bool) -> String) -> String {
    let plain = render(false);
    let coloured = Stream::Err.has_colours().then(|| render(true));
    match coloured.filter(|coloured| *coloured != plain) {
        Some(coloured) => coloured,
        None => foreign::visible(&plain).into_owned(),
    }
}

/// Does what takes long, its progress on the terminal.
fn with_progress<T>(work: impl FnOnce(&dyn Progress) -> T) -> T {
    let (reporter, log) = progress::for_stderr(Verbosity::Normal);
    start_log(log, Verbosity::Normal);
    let result = work(&*reporter);
    reporter.close();
    result
}

#[derive(Debug, Args)]
struct SpecArgs {
    /// The experiment's TOML file
    #[arg(value_name = "SPEC")]
    spec: PathBuf,
    /// Set a key of the spec, e.g. training.epochs=3; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

#[derive(Debug, Args)]
struct RunOptions {
    /// The folder that gets a folder for each experiment
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Start over: delete what is there of the experiment's runs, after saying what
    #[arg(long)]
    fresh: bool,
    /// Start no further run after one that failed
    #[arg(long)]
    fail_fast: bool,
    /// Do so many runs at a time; they divide the threads [default: 1, but small ones side by side]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Say nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more about what is done
    #[arg(short, long)]
    verbose: bool,
}

impl RunOptions {
    fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

/// Does what the arguments say; the one place where errors are printed.
pub fn main() -> ExitCode {
    terminal::tell_panics(is_polars);
    let result = match Cli::try_parse() {
        Ok(cli) => cli.run(),
        Err(error) => explain(&error),
    };
    result.unwrap_or_else(|failure| {
        terminal::say_coloured(&failure.text);
        ExitCode::from(failure.status)
    })
}

/// Help, the version, or what is wrong with the arguments.
fn explain(error: &clap::Error) -> Result<ExitCode, Failure> {
    // With arguments of others' making, such as names of files, the same again with what can be shown.
    let visible = |argument: OsString| foreign::one_line(&argument.to_string_lossy()).into_owned();
    let again = Cli::try_parse_from(std::env::args_os().map(visible)).err();
    let error = again.as_ref().unwrap_or(error);
    let stream = match error.use_stderr() {
        true => Stream::Err,
        false => Stream::Out,
    };
    let text = match stream.has_colours() {
        true => error.render().ansi().to_string(),
        false => error.render().to_string(),
    };
    if stream == Stream::Err {
        return Err(Failure {
            text,
            status: WRONG_SPEC,
        });
    }
    terminal::print_coloured(&text)?;
    Ok(ExitCode::SUCCESS)
}

impl Cli {
    fn run(&self) -> Result<ExitCode, Failure> {
        match (&self.command, &self.spec) {
            (Some(command), _) => command.run().map(|()| ExitCode::SUCCESS),
            (None, Some(spec)) => run(spec, &self.options),
            (None, None) => Ok(ExitCode::from(WRONG_SPEC)),
        }
    }
}

impl Command {
    fn run(&self) -> Result<(), Failure> {
        match self {
            Command::Check(args) => {
                terminal::print(&experiment::check(&args.spec, &args.overrides)?)?;
            }
            Command::Compare(args) => compare::run(args)?,
            Command::Evaluate(args) => evaluate::run(args)?,
            Command::Watch(args) => watch::watch(args)?,
            Command::Report(args) => watch::report(args)?,
            Command::Init(args) => shell::init(args)?,
            Command::Schema => terminal::print(&shell::schema())?,
            Command::Completions { shell } => shell::completions(*shell)?,
            Command::Man => shell::manual()?,
            Command::Predict(args) => predict::run(args)?,
        }
        Ok(())
    }
}

fn run(spec: &SpecArgs, how: &RunOptions) -> Result<ExitCode, Failure> {
    let (reporter, log) = progress::for_stderr(how.verbosity());
    start_log(log, how.verbosity());
    let stop = Stop::default();
    if let Err(error) = stop_on_signals(&stop) {
        reporter.warn(&format!("signals stop the runner at once: {error}"));
    }
    let options = Options {
        overrides: spec.overrides.clone(),
        results: how.results.clone(),
        fresh: how.fresh,
        fail_fast: how.fail_fast,
        jobs: how.jobs.map(NonZeroUsize::get),
        stop: stop.clone(),
    };
    let done = experiment::run(&spec.spec, &options, &*reporter);
    reporter.close();
    let done = done?;
    if how.verbosity() != Verbosity::Quiet {
        terminal::print(&format!("{done}\n"))?;
    }
    Ok(match (done.is_complete(), stop.is_requested()) {
        (true, _) => ExitCode::SUCCESS,
        (_, true) => ExitCode::from(STOPPED),
        _ => ExitCode::from(SOME_FAILED),
    })
}

/// The first SIGINT or SIGTERM wishes a stop, the second ends the process.
fn stop_on_signals(stop: &Stop) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the flag is looked at before it is set.
        flag::register_conditional_shutdown(signal, i32::from(STOPPED), stop.flag())?;
        flag::register(signal, stop.flag())?;
    }
    Ok(())
}

/// Warnings (with -v: everything) go to the terminal, between its bars.
fn start_log(log: LogWriter, verbosity: Verbosity) {
    let level = match verbosity {
        Verbosity::Quiet => LevelFilter::ERROR,
        Verbosity::Normal => LevelFilter::WARN,
        Verbosity::Verbose => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .without_time()
        .with_ansi(log.has_colours())
        .with_writer(log)
        .init();
}

/// polars panics on some damaged Parquet files. Our readers catch that and report the file; the panic's
/// own text would only hide their message.
fn is_polars(place: &Location<'_>) -> bool {
    let mut parts = place.file().split(['/', '\\']);
    parts.any(|part| part.starts_with("polars-"))
}
