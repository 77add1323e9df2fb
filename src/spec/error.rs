//! Why a spec cannot be used.

use std::fmt;

use super::diagnostic::Diagnostic;
use super::position::Position;

/// Every mistake found in a spec, with its place; shown one after another, separated by blank lines.
#[derive(Clone, Debug)]
pub struct Error {
    /// At least one.
    pub diagnostics: Vec<Diagnostic>,
}

impl Error {
    pub(super) fn new(place: Position, message: impl Into<String>) -> Self {
        Diagnostic::new(place, message).into()
    }

    /// The whole text, without a newline at the end; `color` adds ANSI colours.
    pub fn render(&self, color: bool) -> String {
        let texts: Vec<String> = self.diagnostics.iter().map(|d| d.render(color)).collect();
        texts.join("\n\n")
    }
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        Error {
            diagnostics: vec![diagnostic],
        }
    }
}

impl From<Vec<Diagnostic>> for Error {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Error { diagnostics }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Error {}
