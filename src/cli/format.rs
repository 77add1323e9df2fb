//! How results are printed.

use std::borrow::Cow;

use clap::ValueEnum;
use serde::Serialize;

use super::failure::Failure;
use crate::foreign::{self, one_line};
use crate::terminal::{self, Stream, columns_of};

/// A table for people, or JSON for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    #[default]
    Table,
    Json,
}

/// Prints a value as indented JSON.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::other(e.to_string()))?;
    Ok(terminal::print(&format!("{}\n", foreign::json(&text)))?)
}

/// A table as [`columns`] has it, or, on a terminal that is too narrow for that, as [`records`] has it.
pub(super) fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    fitted(rows, right, terminal::width(Stream::Out))
}

fn fitted(rows: &[Vec<String>], right: &[usize], width: Option<usize>) -> String {
    let text = columns(rows, right);
    let is_wider = |width: usize| text.lines().any(|line| columns_of(line) > width);
    match (width.is_some_and(is_wider), rows.split_first()) {
        (true, Some((titles, rows))) => records(titles, rows),
        _ => text,
    }
}

/// A line per cell, behind its title; an empty line between rows.
fn records(titles: &[String], rows: &[Vec<String>]) -> String {
    let record = |row: &Vec<String>| {
        let cells = titles.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
        let cells: Vec<Vec<String>> = cells
            .map(|(title, cell)| vec![title.clone(), cell.clone()])
            .collect();
        columns(&cells, &[])
    };
    rows.iter().map(record).collect::<Vec<_>>().join("\n")
}

/// Rows as columns two spaces apart, the first row the titles; the columns in `right` are set to the right.
pub(super) fn columns(rows: &[Vec<String>], right: &[usize]) -> String {
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|cell| one_line(cell)).collect());
    let rows: Vec<Vec<Cow<'_, str>>> = rows.collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell: &Cow<'_, str>| columns_of(cell))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(i, (cell, &width))| {
            let space = " ".repeat(width.saturating_sub(columns_of(cell)));
            match right.contains(&i) {
                true => format!("{space}{cell}"),
                false => format!("{cell}{space}"),
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_wider_than_the_terminal_has_a_line_per_cell() {
        let row = |cells: [&str; 3]| cells.map(String::from).to_vec();
        let rows = [
            row(["through", "test_accuracy", ""]),
            row(["none", "71.2 ± 1.3 %", "best"]),
            row(["all", "70.9 ± 0.4 %", ""]),
        ];
        let wide = fitted(&rows, &[1], Some(40));
        assert_eq!(wide, fitted(&rows, &[1], None));
        assert_eq!(wide.lines().count(), 3);
        assert_eq!(
            fitted(&rows, &[1], Some(27)),
            "through        none\ntest_accuracy  71.2 ± 1.3 %\n               best\n\n\
             through        all\ntest_accuracy  70.9 ± 0.4 %\n"
        );
    }
}
