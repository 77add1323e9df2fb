//! `curves.svg`: training and validation by epoch, the mean over the seeds of each setting with a band of one standard
//! deviation; a small plot a setting.

use super::WIDTH;
use super::frame::{Frame, Ticks, axis_label, scale, ticks};
use super::scale::{Scale, labels};
use super::svg::{Anchor, Svg, color};
use crate::analysis::{Sample, Unit};
use crate::record::EpochRow;
use crate::record::text::{percent, shorten};
use crate::report::Experiment;
use crate::report::experiment::Setting;
use crate::train::Metrics;

/// Settings that are shown at most.
const MOST: usize = 48;
const TRAINING: usize = 3;
const VALIDATION: usize = 0;

/// Mean and deviation of a quantity by epoch.
type Curve = Vec<(usize, Sample)>;

struct Cell {
    label: String,
    /// The values alone.
    short: String,
    runs: usize,
    training: Curve,
    validation: Curve,
}

struct Quantity {
    name: &'static str,
    unit: Unit,
    of: fn(&Metrics) -> Option<f64>,
}

const QUANTITIES: [Quantity; 2] = [
    Quantity {
        name: "accuracy",
        unit: Unit::Share,
        of: |m| m.accuracy,
    },
    Quantity {
        name: "loss",
        unit: Unit::Plain,
        of: |m| Some(m.loss),
    },
];

/// None before the first epoch.
pub fn curves(experiment: &Experiment) -> Option<Svg> {
    let settings = experiment.settings();
    let begun = |s: &&Setting| {
        s.runs
            .iter()
            .any(|r| experiment.epochs.contains_key(&r.row.run))
    };
    let all: Vec<&Setting> = settings.iter().filter(begun).collect();
    let settings = &all[..all.len().min(MOST)];
    if settings.is_empty() {
        return None;
    }
    let columns = match settings.len() {
        1 => 1,
        2..=4 => 2,
        5..=9 => 3,
        10..=20 => 4,
        _ => 6,
    };
    let rows = settings.len().div_ceil(columns);
    let cell_height = if columns == 1 {
        250.0
    } else if columns <= 3 {
        165.0
    } else {
        125.0
    };
    let section = 30.0 + rows as f64 * cell_height + 26.0;
    let shown: Vec<(&Quantity, Vec<Cell>)> = QUANTITIES
        .iter()
        .map(|q| {
            (
                q,
                settings
                    .iter()
                    .map(|s| cell(experiment, s, q))
                    .collect::<Vec<Cell>>(),
            )
        })
        .filter(|(_, cells)| cells.iter().any(|c| !c.training.is_empty()))
        .collect();
    let mut svg = Svg::new(
        WIDTH,
        64.0 + shown.len() as f64 * section,
        format!(
            "{}: accuracy and loss by epoch, in training and validation",
            experiment.name
        ),
    );
    let title = format!("{}: learning curves", experiment.name);
    svg.text((16.0, 22.0), Anchor::Start, "title", &shorten(&title, 80));
    head(&mut svg, &shown, all.len());
    for (i, (quantity, cells)) in shown.iter().enumerate() {
        let top = 64.0 + i as f64 * section;
        grid(&mut svg, quantity, cells, top, (columns, cell_height));
    }
    Some(svg)
}

fn head(svg: &mut Svg, shown: &[(&Quantity, Vec<Cell>)], all: usize) {
    let cells = shown.first().map_or(&[][..], |(_, cells)| cells);
    let y = 46.0;
    let mut x = 16.0;
    for (series, name) in [(TRAINING, "training"), (VALIDATION, "validation")] {
        let dashed = if series == TRAINING { " dashed" } else { "" };
        svg.path(
            &[(x, y), (x + 26.0, y)],
            &format!("line {}{dashed}", color(series)),
        );
        svg.text((x + 32.0, y), Anchor::Start, "small", name);
        x += 110.0;
    }
    let mut about = Vec::new();
    if cells.iter().any(|cell| cell.runs > 1) {
        about.push("band: ± standard deviation over the seeds".to_owned());
    }
    if cells.len() > 1 {
        about.push("dotted: the best of all".to_owned());
    }
    if all > cells.len() {
        about.push(format!("the first {} of {all} settings", cells.len()));
    }
    svg.text((x, y), Anchor::Start, "small muted", &about.join("; "));
}

fn cell(experiment: &Experiment, setting: &Setting, quantity: &Quantity) -> Cell {
    let epochs = |run: &str| experiment.epochs.get(run).map_or(&[][..], Vec::as_slice);
    let rows: Vec<&EpochRow> = setting
        .runs
        .iter()
        .flat_map(|r| epochs(&r.row.run))
        .collect();
    let runs = setting
        .runs
        .iter()
        .filter(|r| !epochs(&r.row.run).is_empty())
        .count();
    let training = |row: &EpochRow| (quantity.of)(&row.epoch.training);
    let validation = |row: &EpochRow| (quantity.of)(row.epoch.validation.as_ref()?);
    Cell {
        label: setting.label.clone(),
        short: setting.values(),
        runs,
        training: curve(&rows, &training),
        validation: curve(&rows, &validation),
    }
}

fn curve(rows: &[&EpochRow], value: &dyn Fn(&EpochRow) -> Option<f64>) -> Curve {
    let last = rows.iter().map(|row| row.epoch.epoch).max().unwrap_or(0);
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); last + 1];
    for row in rows {
        values[row.epoch.epoch].extend(value(row));
    }
    let sample = |(epoch, values): (usize, Vec<f64>)| Some((epoch, Sample::of(values)?));
    values.into_iter().enumerate().filter_map(sample).collect()
}

