//! The same rate throughout.

use super::curve::{At, Curve, Kind};
use crate::choice::Choice;

pub static CONSTANT: Kind = Kind {
    choice: Choice {
        name: "constant",
        options: &[],
    },
    curve: |_| Box::new(Constant),
};

#[derive(Debug)]
struct Constant;

impl Curve for Constant {
    fn rate(&self, _: At, base: f64, _: f64) -> f64 {
        base
    }
}
