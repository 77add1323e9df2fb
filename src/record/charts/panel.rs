//! A plot: frame, grid, ticks and labels around an area where values have places.

use super::ChartError;
use super::canvas::{Align, Canvas, Point, Type, text_width};
use super::scale::Scale;
use super::style::{FRAME, GRID, Look, MUTED};

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub left: i32,
    pub top: i32,
    pub width: i32,
    pub height: i32,
}

impl Area {
    pub(super) fn right(&self) -> i32 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> i32 {
        self.top + self.height
    }
}

/// The ticks of an axis: places in [0, 1] with their labels.
pub(super) type Ticks = Vec<(f64, String)>;

/// Ticks at these values of a scale.
pub(super) fn ticks_at(scale: &Scale, values: &[f64], labels: Vec<String>) -> Ticks {
    let places = values.iter().zip(labels);
    places
        .filter_map(|(&v, label)| Some((scale.place(v)?, label)))
        .collect()
}

/// A line of values over an axis; values that are not finite leave a gap.
pub(super) struct Series {
    pub values: Vec<(f64, f64)>,
    pub look: Look,
}

/// A plot's frame with everything that stands around it.
pub(super) struct Panel<'a> {
    /// What is inside the frame; labels stand outside it.
    pub area: Area,
    pub title: &'a str,
    pub x_label: &'a str,
    pub y_label: &'a str,
    pub x_ticks: Ticks,
    pub y_ticks: Ticks,
    /// Whether the labels of the x axis read upwards.
    pub upright: bool,
}

/// Room left of the frame for labels and ticks.
pub(super) const LEFT_ROOM: i32 = 72;
/// Room above the frame for the title.
pub(super) const TOP_ROOM: i32 = 30;
/// Room below the frame for ticks and the label, where the ticks' labels are not upright.
pub(super) const BOTTOM_ROOM: i32 = 48;

pub(super) const TICK_TEXT: i32 = 12;

impl Panel<'_> {
    /// Draws everything but the data.
    pub(super) fn draw(&self, canvas: &Canvas) -> Result<(), ChartError> {
        let area = self.area;
        let middle = (area.left + area.width / 2, area.top + area.height / 2);
        canvas.text(
            self.title,
            (area.left, area.top - 14),
            Type::new(14, Align::Left).bold(),
        )?;
        for (place, label) in &self.y_ticks {
            let y = self.y(*place);
            canvas.rule((area.left, y), (area.right(), y), GRID)?;
            canvas.text(
                label,
                (area.left - 7, y),
                Type::new(TICK_TEXT, Align::Right),
            )?;
        }
        for (place, label) in &self.x_ticks {
            let x = self.x(*place);
            canvas.rule((x, area.bottom()), (x, area.bottom() + 4), FRAME)?;
            if self.upright {
                let style = Type::new(TICK_TEXT, Align::Right).upright();
                canvas.text(label, (x, area.bottom() + 8), style)?;
            } else {
                let style = Type::new(TICK_TEXT, Align::Center);
                canvas.text(label, (x, area.bottom() + 14), style)?;
            }
        }
        canvas.frame((area.left, area.top), (area.right(), area.bottom()), FRAME)?;
        let x_label = (middle.0, area.bottom() + self.labels_below() + 14);
        canvas.text(
            self.x_label,
            x_label,
            Type::new(13, Align::Center).color(MUTED),
        )?;
        let y_label = Type::new(13, Align::Center).color(MUTED).upright();
        canvas.text(
            self.y_label,
            (area.left - LEFT_ROOM + 14, middle.1),
            y_label,
        )
    }

    /// How many pixels the labels below the frame take.
    pub(super) fn room_below(&self) -> i32 {
        self.labels_below() + BOTTOM_ROOM - 22
    }

    /// The height of the x axis' tick labels.
    fn labels_below(&self) -> i32 {
        if !self.upright {
            return 22;
        }
        let widths = self
            .x_ticks
            .iter()
            .map(|(_, label)| text_width(label, TICK_TEXT));
        8 + widths.max().unwrap_or(0)
    }

    /// The pixel column of a place along the x axis.
    pub(super) fn x(&self, place: f64) -> i32 {
        self.area.left + (place * f64::from(self.area.width)).round() as i32
    }

    /// The pixel row of a place along the y axis.
    pub(super) fn y(&self, place: f64) -> i32 {
        self.area.bottom() - (place * f64::from(self.area.height)).round() as i32
    }

    /// Draws a series with a mark at about `marks` of its values, and at every value between two gaps.
    pub(super) fn series(
        &self,
        canvas: &Canvas,
        (x, y): (&Scale, &Scale),
        series: &Series,
        marks: usize,
    ) -> Result<(), ChartError> {
        let point = |&(vx, vy): &(f64, f64)| -> Option<Point> {
            Some((self.x(x.place(vx)?), self.y(y.place(vy)?)))
        };
        let points: Vec<Option<Point>> = series.values.iter().map(point).collect();
        for part in points.split(Option::is_none).filter(|part| part.len() > 1) {
            let line: Vec<Point> = part.iter().copied().flatten().collect();
            canvas.line(&line, &series.look)?;
        }
        let last = points.len().saturating_sub(1);
        let every = points.len().div_ceil(marks.max(1)).max(1);
        let shows = |i: usize| points.get(i).is_some_and(Option::is_some);
        for (i, point) in points.iter().enumerate() {
            let is_alone = !shows(i.wrapping_sub(1)) && !shows(i + 1);
            let is_marked = marks > 0 && (i % every == 0 || i == last);
            if let Some(point) = point.filter(|_| is_alone || is_marked) {
                canvas.mark(point, 3, &series.look)?;
            }
        }
        Ok(())
    }
}
