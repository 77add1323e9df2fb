//! A chart as a file of its own: title, notes and legend above its plots.

use super::chart::{Chart, Row, WIDE};
use super::frame::{text_width, wrapped};
use super::svg::{Anchor, Svg};

const MARGIN: f64 = 16.0;
const LINE: f64 = 16.0;
const GAP: f64 = 10.0;

impl Chart {
    /// As an SVG file.
    pub fn standalone(&self) -> String {
        let mut page = Page {
            svg: Svg::new(WIDE + 2.0 * MARGIN, 0.0, self.title.clone()),
            y: MARGIN,
        };
        page.lines(&self.title, "title", 1.45, 22.0);
        for note in &self.notes {
            page.lines(note, "small muted", 1.0, LINE);
        }
        page.legend(self);
        for row in &self.rows {
            page.row(row);
        }
        page.svg.height = page.y + MARGIN;
        page.svg.standalone()
    }
}

/// What is filled from the top.
struct Page {
    svg: Svg,
    y: f64,
}

impl Page {
    /// Text whose characters are `size` times as wide as those of small text.
    fn lines(&mut self, text: &str, class: &str, size: f64, line: f64) {
        for part in wrapped(text, WIDE / size) {
            let at = (MARGIN, self.y + line / 2.0);
            self.svg.text(at, Anchor::Start, class, &part);
            self.y += line;
        }
    }

    fn legend(&mut self, chart: &Chart) {
        let mut x = MARGIN;
        for entry in &chart.legend {
            let width = entry.swatch.width + 6.0 + text_width(&entry.label) + 18.0;
            if x > MARGIN && x + width > MARGIN + WIDE {
                x = MARGIN;
                self.y += LINE + 2.0;
            }
            self.svg.place(&entry.swatch, (x, self.y + 1.0));
            let at = (x + entry.swatch.width + 6.0, self.y + 8.0);
            self.svg.text(at, Anchor::Start, "small", &entry.label);
            x += width;
        }
        self.y += if chart.legend.is_empty() {
            8.0
        } else {
            LINE + 12.0
        };
    }

    fn row(&mut self, row: &Row) {
        if !row.title.is_empty() {
            self.lines(&row.title, "panel", 1.1, 22.0);
        }
        let columns = row.columns();
        for plots in row.plots.chunks(columns) {
            let width = plots
                .iter()
                .map(|plot| plot.picture.width)
                .fold(0.0, f64::max);
            let labels: Vec<Vec<String>> = plots
                .iter()
                .map(|plot| wrapped(&plot.label, width - GAP))
                .collect();
            let lines = labels.iter().map(Vec::len).max().unwrap_or(0);
            let top = self.y + lines as f64 * LINE;
            for (i, (plot, label)) in plots.iter().zip(&labels).enumerate() {
                let x = MARGIN + i as f64 * (width + GAP);
                for (line, text) in label.iter().enumerate() {
                    let at = (x, self.y + (line as f64 + 0.5) * LINE);
                    self.svg.text(at, Anchor::Start, "small", text);
                }
                self.svg.place(&plot.picture, (x, top));
            }
            let height = plots.iter().map(|plot| plot.picture.height);
            self.y = top + height.fold(0.0, f64::max) + GAP;
        }
    }
}
