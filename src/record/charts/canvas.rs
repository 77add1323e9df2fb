//! Lines, marks and text on an SVG.

use std::fmt::Display;

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{
    Circle, DashedPathElement, Drawable, PathElement, PointCollection, Polygon, Rectangle, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle, WHITE,
};

use super::ChartError;
use super::style::{INK, Look, Mark};

/// A point in pixels from the top left corner.
pub(super) type Point = (i32, i32);

/// Where text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Center,
    Right,
}

/// How text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    /// The height of an em in pixels.
    pub size: i32,
    pub align: Align,
    pub color: RGBColor,
    pub bold: bool,
    /// Read from bottom to top.
    pub upright: bool,
}

impl Type {
    pub(super) fn new(size: i32, align: Align) -> Self {
        Type {
            size,
            align,
            color: INK,
            bold: false,
            upright: false,
        }
    }

    pub(super) fn color(self, color: RGBColor) -> Self {
        Type { color, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Type { bold: true, ..self }
    }

    pub(super) fn upright(self) -> Self {
        Type {
            upright: true,
            ..self
        }
    }
}

/// About how wide text is in pixels; wider than most fonts set it, as the reader's font is not known.
pub(super) fn text_width(text: &str, size: i32) -> i32 {
    (text.chars().count() as f64 * f64::from(size) * 0.62).ceil() as i32
}

/// How many characters of this size fit into `width` pixels.
pub(super) fn characters_in(width: i32, size: i32) -> usize {
    (f64::from(width.max(0)) / (f64::from(size) * 0.62)) as usize
}

/// plotters' SVG sets text 1.24 times smaller than asked.
const PLOTTERS_TEXT: f64 = 1.24;

/// A white picture to draw on.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

impl<'a> Canvas<'a> {
    /// Draws a picture of this size in pixels.
    pub(super) fn draw(
        (width, height): (i32, i32),
        content: impl FnOnce(&Canvas) -> Result<(), ChartError>,
    ) -> Result<String, ChartError> {
        let size = (width.unsigned_abs(), height.unsigned_abs());
        let mut svg = String::new();
        let canvas = Canvas {
            area: SVGBackend::with_string(&mut svg, size).into_drawing_area(),
        };
        canvas.area.fill(&WHITE).map_err(failed)?;
        content(&canvas)?;
        canvas.area.present().map_err(failed)?;
        drop(canvas);
        Ok(svg)
    }

    fn put<E>(&self, element: &E) -> Result<(), ChartError>
    where
        for<'b> &'b E: PointCollection<'b, Point>,
        E: Drawable<SVGBackend<'a>>,
    {
        self.area.draw(element).map_err(failed)
    }

    /// Text centred on the line through `at`.
    pub(super) fn text(&self, text: &str, at: Point, style: Type) -> Result<(), ChartError> {
        // XML has no place for control characters.
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let anchor = match style.align {
            Align::Left => HPos::Left,
            Align::Center => HPos::Center,
            Align::Right => HPos::Right,
        };
        let weight = if style.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let mut font = ("sans-serif", f64::from(style.size) * PLOTTERS_TEXT)
            .into_font()
            .style(weight);
        if style.upright {
            font = font.transform(FontTransform::Rotate270);
        }
        let style = TextStyle::from(font)
            .color(&style.color)
            .pos(Pos::new(anchor, VPos::Center));
        self.put(&Text::new(text, at, style))
    }

    /// Straight lines through the points.
    pub(super) fn line(&self, points: &[Point], look: &Look) -> Result<(), ChartError> {
        let style = look.color.mix(look.opacity).stroke_width(look.width);
        if look.dashed {
            self.put(&DashedPathElement::new(points.to_vec(), 6, 4, style))
        } else {
            self.put(&PathElement::new(points.to_vec(), style))
        }
    }

    /// A thin straight line.
    pub(super) fn rule(&self, from: Point, to: Point, color: RGBColor) -> Result<(), ChartError> {
        self.put(&PathElement::new(vec![from, to], color.stroke_width(1)))
    }

    /// The outline of a rectangle.
    pub(super) fn frame(&self, from: Point, to: Point, color: RGBColor) -> Result<(), ChartError> {
        self.put(&Rectangle::new([from, to], color.stroke_width(1)))
    }

    /// A mark of about `radius` pixels.
    pub(super) fn mark(&self, (x, y): Point, radius: i32, look: &Look) -> Result<(), ChartError> {
        let color = look.color.mix(look.opacity);
        let filled: ShapeStyle = color.filled();
        let polygon = |points: Vec<Point>| self.put(&Polygon::new(points, filled));
        let r = radius;
        match look.mark {
            Mark::Circle => self.put(&Circle::new((x, y), r, filled)),
            Mark::Square => self.put(&Rectangle::new([(x - r, y - r), (x + r, y + r)], filled)),
            Mark::Triangle => polygon(vec![(x, y - r - 1), (x + r + 1, y + r), (x - r - 1, y + r)]),
            Mark::Diamond => {
                let d = r + 1;
                polygon(vec![(x, y - d), (x + d, y), (x, y + d), (x - d, y)])
            }
            Mark::Ring => {
                self.put(&Circle::new((x, y), r, WHITE.filled()))?;
                self.put(&Circle::new((x, y), r, color.stroke_width(2)))
            }
            Mark::Cross => {
                let arm = |a, b| self.put(&PathElement::new(vec![a, b], color.stroke_width(2)));
                arm((x - r, y - r), (x + r, y + r))?;
                arm((x - r, y + r), (x + r, y - r))
            }
        }
    }
}

fn failed(error: impl Display) -> ChartError {
    ChartError::Draw(error.to_string())
}
