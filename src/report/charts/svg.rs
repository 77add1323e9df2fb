//! Writing SVG.

use std::fmt::Write as _;

use crate::report::text::escape;

/// How charts look; part of every file, and of the page once.
pub const STYLE: &str = include_str!("style.css");

/// How many series have different colours, and how many different marks.
const COLORS: usize = 7;
const MARKS: usize = 6;

/// Where text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture being drawn; coordinates are pixels from the top left corner.
#[derive(Clone, Debug)]
pub struct Svg {
    pub width: f64,
    pub height: f64,
    /// What the picture shows, for those who do not see it.
    pub label: String,
    body: String,
}

impl Svg {
    /// An empty picture.
    pub fn new(width: f64, height: f64, label: impl Into<String>) -> Self {
        Svg {
            width,
            height,
            label: label.into(),
            body: String::new(),
        }
    }

    /// Text whose middle line goes through `y`.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        // A baseline a third of the size below the middle, as renderers differ in `dominant-baseline`.
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" dy=\"0.35em\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    /// Text that reads upwards, its middle or end at the point.
    pub fn upright(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let _ = write!(
            self.body,
            "<g transform=\"translate({x:.1} {y:.1}) rotate(-90)\">"
        );
        self.text((0.0, 0.0), anchor, class, text);
        self.body.push_str("</g>");
    }

    /// A straight line.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let _ = write!(
            self.body,
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        );
    }

    /// Straight lines through points.
    pub fn path(&mut self, points: &[(f64, f64)], class: &str) {
        if points.len() > 1 {
            let points = coordinates(points);
            let _ = write!(
                self.body,
                "<polyline class=\"{class}\" points=\"{points}\"/>"
            );
        }
    }

    /// Straight lines through points; `tip` shows when the pointer rests on them.
    pub fn told_path(&mut self, points: &[(f64, f64)], class: &str, tip: &str) {
        if points.len() > 1 {
            let points = coordinates(points);
            let _ = write!(self.body, "<polyline class=\"{class}\" points=\"{points}\"");
            self.end("polyline", tip);
        }
    }

    /// A filled area around points.
    pub fn area(&mut self, points: &[(f64, f64)], class: &str) {
        let points = coordinates(points);
        let _ = write!(
            self.body,
            "<polygon class=\"{class}\" points=\"{points}\"/>"
        );
    }

    /// A rectangle; `tip` shows when the pointer rests on it.
    pub fn rect(&mut self, at: (f64, f64), size: (f64, f64), class: &str, tip: &str) {
        self.rectangle(&format!("class=\"{class}\""), at, size, tip);
    }

    /// A rectangle filled with a colour, `#rrggbb`.
    pub fn tile(&mut self, at: (f64, f64), size: (f64, f64), fill: &str, tip: &str) {
        self.rectangle(&format!("fill=\"{fill}\""), at, size, tip);
    }

    fn rectangle(
        &mut self,
        looks: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        tip: &str,
    ) {
        let _ = write!(
            self.body,
            "<rect {looks} x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\""
        );
        self.end("rect", tip);
    }

    /// Another picture with its top left corner at this point.
    pub fn place(&mut self, other: &Svg, (x, y): (f64, f64)) {
        let _ = write!(
            self.body,
            "<g transform=\"translate({x:.1} {y:.1})\">{}</g>",
            other.body
        );
    }

    /// The mark of a series at a point, of about `radius` pixels; `tip` shows when the pointer rests on it.
    pub fn mark(&mut self, at: (f64, f64), radius: f64, series: usize, class: &str, tip: &str) {
        let ((x, y), r) = (at, radius);
        let class = format!("mark {} {class}", color(series));
        let polygon = |points: &[(f64, f64)]| {
            let shifted: Vec<(f64, f64)> =
                points.iter().map(|(a, b)| (x + a * r, y + b * r)).collect();
            format!(
                "polygon class=\"{class}\" points=\"{}\"",
                coordinates(&shifted)
            )
        };
        let shape = if series == OTHERS { 0 } else { series % MARKS };
        let element = match shape {
            0 => format!("circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\""),
            1 => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            2 => polygon(&[(0.0, -1.2), (1.15, 0.9), (-1.15, 0.9)]),
            3 => polygon(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
            4 => format!(
                "circle class=\"{class} ring\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{:.1}\"",
                r * 0.9
            ),
            _ => polygon(&[(-1.15, -0.9), (1.15, -0.9), (0.0, 1.2)]),
        };
        let _ = write!(self.body, "<{element}");
        let name = element.split(' ').next().unwrap_or_default().to_owned();
        self.end(&name, tip);
    }

    fn end(&mut self, name: &str, tip: &str) {
        if tip.is_empty() {
            self.body.push_str("/>");
        } else {
            let _ = write!(self.body, "><title>{}</title></{name}>", escape(tip));
        }
    }

    /// As part of a page that has [`STYLE`], with further classes.
    pub fn inline(&self, classes: &str) -> String {
        let (width, height, label) = (self.width, self.height, escape(&self.label));
        let name = match label.is_empty() {
            true => "aria-hidden=\"true\"".to_owned(),
            false => format!("role=\"img\" aria-label=\"{label}\""),
        };
        format!(
            "<svg class=\"chart {classes}\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" {name}>{}</svg>",
            self.body
        )
    }

    /// As a file of its own.
    pub fn standalone(&self) -> String {
        let (width, height, label) = (self.width, self.height, escape(&self.label));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{label}\">\n<style>\n{STYLE}</style>\n\
             <rect class=\"paper\" width=\"100%\" height=\"100%\"/>{}</svg>\n",
            self.body.replace("><", ">\n<")
        )
    }
}

/// The series of everything that is not told apart.
pub const OTHERS: usize = usize::MAX;

/// The class that gives a series its colour.
pub fn color(series: usize) -> String {
    match series {
        OTHERS => "others".into(),
        series => format!("s{}", series % COLORS),
    }
}

fn coordinates(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    points.join(" ")
}
