//! What is wrong with a spec, shown the way rustc shows it: message, place, the line itself, help.

use std::fmt;

use super::position::Position;
use crate::foreign::one_line;
use crate::secret::without_passwords;

/// Longest line of a note before it is wrapped, in characters.
const WRAP: usize = 100;

/// Longest line of a file that is shown whole, in characters.
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

/// ANSI escapes around the parts of a diagnostic.
struct Colors {
    red: &'static str,
    blue: &'static str,
    bold: &'static str,
    reset: &'static str,
}

const PLAIN: Colors = Colors {
    red: "",
    blue: "",
    bold: "",
    reset: "",
};

const ANSI: Colors = Colors {
    red: "\x1b[1;31m",
    blue: "\x1b[1;34m",
    bold: "\x1b[1m",
    reset: "\x1b[0m",
};

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
        let c = if color { &ANSI } else { &PLAIN };
        let mut out = format!("{}error{}", c.red, c.reset);
        out += &format!("{}: {}{}", c.bold, printable(&self.message), c.reset);
        let number = self.place.line_column().map(|(line, _)| line.to_string());
        let gutter = " ".repeat(number.as_ref().map_or(1, String::len));
        let place = printable(&self.place.to_string());
        out += &format!("\n{gutter}{}-->{} {place}", c.blue, c.reset);
        match (self.place.line(), number) {
            (Some(line), Some(number)) => out += &self.snippet(line, &number, &gutter, c),
            _ if !self.label.is_empty() => {
                out += &self.note_line(&gutter, "help", &self.label, c);
            }
            _ => {}
        }
        for help in &self.help {
            out += &self.note_line(&gutter, "help", help, c);
        }
        for note in &self.notes {
            out += &self.note_line(&gutter, "note", note, c);
        }
        out
    }

    fn snippet(&self, line: (&str, &str, &str), number: &str, gutter: &str, c: &Colors) -> String {
        let (text, before, marked) = windowed(line);
        let pad = " ".repeat(before);
        let carets = "^".repeat(marked.max(1));
        let label = printable(&self.label);
        let (blue, red, reset) = (c.blue, c.red, c.reset);
        let marker = format!("{pad}{red}{carets} {label}");
        format!(
            "\n{blue}{gutter} |{reset}\n{blue}{number} |{reset} {}\n{blue}{gutter} |{reset} {}{reset}",
            text.trim_end(),
            marker.trim_end()
        )
    }

    fn note_line(&self, gutter: &str, kind: &str, text: &str, c: &Colors) -> String {
        let text = wrapped(&printable(text), WRAP)
            .join(&format!("\n{gutter}   {}", " ".repeat(kind.len() + 2)));
        format!(
            "\n{gutter} {}={} {}{kind}{}: {text}",
            c.blue, c.reset, c.bold, c.reset
        )
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// A line with the lengths of what stands before the marked part and of the marked part, in characters; of a line
/// that is too long, what is around the marked part.
fn windowed((text, before, marked): (&str, &str, &str)) -> (String, usize, usize) {
    let (text, before) = (printable(text), printable(before).chars().count());
    let marked = printable(marked).chars().count();
    let length = text.chars().count();
    if length <= LINE {
        return (text, before, marked);
    }
    let start = before.saturating_sub(LINE / 2);
    let mut window: String = text.chars().skip(start).take(LINE).collect();
    if start > 0 {
        window = format!("…{}", window.chars().skip(1).collect::<String>());
    }
    if start + LINE < length {
        window.push('…');
    }
    let before = before - start;
    (window, before, marked.min(LINE - before))
}

/// The text in lines of at most `width` characters where it has spaces to break at.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
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
        assert!(colored.contains("\x1b[1;31m"), "{colored:?}");
        let plain = ["\x1b[1;31m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"]
            .iter()
            .fold(colored, |text, escape| text.replace(escape, ""));
        assert_eq!(plain, diagnostic.render(false));
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
        let lines = wrapped("one two three", 7);
        assert_eq!(lines, ["one two", "three"]);
        assert_eq!(wrapped("", 7), [""]);
    }
}
