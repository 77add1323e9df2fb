//! How weights are updated.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, MapAccess};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::table::{self, Shape, Table};
use crate::choice::{Choice, Options};
use crate::names::{Name, listed};
use crate::optim::{self, CURVES, Length, METHODS, Rule};

listed! {
    /// An optimizer, with Keras's rule and defaults.
    OptimizerName(optim::Method), METHODS.iter().copied(), |method| method.choice.name
}

listed! {
    /// A learning rate schedule.
    ScheduleKind(optim::Kind), CURVES.iter().copied(), |kind| kind.choice.name
}

impl Default for OptimizerName {
    fn default() -> Self {
        OptimizerName::of(&optim::ADAM)
    }
}

impl Default for ScheduleKind {
    fn default() -> Self {
        ScheduleKind::of(&optim::CONSTANT)
    }
}

/// `[optimizer]`. Options that belong to another optimizer than `name` are refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Optimizer {
    /// Which optimizer.
    pub name: OptimizerName,
    /// What the optimizer takes.
    pub options: Options,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// The learning rate times this for every module of the backbone further from the head.
    pub layer_decay: Option<f64>,
    /// What the learning rate of tensors is multiplied by, by globs over tensors and modules.
    pub rates: BTreeMap<String, f64>,
    /// The largest norm of all gradients together.
    pub clip_norm: Option<f64>,
    /// L2 towards the pretrained weights.
    pub l2_sp: Option<f64>,
}

impl Optimizer {
    const RATES: &str = "rates";

    /// Keys that go with every optimizer, beside its schedule, with what they are.
    const BESIDE: [(&str, &str); 4] = [
        (
            "layer_decay",
            "The learning rate times this for every module of the backbone further from the head.",
        ),
        (
            Optimizer::RATES,
            "What the learning rate is multiplied by, by globs over tensors and modules, e.g. { \"blocks.*\" = 0.1 }.",
        ),
        (
            "clip_norm",
            "The largest Euclidean norm of all gradients together, as PyTorch's clip_grad_norm_.",
        ),
        (
            "l2_sp",
            "L2 towards the pretrained weights: this times half the squared distance is added to the loss.",
        ),
    ];

    /// Whether a key is no option of some optimizers only.
    pub fn goes_with_all(key: &str) -> bool {
        key == "schedule" || Optimizer::BESIDE.iter().any(|(known, _)| *known == key)
    }

    /// Whether anything is done beside the rule.
    pub fn is_adjusted(&self) -> bool {
        self.layer_decay.is_some()
            || !self.rates.is_empty()
            || self.clip_norm.is_some()
            || self.l2_sp.is_some()
    }

    /// What every optimizer can be.
    pub fn choices() -> impl Iterator<Item = &'static Choice> + Clone {
        METHODS.iter().map(|method| &method.choice)
    }

    /// Step size before the schedule.
    pub fn learning_rate(&self) -> f64 {
        self.options.real(&self.name.learning_rate)
    }

    /// Decoupled weight decay.
    pub fn weight_decay(&self) -> f64 {
        self.options.real(&self.name.weight_decay)
    }

    /// How weights follow from gradients.
    pub fn rule(&self) -> Box<dyn Rule> {
        (self.name.rule)(&self.options)
    }

    /// The learning rate over a run.
    pub fn rates(&self, length: Length) -> optim::Schedule {
        let schedule = &self.schedule;
        optim::Schedule::new(
            (schedule.kind.curve)(&schedule.options),
            self.learning_rate(),
            schedule.minimum,
            schedule.warmup_epochs,
            length,
        )
    }

    /// Writes the defaults of what the optimizer takes.
    pub(in crate::spec) fn fill(&mut self) {
        self.options.fill(self.name.choice.options);
    }
}

impl Table for Optimizer {
    const EXPECTED: &'static str = "struct Optimizer";

    const TAG: &'static str = "name";

    fn shape() -> &'static Shape {
        static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
            let beside = Optimizer::BESIDE.map(|(key, _)| key);
            let after = [&["schedule"][..], &beside].concat();
            Shape::new(&["name"], Optimizer::choices(), &after)
        });
        &SHAPE
    }

    fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    fn own<'de, A: MapAccess<'de>>(&mut self, key: &str, table: &mut A) -> Result<(), A::Error> {
        match key {
            "name" => self.name = table.next_value()?,
            "layer_decay" => self.layer_decay = Some(table.next_value()?),
            "rates" => self.rates = table.next_value()?,
            "clip_norm" => self.clip_norm = Some(table.next_value()?),
            "l2_sp" => self.l2_sp = Some(table.next_value()?),
            _ => self.schedule = table.next_value()?,
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Optimizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table::read(deserializer)
    }
}

