//! What decides a result: the spec, and what the files that it names hold.

use std::collections::BTreeMap;

use super::types::Spec;
use crate::datasets::IMAGES;

/// What the files that a spec names hold: the key that names one → a digest.
pub type Contents = BTreeMap<String, String>;

/// Everything that decides a result, as JSON: the spec without what cannot change it, which is the experiment's name, the
/// device, the memory for features, the time between checkpoints, the models that are kept, the trackers, and where files lie whose contents are
/// known.
pub(super) fn decisive(spec: &Spec, contents: &Contents) -> serde_json::Value {
    let mut spec = spec.without_logistics();
    spec.name = String::new();
    spec.training.device = Default::default();
    let mut decisive = serde_json::to_value(&spec).unwrap_or_default();
    // A table that came later: what says nothing new leaves the names of earlier runs as they are.
    if spec.resize.is_usual()
        && let Some(tables) = decisive.as_object_mut()
    {
        tables.shift_remove("resize");
    }
    // Where images lie whose contents are those of the dataset.
    if contents.contains_key("dataset.path")
        && let Some(dataset) = decisive["dataset"].as_object_mut()
    {
        dataset.shift_remove(IMAGES.name);
    }
    for (key, digest) in contents {
        if let Some(value) = decisive.pointer_mut(&format!("/{}", key.replace('.', "/"))) {
            *value = digest.as_str().into();
        }
    }
    decisive
}
