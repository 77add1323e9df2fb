//! What is known of datasets before a file of theirs is opened: names, classes, sizes, where they can be had.

mod catalog;
mod classes;
mod download;
mod entry;
mod options;
mod own;

pub use catalog::*;
pub use download::{Download, File, Server};
pub use entry::*;
pub use options::*;
pub use own::*;
