//! `[sweep]`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess};

use super::axis::AxisValues;
use super::table::{self, Shape, Table};
use crate::choice::{Choice, Options};
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
    pub axes: BTreeMap<String, AxisValues>,
    /// The keys of `axes` in the order of the file.
    pub order: Vec<String>,
}

impl Sweep {
    /// What every strategy can be.
    pub fn choices() -> impl Iterator<Item = &'static Choice> + Clone {
        STRATEGIES.iter().map(|strategy| &strategy.choice)
    }

    /// Each axis with its values, in the order of the file; the last one varies fastest.
    pub fn in_order(&self) -> impl Iterator<Item = (&str, &AxisValues)> {
        let values = |key: &String| self.axes.get_key_value(key);
        let ordered = self.order.iter().filter_map(values);
        let rest = self
            .axes
            .iter()
            .filter(|(key, _)| !self.order.contains(key));
        ordered
            .chain(rest)
            .map(|(key, values)| (key.as_str(), values))
    }
}

impl Table for Sweep {
    const EXPECTED: &'static str = "struct Sweep";

    const TAG: &'static str = "strategy";

    fn shape() -> &'static Shape {
        static SHAPE: LazyLock<Shape> =
            LazyLock::new(|| Shape::new(&["strategy"], Sweep::choices(), &["axes"]));
        &SHAPE
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
        let strategy =
            table::tag_schema::<Strategy>(generator, "Every point of the axes, or some.");
        let axes = json_schema!({
            "description": "Values by key of the spec, or a range of numbers.",
            "type": "object",
            "additionalProperties": generator.subschema_for::<AxisValues>(),
            "default": {},
        });
        let description = "`[sweep]`: which runs an experiment consists of.";
        let own = vec![("strategy", strategy), ("axes", axes)];
        table::schema(description, own, &Sweep::shape().choices)
    }
}
