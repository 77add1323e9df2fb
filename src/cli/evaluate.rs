//! `runner evaluate`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use super::format::{Format, columns, print_json, table as fitted_table};
use super::log::with_progress;
use crate::inference::{
    Calibrated, EvaluatedPart, Evaluation, Model, Reliability, calibrate, evaluate,
};
use crate::metric::Unit;
use crate::sink::progress::Verbosity;
use crate::terminal;
use crate::text::{counted, thousands};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  runner evaluate results/quickstart/runs/none-0-1a2b3c4d
  runner evaluate RUN --calibrate
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
    /// Fit a temperature on the validation images, and say how far the probabilities can be relied on without and with it
    #[arg(long)]
    calibrate: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// An evaluation, with the temperature where it was asked for.
#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    evaluation: Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<Calibrated>,
}

pub(super) fn run(args: &EvaluateArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let found = with_progress(verbosity, |progress| {
        let model = Model::open(&args.run, &args.overrides, progress)?;
        match args.calibrate {
            false => evaluate(&model, args.part, progress).map(|evaluation| Found {
                evaluation,
                calibration: None,
            }),
            true => calibrate(&model, args.part, progress).map(|(evaluation, found)| Found {
                evaluation,
                calibration: Some(found),
            }),
        }
    })?;
    match args.format {
        Format::Json => print_json(&found)?,
        Format::Table => {
            let calibration = found.calibration.as_ref().map(reliability);
            let text = table(&found.evaluation) + &calibration.unwrap_or_default();
            terminal::print(&text)?;
        }
    }
    Ok(())
}

/// What the temperature does, bin by bin.
fn reliability(found: &Calibrated) -> String {
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let Calibrated {
        temperature,
        before,
        after,
        ..
    } = found;
    let mut text = format!(
        "\ntemperature {temperature:.3}, fitted on {}: probabilities are the softmax of the logits over it\n\
         loss {:.4} becomes {:.4}, calibration_error {} becomes {}\n\n",
        counted(found.validation_images, "validation image"),
        before.loss,
        after.loss,
        percent(before.calibration_error),
        percent(after.calibration_error)
    );
    if after.loss > before.loss {
        let images = counted(found.validation_images, "validation image");
        text += &format!(
            "the temperature makes the loss worse here: {images} may be too few to fit it\n\n"
        );
    }
    let titles = [
        "probability",
        "images",
        "right",
        "images with it",
        "right with it",
    ];
    let mut rows = vec![titles.map(String::from).to_vec()];
    let mut ends: Vec<(f64, f64)> = Vec::new();
    for bin in before.bins.iter().chain(&after.bins) {
        if !ends.contains(&(bin.from, bin.to)) {
            ends.push((bin.from, bin.to));
        }
    }
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (from, to) in ends {
        let cells = |of: &Reliability| {
            let bin = of.bins.iter().find(|bin| bin.from == from);
            let images = bin.map_or("–".into(), |bin| thousands(bin.images));
            [images, bin.map_or("–".into(), |bin| percent(bin.accuracy))]
        };
        let probability = format!("{:.0} to {:.0}%", from * 100.0, to * 100.0);
        rows.push([vec![probability], cells(before).into(), cells(after).into()].concat());
    }
    text += &fitted_table(&rows, &[1, 2, 3, 4]);
    text
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
