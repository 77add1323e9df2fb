//! What the frozen part gives for every image: computed once, kept, and shared by epochs and runs.
//!
//! [`Store`] outlives the runs of an experiment. Of each split it computes the outputs at the freeze
//! boundary once, keeps them in memory within a budget and, where computing took long, as a file in the
//! cache folder; of several processes that want them there, one computes and the others wait. What decides
//! the values is their [`Key`](key::Key); the bytes are those that a forward pass of any batch gives, since
//! an operation's result for an image does not depend on the others.

mod budget;
mod compute;
mod describe;
mod destination;
mod error;
mod file;
mod folder;
mod key;
mod policy;
mod split;
mod store;
mod turn;
mod values;

pub use describe::describe;
pub use error::Error;
pub use policy::{may_be_kept, memory};
pub use split::Split;
pub use store::{Constant, OfRun, Store};
pub use values::{Features, OfSplit};
