//! A plot's frame: where values have places, with grid, ticks and labels around it.

use super::WIDTH;
use super::legend::Legend;
use super::scale::{Scale, labels, percent_labels};
use super::svg::{Anchor, Svg};
use crate::analysis::Unit;
use crate::record::text::shorten;

/// Places in [0, 1] along an axis with their labels.
pub type Ticks = Vec<(f64, String)>;

/// The inside of a plot.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Where a place in [0, 1] is, in pixels.
    pub fn x(&self, place: f64) -> f64 {
        self.left + place.clamp(0.0, 1.0) * self.width
    }

    /// Where a place in [0, 1] is, in pixels; 1 is at the top.
    pub fn y(&self, place: f64) -> f64 {
        self.bottom() - place.clamp(0.0, 1.0) * self.height
    }

    /// Draws frame, grid and ticks; labels of the x axis that would touch read upwards.
    pub fn draw(&self, svg: &mut Svg, x: &Ticks, y: &Ticks) {
        for (place, label) in y {
            let at = self.y(*place);
            svg.line((self.left, at), (self.right(), at), "grid");
            svg.text((self.left - 6.0, at), Anchor::End, "small", label);
        }
        let upright = reads_upwards(x, self.width);
        for (place, label) in x {
            let at = self.x(*place);
            svg.line((at, self.bottom()), (at, self.bottom() + 4.0), "frame");
            if upright {
                let label = shorten(label, LONGEST);
                svg.upright((at, self.bottom() + 8.0), Anchor::End, "small", &label);
            } else {
                svg.text((at, self.bottom() + 13.0), Anchor::Middle, "small", label);
            }
        }
        svg.rect(
            (self.left, self.top),
            (self.width, self.height),
            "frame",
            1.0,
            "",
        );
    }
}

/// What stands around the only plot of a chart.
pub struct Around<'a> {
    pub title: &'a str,
    /// What the marks mean.
    pub about: &'a str,
    pub x: (Ticks, String),
    pub y: (Ticks, String),
    pub legend: &'a Legend,
}

impl Around<'_> {
    /// The plot's frame, and the chart around it with nothing inside it yet.
    pub fn draw(&self) -> (Frame, Svg) {
        let frame = Frame {
            left: 64.0,
            top: 66.0,
            width: WIDTH - 84.0,
            height: 300.0,
        };
        let ((x, x_label), (y, y_label)) = (&self.x, &self.y);
        let below = frame.bottom() + room_below(x, frame.width);
        let height = below + 42.0 + self.legend.height();
        let mut svg = Svg::new(WIDTH, height, self.title.to_owned());
        let title = shorten(self.title, 80);
        svg.text((16.0, 22.0), Anchor::Start, "title", &title);
        svg.text((16.0, 46.0), Anchor::Start, "small muted", self.about);
        let beside = (14.0, frame.top + frame.height / 2.0);
        svg.upright(beside, Anchor::Middle, "small muted", y_label);
        let under = (frame.left + frame.width / 2.0, below + 10.0);
        svg.text(under, Anchor::Middle, "small muted", x_label);
        frame.draw(&mut svg, x, y);
        self.legend.draw(&mut svg, (frame.left, below + 30.0));
        (frame, svg)
    }
}

/// Labels that read upwards are shortened to this many characters.
const LONGEST: usize = 24;

/// About how wide small text is, in pixels.
pub fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.2
}

/// Whether labels would touch if they were not upright.
fn reads_upwards(ticks: &Ticks, width: f64) -> bool {
    ticks.windows(2).any(|pair| {
        let room = (pair[1].0 - pair[0].0) * width;
        (text_width(&pair[0].1) + text_width(&pair[1].1)) / 2.0 + 6.0 > room
    })
}

/// The room that an axis' labels need below the frame.
pub fn room_below(ticks: &Ticks, width: f64) -> f64 {
    if reads_upwards(ticks, width) {
        let widths = ticks
            .iter()
            .map(|(_, label)| text_width(&shorten(label, LONGEST)));
        widths.fold(0.0, f64::max) + 12.0
    } else {
        22.0
    }
}

/// A scale for the values of a measure.
pub fn scale(unit: Unit, values: impl Iterator<Item = f64>) -> Scale {
    match unit {
        Unit::Share => Scale::shares(values),
        _ => Scale::fit(values),
    }
}

/// About `count` ticks on a scale.
pub fn ticks(scale: &Scale, unit: Unit, count: usize) -> Ticks {
    let values = scale.ticks(count);
    let labels = match unit {
        Unit::Share => percent_labels(&values),
        _ => labels(&values),
    };
    let placed = values.iter().zip(labels);
    placed
        .filter_map(|(v, label)| Some((scale.place(*v)?, label)))
        .collect()
}

/// A measure's name with its unit, as an axis' label.
pub fn axis_label(name: &str, unit: Unit) -> String {
    let name = name.replace('_', " ");
    match unit {
        Unit::Share => format!("{name} (%)"),
        Unit::Seconds => format!("{name} (s)"),
        Unit::Plain | Unit::Count => name,
    }
}
