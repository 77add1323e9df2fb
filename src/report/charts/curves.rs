//! `curves.svg`: training and validation by epoch, a small plot per setting: the mean over the runs of each with a band
//! of one standard deviation.

use super::chart::{Chart, Entry, Plot, Row, width_of_each};
use super::epochs::{Curve, OfRun};
use super::frame::{Axis, Frame, about_axis, axis_label, plot, scale, ticks};
use super::scale::{Scale, labels};
use super::svg::{Svg, color};
use super::view::View;
use crate::analysis::{Sample, Unit};
use crate::metric::{ACCURACY, LOSS, METRICS, Metric};
use crate::report::Experiment;
use crate::report::experiment::{Ranked, Setting, repeats};
use crate::store::EpochRow;
use crate::store::Status;
use crate::store::text::percent;

/// Settings that are shown at most.
const MOST: usize = 12;
/// Of more epochs than this, no single one is marked.
const MOST_MARKS: usize = 60;
const TRAINING: usize = 3;
const VALIDATION: usize = 0;

/// A setting's curves of a quantity.
struct Cell {
    label: String,
    /// The last epochs of stages, but of the last one.
    stage_ends: Vec<usize>,
    training: Curve,
    validation: Curve,
}

/// None before the first epoch.
pub(super) fn curves(experiment: &Experiment, view: Option<&View<'_>>) -> Option<Chart> {
    let ranked = view.map_or(&[][..], |view| &view.settings);
    let (settings, all) = shown_settings(experiment, ranked);
    let grids: Vec<Grid> = quantities()
        .map(|quantity| Grid::new(experiment, &settings, quantity))
        .filter(|grid| grid.cells.iter().any(|cell| !cell.training.is_empty()))
        .collect();
    let first = grids.first()?;
    let both = |curve: fn(&Cell) -> &Curve| grids.iter().flat_map(|grid| &grid.cells).map(curve);
    let has_validation = both(|cell| &cell.validation).any(|curve| !curve.is_empty());
    let mut legend = vec![Entry::line_of(TRAINING, "dashed", "training")];
    if has_validation {
        legend.push(Entry::line_of(VALIDATION, "", "validation"));
    }
    if first.reference.is_some() {
        legend.push(Entry::line(
            "reference",
            format!("validation of {}", first.best()),
        ));
    }
    if both(|cell| &cell.training).any(|curve| !curve.alone.is_empty()) {
        legend.push(Entry::line("line thin", "a single run"));
    }
    let title = format!("{}: learning curves, by epoch", experiment.name);
    let mut notes = notes(experiment, &grids);
    if all > settings.len() {
        let which = if ranked.is_empty() { "first" } else { "best" };
        notes.push(format!(
            "The {which} {} of {all} settings are shown.",
            settings.len()
        ));
    }
    let rows = grids.iter().map(Grid::row).collect();
    Some(
        Chart::of_rows("curves.svg".into(), title, rows)
            .with_legend(legend)
            .with_notes(notes),
    )
}

/// What has a curve where it was measured: accuracy and loss, then the others.
fn quantities() -> impl Iterator<Item = &'static Metric> {
    let first = [&ACCURACY, &LOSS];
    let is_other = move |metric: &&Metric| first.iter().all(|other| other.name != metric.name);
    let others = METRICS.into_iter().filter(|metric| !metric.is_per_class());
    first.into_iter().chain(others.filter(is_other))
}

/// A setting with its title and its runs.
type Shown<'a> = (String, Setting<'a>);

