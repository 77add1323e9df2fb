//! How results are printed.

use std::borrow::Cow;

use clap::ValueEnum;
use serde::Serialize;

use super::Failure;
use crate::foreign::{self, one_line};
use crate::terminal::{self, columns_of};

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
