//! All overlays of a spec merged, and the way back from a key to the place it was written in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use figment::Figment;
use figment::value::{Dict, Value};

use super::chosen::{self, LeftOut};
use super::key::{self, KeyPath};
use super::overlay::{KeyPosition, Overlay};
use super::position::Position;
use super::tree;

/// The merged overlays of a spec.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    file: PathBuf,
    figment: Figment,
    overlays: Vec<Overlay>,
    merged: Value,
    /// What is to be said of variables that set nothing, and of options that are left out.
    pub warnings: Vec<String>,
}

/// Which part of an entry `key = value` is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    Key,
    Value,
}

impl Part {
    fn of(self, place: &KeyPosition) -> Position {
        match self {
            Part::Key => place.key.clone(),
            Part::Value => place.value.clone(),
        }
    }
}

impl Origin {
    /// No overlays yet; `file` is the spec's own.
    pub(super) fn new(file: PathBuf) -> Self {
        Origin {
            file,
            figment: Figment::new(),
            overlays: Vec::new(),
            merged: Value::from(Dict::new()),
            warnings: Vec::new(),
        }
    }

    /// Adds an overlay on top. Where it chooses something else than those below it, their options that this does not take are
    /// left out, which is said.
    pub(super) fn push(&mut self, mut overlay: Overlay) {
        overlay.index = self.overlays.len();
        let left_out = chosen::options_to_leave_out(&self.merged, &overlay.values);
        if !left_out.is_empty() {
            self.leave_out(&left_out);
        }
        self.figment = std::mem::take(&mut self.figment).merge(&overlay);
        self.overlays.push(overlay);
        self.merge();
    }

    fn merge(&mut self) {
        if let Ok(profiles) = figment::Provider::data(&self.figment) {
            let dict = profiles.into_values().next().unwrap_or_default();
            self.merged = Value::from(dict);
        }
    }

    /// Takes options out of all overlays.
    fn leave_out(&mut self, options: &[LeftOut]) {
        for option in options {
            if let Some(place) = self.exact(&option.path) {
                self.warnings.push(option.explain(&place.value));
            }
        }
        self.figment = Figment::new();
        for overlay in &mut self.overlays {
            let mut values = Value::from(std::mem::take(&mut overlay.values));
            for option in options {
                tree::remove(&mut values, &option.path);
                overlay
                    .places
                    .retain(|path, _| key::below(path, &option.path).is_none());
            }
            overlay.values = values.into_dict().unwrap_or_default();
            self.figment = std::mem::take(&mut self.figment).merge(&*overlay);
        }
        self.merge();
    }

    /// Everything merged, the sweep included.
    pub(super) fn merged(&self) -> &Value {
        &self.merged
    }

    /// The sweep's axes in the order they were first written.
    pub(super) fn axes(&self) -> Vec<String> {
        let mut axes: Vec<String> = Vec::new();
        for axis in self.overlays.iter().flat_map(|overlay| &overlay.axes) {
            if !axes.contains(axis) {
                axes.push(axis.clone());
            }
        }
        axes
    }

    /// Where exactly this key was written, if it was.
    pub(super) fn exact(&self, path: &[String]) -> Option<&KeyPosition> {
        let tag = tree::get(&self.merged, path)?.tag();
        let source = self.figment.get_metadata(tag)?.source.as_ref()?;
        let index: usize = source.custom()?.parse().ok()?;
        self.overlays.get(index)?.places.get(path)
    }

    /// Where this key was written, else the nearest table or list around it in a file, else the file.
    pub(super) fn locate(&self, path: &[String], part: Part) -> Position {
        if let Some(place) = self.exact(path) {
            return part.of(place);
        }
        if let Some(place) = self.outside(path) {
            return place;
        }
        let around = |length: usize| {
            let ancestor = &path[..length];
            match key::is_in_axis(ancestor) {
                true => self.exact(ancestor).map(|place| place.value.clone()),
                false => self.table(ancestor),
            }
        };
        (1..=path.len())
            .rev()
            .find_map(around)
            .unwrap_or_else(|| Position::File(self.file.clone()))
    }

    /// Where a table or list begins in the uppermost file that has it.
    pub(super) fn table(&self, path: &[String]) -> Option<Position> {
        let files = self.overlays.iter().rev().filter(|overlay| overlay.is_file);
        files
            .filter_map(|overlay| overlay.places.get(path))
            .map(|place| place.key.clone())
            .next()
    }

    /// The variable or flag that sets something in a table that no file has, or that is something else there.
    fn outside(&self, path: &[String]) -> Option<Position> {
        let files = self.overlays.iter().filter(|overlay| overlay.is_file);
        let mut in_files = files.filter_map(|overlay| tree::get_in(&overlay.values, path));
        let is_table = |value: &Value| matches!(value, Value::Dict(..) | Value::Array(..));
        if path.is_empty() || in_files.any(is_table) {
            return None;
        }
        let mut set = self.outside_files();
        let found = set.find(|(key, _)| key::below(key, path).is_some());
        found.map(|(_, place)| place.clone())
    }

    /// The places of everything at or below a key, whichever overlay it came from.
    pub(super) fn places_below(&self, path: &[String]) -> BTreeMap<KeyPath, KeyPosition> {
        let candidates = self
            .overlays
            .iter()
            .flat_map(|overlay| overlay.places.keys());
        candidates
            .filter(|candidate| key::below(candidate, path).is_some())
            .filter_map(|candidate| Some((candidate.clone(), self.exact(candidate)?.clone())))
            .collect()
    }

    /// The keys that a variable or a flag sets, with their places.
    pub(super) fn outside_files(&self) -> impl Iterator<Item = (&KeyPath, &Position)> {
        let places = self.overlays.iter().flat_map(|overlay| &overlay.places);
        places
            .map(|(path, place)| (path, &place.value))
            .filter(|(_, place)| matches!(place, Position::Variable(_) | Position::Flag(_)))
    }
}
