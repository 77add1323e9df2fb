//! serde's complaints in the words of a spec.

use figment::error::{Actual, Kind};

use super::diagnostic::Diagnostic;
use super::key::{self, KeyPath};
use super::origin::Part;
use super::position::Position;
use super::read::Mistake;
use super::schema;
use super::suggest::nearest;

/// The mistake as a diagnostic; `locate` leads from a key to its place.
pub(super) fn explain(
    mistake: &Mistake,
    locate: &dyn Fn(&[String], Part) -> Position,
) -> Diagnostic {
    let path = &mistake.path;
    let at_value = |message: String| Diagnostic::new(locate(path, Part::Value), message);
    let name = key::dotted(path);
    match &mistake.kind {
        Kind::UnknownField(field, valid) => {
            let table = path.split_last().map_or(&[][..], |(_, table)| table);
            let valid = schema::keys(table).unwrap_or_else(|| valid.to_vec());
            unknown_key(locate(path, Part::Key), table, field, &valid)
        }
        Kind::UnknownVariant(found, valid) => {
            let label = nearest(found, valid.iter().copied())
                .map(|name| format!("did you mean \"{name}\"?"));
            at_value(format!("`{name}` cannot be \"{found}\""))
                .label(label.unwrap_or_default())
                .help(format!("valid values: {}", listed(valid)))
        }
        Kind::MissingField(field) => missing_key(locate(path, Part::Key), path, field),
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            let words = expected_words(expected);
            at_value(format!(
                "`{name}` must be {words}, not {}",
                actual_words(actual)
            ))
            .label(word_meant(actual, expected).unwrap_or_default())
        }
        kind => at_value(format!("`{name}`: {kind}")),
    }
}

/// A key that its table does not have.
pub(super) fn unknown_key(
    place: Position,
    table: &[String],
    key: &str,
    valid: &[&str],
) -> Diagnostic {
    let message = format!("unknown key `{key}` {}", in_table(table));
    let elsewhere = schema::table_with(key).map(|table| format!("`{key}` belongs in [{table}]"));
    let near = nearest(key, valid.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    Diagnostic::new(place, message)
        .label(near.or(elsewhere).unwrap_or_default())
        .help(format!("valid keys: {}", valid.join(", ")))
}

fn missing_key(place: Position, table: &[String], field: &str) -> Diagnostic {
    let example = schema::example(table, field);
    if table.is_empty() {
        let line = example.trim_matches(['{', '}', ' ']);
        return Diagnostic::new(place, format!("the table [{field}] is missing")).help(format!(
            "add it to this file, e.g. `[{field}]` with `{line}`"
        ));
    }
    Diagnostic::new(
        place,
        format!("the key `{field}` is missing {}", in_table(table)),
    )
    .help(format!("add it, e.g. `{field} = {example}`"))
}

/// The table in words: `in [training]`.
fn in_table(table: &[String]) -> String {
    match table {
        [] => "at the top of a spec".into(),
        [list, index] if index.parse::<usize>().is_ok() => {
            format!("in [[{list}]] (`{list}.{index}`)")
        }
        table => format!("in [{}]", key::dotted(table)),
    }
}

/// Names as they are written in a spec.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

/// Which of the quoted words in `expected` was probably meant.
fn word_meant(actual: &Actual, expected: &str) -> Option<String> {
    let Actual::Str(found) = actual else {
        return None;
    };
    let near = nearest(found, expected.split('"').skip(1).step_by(2))?;
    Some(format!("did you mean \"{near}\"?"))
}

fn expected_words(expected: &str) -> String {
    match expected {
        "usize" | "u64" => "a whole number, 0 or more".into(),
        "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" => "text in quotes".into(),
        "path string" => "a path in quotes".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        other if other.starts_with("struct ") => "a table".into(),
        other => other.into(),
    }
}

fn actual_words(actual: &Actual) -> String {
    match actual {
        Actual::Bool(b) => format!("{b}"),
        Actual::Unsigned(n) => format!("the number {n}"),
        Actual::Signed(n) => format!("the number {n}"),
        Actual::Float(n) => format!("the number {n:?}"),
        Actual::Str(s) => format!("the text \"{s}\""),
        Actual::Char(c) => format!("the text \"{c}\""),
        Actual::Seq => "a list".into(),
        Actual::Map => "a table".into(),
        other => other.to_string(),
    }
}

/// A sweep's axis that is no key of a spec.
pub(super) fn unknown_axis(place: Position, axis: &str, path: &KeyPath) -> Option<Diagnostic> {
    let unknown = schema::check(path).err()?;
    let label = schema::full_key_like(axis).map(|key| format!("did you mean \"{key}\"?"));
    let (key, table) = (&unknown.key, in_table(&unknown.table));
    let message = format!("the axis \"{axis}\" is not a key of a spec");
    let help = match unknown.valid.as_slice() {
        [] => format!("there is nothing `{key}` {table}"),
        valid => format!("there is no `{key}` {table}, but: {}", valid.join(", ")),
    };
    let label = label.unwrap_or_default();
    Some(Diagnostic::new(place, message).label(label).help(help))
}
