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
