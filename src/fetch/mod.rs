//! Files from the network, kept in the cache folder.
//!
//! [`Cache`] holds the files, [`Hub`] says where Hugging Face's are, [`dataset`] and [`imagenet`] know which ones
//! a spec needs. A file is under its final name only when it is whole.

mod address;
mod cache;
mod client;
mod datasets;
mod download;
mod error;
mod head;
mod hub;
mod keras;
mod layout;
mod minimum_rate;
mod partial;
mod pretrained;
mod remote;
mod repository;
mod selection;
mod timeouts;

pub(crate) use address::{is_local, is_private};
pub use cache::Cache;
pub use datasets::dataset;
pub(crate) use download::sha256;
pub use error::Error;
pub use hub::Hub;
pub use keras::{cached_keras, keras};
pub(crate) use layout::{Layout, Unreadable};
pub use pretrained::{Source, cached_pretrained, commit, how_to_convert, pretrained, published};
pub use remote::{Remote, Token};
pub use repository::{
    NoRepository, Repository, RepositoryFile, is_repository_file_cached, repository,
    repository_file,
};
pub use timeouts::Timeouts;
