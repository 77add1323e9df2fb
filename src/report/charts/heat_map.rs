//! `heat_<axis>_<axis>.svg`: the metric for each pair of two axes' values.

use std::collections::HashMap;

use super::axis::Swept;
use super::chart::{Chart, Entry};
use super::frame::{fitted, text_width};
use super::ramp;
use super::svg::{Anchor, Svg};
use super::view::{View, file_name};
use crate::analysis::{Measure, Sample, Unit, shown};
use crate::report::experiment::{Ranked, one, repeats};
use crate::store::text::value;
use crate::text::counted;

/// More values than this of an axis do not fit.
const MOST: usize = 24;
const HEIGHT: f64 = 32.0;

/// None where an axis has fewer than two values, or too many.
pub(super) fn heat_map(view: &View<'_>, (down, across): (usize, usize)) -> Option<Chart> {
    let measure = view.measure;
    let (mut rows, mut columns) = (view.axes.get(down)?, view.axes.get(across)?);
    let fits = |n: usize| (2..=MOST).contains(&n);
    if !fits(rows.values.len()) || !fits(columns.values.len()) {
        return None;
    }
    let file = format!(
        "heat_{}_{}.svg",
        file_name(&rows.key),
        file_name(&columns.key)
    );
    let (mut down, mut across) = (down, across);
    if columns.values.len() > rows.values.len() + 4 {
        // There is more room below than beside.
        std::mem::swap(&mut rows, &mut columns);
        std::mem::swap(&mut down, &mut across);
    }
    let map = Map::of(&view.settings, (rows, down), (columns, across), measure)?;
    let title = format!(
        "{}: {} by {} (down) and {} (across)",
        view.experiment.name,
        view.measured(),
        rows.key,
        columns.key
    );
    let others = view.axes.iter().enumerate();
    let others = others.filter(|(i, _)| ![down, across].contains(i));
    let others: Vec<&str> = others.map(|(_, swept)| swept.key.as_str()).collect();
    let better = if measure.rises { "higher" } else { "lower" };
    let scale = Entry::ramp(
        &one(map.low, measure.unit),
        &one(map.high, measure.unit),
        format!("{better} is better"),
    );
    let chart = Chart::of_one(file, title, |width| map.draw(width, rows, columns));
    Some(
        chart
            .with_legend([scale])
            .with_notes(map.notes(view, &others)),
    )
}

/// The settings of a cell: the mean of their means, and how many there are.
struct Cell {
    settings: Sample,
    /// The only setting's own sample.
    only: Option<Sample>,
}

struct Map {
    cells: HashMap<(usize, usize), Cell>,
    measure: Measure,
    low: f64,
    high: f64,
    /// The most settings in a cell.
    most: usize,
}

