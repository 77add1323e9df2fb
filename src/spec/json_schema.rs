//! The spec as a JSON Schema, for editors: generated from the types, so that every key has its description, default,
//! range and names from the place where the program has them.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::types::{Spec, Sweep};
use super::values::{Bytes, Choice, Device, FreezeThrough, Weights};

/// The schema of a spec file, as editors with a TOML language server read it (draft 7).
pub fn json_schema() -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let sweep = generator.subschema_for::<Sweep>();
    let mut root = generator.into_root_schema_for::<Spec>().to_value();
    simplify(&mut root);
    if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("extends".into(), extends());
        let description = "Which runs an experiment consists of.";
        let sweep = json!({ "description": description, "allOf": [sweep.to_value()] });
        properties.insert("sweep".into(), sweep);
    }
    if let Some(root) = root.as_object_mut() {
        root.insert("title".into(), json!("An experiment of runner"));
        root.insert(
            "description".into(),
            json!("What to train, and which runs to compare."),
        );
    }
    root
}

fn extends() -> Value {
    json!({
        "description": "Spec files below this one, from the lowest: a path, or a list of them.",
        "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } }
        ]
    })
}

/// Takes out what holds for JSON but not for a spec file: TOML has no null, and a key that is needed may stand in a file
/// that this one extends, in a variable, or on an axis of the sweep.
fn simplify(value: &mut Value) {
    match value {
        Value::Object(object) => simplify_object(object),
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

fn simplify_object(object: &mut Map<String, Value>) {
    // Nothing but a head layer's kind must stand where the table stands.
    let needs_layer = object.get("required") == Some(&json!(["layer"]));
    if object.contains_key("properties") && !needs_layer {
        object.remove("required");
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    let is_null = |schema: &Value| *schema == json!({ "type": "null" });
    if let Some(Value::Array(options)) = object.get_mut("anyOf") {
        options.retain(|option| !is_null(option));
        if let [Value::Object(only)] = options.as_mut_slice() {
            let only = std::mem::take(only);
            object.remove("anyOf");
            object.extend(only);
        }
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            *types = vec![only.take()];
        }
    }
    if let Some(Value::Array(types)) = object.get("type")
        && let [only] = types.as_slice()
    {
        let only = only.clone();
        object.insert("type".into(), only);
    }
    // Beside a reference, draft 7 reads nothing else.
    if object.len() > 1
        && let Some(reference) = object.remove("$ref")
    {
        object.insert("allOf".into(), json!([{ "$ref": reference }]));
    }
    object.values_mut().for_each(simplify);
}

/// Schemas of the types that read themselves.
macro_rules! schema {
    ($type:ident, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(Choice, {
    "description": "A class by its name or by its index.",
    "anyOf": [{ "type": "string" }, { "type": "integer", "minimum": 0 }]
});
schema!(FreezeThrough, {
    "description": "\"none\", \"all\" (the whole backbone), a layer's name, e.g. \"block4_pool\", or N as Keras's layers[:N].",
    "anyOf": [{ "type": "string" }, { "type": "integer", "minimum": 0 }]
});
schema!(Weights, {
    "description": "\"imagenet\" (downloaded), \"keras\" (what keras.applications downloads), a repository of timm's as \"timm/resnet50.a1_in1k\" or with a commit \"timm/resnet50.a1_in1k@…\", \"random\", a file of weights (.safetensors, .pth, .pt, .bin, .h5, .weights.h5, .keras), or the model of another experiment.",
    "anyOf": [
        { "type": "string" },
        {
            "type": "object",
            "properties": {
                "experiment": {
                    "description": "Another experiment's spec; it is run first if its result is not there.",
                    "type": "string"
                }
            },
            "required": ["experiment"],
            "additionalProperties": false
        }
    ]
});
schema!(Device, {
    "description": "\"auto\" (a GPU where there is one), \"cpu\", \"cuda\", \"cuda:N\" or \"metal\".",
    "type": "string",
    "pattern": "^(auto|cpu|metal|cuda(:[0-9]+)?)$"
});
schema!(Bytes, {
    "description": "A number of bytes, as \"8GiB\", \"500MB\" or a plain number.",
    "anyOf": [{ "type": "string" }, { "type": "integer", "minimum": 0 }]
});
