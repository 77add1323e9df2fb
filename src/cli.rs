//! Arguments in, exit status out.

mod args;
mod compare;
mod evaluate;
mod flags;
mod format;
mod init;
mod meant;
mod predict;
mod shell;
mod train;
mod watch;

use std::ffi::OsString;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tracing::level_filters::LevelFilter;

use crate::analysis;
use crate::experiment::{self, Error, Look};
use crate::foreign;
use crate::graph::Detail;
use crate::inference;
use crate::progress::Progress;
use crate::report;
use crate::sink::progress::{self, LogWriter, Verbosity};
use crate::spec::Experiment;
use crate::terminal::{self, Stream};
use args::{Cli, Command};

/// Some runs failed; the others are recorded.
const SOME_FAILED: u8 = 1;
/// The spec or the command line is wrong.
const WRONG_SPEC: u8 = 2;
/// Stopped by a signal, as shells count them: 128 + SIGINT.
const STOPPED: u8 = 130;

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
            text: foreign::one_line(&format!("error: {message}")).into_owned(),
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
fn with_progress<T>(verbosity: Verbosity, work: impl FnOnce(&dyn Progress) -> T) -> T {
    let (reporter, log) = progress::for_stderr(verbosity);
    start_log(log, verbosity);
    let result = work(&*reporter);
    reporter.close();
    result
}

/// Does what the arguments say; the one place where errors are printed.
pub fn main() -> ExitCode {
    terminal::tell_panics(is_polars);
    let result = match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(error) => explain(&error),
    };
    result.unwrap_or_else(|failure| {
        terminal::say_coloured(&failure.text);
        ExitCode::from(failure.status)
    })
}

/// Help, the version, or what is wrong with the arguments.
fn explain(error: &clap::Error) -> Result<ExitCode, Failure> {
    if let Some(failure) = mistyped_command().or_else(|| flags::key_as_flag(error)) {
        return Err(failure);
    }
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

/// What to say where the first word is nearly a command, or comes before it, and the arguments make no sense otherwise.
fn mistyped_command() -> Option<Failure> {
    let is_command = |word: &str| word == "help" || Cli::command().find_subcommand(word).is_some();
    let mut words = std::env::args().skip(1);
    let word = words.find(|word| !word.starts_with('-'))?;
    if is_command(&word) {
        return None;
    }
    let rest: Vec<String> = words.collect();
    if let Some(command) = rest.iter().find(|word| is_command(word)) {
        let line = format!("the command comes first: runner {command} {word}");
        return Path::new(&word).exists().then(|| Failure::usage(line));
    }
    if !meant::may_be_command(&word) {
        return None;
    }
    Some(match meant::command(&word) {
        Some(name) => {
            let line = format!("{name} {}", rest.join(" "));
            let line = line.trim_end();
            Failure::usage(format!(
                "there is no command `{word}`; did you mean `runner {line}`?"
            ))
        }
        None => meant::spec(Path::new(&word)).err()?,
    })
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let verbosity = cli.amount.verbosity();
    match cli.chosen()? {
        Command::Run(args) => return train::run(&args.spec, &args.options, verbosity),
        Command::Check(args) => {
            let (spec, look) = (spec(&args.spec, verbosity)?, look(verbosity));
            terminal::print(&match is_published_alone(&spec, &args.overrides)? {
                true => {
                    inference::check_published(&spec, &args.overrides, (look.detail, look.width))?
                }
                false => experiment::check_as(&spec, &args.overrides, look)?,
            })?;
        }
        Command::Compare(args) => compare::run(&args)?,
        Command::Evaluate(args) => evaluate::run(&args, verbosity)?,
        Command::Watch(args) => watch::watch(&args)?,
        Command::Report(args) => watch::report(&args)?,
        Command::Init(args) => init::init(&args, verbosity)?,
        Command::Schema => terminal::print(&shell::schema())?,
        Command::Completions(args) => shell::completions(&args)?,
        Command::Man => shell::manual()?,
        Command::Predict(args) => predict::run(&args, verbosity)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// How `runner check` shows networks: with -v each node, as wide as the terminal.
fn look(verbosity: Verbosity) -> Look {
    let usual = Look::default();
    Look {
        detail: match verbosity {
            Verbosity::Verbose => Detail::Nodes,
            _ => usual.detail,
        },
        width: terminal::width(Stream::Out).unwrap_or(usual.width),
    }
}

/// Whether a spec says what to predict with, and nothing to train.
fn is_published_alone(spec: &Path, overrides: &[String]) -> Result<bool, Failure> {
    let found = Experiment::is_published_alone(spec, overrides);
    found.map_err(|error| Error::Spec(error).into())
}

/// The spec file that is meant; said where it is not the one that was named.
fn spec(given: &Path, verbosity: Verbosity) -> Result<PathBuf, Failure> {
    let spec = meant::spec(given)?;
    if spec != given && verbosity > Verbosity::Quiet {
        terminal::say(&format!("using {}", spec.display()));
    }
    Ok(spec)
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
