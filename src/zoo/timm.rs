//! The weights that timm publishes for the architectures here, by their repository.

use super::Published;
use crate::pixels::{Interpolation, NormalizationScheme};

/// A line a repository; `data/timm/README.md` says what and whose.
const PRETRAINED: &str = include_str!("../../data/timm/pretrained.tsv");

/// Weights of a repository.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimmWeights {
    pub published: Published,
    /// Outputs of its classifier; 0 where it has none.
    pub classes: usize,
}

impl TimmWeights {
    /// Every one, an architecture's together.
    pub fn all() -> impl Iterator<Item = TimmWeights> {
        PRETRAINED.lines().filter_map(row)
    }

    /// Those of a repository, e.g. `timm/resnet50.a1_in1k`.
    pub fn of(repository: &str) -> Option<TimmWeights> {
        Self::all().find(|weights| weights.published.repository == repository)
    }

    /// The architecture's name: what stands between the owner and the dot.
    pub fn architecture(&self) -> &'static str {
        architecture(self.published.repository)
    }
}

/// What a repository's name says of the architecture.
pub fn architecture(repository: &str) -> &str {
    let name = repository.rsplit('/').next().unwrap_or(repository);
    name.split('.').next().unwrap_or(name)
}

fn row(line: &'static str) -> Option<TimmWeights> {
    let mut cells = line.split('\t');
    let repository = cells.next()?;
    let (classes, crop) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
    let (interpolation, scheme) = (cells.next()?, cells.next()?);
    let mut interpolations = Interpolation::ALL.iter();
    let mut schemes = NormalizationScheme::ALL.iter();
    let published = Published {
        repository,
        revision: "main",
        whose: repository,
        scheme: *schemes.find(|known| known.as_str() == scheme)?,
        crop,
        interpolation: *interpolations.find(|known| known.as_str() == interpolation)?,
    };
    Some(TimmWeights { published, classes })
}

#[cfg(test)]
mod tests {
    use super::super::CATALOG;
    use super::*;

    #[test]
    fn every_line_is_read_and_is_of_an_architecture_of_the_catalog() {
        assert_eq!(TimmWeights::all().count(), PRETRAINED.lines().count());
        for weights in TimmWeights::all() {
            let name = weights.architecture();
            assert!(CATALOG.iter().any(|row| row.name == name), "{name}");
        }
    }

    #[test]
    fn the_catalogs_own_weights_are_among_them_with_the_same_images() {
        for row in CATALOG {
            let Some(published) = row.imagenet else {
                continue;
            };
            let weights = TimmWeights::of(published.repository).unwrap().published;
            assert_eq!(weights.scheme, published.scheme, "{}", row.name);
            assert_eq!(weights.crop, published.crop, "{}", row.name);
            assert_eq!(
                weights.interpolation, published.interpolation,
                "{}",
                row.name
            );
        }
    }
}
