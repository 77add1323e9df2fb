//! `runner init`, `schema`, `completions` and `man`: what helps to write specs and commands.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Failure};
use crate::spec;
use crate::terminal;

/// A spec with everything that one usually sets.
const TEMPLATE: &str = include_str!("template.toml");

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  runner init experiments/photos.toml")]
pub(super) struct InitArgs {
    /// The file to write; one that is there is left alone
    #[arg(default_value = "experiment.toml")]
    file: PathBuf,
}

pub(super) fn init(args: &InitArgs) -> Result<(), Failure> {
    let file = args.file.display();
    let write = || {
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&args.file)?;
        out.write_all(TEMPLATE.as_bytes())
    };
    write().map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::usage(format!("{file} is there already; name another file"))
        }
        _ => Failure::usage(format!("{file} cannot be written: {error}")),
    })?;
    Ok(terminal::print(&format!(
        "{file} is written; runner check {file} shows what it would do, runner {file} does it\n"
    ))?)
}

/// The JSON Schema as it stands in `docs/spec.schema.json`.
pub(super) fn schema() -> String {
    format!("{:#}\n", spec::json_schema())
}

pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "runner", &mut script);
    print(&script)
}

pub(super) fn manual() -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(Failure::other)?;
    print(&page)
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    Ok(terminal::print_bytes(bytes)?)
}
