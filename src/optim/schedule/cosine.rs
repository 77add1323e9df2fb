//! Half a cosine down to the minimum, as Keras's `CosineDecay`.

use std::f64::consts::PI;

use super::curve::{At, Curve, Kind};
use crate::choice::Choice;

pub static COSINE: Kind = Kind {
    choice: Choice {
        name: "cosine",
        options: &[],
    },
    curve: |_| Box::new(Cosine),
};

#[derive(Debug)]
struct Cosine;

impl Curve for Cosine {
    fn rate(&self, at: At, base: f64, minimum: f64) -> f64 {
        minimum + (base - minimum) * 0.5 * (1.0 + (PI * at.part).cos())
    }
}
