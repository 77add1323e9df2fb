//! `[normalization]` and `[resize]`.

use std::borrow::Cow;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserializer, MapAccess};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::table::{self, Shape, Table};
use crate::choice::Options;
use crate::pixels::{CROP, INTERPOLATION, MEAN, STD};
pub use crate::pixels::{Interpolation, NormalizationScheme, ResizeMethod};

/// `[normalization]`. Options that belong to another scheme are refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Normalization {
    /// Which formula.
    pub scheme: NormalizationScheme,
    /// What the scheme takes beside.
    pub options: Options,
}

impl Normalization {
    /// Mean of each channel of x/255, of a scheme that takes it.
    pub fn mean(&self) -> Option<&[f64]> {
        self.options.list(&MEAN)
    }

    /// Standard deviation of each channel of x/255, of a scheme that takes it.
    pub fn std(&self) -> Option<&[f64]> {
        self.options.list(&STD)
    }

    /// Writes the defaults of what the scheme takes.
    pub(in crate::spec) fn fill(&mut self) {
        self.options.fill(self.scheme.choice().options);
    }
}

impl Table for Normalization {
    const EXPECTED: &'static str = "struct Normalization";

    const TAG: &'static str = "scheme";

    fn shape() -> &'static Shape {
        static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
            Shape::new(&[Normalization::TAG], NormalizationScheme::choices(), &[])
        });
        &SHAPE
    }

    fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    fn own<'de, A: MapAccess<'de>>(&mut self, _: &str, table: &mut A) -> Result<(), A::Error> {
        self.scheme = table.next_value()?;
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Normalization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table::read(deserializer)
    }
}

impl Serialize for Normalization {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(Normalization::TAG, &self.scheme)?;
        table::write::<S>(&self.options, self.scheme.choice(), &mut map)?;
        map.end()
    }
}

impl JsonSchema for Normalization {
    fn schema_name() -> Cow<'static, str> {
        "Normalization".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let scheme = table::tag_schema::<NormalizationScheme>(generator, "Which formula.");
        let description = "`[normalization]`. Options that belong to another scheme are refused.";
        let own = vec![(Normalization::TAG, scheme)];
        table::schema(description, own, &Normalization::shape().choices)
    }
}

/// `[resize]`. Options that belong to another method are refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resize {
    /// How an image of another size becomes a square of `backbone.input_size`.
    pub method: ResizeMethod,
    /// What the method takes beside.
    pub options: Options,
}

impl Resize {
    /// The input's part of the shorter side.
    pub fn crop(&self) -> f64 {
        self.options.real(&CROP)
    }

    /// What lies between pixels.
    pub fn interpolation(&self) -> Interpolation {
        Interpolation::named(&self.options.text(&INTERPOLATION))
    }

    /// Whether it says no more than a spec without it.
    pub fn is_usual(&self) -> bool {
        self.method == ResizeMethod::Squash && self.interpolation() == Interpolation::Bilinear
    }

    /// Writes the defaults of what the method takes.
    pub(in crate::spec) fn fill(&mut self) {
        self.options.fill(self.method.choice().options);
    }
}

impl Table for Resize {
    const EXPECTED: &'static str = "struct Resize";

    const TAG: &'static str = "method";

    fn shape() -> &'static Shape {
        static SHAPE: LazyLock<Shape> =
            LazyLock::new(|| Shape::new(&[Resize::TAG], ResizeMethod::choices(), &[]));
        &SHAPE
    }

    fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    fn own<'de, A: MapAccess<'de>>(&mut self, _: &str, table: &mut A) -> Result<(), A::Error> {
        self.method = table.next_value()?;
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Resize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table::read(deserializer)
    }
}

impl Serialize for Resize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(Resize::TAG, &self.method)?;
        table::write::<S>(&self.options, self.method.choice(), &mut map)?;
        map.end()
    }
}

impl JsonSchema for Resize {
    fn schema_name() -> Cow<'static, str> {
        "Resize".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let method = table::tag_schema::<ResizeMethod>(
            generator,
            "How an image of another size becomes a square of `backbone.input_size`.",
        );
        let description = "`[resize]`. Options that belong to another method are refused.";
        let own = vec![(Resize::TAG, method)];
        table::schema(description, own, &Resize::shape().choices)
    }
}
