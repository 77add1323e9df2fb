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
            pub fn as_str(self) -> &'static str {
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

pub(crate) use names;
