//! Which columns of a table are read.

use std::path::Path;

use crate::data::error::Error;
use crate::datasets::{GROUP_COLUMN, IMAGE_COLUMN, LABEL_COLUMN, LABEL_SEPARATOR, SPLIT_COLUMN};
use crate::foreign;
use crate::spec::{Dataset, Problem, nearest};

/// The columns of a table by what they hold.
#[derive(Clone, Debug)]
pub(in crate::data::sources) struct Columns {
    pub image: String,
    pub label: String,
    pub split: Option<String>,
    pub group: Option<String>,
    /// The classes by label, where a file does not name them.
    pub names: Option<Vec<String>>,
    /// Whether an image can have several labels.
    pub multi_label: bool,
    /// What sets labels off in a value of text.
    pub separator: Option<String>,
}

impl Columns {
    pub fn of(spec: &Dataset) -> Self {
        let options = &spec.options;
        Columns {
            image: options.text(&IMAGE_COLUMN),
            label: options.text(&LABEL_COLUMN),
            split: options.text_if_set(&SPLIT_COLUMN),
            group: options.text_if_set(&GROUP_COLUMN),
            names: None,
            multi_label: spec.multi_label,
            separator: options.text_if_set(&LABEL_SEPARATOR),
        }
    }

    /// Each with the key that names it.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let always = [
            (IMAGE_COLUMN.name, &self.image),
            (LABEL_COLUMN.name, &self.label),
        ];
        let split = self.split.as_ref().map(|name| (SPLIT_COLUMN.name, name));
        let group = self.group.as_ref().map(|name| (GROUP_COLUMN.name, name));
        let all = always.into_iter().chain(split).chain(group);
        all.map(|(key, name)| (key, name.as_str()))
    }

    /// Refuses a table without one of them, or with two of a name.
    pub fn check<'t>(
        &self,
        path: &Path,
        there: impl Iterator<Item = &'t str> + Clone,
    ) -> Result<(), Error> {
        for (key, wanted) in self.each() {
            match there.clone().filter(|column| *column == wanted).count() {
                0 => return Err(missing(path, (key, wanted), there)),
                1 => {}
                count => {
                    let message = format!("has {count} columns of the name \"{wanted}\"");
                    return Err(Error::file(path, message));
                }
            }
        }
        Ok(())
    }
}

fn missing<'t>(
    path: &Path,
    (key, wanted): (&str, &str),
    there: impl Iterator<Item = &'t str> + Clone,
) -> Error {
    const SHOWN: usize = 20;
    let mut names: Vec<&str> = there.clone().take(SHOWN).collect();
    if there.clone().count() > SHOWN {
        names.push("…");
    }
    let path = foreign::path(path);
    let columns = names.join(", ");
    let message = format!("{path}: has no column \"{wanted}\"; its columns are {columns}");
    let help = match nearest(wanted, there.clone()) {
        _ if there.clone().any(is_file) => {
            "its first line must name the columns: add e.g. `image,label` above the rows".into()
        }
        Some(near) => format!("did you mean `dataset.{key} = \"{near}\"`?"),
        None => format!("set `dataset.{key}` to the column that is meant"),
    };
    Problem::new(format!("dataset.{key}"), message)
        .help(help)
        .into()
}

/// Whether a column's name is rather the name of an image.
fn is_file(column: &str) -> bool {
    let column = column.to_lowercase();
    let endings = [".jpg", ".jpeg", ".png"];
    endings.iter().any(|ending| column.ends_with(ending))
}
