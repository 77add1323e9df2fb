//! Defaults that depend on another key: of resizing, of the head's layers.
//!
//! Numbers from Keras 3.15's own signatures (`keras/src/layers`).

use super::types::*;

impl Resize {
    /// Which options beside `method` it takes.
    pub fn options(method: ResizeMethod) -> &'static [&'static str] {
        match method {
            ResizeMethod::Squash | ResizeMethod::Pad => &["interpolation"],
            ResizeMethod::Crop => &["crop", "interpolation"],
            ResizeMethod::Pretrained => &[],
        }
    }

    /// The input's part of the shorter side; default 0.875, as torchvision's and most of timm's weights were tested.
    pub fn crop(&self) -> f64 {
        self.crop.unwrap_or(0.875)
    }

    /// What lies between pixels; default bilinear.
    pub fn interpolation(&self) -> Interpolation {
        self.interpolation.unwrap_or_default()
    }

    /// Whether it says no more than a spec without it.
    pub fn is_usual(&self) -> bool {
        self.method == ResizeMethod::Squash && self.interpolation() == Interpolation::Bilinear
    }

    /// Writes the defaults of the options that the method takes.
    pub(super) fn fill(&mut self) {
        for option in Self::options(self.method) {
            match *option {
                "crop" => self.crop = Some(self.crop()),
                _ => self.interpolation = Some(self.interpolation()),
            }
        }
    }
}

impl Loss {
    /// What the head ends in, so that its values are what the loss compares.
    pub fn activation(self) -> Activation {
        match self {
            Loss::CategoricalCrossentropy => Activation::Softmax,
            Loss::BinaryCrossentropy => Activation::Sigmoid,
        }
    }
}

impl HeadLayer {
    /// Which options beside `layer` and `name` a kind of layer takes.
    pub fn options(kind: HeadKind) -> &'static [&'static str] {
        match kind {
            HeadKind::Pool | HeadKind::Flatten | HeadKind::GlobalAveragePooling => &[],
            HeadKind::Dense => &["units", "activation"],
            HeadKind::BatchNormalization => &["momentum", "epsilon"],
            HeadKind::Dropout => &["rate"],
            HeadKind::Activation => &["activation"],
        }
    }

    /// The part of the values that `dropout` drops. It has no default: a loaded spec with `dropout` has it.
    pub fn rate(&self) -> f64 {
        self.rate.unwrap_or(0.0)
    }

    /// How much of its moving statistics `batch_normalization` keeps each step; default 0.99.
    pub fn momentum(&self) -> f64 {
        self.momentum.unwrap_or(0.99)
    }

    /// Added to the variance by `batch_normalization`; default 1e-3.
    pub fn epsilon(&self) -> f64 {
        self.epsilon.unwrap_or(1e-3)
    }

    /// The function applied by `dense` or `activation`; default linear.
    pub fn activation(&self) -> Activation {
        self.activation.unwrap_or(Activation::Linear)
    }

    /// Writes the defaults of the options that the layer takes.
    pub(super) fn fill(&mut self) {
        match self.layer {
            HeadKind::Dense => self.activation = Some(self.activation()),
            HeadKind::BatchNormalization => {
                self.momentum = Some(self.momentum());
                self.epsilon = Some(self.epsilon());
            }
            _ => {}
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
        if !is_swept("optimizer.name") {
            self.optimizer.fill();
        }
        if !is_swept("optimizer.schedule.kind") {
            self.optimizer.schedule.fill();
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
        let layer = |layer, name: Option<&str>| HeadLayer {
            name: name.map(str::to_owned),
            ..HeadLayer::new(layer)
        };
        let names = head_names(&[
            layer(HeadKind::Flatten, None),
            layer(HeadKind::Dense, None),
            layer(HeadKind::Dense, Some("middle")),
            layer(HeadKind::Dense, None),
        ]);
        assert_eq!(names, ["flatten", "dense", "middle", "dense_1"]);
    }
}
