//! Which keys a spec can have, taken from the types themselves.

use figment::error::Kind;
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use super::key::KeyPath;
use super::suggest::nearest;
use super::types::*;

/// Keys that stand beside the spec's own at the top of a file.
const FILE_KEYS: [&str; 2] = ["extends", "sweep"];

/// Every table, with the keys in it. An element of `[[head]]` counts as the table `head`.
fn tables() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        ("", [fields::<Spec>(), &FILE_KEYS].concat()),
        ("dataset", fields::<Dataset>().to_vec()),
        ("normalization", fields::<Normalization>().to_vec()),
        ("resize", fields::<Resize>().to_vec()),
        ("augmentation", fields::<Augmentation>().to_vec()),
        ("backbone", fields::<Backbone>().to_vec()),
        ("backbone.weights", vec!["experiment"]),
        ("freeze", fields::<Freeze>().to_vec()),
        ("head", fields::<HeadLayer>().to_vec()),
        ("optimizer", fields::<Optimizer>().to_vec()),
        ("optimizer.schedule", fields::<Schedule>().to_vec()),
        ("training", fields::<Training>().to_vec()),
        (
            "training.early_stopping",
            fields::<EarlyStopping>().to_vec(),
        ),
        ("features", fields::<Features>().to_vec()),
        ("tracking", fields::<Tracking>().to_vec()),
        ("sweep", fields::<Sweep>().to_vec()),
    ]
}

/// The keys serde knows for a type, from its complaint about one that it does not know.
fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    let unknown = Value::from(Dict::from([("?".to_owned(), Value::from(0))]));
    match unknown.deserialize::<T>().map_err(|error| error.kind) {
        Err(Kind::UnknownField(_, fields)) => fields,
        _ => &[],
    }
}

/// Keys whose values are lists of plain values.
const LISTS: [&str; 5] = [
    "dataset.classes",
    "freeze.train",
    "normalization.mean",
    "normalization.std",
    "training.metrics",
];

/// Lists of tables.
const TABLES: [&str; 2] = ["head", "stage"];

/// Tables whose keys are names of others; what stands in them is looked at by their types.
const OPEN: [&str; 3] = ["training.class_weights", "optimizer.rates", "stage"];

/// The table's name without indices of `[[head]]`.
fn table_name(path: &[String]) -> String {
    let segments: Vec<&str> = path
        .iter()
        .filter(|s| s.parse::<usize>().is_err())
        .map(String::as_str)
        .collect();
    segments.join(".")
}

/// The keys of the table at this path; nothing if it is no table.
pub(super) fn keys(path: &[String]) -> Option<Vec<&'static str>> {
    let name = table_name(path);
    let mut tables = tables().into_iter();
    tables
        .find(|(table, _)| *table == name)
        .map(|(_, keys)| keys)
}

/// Another table that has this key.
pub(super) fn table_with(key: &str) -> Option<&'static str> {
    let mut tables = tables().into_iter();
    tables
        .find(|(table, keys)| !table.is_empty() && keys.contains(&key))
        .map(|(table, _)| table)
}

/// A key that a spec cannot have.
pub(super) struct Unknown {
    /// The table that exists.
    pub table: KeyPath,
    /// What is not in it.
    pub key: String,
    /// What is in it.
    pub valid: Vec<&'static str>,
}

/// Checks that a spec can have this key; it may be a table, or an element of a list.
pub(super) fn check(path: &[String]) -> Result<(), Unknown> {
    for length in 0..path.len() {
        let (table, key) = (&path[..length], &path[length]);
        let is_index = key.parse::<usize>().is_ok();
        let name = table_name(table);
        let list_here = length > 0 && table[length - 1].parse::<usize>().is_err();
        if is_index
            && list_here
            && (TABLES.contains(&name.as_str()) || LISTS.contains(&name.as_str()))
        {
            continue;
        }
        if OPEN.contains(&name.as_str()) {
            break;
        }
        let valid = keys(table).unwrap_or_default();
        if !valid.contains(&key.as_str()) {
            return Err(Unknown {
                table: table.to_vec(),
                key: key.clone(),
                valid,
            });
        }
    }
    Ok(())
}

/// Every key of a spec that is no table at the top, dotted.
pub(super) fn full_keys() -> Vec<String> {
    tables()
        .into_iter()
        .filter(|(table, _)| *table != "sweep")
        .flat_map(|(table, keys)| keys.into_iter().map(move |key| (table, key)))
        .filter(|(_, key)| !FILE_KEYS.contains(key))
        .map(|(table, key)| match table {
            "" => key.to_owned(),
            table => format!("{table}.{key}"),
        })
        .collect()
}

