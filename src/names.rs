//! Values that are one of a few names, in a spec and wherever else they stand.

use std::fmt;

use serde::de::{self, Visitor};

/// Reads one of a few names, as text.
pub(crate) struct Name(pub &'static [&'static str]);

impl Visitor<'_> for Name {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let quoted: Vec<String> = self.0.iter().map(|name| format!("\"{name}\"")).collect();
        match quoted.as_slice() {
            [only] => f.write_str(only),
            names => write!(f, "one of {}", names.join(", ")),
        }
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<String, E> {
        Ok(name.to_owned())
    }
}

/// A value of the spec that is one of a few names.
///
/// Declares the enum, its serde names, `NAMES`, `as_str` and `Display`.
macro_rules! names {
    ($(#[$meta:meta])* $type:ident { $($(#[$vmeta:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
        pub enum $type { $($(#[$vmeta])* #[serde(rename = $name)] $variant),+ }

        // Not derived: that would also take a variant's number for its name.
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = deserializer.deserialize_any(Name(Self::NAMES))?;
                let found = Self::ALL.iter().find(|value| value.as_str() == name);
                found.copied().ok_or_else(|| de::Error::unknown_variant(&name, Self::NAMES))
            }
        }

        impl $type {
            /// Every name, in the order of declaration.
            pub const NAMES: &'static [&'static str] = &[$($name),+];
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$type] = &[$($type::$variant),+];

            /// The name as it stands in a spec.
            pub const fn as_str(self) -> &'static str {
                match self { $($type::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

/// A value of the spec that names a row of a list.
///
/// Declares a type that holds the row, its serde names, `all`, `named`, `names`, `as_str`, `Display` and its schema, which
/// says what each row is about where a function is given for it.
macro_rules! listed {
    ($(#[doc = $doc:literal])* $type:ident($row:ty), $rows:expr, $name:expr $(, $about:expr)?) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy)]
        pub struct $type(&'static $row);

        impl $type {
            /// Every one, in the list's order.
            pub fn all() -> impl Iterator<Item = $type> {
                $rows.map($type)
            }

            /// The one of this name.
            pub fn named(name: &str) -> Option<$type> {
                $type::all().find(|value| value.as_str() == name)
            }

            /// The name as it stands in a spec.
            pub fn as_str(self) -> &'static str {
                let name: fn(&'static $row) -> &'static str = $name;
                name(self.0)
            }

            /// The name of a row.
            pub const fn of(row: &'static $row) -> $type {
                $type(row)
            }

            /// What is named.
            pub fn row(self) -> &'static $row {
                self.0
            }

            /// Every name, in the list's order.
            pub fn names() -> &'static [&'static str] {
                static NAMES: std::sync::LazyLock<Vec<&str>> =
                    std::sync::LazyLock::new(|| $type::all().map($type::as_str).collect());
                &NAMES
            }
        }

        impl std::ops::Deref for $type {
            type Target = $row;

            fn deref(&self) -> &$row {
                self.0
            }
        }

        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl Eq for $type {}

        impl std::hash::Hash for $type {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($type)).field(&self.as_str()).finish()
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = deserializer.deserialize_any(Name($type::names()))?;
                $type::named(&name)
                    .ok_or_else(|| serde::de::Error::unknown_variant(&name, $type::names()))
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                #[allow(unused_mut, reason = "not all lists say what their rows are about")]
                let mut description = concat!($($doc),*).trim().to_owned();
                $(
                    let about: fn(&'static $row) -> &'static str = $about;
                    let rows = $type::all().map(|value| format!("`{value}`: {}", about(value.0)));
                    let rows: Vec<String> = rows.collect();
                    description.push_str(&format!(" {}.", rows.join("; ")));
                )?
                schemars::json_schema!({
                    "description": description,
                    "type": "string",
                    "enum": $type::names(),
                })
            }
        }
    };
}

pub(crate) use {listed, names};
