//! The overlays of a spec, from the lowest: defaults, files named by `extends`, the file, the environment, `--set`.

use std::path::Path;

use figment::value::{Dict, Value};

use super::Error;
use super::diagnostic::Diagnostic;
use super::key;
use super::origin::Origin;
use super::overlay::{self, KeyPosition, Overlay, ValueOverlay};
use super::position::Position;
use super::variables::{self, Meaning};
use super::{paths, source, tree};

/// Merges all overlays of the spec in `path`; relative paths from outside a file start in `folder`.
///
/// # Errors
/// A file that cannot be read or is not TOML, a circle of `extends`, a malformed `--set`.
pub(super) fn merge(
    path: &Path,
    overrides: &[String],
    variables: &[(String, String)],
    folder: &Path,
) -> Result<Origin, Error> {
    let here = |message: String| Error::new(Position::File(path.to_path_buf()), message);
    let text = source::text(path).map_err(here)?;
    merge_text(path, text, overrides, variables, folder)
}

/// [`merge`] with what `path` would hold.
pub(super) fn merge_text(
    path: &Path,
    text: String,
    overrides: &[String],
    variables: &[(String, String)],
    folder: &Path,
) -> Result<Origin, Error> {
    let mut origin = Origin::new(path.to_path_buf());
    origin.push(defaults(path));
    for overlay in source::overlays(path, text, folder)? {
        origin.push(overlay);
    }
    add_variables(&mut origin, variables, folder)?;
    for flag in overrides {
        let place = Position::Flag(format!("--set {flag}").into());
        let wrong = |message| Diagnostic::new(place.clone(), message).help(SET_HELP);
        let (key, value) = key::split_assignment(flag)
            .ok_or_else(|| wrong("--set takes KEY=VALUE; there is no `=` in it".into()))?;
        let path = key::parse(key).map_err(wrong)?;
        add_value(&mut origin, &path, value, place, folder)?;
    }
    Ok(origin)
}

const SET_HELP: &str =
    "e.g. `--set training.epochs=3` or `--set 'sweep.axes.\"freeze.through\"=[\"none\", \"all\"]'`";

/// Adds the variables that set a key, by name; those that only look like it are warned of.
fn add_variables(
    origin: &mut Origin,
    variables: &[(String, String)],
    folder: &Path,
) -> Result<(), Error> {
    let in_ci = variables
        .iter()
        .any(|(name, _)| name == variables::OF_CI_ALONE);
    let mut variables: Vec<_> = variables.iter().collect();
    variables.sort();
    for (name, value) in variables {
        let path = match variables::meaning(name, in_ci) {
            Meaning::Key(path) => path,
            Meaning::Nothing(said) => {
                origin.warnings.extend(said);
                continue;
            }
        };
        let place = Position::Variable(name.clone());
        if value.trim().is_empty() {
            return Err(Diagnostic::new(place, format!("{name} is empty"))
                .help(format!(
                    "unset it, or give it a value for `{}`",
                    key::dotted(&path)
                ))
                .into());
        }
        add_value(origin, &path, value, place, folder)?;
    }
    Ok(())
}

/// The built-in defaults that depend on the file; the others stand at the types.
fn defaults(path: &Path) -> Overlay {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = key::path(&["name"]);
    let place = KeyPosition::both(Position::File(path.to_path_buf()));
    Overlay {
        values: Dict::from([("name".into(), Value::from(stem.into_owned()))]),
        places: [(name, place)].into(),
        ..Overlay::default()
    }
}

/// Adds one value from outside a file as an overlay of its own.
fn add_value(
    origin: &mut Origin,
    path: &[String],
    text: &str,
    place: Position,
    folder: &Path,
) -> Result<(), Error> {
    if path.first().is_some_and(|first| first == "extends") {
        return Err(Error::new(place, "`extends` can only stand in a file"));
    }
    let ValueOverlay {
        mut value,
        rest: mut overlay,
    } = overlay::read_value(path, text, &place)?;
    paths::resolve_at(&mut value, path, folder)
        .map_err(|(_, message)| Error::new(place.clone(), message))?;

    // figment replaces lists whole: an element is changed in a copy of the list as it is so far.
    let list = (0..path.len())
        .map(|length| &path[..length])
        .find(|list| matches!(tree::get(origin.merged(), list), Some(Value::Array(..))));
    let values = match list {
        None => tree::nest(path, value),
        Some(list) => {
            let mut copy = origin.merged().clone();
            tree::assign(&mut copy, path, value).map_err(|unassignable| {
                let (message, help) = unassignable.explain();
                Error::from(Diagnostic::new(place, message).help(help))
            })?;
            let mut places = origin.places_below(list);
            places.append(&mut overlay.places);
            overlay.places = places;
            let items = tree::get(&copy, list).cloned();
            items.map_or_else(|| Value::from(Dict::new()), |items| tree::nest(list, items))
        }
    };
    overlay.values = values.into_dict().unwrap_or_default();
    origin.push(overlay);
    Ok(())
}