impl Map {
    fn of(
        settings: &[Ranked<'_>],
        (rows, down): (&Swept, usize),
        (columns, across): (&Swept, usize),
        measure: Measure,
    ) -> Option<Self> {
        let mut samples: HashMap<(usize, usize), Vec<Sample>> = HashMap::new();
        for setting in settings {
            let at = |swept: &Swept, axis: usize| {
                swept.position(setting.group.point.get(axis)?.as_ref()?)
            };
            if let (Some(row), Some(column), Some(sample)) = (
                at(rows, down),
                at(columns, across),
                setting.group.reported(),
            ) {
                samples.entry((row, column)).or_default().push(*sample);
            }
        }
        let cell = |(at, samples): ((usize, usize), Vec<Sample>)| {
            let only = match samples[..] {
                [only] => Some(only),
                _ => None,
            };
            let settings = Sample::of(samples.iter().map(|sample| sample.mean))?;
            Some((at, Cell { settings, only }))
        };
        let cells: HashMap<_, _> = samples.into_iter().filter_map(cell).collect();
        let means = || cells.values().map(|cell| cell.settings.mean);
        Some(Map {
            low: means().reduce(f64::min)?,
            high: means().reduce(f64::max)?,
            most: cells.values().map(|cell| cell.settings.n).max()?,
            measure,
            cells,
        })
    }

    fn place(&self, mean: f64) -> f64 {
        match self.high > self.low {
            true => (mean - self.low) / (self.high - self.low),
            false => 0.5,
        }
    }

    /// Whether the cell lacks settings that others have.
    fn is_incomplete(&self, cell: &Cell) -> bool {
        cell.settings.n < self.most
    }

    fn notes(&self, view: &View<'_>, others: &[&str]) -> Vec<String> {
        let settings = view.settings.iter();
        let runs = settings.filter_map(|setting| setting.group.reported());
        let repeats = repeats(view.experiment, runs.map(|sample| sample.n));
        let setting = match repeats.is_single() {
            true => "one run".to_owned(),
            false => format!("the mean {repeats}"),
        };
        let mut notes = vec![match self.most {
            1 => format!("Each cell is one setting: {setting}."),
            _ => format!(
                "Each cell: the mean over {}, which differ in {}; of each, {setting}.",
                counted(self.most, "setting"),
                others.join(", ")
            ),
        }];
        if self.cells.values().any(|cell| self.is_incomplete(cell)) {
            notes.push(
                "* lacks settings that other cells have: its mean is not comparable with theirs."
                    .into(),
            );
        }
        notes
    }

    /// As short as it can be read.
    fn short(&self, cell: &Cell) -> String {
        let mean = cell.settings.mean;
        let text = match self.measure.unit {
            Unit::Share => format!("{:.1}", mean * 100.0),
            _ => crate::store::text::number(mean, 4),
        };
        let star = if self.is_incomplete(cell) { "*" } else { "" };
        format!("{text}{star}")
    }

    fn draw(&self, room: f64, rows: &Swept, columns: &Swept) -> Svg {
        let names: Vec<String> = rows.values.iter().map(value).collect();
        let widest = |names: &[String]| {
            names
                .iter()
                .map(|name| text_width(name))
                .fold(0.0, f64::max)
        };
        let left = (widest(&names) + 10.0).min(room * 0.3);
        let titles: Vec<String> = columns.values.iter().map(value).collect();
        // Cells that numbers fit in; where that is wider than the page, the chart can be scrolled.
        let width = ((room - left) / columns.values.len() as f64).clamp(40.0, 120.0);
        let upright = widest(&titles) + 6.0 > width;
        let top = if upright {
            widest(&titles).min(130.0) + 10.0
        } else {
            20.0
        };
        let size = (
            left + width * columns.values.len() as f64 + 1.0,
            top + rows.values.len() as f64 * HEIGHT + 1.0,
        );
        let label = format!("{} by {} and {}", self.measure.name, rows.key, columns.key);
        let mut svg = Svg::new(size.0.max(room), size.1, label);
        for (c, title) in titles.iter().enumerate() {
            let x = left + (c as f64 + 0.5) * width;
            match upright {
                true => svg.upright(
                    (x, top - 6.0),
                    Anchor::Start,
                    "small",
                    &fitted(title, 120.0),
                ),
                false => svg.text((x, top - 9.0), Anchor::Middle, "small", title),
            }
        }
        for (r, name) in names.iter().enumerate() {
            let y = top + r as f64 * HEIGHT;
            let at = (left - 8.0, y + HEIGHT / 2.0);
            svg.text(at, Anchor::End, "small", &fitted(name, left - 10.0));
            for (c, title) in titles.iter().enumerate() {
                let x = left + c as f64 * width;
                if let Some(cell) = self.cells.get(&(r, c)) {
                    let about = format!("{} = {name}, {} = {title}", rows.key, columns.key);
                    self.tile(&mut svg, (x, y), width, cell, &about);
                }
                svg.rect((x, y), (width, HEIGHT), "cell", "");
            }
        }
        svg
    }

    fn tile(&self, svg: &mut Svg, (x, y): (f64, f64), width: f64, cell: &Cell, about: &str) {
        let place = self.place(cell.settings.mean);
        let text = match &cell.only {
            Some(only) => format!("{} (n = {})", shown(only, self.measure.unit), only.n),
            None => format!(
                "{}, the mean over {}",
                one(cell.settings.mean, self.measure.unit),
                counted(cell.settings.n, "setting")
            ),
        };
        let tip = format!("{about}\n{text}");
        svg.tile((x, y), (width, HEIGHT), &ramp::color(place), &tip);
        let middle = (x + width / 2.0, y + HEIGHT / 2.0);
        let class = format!("small {}", ramp::ink(place));
        svg.text(middle, Anchor::Middle, &class, &self.short(cell));
    }
}
