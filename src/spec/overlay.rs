//! One overlay of a spec, as a figment provider that knows where each of its values was written.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Error;
use super::diagnostic::Diagnostic;
use super::key::{self, KeyPath};
use super::kind::Kind;
use super::position::{Position, SourceFile};

/// Where a key and its value stand.
#[derive(Clone, Debug)]
pub(super) struct KeyPosition {
    pub key: Position,
    pub value: Position,
}

impl KeyPosition {
    /// The same place for both.
    pub(super) fn both(place: Position) -> Self {
        KeyPosition {
            key: place.clone(),
            value: place,
        }
    }
}

/// Values of one source with their places.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay {
    /// The overlay's place in the order of overlays, from the lowest.
    pub index: usize,
    /// Whether it is a file.
    pub is_file: bool,
    pub values: Dict,
    pub places: BTreeMap<KeyPath, KeyPosition>,
    /// The sweep's axes in the order they are written.
    pub axes: Vec<String>,
}

impl Provider for Overlay {
    fn metadata(&self) -> Metadata {
        Metadata::named("overlay of the spec").source(self.index.to_string())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// Reads TOML values into an overlay.
struct Reader<'a> {
    place: &'a dyn Fn(Range<usize>) -> Position,
    places: BTreeMap<KeyPath, KeyPosition>,
    axes: Vec<(usize, String)>,
}

/// Reads a spec file.
///
/// # Errors
/// What is not TOML, or not a value that a spec can have.
pub(super) fn read_file(file: Arc<SourceFile>) -> Result<Overlay, Error> {
    let place = |span| Position::Span(file.clone(), span);
    let table = DeTable::parse(&file.text).map_err(|error| {
        let message = format!("this is not TOML: {}", error.message().replace('\n', "; "));
        match error.span() {
            Some(span) => Error::new(place(span), message),
            None => Error::new(Position::File(file.path.clone()), message),
        }
    })?;
    let mut reader = Reader::new(&place);
    let values = reader.table(&mut KeyPath::new(), table.get_ref())?;
    Ok(reader.finish(values, true))
}

/// Reads one `KEY=VALUE` from outside a file; `place` is where it was given. The key's kind decides how it is read; what
/// is not TOML is text.
///
/// # Errors
/// Not a value that a spec can have.
pub(super) fn read_value(
    path: &[String],
    text: &str,
    place: &Position,
) -> Result<ValueOverlay, Error> {
    let at = |_| place.clone();
    let mut reader = Reader::new(&at);
    reader.note(path, 0..0, 0..0);
    let mut path = path.to_vec();
    let kind = Kind::of(&path);
    let value = reader.written(&mut path, text.trim(), &kind)?;
    if let [sweep, axes, axis] = path.as_slice()
        && key::is_axes(&[sweep.clone(), axes.clone()])
    {
        reader.axes.push((0, axis.clone()));
    }
    Ok(ValueOverlay {
        value,
        rest: reader.finish(Dict::new(), false),
    })
}

/// A single value and, in `rest`, everything about it that an overlay knows.
pub(super) struct ValueOverlay {
    pub value: Value,
    pub rest: Overlay,
}

/// The items of a list as they are written, quoted or not; none where it is no list.
fn items<'a>(text: &'a str, parsed: Option<&Spanned<DeValue<'_>>>) -> Option<Vec<&'a str>> {
    if let Some(DeValue::Array(items)) = parsed.map(Spanned::get_ref) {
        return items.iter().map(|item| text.get(item.span())).collect();
    }
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    let (mut items, mut start, mut open, mut depth) = (Vec::new(), 0, None, 0usize);
    for (at, c) in inside.char_indices() {
        match (open, c) {
            (None, ',') if depth == 0 => {
                items.push(inside.get(start..at)?.trim());
                start = at + 1;
            }
            (None, '"' | '\'') => open = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (Some(quote), c) if quote == c => open = None,
            _ => {}
        }
    }
    let last = inside.get(start..)?.trim();
    items.extend(Some(last).filter(|last| !last.is_empty()));
    Some(items)
}

/// Whether a table in that of the axes has the bounds of a range, and is not one of further axes, whose values are lists.
fn is_range(table: &DeTable<'_>) -> bool {
    let is_axis = |value: &Spanned<DeValue<'_>>| {
        matches!(value.get_ref(), DeValue::Array(_) | DeValue::Table(_))
    };
    let mut entries = table.iter();
    ["min", "max"]
        .iter()
        .any(|bound| table.contains_key(*bound))
        && !entries.any(|(_, value)| is_axis(value))
}

/// Whether a whole number is written as people write it, and not in another base.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.chars().all(|c| c.is_ascii_digit() || c == '_')
}

