//! What the colours and marks mean, in columns.

use super::ChartError;
use super::canvas::{Align, Canvas, Point, Type, characters_in, text_width};
use super::style::{Look, MUTED};
use crate::record::text::shorten;

/// One entry: a look and what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub look: Look,
    pub label: String,
    /// Whether the series has marks.
    pub marked: bool,
}

/// A legend of this width.
pub(super) struct Legend {
    title: String,
    entries: Vec<Entry>,
    columns: usize,
    column_width: i32,
}

const TEXT: i32 = 12;
const ROW: i32 = 19;
const SAMPLE: i32 = 28;
const GAP: i32 = 22;
/// Labels longer than this are shortened.
const LONGEST: usize = 44;

impl Legend {
    /// Lays the entries out in columns within `width` pixels.
    pub(super) fn new(title: &str, entries: Vec<Entry>, width: i32) -> Self {
        let widest = entries
            .iter()
            .map(|e| text_width(&shorten(&e.label, LONGEST), TEXT))
            .max();
        let wanted = SAMPLE + 8 + widest.unwrap_or(0) + GAP;
        let columns = (width / wanted).max(1) as usize;
        Legend {
            title: title.to_owned(),
            columns: columns.min(entries.len().max(1)),
            column_width: wanted.min(width),
            entries,
        }
    }

    fn rows(&self) -> usize {
        self.entries.len().div_ceil(self.columns)
    }

    fn title_height(&self) -> i32 {
        if self.title.is_empty() { 0 } else { ROW + 2 }
    }

    /// In pixels.
    pub(super) fn height(&self) -> i32 {
        self.title_height() + self.rows() as i32 * ROW
    }

    /// Draws it, its entries column by column.
    pub(super) fn draw(&self, canvas: &Canvas, (left, top): Point) -> Result<(), ChartError> {
        let title = Type::new(TEXT, Align::Left).color(MUTED);
        canvas.text(&self.title, (left, top + ROW / 2), title)?;
        let top = top + self.title_height();
        let room = self.column_width - SAMPLE - 8 - GAP;
        for (i, entry) in self.entries.iter().enumerate() {
            let (column, row) = (i / self.rows(), i % self.rows());
            let x = left + column as i32 * self.column_width;
            let y = top + row as i32 * ROW + ROW / 2;
            canvas.line(&[(x, y), (x + SAMPLE, y)], &entry.look)?;
            if entry.marked {
                canvas.mark((x + SAMPLE / 2, y), 4, &entry.look)?;
            }
            let label = shorten(&entry.label, LONGEST.min(characters_in(room, TEXT).max(8)));
            canvas.text(&label, (x + SAMPLE + 8, y), Type::new(TEXT, Align::Left))?;
        }
        Ok(())
    }
}
