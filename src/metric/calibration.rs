//! How far the probabilities that a network gives are from how often it is right.

use serde::{Deserialize, Serialize};

/// Bins of the largest probability, all as wide; torchmetrics and netcal have as many by default.
const BINS: usize = 15;

/// Samples by how sure the network was of what it predicted; bin `i` holds probabilities in (i / 15, (i + 1) / 15].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    samples: usize,
    bins: [Bin; BINS],
}

/// The samples whose largest probability lies in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Not in older checkpoints.
    #[serde(default)]
    pub samples: usize,
    /// The sum of the probabilities.
    pub confidence: f64,
    /// Samples that were predicted right.
    pub hits: usize,
}

impl Calibration {
    /// Adds a sample: the probability of what was predicted, and whether it is the label.
    pub fn add(&mut self, probability: f32, is_hit: bool) {
        let probability = f64::from(probability);
        let bin = ((probability * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        self.samples += 1;
        if let Some(bin) = self.bins.get_mut(bin) {
            bin.samples += 1;
            bin.confidence += probability;
            bin.hits += usize::from(is_hit);
        }
    }

    /// The bins, by rising probability, all as wide.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// The mean over samples of their bin's |accuracy - mean probability| (Guo et al. 2017, equation 3); NaN without
    /// samples.
    pub fn error(&self) -> f64 {
        let gap = |bin: &Bin| (bin.hits as f64 - bin.confidence).abs();
        self.bins.iter().map(gap).sum::<f64>() / self.samples as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_counts_by_its_samples_and_the_last_holds_certainty() {
        let mut calibration = Calibration::default();
        assert!(calibration.error().is_nan());
        for (probability, is_hit) in [(1.0, false), (0.95, true), (0.15, false), (0.19, true)] {
            calibration.add(probability, is_hit);
        }
        let expected = ((1.0 - 1.95_f64).abs() + (1.0 - 0.34)) / 4.0;
        assert!((calibration.error() - expected).abs() < 1e-7);
    }
}
