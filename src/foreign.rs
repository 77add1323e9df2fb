//! Text of others — names of classes and files, metadata of models, messages of servers, values of specs — made safe to
//! show.
//!
//! A terminal obeys control characters, and people are misled by characters that reorder a line or cannot be seen. They
//! become visible here: `\x1b`, `\u{202e}`. Whatever the program prints goes through [`visible`] in
//! [`terminal`](crate::terminal); the other functions are for places that have rules of their own.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// What cannot be seen or changes what is around it, beside control characters: invisible and formatting characters of
/// Unicode 16 (general category Cf, and those ignorable by default, but for the variation selectors that emoji need).
const INVISIBLE: [(char, char); 25] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    // Zero-width characters, marks of direction.
    ('\u{200b}', '\u{200f}'),
    // Separators of lines and paragraphs, embeddings and overrides of direction.
    ('\u{2028}', '\u{202e}'),
    // Joiners, isolates of direction, invisible operators.
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    // Tags.
    ('\u{e0000}', '\u{e007f}'),
    // The rest of the plane, further variation selectors among it.
    ('\u{e0080}', '\u{e0fff}'),
];

/// Whether a character is to be made visible, line breaks and tabs included.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || INVISIBLE
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&c))
}

/// Hidden characters but line breaks and tabs as `\x1b` or `\u{202e}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_hidden(c) && c != '\n' && c != '\t')
}

/// As [`visible`], line breaks and tabs too: `\n`, `\t`. For names and cells, which are part of a line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden)
}

/// A path inside a line.
pub fn path(path: &Path) -> String {
    one_line(&path.display().to_string()).into_owned()
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_escaped(c) {
            escape(&mut out, c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn escape(out: &mut String, c: char) {
    // A String takes whatever is written.
    let _ = match c {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        c if c.is_ascii() => write!(out, "\\x{:02x}", c as u32),
        c => write!(out, "\\u{{{:x}}}", c as u32),
    };
}

/// As [`visible`], for text that has colours of ours, whose foreign parts were made visible before them: the escapes that
/// set colours and weight (SGR) stay.
pub fn visible_but_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('\x1b') {
        let (before, escape) = rest.split_at(start);
        out += &visible(before);
        let length = colour(escape).unwrap_or(1);
        let (escape, after) = escape.split_at(length);
        match length {
            1 => out += &visible(escape),
            _ => out += escape,
        }
        rest = after;
    }
    out + &visible(rest)
}

/// The length of the escape for a colour at the beginning of `text`: `ESC [ 1 ; 31 m`.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..]
        .starts_with('m')
        .then_some("\x1b[".len() + end + 1)
}

/// JSON whose strings have no hidden character any more: `\u202e`, which every reader takes for the character it was.
pub fn json(text: &str) -> Cow<'_, str> {
    let is_escaped = |c: char| is_hidden(c) && c != '\n';
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_escaped(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A cell of CSV: quoted where it holds commas, quotes or line breaks (RFC 4180), and with an apostrophe before what a
/// spreadsheet would take for a formula (<https://owasp.org/www-community/attacks/CSV_Injection>). A negative number is
/// none.
pub fn csv_cell(text: &str) -> String {
    let mut cell = String::new();
    if is_formula(text) {
        cell.push('\'');
    }
    cell += &visible(text);
    match cell.contains([',', '"', '\n', '\r', ';', '\t']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

fn is_formula(text: &str) -> bool {
    let begins = text.trim_start_matches(' ').chars().next();
    let is_number = || text.parse().is_ok_and(f64::is_finite);
    match begins {
        Some('-') => !is_number(),
        // The wide ones are taken for their twins by some.
        Some('=' | '+' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => true,
        _ => false,
    }
}

/// A cell of a Markdown table: nothing in it ends the cell or the row, or is taken for a link, code or HTML.
pub fn markdown_cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '<' => out += "&lt;",
            '\\' | '|' | '`' | '[' | ']' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind: escapes, the clipboard, C1, DEL, carriage return, direction, separators, zero width, tags.
    const HOSTILE: [&str; 18] = [
        "\x1b[31m",
        "\x1b]52;c;aGk=\x07",
        "\u{9b}31m",
        "\u{9d}0;t\u{9c}",
        "\x7f",
        "\r",
        "\x08",
        "\0",
        "\u{202e}",
        "\u{2066}",
        "\u{200e}",
        "\u{200f}",
        "\u{61c}",
        "\u{2028}",
        "\u{2029}",
        "\u{200b}",
        "\u{feff}",
        "\u{e0041}",
    ];

    #[test]
    fn what_a_terminal_obeys_or_hides_is_shown() {
        for text in HOSTILE {
            let name = format!("a{text}b");
            for shown in [
                visible(&name).into_owned(),
                one_line(&name).into_owned(),
                markdown_cell(&name),
                csv_cell(&name),
            ] {
                assert!(!shown.contains(is_hidden), "{shown:?}");
                assert!(shown.contains('\\'), "{shown:?}");
            }
        }
        assert_eq!(visible("\x1b[31m\u{202e}"), "\\x1b[31m\\u{202e}");
        assert_eq!(one_line("a\n\tb\r"), "a\\n\\tb\\r");
    }

    #[test]
    fn text_of_every_language_stays_as_it_is() {
        for text in ["Größe – 猫 ❤\u{fe0f} é e\u{301} ½ ✓\n\ttab", ""] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn of_escapes_only_colours_stay() {
        let text = "\x1b[1;31merror\x1b[0m: \x1b]52;c;aGk=\x07 \x1b[2J \x1b[ \x1b";
        let expected = "\x1b[1;31merror\x1b[0m: \\x1b]52;c;aGk=\\x07 \\x1b[2J \\x1b[ \\x1b";
        assert_eq!(visible_but_colours(text), expected);
    }

    #[test]
    fn json_keeps_every_character_and_shows_none_that_is_hidden() {
        for text in HOSTILE {
            let name = format!("a{text}\n");
            let shown = serde_json::to_string_pretty(&[&name]).unwrap();
            let shown = json(&shown);
            assert!(!shown.contains(|c| is_hidden(c) && c != '\n'), "{shown:?}");
            let read: Vec<String> = serde_json::from_str(&shown).unwrap();
            assert_eq!(read, [name]);
        }
    }

    #[test]
    fn a_cell_is_no_formula_and_a_number_stays_one() {
        for formula in [
            "=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "-", "-inf", "＝1",
        ] {
            let cell = csv_cell(formula);
            assert!(cell.trim_start_matches('"').starts_with('\''), "{cell}");
        }
        for plain in ["-0.5", "-1e-5", "1", "a=b", "block4_pool", "", "–"] {
            assert_eq!(csv_cell(plain), plain);
        }
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn a_markdown_cell_stays_one_cell() {
        assert_eq!(markdown_cell("a|b\nc"), "a\\|b\\\\nc");
        assert_eq!(markdown_cell("<b> [x](y)"), "&lt;b> \\[x\\](y)");
        assert_eq!(markdown_cell("71.0 ± 1.0 %"), "71.0 ± 1.0 %");
    }
}
