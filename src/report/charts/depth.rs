//! `depth.svg`: what probes reach at every boundary of a backbone, and what training costs from there.

use super::chart::{Chart, Entry, HALF, Plot, Row as Plots};
use super::frame::{Axis, about_axis, plot, scale, ticks};
use super::scale::Scale;
use super::svg::{Svg, color};
use crate::analysis::Unit;
use crate::probe::Row;
use crate::text::si;

/// A line of the chart: one backbone by one probe, or the best linear one.
struct Line<'a> {
    name: String,
    /// From shallow to deep.
    rows: Vec<&'a Row>,
}

/// None where there is no row.
pub fn depth(experiment: &str, rows: &[Row]) -> Option<Chart> {
    let mut backbones: Vec<&str> = rows.iter().map(|row| row.backbone.as_str()).collect();
    backbones.dedup();
    let lines = match backbones.as_slice() {
        [] => return None,
        [_] => by_probe(rows),
        _ => backbones
            .iter()
            .map(|name| by_backbone(name, rows))
            .collect(),
    };
    let is_one = backbones.len() == 1;
    let costs: Vec<Line<'_>> = backbones
        .iter()
        .map(|name| by_backbone(name, rows))
        .collect();
    let y = scale(
        Unit::Share,
        lines
            .iter()
            .flat_map(|line| &line.rows)
            .flat_map(|row| ends(row)),
    );
    let mut notes = vec![
        "Pooled features at each boundary, classified without training the backbone; bands: ± the standard error that the \
         number of validation images leaves."
            .to_owned(),
    ];
    if !is_one {
        notes.push("Each line: the better of ridge and logistic regression.".into());
    }
    notes.push(
        "Right: multiply-accumulates of a training step, an image, where the backbone is frozen up to the boundary.".into(),
    );
    notes.push(about_axis(&y, Unit::Share));
    let named = lines.iter().enumerate();
    let legend: Vec<Entry> = named
        .map(|(series, line)| Entry::mark(series, line.name.clone()))
        .collect();
    let title = match is_one {
        true => format!("{experiment}: probes of {} by depth", backbones[0]),
        false => format!("{experiment}: probes by depth"),
    };
    let accuracy = |width| draw_accuracy(width, &lines, &y, is_one);
    let cost = |width| draw_cost(width, &costs, is_one);
    let plots = [
        ("accuracy", accuracy(HALF), accuracy(super::chart::NARROW)),
        ("cost", cost(HALF), cost(super::chart::NARROW)),
    ];
    let plots = plots.map(|(label, picture, narrow)| Plot {
        label: label.into(),
        picture,
        narrow: Some(narrow),
    });
    let chart = Chart::of_rows(
        "depth.svg".into(),
        title,
        vec![Plots::new("", plots.into())],
    );
    Some(chart.with_legend(legend).with_notes(notes))
}

fn by_probe(rows: &[Row]) -> Vec<Line<'_>> {
    let mut probes: Vec<&str> = Vec::new();
    for row in rows {
        if !probes.contains(&row.probe) {
            probes.push(row.probe);
        }
    }
    let line = |probe: &&str| Line {
        name: (*probe).to_owned(),
        rows: rows.iter().filter(|row| row.probe == *probe).collect(),
    };
    probes.iter().map(line).collect()
}

fn by_backbone<'a>(backbone: &str, rows: &'a [Row]) -> Line<'a> {
    Line {
        name: backbone.to_owned(),
        rows: crate::probe::best_linear(rows, backbone),
    }
}

fn ends(row: &Row) -> [f64; 2] {
    [
        row.val_accuracy - row.val_std,
        row.val_accuracy + row.val_std,
    ]
}

/// Where the boundaries of a line stand: evenly, the last one at the end.
fn places(line: &Line<'_>) -> impl Iterator<Item = f64> + use<> {
    let count = line.rows.len();
    (0..count).map(move |at| (at as f64 + 0.5) / count as f64)
}

/// Boundaries by name, where all lines have the same.
fn x_axis(lines: &[Line<'_>], is_one: bool) -> Axis {
    let names = lines.first().filter(|_| is_one);
    let named = names.map(|line| {
        let names = line.rows.iter().map(|row| row.boundary.clone());
        places(line).zip(names).collect()
    });
    match named {
        Some(ticks) => Axis {
            ticks,
            label: "boundary (freeze.through)".into(),
        },
        None => Axis {
            ticks: [0.0, 0.25, 0.5, 0.75, 1.0]
                .map(|place| (place, format!("{:.0}", place * 100.0)))
                .into(),
            label: "boundaries passed, of those of the backbone (%)".into(),
        },
    }
}

fn draw_accuracy(width: f64, lines: &[Line<'_>], y: &Scale, is_one: bool) -> Svg {
    let axis = Axis {
        ticks: ticks(y, Unit::Share, 8),
        label: y.label("validation accuracy (%)"),
    };
    let x = x_axis(lines, is_one);
    let (frame, mut svg) = plot((width, 260.0), "validation accuracy by boundary", &x, &axis);
    for (series, line) in lines.iter().enumerate() {
        let color = color(series);
        let at = |value: f64, place: f64| Some((frame.x(place), frame.y(y.place(value)?)));
        let edge = |side: usize| -> Vec<(f64, f64)> {
            let edge = line.rows.iter().zip(places(line));
            edge.filter_map(|(row, place)| at(ends(row)[side], place))
                .collect()
        };
        let mut around = edge(0);
        around.extend(edge(1).into_iter().rev());
        svg.area(&around, &format!("band {color}"));
        let points = line.rows.iter().zip(places(line));
        let points: Vec<(f64, f64)> = points
            .filter_map(|(row, place)| at(row.val_accuracy, place))
            .collect();
        svg.path(&points, &format!("line {color}"));
        for (point, row) in points.iter().zip(&line.rows) {
            let tip = format!(
                "{}, {}\n{}: {:.1} ± {:.1} %",
                row.boundary,
                row.backbone,
                row.probe,
                row.val_accuracy * 100.0,
                row.val_std * 100.0
            );
            svg.mark(*point, 4.0, series, "", &tip);
        }
    }
    svg
}

fn draw_cost(width: f64, lines: &[Line<'_>], is_one: bool) -> Svg {
    let costs = lines.iter().flat_map(|line| &line.rows);
    let y = Scale::fit(costs.map(|row| row.training_operations.max(1) as f64));
    let axis = Axis {
        ticks: y
            .ticks(7)
            .into_iter()
            .filter_map(|value| Some((y.place(value)?, si(value as u64))))
            .collect(),
        label: y.label("multiply-accumulates a training step, an image"),
    };
    let x = x_axis(lines, is_one);
    let (frame, mut svg) = plot((width, 260.0), "cost of training by boundary", &x, &axis);
    for (series, line) in lines.iter().enumerate() {
        // A single backbone is no probe, and has none of their colours.
        let class = match is_one {
            true => format!("line {}", color(3)),
            false => format!("line {}", color(series)),
        };
        let points = line.rows.iter().zip(places(line));
        let points: Vec<(f64, f64)> = points
            .filter_map(|(row, place)| {
                let place_y = y.place(row.training_operations.max(1) as f64)?;
                Some((frame.x(place), frame.y(place_y)))
            })
            .collect();
        svg.path(&points, &class);
    }
    svg
}
