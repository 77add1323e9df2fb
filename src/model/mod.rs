//! The chain of named layers, backbones, head, freeze boundary, weights in and out, summary.

pub mod weights;
