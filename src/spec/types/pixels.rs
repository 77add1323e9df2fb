//! `[normalization]` and `[resize]`.

use std::borrow::Cow;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserializer, MapAccess};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::table::{self, Table};
use crate::choice::{Choice, Opt, Options, all_options};
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

    fn all() -> Vec<&'static Choice> {
        NormalizationScheme::choices().iter().collect()
    }

    fn keys() -> &'static [&'static str] {
        static KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| {
            let options = Normalization::all_options()
                .iter()
                .map(|option| option.name);
            [Normalization::TAG].into_iter().chain(options).collect()
        });
        &KEYS
    }

    fn all_options() -> &'static [&'static Opt] {
        static ALL: LazyLock<Vec<&Opt>> =
            LazyLock::new(|| all_options(NormalizationScheme::choices()));
        &ALL
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
        let mut scheme = generator.subschema_for::<NormalizationScheme>();
        scheme.insert("description".into(), "Which formula.".into());
        scheme.insert(
            "default".into(),
            NormalizationScheme::default().as_str().into(),
        );
        let description = "`[normalization]`. Options that belong to another scheme are refused.";
        table::schema(
            description,
            vec![(Normalization::TAG, scheme)],
            &Normalization::all(),
        )
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

    fn all() -> Vec<&'static Choice> {
        ResizeMethod::choices().iter().collect()
    }

    fn keys() -> &'static [&'static str] {
        static KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| {
            let options = Resize::all_options().iter().map(|option| option.name);
            [Resize::TAG].into_iter().chain(options).collect()
        });
        &KEYS
    }

    fn all_options() -> &'static [&'static Opt] {
        static ALL: LazyLock<Vec<&Opt>> = LazyLock::new(|| all_options(ResizeMethod::choices()));
        &ALL
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
        let mut method = generator.subschema_for::<ResizeMethod>();
        method.insert(
            "description".into(),
            "How an image of another size becomes a square of `backbone.input_size`.".into(),
        );
        method.insert("default".into(), ResizeMethod::default().as_str().into());
        let description = "`[resize]`. Options that belong to another method are refused.";
        table::schema(description, vec![(Resize::TAG, method)], &Resize::all())
    }
}
