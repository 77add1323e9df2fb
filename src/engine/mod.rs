//! Engines that start tasks on other machines: one list, a file each.
//!
//! The queue lies in the engine, the truth in the folders of the runs. An engine starts a task at least once; that each run
//! is done once is the claims' work.

mod command;
mod error;
mod interface;
mod ray;
mod record;
mod slurm;

pub use command::Command;
pub use error::Error;
pub use interface::{Ended, Ends, Engine, Kind, Living, NewJob, Stage, Task};
pub use record::{Job, Record};

/// Every engine.
pub const ENGINES: [Kind; 2] = [slurm::KIND, ray::KIND];

/// The engine that `text` names, `slurm` or `name=address`.
///
/// # Errors
/// A name that is none, or an address that cannot be.
pub fn open(text: &str) -> Result<Box<dyn Engine>, Error> {
    let (name, address) = match text.split_once('=') {
        Some((name, address)) => (name, Some(address)),
        None => (text, None),
    };
    let kind = ENGINES.iter().find(|kind| kind.name == name);
    let kind = kind.ok_or_else(|| Error::Unknown {
        name: name.to_owned(),
        known: ENGINES.map(|kind| kind.name).join(", "),
    })?;
    (kind.open)(address)
}
