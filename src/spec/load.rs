//! From files, variables and flags to an experiment, or to every mistake in them.

use std::collections::BTreeMap;
use std::path::Path;

use figment::value::Value;

use super::Error;
use super::diagnostic::Diagnostic;
use super::expand::Expansion;
use super::experiment::Experiment;
use super::key;
use super::locate::diagnostics;
use super::origin::Origin;
use super::position::Position;
use super::read::read;
use super::sweep::{self, Axis};
use super::types::{Spec, Sweep};
use super::variables::{self, Meaning};
use super::{overlays, tree};

/// Keys that every spec needs, and that an axis may be the only one to give.
const NEEDED: [&[&str]; 4] = [
    &["dataset"],
    &["dataset", "name"],
    &["backbone"],
    &["backbone", "arch"],
];

impl Experiment {
    /// Loads the spec file at `path` with the process's environment, and `overrides` (`KEY=VALUE`, as given to
    /// `--set`) on top.
    ///
    /// # Errors
    /// Every mistake that can be seen without opening data and weights.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, Error> {
        Self::of(Self::overlays(path, overrides)?)
    }

    /// Whether the spec file at `path` describes a network with its own classifier and no dataset to train it on: one that
    /// is used as it was published.
    ///
    /// # Errors
    /// Overlays that cannot be read, as of [`Self::load`].
    pub fn is_published_alone(path: &Path, overrides: &[String]) -> Result<bool, Error> {
        let merged = Self::overlays(path, overrides)?;
        let at = |keys: &[&str]| tree::get(merged.merged(), &key::path(keys));
        let whole = at(&["backbone", "include_top"]);
        let is_whole = whole.and_then(Value::to_bool) == Some(true);
        Ok(is_whole && at(&["dataset"]).is_none())
    }

    /// The variables of the process that set a key, by name.
    ///
    /// # Errors
    /// One that is not text.
    pub fn variables() -> Result<BTreeMap<String, String>, Error> {
        let all = environment()?;
        let in_ci = all.iter().any(|(name, _)| name == variables::OF_CI_ALONE);
        let sets = |(name, _): &(String, String)| {
            matches!(variables::meaning(name, in_ci), Meaning::Key(_))
        };
        Ok(all.into_iter().filter(sets).collect())
    }

    /// The overlays with the process's environment.
    fn overlays(path: &Path, overrides: &[String]) -> Result<Origin, Error> {
        let variables = environment()?;
        let folder = std::env::current_dir().map_err(|error| {
            let message = format!("the current folder cannot be used: {error}");
            Error::new(Position::File(path.to_path_buf()), message)
        })?;
        overlays::merge(path, overrides, &variables, &folder)
    }

    /// [`Self::load`] with another environment and current folder.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with(
        path: &Path,
        overrides: &[String],
        variables: impl IntoIterator<Item = (String, String)>,
        folder: &Path,
    ) -> Result<Self, Error> {
        let variables: Vec<(String, String)> = variables.into_iter().collect();
        Self::of(overlays::merge(path, overrides, &variables, folder)?)
    }

    /// The experiment that merged overlays describe.
    pub(super) fn of(origin: Origin) -> Result<Self, Error> {
        let mut base = origin.merged().clone();
        tree::remove(&mut base, &key::path(&["sweep"]));

        let sweep = read_sweep(&origin);
        let axes = match &sweep {
            Ok(sweep) => sweep::axes(&origin, sweep),
            Err(_) => Ok(Vec::new()),
        };
        for axis in axes.as_deref().unwrap_or_default() {
            fill_needed(&mut base, axis);
        }
        let locate = |path: &[String], part| origin.locate(path, part);
        let spec = read::<Spec>(base.clone());
        let spec = spec.map_err(|mistakes| diagnostics(&mistakes, &locate));
        let (mut spec, sweep, axes) = match (spec, sweep, axes) {
            (Ok(spec), Ok(sweep), Ok(axes)) => (spec, sweep, axes),
            (spec, sweep, axes) => {
                let mut all = spec.err().unwrap_or_default();
                all.extend(sweep.err().unwrap_or_default());
                all.extend(axes.err().unwrap_or_default());
                return Err(all.into());
            }
        };
        let expansion = Expansion::new(&origin, base, axes, Some(spec.clone()))?;
        let is_swept = |key: &str| {
            let path = key::parse(key).unwrap_or_default();
            let mut axes = expansion.axes.iter();
            axes.any(|axis| key::below(&path, &axis.path).is_some())
        };
        spec.fill(&is_swept);
        let mut experiment = Experiment {
            spec,
            sweep,
            runs: Vec::new(),
            questions: Vec::new(),
            is_over: false,
            origin,
            expansion,
            by_point: BTreeMap::new(),
        };
        experiment.ask(&|_, _| None)?;
        experiment.check_halving()?;
        Ok(experiment)
    }
}

/// The variables of the process.
///
/// # Errors
/// One that sets a key to what is not text.
fn environment() -> Result<Vec<(String, String)>, Error> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let name = name.to_string_lossy().into_owned();
        match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(value) => match variables::meaning(&name, false) {
                Meaning::Key(_) => {
                    let message = format!("{name} is not text in UTF-8");
                    Err(Error::new(Position::Variable(name), message))
                }
                Meaning::Nothing(_) => Ok((name, value.to_string_lossy().into_owned())),
            },
        }
    };
    std::env::vars_os().map(text).collect()
}

fn read_sweep(origin: &Origin) -> Result<Sweep, Vec<Diagnostic>> {
    let at = key::path(&["sweep"]);
    let Some(value) = tree::get(origin.merged(), &at) else {
        return Ok(Sweep::default());
    };
    let mut sweep: Sweep = read(value.clone()).map_err(|mut mistakes| {
        for mistake in &mut mistakes {
            mistake.path.insert(0, "sweep".into());
        }
        diagnostics(&mistakes, &|path, part| origin.locate(path, part))
    })?;
    sweep.order = origin.axes();
    sweep.order.retain(|axis| sweep.axes.contains_key(axis));
    Ok(sweep)
}

/// Takes a needed key that only the sweep gives from the first point.
fn fill_needed(base: &mut Value, axis: &Axis) {
    let needed = NEEDED.contains(
        &axis
            .path
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .as_slice(),
    );
    if let Some(first) = axis.values.first()
        && needed
        && tree::get(base, &axis.path).is_none()
    {
        // It can be put there: the key leads through tables only.
        let _ = tree::assign(base, &axis.path, first.clone());
    }
}
