//! What stands in a table, whatever it was written in.

use std::fmt;
use std::path::PathBuf;

use crate::foreign::one_line;
use crate::split::PartName;

/// The columns of one of a table's files that are wanted, a value per row.
pub(in crate::data::sources) struct Sheet {
    pub path: PathBuf,
    /// The part of all rows, where the file's name says it.
    pub part: Option<PartName>,
    pub numbers: Numbers,
    pub images: Images,
    /// One each, or of rows with several labels one after another.
    pub labels: Vec<Option<Value>>,
    /// How many labels each row has, where rows can have several.
    pub counts: Option<Vec<usize>>,
    /// The classes by label, where the file names them.
    pub names: Option<Vec<String>>,
    pub splits: Option<Vec<Option<String>>>,
    pub groups: Option<Vec<Option<String>>>,
    /// What sets its values off, of text.
    pub delimiter: Option<&'static str>,
    /// What is to be said of how it was read.
    pub notes: Vec<String>,
}

impl Sheet {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.counts.as_ref().map_or(self.labels.len(), Vec::len)
    }

    /// The row of each label.
    pub fn rows_of_labels(&self) -> Vec<usize> {
        let counts = self.counts.iter().flatten().enumerate();
        match self.counts {
            Some(_) => counts
                .flat_map(|(row, count)| std::iter::repeat_n(row, *count))
                .collect(),
            None => (0..self.labels.len()).collect(),
        }
    }
}

/// How rows are counted in messages.
pub(in crate::data::sources) enum Numbers {
    /// The line in the file that each begins on, from 1.
    Lines(Vec<usize>),
    /// From 0.
    Rows,
    /// Each has a name.
    Samples(Vec<String>),
}

impl Numbers {
    /// `line 3`
    pub fn place(&self, row: usize) -> String {
        match self {
            Numbers::Lines(lines) => format!("line {}", lines.get(row).copied().unwrap_or(0)),
            Numbers::Rows => format!("row {row}"),
            Numbers::Samples(names) => {
                let name = names.get(row).map_or("", String::as_str);
                format!("sample {}", one_line(name))
            }
        }
    }
}

/// A column of images.
pub(in crate::data::sources) enum Images {
    /// The names of their files.
    Named(Vec<Option<String>>),
    /// Their bytes are in the table; what each is called.
    Packed(Vec<String>),
}

/// A label as it stands in a table. The order is that of the classes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::data::sources) enum Value {
    Whole(i128),
    Truth(bool),
    Text(String),
}

impl Value {
    /// What values like this one are.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Whole(_) => "whole numbers",
            Value::Truth(_) => "true and false",
            Value::Text(_) => "text",
        }
    }
}

/// The class's name.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Whole(number) => write!(f, "{number}"),
            Value::Truth(truth) => write!(f, "{truth}"),
            Value::Text(text) => f.write_str(text),
        }
    }
}
