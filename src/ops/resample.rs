//! Which places of an axis each place of another one is a weighted mean of, where an axis is resampled with antialias.

/// How places count by their distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Falls to 0 at a distance of 1: bilinear.
    Triangle,
    /// Keys's with a = −0.5, which ends at a distance of 2: bicubic.
    Cubic,
}

/// The places from `start` on, with weights that add up to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub start: usize,
    pub weights: Vec<f64>,
}

impl Span {
    /// What place `at` of an axis of `to` is made of, from one of `from`; as Pillow (`precompute_coeffs` in its
    /// `src/libImaging/Resample.c`) and PyTorch (`_compute_indices_weights_aa` in its `UpSampleKernel.cpp`) have it.
    pub fn new(at: usize, (from, to): (usize, usize), filter: Filter) -> Self {
        let scale = from as f64 / to as f64;
        let wider = scale.max(1.0);
        let support = filter.radius() * wider;
        let centre = (at as f64 + 0.5) * scale;
        let start = ((centre - support + 0.5) as usize).min(from.saturating_sub(1));
        let end = ((centre + support + 0.5) as usize).min(from).max(start + 1);
        let weight = |x: usize| filter.weight((x as f64 - centre + 0.5) / wider);
        let weights: Vec<f64> = (start..end).map(weight).collect();
        let total: f64 = weights.iter().sum();
        Span {
            start,
            weights: weights.into_iter().map(|weight| weight / total).collect(),
        }
    }
}

impl Filter {
    fn radius(self) -> f64 {
        match self {
            Filter::Triangle => 1.0,
            Filter::Cubic => 2.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        let x = x.abs();
        match self {
            Filter::Triangle if x < 1.0 => 1.0 - x,
            Filter::Cubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Filter::Cubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            _ => 0.0,
        }
    }
}