/// The best settings where some are finished, and how many there are.
fn shown_settings<'a>(
    experiment: &'a Experiment,
    ranked: &[Ranked<'_>],
) -> (Vec<Shown<'a>>, usize) {
    let begun = |setting: &Setting| {
        let mut runs = setting.runs.iter();
        runs.any(|run| experiment.epochs.contains_key(&run.row.run))
    };
    let rank = |setting: &Setting| {
        let of = |run: &&crate::analysis::Recorded| experiment.rank_of(&run.row.run);
        setting.runs.iter().filter_map(of).min()
    };
    let settings = experiment.settings().into_iter().filter(begun);
    let mut settings: Vec<(Option<usize>, Setting<'_>)> =
        settings.map(|setting| (rank(&setting), setting)).collect();
    settings.sort_by_key(|(rank, _)| rank.unwrap_or(usize::MAX));
    let all = settings.len();
    settings.truncate(MOST);
    let titled = |(rank, setting): (Option<usize>, Setting<'a>)| {
        let known = rank.and_then(|rank| ranked.get(rank - 1));
        let title = known.map_or_else(|| setting.label.clone(), |known| known.titled());
        (title, setting)
    };
    (settings.into_iter().map(titled).collect(), all)
}

fn notes(experiment: &Experiment, grids: &[Grid]) -> Vec<String> {
    let cells = || grids.iter().flat_map(|grid| &grid.cells);
    let curves = || cells().flat_map(|cell| [&cell.training, &cell.validation]);
    let counts = curves().filter_map(|curve| curve.together.first());
    let repeats = repeats(experiment, counts.map(|(_, sample)| sample.n));
    let mut notes = Vec::new();
    if !repeats.is_single() {
        notes.push(format!(
            "Lines: the mean of a setting's runs {repeats}; bands: ± standard deviation."
        ));
    }
    if curves().any(|curve| !curve.alone.is_empty()) {
        notes.push(
            "The mean is drawn as long as all runs of a setting train; runs that trained longer, or failed, are thin \
             lines of their own."
                .into(),
        );
    }
    if cells().any(|cell| !cell.stage_ends.is_empty()) {
        notes.push("Upright lines: a stage ends, and the next begins.".into());
    }
    let about = grids.iter().map(|grid| {
        let about = about_axis(&grid.y, grid.quantity.unit);
        about.replacen(
            "The vertical axis",
            &format!("The axis of {}", grid.quantity.name),
            1,
        )
    });
    notes.extend(about);
    notes
}

/// All settings' plots of a quantity, with the same axes.
struct Grid {
    quantity: &'static Metric,
    cells: Vec<Cell>,
    y: Scale,
    x: Scale,
    /// The validation curve of the best setting, where there are several.
    reference: Option<usize>,
}

impl Grid {
    fn new(experiment: &Experiment, settings: &[Shown<'_>], quantity: &'static Metric) -> Self {
        let cell = |shown: &Shown<'_>| cell(experiment, shown, quantity);
        let cells: Vec<Cell> = settings.iter().map(cell).collect();
        let both = |cell: &Cell| {
            let values = cell.training.values().chain(cell.validation.values());
            values.collect::<Vec<_>>()
        };
        let values: Vec<(usize, f64)> = cells.iter().flat_map(both).collect();
        let last = values.iter().map(|(epoch, _)| *epoch).max().unwrap_or(1);
        // A loss is positive, a share at most 1: where the band goes beyond, it ends at the frame.
        let most = if quantity.unit == Unit::Share {
            1.0
        } else {
            f64::INFINITY
        };
        let curves = cells
            .iter()
            .flat_map(|cell| [&cell.training, &cell.validation]);
        let edges: Vec<f64> = curves
            .flat_map(Curve::edges)
            .filter(|edge| *edge > 0.0 && *edge <= most)
            .collect();
        let is_ranked = experiment.comparison.is_some() && cells.len() > 1;
        let has_best = cells
            .first()
            .is_some_and(|cell| !cell.validation.together.is_empty());
        Grid {
            y: scale(
                quantity.unit,
                values.iter().map(|(_, value)| *value).chain(edges),
            ),
            x: Scale::epochs(last),
            reference: (is_ranked && has_best).then_some(0),
            quantity,
            cells,
        }
    }

    fn best(&self) -> &str {
        let best = self.reference.and_then(|best| self.cells.get(best));
        best.map_or("", |cell| cell.label.as_str())
    }

    fn row(&self) -> Row {
        let several = self.cells.len() > 1;
        let alone = !several;
        let plot = |cell: &Cell| Plot {
            label: if several {
                cell.label.clone()
            } else {
                String::new()
            },
            picture: self.draw(
                cell,
                if alone {
                    super::chart::WIDE
                } else {
                    width_of_each(self.cells.len())
                },
            ),
            narrow: alone.then(|| self.draw(cell, super::chart::NARROW)),
        };
        let title = axis_label(self.quantity.name, self.quantity.unit);
        Row::new(&title, self.cells.iter().map(plot).collect())
    }

    fn draw(&self, cell: &Cell, width: f64) -> Svg {
        let height = if width < 300.0 {
            120.0
        } else if width < 500.0 {
            190.0
        } else {
            260.0
        };
        let whole = self.x.whole_ticks((width / 60.0) as usize);
        let x_ticks = whole.iter().zip(labels(&whole));
        let x = Axis {
            ticks: x_ticks
                .filter_map(|(v, label)| Some((self.x.place(*v)?, label)))
                .collect(),
            label: "epoch".into(),
        };
        let name = axis_label(self.quantity.name, self.quantity.unit);
        let y = Axis {
            ticks: ticks(&self.y, self.quantity.unit, (height / 20.0) as usize),
            label: self.y.label(&name),
        };
        let label = format!("{name} by epoch, {}", cell.label);
        let (frame, svg) = plot((width, height), &label, &x, &y);
        let mut canvas = Canvas {
            svg,
            frame,
            grid: self,
        };
        for end in &cell.stage_ends {
            if let Some(x) = canvas.grid.x.place(*end as f64 + 0.5) {
                let x = canvas.frame.x(x);
                let (top, bottom) = (canvas.frame.top, canvas.frame.bottom());
                canvas.svg.line((x, top), (x, bottom), "reference");
            }
        }
        if let Some(best) = self.reference.and_then(|best| self.cells.get(best)) {
            let points = canvas.points(best.validation.together.iter().map(|(e, s)| (*e, s.mean)));
            canvas.svg.path(&points, "reference");
        }
        canvas.curve(cell, TRAINING, &cell.training);
        canvas.curve(cell, VALIDATION, &cell.validation);
        canvas.svg
    }
}

fn cell(experiment: &Experiment, (label, setting): &Shown<'_>, quantity: &Metric) -> Cell {
    let epochs = |run: &str| experiment.epochs.get(run).map_or(&[][..], Vec::as_slice);
    let runs: Vec<OfRun<'_>> = setting
        .runs
        .iter()
        .map(|run| (epochs(&run.row.run), run.row.status != Status::Failed))
        .collect();
    let validation = |row: &EpochRow| row.epoch.validation.as_ref()?.number(quantity);
    Cell {
        label: label.clone(),
        stage_ends: runs
            .first()
            .map_or(Vec::new(), |(rows, _)| stage_ends(rows)),
        training: Curve::of(&runs, &|row| row.epoch.training.number(quantity)),
        validation: Curve::of(&runs, &validation),
    }
}

/// The last epochs of a run's stages but the last.
fn stage_ends(rows: &[EpochRow]) -> Vec<usize> {
    let pairs = rows.windows(2);
    let ends = pairs.filter(|pair| pair[0].epoch.stage != pair[1].epoch.stage);
    ends.map(|pair| pair[0].epoch.epoch).collect()
}

/// A plot that is being drawn.
struct Canvas<'a> {
    svg: Svg,
    frame: Frame,
    grid: &'a Grid,
}

impl Canvas<'_> {
    fn at(&self, epoch: usize, value: f64) -> Option<(f64, f64)> {
        let (x, y) = (self.grid.x.place(epoch as f64)?, self.grid.y.place(value)?);
        Some((self.frame.x(x), self.frame.y(y)))
    }

    fn points(&self, values: impl Iterator<Item = (usize, f64)>) -> Vec<(f64, f64)> {
        values
            .filter_map(|(epoch, value)| self.at(epoch, value))
            .collect()
    }

    fn curve(&mut self, cell: &Cell, series: usize, curve: &Curve) {
        let together = &curve.together;
        let color = color(series);
        let edge = |side: f64| {
            let at =
                move |(epoch, s): &(usize, Sample)| Some((*epoch, s.mean + side * s.deviation?));
            together.iter().filter_map(at).collect::<Vec<_>>()
        };
        let upper = self.points(edge(1.0).into_iter());
        let mut lower = self.points(edge(-1.0).into_iter());
        if upper.len() > 1 {
            lower.reverse();
            self.svg
                .area(&[upper, lower].concat(), &format!("band {color}"));
        }
        let dashed = if series == TRAINING { " dashed" } else { "" };
        for own in &curve.alone {
            let points = self.points(own.values.iter().copied());
            let class = format!("line thin {color}{dashed}");
            self.svg.told_path(&points, &class, &own.run);
        }
        let points = self.points(together.iter().map(|(epoch, s)| (*epoch, s.mean)));
        self.svg.path(&points, &format!("line {color}{dashed}"));
        let radius = match together.len() {
            1 => 4.0,
            2..=12 => 2.4,
            _ => 1.6,
        };
        if together.len() <= MOST_MARKS {
            for (epoch, sample) in together {
                if let Some(at) = self.at(*epoch, sample.mean) {
                    let tip = self.tip(cell, series, *epoch, sample);
                    self.svg.mark(at, radius, series, "", &tip);
                }
            }
        }
    }

    fn tip(&self, cell: &Cell, series: usize, epoch: usize, sample: &Sample) -> String {
        let part = match series {
            TRAINING => "training",
            _ => "validation",
        };
        let value = |v: f64| match self.grid.quantity.unit {
            Unit::Share => percent(v),
            _ => format!("{v:.4}"),
        };
        let deviation = sample
            .deviation
            .map_or(String::new(), |d| format!(" ± {}", value(d)));
        format!(
            "{}\n{part} {}, epoch {epoch}: {}{deviation} (n = {})",
            cell.label,
            self.grid.quantity.name,
            value(sample.mean),
            sample.n
        )
    }
}
