//! Files from the network, kept in the cache folder.
//!
//! [`Cache`] holds the files, [`Hub`] says where Hugging Face's are, [`dataset`] and [`imagenet`] know which ones
//! a spec needs. A file is under its final name only when it is whole.

mod cache;
mod client;
mod datasets;
mod download;
mod error;
mod head;
mod hub;
mod keras;
mod layout;
mod partial;
mod pretrained;
mod selection;
mod steady;

pub use cache::{Cache, Patience, Remote};
pub(crate) use client::{is_local, is_private};
pub use datasets::dataset;
pub use error::Error;
pub use hub::{Hub, Token};
pub use keras::{cached_keras, keras};
pub(crate) use layout::{Layout, Unreadable};
pub use pretrained::{Source, cached_pretrained, commit, how_to_convert, pretrained, published};
