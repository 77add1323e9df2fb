//! What a run was, as far as it decides the result: which runs repeat one another, and which were tested alike.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::contents::{Contents, decisive};
use super::kind::is_replicate;
use super::types::Spec;
use crate::text::hex;

/// Keys of `[dataset]` that choose what is learned from; all others may change what is tested on.
const LEARNED_FROM: [&str; 6] = [
    "dataset.train_limit",
    "dataset.validation",
    "dataset.validation_split",
    "dataset.folds",
    "dataset.fold",
    "dataset.memory",
];

/// What stands before a key whose file was read, in the place of where it lies.
const CONTENTS: &str = "contents of ";

/// Digits of a digest that are shown.
const SHOWN: usize = 8;

/// Everything that decides the result of a recorded run: keys with their values, in the order of the spec, and what the
/// files that it names hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting(Vec<(String, Value)>);

impl Setting {
    /// What a run's recorded spec (as JSON) and contents say; a spec of another version is taken as it stands.
    pub fn of(spec: &str, contents: Option<&Contents>) -> Self {
        let none = Contents::new();
        let value = match serde_json::from_str::<Spec>(spec) {
            Ok(spec) => decisive(&spec, &none),
            Err(_) => serde_json::from_str(spec).unwrap_or_default(),
        };
        let mut leaves = Vec::new();
        collect("", value, &mut leaves);
        leaves.retain(|(key, _)| key != "name");
        for (key, digest) in contents.unwrap_or(&none) {
            let below = format!("{key}.");
            let is_there = |(leaf, _): &(String, Value)| leaf == key || leaf.starts_with(&below);
            let Some(at) = leaves.iter().position(is_there) else {
                continue;
            };
            leaves.retain(|leaf| !is_there(leaf));
            leaves.insert(at, (format!("{CONTENTS}{key}"), digest.as_str().into()));
        }
        Setting(leaves)
    }

    /// Equal for runs that repeat one another.
    pub fn key(&self) -> String {
        self.digest(|key| !is_replicate(key))
    }

    /// Equal for runs that were tested on the same images.
    pub fn test_set(&self) -> String {
        let contents = format!("{CONTENTS}dataset.");
        self.digest(|key| {
            key.starts_with(&contents)
                || (key.starts_with("dataset.") && !LEARNED_FROM.contains(&key))
        })
    }

    /// Equal for runs that were validated on the same images. Where the split follows the seed, repetitions share it in
    /// kind only.
    pub fn validation_set(&self) -> String {
        let contents = format!("{CONTENTS}dataset.");
        self.digest(|key| {
            (key.starts_with(&contents) || key.starts_with("dataset.")) && !is_replicate(key)
        })
    }

    /// The keys, in the order of the spec.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// Whether it says anything about a key: its value, those of the keys below it, or what its file holds.
    pub fn covers(&self, key: &str) -> bool {
        let (below, contents) = (format!("{key}."), format!("{CONTENTS}{key}"));
        let covers = |leaf: &str| leaf == key || leaf == contents || leaf.starts_with(&below);
        self.keys().any(covers)
    }

