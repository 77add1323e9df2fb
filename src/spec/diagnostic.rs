//! What is wrong with a spec, shown the way rustc shows it: message, place, the line itself, help.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::position::Position;
use crate::foreign::one_line;
use crate::secret::without_passwords;

/// Longest line of a note before it is wrapped, in characters.
const WRAP: usize = 100;

/// Longest line of a file that is shown whole, with the numbers at its left, in characters.
const LINE: usize = 140;

/// One mistake in a spec, and where it is.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    pub place: Position,
    /// A word beside the place, e.g. a suggestion; may be empty.
    pub label: String,
    /// What else there is to say, with what to do about it; without the word "help".
    pub help: Vec<String>,
    /// Under which circumstances the mistake shows.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic without a label and help.
    pub fn new(place: Position, message: impl Into<String>) -> Self {
        Diagnostic {
            message: message.into(),
            place,
            label: String::new(),
            help: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Sets the word beside the place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds a line of help.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds under which circumstances the mistake shows.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The whole text, several lines without a newline at the end; `color` adds ANSI colours.
    pub fn render(&self, color: bool) -> String {
        let renderer = match color {
            true => Renderer::styled(),
            false => Renderer::plain(),
        };
        let (message, place) = (printable(&self.message), printable(&self.place.path()));
        let (label, line) = (printable(&self.label), self.place.line().map(Line::of));
        let mut below: Vec<(Level<'_>, String)> = Vec::new();
        if line.is_none() && !label.is_empty() {
            below.push((Level::HELP, wrapped(&label)));
        }
        below.extend(self.help.iter().map(|text| (Level::HELP, wrapped(text))));
        below.extend(self.notes.iter().map(|text| (Level::NOTE, wrapped(text))));

        let title = Level::ERROR.primary_title(&message);
        let mut group = match &line {
            Some(line) => {
                let mark = AnnotationKind::Primary.span(line.marked.clone());
                let mark = match label.is_empty() {
                    true => mark,
                    false => mark.label(&label),
                };
                let number = self.place.line_column().map_or(1, |(number, _)| number);
                let snippet = Snippet::source(&line.text).line_start(number).path(&place);
                title.element(snippet.annotation(mark))
            }
            None => title.element(Origin::path(&place)),
        };
        for (level, text) in below {
            group = group.element(level.message(text));
        }
        renderer.term_width(LINE).render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// A line of a file without passwords.
struct Line {
    text: String,
    /// What is marked of it, in bytes.
    marked: Range<usize>,
}

impl Line {
    /// Of a line, what stands in it before the marked part, and that part.
    fn of((text, before, marked): (&str, &str, &str)) -> Self {
        let before = without_passwords(before).len();
        Line {
            text: without_passwords(text),
            marked: before..before + without_passwords(marked).len(),
        }
    }
}

/// Printable text in lines of at most [`WRAP`] characters where it has spaces to break at.
fn wrapped(text: &str) -> String {
    wrapped_to(&printable(text), WRAP)
}

fn wrapped_to(text: &str, width: usize) -> String {
    let (mut lines, mut used) = (String::new(), 0);
    for (at, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        let is_new = used > 0 && used + 1 + length > width;
        match (is_new, at) {
            (true, _) => lines.push('\n'),
            (false, 0) => {}
            (false, _) => lines.push(' '),
        }
        used = if is_new || at == 0 {
            length
        } else {
            used + 1 + length
        };
        lines.push_str(word);
    }
    lines
}

/// Text in a line of its own, a tab as four spaces, passwords of addresses masked.
fn printable(text: &str) -> String {
    let text = without_passwords(text);
    let parts: Vec<_> = text.split('\t').map(one_line).collect();
    parts.join("    ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::position::SourceFile;
    use super::*;

    fn at(text: &str, part: &str) -> Position {
        let start = text.find(part).unwrap();
        let file = SourceFile {
            path: "experiments/a.toml".into(),
            text: text.to_owned(),
        };
        Position::Span(Arc::new(file), start..start + part.len())
    }

    #[test]
    fn it_looks_like_rustc() {
        let text = format!("{}epocs = 3\nseed = 1\n", "\n".repeat(11));
        let diagnostic = Diagnostic::new(at(&text, "epocs"), "unknown key `epocs` in [training]")
            .label("did you mean `epochs`?")
            .help("valid keys: epochs, batch_size");
        let expected = "\
error: unknown key `epocs` in [training]
  --> experiments/a.toml:12:1
   |
12 | epocs = 3
   | ^^^^^ did you mean `epochs`?
   |
   = help: valid keys: epochs, batch_size";
        assert_eq!(diagnostic.to_string(), expected);
    }

    #[test]
    fn a_flag_has_no_line_and_its_label_becomes_help() {
        let place = Position::Flag("--set training.epocs=3".into());
        let diagnostic = Diagnostic::new(place, "unknown key").label("did you mean `epochs`?");
        let expected = "\
error: unknown key
--> --set training.epocs=3
 = help: did you mean `epochs`?";
        assert_eq!(diagnostic.to_string(), expected);
    }

    #[test]
    fn tabs_keep_the_caret_in_place_and_escapes_do_not_reach_the_terminal() {
        let text = "\tname = \"\u{1b}[2J\"\n";
        let shown = Diagnostic::new(at(text, "\"\u{1b}[2J\""), "no").to_string();
        assert!(!shown.contains('\u{1b}'), "{shown}");
        let column = |of: &str| shown.lines().find_map(|l| l.find(of)).unwrap();
        assert_eq!(column("\""), column("^"), "{shown}");
    }

    #[test]
    fn passwords_of_addresses_are_masked_wherever_they_stand() {
        let text = "a = 'http://me:secret@h', b = 'https://me:secret@h' ";
        let place = at(text, "'https://me:secret@h'");
        let diagnostic =
            Diagnostic::new(place, "http://me:secret@h: no").help("not https://secret@h");
        let shown = diagnostic.to_string();
        assert!(!shown.contains("secret") && shown.contains("@h"), "{shown}");
        let column = |of: &str| shown.lines().rev().find_map(|l| l.find(of)).unwrap();
        assert_eq!(column("'https"), column("^"), "{shown}");
        let flag = Position::Flag("--set tracking.mlflow=http://me:secret@h".into());
        assert!(!Diagnostic::new(flag, "no").to_string().contains("secret"));
    }

    #[test]
    fn colours_only_add_escapes() {
        let diagnostic = Diagnostic::new(at("a = 1\n", "1"), "no").help("yes");
        let colored = diagnostic.render(true);
        assert!(colored.contains("\x1b["), "{colored:?}");
        assert_eq!(
            console::strip_ansi_codes(&colored),
            diagnostic.render(false)
        );
    }

    #[test]
    fn of_a_long_line_the_part_around_the_mark_is_shown() {
        for (left, right) in [(0, 500), (500, 0), (500, 500), (69, 100), (71, 100)] {
            let text = format!("{}bad{}", "1".repeat(left), "2".repeat(right));
            let shown = Diagnostic::new(at(&text, "bad"), "no").to_string();
            let lines: Vec<Vec<char>> = shown.lines().map(|l| l.chars().collect()).collect();
            let caret = lines[4].iter().position(|c| *c == '^').unwrap();
            let marked: String = lines[3][caret..caret + 3].iter().collect();
            assert_eq!(marked, "bad", "{shown}");
            assert!(lines[3].len() < LINE + 10, "{shown}");
        }
        let all = Diagnostic::new(at(&"x".repeat(500), &"x".repeat(500)), "no").to_string();
        assert!(
            all.lines().all(|line| line.chars().count() < LINE + 10),
            "{all}"
        );
    }

    #[test]
    fn long_help_is_wrapped_between_words() {
        assert_eq!(wrapped_to("one two three", 7), "one two\nthree");
        assert_eq!(wrapped_to("", 7), "");
    }
}
