//! Defaults that depend on another key: an optimizer's, a schedule's, a layer's options.
//!
//! Numbers from Keras 3.15's own signatures (`keras/src/optimizers`, `keras/src/layers`,
//! `keras/src/callbacks/reduce_lr_on_plateau.py`).

use super::types::*;

impl Optimizer {
    /// Which options beside `name`, `learning_rate`, `weight_decay` and `schedule` the optimizer takes.
    pub fn options(name: OptimizerName) -> &'static [&'static str] {
        match name {
            OptimizerName::Sgd => &["momentum", "nesterov"],
            OptimizerName::Adam | OptimizerName::Adamw => &["beta_1", "beta_2", "epsilon"],
            OptimizerName::Rmsprop => &["rho", "momentum", "epsilon"],
        }
    }

    /// Step size before the schedule; default 0.01 for sgd, else 1e-3.
    pub fn learning_rate(&self) -> f64 {
        let default = match self.name {
            OptimizerName::Sgd => 0.01,
            _ => 1e-3,
        };
        self.learning_rate.unwrap_or(default)
    }

    /// Momentum of sgd and rmsprop; default 0.
    pub fn momentum(&self) -> f64 {
        self.momentum.unwrap_or(0.0)
    }

    /// Whether sgd's momentum is Nesterov's; default false.
    pub fn nesterov(&self) -> bool {
        self.nesterov.unwrap_or(false)
    }

    /// Decay of Adam's first moment; default 0.9.
    pub fn beta_1(&self) -> f64 {
        self.beta_1.unwrap_or(0.9)
    }

    /// Decay of Adam's second moment; default 0.999.
    pub fn beta_2(&self) -> f64 {
        self.beta_2.unwrap_or(0.999)
    }

    /// Decay of RMSprop's mean square; default 0.9.
    pub fn rho(&self) -> f64 {
        self.rho.unwrap_or(0.9)
    }

    /// Added to the root in adam, inside it in rmsprop; default 1e-7.
    pub fn epsilon(&self) -> f64 {
        self.epsilon.unwrap_or(1e-7)
    }

    /// Decoupled weight decay; default 0.004 for adamw, else 0.
    pub fn weight_decay(&self) -> f64 {
        let default = match self.name {
            OptimizerName::Adamw => 0.004,
            _ => 0.0,
        };
        self.weight_decay.unwrap_or(default)
    }

    /// Writes the defaults of the options that the optimizer takes.
    pub(super) fn fill(&mut self) {
        self.learning_rate = Some(self.learning_rate());
        self.weight_decay = Some(self.weight_decay());
        for option in Self::options(self.name) {
            match *option {
                "momentum" => self.momentum = Some(self.momentum()),
                "nesterov" => self.nesterov = Some(self.nesterov()),
                "beta_1" => self.beta_1 = Some(self.beta_1()),
                "beta_2" => self.beta_2 = Some(self.beta_2()),
                "rho" => self.rho = Some(self.rho()),
                _ => self.epsilon = Some(self.epsilon()),
            }
        }
    }
}

impl Schedule {
    /// Which options beside `kind`, `warmup_epochs` and `minimum` the schedule takes.
    pub fn options(kind: ScheduleKind) -> &'static [&'static str] {
        match kind {
            ScheduleKind::Constant | ScheduleKind::Cosine => &[],
            ScheduleKind::Step => &["step_epochs", "factor"],
            ScheduleKind::Exponential => &["factor"],
            ScheduleKind::Plateau => &["factor", "monitor", "patience", "min_delta"],
        }
    }

    /// What the rate is multiplied by at a drop, or each epoch; default 0.9 for exponential, else 0.1.
    pub fn factor(&self) -> f64 {
        let default = match self.kind {
            ScheduleKind::Exponential => 0.9,
            _ => 0.1,
        };
        self.factor.unwrap_or(default)
    }

    /// Epochs between two drops of `step`, at least 1. It has no default: a loaded spec with `step` has it.
    pub fn step_epochs(&self) -> usize {
        self.step_epochs.unwrap_or(1).max(1)
    }

    /// What `plateau` watches; default "val_loss".
    pub fn monitor(&self) -> &str {
        self.monitor.as_deref().unwrap_or("val_loss")
    }

    /// Epochs without improvement before `plateau` drops the rate; default 10.
    pub fn patience(&self) -> usize {
        self.patience.unwrap_or(10)
    }

    /// What counts as an improvement for `plateau`; default 1e-4.
    pub fn min_delta(&self) -> f64 {
        self.min_delta.unwrap_or(1e-4)
    }

    /// Writes the defaults of the options that the schedule takes.
    pub(super) fn fill(&mut self) {
        for option in Self::options(self.kind) {
            match *option {
                "factor" => self.factor = Some(self.factor()),
                "monitor" => self.monitor = Some(self.monitor().to_owned()),
                "patience" => self.patience = Some(self.patience()),
                "min_delta" => self.min_delta = Some(self.min_delta()),
                _ => {}
            }
        }
    }
}

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
    fn each_optimizer_gets_its_own_options_only() {
        let filled = |name| {
            let mut optimizer = Optimizer {
                name,
                ..Optimizer::default()
            };
            optimizer.fill();
            optimizer
        };
        let adamw = filled(OptimizerName::Adamw);
        assert_eq!(
            (adamw.learning_rate, adamw.weight_decay),
            (Some(1e-3), Some(0.004))
        );
        assert_eq!((adamw.beta_2, adamw.epsilon), (Some(0.999), Some(1e-7)));
        assert_eq!((adamw.momentum, adamw.rho), (None, None));
        let sgd = filled(OptimizerName::Sgd);
        assert_eq!((sgd.learning_rate, sgd.nesterov), (Some(0.01), Some(false)));
        assert_eq!((sgd.beta_1, sgd.epsilon), (None, None));
        let rmsprop = filled(OptimizerName::Rmsprop);
        assert_eq!((rmsprop.rho, rmsprop.momentum), (Some(0.9), Some(0.0)));
    }

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
