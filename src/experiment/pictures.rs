//! `runner check --pictures`: a sheet of training images as the network sees them.

use std::path::Path;

use super::{Checked, Error};
use crate::atomic::write_atomically;
use crate::report::{self, About};
use crate::run::{Executor, different_epochs};
use crate::sink::progress::Reporter;
use crate::stop::Stop;

/// So many images are shown,
const IMAGES: usize = 24;
/// and so many epochs of each.
const EPOCHS: usize = 6;

impl Checked {
    /// Writes an HTML page of some training images of the first run as its network sees them in the first epochs: resized,
    /// and changed as `[augmentation]` says. All training images are read; a dataset that is not here is downloaded.
    ///
    /// # Errors
    /// Images that cannot be read, and a file that cannot be written.
    pub fn pictures(&self, file: &Path, reporter: &dyn Reporter) -> Result<(), Error> {
        let Some(planned) = self.0.plan.runs.first() else {
            return Ok(());
        };
        let spec = &planned.run.spec;
        let executor = Executor::new(Stop::default(), reporter)?;
        let epochs = different_epochs(spec, EPOCHS);
        let pictures = executor.pictures(planned, IMAGES, epochs)?;
        let augmentation = match spec.augmentation.is_active() {
            true => toml::to_string(&spec.augmentation).unwrap_or_default(),
            false => String::new(),
        };
        let about = About {
            experiment: &spec.name,
            run: &planned.run.id,
            augmentation: &augmentation,
            size: spec.backbone.input_size.pair(),
            is_mixed: spec.augmentation.mixes(),
        };
        let sheet = report::sheet(&about, &pictures);
        write_atomically(file, sheet.as_bytes()).map_err(|source| Error::Write {
            path: file.to_owned(),
            source,
        })
    }
}
