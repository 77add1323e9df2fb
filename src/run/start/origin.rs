//! Where the weights that a spec downloads come from.

use std::path::{Path, PathBuf};

use crate::fetch::{self, Cache, Hub, Source};
use crate::model::weights::{self, Part};
use crate::progress::Progress;
use crate::spec::{Arch, Spec, Weights};
use crate::zoo::{KERAS, KerasFile, Published};

/// The file on a server that a spec's weights come from, and how much of it is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Origin<'a> {
    arch: Arch,
    part: Part,
    place: Publisher<'a>,
}

/// Tells origins apart: repository, revision, how much is taken.
pub type OriginKey = (&'static str, String, Part);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Publisher<'a> {
    Hub(Source<'a>),
    Keras(KerasFile),
}

impl<'a> Origin<'a> {
    /// Of a spec; none where it downloads no weights.
    ///
    /// # Errors
    /// Weights that nobody publishes.
    pub fn of(spec: &'a Spec) -> Result<Option<Self>, fetch::Error> {
        let (arch, part) = (spec.backbone.arch, Part::of(spec));
        let place = if spec.backbone.weights == Weights::Keras {
            let files = arch.keras.ok_or(fetch::Error::NoKerasWeights(arch))?;
            Some(Publisher::Keras(match part {
                Part::Features => files.without_top,
                Part::Pooled | Part::Whole => files.whole,
            }))
        } else {
            Source::of(&spec.backbone)?.map(Publisher::Hub)
        };
        Ok(place.map(|place| Origin { arch, part, place }))
    }

    /// Whose they are, and for which images.
    pub fn published(&self) -> Published {
        match self.place {
            Publisher::Hub(source) => source.published,
            Publisher::Keras(_) => KERAS,
        }
    }

    /// What is asked for there: a commit, branch or tag, or a file's name.
    pub fn revision(&self) -> String {
        match self.place {
            Publisher::Hub(source) => source.revision.to_owned(),
            Publisher::Keras(file) => file.name(),
        }
    }

    /// What no other origin has.
    pub fn key(&self) -> OriginKey {
        (self.published().repository, self.revision(), self.part)
    }

    /// Whether that never changes.
    pub fn is_fixed(&self) -> bool {
        match self.place {
            Publisher::Hub(source) => source.is_pinned(),
            Publisher::Keras(_) => true,
        }
    }

    /// The file in the cache, downloaded where it is not there.
    ///
    /// # Errors
    /// Failed downloads.
    pub fn file(
        &self,
        (cache, hub): (&Cache, &Hub),
        progress: &dyn Progress,
    ) -> Result<PathBuf, fetch::Error> {
        match &self.place {
            Publisher::Hub(source) => {
                let wanted = weights::needed(self.arch, self.part);
                fetch::pretrained(cache, hub, source, &wanted, progress)
            }
            Publisher::Keras(file) => fetch::keras(cache, file, &weights::convert_keras, progress),
        }
    }

    /// The file in the cache; none where it would have to be downloaded.
    pub fn cached(&self, (cache, hub): (&Cache, &Hub)) -> Option<PathBuf> {
        match &self.place {
            Publisher::Hub(source) => {
                let wanted = weights::needed(self.arch, self.part);
                fetch::cached_pretrained(cache, hub, source, &wanted)
            }
            Publisher::Keras(file) => fetch::cached_keras(cache, file),
        }
    }

    /// A checksum over what is taken of such a file, names and values.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn digest(&self, file: &Path) -> Result<String, weights::Error> {
        weights::digest(file, &weights::needed(self.arch, self.part))
    }
}
