//! Reading and changing a spec while it is still untyped.

use figment::value::{Dict, Num, Value};

use super::key::{self, KeyPath};

/// Why a value cannot be put at a key.
#[derive(Debug, PartialEq)]
pub(super) enum Unassignable {
    /// The key leads into a list by something that is no index.
    NotAnIndex { list: KeyPath, segment: String },
    /// The list has no such element.
    OutOfRange {
        list: KeyPath,
        index: String,
        length: usize,
    },
}

impl Unassignable {
    /// The mistake as a message, and what to do about it.
    pub(super) fn explain(&self) -> (String, String) {
        match self {
            Unassignable::NotAnIndex { list, segment } => (
                format!("`{}` is a list; `{segment}` is no index", key::dotted(list)),
                format!(
                    "name an element by its index from 0, e.g. `{}.0`",
                    key::dotted(list)
                ),
            ),
            Unassignable::OutOfRange {
                list,
                index,
                length,
            } => (
                format!("`{}` has no element {index}", key::dotted(list)),
                match length {
                    0 => "the list is empty".into(),
                    n => format!("it has the elements 0 to {}", n - 1),
                },
            ),
        }
    }
}

/// The value at a key.
pub(super) fn get<'a>(root: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(root, |value, segment| match value {
        Value::Dict(_, dict) => dict.get(segment),
        Value::Array(_, items) => items.get(index(segment)?),
        _ => None,
    })
}

/// The value at a key of a table.
pub(super) fn get_in<'a>(root: &'a Dict, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    get(root.get(first)?, rest)
}

fn index(segment: &str) -> Option<usize> {
    segment.parse().ok()
}

/// Puts a value at a key as a later overlay would: tables merge, everything else is replaced.
/// Tables on the way are made where they are missing; elements of lists are not.
pub(super) fn assign(root: &mut Value, path: &[String], value: Value) -> Result<(), Unassignable> {
    assign_below(root, path, 0, value)
}

fn assign_below(
    target: &mut Value,
    path: &[String],
    depth: usize,
    value: Value,
) -> Result<(), Unassignable> {
    let Some(segment) = path.get(depth) else {
        merge(target, value);
        return Ok(());
    };
    if let Value::Array(_, items) = target {
        let list = || path[..depth].to_vec();
        let not_an_index = || Unassignable::NotAnIndex {
            list: list(),
            segment: segment.clone(),
        };
        let length = items.len();
        let item = items.get_mut(index(segment).ok_or_else(not_an_index)?);
        let out_of_range = || Unassignable::OutOfRange {
            list: list(),
            index: segment.clone(),
            length,
        };
        return assign_below(item.ok_or_else(out_of_range)?, path, depth + 1, value);
    }
    if !matches!(target, Value::Dict(..)) {
        *target = Value::from(Dict::new());
    }
    match target {
        Value::Dict(_, dict) => {
            let missing = || Value::from(Dict::new());
            let below = dict.entry(segment.clone()).or_insert_with(missing);
            assign_below(below, path, depth + 1, value)
        }
        _ => Ok(()),
    }
}

fn merge(target: &mut Value, value: Value) {
    match (target, value) {
        (Value::Dict(_, old), Value::Dict(_, new)) => {
            for (key, value) in new {
                match old.get_mut(&key) {
                    Some(target) => merge(target, value),
                    None => {
                        old.insert(key, value);
                    }
                }
            }
        }
        (target, value) => *target = value,
    }
}

/// Takes away what stands at a key; for an element of a list, the whole list.
/// Returns the key taken away, or nothing if there was nothing.
pub(super) fn remove(root: &mut Value, path: &[String]) -> Option<KeyPath> {
    for length in (1..=path.len()).rev() {
        let (parent, last) = (&path[..length - 1], &path[length - 1]);
        if let Some(Value::Dict(_, dict)) = get_mut(root, parent) {
            return dict.remove(last).map(|_| path[..length].to_vec());
        }
    }
    None
}

fn get_mut<'a>(root: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(root, |value, segment| match value {
        Value::Dict(_, dict) => dict.get_mut(segment),
        Value::Array(_, items) => items.get_mut(index(segment)?),
        _ => None,
    })
}

/// Tables around a value, so that it stands at a key.
pub(super) fn nest(path: &[String], value: Value) -> Value {
    path.iter().rev().fold(value, |value, segment| {
        Value::from(Dict::from([(segment.clone(), value)]))
    })
}

/// The value as TOML.
pub(super) fn to_toml(value: &Value) -> toml::Value {
    match value {
        Value::String(_, s) => toml::Value::String(s.clone()),
        Value::Char(_, c) => toml::Value::String(c.to_string()),
        Value::Bool(_, b) => toml::Value::Boolean(*b),
        Value::Num(_, Num::F64(f)) => toml::Value::Float(*f),
        Value::Num(_, n) => toml::Value::Integer(n.to_i128().map_or(0, |n| n as i64)),
        Value::Empty(..) => toml::Value::String(String::new()),
        Value::Dict(_, dict) => {
            toml::Value::Table(dict.iter().map(|(k, v)| (k.clone(), to_toml(v))).collect())
        }
        Value::Array(_, items) => toml::Value::Array(items.iter().map(to_toml).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Value {
        Value::serialize(toml::from_str::<toml::Value>(text).unwrap()).unwrap()
    }

    #[test]
    fn assigning_merges_tables_and_replaces_the_rest() {
        let mut root = tree("a = { b = 1, c = [1, 2] }\nh = [{ x = 1 }, { x = 2, y = 3 }]");
        for (at, value) in [
            ("a", "v = { b = 7, d = 8 }"),
            ("a.c", "v = [3]"),
            ("h.1.x", "v = 9"),
            ("new.table", "v = true"),
        ] {
            let value = get(&tree(value), &key::path(&["v"])).unwrap().clone();
            assign(&mut root, &key::parse(at).unwrap(), value).unwrap();
        }
        let expected = tree(
            "a = { b = 7, c = [3], d = 8 }\nh = [{ x = 1 }, { x = 9, y = 3 }]\nnew = { table = true }",
        );
        assert_eq!(to_toml(&root), to_toml(&expected));
    }

    #[test]
    fn lists_take_only_the_indices_they_have() {
        let mut root = tree("h = [{ x = 1 }]");
        let mut at = |key: &str| {
            let path = key::parse(key).unwrap();
            let (message, help) = assign(&mut root, &path, 1.into()).unwrap_err().explain();
            format!("{message}; {help}")
        };
        assert_eq!(
            at("h.1.x"),
            "`h` has no element 1; it has the elements 0 to 0"
        );
        assert_eq!(
            at("h.x"),
            "`h` is a list; `x` is no index; name an element by its index from 0, e.g. `h.0`"
        );
    }

    #[test]
    fn removing_an_element_removes_its_list() {
        let mut root = tree("a = { m = [1, 2], n = 1 }");
        let path = key::parse("a.m.1").unwrap();
        assert_eq!(remove(&mut root, &path), Some(key::path(&["a", "m"])));
        assert_eq!(remove(&mut root, &path), None);
        assert_eq!(to_toml(&root), to_toml(&tree("a = { n = 1 }")));
    }
}
