//! What a run needs to resume where it was, on disk.
//!
//! A checkpoint is a safetensors file with the weights, the optimizer's slots and the best weights so far; the rest of
//! the [`State`](super::state::State) stands in its metadata. The two newest are kept in a folder of their own.

mod file;
mod folder;
mod keeper;

pub use file::Checkpoint;
pub(super) use folder::Folder;
pub use folder::{Error, newest_name};
pub use keeper::{Keeper, WRITTEN_ASIDE};

/// The folder of a run's checkpoints inside the run's own.
pub const FOLDER: &str = "checkpoint";
