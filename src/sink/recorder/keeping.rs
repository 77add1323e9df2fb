//! Models that are not kept.

use std::fs;

use super::experiment::Recorder;
use crate::claim::Attempt;
use crate::model::weights::FROZEN_FILE;
use crate::sink::error::Error;
use crate::spec::Save;
use crate::store::folder::{MODEL_FILE, say_not_kept};

impl Recorder {
    /// Removes the model of a finished run, where there is one, after it is written in the run's folder that it was not to
    /// be kept. A run that another process has is left to that one.
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub fn remove_model(&self, run: &str, save: Save) -> Result<(), Error> {
        let folder = self.run_folder(run);
        let model = folder.join(MODEL_FILE);
        if !model.is_file() {
            return Ok(());
        }
        let Attempt::Held(claim) = self.claims.attempt(&folder).map_err(Error::io(&folder))? else {
            return Ok(());
        };
        say_not_kept(&folder, save, claim.token())?;
        claim.token().check().map_err(Error::io(&model))?;
        fs::remove_file(&model).map_err(Error::io(&model))?;
        // A link to what other runs have, too.
        let _ = fs::remove_file(folder.join(FROZEN_FILE));
        Ok(())
    }
}
