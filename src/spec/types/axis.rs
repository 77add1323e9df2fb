//! What stands on an axis of a sweep.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::search::Scale;

/// What a key is set to on an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisValues {
    /// Each of these.
    List(Vec<toml::Value>),
    /// Numbers between two.
    Range(AxisRange),
}

/// `{ min = 1e-5, max = 1e-2, scale = "log" }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisRange {
    pub min: Bound,
    pub max: Bound,
    #[serde(default)]
    pub scale: Scale,
}

/// A number that was written with a decimal point or without.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Bound {
    Whole(i64),
    Real(f64),
}

impl Bound {
    pub fn value(self) -> f64 {
        match self {
            Bound::Whole(n) => n as f64,
            Bound::Real(x) => x,
        }
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Bound;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Bound, E> {
        Ok(Bound::Whole(n))
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Bound, E> {
        let whole = i64::try_from(n);
        Ok(whole.map_or(Bound::Real(n as f64), Bound::Whole))
    }

    fn visit_f64<E: de::Error>(self, x: f64) -> Result<Bound, E> {
        Ok(Bound::Real(x))
    }
}

impl<'de> Deserialize<'de> for AxisValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = AxisValues;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of values, or a range as { min = 1e-5, max = 1e-2, scale = \"log\" }")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<AxisValues, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(values)).map(AxisValues::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<AxisValues, A::Error> {
        AxisRange::deserialize(MapAccessDeserializer::new(table)).map(AxisValues::Range)
    }
}

impl JsonSchema for AxisValues {
    fn schema_name() -> Cow<'static, str> {
        "AxisValues".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "array", "items": true },
                {
                    "type": "object",
                    "description": "Any number between two; for `random`, `tpe`, and `halving` with `samples`.",
                    "additionalProperties": false,
                    "properties": {
                        "min": { "type": "number", "description": "The least." },
                        "max": { "type": "number", "description": "The greatest." },
                        "scale": generator.subschema_for::<Scale>(),
                    },
                    "required": ["min", "max"],
                },
            ],
        })
    }
}
