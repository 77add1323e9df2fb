//! One quantity by epoch, a line a run.

use super::ChartError;
use super::canvas::Canvas;
use super::panel::{Area, Panel, Series, ticks_at};
use super::quantity::Quantity;
use super::scale::{Scale, labels};
use super::style::Look;
use crate::record::rows::EpochRow;

/// A run's epochs with the look of its line.
pub(super) struct Line<'a> {
    pub epochs: &'a [&'a EpochRow],
    pub look: Look,
}

impl Line<'_> {
    /// (epoch, value) pairs; NaN where there is no value.
    fn values(&self, quantity: Quantity, part: Part) -> impl Iterator<Item = (f64, f64)> {
        self.epochs.iter().map(move |row| {
            let metrics = match part {
                Part::Training => Some(&row.epoch.training),
                Part::Validation => row.epoch.validation.as_ref(),
            };
            let value = metrics.and_then(quantity.value);
            (row.epoch.epoch as f64, value.unwrap_or(f64::NAN))
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Training,
    Validation,
}

/// One plot: a quantity over some parts of the data, on the scale of all its parts.
pub(super) struct Plot {
    quantity: Quantity,
    parts: Vec<Part>,
    title: String,
    y: Scale,
    x: Scale,
}

/// The plots that have something to show: a plot a quantity, or a plot a quantity and part.
pub(super) fn plots(lines: &[Line], overlaid: bool) -> Vec<Plot> {
    let last = lines
        .iter()
        .flat_map(|line| line.epochs)
        .map(|row| row.epoch.epoch)
        .max();
    let x = Scale::epochs(last.unwrap_or(1));
    let mut plots = Vec::new();
    for quantity in [Quantity::ACCURACY, Quantity::LOSS] {
        let shown = |part: &Part| {
            let mut lines = lines.iter();
            lines.any(|line| line.values(quantity, *part).any(|(_, v)| v.is_finite()))
        };
        let parts: Vec<Part> = [Part::Training, Part::Validation]
            .into_iter()
            .filter(shown)
            .collect();
        let values = || {
            let of_line = |line| {
                parts
                    .iter()
                    .flat_map(move |&part| Line::values(line, quantity, part))
            };
            lines.iter().flat_map(of_line).map(|(_, value)| value)
        };
        let y = quantity.scale(values());
        let plot = |parts: &[Part]| Plot {
            quantity,
            parts: parts.to_vec(),
            title: title(&quantity, parts),
            y,
            x,
        };
        match (&parts[..], overlaid) {
            ([], _) => {}
            (parts, true) => plots.push(plot(parts)),
            (parts, false) => plots.extend(parts.iter().map(|&part| plot(&[part]))),
        }
    }
    plots
}

fn title(quantity: &Quantity, parts: &[Part]) -> String {
    let mut name = match parts {
        [Part::Training] => format!("training {}", quantity.name),
        [Part::Validation] => format!("validation {}", quantity.name),
        _ => quantity.name.to_owned(),
    };
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

impl Plot {
    /// Draws every line into `area`, with up to `marks` marks on each.
    pub(super) fn draw(
        &self,
        canvas: &Canvas,
        area: Area,
        lines: &[Line],
        marks: usize,
    ) -> Result<(), ChartError> {
        let (x_ticks, y_ticks) = (self.x.whole_ticks(8), self.y.ticks(8));
        let panel = Panel {
            area,
            title: &self.title,
            x_label: "epoch",
            y_label: &self.y.label(self.quantity.axis_label),
            x_ticks: ticks_at(&self.x, &x_ticks, labels(&x_ticks)),
            y_ticks: ticks_at(&self.y, &y_ticks, self.quantity.tick_labels(&y_ticks)),
            upright: false,
        };
        panel.draw(canvas)?;
        for &part in &self.parts {
            let dashed = part == Part::Training && self.parts.len() > 1;
            for line in lines {
                let values: Vec<_> = line.values(self.quantity, part).collect();
                let (look, marks) = if dashed {
                    (line.look.dashed(), 0)
                } else {
                    (line.look, marks)
                };
                panel.series(canvas, (&self.x, &self.y), &Series { values, look }, marks)?;
            }
        }
        Ok(())
    }
}

/// Whether any run has validation metrics.
pub(super) fn has_validation(lines: &[Line]) -> bool {
    let mut rows = lines.iter().flat_map(|line| line.epochs);
    rows.any(|row| row.epoch.validation.is_some())
}
