//! Different words for the same network or classes, brought to one: what is written differently and means the same is one
//! run.

use std::collections::HashMap;

use crate::data;
use crate::model::Blueprint;
use crate::spec::{Choice, Dataset, Freeze, FreezeThrough, Role, Spec, UNITS, Units};

/// Finds the usual words for what a spec says; what several runs share is looked up once.
#[derive(Default)]
pub(super) struct Wording {
    classes: Vec<(Dataset, Option<usize>)>,
    boundaries: HashMap<String, Option<FreezeThrough>>,
    frozen: HashMap<String, Option<FreezeThrough>>,
}

impl Wording {
    /// The spec in the usual words, where it has others.
    pub fn of(&mut self, spec: &Spec) -> Option<Spec> {
        let classes = self.classes(&spec.dataset)?;
        let mut usual = spec.clone();
        usual.dataset.classes = chosen(&spec.dataset);
        let mut layers = usual.head.iter_mut().rev();
        if let Some(output) = layers.find(|layer| layer.role() == Role::Dense)
            && output.units() == Some(Units::Count(classes))
        {
            output.options.put(&UNITS, Units::Classes);
        }
        if let Some(through) = self.boundary(&usual, classes) {
            usual.freeze.through = through;
            usual.freeze.train = None;
        }
        (usual != *spec).then_some(usual)
    }

    /// The spec with a boundary that is the same wherever the same weights are frozen, to be compared with others only:
    /// behind the last layer with weights, `"all"` and the layers without any mean that layer.
    pub fn by_weights(&mut self, spec: &Spec) -> Spec {
        let mut same = spec.clone();
        let Some(classes) = self.classes(&spec.dataset) else {
            return same;
        };
        let found = || Blueprint::new(spec, classes).ok()?.last_frozen();
        let frozen = self.frozen.entry(network(spec, classes));
        if let Some(through) = frozen.or_insert_with(found) {
            same.freeze.through = through.clone();
            same.freeze.train = None;
        }
        same
    }

    /// How many classes there are; none where the dataset is not as it should be, which is said elsewhere.
    fn classes(&mut self, dataset: &Dataset) -> Option<usize> {
        if let Some((_, count)) = self.classes.iter().find(|(known, _)| known == dataset) {
            return *count;
        }
        let count = data::classes(dataset).ok().map(|names| names.len());
        self.classes.push((dataset.clone(), count));
        count
    }

    /// The boundary as "none", "all" or a layer's name; none where the network is not as it should be.
    fn boundary(&mut self, spec: &Spec, classes: usize) -> Option<FreezeThrough> {
        let Freeze { through, train, .. } = &spec.freeze;
        if train.is_none() && matches!(through, FreezeThrough::None | FreezeThrough::All) {
            return None;
        }
        let found = || Blueprint::new(spec, classes).ok()?.through();
        let known = self.boundaries.entry(network(spec, classes));
        known.or_insert_with(found).clone()
    }
}

/// Everything that decides a network and what of it is frozen.
fn network(spec: &Spec, classes: usize) -> String {
    let (backbone, freeze, head) = (&spec.backbone, &spec.freeze, &spec.head);
    format!("{backbone:?} {freeze:?} {head:?} {classes}")
}

/// The chosen classes by name, digits by their index; none for all of them in their order.
fn chosen(dataset: &Dataset) -> Option<Vec<Choice>> {
    let chosen = dataset.classes.as_ref()?;
    let Some(known) = dataset.name.classes else {
        return Some(chosen.clone());
    };
    let index = |choice: &Choice| match choice {
        Choice::Index(index) => Some(*index),
        Choice::Name(name) => known.iter().position(|known| known == name),
    };
    let usual = |choice: &Choice| {
        let index = index(choice)?;
        let name = known.get(index)?;
        let is_number = name.parse::<usize>().is_ok();
        Some(match is_number {
            true => Choice::Index(index),
            false => Choice::Name((*name).to_owned()),
        })
    };
    let in_order = chosen
        .iter()
        .enumerate()
        .all(|(at, choice)| index(choice) == Some(at));
    if in_order && chosen.len() == known.len() {
        return None;
    }
    Some(
        chosen
            .iter()
            .map(|choice| usual(choice).unwrap_or_else(|| choice.clone()))
            .collect(),
    )
}
