//! What kind of value a key takes, by the schema: it decides how what is written outside of files is read.
//!
//! In a file `"2024"` and `2024` are told apart by their quotes. In a flag or a variable both are written `2024`, and
//! where the key takes text, text is meant.

use std::sync::LazyLock;

use serde_json::Value;

use super::json_schema::json_schema;
use super::{key, schema};

/// What a key takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Text or a whole number, e.g. a class by its name or its index.
    TextOrCount,
    TextOrTable,
    List(Box<Kind>),
    /// What TOML says it is.
    Other,
}

static SCHEMA: LazyLock<Value> = LazyLock::new(json_schema);

impl Kind {
    /// The kind of the value at this key; an axis of a sweep has a list of what its key takes.
    pub(super) fn of(path: &[String]) -> Kind {
        if let Some(axes) = path.get(..2)
            && key::is_axes(axes)
            && let Some(axis) = path.get(2)
        {
            let Ok(swept) = key::parse(axis) else {
                return Kind::Other;
            };
            return Kind::List(Box::new(Kind::of(&swept)));
        }
        find(path).map_or(Kind::Other, kind)
    }
}

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
    const WORDS: [(&str, Option<KeyKind>); 6] = [
        ("boolean", Some(KeyKind::Boolean)),
        ("integer", Some(KeyKind::Integer)),
        ("number", Some(KeyKind::Float)),
        ("string", Some(KeyKind::Text)),
        ("array", None),
        ("object", None),
    ];
    let node = find(&key::parse(key).ok()?)?;
    let mut taken = WORDS.into_iter().filter(|(word, _)| takes(node, word));
    let (_, only) = taken.next()?;
    only.filter(|_| taken.next().is_none())
}

/// Whether a key's values are depths of a network, as its type says (`x-order`): their order is that of the network's
/// layers, which their names do not tell.
pub fn is_ordered_by_depth(key: &str) -> bool {
    has(key, "x-order", &"depth".into())
}

/// Keys whose values make a run the repetition of another that is equal in everything else, as their types say
/// (`x-replicate`).
pub fn replicates() -> &'static [String] {
    static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut keys = schema::full_keys();
        keys.retain(|key| has(key, "x-replicate", &Value::Bool(true)));
        keys
    });
    &KEYS
}

/// Whether runs that differ in this key alone are repetitions of each other.
pub fn is_replicate(key: &str) -> bool {
    replicates().iter().any(|replicate| replicate == key)
}

/// Whether a key's type says this of it.
fn has(key: &str, property: &str, value: &Value) -> bool {
    let node = key::parse(key).ok().and_then(|path| find(&path));
    node.and_then(|node| node.get(property)) == Some(value)
}

/// The schema of the values at this key.
fn find(path: &[String]) -> Option<&'static Value> {
    let mut parts = path.iter();
    parts.try_fold(&*SCHEMA, |node, part| child(node, part))
}

/// What a reference refers to.
fn resolved(node: &Value) -> &Value {
    let name = node.get("$ref").and_then(Value::as_str);
    let pointer = name.and_then(|name| name.strip_prefix('#'));
    let found = pointer.and_then(|pointer| SCHEMA.pointer(pointer));
    found.map_or(node, resolved)
}

/// Schemas that a node consists of or chooses from.
fn parts(node: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["allOf", "anyOf", "oneOf"].into_iter();
    let lists = lists.filter_map(|name| node.get(name)?.as_array());
    lists.flatten()
}

fn child<'a>(node: &'a Value, part: &str) -> Option<&'a Value> {
    let node = resolved(node);
    let property = || node.get("properties")?.get(part);
    let item = || node.get("items").filter(|_| part.parse::<usize>().is_ok());
    property()
        .or_else(item)
        .or_else(|| parts(node).find_map(|node| child(node, part)))
}

fn kind(node: &Value) -> Kind {
    let takes = |word: &str| takes(node, word);
    let is_number = ["integer", "number"].into_iter().any(takes);
    if takes("string") {
        match (is_number, takes("object")) {
            (true, _) => Kind::TextOrCount,
            (_, true) => Kind::TextOrTable,
            _ => Kind::Text,
        }
    } else if takes("array") {
        Kind::List(Box::new(items(node).map_or(Kind::Other, kind)))
    } else {
        Kind::Other
    }
}

fn items(node: &Value) -> Option<&Value> {
    let node = resolved(node);
    node.get("items").or_else(|| parts(node).find_map(items))
}

/// Whether a node takes values of a type of JSON.
fn takes(node: &Value, word: &str) -> bool {
    let node = resolved(node);
    let names = node.get("type").into_iter();
    let mut names = names.flat_map(|name| match name {
        Value::Array(names) => names.iter().collect(),
        name => vec![name],
    });
    let is_text = || {
        let one = node.get("const").into_iter();
        let mut several = node
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        one.chain(several.by_ref()).any(Value::is_string)
    };
    names.any(|name| name == word)
        || word == "string" && is_text()
        || parts(node).any(|node| takes(node, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_from_the_schema() {
        let list = |kind| Kind::List(Box::new(kind));
        for (key, kind) in [
            ("name", Kind::Text),
            ("dataset.path", Kind::Text),
            ("dataset.name", Kind::Text),
            ("head.3.name", Kind::Text),
            ("optimizer.schedule.monitor", Kind::Text),
            ("training.device", Kind::Text),
            ("training.metrics", list(Kind::Text)),
            ("dataset.classes", list(Kind::TextOrCount)),
            ("dataset.classes.2", Kind::TextOrCount),
            ("head.0.units", Kind::TextOrCount),
            ("features.memory", Kind::TextOrCount),
            ("backbone.weights", Kind::TextOrTable),
            ("backbone.weights.experiment", Kind::Text),
            ("seed", Kind::Other),
            ("training.epochs", Kind::Other),
            ("training.shuffle", Kind::Other),
            ("optimizer", Kind::Other),
            ("no.such.key", Kind::Other),
            ("sweep.axes.\"dataset.path\"", list(Kind::Text)),
            (
                "sweep.axes.\"dataset.classes\"",
                list(list(Kind::TextOrCount)),
            ),
            ("sweep.axes.seed", list(Kind::Other)),
        ] {
            assert_eq!(Kind::of(&key::parse(key).unwrap()), kind, "{key}");
        }
    }

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

    #[test]
    fn runs_of_different_seeds_repeat_one_another() {
        assert_eq!(replicates(), ["seed", "dataset.fold"]);
        assert!(is_replicate("seed") && !is_replicate("freeze.through"));
    }

    #[test]
    fn depths_have_the_order_of_the_network() {
        assert!(is_ordered_by_depth("freeze.through"));
        for other in ["freeze.train", "optimizer.learning_rate", "seed", "x.y", ""] {
            assert!(!is_ordered_by_depth(other), "{other}");
        }
    }
}
