//! Paths in a spec: relative to the place they are written in, used as absolute ones.

use std::path::{Component, Path, PathBuf};

use figment::value::Value;

use super::key;

/// The keys whose text is a path.
const PATH_KEYS: [&str; 4] = [
    "dataset.path",
    "training.initial_weights",
    "backbone.weights",
    "backbone.weights.experiment",
];

/// Whether the text at this key is a path.
pub(super) fn is_path(key: &str, text: &str) -> bool {
    PATH_KEYS.contains(&key) && !(key == "backbone.weights" && is_named_weights(text))
}

fn is_named_weights(text: &str) -> bool {
    matches!(text, "imagenet" | "random")
}

/// Makes every path in `value`, which stands at `path`, absolute; relative ones start in `folder`.
pub(super) fn resolve(value: &mut Value, path: &[String], folder: &Path) {
    if let [sweep, axes, axis] = path
        && key::is_axes(&[sweep.clone(), axes.clone()])
    {
        if let (Value::Array(_, items), Ok(axis)) = (value, key::parse(axis)) {
            for item in items {
                resolve(item, &axis, folder);
            }
        }
        return;
    }
    match value {
        Value::String(_, text) if is_path(&path.join("."), text) => {
            *text = absolute(folder, Path::new(text))
                .to_string_lossy()
                .into_owned();
        }
        Value::Dict(_, dict) => {
            for (segment, value) in dict {
                let mut path = path.to_vec();
                path.push(segment.clone());
                resolve(value, &path, folder);
            }
        }
        _ => {}
    }
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
        resolve(&mut value, &[], Path::new("/r/s"));
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
