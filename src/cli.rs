//! Arguments in, exit status out.

mod args;
mod check;
mod compare;
mod embed;
mod evaluate;
mod explain;
mod export;
mod failure;
mod flags;
mod format;
mod given;
mod init;
mod log;
mod meant;
mod number;
mod predict;
mod probe;
mod probe_args;
mod results;
mod run_args;
mod shell;
mod submit;
mod submit_args;
mod train;
mod watch;
mod words;

use std::ffi::OsString;
use std::panic::Location;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::foreign;
use crate::guarded;
use crate::terminal::{self, Stream};
use args::{Cli, Command};
use failure::{Failure, WRONG_SPEC};
use words::{command, may_be_command};

/// Does what the arguments say; the one place where errors are printed.
pub fn main() -> ExitCode {
    terminal::tell_panics(is_caught);
    let result = match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(error) => say(&error),
    };
    result.unwrap_or_else(|failure| {
        terminal::say_coloured(&failure.text);
        ExitCode::from(failure.status)
    })
}

/// Help, the version, or what is wrong with the arguments.
fn say(error: &clap::Error) -> Result<ExitCode, Failure> {
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
    if !may_be_command(&word) {
        return None;
    }
    Some(match command(&word) {
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
        Command::Submit(args) => submit::run(&args, verbosity)?,
        Command::Check(args) => check::run(&args, verbosity)?,
        Command::Probe(args) => probe::run(&args, verbosity)?,
        Command::Compare(args) => compare::run(&args)?,
        Command::Evaluate(args) => evaluate::run(&args, verbosity)?,
        Command::Watch(args) => watch::watch(&args)?,
        Command::Report(args) => watch::report(&args)?,
        Command::Init(args) => init::init(&args, verbosity)?,
        Command::Schema => terminal::print(&shell::schema())?,
        Command::Completions(args) => shell::completions(&args, &mut Cli::command())?,
        Command::Man => shell::manual(Cli::command())?,
        Command::Predict(args) => predict::run(&args, verbosity)?,
        Command::Embed(args) => embed::run(&args, verbosity)?,
        Command::Explain(args) => explain::run(&args, verbosity)?,
        Command::Export(args) => export::run(&args, verbosity)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// polars panics on some damaged Parquet files, hdf5-pure may on HDF5 files. Our readers catch that and report the file; the panic's
/// own text would only hide their message. Where none of them is at work, it is the only one.
fn is_caught(place: &Location<'_>) -> bool {
    if !guarded::is_guarded() {
        return false;
    }
    let mut parts = place.file().split(['/', '\\']);
    parts.any(|part| part.starts_with("polars-") || part.starts_with("hdf5-pure-"))
}
