//! Where images come from, splits, normalization, augmentation and batches.
//!
//! [`load`] brings a dataset into memory as bytes; [`Batches`] makes normalized tensors of it.

mod batch;
mod budget;
mod contents;
mod decode;
mod decoded;
mod divided;
mod error;
mod files;
mod fingerprint;
mod footprint;
mod format;
mod images;
mod jpeg;
mod key;
mod kind;
mod label_names;
mod loaded;
mod narrow;
mod normalize;
mod order;
mod photo;
mod pick;
mod read;
#[cfg(feature = "cuda")]
mod resident;
mod shards;
mod sources;
mod survey;
#[cfg(test)]
mod tests;
mod view;

pub use crate::augment::Mix;
pub use crate::resize::{Fit, Resizing};
pub use batch::Batches;
pub use budget::Budget;
pub use contents::digest;
pub use decoded::{AT_ONCE, Disk, OnDisk};
pub use divided::{Counts, Data};
pub use error::{BadImage, Error};
pub use fingerprint::fingerprint;
pub use footprint::Footprint;
pub use format::Wanted;
pub use images::{Images, Part};
pub use key::{disk, reading_key};
pub use loaded::Loaded;
pub use normalize::{ChannelOrder, Normalizer};
pub use order::{balanced_order, order};
pub use photo::{image_files, thumbnail};
pub use read::{Source, bring, classes, load, read};
pub use sources::hub_commit;
pub use survey::{Division, Survey, survey};
pub use view::View;