impl Serialize for Optimizer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        table::write::<S>(&self.options, &self.name.choice, &mut map)?;
        let numbers = [
            ("layer_decay", self.layer_decay),
            ("clip_norm", self.clip_norm),
            ("l2_sp", self.l2_sp),
        ];
        for (key, number) in numbers {
            if let Some(number) = number {
                map.serialize_entry(key, &number)?;
            }
        }
        map.serialize_entry("schedule", &self.schedule)?;
        if !self.rates.is_empty() {
            map.serialize_entry("rates", &self.rates)?;
        }
        map.end()
    }
}

impl JsonSchema for Optimizer {
    fn schema_name() -> Cow<'static, str> {
        "Optimizer".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = table::tag_schema::<OptimizerName>(generator, "Which optimizer.");
        let mut schedule = generator.subschema_for::<Schedule>();
        schedule.insert(
            "description".into(),
            "How the learning rate changes; default constant.".into(),
        );
        let mut own = vec![("name", name), ("schedule", schedule)];
        for (key, about) in Optimizer::BESIDE {
            let value = match key == Optimizer::RATES {
                true => {
                    json_schema!({ "type": "object", "additionalProperties": { "type": "number" } })
                }
                false => json_schema!({ "type": "number" }),
            };
            let mut value = value;
            value.insert("description".into(), about.into());
            own.push((key, value));
        }
        let description =
            "`[optimizer]`. Options that belong to another optimizer than `name` are refused.";
        table::schema(description, own, &Optimizer::shape().choices)
    }
}

/// `optimizer.schedule`. Options that belong to another kind are refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// Which rule.
    pub kind: ScheduleKind,
    /// The rate rises linearly from 0 over this many epochs first.
    pub warmup_epochs: f64,
    /// The rate never falls below this.
    pub minimum: f64,
    /// What the kind takes beside.
    pub options: Options,
}

impl Schedule {
    /// What every schedule can be.
    pub fn choices() -> impl Iterator<Item = &'static Choice> + Clone {
        CURVES.iter().map(|kind| &kind.choice)
    }

    /// The metric that is watched, where one is.
    pub fn monitor(&self) -> Option<String> {
        let curve = (self.kind.curve)(&self.options);
        curve.monitor().map(str::to_owned)
    }

    /// Writes the defaults of what the schedule takes.
    pub(in crate::spec) fn fill(&mut self) {
        self.options.fill(self.kind.choice.options);
    }
}

impl Table for Schedule {
    const EXPECTED: &'static str = "struct Schedule";

    const TAG: &'static str = "kind";

    fn shape() -> &'static Shape {
        static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
            Shape::new(
                &["kind", "warmup_epochs", "minimum"],
                Schedule::choices(),
                &[],
            )
        });
        &SHAPE
    }

    fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    fn own<'de, A: MapAccess<'de>>(&mut self, key: &str, table: &mut A) -> Result<(), A::Error> {
        match key {
            "kind" => self.kind = table.next_value()?,
            "warmup_epochs" => self.warmup_epochs = table.next_value()?,
            _ => self.minimum = table.next_value()?,
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table::read(deserializer)
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("warmup_epochs", &self.warmup_epochs)?;
        map.serialize_entry("minimum", &self.minimum)?;
        table::write::<S>(&self.options, &self.kind.choice, &mut map)?;
        map.end()
    }
}

impl JsonSchema for Schedule {
    fn schema_name() -> Cow<'static, str> {
        "Schedule".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let number = |description: &str| json_schema!({ "type": "number", "format": "double", "description": description, "minimum": 0, "default": 0.0 });
        let kind = table::tag_schema::<ScheduleKind>(generator, "Which rule.");
        let own = vec![
            ("kind", kind),
            (
                "warmup_epochs",
                number("The rate rises linearly from 0 over this many epochs first; default 0."),
            ),
            (
                "minimum",
                number("The rate never falls below this; default 0."),
            ),
        ];
        let description = "`optimizer.schedule`. Options that belong to another kind are refused.";
        table::schema(description, own, &Schedule::shape().choices)
    }
}
