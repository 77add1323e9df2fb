//! `runner evaluate`.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::format::{Format, columns, print_json, table as fitted_table};
use super::log::with_progress;
use crate::inference::{EvaluatedPart, Evaluation, Model, evaluate};
use crate::metric::Unit;
use crate::sink::progress::Verbosity;
use crate::terminal;
use crate::text::thousands;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  runner evaluate results/quickstart/runs/none-0-1a2b3c4d
  runner evaluate RUN --set dataset.path=photos --part all --format json")]
pub(super) struct EvaluateArgs {
    /// A run's folder, results/<name>/runs/<run>, its model.safetensors, or a spec with backbone.include_top
    run: PathBuf,
    /// Which images of the dataset
    #[arg(long, value_enum, default_value_t)]
    part: EvaluatedPart,
    /// Evaluate on something else: dataset.path, dataset.test_limit, training.batch_size …; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &EvaluateArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let found = with_progress(verbosity, |progress| {
        let model = Model::open(&args.run, &args.overrides, progress)?;
        evaluate(&model, args.part, progress)
    })?;
    match args.format {
        Format::Json => print_json(&found)?,
        Format::Table => terminal::print(&table(&found))?,
    }
    Ok(())
}

fn table(found: &Evaluation) -> String {
    let percent = |share: f64| format!("{:.2}%", share * 100.0);
    let line = |name: &str, value: String| vec![name.to_owned(), value];
    let mut head = vec![
        line("model", found.model.clone()),
        line(
            "images",
            format!(
                "{} ({}, {})",
                thousands(found.images),
                found.dataset,
                found.part
            ),
        ),
        line("loss", format!("{:.4}", found.loss)),
    ];
    let numbers = found.metrics.iter().filter(|(_, value)| !value.is_nan());
    head.extend(numbers.map(|(metric, value)| {
        let shown = match metric.unit {
            Unit::Share => percent(*value),
            Unit::Plain | Unit::Count | Unit::Seconds => format!("{value:.4}"),
        };
        line(metric.name, shown)
    }));
    let speed = format!(
        "{:.1} images/s through the whole network ({:.2} s); forward passes alone {:.1} images/s \
         ({:.2} s) on {}",
        found.images_per_second,
        found.seconds,
        found.forward_images_per_second,
        found.forward_seconds,
        found.device
    );
    head.push(line("speed", speed));
    let titles = ["class", "images", "accuracy", "precision", "f1"];
    let mut classes = vec![titles.map(String::from).to_vec()];
    classes.extend(found.per_class.iter().map(|class| {
        let shares = [class.accuracy, class.precision, class.f1];
        let shares = shares.map(|share| share.map_or("–".into(), percent));
        let images = thousands(class.images);
        [class.class.clone(), images]
            .into_iter()
            .chain(shares)
            .collect()
    }));
    format!(
        "{}\n{}",
        columns(&head, &[]),
        fitted_table(&classes, &[1, 2, 3, 4])
    )
}
