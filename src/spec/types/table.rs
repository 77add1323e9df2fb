//! Tables whose keys depend on what one of them names: reading, writing and describing them.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value as Json, json};

use crate::choice::{Choice, Opt, Options, Range, Takes, Value, owners};

/// A table with keys of its own, and the options of what it names.
pub(in crate::spec) trait Table: Default {
    /// As serde says it of a struct.
    const EXPECTED: &'static str;

    /// The key that names the choice.
    const TAG: &'static str;

    /// Its keys and what can be named.
    fn shape() -> &'static Shape;

    /// Every option of all choices.
    fn all_options() -> &'static [&'static Opt] {
        &Self::shape().options
    }

    fn options(&mut self) -> &mut Options;

    /// Takes the value of a key of its own.
    ///
    /// # Errors
    /// A value that does not fit.
    fn own<'de, A: MapAccess<'de>>(&mut self, key: &str, table: &mut A) -> Result<(), A::Error>;
}

/// The keys of a table, and what it can name.
pub(in crate::spec) struct Shape {
    pub choices: Vec<&'static Choice>,
    /// Those of all choices, each once.
    options: Vec<&'static Opt>,
    /// Every key, in the order in which a message lists them.
    keys: Vec<&'static str>,
}

impl Shape {
    /// Of a table whose own keys are listed `before` and `after` the options of its choices.
    pub(super) fn new(
        before: &[&'static str],
        choices: impl IntoIterator<Item = &'static Choice>,
        after: &[&'static str],
    ) -> Self {
        let choices: Vec<&Choice> = choices.into_iter().collect();
        let options = crate::choice::all_options(choices.iter().copied());
        let names = options.iter().map(|option| option.name);
        let before = before.iter().copied();
        Shape {
            keys: before.chain(names).chain(after.iter().copied()).collect(),
            choices,
            options,
        }
    }
}

/// Reads a table.
///
/// # Errors
/// A key that no choice has, or a value that does not fit.
pub(super) fn read<'de, T: Table, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(TableVisitor(PhantomData))
}

struct TableVisitor<T>(PhantomData<T>);

impl<'de, T: Table> Visitor<'de> for TableVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut table = T::default();
        while let Some(key) = map.next_key_seed(Key(&T::shape().keys))? {
            let option = T::all_options().iter().find(|option| option.name == key);
            match option {
                Some(option) => table.options().read(option, &mut map)?,
                None => table.own(key, &mut map)?,
            }
        }
        Ok(table)
    }
}

/// One of these keys.
struct Key(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("field identifier")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<&'static str, E> {
        let found = self.0.iter().find(|known| **known == key);
        found
            .copied()
            .ok_or_else(|| de::Error::unknown_field(key, self.0))
    }
}

/// Writes the options that are set: those of the choice as it lists them, then any that belong to others.
///
/// # Errors
/// As the serializer's.
pub(super) fn write<S: Serializer>(
    options: &Options,
    choice: &Choice,
    map: &mut S::SerializeMap,
) -> Result<(), S::Error> {
    let place = |name: &str| choice.options.iter().position(|option| option.name == name);
    let mut set: Vec<(&str, &Value)> = options.set().collect();
    set.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    let mut set = set.into_iter();
    set.try_for_each(|(name, value)| map.serialize_entry(name, value))
}

/// The schema of the key that names the choice of a table.
pub(super) fn tag_schema<N: Serialize + JsonSchema + Default>(
    generator: &mut SchemaGenerator,
    description: &str,
) -> Schema {
    let mut tag = generator.subschema_for::<N>();
    tag.insert("description".into(), description.into());
    let default = serde_json::to_value(N::default()).unwrap_or_default();
    tag.insert("default".into(), default);
    tag
}

/// The schema of a table, of its own keys and of the options of `choices`.
pub(super) fn schema(
    description: &str,
    own: Vec<(&str, Schema)>,
    choices: &[&'static Choice],
) -> Schema {
    let mut properties = Map::new();
    for (name, schema) in own {
        properties.insert(name.to_owned(), schema.to_value());
    }
    let table = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "description": description,
    });
    let mut schema = Schema::try_from(table).unwrap_or_default();
    add_options(&mut schema, choices);
    schema
}

/// Adds the options of `choices` to a table's schema.
pub(super) fn add_options(schema: &mut Schema, choices: &[&'static Choice]) {
    let properties = schema.get_mut("properties").and_then(Json::as_object_mut);
    let Some(properties) = properties else {
        return;
    };
    for option in crate::choice::all_options(choices.iter().copied()) {
        properties.insert(option.name.to_owned(), option_schema(option, choices));
    }
}

fn option_schema(option: &Opt, choices: &[&'static Choice]) -> Json {
    let all = choices.iter().flat_map(|choice| choice.options);
    let same = all.filter(|other| other.name == option.name);
    let mut defaults: Vec<String> = same
        .filter_map(|option| option.takes.default())
        .map(|value| value.to_string())
        .collect();
    if defaults.windows(2).all(|pair| pair[0] == pair[1]) {
        defaults.truncate(1);
    }
    let default = match defaults.as_slice() {
        [] => String::new(),
        defaults => format!("; default {}", defaults.join(", ")),
    };
    let owners = owners(choices.iter().copied(), option.name);
    let owners: Vec<String> = owners.iter().map(|name| format!("`{name}`")).collect();
    let mut schema = match option.takes {
        Takes::Real { .. } => json!({ "type": "number", "format": "double" }),
        Takes::Count { .. } => json!({ "type": "integer", "format": "uint" }),
        Takes::CountOr { word, range, .. } => {
            let mut count = range.schema();
            count.insert("type".into(), "integer".into());
            json!({ "anyOf": [{ "const": word }, count] })
        }
        Takes::Name { names, .. } => json!({ "type": "string", "enum": names }),
        Takes::PerChannel { .. } => {
            json!({ "type": "array", "items": { "type": "number", "format": "double" } })
        }
        Takes::Flag { .. } => json!({ "type": "boolean" }),
        Takes::Text { .. } | Takes::Monitor { .. } => json!({ "type": "string" }),
    };
    if let Some(schema) = schema.as_object_mut() {
        let description = format!("{}: {}{default}.", owners.join(", "), option.about);
        schema.insert("description".into(), description.into());
        let is_number = schema.contains_key("format");
        let range = option.takes.range().filter(|_| is_number);
        schema.extend(range.map(Range::schema).unwrap_or_default());
    }
    schema
}
