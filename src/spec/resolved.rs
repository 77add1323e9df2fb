//! A spec written out again, defaults filled in, or reduced to what decides the result.

use super::experiment::Experiment;
use super::types::{AxisValues, Features, Spec, Tracking, Training};

impl Spec {
    /// This spec as TOML with the defaults filled in; loading it gives the same spec.
    pub fn to_toml(&self) -> String {
        let mut spec = self.clone();
        spec.fill(&|_| false);
        written(&spec)
    }

    /// This spec as JSON in one line, with the defaults filled in.
    pub fn to_json(&self) -> String {
        let mut spec = self.clone();
        spec.fill(&|_| false);
        serde_json::to_string(&spec).unwrap_or_default()
    }

    /// This spec without what cannot change a byte of the result: where features are kept, when checkpoints are
    /// written, which models are kept, and which trackers are told.
    pub fn without_logistics(&self) -> Spec {
        let mut spec = self.clone();
        spec.features = Features::default();
        spec.dataset.memory = None;
        spec.tracking = Tracking::default();
        spec.training.checkpoint_minutes = Training::default().checkpoint_minutes;
        spec.training.save = Training::default().save;
        spec
    }
}

/// What is set in a spec, as TOML.
fn written(spec: &Spec) -> String {
    // A loaded spec consists of what TOML can hold; only a path that is not UTF-8 could fail.
    toml::to_string(spec).unwrap_or_else(|error| format!("# this spec is not TOML: {error}\n"))
}

impl Experiment {
    /// The whole experiment as TOML, its axes in order; loading it gives the same experiment.
    pub fn to_toml(&self) -> String {
        let mut out = written(&self.spec);
        let sweep = &self.sweep;
        if sweep.axes.is_empty() {
            return out;
        }
        out += &format!("\n[sweep]\nstrategy = \"{}\"\n", sweep.strategy);
        for (name, value) in sweep.options.set() {
            out += &format!("{name} = {value}\n");
        }
        out += "\n[sweep.axes]\n";
        for (axis, values) in sweep.in_order() {
            let key = toml::Value::String(axis.to_owned());
            let values = match values {
                AxisValues::List(values) => toml::Value::Array(values.clone()),
                AxisValues::Range(range) => {
                    toml::Value::try_from(range).unwrap_or_else(|_| toml::Value::Array(Vec::new()))
                }
            };
            out += &format!("{key} = {values}\n");
        }
        out
    }
}
