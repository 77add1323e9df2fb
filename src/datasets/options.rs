//! Keys that only some datasets take.

use crate::choice::{Opt, Takes};

pub const IMAGE_COLUMN: Opt = Opt {
    name: "image_column",
    about: "the column that names each image's file, or in Parquet holds its bytes",
    takes: Takes::Text {
        default: Some("image"),
    },
};

pub const IMAGES: Opt = Opt {
    name: "images",
    about: "the folder that the images' files are named from, by default the table's own",
    takes: Takes::Text { default: None },
};

pub const LABEL_COLUMN: Opt = Opt {
    name: "label_column",
    about: "the column of the classes",
    takes: Takes::Text {
        default: Some("label"),
    },
};

pub const LABEL_SEPARATOR: Opt = Opt {
    name: "label_separator",
    about: "what sets an image's labels off in a value of text, with `multi_label`",
    takes: Takes::Text { default: None },
};

pub const SPLIT_COLUMN: Opt = Opt {
    name: "split_column",
    about: "the column that says which part an image is in, as train, validation or test",
    takes: Takes::Text { default: None },
};

pub const GROUP_COLUMN: Opt = Opt {
    name: "group_column",
    about: "the column of what images have in common, such as a patient, that is to be in one part only",
    takes: Takes::Text { default: None },
};

pub const REPOSITORY: Opt = Opt {
    name: "repository",
    about: "the repository on Hugging Face's hub, e.g. ethz/food101",
    takes: Takes::Text { default: None },
};

pub const REVISION: Opt = Opt {
    name: "revision",
    about: "the repository's branch, tag or commit",
    takes: Takes::Text {
        default: Some("main"),
    },
};

pub const SUBSET: Opt = Opt {
    name: "subset",
    about: "the repository's subset (configuration), where it has several",
    takes: Takes::Text { default: None },
};

pub const TRAINING_PART: Opt = Opt {
    name: "training_part",
    about: "the repository's split that is trained on, by default the one whose name says so",
    takes: Takes::Text { default: None },
};

pub const VALIDATION_PART: Opt = Opt {
    name: "validation_part",
    about: "the repository's split for validation, by default the one whose name says so; \"\" for none",
    takes: Takes::Text { default: None },
};

pub const TEST_PART: Opt = Opt {
    name: "test_part",
    about: "the repository's split for the test, by default the one whose name says so; \"\" for none",
    takes: Takes::Text { default: None },
};

/// As [`IMAGE_COLUMN`]: what names of a sample's files have behind the first dot.
pub const SHARD_IMAGE_COLUMN: Opt = Opt {
    name: IMAGE_COLUMN.name,
    about: "the ending of each sample's image, as jpg, by default whichever is one",
    takes: Takes::Text { default: None },
};

/// As [`LABEL_COLUMN`]: a file of the sample, or a field of one in JSON.
pub const SHARD_LABEL_COLUMN: Opt = Opt {
    name: LABEL_COLUMN.name,
    about: "the ending of the file with each sample's class, as cls, or a field of one in JSON, as json.label",
    takes: Takes::Text {
        default: Some("cls"),
    },
};

/// As [`IMAGE_COLUMN`], found by its feature where it is not set.
pub const HUB_IMAGE_COLUMN: Opt = Opt {
    name: IMAGE_COLUMN.name,
    about: IMAGE_COLUMN.about,
    takes: Takes::Text { default: None },
};

/// As [`LABEL_COLUMN`], found by its feature where it is not set.
pub const HUB_LABEL_COLUMN: Opt = Opt {
    name: LABEL_COLUMN.name,
    about: LABEL_COLUMN.about,
    takes: Takes::Text { default: None },
};
