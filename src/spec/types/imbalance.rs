//! What is done about classes of different sizes.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::choice::{LARGEST, Range};
use crate::names::{Name, names};

/// `training.class_weights`: what the loss of a training image is multiplied by, by its class, as Keras's `class_weight`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassWeights {
    /// One for every class.
    #[default]
    None,
    /// images / (classes · images of the class), as scikit-learn's `compute_class_weight`.
    Balanced,
    /// By the classes' names; one for those that are not named.
    ByClass(BTreeMap<String, f64>),
}

names! {
    /// Which training images an epoch draws.
    Sampler {
        /// Each once.
        None = "none",
        /// As many as there are, every class as often.
        Balanced = "balanced",
    }
}

impl ClassWeights {
    /// What a weight may be.
    pub const RANGE: Range = Range::Positive(LARGEST);
    const WORDS: &'static [&'static str] = &["none", "balanced"];

    /// Whether every class has weight one.
    pub fn is_none(&self) -> bool {
        *self == ClassWeights::None
    }
}

impl Sampler {
    /// Whether each image is drawn once.
    pub fn is_none(&self) -> bool {
        *self == Sampler::None
    }
}

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = ClassWeights;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("\"none\", \"balanced\" or a weight per class, such as { cat = 2.0 }")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<ClassWeights, E> {
                match word {
                    "none" => Ok(ClassWeights::None),
                    "balanced" => Ok(ClassWeights::Balanced),
                    _ => Err(E::unknown_variant(word, ClassWeights::WORDS)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ClassWeights, A::Error> {
                let mut weights = BTreeMap::new();
                while let Some((class, weight)) = map.next_entry()? {
                    weights.insert(class, weight);
                }
                Ok(ClassWeights::ByClass(weights))
            }
        }
        d.deserialize_any(V)
    }
}

impl Serialize for ClassWeights {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            ClassWeights::None => s.serialize_str("none"),
            ClassWeights::Balanced => s.serialize_str("balanced"),
            ClassWeights::ByClass(weights) => weights.serialize(s),
        }
    }
}

impl JsonSchema for ClassWeights {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClassWeights".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut weight = ClassWeights::RANGE.schema();
        weight.insert("type".into(), "number".into());
        json_schema!({
            "description": "\"none\", \"balanced\" (images / (classes · images of the class)), or a weight per class by its name, one for the others.",
            "anyOf": [
                { "type": "string", "enum": ClassWeights::WORDS },
                { "type": "object", "additionalProperties": weight },
            ],
        })
    }
}
