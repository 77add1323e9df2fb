//! Rows that could not be written yet.

use std::path::PathBuf;

use crate::claim::Claim;
use crate::store::tables::own::{self, OwnRows};
use crate::store::tidy::remove_checkpoints;
use crate::store::{Axis, Error, Status};

/// A run that has ended, and whose rows are not in its folder yet.
pub(super) struct Unwritten {
    pub claim: Claim,
    pub rows: OwnRows,
    /// Whether the rows of its epochs are there, which do not change any more.
    pub has_epochs: bool,
    /// The run's folder.
    pub folder: PathBuf,
}

impl Unwritten {
    /// Writes the rows, and removes what a finished run does not need any more.
    pub fn write(&self, axes: &[Axis]) -> Result<(), Error> {
        let (OwnRows { row, epochs, start }, token) = (&self.rows, self.claim.token());
        if !self.has_epochs {
            own::write_epochs(&self.folder, axes, epochs, token)?;
        }
        own::write_row(&self.folder, axes, row, start.as_deref(), token)?;
        if row.status == Status::Finished {
            remove_checkpoints(&self.folder)?;
        }
        Ok(())
    }
}