impl<'a> Reader<'a> {
    fn new(place: &'a dyn Fn(Range<usize>) -> Position) -> Self {
        Reader {
            place,
            places: BTreeMap::new(),
            axes: Vec::new(),
        }
    }

    fn finish(mut self, values: Dict, is_file: bool) -> Overlay {
        self.axes.sort_by_key(|(start, _)| *start);
        Overlay {
            index: 0,
            is_file,
            values,
            places: self.places,
            axes: self.axes.into_iter().map(|(_, axis)| axis).collect(),
        }
    }

    fn note(&mut self, path: &[String], key: Range<usize>, value: Range<usize>) {
        let place = KeyPosition {
            key: (self.place)(key),
            value: (self.place)(value),
        };
        self.places.insert(path.to_vec(), place);
    }

    /// The table that stands at `path`; `path` is given back as it came.
    fn table(&mut self, path: &mut KeyPath, table: &DeTable<'_>) -> Result<Dict, Error> {
        if key::is_axes(path) {
            let mut axes = Dict::new();
            self.axes_table(path, "", table, &mut axes)?;
            return Ok(axes);
        }
        let mut dict = Dict::new();
        for (key, value) in table {
            path.push(key.get_ref().to_string());
            self.note(path, key.span(), value.span());
            dict.insert(key.get_ref().to_string(), self.value(path, value)?);
            path.pop();
        }
        Ok(dict)
    }

    /// The axes in a table; tables inside it make dotted keys, as unquoted keys do.
    fn axes_table(
        &mut self,
        path: &mut KeyPath,
        prefix: &str,
        table: &DeTable<'_>,
        axes: &mut Dict,
    ) -> Result<(), Error> {
        for (key, value) in table {
            let axis = match prefix {
                "" => key.get_ref().to_string(),
                // A dot inside of a part of a longer key is none between parts.
                prefix => format!("{prefix}{}", key::dotted(&key::path(&[key.get_ref()]))),
            };
            if let DeValue::Table(inner) = value.get_ref()
                && !is_range(inner)
            {
                self.axes_table(path, &format!("{axis}."), inner, axes)?;
                continue;
            }
            path.push(axis.clone());
            self.note(path, key.span(), value.span());
            let value = self.value(path, value)?;
            path.pop();
            self.axes.push((key.span().start, axis.clone()));
            axes.insert(axis, value);
        }
        Ok(())
    }

    /// The value that is written outside of files, where nothing but the key's kind says what is text.
    fn written(&mut self, path: &mut KeyPath, text: &str, kind: &Kind) -> Result<Value, Error> {
        let parsed = DeValue::parse(text).ok();
        if let Kind::List(inner) = kind
            && let Some(items) = items(text, parsed.as_ref())
        {
            let mut array = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                path.push(index.to_string());
                self.note(path, 0..0, 0..0);
                array.push(self.written(path, item, inner)?);
                path.pop();
            }
            return Ok(Value::from(array));
        }
        let is_meant = |value: &DeValue<'_>| match kind {
            Kind::Text => value.is_str(),
            Kind::TextOrTable => value.is_str() || value.is_table(),
            Kind::TextOrCount => value.is_str() || value.is_integer() && is_decimal(text),
            Kind::List(_) | Kind::Other => !value.is_datetime(),
        };
        let text = || Spanned::new(0..text.len(), DeValue::String(text.into()));
        let value = parsed.filter(|value| is_meant(value.get_ref()));
        self.value(path, &value.unwrap_or_else(text))
    }

    fn value(&mut self, path: &mut KeyPath, value: &Spanned<DeValue<'_>>) -> Result<Value, Error> {
        let wrong = |message: &str| {
            let message = format!("`{}`: {message}", key::dotted(path));
            Error::new((self.place)(value.span()), message)
        };
        if path.len() > key::DEEPEST {
            return Err(wrong("this is nested too deeply"));
        }
        Ok(match value.get_ref() {
            DeValue::String(s) => Value::from(s.to_string()),
            DeValue::Boolean(b) => Value::from(*b),
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
                .map(Value::from)
                .map_err(|_| wrong("a whole number must lie between -2^63 and 2^63 - 1"))?,
            DeValue::Float(f) => f
                .as_str()
                .parse::<f64>()
                .map(Value::from)
                .map_err(|_| wrong("this is not a number"))?,
            DeValue::Datetime(_) => {
                let place = (self.place)(value.span());
                let message = format!("`{}` cannot be a date", key::dotted(path));
                return Err(Diagnostic::new(place, message)
                    .help("put it in quotes if it is meant as text")
                    .into());
            }
            DeValue::Array(items) => {
                let mut array = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    self.note(path, item.span(), item.span());
                    array.push(self.value(path, item)?);
                    path.pop();
                }
                Value::from(array)
            }
            DeValue::Table(table) => Value::from(self.table(path, table)?),
        })
    }
}