/// A full key whose last part is `key`, or looks like it: what a sweep's axis may have meant.
pub(super) fn full_key_like(key: &str) -> Option<String> {
    let all = full_keys();
    if let Some((table, name)) = key.rsplit_once('.') {
        let of_table = all.iter().filter_map(|full| {
            let (its, name) = full.rsplit_once('.')?;
            (its == table).then_some(name)
        });
        if let Some(near) = nearest(name, of_table) {
            return Some(format!("{table}.{near}"));
        }
    }
    let last = key.rsplit('.').next().unwrap_or(key);
    let ends_alike = |full: &&String| full.rsplit('.').next() == Some(last);
    let full = || nearest(key, all.iter().map(String::as_str)).map(str::to_owned);
    full().or_else(|| all.iter().find(ends_alike).cloned())
}

/// The key that is meant by a word of a command line: `epochs`, `batch-size`, `lr`, `freeze.through`. Those of a single
/// layer of the head are not looked for.
pub fn key_meant(word: &str) -> Option<String> {
    let word = word.to_lowercase().replace('-', "_");
    let keys = full_keys();
    let is_table = |key: &str| {
        keys.iter().any(|other| {
            other
                .strip_prefix(key)
                .is_some_and(|rest| rest.starts_with('.'))
        })
    };
    let single = |key: &&String| !is_table(key) && !key.starts_with("head.");
    let keys: Vec<&String> = keys.iter().filter(single).collect();
    let last = |key: &String| key.rsplit('.').next().unwrap_or_default().to_owned();
    let named = |name: &str| keys.iter().find(|key| **key == name || last(key) == name);
    let names: Vec<String> = keys.iter().map(|key| last(key)).collect();
    let near = || named(nearest(&word, names.iter().map(String::as_str))?);
    named(&word).or_else(near).map(|key| (*key).clone())
}

/// A value to show as an example for a key that must be there in a table, as TOML.
pub(super) fn example(table: &[String], key: &str) -> &'static str {
    match (table.first().map_or("", String::as_str), key) {
        ("", "dataset") => "{ name = \"cifar10\" }",
        ("", "backbone") => "{ arch = \"vgg16\" }",
        ("dataset", "name") => "\"cifar10\"",
        ("optimizer", "name") => "\"adam\"",
        ("stage", "name") => "\"head\"",
        (_, "arch") => "\"vgg16\"",
        (_, "layer") => "\"dense\"",
        (_, "epochs") => "10",
        _ => "\"…\"",
    }
}

#[cfg(test)]
mod tests {
    use super::super::key;
    use super::*;

    #[test]
    fn the_keys_come_from_the_types() {
        let freeze = keys(&key::path(&["freeze"])).unwrap();
        assert_eq!(freeze, ["through", "train", "batch_norm"]);
        let element = keys(&key::path(&["head", "3"])).unwrap();
        assert!(element.contains(&"units"));
        assert!(tables().iter().all(|(_, keys)| !keys.is_empty()));
    }

    #[test]
    fn a_key_of_a_table_is_looked_for_in_it() {
        for (typed, meant) in [
            ("optimizer.lr", "optimizer.learning_rate"),
            ("training.batchsize", "training.batch_size"),
            ("through", "freeze.through"),
        ] {
            assert_eq!(full_key_like(typed).as_deref(), Some(meant), "{typed}");
        }
    }

    #[test]
    fn only_keys_that_a_spec_can_have_pass() {
        for good in [
            "seed",
            "optimizer",
            "optimizer.schedule.kind",
            "head.3.rate",
            "head.3",
            "backbone.weights.experiment",
            "dataset.classes.0",
            "training.class_weights.\"St. Bernard\"",
            "training.class_weights.3",
        ] {
            assert!(check(&key::parse(good).unwrap()).is_ok(), "{good}");
        }
        for (bad, table, wrong) in [
            ("sede", "", "sede"),
            ("freeze.trough", "freeze", "trough"),
            ("head.rate.3", "head.rate", "3"),
            ("training.epochs.x", "training.epochs", "x"),
            ("training.0.epochs", "training", "0"),
        ] {
            let unknown = check(&key::parse(bad).unwrap()).err().unwrap();
            assert_eq!(
                (table, wrong),
                (&*key::dotted(&unknown.table), &*unknown.key)
            );
        }
    }

    #[test]
    fn a_key_is_found_by_its_last_part() {
        assert_eq!(full_key_like("through").unwrap(), "freeze.through");
        assert_eq!(full_key_like("freeze.trough").unwrap(), "freeze.through");
        assert_eq!(full_key_like("zebra"), None);
    }
}
