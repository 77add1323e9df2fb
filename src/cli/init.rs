//! `runner init`.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::failure::Failure;
use crate::sink::progress::Verbosity;
use crate::terminal;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  runner init
  runner init --template photos
  runner init experiments/depths.toml --template lesson")]
pub(super) struct InitArgs {
    /// The file to write; an existing one is left alone
    #[arg(default_value = "experiment.toml")]
    file: PathBuf,
    /// What to begin with
    #[arg(long, value_enum, default_value_t)]
    template: Template,
}

/// A spec to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Template {
    /// Built-in digits, a small network: nothing is downloaded, done in seconds
    #[default]
    Digits,
    /// Your own photos, a folder per class, on a pretrained network, with early stopping
    Photos,
    /// The classic lesson: VGG-16 from ImageNet on CIFAR-10, how deep to freeze
    Lesson,
}

impl Template {
    fn text(self) -> &'static str {
        match self {
            Template::Digits => include_str!("templates/digits.toml"),
            Template::Photos => include_str!("templates/photos.toml"),
            Template::Lesson => include_str!("templates/lesson.toml"),
        }
    }

    /// What is to be done before it can run.
    fn first(self) -> Option<&'static str> {
        match self {
            Template::Photos => {
                Some("put your images at photos/<class>/, beside the file, or set dataset.path")
            }
            Template::Digits | Template::Lesson => None,
        }
    }
}

pub(super) fn init(args: &InitArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let file = with_ending(&args.file);
    write(&file, args.template.text())?;
    if verbosity == Verbosity::Quiet {
        return Ok(());
    }
    let shown = file.display();
    let first = args.template.first().map(|first| format!("  {first}\n"));
    Ok(terminal::print(&format!(
        "Wrote {shown}. Next:\n{}  runner check {shown}   shows the plan\n  runner {shown}         runs it\n",
        first.unwrap_or_default()
    ))?)
}

/// `photos` as `photos.toml`: specs are told by it.
fn with_ending(file: &Path) -> PathBuf {
    match file.extension() {
        Some(_) => file.to_owned(),
        None => file.with_extension("toml"),
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let shown = file.display();
    let cannot = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::usage(format!(
            "{shown} is there already, and is left as it is; name another file: runner init other.toml"
        )),
        _ => Failure::usage(format!("{shown} cannot be written: {error}")),
    };
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .map_err(cannot)?;
    out.write_all(text.as_bytes()).map_err(|error| {
        // Half a spec is of no use.
        let _ = fs::remove_file(file);
        cannot(error)
    })
}
