//! Tables that can be sorted, whose first columns and titles stay in view.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

/// How wide a fixed column is made: so much for each character, and for the space around them, in rem.
const CHARACTER: f64 = 0.54;
const PADDING: f64 = 0.9;
/// Longer text is wrapped, in characters.
const LONGEST: usize = 22;
/// Together, fixed columns take at most this much, in rem: where there is room, and on a phone.
const MOST_WIDE: f64 = 34.0;
const MOST_NARROW: f64 = 15.5;

/// A column of a table.
pub(super) struct Column {
    pub title: String,
    /// Whether its cells are numbers.
    pub is_number: bool,
}

/// Cells below titles.
pub(super) struct Table<'a> {
    pub id: &'a str,
    pub caption: &'a str,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    /// So many columns at the left stay in view.
    pub fixed: usize,
}

impl Table<'_> {
    pub fn markup(&self) -> Markup {
        let class = |column: usize| {
            let column = self.columns.get(column)?;
            column.is_number.then_some("number")
        };
        html! {
            style { (PreEscaped(self.fixed_columns())) }
            div.scroll.tall tabindex="0" role="region" aria-label=(self.caption) {
                table.sortable id=(self.id) {
                    caption { (self.caption) }
                    thead { tr {
                        @for (i, column) in self.columns.iter().enumerate() {
                            th scope="col" class=[class(i)] { (breakable(&column.title)) }
                        }
                    } }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for (i, cell) in row.iter().enumerate() {
                                    td class=[class(i)] { (cell) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The rules that keep the first columns in view.
    fn fixed_columns(&self) -> String {
        let mut rules = String::new();
        let mut left = 0.0;
        for column in 0..self.fixed.min(self.columns.len()) {
            let width = self.width(column);
            if left + width > MOST_WIDE {
                break;
            }
            let narrow = match left + width > MOST_NARROW {
                true => "@media screen and (min-width: 48rem) ",
                false => "@media screen ",
            };
            let cells = format!("#{} tr > :nth-child({})", self.id, column + 1);
            let _ = writeln!(
                rules,
                "@media screen {{ {cells} {{ min-width: {width:.2}rem; max-width: {width:.2}rem; white-space: normal; \
                 overflow-wrap: anywhere; }} }}\n\
                 {narrow}{{ {cells} {{ position: sticky; left: {left:.2}rem; z-index: 1; }} #{} thead \
                 th:nth-child({}) {{ z-index: 3; }} }}",
                self.id,
                column + 1
            );
            left += width;
        }
        rules
    }

    /// The room for a column's words, in rem.
    fn width(&self, column: usize) -> f64 {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let cells = cells.map(|cell| cell.chars().count());
        let title = self.columns.get(column).map_or("", |column| &column.title);
        // A title's mark for sorting stands after its last word.
        let words = title.split_inclusive(['_', '.', ' ']);
        let words = words.map(|word| word.chars().count() + 2);
        let longest = cells.chain(words).max().unwrap_or(1);
        longest.min(LONGEST) as f64 * CHARACTER + PADDING
    }
}

/// A key that may be broken between its words.
fn breakable(title: &str) -> Markup {
    html! {
        @for (i, word) in title.split_inclusive(['_', '.']).enumerate() {
            @if i > 0 { wbr; }
            (word)
        }
    }
}
