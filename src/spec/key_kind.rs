//! What kind of value a key of a spec takes, from the types themselves.

use std::sync::LazyLock;

use serde_json::Value;

use super::json_schema::json_schema;
use super::key;

/// The one kind of value that a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Boolean,
    Integer,
    Float,
    Text,
}

/// The kind of a key's values; none for a table, a list, a key that takes several kinds, and one that there is not.
pub fn key_kind(key: &str) -> Option<KeyKind> {
    static SCHEMA: LazyLock<Value> = LazyLock::new(json_schema);
    let path = key::parse(key).ok()?;
    let found = path.iter().try_fold(&*SCHEMA, |schema, part| {
        let schema = resolved(&SCHEMA, schema)?;
        match part.parse::<usize>() {
            Ok(_) if schema.get("items").is_some() => schema.get("items"),
            _ => schema.get("properties")?.get(part),
        }
    });
    kind(&SCHEMA, found?)
}

/// The schema itself, behind references to it.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let only = schema.get("allOf").and_then(|all| all.get(0));
    if let Some(only) = only {
        return resolved(root, only);
    }
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => resolved(root, root.pointer(reference.trim_start_matches('#'))?),
        None => Some(schema),
    }
}

fn kind(root: &Value, schema: &Value) -> Option<KeyKind> {
    let schema = resolved(root, schema)?;
    for several in ["anyOf", "oneOf"] {
        if let Some(Value::Array(options)) = schema.get(several) {
            let mut kinds = options.iter().map(|option| kind(root, option));
            let first = kinds.next()??;
            return kinds.all(|kind| kind == Some(first)).then_some(first);
        }
    }
    if schema.get("enum").is_some() || schema.get("const").is_some_and(Value::is_string) {
        return Some(KeyKind::Text);
    }
    match schema.get("type")?.as_str()? {
        "boolean" => Some(KeyKind::Boolean),
        "integer" => Some(KeyKind::Integer),
        "number" => Some(KeyKind::Float),
        "string" => Some(KeyKind::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_comes_from_the_types() {
        for (key, expected) in [
            ("seed", Some(KeyKind::Integer)),
            ("training.epochs", Some(KeyKind::Integer)),
            ("dataset.train_limit", Some(KeyKind::Integer)),
            ("optimizer.learning_rate", Some(KeyKind::Float)),
            ("optimizer.schedule.minimum", Some(KeyKind::Float)),
            ("training.early_stopping.min_delta", Some(KeyKind::Float)),
            ("head.2.rate", Some(KeyKind::Float)),
            ("augmentation.horizontal_flip", Some(KeyKind::Boolean)),
            ("optimizer.name", Some(KeyKind::Text)),
            ("backbone.arch", Some(KeyKind::Text)),
            ("dataset.path", Some(KeyKind::Text)),
            ("training.device", Some(KeyKind::Text)),
            ("head.0.units", None),
            ("optimizer", None),
            ("dataset.classes", None),
            ("zebra", None),
        ] {
            assert_eq!(key_kind(key), expected, "{key}");
        }
    }
}
