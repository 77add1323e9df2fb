//! The network: backbone, what of it is frozen, head.

use std::borrow::Cow;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::table::{self, Shape, Table};
use crate::choice::{Choice, Options};
use crate::head::{self, LAYERS};
pub use crate::head::{ACTIVATION, Activation, Role, UNITS, Units};
use crate::names::{Name, listed, names};
use crate::pixels::Sides;
use crate::spec::values::{FreezeThrough, Weights};
use crate::zoo::{Architecture, CATALOG};

/// `[backbone]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backbone {
    /// Which architecture.
    pub arch: Arch,
    /// Where its weights come from.
    #[serde(default)]
    pub weights: Weights,
    /// What images are resized to: the side of a square in pixels, or height and width as `[224, 320]`.
    #[serde(default = "default_input_size")]
    pub input_size: Sides,
    /// Keep the architecture's own 1000-class head; `[[head]]` must then be empty.
    #[serde(default)]
    pub include_top: bool,
    /// Stochastic depth: the part of the samples for which the deepest residual branch is left out while training; the
    /// rate grows from 0 at the first block, as timm's `drop_path_rate`.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0, max = 1))]
    pub drop_path: f64,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn default_input_size() -> Sides {
    Sides::square(32)
}

listed! {
    /// The backbones the runner can build.
    Arch(Architecture), CATALOG.iter(), |arch| arch.name
}

/// `[freeze]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// The last frozen layer by name, "none", "all" (the whole backbone), or N as Keras's `layers[:N]`.
    #[serde(default)]
    #[schemars(extend("x-order" = "depth"))]
    pub through: FreezeThrough,
    /// Instead of `through`: globs over the backbone's tensors and modules that train, e.g. ["layer4", "*.bias"]; all else
    /// of it is frozen, the head always trains. `*` stands for any characters, dots included.
    #[serde(default)]
    pub train: Option<Vec<String>>,
    /// Batch norms of frozen layers: "frozen" (they infer, as in Keras), "statistics" (they normalize by the batch, and
    /// their moving statistics follow), or "train" (their gamma and beta train, too).
    #[serde(default)]
    pub batch_norm: BatchNormMode,
}

/// Only what decides: `through` or `train`, and `batch_norm` where it is not the default.
impl Serialize for Freeze {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.train {
            Some(globs) => map.serialize_entry("train", globs)?,
            None => map.serialize_entry("through", &self.through)?,
        }
        if self.batch_norm != BatchNormMode::default() {
            map.serialize_entry("batch_norm", &self.batch_norm)?;
        }
        map.end()
    }
}

names! {
    /// What batch norms of frozen layers do while the rest trains.
    #[derive(Default)]
    BatchNormMode {
        /// They infer and keep their statistics.
        #[default]
        Frozen = "frozen",
        /// They normalize by the batch, and their moving statistics follow.
        Statistics = "statistics",
        /// The same, and their gamma and beta train.
        Train = "train",
    }
}

listed! {
    /// Kinds of head layers, by Keras's names; `pool` is the architecture's own pooling and what it does before its
    /// classifier.
    HeadKind(head::Layer), LAYERS.iter().copied(), |layer| layer.choice.name
}

/// One `[[head]]` table. Options that belong to another layer are refused.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadLayer {
    /// Which kind of layer.
    pub layer: HeadKind,
    /// The layer's name; by default Keras's automatic one (`dense`, `dense_1`, ...).
    pub name: Option<String>,
    /// What the layer takes beside.
    pub options: Options,
}

impl HeadLayer {
    /// A layer of this kind without options.
    pub fn new(layer: HeadKind) -> Self {
        HeadLayer {
            layer,
            name: None,
            options: Options::default(),
        }
    }

    /// What every layer can be.
    pub fn choices() -> impl Iterator<Item = &'static Choice> + Clone {
        LAYERS.iter().map(|layer| &layer.choice)
    }

    /// What it makes of the values that it gets.
    pub fn role(&self) -> Role {
        self.layer.role
    }

    /// The function that it ends in.
    pub fn activation(&self) -> Activation {
        (self.layer.activation)(&self.options)
    }

    /// How many values it gives, of a dense layer.
    pub fn units(&self) -> Option<Units> {
        Units::of(&self.options).filter(|_| self.role() == Role::Dense)
    }

    /// Writes the defaults of what the layer takes.
    pub(in crate::spec) fn fill(&mut self) {
        self.options.fill(self.layer.choice.options);
    }
}

/// A table whose kind may not be read yet.
#[derive(Default)]
pub(in crate::spec) struct HeadTable {
    layer: Option<HeadKind>,
    name: Option<String>,
    options: Options,
}

impl Table for HeadTable {
    const EXPECTED: &'static str = "struct HeadLayer";

    const TAG: &'static str = "layer";

    fn shape() -> &'static Shape {
        static SHAPE: LazyLock<Shape> =
            LazyLock::new(|| Shape::new(&["layer", "name"], HeadLayer::choices(), &[]));
        &SHAPE
    }

    fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    fn own<'de, A: MapAccess<'de>>(&mut self, key: &str, table: &mut A) -> Result<(), A::Error> {
        match key {
            "layer" => self.layer = Some(table.next_value()?),
            _ => self.name = table.next_value()?,
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for HeadLayer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table: HeadTable = table::read(deserializer)?;
        let missing = || de::Error::missing_field("layer");
        Ok(HeadLayer {
            layer: table.layer.ok_or_else(missing)?,
            name: table.name,
            options: table.options,
        })
    }
}

impl Serialize for HeadLayer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("layer", &self.layer)?;
        if let Some(name) = &self.name {
            map.serialize_entry("name", name)?;
        }
        table::write::<S>(&self.options, &self.layer.choice, &mut map)?;
        map.end()
    }
}

impl JsonSchema for HeadLayer {
    fn schema_name() -> Cow<'static, str> {
        "HeadLayer".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut layer = generator.subschema_for::<HeadKind>();
        layer.insert("description".into(), "Which kind of layer.".into());
        let name = json_schema!({
            "type": "string",
            "description": "The layer's name; by default Keras's automatic one (`dense`, `dense_1`, ...).",
        });
        let description = "One `[[head]]` table. Options that belong to another layer are refused.";
        let own = vec![("layer", layer), ("name", name)];
        let mut table = table::schema(description, own, &HeadTable::shape().choices);
        // Nothing but the kind must stand where the table stands.
        table.insert("required".into(), serde_json::json!(["layer"]));
        table
    }
}
