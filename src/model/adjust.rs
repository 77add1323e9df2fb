//! From `[optimizer]` to what is done to each trained tensor beside the optimizer's rule.

use std::collections::BTreeMap;

use glob::Pattern;

use super::blueprint::Blueprint;
use super::freeze::fits;
use crate::spec::{Problem, Spec};

impl Blueprint {
    /// What the learning rate of each trained tensor is multiplied by; those that keep theirs are left out.
    ///
    /// # Errors
    /// A glob that fits no trained tensor.
    pub fn rate_factors(&self, spec: &Spec) -> Result<BTreeMap<String, f64>, Problem> {
        let mut factors = BTreeMap::new();
        let optimizer = &spec.optimizer;
        if let Some(decay) = optimizer.layer_decay {
            for (name, distance) in self.distances() {
                factors.insert(name, decay.powi(distance));
            }
        }
        for (glob, factor) in &optimizer.rates {
            let key = format!("optimizer.rates.\"{glob}\"");
            let pattern = Pattern::new(glob).map_err(|error| {
                Problem::new(&key, format!("`{glob}` is no glob: {}", error.msg))
            })?;
            let mut found = false;
            for (node, tensor) in self.graph.parameters() {
                let of = self.graph.nodes().get(node);
                let is_meant = of.is_some_and(|of| fits(&pattern, of, tensor));
                if is_meant && self.cut.trains(tensor) {
                    *factors.entry(tensor.name.clone()).or_insert(1.0) *= factor;
                    found = true;
                }
            }
            if !found {
                let message = format!("`{glob}` fits no tensor that trains");
                return Err(Problem::new(key, message).help(
                    "globs over tensors and modules, e.g. \"blocks.*\" or \"*.bias\"; runner check -v lists them",
                ));
            }
        }
        factors.retain(|_, factor| *factor != 1.0);
        Ok(factors)
    }

    /// For each trained tensor of the backbone how many modules with trained tensors it is from the head, from 1.
    fn distances(&self) -> Vec<(String, i32)> {
        let mut found = Vec::new();
        let mut distance = 0;
        for module in self.graph.modules().iter().rev() {
            let nodes = module.nodes.iter().filter(|node| **node < self.backbone);
            let tensors = nodes.flat_map(|node| &self.graph.nodes()[*node].parameters);
            let trained: Vec<_> = tensors.filter(|tensor| self.cut.trains(tensor)).collect();
            if !trained.is_empty() {
                distance += 1;
            }
            found.extend(trained.iter().map(|tensor| (tensor.name.clone(), distance)));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(optimizer: &str) -> Result<BTreeMap<String, f64>, Problem> {
        let text = format!(
            "name = 't'\ndataset = {{ name = 'digits' }}\nfreeze = {{ through = 'layer3' }}\n\
             backbone = {{ arch = 'resnet18', weights = 'random', input_size = 32 }}\n\
             head = [{{ layer = 'pool' }}, {{ layer = 'dense', units = 'classes' }}]\n\
             optimizer = {{ {optimizer} }}"
        );
        let spec: Spec = toml::from_str(&text).unwrap();
        Blueprint::new(&spec, 10).unwrap().rate_factors(&spec)
    }

    #[test]
    fn a_module_further_from_the_head_has_a_smaller_rate() {
        let found = factors("layer_decay = 0.5").unwrap();
        assert_eq!(found["layer4.1.conv2.weight"], 0.5);
        assert_eq!(found["layer4.0.conv1.weight"], 0.25);
        let is_known = |name: &str| found.contains_key(name);
        assert!(!is_known("dense.weight") && !is_known("layer3.1.conv2.weight"));
    }

    #[test]
    fn globs_multiply_what_they_fit() {
        let found =
            factors("layer_decay = 0.5, rates = { 'layer4.0' = 0.1, '*.bias' = 2.0 }").unwrap();
        assert!((found["layer4.0.conv1.weight"] - 0.025).abs() < 1e-15);
        assert!((found["layer4.0.bn1.bias"] - 0.05).abs() < 1e-15);
        assert_eq!(found["dense.bias"], 2.0);
        let problem = factors("rates = { 'layer3' = 0.1 }").unwrap_err();
        assert_eq!(problem.key, "optimizer.rates.\"layer3\"");
        assert!(problem.message.contains("fits no tensor that trains"));
    }
}
