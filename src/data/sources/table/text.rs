//! Tables as text: values set off by a comma, a tab, a semicolon or a bar.

use std::path::{Path, PathBuf};

use super::cells::{Images, Numbers, Sheet};
use super::columns::Columns;
use super::form::{Form, Take};
use super::labels;
use super::mistakes::Mistakes;
use super::records::Records;
use crate::data::error::Error;
use crate::data::files::file_name;
use crate::file_kind;
use crate::files::{open_regular, read_regular};
use crate::foreign;
use crate::spec::Problem;

/// The longest table that is read, in bytes.
const MOST_BYTES: u64 = 4 << 30;

/// What sets values off, with its name.
const DELIMITERS: [(u8, &str); 4] = [
    (b',', "commas"),
    (b';', "semicolons"),
    (b'\t', "tabs"),
    (b'|', "bars"),
];

/// A file of text, by its path.
pub(super) struct Text(pub PathBuf);

impl Form for Text {
    fn read(&self, columns: &Columns) -> Result<Sheet, Error> {
        read(&self.0, columns)
    }

    fn by_group(&self, _: &Columns, _: &[usize], _: &mut Take<'_>) -> Result<(), Error> {
        Err(Error::file(&self.0, "names images, and holds none"))
    }

    fn bad(&self, row: usize, reason: &str) -> Error {
        Error::file(&self.0, format!("row {row}: {reason}"))
    }
}

fn read(path: &Path, columns: &Columns) -> Result<Sheet, Error> {
    let bytes = read_regular(path, MOST_BYTES).map_err(Error::io(path))?;
    let text = decoded(path, &bytes)?;
    let (delimiter, by) = delimiter(path, text, columns);
    let header = header(text, delimiter);
    columns.check(path, header.iter().map(String::as_str))?;
    let mut cells = Cells::read(path, text, (delimiter, by), &header)?;
    let mut notes = Vec::new();
    let mut column = |name: &str| cells.column(header.iter().position(|other| other == name));
    let images = column(&columns.image);
    let found = column(&columns.label);
    let splits = columns.split.as_deref().map(&mut column);
    let groups = columns.group.as_deref().map(column);
    if cells.has_spaces {
        let name = file_name(path);
        notes.push(format!("{name}: spaces around values are left out"));
    }
    let (found, counts, lines) = match columns.multi_label {
        true => {
            let separator = columns.separator.as_deref();
            let separator = separator.ok_or_else(|| without_separator(path, &columns.label))?;
            let (found, counts) = labels::separated(found, separator);
            let repeated = cells.lines.iter().zip(&counts);
            let lines = repeated.flat_map(|(line, count)| std::iter::repeat_n(*line, *count));
            let lines = lines.collect();
            (found, Some(counts), lines)
        }
        false => (found, None, cells.lines.clone()),
    };
    let (found, note) = labels::of_text(path, &columns.label, found, &Numbers::Lines(lines))?;
    let numbers = Numbers::Lines(cells.lines);
    notes.extend(note);
    Ok(Sheet {
        path: path.to_owned(),
        part: None,
        numbers,
        images: Images::Named(images),
        labels: found,
        counts,
        names: None,
        splits,
        groups,
        delimiter: Some(by),
        notes,
    })
}

/// A table of text that may have several labels in a value, and nothing says what sets them off.
fn without_separator(path: &Path, column: &str) -> Error {
    let path = foreign::path(path);
    let message = format!(
        "{path}: `dataset.multi_label` needs `dataset.label_separator`: what sets the labels of a value in column \"{column}\" off"
    );
    Problem::new("dataset.multi_label", message)
        .help("add e.g. `label_separator = \"|\"` to [dataset]")
        .into()
}

