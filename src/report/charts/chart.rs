//! What a chart consists of, wherever it is shown.

use super::svg::{Anchor, Svg, color};

/// The widths of plots, in pixels: where there is room, on a phone, and as one of two or of three beside each other.
pub const WIDE: f64 = 860.0;
pub const NARROW: f64 = 350.0;
pub const HALF: f64 = 420.0;
pub const THIRD: f64 = 280.0;

/// A chart with the name of its file. Everything but the plots is text, which a page sets itself.
pub struct Chart {
    pub file: String,
    pub title: String,
    /// What is shown, over what is averaged, where axes start: a sentence or two each.
    pub notes: Vec<String>,
    pub legend: Vec<Entry>,
    pub rows: Vec<Row>,
    /// What tells it from the charts before and after it, where a page shows one of them at a time.
    pub choice: Option<&'static str>,
}

/// Plots that share their axes.
pub struct Row {
    /// Empty where there is only one row.
    pub title: String,
    pub plots: Vec<Plot>,
}

/// A plot of a chart.
pub struct Plot {
    /// What tells it from the others; empty for the only one.
    pub label: String,
    pub picture: Svg,
    /// The same for a phone, where the picture would be too small to read.
    pub narrow: Option<Svg>,
}

/// What a mark, a line or colours mean.
pub struct Entry {
    pub swatch: Svg,
    pub label: String,
}

impl Chart {
    /// A chart of a single plot, which `draw` makes for a width.
    pub fn of_one(file: String, title: String, draw: impl Fn(f64) -> Svg) -> Self {
        let plot = Plot {
            label: String::new(),
            picture: draw(WIDE),
            narrow: Some(draw(NARROW)),
        };
        Chart::of_rows(file, title, vec![Row::new("", vec![plot])])
    }

    pub fn of_rows(file: String, title: String, rows: Vec<Row>) -> Self {
        Chart {
            file,
            title,
            notes: Vec::new(),
            legend: Vec::new(),
            rows,
            choice: None,
        }
    }

    pub fn with_notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes
            .extend(notes.into_iter().filter(|note| !note.is_empty()));
        self
    }

    /// One of several of which a page shows one at a time.
    pub fn as_choice(mut self, label: &'static str) -> Self {
        self.choice = Some(label);
        self
    }

    pub fn with_legend(mut self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.legend.extend(entries);
        self
    }
}

impl Row {
    pub fn new(title: &str, plots: Vec<Plot>) -> Self {
        Row {
            title: title.to_owned(),
            plots,
        }
    }

    /// How many plots stand beside each other where there is room.
    pub fn columns(&self) -> usize {
        columns(self.plots.len())
    }
}

/// How many of `plots` stand beside each other where there is room.
fn columns(plots: usize) -> usize {
    match plots {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    }
}

/// The width that each of several plots is drawn for.
pub fn width_of_each(plots: usize) -> f64 {
    match columns(plots) {
        1 | 2 => HALF,
        _ => THIRD,
    }
}

impl Entry {
    /// The mark of a series.
    pub fn mark(series: usize, label: impl Into<String>) -> Self {
        let mut swatch = Svg::new(16.0, 14.0, "");
        swatch.mark((8.0, 7.0), 5.0, series, "", "");
        Entry {
            swatch,
            label: label.into(),
        }
    }

    /// A line of this class.
    pub fn line(class: &str, label: impl Into<String>) -> Self {
        let mut swatch = Svg::new(30.0, 14.0, "");
        swatch.path(&[(1.0, 7.0), (29.0, 7.0)], class);
        Entry {
            swatch,
            label: label.into(),
        }
    }

    /// A line in the colour of a series.
    pub fn line_of(series: usize, class: &str, label: impl Into<String>) -> Self {
        Entry::line(&format!("line {} {class}", color(series)), label)
    }

    /// A rectangle of this class.
    pub fn area(class: &str, label: impl Into<String>) -> Self {
        let mut swatch = Svg::new(16.0, 14.0, "");
        swatch.area(&[(1.0, 1.0), (15.0, 1.0), (15.0, 13.0), (1.0, 13.0)], class);
        Entry {
            swatch,
            label: label.into(),
        }
    }

    /// A scale of colours from `low` to `high`.
    pub fn ramp(low: &str, high: &str, label: impl Into<String>) -> Self {
        const STEPS: usize = 40;
        let text = |label: &str| super::frame::text_width(label) * 1.15 + 10.0;
        let (left, width) = (text(low), 160.0);
        let mut swatch = Svg::new(left + width + text(high), 16.0, "");
        swatch.text((left - 6.0, 8.0), Anchor::End, "small", low);
        for step in 0..STEPS {
            let place = (step as f64 + 0.5) / STEPS as f64;
            let x = left + step as f64 * width / STEPS as f64;
            let size = (width / STEPS as f64 + 0.5, 14.0);
            swatch.tile((x, 1.0), size, &super::ramp::color(place), "");
        }
        swatch.text((left + width + 6.0, 8.0), Anchor::Start, "small", high);
        Entry {
            swatch,
            label: label.into(),
        }
    }
}
