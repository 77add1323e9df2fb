//! What the columns of a repository's files hold.

use std::path::Path;

use serde_json::Value;

use super::super::parquet::file::ParquetFile;
use super::super::parquet::kinds;
use crate::data::error::Error;
use crate::data::label_names;
use crate::datasets::{HUB_IMAGE_COLUMN, HUB_LABEL_COLUMN};
use crate::spec::{Dataset, Problem, nearest};

/// What a label's column is called where no feature says it.
const LABELS: [&str; 4] = ["label", "labels", "fine_label", "class"];

/// The columns with what they hold, in the files' order.
pub(super) struct Features(Vec<(String, Kind)>);

enum Kind {
    Image,
    /// The classes' names by label.
    ClassLabel(Vec<String>),
    Other,
}

impl Features {
    /// Those that the head of README.md gives; none where it gives none.
    pub fn of_card(card: Option<&Value>, subset: Option<&str>) -> Option<Self> {
        let info = card?.get("dataset_info")?;
        let all = match info {
            Value::Array(all) => &all[..],
            one => std::slice::from_ref(one),
        };
        let is_of = |info: &&Value| {
            let name = info.get("config_name").and_then(Value::as_str);
            subset.is_none_or(|subset| name.is_none_or(|name| name == subset))
        };
        let features = all.iter().find(is_of)?.get("features")?.as_array()?.iter();
        let column = |feature: &Value| {
            let name = feature.get("name")?.as_str()?.to_owned();
            Some((name, Kind::of_card(feature)))
        };
        let columns: Vec<_> = features.filter_map(column).collect();
        (!columns.is_empty()).then_some(Features(columns))
    }

    /// Those that a file's metadata and its columns' types give.
    pub fn of_file(path: &Path) -> Result<Self, Error> {
        let file = ParquetFile::open_table(path)?;
        let column = |(name, field): &(String, _)| {
            let field: &polars::prelude::ArrowField = field;
            let kind = match label_names::names(&file.metadata, name) {
                Some(names) => Kind::ClassLabel(names),
                None if kinds::has_bytes(field.dtype()) || kinds::is_binary(field.dtype()) => {
                    Kind::Image
                }
                None => Kind::Other,
            };
            (name.clone(), kind)
        };
        Ok(Features(file.columns.iter().map(column).collect()))
    }

    /// The column of the images and that of the labels: those that the spec names, else the only ones of their kinds.
    pub fn columns(&self, spec: &Dataset) -> Result<(String, String), Error> {
        let image = |kind: &Kind| matches!(kind, Kind::Image);
        let label = |kind: &Kind| matches!(kind, Kind::ClassLabel(_));
        let named = |option| spec.options.text_if_set(option);
        let images = self.column(
            HUB_IMAGE_COLUMN.name,
            named(&HUB_IMAGE_COLUMN),
            ("images", image),
            &[],
        )?;
        let labels = self.column(
            HUB_LABEL_COLUMN.name,
            named(&HUB_LABEL_COLUMN),
            ("labels", label),
            &LABELS,
        )?;
        Ok((images, labels))
    }

    /// The classes' names that a column of labels has.
    pub fn classes(&self, column: &str) -> Option<Vec<String>> {
        let of = self.0.iter().find(|(name, _)| name == column);
        match of {
            Some((_, Kind::ClassLabel(names))) => Some(names.clone()),
            _ => None,
        }
    }

    fn column(
        &self,
        key: &str,
        named: Option<String>,
        (what, is_of): (&str, fn(&Kind) -> bool),
        usual: &[&str],
    ) -> Result<String, Error> {
        let names = || self.0.iter().map(|(name, _)| name.as_str());
        let listed = |names: &[&str]| names.join(", ");
        let all = listed(&names().collect::<Vec<_>>());
        let key = format!("dataset.{key}");
        if let Some(named) = named {
            if names().any(|name| name == named) {
                return Ok(named);
            }
            let message = format!("there is no column \"{named}\"; the columns are {all}");
            let help = match nearest(&named, names()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("name the column of the {what}"),
            };
            return Err(Problem::new(key, message).help(help).into());
        }
        let found = self.0.iter().filter(|(_, kind)| is_of(kind));
        let found: Vec<&str> = found.map(|(name, _)| name.as_str()).collect();
        let message = match found[..] {
            [one] => return Ok(one.to_owned()),
            [] => match usual
                .iter()
                .find(|usual| names().any(|name| name == **usual))
            {
                Some(usual) => return Ok((*usual).to_owned()),
                None => {
                    format!("no feature says which column holds the {what}; the columns are {all}")
                }
            },
            _ => format!("several columns hold {what}: {}", listed(&found)),
        };
        let help = format!(
            "name the one that is meant, e.g. `{} = \"{}\"`",
            &key["dataset.".len()..],
            found.first().copied().or(names().next()).unwrap_or("…")
        );
        Err(Problem::new(key, message).help(help).into())
    }
}

impl Kind {
    /// As a feature of `dataset_info` gives it: a `dtype`, `image` or `class_label` with names by number; or of several
    /// values a `sequence` or `list` of it.
    fn of_card(feature: &Value) -> Self {
        let dtype = feature.get("dtype");
        if dtype.and_then(Value::as_str) == Some("image") {
            return Kind::Image;
        }
        let mut inside = [feature.get("sequence"), feature.get("list"), dtype]
            .into_iter()
            .flatten();
        let names = inside.find_map(|of| of.get("class_label")?.get("names"));
        let named: Option<Vec<String>> = match names {
            Some(Value::Array(names)) => names.iter().map(text).collect(),
            Some(Value::Object(names)) => (0..names.len())
                .map(|label| text(names.get(&label.to_string())?))
                .collect(),
            _ => None,
        };
        named.map_or(Kind::Other, Kind::ClassLabel)
    }
}

/// A name, which YAML may take for a number or a truth.
fn text(name: &Value) -> Option<String> {
    match name {
        Value::String(name) => Some(name.clone()),
        Value::Number(_) | Value::Bool(_) => Some(name.to_string()),
        _ => None,
    }
}