fn grid(
    svg: &mut Svg,
    quantity: &Quantity,
    cells: &[Cell],
    top: f64,
    (columns, height): (usize, f64),
) {
    let both = |cell: &'_ Cell| [cell.training.clone(), cell.validation.clone()].concat();
    let all: Vec<(usize, Sample)> = cells.iter().flat_map(both).collect();
    let last = all.iter().map(|(epoch, _)| *epoch).max().unwrap_or(1);
    let x = Scale::epochs(last);
    let y = scale(quantity.unit, all.iter().map(|(_, sample)| sample.mean));
    let x_values = x.whole_ticks(if columns > 3 { 3 } else { 6 });
    let x_ticks: Ticks = x_values
        .iter()
        .zip(labels(&x_values))
        .filter_map(|(v, label)| Some((x.place(*v)?, label)))
        .collect();
    let y_ticks = ticks(&y, quantity.unit, if height > 200.0 { 8 } else { 6 });
    let label = y.label(&axis_label(quantity.name, quantity.unit));
    svg.text((16.0, top + 8.0), Anchor::Start, "panel", &label);
    let reference = best(cells, quantity.unit == Unit::Share);
    let width = (WIDTH - 24.0) / columns as f64;
    for (i, cell) in cells.iter().enumerate() {
        let (row, column) = (i / columns, i % columns);
        let frame = Frame {
            left: 12.0 + column as f64 * width + 38.0,
            top: top + 30.0 + row as f64 * height + 14.0,
            width: width - 48.0,
            height: height - 44.0,
        };
        if cells.len() > 1 {
            let room = ((width - 12.0) / 6.4) as usize;
            let at = (frame.left - 30.0, frame.top - 10.0);
            svg.text(at, Anchor::Start, "small", &shorten(&cell.short, room));
        }
        frame.draw(svg, &x_ticks, &y_ticks);
        let place = |epoch: usize, value: f64| {
            Some((frame.x(x.place(epoch as f64)?), frame.y(y.place(value)?)))
        };
        if let Some(reference) = reference.filter(|_| cells.len() > 1) {
            let points: Vec<_> = reference
                .iter()
                .filter_map(|(e, s)| place(*e, s.mean))
                .collect();
            svg.path(&points, "reference");
        }
        for (series, curve) in [(TRAINING, &cell.training), (VALIDATION, &cell.validation)] {
            draw(svg, &place, curve, series, &tip(cell, quantity, series));
        }
    }
    let y = top + 30.0 + cells.len().div_ceil(columns) as f64 * height + 2.0;
    svg.text((WIDTH / 2.0, y), Anchor::Middle, "small muted", "epoch");
}

/// The validation curve that ends best.
fn best(cells: &[Cell], rises: bool) -> Option<&Curve> {
    let curves = cells
        .iter()
        .map(|cell| &cell.validation)
        .filter(|curve| !curve.is_empty());
    let peak = |curve: &Curve| {
        let means = curve
            .iter()
            .map(|(_, sample)| if rises { sample.mean } else { -sample.mean });
        means.fold(f64::NEG_INFINITY, f64::max)
    };
    curves.max_by(|a, b| peak(a).total_cmp(&peak(b)))
}

fn tip<'a>(
    cell: &'a Cell,
    quantity: &'a Quantity,
    series: usize,
) -> impl Fn(usize, &Sample) -> String + 'a {
    let part = if series == TRAINING {
        "training"
    } else {
        "validation"
    };
    move |epoch, sample| {
        let value = |v: f64| match quantity.unit {
            Unit::Share => percent(v),
            _ => format!("{v:.4}"),
        };
        let deviation = sample
            .deviation
            .map_or(String::new(), |d| format!(" ± {}", value(d)));
        format!(
            "{}\n{part} {}, epoch {epoch}: {}{deviation} (n = {})",
            cell.label,
            quantity.name,
            value(sample.mean),
            sample.n
        )
    }
}

fn draw(
    svg: &mut Svg,
    place: &dyn Fn(usize, f64) -> Option<(f64, f64)>,
    curve: &Curve,
    series: usize,
    tip: &dyn Fn(usize, &Sample) -> String,
) {
    let color = color(series);
    let edge = |side: f64| {
        let at = move |(epoch, s): &(usize, Sample)| place(*epoch, s.mean + side * s.deviation?);
        curve.iter().filter_map(at).collect::<Vec<_>>()
    };
    let (upper, mut lower) = (edge(1.0), edge(-1.0));
    if upper.len() > 1 {
        lower.reverse();
        svg.area(&[upper, lower].concat(), &format!("band {color}"));
    }
    let points: Vec<(f64, f64)> = curve
        .iter()
        .filter_map(|(e, s)| place(*e, s.mean))
        .collect();
    let dashed = if series == TRAINING { " dashed" } else { "" };
    svg.path(&points, &format!("line {color}{dashed}"));
    let radius = if curve.len() == 1 {
        4.0
    } else if curve.len() <= 12 {
        2.4
    } else {
        1.6
    };
    for ((epoch, sample), at) in curve.iter().zip(points) {
        svg.mark(at, radius, series, "", &tip(*epoch, sample));
    }
}
