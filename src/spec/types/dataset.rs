//! Where images come from, and how they are divided.

use std::path::PathBuf;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema};
use serde::de::{self, Deserializer, MapAccess};
use serde::{Deserialize, Serialize};

use super::table::{self, Shape, Table};
use crate::choice::{self, Options};
use crate::datasets::{DATASETS, DIGITS, Entry, GROUP_COLUMN, IMAGES};
use crate::names::{Name, listed, names};
use crate::spec::values::{Bytes, Choice};

/// `[dataset]`. Options that belong to another dataset than `name` are refused.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = with_options)]
pub struct Dataset {
    /// Which dataset.
    pub name: DatasetName,
    /// Read from this file or folder instead of downloading into the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Only these classes, by name or index; labels are renumbered in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<Choice>>,
    /// The first N training images, before the validation split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_limit: Option<usize>,
    /// The first N test images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_limit: Option<usize>,
    /// The part of the training images held out for validation, in [0, 1).
    #[serde(default = "default_validation_split")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub validation_split: f64,
    /// Which training images are held out.
    #[serde(default)]
    pub validation: Validation,
    /// The part of the images held out for the test, in [0, 1), where a dataset has no test part of its own; chosen as
    /// `validation` says, before the limits and the validation split, and the same for every seed.
    #[serde(default)]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub test_split: f64,
    /// So many parts the training images are divided into as `validation` says, of which one is held out instead of
    /// `validation_split`: k-fold cross-validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 1000))]
    pub folds: Option<usize>,
    /// Which of the `folds` is held out, from 0; runs that differ in it alone are averaged, as those of seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-replicate" = true))]
    pub fold: Option<usize>,
    /// What becomes of an image that does not decode.
    #[serde(default)]
    pub on_bad_image: OnBadImage,
    /// Whether an image can have several labels, or none: a list in Parquet, or text with `label_separator`; of tables.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub multi_label: bool,
    /// The memory that decoded images may take, of datasets whose images are files of any size: "4GiB", or a number of bytes.
    /// More of them are decoded into a file of the cache folder and read from there. By default what a run leaves of the
    /// machine's memory, or of its control group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// What the dataset takes beside.
    #[serde(flatten)]
    #[schemars(skip)]
    pub options: Options,
}

impl Dataset {
    /// A whole dataset, where it is looked for by default.
    pub fn new(name: DatasetName) -> Self {
        Dataset {
            name,
            path: None,
            classes: None,
            train_limit: None,
            test_limit: None,
            validation_split: default_validation_split(),
            validation: Validation::default(),
            test_split: 0.0,
            folds: None,
            fold: None,
            on_bad_image: OnBadImage::default(),
            multi_label: false,
            memory: None,
            options: Options::default(),
        }
    }

    /// What every dataset can be.
    pub fn choices() -> impl Iterator<Item = &'static choice::Choice> + Clone {
        DATASETS.iter().map(|entry| &entry.choice)
    }

    /// The folder that the images' files are named from, of a dataset whose images have files.
    pub fn images_folder(&self) -> Option<PathBuf> {
        if let Some(images) = self.options.text_if_set(&IMAGES) {
            return Some(images.into());
        }
        let path = self.path.as_ref()?;
        match path.is_dir() {
            true => Some(path.clone()),
            false => path.parent().map(|folder| folder.to_owned()),
        }
    }

    /// The column of what images have in common that is to be in one part only.
    pub fn group_column(&self) -> Option<String> {
        self.options.text_if_set(&GROUP_COLUMN)
    }

    /// The number of the fold that is held out, and how many there are.
    pub fn held_out_fold(&self) -> Option<(usize, usize)> {
        Some((self.fold.unwrap_or(0), self.folds?))
    }

    /// Writes the defaults of what the dataset takes.
    pub(in crate::spec) fn fill(&mut self) {
        self.options.fill(self.name.choice.options);
    }
}

/// Adds the options of all datasets to the schema of the table.
fn with_options(schema: &mut Schema) {
    let choices: Vec<&choice::Choice> = Dataset::choices().collect();
    table::add_options(schema, &choices);
}

/// A table whose name may not be read yet.
pub(in crate::spec) struct DatasetTable {
    name: Option<DatasetName>,
    dataset: Dataset,
}

impl Default for DatasetTable {
    fn default() -> Self {
        DatasetTable {
            name: None,
            // Any: a table without a name is refused.
            dataset: Dataset::new(DatasetName::of(&DIGITS)),
        }
    }
}

impl Table for DatasetTable {
    const EXPECTED: &'static str = "struct Dataset";

    const TAG: &'static str = "name";

    fn shape() -> &'static Shape {
        const OWN: [&str; 13] = [
            "name",
            "path",
            "classes",
            "train_limit",
            "test_limit",
            "validation_split",
            "validation",
            "test_split",
            "folds",
            "fold",
            "on_bad_image",
            "memory",
            "multi_label",
        ];
        static SHAPE: LazyLock<Shape> = LazyLock::new(|| Shape::new(&OWN, Dataset::choices(), &[]));
        &SHAPE
    }

    fn options(&mut self) -> &mut Options {
        &mut self.dataset.options
    }

    fn own<'de, A: MapAccess<'de>>(&mut self, key: &str, table: &mut A) -> Result<(), A::Error> {
        let dataset = &mut self.dataset;
        match key {
            "name" => self.name = Some(table.next_value()?),
            "path" => dataset.path = table.next_value()?,
            "classes" => dataset.classes = table.next_value()?,
            "train_limit" => dataset.train_limit = table.next_value()?,
            "test_limit" => dataset.test_limit = table.next_value()?,
            "validation_split" => dataset.validation_split = table.next_value()?,
            "validation" => dataset.validation = table.next_value()?,
            "test_split" => dataset.test_split = table.next_value()?,
            "folds" => dataset.folds = table.next_value()?,
            "fold" => dataset.fold = table.next_value()?,
            "on_bad_image" => dataset.on_bad_image = table.next_value()?,
            "memory" => dataset.memory = table.next_value()?,
            _ => dataset.multi_label = table.next_value()?,
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Dataset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table: DatasetTable = table::read(deserializer)?;
        let missing = || de::Error::missing_field("name");
        Ok(Dataset {
            name: table.name.ok_or_else(missing)?,
            ..table.dataset
        })
    }
}

fn default_validation_split() -> f64 {
    0.1
}

listed! {
    /// The datasets the runner can read.
    DatasetName(Entry), DATASETS.iter().copied(), |entry| entry.choice.name, |entry| entry.about
}

names! {
    /// What becomes of an image that does not decode.
    #[derive(Default)]
    OnBadImage {
        /// The run fails and names it.
        #[default]
        Error = "error",
        /// It is left out, and counted in `skipped_images`; it still counts towards the limits.
        Skip = "skip",
    }
}

names! {
    /// Which training images are held out for validation.
    #[derive(Default)]
    Validation {
        /// The last part, before shuffling, as Keras's `validation_split`.
        #[default]
        Tail = "tail",
        /// A seeded random part.
        Random = "random",
        /// A seeded random part of every class.
        Stratified = "stratified",
        /// Seeded random groups of `group_column`, as whole as they are; the classes are kept as well as they can be.
        Group = "group",
    }
}
