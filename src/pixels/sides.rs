//! Height and width of images.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Height and width, in pixels. In a spec a number, `224`, for a square, or both, `[224, 320]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sides {
    pub height: usize,
    pub width: usize,
}

impl Sides {
    /// Those of a square.
    pub const fn square(side: usize) -> Self {
        Sides {
            height: side,
            width: side,
        }
    }

    pub fn is_square(self) -> bool {
        self.height == self.width
    }

    /// The shorter of the two.
    pub fn shorter(self) -> usize {
        self.height.min(self.width)
    }

    /// How many pixels an image has.
    pub fn pixels(self) -> usize {
        self.height.saturating_mul(self.width)
    }

    /// Height and width.
    pub fn pair(self) -> (usize, usize) {
        (self.height, self.width)
    }
}

impl From<usize> for Sides {
    fn from(side: usize) -> Self {
        Sides::square(side)
    }
}

/// `224`, or `[224, 320]`, as a spec has it.
impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sides { height, width } = self;
        match self.is_square() {
            true => write!(f, "{height}"),
            false => write!(f, "[{height}, {width}]"),
        }
    }
}

impl Serialize for Sides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.is_square() {
            true => self.height.serialize(serializer),
            false => [self.height, self.width].serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Sides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SidesVisitor)
    }
}

struct SidesVisitor;

impl<'de> Visitor<'de> for SidesVisitor {
    type Value = Sides;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number of pixels, or height and width as [224, 320]")
    }

    fn visit_u64<E: de::Error>(self, side: u64) -> Result<Sides, E> {
        usize::try_from(side)
            .map(Sides::square)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(side), &self))
    }

    fn visit_i64<E: de::Error>(self, side: i64) -> Result<Sides, E> {
        usize::try_from(side)
            .map(Sides::square)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(side), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sides, A::Error> {
        let missing = |at| de::Error::invalid_length(at, &"height and width as [224, 320]");
        let height = list.next_element()?.ok_or_else(|| missing(0))?;
        let width = list.next_element()?.ok_or_else(|| missing(1))?;
        match list.next_element::<usize>()? {
            None => Ok(Sides { height, width }),
            Some(_) => Err(missing(3)),
        }
    }
}

impl JsonSchema for Sides {
    fn schema_name() -> Cow<'static, str> {
        "Sides".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of pixels for a square, or height and width.",
            "anyOf": [
                { "type": "integer", "minimum": 1 },
                {
                    "type": "array",
                    "items": { "type": "integer", "minimum": 1 },
                    "minItems": 2,
                    "maxItems": 2
                }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_is_a_number_and_anything_else_a_list() {
        for (text, sides) in [
            ("224", Sides::square(224)),
            (
                "[224,320]",
                Sides {
                    height: 224,
                    width: 320,
                },
            ),
        ] {
            assert_eq!(serde_json::from_str::<Sides>(text).unwrap(), sides);
            assert_eq!(serde_json::to_string(&sides).unwrap(), text);
        }
        assert_eq!(
            serde_json::from_str::<Sides>("[32, 32]").unwrap(),
            Sides::square(32)
        );
        for wrong in ["[1]", "[1, 2, 3]", "-1", "\"224\"", "[1, -2]", "1.5"] {
            assert!(serde_json::from_str::<Sides>(wrong).is_err(), "{wrong}");
        }
    }
}
