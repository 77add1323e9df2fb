//! A part's metrics by their names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

/// A metric's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Value {
    All(f64),
    EachClass(Vec<f64>),
}

/// Values in the order of their names: a list, as the rows of a large sweep have many of one or two each, and every map
/// would have room for eleven.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "BTreeMap<String, Value>")]
pub(super) struct Values(Vec<(Box<str>, Value)>);

impl Values {
    /// Puts a value in, in place of an earlier one.
    pub fn insert(&mut self, name: &str, value: Value) {
        match self.find(name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => {
                self.0.reserve_exact(1);
                self.0.insert(at, (name.into(), value));
            }
        }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        let at = self.find(name).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }
}

impl From<BTreeMap<String, Value>> for Values {
    fn from(values: BTreeMap<String, Value>) -> Self {
        let named = |(name, value): (String, Value)| (name.into_boxed_str(), value);
        Values(values.into_iter().map(named).collect())
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
