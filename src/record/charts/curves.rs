//! `curves.svg`: training and validation accuracy and loss by epoch, a line a run.

use super::ChartError;
use super::canvas::{Align, Canvas, Type};
use super::legend::Legend;
use super::looks::Looks;
use super::panel::{Area, BOTTOM_ROOM, LEFT_ROOM, TOP_ROOM};
use super::plot::{Line, has_validation, plots};
use super::style::MUTED;
use crate::record::Results;
use crate::record::text::shorten;

/// Up to this many runs show training and validation in one plot.
const MOST_OVERLAID: usize = 5;

pub(super) const WIDTH: i32 = 1100;
pub(super) const MARGIN: i32 = 24;
/// The height of the title and the line below it.
pub(super) const HEAD: i32 = 66;

/// Draws the learning curves of all runs as SVG; the same rows give the same bytes.
///
/// Few runs show training (dashed) and validation (solid) in one plot; more have a plot for each on one scale.
///
/// # Errors
/// Only where the drawing library refuses.
pub fn curves(results: &Results) -> Result<String, ChartError> {
    let runs = results.by_run();
    let looks = Looks::of(results.axes, &runs);
    let looked = runs.iter().enumerate();
    let lines: Vec<Line> = looked
        .map(|(i, epochs)| Line {
            epochs,
            look: looks.of_run(i),
        })
        .collect();
    let validated = has_validation(&lines);
    let overlaid = runs.len() <= MOST_OVERLAID;
    let plots = plots(&lines, overlaid);

    let columns = plots.len().clamp(1, 2) as i32;
    let rows = plots.len().div_ceil(columns as usize) as i32;
    let plot_height = if rows > 1 { 250 } else { 330 };
    let cell_width = (WIDTH - 2 * MARGIN) / columns;
    let cell_height = TOP_ROOM + plot_height + BOTTOM_ROOM;
    let legend_width = WIDTH - 2 * MARGIN - LEFT_ROOM;
    let entries = looks.entries(overlaid && validated);
    let legend = Legend::new(looks.title(), entries, legend_width);
    let legend_top = HEAD + rows * cell_height + 12;

    Canvas::draw((WIDTH, legend_top + legend.height() + MARGIN), |canvas| {
        let title = format!("{}: learning curves", results.name);
        head(
            canvas,
            &title,
            &about(results, runs.len(), validated, overlaid),
        )?;
        for (i, plot) in plots.iter().enumerate() {
            let (column, row) = (i as i32 % columns, i as i32 / columns);
            let area = Area {
                left: MARGIN + column * cell_width + LEFT_ROOM,
                top: HEAD + row * cell_height + TOP_ROOM,
                width: cell_width - LEFT_ROOM - 12,
                height: plot_height,
            };
            plot.draw(canvas, area, &lines, looks.marks())?;
        }
        legend.draw(canvas, (MARGIN + LEFT_ROOM, legend_top))
    })
}

/// The line below the title.
fn about(results: &Results, runs: usize, validated: bool, overlaid: bool) -> String {
    let who = match results.epochs.first() {
        Some(row) if runs == 1 => row.run.clone(),
        _ => format!("{runs} runs"),
    };
    let how = match (validated, overlaid) {
        (false, _) => "no validation images",
        (true, true) => "training dashed, validation solid",
        (true, false) => "training on the left, validation on the right, on the same scale",
    };
    format!("{}; {how}", shorten(&who, 70))
}

/// The title of a chart and a line about it.
pub(super) fn head(canvas: &Canvas, title: &str, about: &str) -> Result<(), ChartError> {
    let left = MARGIN + 14;
    let style = Type::new(19, Align::Left).bold();
    canvas.text(&shorten(title, 80), (left, 28), style)?;
    let style = Type::new(13, Align::Left).color(MUTED);
    canvas.text(&shorten(about, 130), (left, 51), style)
}
