//! Spec files as they lie on the disk, each read once, in the order in which they win.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use figment::value::Value;

use super::Error;
use super::diagnostic::Diagnostic;
use super::key::{self, KeyPath};
use super::overlay::{self, Overlay};
use super::paths;
use super::position::{Position, SourceFile};
use crate::files::read_regular;

/// Bytes of a spec at most.
const LARGEST: u64 = 8 << 20;
/// Files that extend one another at most, one above the other.
const DEEPEST: usize = 32;
/// Files of a spec at most.
const MOST: usize = 256;

/// The text of a spec file.
///
/// # Errors
/// What is wrong with it, in words that follow its name.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let bytes = read_regular(path, LARGEST).map_err(|error| match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::IsADirectory | ErrorKind::FileTooLarge => {
            format!("this {error}")
        }
        _ => format!("this file cannot be read: {error}"),
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("this file is not text in UTF-8 (byte {at})")
    })
}

/// The overlays of the spec file at `path` with this text and of all that it extends, from the lowest; relative paths of
/// files are taken from `folder`. Of a file that is extended several times, the last place counts.
///
/// # Errors
/// A file that cannot be read or is not TOML, and files that extend one another in a circle, too deep or too many.
pub(super) fn overlays(path: &Path, text: String, folder: &Path) -> Result<Vec<Overlay>, Error> {
    let mut files = Files {
        folder,
        read: BTreeMap::new(),
        open: Vec::new(),
    };
    let top = files.read(path, text)?;
    let mut order = Vec::new();
    files.order(&top, &mut BTreeSet::new(), &mut order);
    let overlays = order
        .iter()
        .rev()
        .filter_map(|file| files.read.remove(file));
    Ok(overlays.map(|file| file.overlay).collect())
}

/// Files by their absolute path.
struct Files<'a> {
    folder: &'a Path,
    read: BTreeMap<PathBuf, Extending>,
    /// Those that extend one another down to the present one: where links lead, and as they are shown.
    open: Vec<(PathBuf, PathBuf)>,
}

/// A file with those it extends, from the lowest.
struct Extending {
    overlay: Overlay,
    bases: Vec<PathBuf>,
}

impl Files<'_> {
    /// Reads what the file `path` with this text extends, and keeps it.
    fn read(&mut self, path: &Path, text: String) -> Result<PathBuf, Error> {
        let absolute = paths::absolute(self.folder, path);
        let file = SourceFile {
            path: path.to_path_buf(),
            text,
        };
        let mut overlay = overlay::read_file(Arc::new(file))?;
        let near = path.parent().unwrap_or(Path::new(""));
        self.open.push((real(&absolute), path.to_path_buf()));
        let mut bases = Vec::new();
        for (base, place) in extended(&mut overlay)? {
            let wrong = |message| Error::new(place.clone(), message);
            let base = paths::written(near, &base).map_err(wrong)?;
            bases.push(self.base(&base, &place)?);
        }
        self.open.pop();
        let mut values = Value::from(std::mem::take(&mut overlay.values));
        paths::resolve(&mut values, &paths::absolute(self.folder, near)).map_err(
            |(key, message)| {
                let place = overlay.places.get(&key).map(|place| place.value.clone());
                Error::new(
                    place.unwrap_or_else(|| Position::File(path.to_path_buf())),
                    message,
                )
            },
        )?;
        overlay.values = values.into_dict().unwrap_or_default();
        self.read
            .insert(absolute.clone(), Extending { overlay, bases });
        Ok(absolute)
    }

    /// A file that is extended at `place`.
    fn base(&mut self, base: &Path, place: &Position) -> Result<PathBuf, Error> {
        let absolute = paths::absolute(self.folder, base);
        let wrong = |message: String| Diagnostic::new(place.clone(), message);
        if let Some(start) = self
            .open
            .iter()
            .position(|(file, _)| *file == real(&absolute))
        {
            let circle = self.open[start..].iter().map(|(_, shown)| shown.as_path());
            let names: Vec<String> = circle.chain([base]).map(name).collect();
            let message = format!("`{}` extends itself through this", base.display());
            let circle = names.join(" → ");
            return Err(wrong(message)
                .help(format!(
                    "a file cannot extend a file that extends it: {circle}"
                ))
                .into());
        }
        if self.read.contains_key(&absolute) {
            return Ok(absolute);
        }
        if self.open.len() >= DEEPEST {
            let message = format!("files extend one another more than {DEEPEST} deep");
            return Err(wrong(message).into());
        }
        if self.read.len() + self.open.len() >= MOST {
            return Err(wrong(format!("a spec cannot extend more than {MOST} files")).into());
        }
        let unreadable = |why| Error::from(wrong(format!("{}: {why}", base.display())));
        let text = text(base).map_err(unreadable)?;
        self.read(base, text)
    }

    /// The files from the highest, each where it comes first.
    fn order(&self, file: &Path, seen: &mut BTreeSet<PathBuf>, order: &mut Vec<PathBuf>) {
        if !seen.insert(file.to_path_buf()) {
            return;
        }
        order.push(file.to_path_buf());
        let bases = self.read.get(file).map_or(&[][..], |file| &file.bases);
        for base in bases.iter().rev() {
            self.order(base, seen, order);
        }
    }
}

/// Where links lead; the path itself where that cannot be told.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Takes `extends` out of an overlay.
fn extended(overlay: &mut Overlay) -> Result<Vec<(String, Position)>, Error> {
    let key = key::path(&["extends"]);
    let Some(value) = overlay.values.remove("extends") else {
        return Ok(Vec::new());
    };
    let place = |path: &KeyPath| match overlay.places.get(path) {
        Some(place) => place.value.clone(),
        None => Position::File(PathBuf::new()),
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
