//! What marks and colours mean, in rows below a chart.

use super::frame::text_width;
use super::svg::{Anchor, Svg};
use crate::record::text::shorten;

const ROW: f64 = 18.0;
/// Labels are shortened to this many characters.
const LONGEST: usize = 40;

/// Series with their labels, laid out within a width.
pub struct Legend {
    entries: Vec<(usize, String)>,
    columns: usize,
    column: f64,
}

impl Legend {
    /// The series `0..labels.len()`.
    pub fn new(labels: &[String], width: f64) -> Self {
        let labels: Vec<String> = labels.iter().map(|label| shorten(label, LONGEST)).collect();
        let widest = labels
            .iter()
            .map(|label| text_width(label))
            .fold(0.0, f64::max);
        let column = widest + 34.0;
        Legend {
            columns: ((width / column) as usize).clamp(1, labels.len().max(1)),
            entries: labels.into_iter().enumerate().collect(),
            column,
        }
    }

    /// In pixels.
    pub fn height(&self) -> f64 {
        self.entries.len().div_ceil(self.columns) as f64 * ROW
    }

    pub fn draw(&self, svg: &mut Svg, (left, top): (f64, f64)) {
        for (series, label) in &self.entries {
            let (row, column) = (series / self.columns, series % self.columns);
            let x = left + column as f64 * self.column;
            let y = top + row as f64 * ROW + ROW / 2.0;
            svg.mark((x + 6.0, y), 5.0, *series, "", "");
            svg.text((x + 18.0, y), Anchor::Start, "small", label);
        }
    }
}
