//! The functions that layers can end in.

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::choice::{Opt, Options, Takes, Unset};
use crate::graph::op::Function;
use crate::names::{Name, names};
use crate::ops;

/// The option of the function that a layer ends in.
pub(super) const fn option(unset: Unset<&'static str>) -> Opt {
    Opt {
        name: "activation",
        about: "the function applied",
        takes: Takes::Name {
            unset,
            names: Activation::NAMES,
        },
    }
}

names! {
    /// Activation functions.
    Activation {
        Linear = "linear",
        Relu = "relu",
        Tanh = "tanh",
        Sigmoid = "sigmoid",
        Softmax = "softmax",
    }
}

impl Activation {
    /// What an option says; linear where it is not set.
    pub(super) fn of(options: &Options, option: &Opt) -> Activation {
        let name = options.text(option);
        let found = Activation::ALL.iter().find(|one| one.as_str() == name);
        found.copied().unwrap_or(Activation::Linear)
    }

    /// As an operation of a graph; none for one that does nothing.
    pub fn function(self) -> Option<Function> {
        Some(match self {
            Activation::Linear => return None,
            Activation::Relu => Function::RELU,
            Activation::Tanh => Function::Tanh,
            Activation::Sigmoid => Function::Of(ops::Function::Sigmoid),
            Activation::Softmax => Function::Softmax,
        })
    }
}
