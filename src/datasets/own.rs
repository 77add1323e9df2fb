//! Rows of the catalog for what people have themselves, or name.

use super::entry::{Entry, Format, PartsOf, PathUse};
use super::options::{
    GROUP_COLUMN, HUB_IMAGE_COLUMN, HUB_LABEL_COLUMN, IMAGE_COLUMN, IMAGES, LABEL_COLUMN,
    LABEL_SEPARATOR, REPOSITORY, REVISION, SHARD_IMAGE_COLUMN, SHARD_LABEL_COLUMN, SPLIT_COLUMN,
    SUBSET, TEST_PART, TRAINING_PART, VALIDATION_PART,
};
use crate::choice::Choice;

/// One's own images.
pub static IMAGE_FOLDER: Entry = Entry {
    choice: Choice::plain("image_folder"),
    about: "a folder per class, with images of any size",
    format: Format::ImageFolder,
    path: PathUse::Folder("the folder with one subfolder per class"),
    parts: PartsOf::Found,
    classes: None,
    label_columns: &[],
    image: None,
    published: None,
    download: None,
};

/// One's own images, with a table that says their labels.
pub static TABLE: Entry = Entry {
    choice: Choice {
        name: "table",
        options: &[
            IMAGE_COLUMN,
            IMAGES,
            LABEL_COLUMN,
            LABEL_SEPARATOR,
            SPLIT_COLUMN,
            GROUP_COLUMN,
        ],
    },
    about: "a CSV, TSV or Parquet table with a row per image",
    format: Format::Table,
    path: PathUse::Files("the table: a CSV, TSV or Parquet file"),
    parts: PartsOf::Found,
    classes: None,
    label_columns: &[],
    image: None,
    published: None,
    download: None,
};

/// Anyone's images on Hugging Face's hub.
pub static HUB: Entry = Entry {
    choice: Choice {
        name: "hub",
        options: &[
            REPOSITORY,
            REVISION,
            SUBSET,
            TRAINING_PART,
            VALIDATION_PART,
            TEST_PART,
            HUB_IMAGE_COLUMN,
            HUB_LABEL_COLUMN,
            LABEL_SEPARATOR,
            GROUP_COLUMN,
        ],
    },
    about: "a repository of Hugging Face's hub with Parquet files",
    format: Format::Hub,
    path: PathUse::Repository,
    parts: PartsOf::Found,
    classes: None,
    label_columns: &[],
    image: None,
    published: None,
    download: None,
};

/// One's own images in tar files.
pub static WEBDATASET: Entry = Entry {
    choice: Choice {
        name: "webdataset",
        options: &[
            SHARD_IMAGE_COLUMN,
            SHARD_LABEL_COLUMN,
            LABEL_SEPARATOR,
            SPLIT_COLUMN,
            GROUP_COLUMN,
        ],
    },
    about: "tar files in WebDataset's layout",
    format: Format::WebDataset,
    path: PathUse::Files("the tar files: one, a folder with them, or a pattern as train-*.tar"),
    parts: PartsOf::Found,
    classes: None,
    label_columns: &[],
    image: None,
    published: None,
    download: None,
};
