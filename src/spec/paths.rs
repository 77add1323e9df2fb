//! Paths in a spec: relative to the place they are written in, used as absolute ones.

use std::path::{Component, Path, PathBuf};

use figment::value::Value;

use super::key::{self, KeyPath};
use super::values::Repository;

/// The keys whose text is a path.
const PATH_KEYS: [&str; 5] = [
    "dataset.path",
    "dataset.images",
    "training.initial_weights",
    "backbone.weights",
    "backbone.weights.experiment",
];

/// Whether the list at this key consists of globs.
pub(super) fn is_globs(key: &str) -> bool {
    key == "freeze.train"
}

/// Whether the text at this key is a path.
pub(super) fn is_path(key: &str, text: &str) -> bool {
    PATH_KEYS.contains(&key) && !(key == "backbone.weights" && is_named_weights(text))
}

fn is_named_weights(text: &str) -> bool {
    matches!(text, "imagenet" | "keras" | "random") || Repository::named(text).is_some()
}

/// A value that is no path, by its key, and why.
type Wrong = (KeyPath, String);

/// Makes every path in `value`, which is all of a spec, absolute; relative ones start in `folder`.
///
/// # Errors
/// The first that is no path.
pub(super) fn resolve(value: &mut Value, folder: &Path) -> Result<(), Wrong> {
    resolve_at(value, &[], folder)
}

/// [`resolve`] for a value that stands at `path`.
///
/// # Errors
/// As [`resolve`].
pub(super) fn resolve_at(value: &mut Value, path: &[String], folder: &Path) -> Result<(), Wrong> {
    resolve_as(value, path, path, folder)
}

/// `key` is the spec's key that the value at `place` is for: they differ on axes.
fn resolve_as(
    value: &mut Value,
    key: &[String],
    place: &[String],
    folder: &Path,
) -> Result<(), Wrong> {
    let below = |part: &str| [place, &[part.to_owned()]].concat();
    if let [sweep, axes, axis, rest @ ..] = key
        && key::is_axes(&[sweep.clone(), axes.clone()])
    {
        let Ok(axis) = key::parse(axis) else {
            return Ok(());
        };
        return match (rest, value) {
            ([], Value::Array(_, items)) => {
                let mut items = items.iter_mut().enumerate();
                items.try_for_each(|(at, item)| {
                    resolve_as(item, &axis, &below(&at.to_string()), folder)
                })
            }
            ([], _) => Ok(()),
            ([_, rest @ ..], value) => resolve_as(value, &[&axis, rest].concat(), place, folder),
        };
    }
    match value {
        Value::String(_, text) if is_path(&key.join("."), text) => {
            let path = written(folder, text).map_err(|message| {
                (place.to_vec(), format!("`{}`: {message}", key::dotted(key)))
            })?;
            *text = path.to_string_lossy().into_owned();
        }
        Value::Dict(_, dict) => {
            for (segment, value) in dict {
                let key = [key, std::slice::from_ref(segment)].concat();
                resolve_as(value, &key, &below(segment), folder)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The path that is written as `text`; relative ones start in `folder`, and `~` is the home folder.
///
/// # Errors
/// Nothing, and another user's home folder.
pub(super) fn written(folder: &Path, text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("the path is empty".into());
    }
    let Some(rest) = text.strip_prefix('~') else {
        return Ok(absolute(folder, Path::new(text)));
    };
    if !rest.is_empty() && !rest.starts_with(std::path::is_separator) {
        return Err(format!(
            "{text} begins with another user's home folder, which is not looked up; write the path in full, or \
             ./{text} for a file of this name"
        ));
    }
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| format!("{text}: there is no home folder; HOME is not set"))?;
    let rest = rest.trim_start_matches(std::path::is_separator);
    Ok(absolute(&home, Path::new(rest)))
}

/// `path` from `folder`, without `.` and `..` where that can be seen without asking the file system.
pub(super) fn absolute(folder: &Path, path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match clean.components().next_back() {
                Some(Component::Normal(_)) => {
                    clean.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => clean.push(".."),
            },
            component => clean.push(component),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_without_the_file_system() {
        for (folder, path, expected) in [
            ("/a/b", "../data", "/a/data"),
            ("/a/b", "./x/../y", "/a/b/y"),
            ("/a/b", "/c", "/c"),
            ("/", "../../x", "/x"),
            ("a", "../../x", "../x"),
        ] {
            let clean = absolute(Path::new(folder), Path::new(path));
            assert_eq!(clean, Path::new(expected), "{folder} {path}");
        }
    }

    #[test]
    fn the_home_folder_is_meant_by_a_tilde_and_no_other_users() {
        let home = std::env::home_dir().unwrap();
        let here = Path::new("/a");
        assert_eq!(written(here, "~").unwrap(), home);
        assert_eq!(written(here, "~/d/../e").unwrap(), home.join("e"));
        assert_eq!(written(here, "./~").unwrap(), Path::new("/a/~"));
        assert_eq!(written(here, "b~").unwrap(), Path::new("/a/b~"));
        assert!(
            written(here, "~root/x")
                .unwrap_err()
                .contains("another user's")
        );
        assert!(written(here, "").is_err());
    }

    #[test]
    fn only_paths_are_changed_also_on_axes() {
        let text = r#"
            name = "x"
            dataset = { name = "a", path = "d" }
            backbone = { weights = "imagenet" }
            [sweep.axes]
            "dataset.path" = ["d", "../e"]
            "backbone.weights" = ["random", "w", { experiment = "p.toml" }]
            backbone = [{ weights = "w" }]
        "#;
        let parsed: toml::Value = toml::from_str(text).unwrap();
        let mut value = Value::serialize(parsed).unwrap();
        resolve(&mut value, Path::new("/r/s")).unwrap();
        let expected = r#"
            name = "x"
            dataset = { name = "a", path = "/r/s/d" }
            backbone = { weights = "imagenet" }
            [sweep.axes]
            "dataset.path" = ["/r/s/d", "/r/e"]
            "backbone.weights" = ["random", "/r/s/w", { experiment = "/r/s/p.toml" }]
            backbone = [{ weights = "/r/s/w" }]
        "#;
        let expected: toml::Value = toml::from_str(expected).unwrap();
        assert_eq!(super::super::tree::to_toml(&value), expected);
    }
}
