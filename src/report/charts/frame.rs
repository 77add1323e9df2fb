//! A plot's frame: where values have places, with grid, ticks and labels around it.

use super::scale::{Scale, labels, percent_labels};
use super::svg::{Anchor, Svg};
use crate::analysis::Unit;
use crate::report::experiment::spelled;
use crate::store::text::shorten;

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

/// The ticks and the name of an axis.
pub struct Axis {
    pub ticks: Ticks,
    pub label: String,
}

/// A plot of this width with nothing inside its frame yet, and the frame, of this height.
pub fn plot((width, height): (f64, f64), label: &str, x: &Axis, y: &Axis) -> (Frame, Svg) {
    plot_beside(room_beside(y), (width, height), label, x, y)
}

/// As [`plot`], with so much room for the labels of the y axis.
pub fn plot_beside(
    left: f64,
    (width, height): (f64, f64),
    label: &str,
    x: &Axis,
    y: &Axis,
) -> (Frame, Svg) {
    let frame = Frame {
        left,
        top: 20.0,
        width: width - left - room_after(x),
        height,
    };
    let below = frame.bottom() + room_below(&x.ticks, frame.width);
    let mut svg = Svg::new(width, below + 18.0, label);
    svg.text(
        (0.0, 8.0),
        Anchor::Start,
        "small muted",
        &fitted(&y.label, width),
    );
    let under = (frame.left + frame.width / 2.0, below + 8.0);
    svg.text(
        under,
        Anchor::Middle,
        "small muted",
        &fitted(&x.label, frame.width),
    );
    frame.draw(&mut svg, &x.ticks, &y.ticks);
    (frame, svg)
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
    fn draw(&self, svg: &mut Svg, x: &Ticks, y: &Ticks) {
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
        let size = (self.width, self.height);
        svg.rect((self.left, self.top), size, "frame", "");
    }
}

/// Labels that read upwards are shortened to this many characters.
const LONGEST: usize = 24;

/// About how wide small text is, in pixels.
pub fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.4
}

/// The text, shortened to this width of small text.
pub fn fitted(text: &str, width: f64) -> String {
    shorten(text, (width / 6.4) as usize)
}

/// The text in lines of at most this width of small text; empty text has none.
pub fn wrapped(text: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line) + text_width(word) + 6.4 <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(fitted(word, width)),
        }
    }
    lines
}

/// Whether labels would touch if they were not upright.
fn reads_upwards(ticks: &Ticks, width: f64) -> bool {
    ticks.windows(2).any(|pair| {
        let room = (pair[1].0 - pair[0].0) * width;
        (text_width(&pair[0].1) + text_width(&pair[1].1)) / 2.0 + 6.0 > room
    })
}

/// The room that an axis' labels need beside the frame.
pub fn room_beside(y: &Axis) -> f64 {
    let widths = y.ticks.iter().map(|(_, label)| text_width(label));
    widths.fold(0.0, f64::max) + 10.0
}

/// The room that the last label of an axis needs on the right of the frame.
fn room_after(x: &Axis) -> f64 {
    let last = x.ticks.last().filter(|(place, _)| *place > 0.99);
    last.map_or(8.0, |(_, label)| text_width(label) / 2.0 + 2.0)
        .max(8.0)
}

/// The room that an axis' labels need below the frame.
fn room_below(ticks: &Ticks, width: f64) -> f64 {
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
    let name = spelled(name);
    match unit {
        Unit::Share => format!("{name} (%)"),
        Unit::Seconds => format!("{name} (s)"),
        Unit::Plain | Unit::Count => name,
    }
}

/// Says of a vertical axis what cannot be seen at once: that it does not start at 0, or is logarithmic.
pub fn about_axis(scale: &Scale, unit: Unit) -> String {
    let factor = if unit == Unit::Share { 100.0 } else { 1.0 };
    let sign = if unit == Unit::Share { " %" } else { "" };
    let number = |v: f64| crate::store::text::number(v * factor, 3);
    match *scale {
        Scale::Log { .. } => "The vertical axis is logarithmic.".into(),
        Scale::Linear { low, high } if low > 0.0 => format!(
            "The vertical axis shows {} to {}{sign}; it does not start at 0.",
            number(low),
            number(high)
        ),
        Scale::Linear { .. } => String::new(),
    }
}
