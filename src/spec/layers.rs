//! The layers of a spec, from the lowest: defaults, files named by `extends`, the file, the environment, `--set`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use figment::value::{Dict, Value};

use super::Error;
use super::diagnostic::Diagnostic;
use super::key::{self, KeyPath};
use super::layer::{self, KeyPlace, Layer, ValueLayer};
use super::origin::Origin;
use super::place::{Place, SourceFile};
use super::{paths, tree};

/// What every variable that sets a key begins with.
const PREFIX: &str = "RUNNER_";

/// Variables of the runner that are not keys.
const OWN_VARIABLES: [&str; 6] = [
    "RUNNER_CACHE",
    "RUNNER_FAIL_POINT",
    "RUNNER_KILLS",
    "RUNNER_LOG",
    "RUNNER_PATIENCE",
    "RUNNER_SHARED",
];

/// Variables that GitHub's and Gitea's CI sets for its own runner, none of them a key.
const CI_VARIABLES: [&str; 11] = [
    "RUNNER_ARCH",
    "RUNNER_DEBUG",
    "RUNNER_ENVIRONMENT",
    "RUNNER_OS",
    "RUNNER_PERFLOG",
    "RUNNER_TEMP",
    "RUNNER_TOOL_CACHE",
    "RUNNER_TOOLSDIRECTORY",
    "RUNNER_TRACKING_ID",
    "RUNNER_USER",
    "RUNNER_WORKSPACE",
];

/// Merges all layers of the spec in `path`; relative paths from outside a file start in `folder`.
///
/// # Errors
/// A file that cannot be read or is not TOML, a circle of `extends`, a malformed `--set`.
pub(super) fn merge(
    path: &Path,
    overrides: &[String],
    variables: &[(String, String)],
    folder: &Path,
) -> Result<Origin, Error> {
    let here = |message: String| Error::new(Place::File(path.to_path_buf()), message);
    let text = read(path).map_err(here)?;
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
    add_file(&mut origin, path, text, folder, &mut Vec::new())?;
    for (name, value) in keys_of(variables) {
        let segments = name[PREFIX.len()..].to_lowercase();
        let path = key::normal(segments.split("__").map(str::to_owned).collect());
        let place = Place::Variable(name.clone());
        add_value(&mut origin, &path, value, place, folder)?;
    }
    for flag in overrides {
        let place = Place::Flag(format!("--set {flag}"));
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

/// The variables that set a key, by name.
fn keys_of(variables: &[(String, String)]) -> Vec<&(String, String)> {
    let in_ci = variables.iter().any(|(name, _)| name == "GITHUB_ACTIONS");
    let is_other = |name: &str| {
        name == PREFIX
            || OWN_VARIABLES.contains(&name)
            || CI_VARIABLES.contains(&name)
            || in_ci && name == "RUNNER_NAME"
    };
    let is_key = |name: &str| name.starts_with(PREFIX) && !is_other(name);
    let mut keys: Vec<_> = variables.iter().filter(|(name, _)| is_key(name)).collect();
    keys.sort();
    keys
}

/// The built-in defaults that depend on the file; the others stand at the types.
fn defaults(path: &Path) -> Layer {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = key::path(&["name"]);
    let place = KeyPlace::both(Place::File(path.to_path_buf()));
    Layer {
        values: Dict::from([("name".into(), Value::from(stem.into_owned()))]),
        places: [(name, place)].into(),
        ..Layer::default()
    }
}

fn read(path: &Path) -> Result<String, String> {
    let bytes =
        std::fs::read(path).map_err(|error| format!("this file cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("this file is not text in UTF-8 (byte {at})")
    })
}

/// Adds a file after the files it extends; `open` are the files that extend one another down to it.
fn add_file(
    origin: &mut Origin,
    path: &Path,
    text: String,
    folder: &Path,
    open: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    let file = Arc::new(SourceFile {
        path: path.to_path_buf(),
        text,
    });
    let mut layer = layer::read_file(file)?;
    let near = path.parent().unwrap_or(Path::new(""));
    open.push(paths::absolute(folder, path));
    for (base, place) in bases(&mut layer)? {
        let base = paths::absolute(near, Path::new(&base));
        if open.contains(&paths::absolute(folder, &base)) {
            let message = format!("`{}` extends itself through this", base.display());
            return Err(Diagnostic::new(place, message)
                .help("a file cannot extend a file that extends it")
                .into());
        }
        let unreadable = |why| Error::new(place.clone(), format!("{}: {why}", base.display()));
        let text = read(&base).map_err(unreadable)?;
        add_file(origin, &base, text, folder, open)?;
    }
    open.pop();
    let mut values = Value::from(std::mem::take(&mut layer.values));
    paths::resolve(&mut values, &[], &paths::absolute(folder, near));
    layer.values = values.into_dict().unwrap_or_default();
    origin.push(layer);
    Ok(())
}

/// Takes `extends` out of a layer.
fn bases(layer: &mut Layer) -> Result<Vec<(String, Place)>, Error> {
    let key = key::path(&["extends"]);
    let Some(value) = layer.values.remove("extends") else {
        return Ok(Vec::new());
    };
    let place = |path: &KeyPath| match layer.places.get(path) {
        Some(place) => place.value.clone(),
        None => Place::File(PathBuf::new()),
    };
    let text = |value: &Value, path: &KeyPath| match value.as_str() {
        Some(text) => Ok((text.to_owned(), place(path))),
        None => Err(Error::new(
            place(path),
            "`extends` must be a file's path in quotes, or a list of them",
        )),
    };
    match &value {
        Value::Array(_, items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| text(item, &key::path(&["extends", &index.to_string()])))
            .collect(),
        value => text(value, &key).map(|base| vec![base]),
    }
}

/// Adds one value from outside a file as a layer of its own.
fn add_value(
    origin: &mut Origin,
    path: &[String],
    text: &str,
    place: Place,
    folder: &Path,
) -> Result<(), Error> {
    if path.first().is_some_and(|first| first == "extends") {
        return Err(Error::new(place, "`extends` can only stand in a file"));
    }
    let ValueLayer {
        mut value,
        rest: mut layer,
    } = layer::read_value(path, text, &place)?;
    paths::resolve(&mut value, path, folder);

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
            places.append(&mut layer.places);
            layer.places = places;
            let items = tree::get(&copy, list).cloned();
            items.map_or_else(|| Value::from(Dict::new()), |items| tree::nest(list, items))
        }
    };
    layer.values = values.into_dict().unwrap_or_default();
    origin.push(layer);
    Ok(())
}
