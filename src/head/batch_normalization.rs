//! Normalization of each channel over the batch.

use super::layer::{Layer, Role, linear};
use crate::choice::{Choice, LARGEST, Opt, Range, Takes, Unset};
use crate::graph::op::BatchNorm;

pub static BATCH_NORMALIZATION: Layer = Layer {
    choice: Choice {
        name: "batch_normalization",
        options: &[MOMENTUM, EPSILON],
    },
    role: Role::Each,
    operation: |options, _| {
        let operation = BatchNorm {
            momentum: options.real(&MOMENTUM),
            epsilon: options.real(&EPSILON),
            unbiased: false,
        };
        Some(operation.into())
    },
    activation: linear,
};

const MOMENTUM: Opt = Opt {
    name: "momentum",
    about: "how much of the moving statistics is kept each step",
    takes: Takes::Real {
        unset: Unset::Default(0.99),
        range: Range::Part,
    },
};

const EPSILON: Opt = Opt {
    name: "epsilon",
    about: "added to the variance",
    takes: Takes::Real {
        unset: Unset::Default(1e-3),
        range: Range::Positive(LARGEST),
    },
};
