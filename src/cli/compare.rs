//! `runner compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use polars::prelude::ParquetWriter;

use super::failure::Failure;
use super::format::{print_json, table};
use super::results;
use crate::analysis::{self, Comparison, Filter, Question, Results, Select, TextFormat, compare};
use crate::foreign::markdown_cell;
use crate::terminal::{self, Stream};

#[derive(Debug, Args)]
#[command(after_help = "\
Runs are grouped by the axes that differ; runs that are equal in everything but the seed and the \
fold are averaged (mean ± standard deviation). The best is chosen by the validation images, which \
train nothing, and reported on the test images, which chose nothing. Marked beside it are those \
that cannot be told from it: the p-value (t-test, paired over shared seeds and folds, corrected \
for the number of comparisons) is 0.05 or more, or the 95 % interval of the difference, over runs \
and test images, holds 0. Runs that were measured on different images are ranked apart.

Runs of earlier forms of the spec are left out, and their number is shown; --all includes them, \
and so does a key named with --by or --where in which only they differ.

Examples:
  runner compare results/vgg16_freeze_depths
  runner compare results/vgg16_freeze_depths --select test
  runner compare results/a results/b --by freeze.through --where optimizer.name=adam
  runner compare results/a --format parquet > comparison.parquet")]
pub(super) struct CompareArgs {
    /// Folders of results, results/<name>, or a folder of such folders
    #[arg(required = true, value_name = "RESULTS")]
    results: Vec<PathBuf>,
    /// Group by this key alone and average over the others; may be repeated
    #[arg(long, value_name = "AXIS")]
    by: Vec<String>,
    /// What decides, e.g. loss, val_macro_f1, seconds [default: accuracy where there is one]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// Which images choose the best [default: validation, where there are such]; by those of the
    /// test, the number that is reported is optimistic
    #[arg(long, value_enum, value_name = "PART")]
    select: Option<Part>,
    /// Only runs whose key has this value (!= excludes); may be repeated
    #[arg(long = "where", value_name = "KEY=VALUE")]
    filters: Vec<Filter>,
    /// Include runs of earlier forms of the spec, as groups of their own
    #[arg(long)]
    all: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Markdown,
    Csv,
    Json,
    Parquet,
}

/// Which images choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Validation,
    Test,
}

pub(super) fn run(args: &CompareArgs) -> Result<(), Failure> {
    let question = Question {
        by: args.by.clone(),
        metric: args.metric.clone(),
        select: args.select.map(|part| match part {
            Part::Validation => Select::Validation,
            Part::Test => Select::Test,
        }),
        filters: args.filters.clone(),
        all: args.all,
    };
    for folder in &args.results {
        results::results(folder, "compare")?;
    }
    let found = compare(Results::read(&args.results)?, &question)?;
    match args.format {
        Format::Table => terminal::print(&text(&found))?,
        Format::Markdown => terminal::print(&markdown(&found))?,
        Format::Csv => terminal::print(&analysis::csv(&analysis::frame(&found)?))?,
        Format::Json => print_json(&analysis::json(&found))?,
        Format::Parquet => parquet(&found)?,
    }
    Ok(())
}

fn text(found: &Comparison) -> String {
    let (rows, numbers) = analysis::rows(found, TextFormat::Terminal);
    let mut text = table(&rows, &numbers);
    for note in analysis::notes(found) {
        text += &format!("\n{note}\n");
    }
    text
}

fn markdown(found: &Comparison) -> String {
    let (rows, numbers) = analysis::rows(found, TextFormat::Markdown);
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        text += &line(row.iter().map(|cell| markdown_cell(cell)).collect());
        if i == 0 {
            let rule = |column| {
                if numbers.contains(&column) {
                    "--:"
                } else {
                    "---"
                }
            };
            text += &line((0..row.len()).map(|c| rule(c).to_owned()).collect());
        }
    }
    for note in analysis::notes(found) {
        text += &format!("\n{note}\n");
    }
    text
}

fn parquet(found: &Comparison) -> Result<(), Failure> {
    if Stream::Out.is_terminal() {
        return Err(Failure::usage(
            "a terminal cannot show Parquet; send it to a file: --format parquet > comparison.parquet",
        ));
    }
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .finish(&mut analysis::frame(found)?)
        .map_err(Failure::other)?;
    Ok(terminal::print_bytes(&bytes)?)
}
