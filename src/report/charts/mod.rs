//! Pictures of an experiment as SVG, legible in print, without colour, on light and on dark pages.

#[cfg(test)]
mod answers_tests;
mod axis;
mod by_axis;
mod chart;
mod confusion;
mod curves;
mod depth;
mod epochs;
mod frame;
mod heat_map;
mod layout;
mod parallel;
mod per_class;
mod ramp;
mod rate;
mod reliability;
mod repeats;
mod scale;
mod search;
mod standalone;
mod svg;
#[cfg(test)]
mod tests;
mod thresholds;
mod time;
mod view;

pub use chart::{Chart, Entry, Plot, Row};
pub use depth::depth;
pub use rate::rate;
pub use svg::{STYLE, Svg};

use view::View;

use super::experiment::Experiment;
use crate::store::predictions::Predictions;

/// The charts that the tables have something for: learning curves, a search's history, each swept axis, pairs of axes, all axes together,
/// accuracy against time.
pub fn all(experiment: &Experiment) -> Vec<Chart> {
    let view = View::new(experiment);
    let mut charts: Vec<Chart> = Vec::new();
    charts.extend(curves::curves(experiment, view.as_ref()));
    charts.extend(search::search(experiment));
    let Some(view) = view else {
        return charts;
    };
    let axes = view.axes.len();
    charts.extend(parallel::parallel(&view));
    charts.extend((0..axes).filter_map(|axis| by_axis::by_axis(&view, axis)));
    let pairs = (0..axes).flat_map(|one| (one + 1..axes).map(move |other| (one, other)));
    charts.extend(pairs.filter_map(|pair| heat_map::heat_map(&view, pair)));
    charts.extend(time::time(&view));
    charts
}

/// Every chart that is kept as a file: those of [`all`], of repetitions, and of predictions.
pub fn files(experiment: &Experiment) -> Vec<Chart> {
    let mut charts = all(experiment);
    if let (Some(view), Some(comparison)) = (View::new(experiment), &experiment.comparison) {
        let keys = comparison.repeated.iter();
        charts.extend(keys.filter_map(|key| repeats::repeats(&view, key)));
    }
    // A damaged table of predictions does not hide the rest.
    let found = experiment.best_predictions().unwrap_or_default();
    let all: Vec<&Predictions> = found.iter().map(|(_, predictions)| predictions).collect();
    if let Some((run, _)) = found.first() {
        charts.extend(of_predictions(&experiment.label(run), &all));
    }
    charts
}

/// What is said where images have several labels.
const SEVERAL: &str = "Images have several labels each, and a curve is of one class against all images that are not of it. \
    There is no confusion matrix, no reliability diagram and no list of mistakes, which are of one label an image.";

/// The charts of what the best setting's runs predicted: confusion matrix, accuracy per class, and of the first run the
/// curves over all thresholds and how far its probabilities can be relied on.
pub fn of_predictions(of: &str, runs: &[&Predictions]) -> Vec<Chart> {
    // Of several labels an image, what is taken for what has no meaning.
    if runs.iter().any(|run| run.multi_label) {
        let mut charts: Vec<Chart> = thresholds::thresholds(of, runs).into_iter().collect();
        let notes = charts.iter_mut().map(|chart| &mut chart.notes);
        notes.for_each(|notes| notes.push(SEVERAL.into()));
        return charts;
    }
    let mut charts = confusion::confusion(of, runs);
    charts.extend(per_class::per_class(of, runs));
    charts.extend(thresholds::thresholds(of, runs));
    charts.extend(reliability::reliability(of, runs));
    charts
}
