//! Where images come from, splits, normalization, augmentation and batches.
//!
//! [`load`] brings a dataset into memory as bytes; [`Batches`] makes normalized tensors of it.

mod batch;
mod contents;
mod decode;
mod divided;
mod error;
mod files;
mod fingerprint;
mod footprint;
mod format;
mod images;
mod jpeg;
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
pub use contents::digest;
pub use divided::{Counts, Data};
pub use error::{BadImage, Error};
pub use fingerprint::fingerprint;
pub use footprint::Footprint;
pub use format::Wanted;
pub use images::{Images, Part};
pub use loaded::Loaded;
pub use normalize::{ChannelOrder, Normalizer};
pub use order::{balanced_order, order};
pub use photo::{image_files, thumbnail};
pub use read::{Source, classes, load, read, reading_key};
pub use sources::hub_commit;
pub use survey::{Division, Survey, survey};
pub use view::View;