/// The text of a file in UTF-8, without its mark.
fn decoded<'t>(path: &Path, bytes: &'t [u8]) -> Result<&'t str, Error> {
    let refused = |message: String, help: &str| {
        let message = format!("{}: {message}", foreign::path(path));
        Problem::new("dataset.path", message).help(help)
    };
    let is_wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if is_wide {
        let help = "save it as UTF-8, in Excel as \"CSV UTF-8\", or: iconv -f UTF-16 -t UTF-8";
        return Err(refused("is written in UTF-16".into(), help).into());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err(Error::file(path, "is empty"));
    }
    let text = std::str::from_utf8(bytes).map_err(|wrong| wrong.valid_up_to());
    let wrong_at = match text {
        Ok(text) if !text.contains('\0') => return Ok(text),
        Ok(text) => text.find('\0').unwrap_or(0),
        Err(at) => at,
    };
    let mut file = open_regular(path).map_err(Error::io(path))?;
    let kind = file_kind::recognize(path, &mut file).map_err(Error::io(path))?;
    if let Some(kind) = kind {
        let help = kind
            .for_anything
            .unwrap_or("save the table as CSV (UTF-8) or Parquet");
        let message = format!("a table is needed, and this is {}", kind.name);
        return Err(refused(message, help).into());
    }
    let line = 1 + bytes[..wrong_at].iter().filter(|b| **b == b'\n').count();
    let byte = bytes[wrong_at];
    let message = format!("line {line}: a byte ({byte:#04x}) that is not UTF-8");
    let help = "save it as UTF-8, in Excel as \"CSV UTF-8\"; of Latin-1 or Windows: iconv -f WINDOWS-1252 -t UTF-8";
    Err(refused(message, help).into())
}

/// What sets the values off: what makes the wanted columns of the header, else the most columns; a tab comes first by the
/// file's ending.
fn delimiter(path: &Path, text: &str, columns: &Columns) -> (u8, &'static str) {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    let has_tabs = ending == "tsv" || ending == "tab";
    let mut all = DELIMITERS;
    all.sort_by_key(|(delimiter, _)| has_tabs && *delimiter != b'\t');
    let wanted = |(delimiter, _): &&(u8, &str)| {
        let header = header(text, *delimiter);
        columns
            .each()
            .all(|(_, name)| header.iter().any(|column| column == name))
    };
    let most = |(delimiter, _): &&(u8, &str)| header(text, *delimiter).len();
    let found = all.iter().find(wanted);
    // The last of equal ones is taken.
    let found = found.or_else(|| all.iter().rev().max_by_key(most));
    found.copied().unwrap_or(DELIMITERS[0])
}

fn header(text: &str, delimiter: u8) -> Vec<String> {
    let first = Records::new(text, delimiter).next();
    let names = first.map_or(Vec::new(), |(_, names)| names).into_iter();
    names.map(|name| name.trim().to_owned()).collect()
}

/// The rows of a table.
struct Cells {
    rows: Vec<Vec<String>>,
    /// The line that each begins on, from 1.
    lines: Vec<usize>,
    /// Whether a value that was asked for had spaces around it.
    has_spaces: bool,
}

impl Cells {
    fn read(
        path: &Path,
        text: &str,
        (delimiter, by): (u8, &str),
        header: &[String],
    ) -> Result<Self, Error> {
        let mut cells = Cells {
            rows: Vec::new(),
            lines: Vec::new(),
            has_spaces: false,
        };
        let (mut ragged, mut open) = (Mistakes::default(), Mistakes::default());
        for (line, record) in Records::new(text, delimiter).skip(1) {
            if record.len() != header.len() {
                ragged.add(|| format!("line {line} has {}", record.len()));
            } else if record.iter().any(|cell| cell.contains('\n')) {
                open.add(|| format!("line {line}"));
            }
            cells.rows.push(record);
            cells.lines.push(line);
        }
        let name = foreign::path(path);
        let columns = header.len();
        let what = format!("other than {columns} values, as the first line of {name} has");
        ragged.refuse("path", &what, || {
            format!("values are set off by {by}; one that holds the same sign must stand in quotes")
        })?;
        let what = format!("a line break in a value of {name}");
        open.refuse("path", &what, || {
            "is a quote not closed? write one inside quotes twice".into()
        })?;
        Ok(cells)
    }

    /// The values of a column; none where nothing stands.
    fn column(&mut self, at: Option<usize>) -> Vec<Option<String>> {
        let mut has_spaces = false;
        let value = |row: &Vec<String>| {
            let cell = row.get(at?)?;
            let value = cell.trim();
            has_spaces |= value.len() < cell.len();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let column = self.rows.iter().map(value).collect();
        self.has_spaces |= has_spaces;
        column
    }
}
