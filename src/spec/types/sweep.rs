//! `[sweep]`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess};

use super::table::{self, Table};
use crate::choice::{Choice, Opt, Options, all_options};
use crate::names::{Name, listed};
use crate::search::{self, STRATEGIES};

listed! {
    /// How points are taken from the axes.
    Strategy(search::Strategy), STRATEGIES.iter().copied(), |strategy| strategy.choice.name
}

impl Default for Strategy {
    fn default() -> Self {
        Strategy::of(&search::GRID)
    }
}

/// `[sweep]`: which runs an experiment consists of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sweep {
    /// Every point of the axes, or some.
    pub strategy: Strategy,
    /// What the strategy takes beside.
    pub options: Options,
    /// Values by key of the spec.
    pub axes: BTreeMap<String, Vec<toml::Value>>,
    /// The keys of `axes` in the order of the file.
    pub order: Vec<String>,
}

impl Sweep {
    /// What every strategy can be.
    pub fn choices() -> impl Iterator<Item = &'static Choice> + Clone {
        STRATEGIES.iter().map(|strategy| &strategy.choice)
    }

    /// Each axis with its values, in the order of the file; the last one varies fastest.
    pub fn in_order(&self) -> impl Iterator<Item = (&str, &[toml::Value])> {
        let values = |key: &String| self.axes.get_key_value(key);
        let ordered = self.order.iter().filter_map(values);
        let rest = self
            .axes
            .iter()
            .filter(|(key, _)| !self.order.contains(key));
        ordered
            .chain(rest)
            .map(|(key, values)| (key.as_str(), values.as_slice()))
    }
}

impl Table for Sweep {
    const EXPECTED: &'static str = "struct Sweep";

    const TAG: &'static str = "strategy";

    fn all() -> Vec<&'static Choice> {
        Sweep::choices().collect()
    }

    fn keys() -> &'static [&'static str] {
        static KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| {
            let options = Sweep::all_options().iter().map(|option| option.name);
            let first = ["strategy"].into_iter().chain(options);
            first.chain(["axes"]).collect()
        });
        &KEYS
    }

    fn all_options() -> &'static [&'static Opt] {
        static ALL: LazyLock<Vec<&Opt>> = LazyLock::new(|| all_options(Sweep::choices()));
        &ALL
    }

    fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    fn own<'de, A: MapAccess<'de>>(&mut self, key: &str, table: &mut A) -> Result<(), A::Error> {
        match key {
            "strategy" => self.strategy = table.next_value()?,
            _ => self.axes = table.next_value()?,
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Sweep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table::read(deserializer)
    }
}

impl JsonSchema for Sweep {
    fn schema_name() -> Cow<'static, str> {
        "Sweep".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut strategy = generator.subschema_for::<Strategy>();
        strategy.insert(
            "description".into(),
            "Every point of the axes, or some.".into(),
        );
        strategy.insert("default".into(), Strategy::default().as_str().into());
        let axes = json_schema!({
            "description": "Values by key of the spec.",
            "type": "object",
            "additionalProperties": { "type": "array", "items": true },
            "default": {},
        });
        let choices: Vec<&Choice> = Sweep::choices().collect();
        let description = "`[sweep]`: which runs an experiment consists of.";
        table::schema(
            description,
            vec![("strategy", strategy), ("axes", axes)],
            &choices,
        )
    }
}
