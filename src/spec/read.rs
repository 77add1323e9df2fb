//! From merged values to types, collecting every mistake on the way.

use figment::error::Kind;
use figment::value::Value;
use serde::de::DeserializeOwned;

use super::key::{self, KeyPath};
use super::{schema, tree};

/// A value that does not fit its type.
#[derive(Clone, Debug)]
pub(super) struct Mistake {
    /// The key it is at; for a missing key, the table that lacks it.
    pub path: KeyPath,
    pub kind: Kind,
}

/// More mistakes than this in one spec are not looked for.
const MOST: usize = 50;

/// Reads `value` as a `T`.
///
/// serde stops at the first mistake. So the mistake is mended, by taking the value away or putting an example in
/// place of what is missing, and the reading starts again.
///
/// # Errors
/// Every mistake, in the order serde meets them; at least one.
pub(super) fn read<T: DeserializeOwned>(mut value: Value) -> Result<T, Vec<Mistake>> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    let mut removed: Vec<KeyPath> = Vec::new();
    let mut filled: Vec<KeyPath> = Vec::new();
    loop {
        let error = match value.deserialize::<T>() {
            Ok(read) if mistakes.is_empty() => return Ok(read),
            Ok(_) => return Err(mistakes),
            Err(error) => error,
        };
        let mut path = error.path;
        let mended = match &error.kind {
            Kind::MissingField(field) => {
                let filling = example(&path, field);
                let mut missing = path.clone();
                missing.push(field.to_string());
                if !removed.contains(&missing) {
                    mistakes.push(Mistake {
                        path,
                        kind: error.kind.clone(),
                    });
                }
                let mended = tree::assign(&mut value, &missing, filling).is_ok();
                filled.push(missing);
                mended
            }
            kind => {
                if let Kind::UnknownField(field, _) = kind
                    && path.last() != Some(field)
                {
                    path.push(field.clone());
                }
                // An example that does not fit is no mistake of the spec's.
                if filled.contains(&path) {
                    return Err(mistakes);
                }
                let taken = tree::remove(&mut value, &path);
                let mended = taken.is_some();
                removed.extend(taken);
                mistakes.push(Mistake {
                    path,
                    kind: kind.clone(),
                });
                mended
            }
        };
        if !mended || mistakes.len() >= MOST || removed.len() >= MOST {
            return Err(mistakes);
        }
    }
}

/// The example for a missing key of a table as a value.
fn example(table: &[String], field: &str) -> Value {
    let text = format!("example = {}", schema::example(table, field));
    let parsed: Option<toml::Table> = toml::from_str(&text).ok();
    let value = parsed.and_then(|table| Value::serialize(table).ok());
    let path = key::path(&["example"]);
    value
        .and_then(|value| tree::get(&value, &path).cloned())
        .unwrap_or_else(|| Value::from(String::new()))
}

#[cfg(test)]
mod tests {
    use super::super::Spec;
    use super::*;

    #[test]
    fn every_mistake_is_found_once() {
        let text = r#"
            name = "x"
            seed = "one"
            backbone = { arch = 16, input_sise = 32 }
            training = { epochs = -1, metrics = ["accuracy", "acc"] }
            head = [{ layer = "dense", units = 0 }, { units = 3 }]
        "#;
        let value = Value::serialize(toml::from_str::<toml::Value>(text).unwrap()).unwrap();
        let mistakes = read::<Spec>(value).unwrap_err();
        let mut keys: Vec<String> = mistakes.iter().map(|m| key::dotted(&m.path)).collect();
        keys.sort();
        let expected = [
            "",
            "backbone.arch",
            "backbone.input_sise",
            "head.0.units",
            "head.1",
            "seed",
            "training.epochs",
            "training.metrics.1",
        ];
        assert_eq!(keys, expected, "{mistakes:?}");
    }
}