    /// The value of a key; of contents, the first digits of their digest.
    pub fn value(&self, key: &str) -> Option<String> {
        let (_, value) = self.0.iter().find(|(known, _)| known == key)?;
        Some(match value {
            Value::String(text) if key.starts_with(CONTENTS) => text.chars().take(SHOWN).collect(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// The keys in which this one differs from another, in the order of the spec.
    pub fn differs_from(&self, other: &Setting) -> Vec<String> {
        let value = |of: &Setting, key: &str| {
            let mut leaves = of.0.iter();
            leaves
                .find(|(known, _)| known == key)
                .map(|(_, value)| value.clone())
        };
        let mut keys: Vec<&str> = Vec::new();
        for key in self.keys().chain(other.keys()) {
            if !keys.contains(&key) && value(self, key) != value(other, key) {
                keys.push(key);
            }
        }
        keys.into_iter().map(str::to_owned).collect()
    }

    /// A digest of the keys that count, with their values.
    fn digest(&self, counts: impl Fn(&str) -> bool) -> String {
        let mut parts: Vec<String> = self
            .0
            .iter()
            .filter(|(key, _)| counts(key))
            .map(|(key, value)| format!("{key}={value}\n"))
            .collect();
        parts.sort();
        hex(Sha256::digest(parts.concat()))
    }
}

fn collect(key: &str, value: Value, leaves: &mut Vec<(String, Value)>) {
    let below = |part: &str| match key {
        "" => part.to_owned(),
        key => format!("{key}.{part}"),
    };
    match value {
        Value::Object(object) => {
            for (part, value) in object {
                collect(&below(&part), value, leaves);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, value) in items.into_iter().enumerate() {
                collect(&below(&index.to_string()), value, leaves);
            }
        }
        Value::Null => {}
        leaf => leaves.push((key.to_owned(), leaf)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(more: &str, contents: &[(&str, &str)]) -> Setting {
        let text = format!(
            "name = 'x'\nbackbone = {{ arch = 'vgg11' }}\ndataset = {{ name = 'mnist', path = '/a' }}\n{more}"
        );
        let spec: Spec = toml::from_str(&text).unwrap();
        let owned = |(key, digest): &(&str, &str)| ((*key).to_owned(), (*digest).to_owned());
        let contents: Contents = contents.iter().map(owned).collect();
        Setting::of(&spec.to_json(), Some(&contents))
    }

    #[test]
    fn repetitions_differ_in_the_seed_alone() {
        let plain = setting("", &[]);
        for same in [
            "seed = 7",
            "features = { memory = '1GiB' }",
            "training = { epochs = 10 }",
        ] {
            assert_eq!(setting(same, &[]).key(), plain.key(), "{same}");
        }
        for (other, key) in [
            ("training = { epochs = 2 }", "training.epochs"),
            ("training = { batch_size = 8 }", "training.batch_size"),
            (
                "optimizer = { learning_rate = 0.5 }",
                "optimizer.learning_rate",
            ),
            (
                "augmentation = { horizontal_flip = true }",
                "augmentation.horizontal_flip",
            ),
        ] {
            let other = setting(other, &[]);
            assert_ne!(other.key(), plain.key());
            assert_eq!(plain.differs_from(&other), [key]);
        }
    }

    #[test]
    fn contents_count_instead_of_where_they_lie() {
        let (one, other) = (
            setting("", &[("dataset.path", "11")]),
            setting("", &[("dataset.path", "22")]),
        );
        assert_ne!(one.key(), other.key());
        assert_ne!(one.test_set(), other.test_set());
        assert_eq!(one.differs_from(&other), ["contents of dataset.path"]);
        assert_eq!(one.value("dataset.path"), None);
    }

    #[test]
    fn what_is_learned_from_does_not_change_what_is_tested_on() {
        let with = |dataset: &str| {
            let text = format!(
                "name = 'x'\nbackbone = {{ arch = 'vgg11' }}\ndataset = {{ name = 'mnist'{dataset} }}"
            );
            let spec: Spec = toml::from_str(&text).unwrap();
            Setting::of(&spec.to_json(), None)
        };
        let plain = with("");
        for same in [", train_limit = 5", ", validation_split = 0.5"] {
            assert_eq!(with(same).test_set(), plain.test_set());
            assert_ne!(with(same).validation_set(), plain.validation_set());
        }
        for other in [", test_limit = 5", ", classes = [0, 1]"] {
            assert_ne!(with(other).test_set(), plain.test_set());
        }
    }

    #[test]
    fn a_spec_of_another_version_is_taken_as_it_stands() {
        let old = Setting::of(r#"{"training":{"epochs":3},"seed":1}"#, None);
        let other = Setting::of(r#"{"training":{"epochs":4},"seed":2}"#, None);
        assert_eq!(old.differs_from(&other), ["training.epochs", "seed"]);
        assert_ne!(old.key(), other.key());
    }
}
