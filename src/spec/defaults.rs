//! Defaults that depend on another key.

use super::types::*;

impl Loss {
    /// What the head ends in, so that its values are what the loss compares.
    pub fn activation(self) -> Activation {
        match self {
            Loss::CategoricalCrossentropy => Activation::Softmax,
            Loss::BinaryCrossentropy => Activation::Sigmoid,
        }
    }
}

/// The names of the head's layers: each its own, else Keras's automatic one (`dense`, `dense_1`, …).
pub fn head_names(head: &[HeadLayer]) -> Vec<String> {
    let automatic = |at: usize| {
        let kind = head[at].layer;
        let before = head[..at]
            .iter()
            .filter(|layer| layer.layer == kind && layer.name.is_none());
        match before.count() {
            0 => kind.to_string(),
            n => format!("{kind}_{n}"),
        }
    };
    let name = |at: usize| head[at].name.clone().unwrap_or_else(|| automatic(at));
    (0..head.len()).map(name).collect()
}

impl Spec {
    /// Writes the defaults that depend on other keys, leaving out what depends on a key that is swept.
    pub(super) fn fill(&mut self, is_swept: &dyn Fn(&str) -> bool) {
        if !is_swept("dataset.name") {
            self.dataset.fill();
        }
        if !is_swept("optimizer.name") {
            self.optimizer.fill();
        }
        if !is_swept("optimizer.schedule.kind") {
            self.optimizer.schedule.fill();
        }
        if !is_swept("normalization.scheme") {
            self.normalization.fill();
        }
        if !is_swept("resize.method") {
            self.resize.fill();
        }
        for (index, layer) in self.head.iter_mut().enumerate() {
            if !is_swept(&format!("head.{index}.layer")) {
                layer.fill();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_layers_are_named_as_keras_names_them() {
        let layer = |kind, name: Option<&str>| HeadLayer {
            name: name.map(str::to_owned),
            ..HeadLayer::new(HeadKind::named(kind).unwrap())
        };
        let names = head_names(&[
            layer("flatten", None),
            layer("dense", None),
            layer("dense", Some("middle")),
            layer("dense", None),
        ]);
        assert_eq!(names, ["flatten", "dense", "middle", "dense_1"]);
    }
}
