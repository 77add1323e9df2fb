//! Whole experiments loaded from files.

mod layering;
mod mutations;
mod resolved;
mod sweeps;

use std::path::{Path, PathBuf};

use super::{AxisValue, Error, Experiment, Spec};

/// A small spec without a mistake.
const SMALL: &str = r#"
[dataset]
name = "digits"
[backbone]
arch = "vgg11"
weights = "random"
[[head]]
layer = "flatten"
[[head]]
layer = "dropout"
rate = 0.5
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
"#;

/// A folder with spec files.
struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with `a.toml`: the small spec, and `more` after it.
    fn new(more: &str) -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.file("a.toml", &format!("{SMALL}{more}"));
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Loads `a.toml`.
    fn load(&self, overrides: &[&str], variables: &[(&str, &str)]) -> Result<Experiment, Error> {
        let overrides: Vec<String> = overrides.iter().map(|s| s.to_string()).collect();
        let variables = variables
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()));
        let file = self.path().join("a.toml");
        Experiment::load_with(&file, &overrides, variables, &self.path().join("here"))
    }

    fn good(&self, overrides: &[&str]) -> Experiment {
        self.load(overrides, &[]).unwrap_or_else(|e| panic!("{e}"))
    }

    fn wrong(&self, overrides: &[&str]) -> String {
        self.load(overrides, &[]).err().unwrap().to_string()
    }
}

/// The value of a key in a spec; none where it is not set.
fn at(spec: &Spec, key: &str) -> Option<AxisValue> {
    AxisValue::at(&serde_json::to_value(spec).unwrap(), key)
}
