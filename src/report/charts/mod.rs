//! Pictures of an experiment as SVG, legible in print, without colour, on light and on dark pages.

mod by_axis;
mod confusion;
mod cost;
mod curves;
mod frame;
mod heat_map;
mod legend;
mod per_class;
mod scale;
mod svg;
#[cfg(test)]
mod tests;

pub use svg::{STYLE, Svg};

use super::Experiment;
use crate::record::predictions::Predictions;

/// A chart with the name of its file.
pub struct Chart {
    pub file: String,
    pub svg: Svg,
}

/// The width of every chart in pixels.
const WIDTH: f64 = 760.0;

/// The charts that the tables have something for: learning curves, each swept axis, pairs of axes, accuracy against time.
pub fn all(experiment: &Experiment) -> Vec<Chart> {
    let chart = |file: String, svg: Option<Svg>| svg.map(|svg| Chart { file, svg });
    let mut charts: Vec<Chart> = Vec::new();
    charts.extend(chart("curves.svg".into(), curves::curves(experiment)));
    let axes = experiment.comparison.as_ref().map_or(&[][..], |c| &c.axes);
    for axis in axes {
        let file = format!("compare_{}.svg", file_name(axis));
        charts.extend(chart(file, by_axis::by_axis(experiment, axis)));
    }
    for (i, one) in axes.iter().enumerate() {
        for other in &axes[i + 1..] {
            let file = format!("heat_{}_{}.svg", file_name(one), file_name(other));
            charts.extend(chart(file, heat_map::heat_map(experiment, one, other)));
        }
    }
    charts.extend(chart("time.svg".into(), cost::cost(experiment)));
    charts
}

/// Every chart that is kept as a file: those of [`all`], of axes that are folded together, and of predictions.
pub fn files(experiment: &Experiment) -> Vec<Chart> {
    let mut charts = all(experiment);
    for axis in &experiment.axes {
        let file = format!("compare_{}.svg", file_name(axis));
        if charts.iter().all(|chart| chart.file != file) {
            let svg = by_axis::by_axis(experiment, axis);
            charts.extend(svg.map(|svg| Chart { file, svg }));
        }
    }
    // A damaged table of predictions does not hide the rest.
    let found = experiment.best_predictions().unwrap_or_default();
    let all: Vec<&Predictions> = found.iter().map(|(_, predictions)| predictions).collect();
    if let Some((run, _)) = found.first() {
        charts.extend(of_predictions(&experiment.label(run), &all));
    }
    charts
}

/// The charts of what the best setting's runs predicted: confusion matrix and accuracy of each class.
pub fn of_predictions(of: &str, runs: &[&Predictions]) -> Vec<Chart> {
    let charts = [
        ("confusion.svg", confusion::confusion(of, runs)),
        ("per_class.svg", per_class::per_class(of, runs)),
    ];
    let chart = |(file, svg): (&str, Option<Svg>)| {
        Some(Chart {
            file: file.to_owned(),
            svg: svg?,
        })
    };
    charts.into_iter().filter_map(chart).collect()
}

/// A key as part of a file's name; characters that do not belong there become `_`.
fn file_name(key: &str) -> String {
    let safe = |c: char| {
        if c.is_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    key.chars().map(safe).collect()
}
