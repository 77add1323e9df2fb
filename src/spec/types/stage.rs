//! `[[stage]]`: parts of a run, one after another.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Some epochs of a run with keys of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// As the column `stage` of `metrics.parquet` has it.
    pub name: String,
    /// Passes over the training images.
    pub epochs: usize,
    /// What is otherwise than in the rest of the spec, by key: `"freeze.through" = "all"`.
    #[serde(flatten)]
    pub changes: BTreeMap<String, toml::Value>,
}

impl JsonSchema for Stage {
    fn schema_name() -> Cow<'static, str> {
        "Stage".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Some epochs of a run with keys of their own, e.g. \"freeze.through\" = \"all\"; what can be \
                            set: freeze.…, optimizer.…, augmentation.…, and of training what is no part of the measuring.",
            "type": "object",
            "properties": {
                "name": { "type": "string", "description": "As the column `stage` of metrics.parquet has it." },
                "epochs": { "type": "integer", "minimum": 1, "description": "Passes over the training images." },
            },
            "required": ["name", "epochs"],
            "additionalProperties": true,
        })
    }
}
