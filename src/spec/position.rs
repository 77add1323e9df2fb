//! Where a value of a spec was written.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A spec file as it was read.
#[derive(Debug)]
pub struct SourceFile {
    /// Its path, as it is shown to the user.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

/// Where a key or value came from.
#[derive(Clone, Debug)]
pub enum Position {
    /// A part of a spec file, in bytes.
    Span(Arc<SourceFile>, Range<usize>),
    /// A file as a whole: what is wrong is that something is not there, or it cannot be read.
    File(PathBuf),
    /// An environment variable, by its name.
    Variable(String),
    /// An argument of the command line, as given.
    Flag(Arc<str>),
}

impl Position {
    /// Line and column, both from 1, the column in characters; only where the place is a part of a file.
    pub fn line_column(&self) -> Option<(usize, usize)> {
        let Position::Span(file, span) = self else {
            return None;
        };
        let before = file.text.get(..span.start).unwrap_or(&file.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[line_start..].chars().count() + 1;
        Some((before.matches('\n').count() + 1, column))
    }

    /// The file, variable or flag.
    pub(super) fn path(&self) -> String {
        match self {
            Position::Span(file, _) => file.path.display().to_string(),
            other => other.to_string(),
        }
    }

    /// The line that the place begins in, what stands in it before the place, and the place itself.
    pub(super) fn line(&self) -> Option<(&str, &str, &str)> {
        let Position::Span(file, span) = self else {
            return None;
        };
        let before = file.text.get(..span.start)?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = file.text[start..].split('\n').next()?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let end = span.end.min(start + line.len()).max(span.start);
        let marked = file.text.get(span.start..end).unwrap_or_default();
        Some((line, &before[start..], marked))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.line_column()) {
            (Position::Span(file, _), Some((line, column))) => {
                write!(f, "{}:{line}:{column}", file.path.display())
            }
            (Position::Span(file, _), None) => write!(f, "{}", file.path.display()),
            (Position::File(path), _) => write!(f, "{}", path.display()),
            (Position::Variable(name), _) => write!(f, "environment variable {name}"),
            (Position::Flag(flag), _) => f.write_str(flag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, span: Range<usize>) -> Position {
        let path = "a.toml".into();
        let text = text.to_owned();
        Position::Span(Arc::new(SourceFile { path, text }), span)
    }

    #[test]
    fn columns_count_characters_and_lines_end_at_either_newline() {
        let text = "a = 1\r\n\"größe\" = 2\r\n";
        let at = text.find('2').unwrap();
        let place = place(text, at..at + 1);
        assert_eq!(place.to_string(), "a.toml:2:11");
        assert_eq!(place.line(), Some(("\"größe\" = 2", "\"größe\" = ", "2")));
    }

    #[test]
    fn a_place_over_several_lines_is_shown_to_the_end_of_its_first() {
        let text = "a = [\n1,\n]";
        assert_eq!(place(text, 4..10).line(), Some(("a = [", "a = ", "[")));
    }

    #[test]
    fn a_place_at_the_end_of_the_text_or_outside_it_is_no_trouble() {
        assert_eq!(place("a =", 3..3).line(), Some(("a =", "a =", "")));
        assert_eq!(place("a =", 9..12).line(), None);
        assert_eq!(place("a =", 9..12).line_column(), Some((1, 4)));
    }
}
