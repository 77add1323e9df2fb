//! How a run's images become its input, with what the spec leaves to the weights: `[resize]` and `[normalization]`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::start::Origin;
use crate::data::{self, Normalizer, Resizing, View};
use crate::model::weights;
use crate::pixels::Sides;
use crate::spec::{NormalizationScheme, Problem, ResizeMethod, Spec, Weights};
use crate::zoo::Published;

/// How images become the network's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Preparation {
    pub resizing: Resizing,
    /// The weights' own; none where the spec has a formula of its own.
    normalizer: Option<Normalizer>,
    /// Whose images are followed; none where the spec says all.
    follows: Option<String>,
    /// What is to be said where nothing says it of these very weights.
    pub assumption: Option<String>,
}

impl Preparation {
    /// What a spec says, and for what it leaves to the weights what these say: the file that they come from, where
    /// there is one, or else those that are published for the architecture.
    ///
    /// # Errors
    /// Nothing is known of the weights' images, or the file says what cannot be.
    pub fn of(spec: &Spec, file: Option<&Path>) -> Result<Self, Problem> {
        let size = spec.backbone.input_size;
        let resizing = Resizing::of(&spec.resize, size);
        let scheme = spec.normalization.scheme;
        if let Some(resizing) = resizing
            && scheme != NormalizationScheme::Pretrained
        {
            return Ok(Preparation {
                resizing,
                normalizer: None,
                follows: None,
                assumption: None,
            });
        }
        let own = Own::of(spec, file)?;
        Ok(Preparation {
            resizing: resizing.unwrap_or(own.resizing),
            normalizer: (scheme == NormalizationScheme::Pretrained).then_some(own.normalizer),
            assumption: own.assumption,
            follows: Some(own.whose),
        })
    }

    /// [`Self::of`] as far as it is known before anything runs: none where another experiment has yet to leave the
    /// weights.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn planned(spec: &Spec) -> Result<Option<Self>, Problem> {
        let file = match (&spec.training.initial_weights, &spec.backbone.weights) {
            (Some(path), _) | (None, Weights::File(path)) => Some(path.as_path()),
            (None, Weights::Experiment(_)) if leaves_to_weights(spec) => return Ok(None),
            _ => None,
        };
        Preparation::of(spec, file).map(Some)
    }

    /// The formula for pixel values, where nothing but the training images is missing for it.
    ///
    /// # Errors
    /// Images on disk that cannot be read.
    pub fn normalizer(&self, spec: &Spec, train: &View) -> Result<Normalizer, data::Error> {
        let own = self.normalizer.clone();
        let normalizer = own.unwrap_or_else(|| Normalizer::new(&spec.normalization, train));
        train.part().images.confirm()?;
        Ok(normalizer)
    }

    /// A line for people.
    pub fn describe(&self, spec: &Spec) -> String {
        let scheme = spec.normalization.scheme;
        let fixed = || Normalizer::fixed(scheme);
        let normalized = match self.normalizer.clone().or_else(fixed) {
            Some(normalizer) => normalizer.describe(),
            None => scheme.to_string(),
        };
        let whose = self.follows.as_ref();
        let whose = whose.map_or(String::new(), |whose| format!(" (pretrained: {whose})"));
        format!("{}; {normalized}{whose}", self.resizing.describe())
    }
}

/// Whether a spec leaves to its weights how images are prepared.
fn leaves_to_weights(spec: &Spec) -> bool {
    spec.normalization.scheme == NormalizationScheme::Pretrained
        || spec.resize.method == ResizeMethod::Pretrained
}

/// How the images of weights were prepared.
struct Own {
    resizing: Resizing,
    normalizer: Normalizer,
    /// Who says so.
    whose: String,
    /// What is to be said where nobody says it of these very weights.
    assumption: Option<String>,
}

impl Own {
    fn of(spec: &Spec, file: Option<&Path>) -> Result<Self, Problem> {
        if let Some(path) = file {
            let wrong = |why: String| {
                let key = match spec.training.initial_weights {
                    Some(_) => "training.initial_weights",
                    None => "backbone.weights",
                };
                Problem::new(key, format!("`{key}`: {}: {why}", path.display()))
            };
            let metadata = weights::metadata(path).map_err(|error| wrong(error.to_string()))?;
            let size = spec.backbone.input_size;
            if let Some((resizing, normalizer)) = saved(&metadata, size).map_err(wrong)? {
                return Ok(Own {
                    resizing,
                    normalizer,
                    whose: format!("as {} says", path.display()),
                    assumption: None,
                });
            }
        }
        let arch = spec.backbone.arch;
        let origin = Origin::of(spec).ok().flatten();
        let published = origin.map(|origin| origin.published()).or(arch.imagenet);
        let published = published.ok_or_else(|| unknown(spec, file))?;
        let own = Own::published(&published, spec.backbone.input_size);
        let own = own.ok_or_else(|| unknown(spec, file))?;
        Ok(match &spec.backbone.weights {
            Weights::Imagenet | Weights::Keras | Weights::Hub(_) if file.is_none() => own,
            _ => Own {
                assumption: Some(assumption(spec, &own.whose, file)),
                whose: format!("taken as for {}", own.whose),
                ..own
            },
        })
    }

    fn published(published: &Published, size: Sides) -> Option<Self> {
        Some(Own {
            resizing: Resizing::timm(size, published.crop, published.interpolation),
            normalizer: Normalizer::fixed(published.scheme)?,
            whose: published.repository.into(),
            assumption: None,
        })
    }
}

/// What is said where only the architecture tells how images are prepared.
fn assumption(spec: &Spec, whose: &str, file: Option<&Path>) -> String {
    let why = match file {
        Some(path) => format!(
            "{} does not say how its images were prepared",
            path.display()
        ),
        None => "random weights have seen no images".into(),
    };
    let arch = spec.backbone.arch;
    format!(
        "{why}; \"pretrained\" is what {whose}, the published weights of {arch}, were tested with"
    )
}

fn unknown(spec: &Spec, file: Option<&Path>) -> Problem {
    let key = match spec.normalization.scheme {
        NormalizationScheme::Pretrained => "normalization.scheme",
        _ => "resize.method",
    };
    let arch = spec.backbone.arch;
    let file = file.map_or(String::new(), |path| {
        format!("{} does not say it, and ", path.display())
    });
    let message = format!(
        "`{key}`: how the images of {arch}'s weights were prepared is not known: {file}the runner knows of no weights \
         published for {arch}"
    );
    Problem::new(key, message).help("say it instead: normalization.scheme = \"imagenet\" or \"caffe\", resize.method = \"crop\"")
}

/// What the metadata of a model that the runner saved say of its images, for another size; none of other
/// files.
///
/// # Errors
/// What cannot be.
pub fn saved(
    metadata: &BTreeMap<String, String>,
    size: Sides,
) -> Result<Option<(Resizing, Normalizer)>, String> {
    let Some(normalizer) = parsed::<Normalizer>(metadata, "normalization")? else {
        return Ok(None);
    };
    if !normalizer.is_possible() {
        return Err(
            "`normalization` in its metadata has a mean or a deviation that cannot be".into(),
        );
    }
    let resizing = match parsed::<Resizing>(metadata, "resize")? {
        Some(resizing) if !resizing.is_possible() => {
            return Err("`resize` in its metadata has a size that cannot be".into());
        }
        Some(resizing) => resizing.with_size(size),
        // Of before there was a choice.
        None => Resizing::squash(size),
    };
    Ok(Some((resizing, normalizer)))
}

fn parsed<T: DeserializeOwned>(
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<Option<T>, String> {
    let value = metadata.get(key).map(|text| serde_json::from_str(text));
    let value = value.transpose();
    value.map_err(|error| format!("`{key}` in its metadata: {error}"))
}
