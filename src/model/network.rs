//! The network with its weights: forward through the frozen part, then through the trained part.

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{Device, Result, Tensor, Var, bail};

use super::blueprint::{Blueprint, Link};
use super::cost::images_at_once;
use super::init;
use super::layer::{Layer, Parameter};
use super::layout;
use super::weights::HostTensor;
use crate::ops;
use crate::rng::{Purpose, Stream, name_index};
use crate::spec::Activation;

/// Tensors by name, in PyTorch's layouts.
pub type Weights = BTreeMap<String, HostTensor>;

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout off, moving statistics used.
    Evaluate,
    /// Dropout on, batch statistics used and moving statistics updated above the freeze boundary.
    Train { seed: u64, step: u64 },
}

/// A tensor of the network, by what may change it.
#[derive(Clone, Debug)]
enum Slot {
    /// Nothing: below the freeze boundary.
    Frozen(Tensor),
    /// The optimizer.
    Trained(Var),
    /// The forward pass: moving statistics.
    Moving(Var),
}

impl Slot {
    fn tensor(&self) -> &Tensor {
        match self {
            Slot::Frozen(tensor) => tensor,
            Slot::Trained(var) | Slot::Moving(var) => var.as_tensor(),
        }
    }
}

/// A network ready to run.
#[derive(Debug)]
pub struct Network {
    pub blueprint: Blueprint,
    slots: BTreeMap<String, Slot>,
    device: Device,
}

impl Network {
    /// A network whose tensors come from `weights` where they are there, else from the initializers.
    ///
    /// # Errors
    /// A device that cannot hold them, or a tensor of another shape than its layer's.
    pub fn new(
        blueprint: Blueprint,
        weights: &Weights,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let mut slots = BTreeMap::new();
        for (i, link) in blueprint.links.iter().enumerate() {
            for parameter in &link.parameters {
                let values = initial(parameter, weights.get(&parameter.name), seed)?;
                let shape = parameter.shape();
                let slot = match (i < blueprint.frozen, parameter.role.is_weight()) {
                    (true, _) => Slot::Frozen(Tensor::from_vec(values, shape, device)?),
                    (false, true) => Slot::Trained(Var::from_vec(values, shape, device)?),
                    (false, false) => Slot::Moving(Var::from_vec(values, shape, device)?),
                };
                slots.insert(parameter.name.clone(), slot);
            }
        }
        Ok(Network {
            blueprint,
            slots,
            device: device.clone(),
        })
    }

    /// Where the network runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What the optimizer changes, by name.
    pub fn trained(&self) -> Vec<(String, Var)> {
        let trained = |(name, slot): (&String, &Slot)| match slot {
            Slot::Trained(var) => Some((name.clone(), var.clone())),
            _ => None,
        };
        self.slots.iter().filter_map(trained).collect()
    }

    /// What nothing may change, by name.
    pub fn frozen(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.slots.iter().filter_map(|(name, slot)| match slot {
            Slot::Frozen(tensor) => Some((name.as_str(), tensor)),
            _ => None,
        })
    }

    /// The logits `[batch, classes]` for images `[batch, height, width, 3]`.
    ///
    /// # Errors
    /// Images of another shape, or what the device reports.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        self.forward_trained(&self.forward_frozen(images, mode)?, mode)
    }

    /// What the frozen part, and what stays constant behind it ([`Blueprint::constant`]), gives for
    /// images, cut from the graph.
    ///
    /// # Errors
    /// Images of another shape, or what the device reports.
    pub fn forward_frozen(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        self.through(0..self.blueprint.constant(), images, mode, true)
            .map(|features| features.detach())
    }

    /// What some of the links of [`Self::forward_frozen`] give in inference, for what the link before
    /// them gave.
    ///
    /// # Errors
    /// Values of another shape, or what the device reports.
    pub fn forward_frozen_links(&self, links: Range<usize>, values: &Tensor) -> Result<Tensor> {
        self.through(links, values, Mode::Evaluate, true)
            .map(|features| features.detach())
    }

    /// The logits for what [`Self::forward_frozen`] gave.
    ///
    /// # Errors
    /// Features of another shape, or what the device reports.
    pub fn forward_trained(&self, features: &Tensor, mode: Mode) -> Result<Tensor> {
        let links = self.blueprint.constant()..self.blueprint.links.len();
        self.through(links, features, mode, false)
    }

    /// Carries images through some of the links: in inference on a CPU, as many at once as are fastest. An image's
    /// values do not depend on the others.
    fn through(&self, links: Range<usize>, x: &Tensor, mode: Mode, frozen: bool) -> Result<Tensor> {
        let links = self.blueprint.links.get(links).unwrap_or_default();
        let (images, most) = (x.dim(0)?, images_at_once(links));
        if mode != Mode::Evaluate || images <= most || !self.device.is_cpu() {
            return self.pass(links, x, mode, frozen);
        }
        let part = |start| {
            let x = x.narrow(0, start, most.min(images - start))?;
            self.pass(links, &x, mode, frozen)
        };
        let parts: Vec<Tensor> = (0..images).step_by(most).map(part).collect::<Result<_>>()?;
        Tensor::cat(&parts, 0)
    }

    fn pass(&self, links: &[Link], x: &Tensor, mode: Mode, frozen: bool) -> Result<Tensor> {
        let mut links = links.iter().peekable();
        let mut x = x.clone();
        while let Some(link) = links.peek() {
            if self.is_chained(link) {
                let mut chain = ops::Chain::new(&x);
                while let Some(link) = links.next_if(|link| self.is_chained(link)) {
                    chain = self.chain(link, chain).map_err(in_layer(link))?;
                }
                x = chain.finish()?;
            } else if let Some(link) = links.next() {
                x = self.link(link, &x, mode, frozen).map_err(in_layer(link))?;
            }
            if mode == Mode::Evaluate {
                // Nothing holds the values before then.
                x = x.detach();
            }
        }
        Ok(x)
    }

    /// Whether the link is one of those that run as one operation with their neighbours.
    fn is_chained(&self, link: &Link) -> bool {
        self.device.is_cpu() && matches!(link.layer, Layer::Conv2d { .. } | Layer::MaxPool2d(_))
    }

    fn chain(&self, link: &Link, chain: ops::Chain) -> Result<ops::Chain> {
        match &link.layer {
            Layer::Conv2d { config, .. } => {
                let (kernel, bias) = (self.tensor(link, "weight")?, self.tensor(link, "bias")?);
                chain.conv2d(kernel, bias, config)
            }
            Layer::MaxPool2d(config) => chain.max_pool2d(config),
            layer => bail!("{layer:?} cannot be chained"),
        }
    }

    fn link(&self, link: &Link, x: &Tensor, mode: Mode, frozen: bool) -> Result<Tensor> {
        match &link.layer {
            Layer::Conv2d { config, .. } => self.conv2d(link, "", x, config),
            Layer::MaxPool2d(config) => ops::max_pool2d(x, config),
            Layer::Fire { .. } => self.fire(link, x),
            Layer::Flatten => x.flatten_from(1),
            Layer::GlobalAveragePooling => ops::global_average_pool(x),
            Layer::Dense { activation, .. } => {
                let (kernel, bias) = (self.tensor(link, "weight")?, self.tensor(link, "bias")?);
                let relu = *activation == Activation::Relu;
                let y = ops::dense(x, kernel, Some(bias), relu)?;
                if relu {
                    Ok(y)
                } else {
                    activate(&y, *activation)
                }
            }
            Layer::BatchNormalization {
                momentum,
                epsilon,
                relu,
            } => {
                let training = mode != Mode::Evaluate && !frozen;
                let y = self.batch_norm(link, x, *momentum, *epsilon, training)?;
                if *relu { ops::relu(&y) } else { Ok(y) }
            }
            Layer::Dropout { rate } => match mode {
                Mode::Evaluate => Ok(x.clone()),
                Mode::Train { seed, step } => {
                    let layer = name_index(&link.name);
                    ops::dropout(x, *rate, &Stream::new(seed, Purpose::Dropout, step, layer))
                }
            },
            Layer::Activation(activation) => activate(x, *activation),
        }
    }

    fn conv2d(
        &self,
        link: &Link,
        prefix: &str,
        x: &Tensor,
        config: &ops::Conv2dConfig,
    ) -> Result<Tensor> {
        let kernel = self.tensor(link, &format!("{prefix}weight"))?;
        let bias = self.tensor(link, &format!("{prefix}bias"))?;
        ops::conv2d(x, kernel, Some(bias), config)
    }

    fn fire(&self, link: &Link, x: &Tensor) -> Result<Tensor> {
        let conv = |padding| ops::Conv2dConfig {
            padding,
            relu: true,
            ..ops::Conv2dConfig::default()
        };
        let squeezed = self.conv2d(link, "squeeze.", x, &conv(0))?;
        let expand1x1 = self.conv2d(link, "expand1x1.", &squeezed, &conv(0))?;
        let expand3x3 = self.conv2d(link, "expand3x3.", &squeezed, &conv(1))?;
        ops::concat(&expand1x1, &expand3x3)
    }

    fn batch_norm(
        &self,
        link: &Link,
        x: &Tensor,
        momentum: f64,
        epsilon: f64,
        training: bool,
    ) -> Result<Tensor> {
        let (gamma, beta) = (self.tensor(link, "weight")?, self.tensor(link, "bias")?);
        if !training {
            let (mean, variance) = (
                self.tensor(link, "running_mean")?,
                self.tensor(link, "running_var")?,
            );
            return ops::batch_norm_inference(x, gamma, beta, mean, variance, epsilon);
        }
        let ops::BatchNorm { y, mean, variance } = ops::batch_norm(x, gamma, beta, epsilon)?;
        self.update_moving(link, "running_mean", &mean, momentum)?;
        self.update_moving(link, "running_var", &variance, momentum)?;
        Ok(y)
    }

    /// `moving = moving * momentum + batch * (1 - momentum)`, as Keras.
    fn update_moving(
        &self,
        link: &Link,
        suffix: &str,
        batch: &Tensor,
        momentum: f64,
    ) -> Result<()> {
        match self.slots.get(&format!("{}.{suffix}", link.name)) {
            Some(Slot::Moving(moving)) => {
                let kept = (moving.as_detached_tensor() * momentum)?;
                moving.set(&(kept + (batch.detach() * (1.0 - momentum))?)?)
            }
            _ => Ok(()),
        }
    }

    fn tensor(&self, link: &Link, suffix: &str) -> Result<&Tensor> {
        let name = format!("{}.{suffix}", link.name);
        match self.slots.get(&name) {
            Some(slot) => Ok(slot.tensor()),
            None => bail!("the network has no tensor {name}"),
        }
    }

    /// All tensors by name, in PyTorch's layouts.
    ///
    /// # Errors
    /// What the device reports.
    pub fn weights(&self) -> Result<Weights> {
        self.weights_of(|_| true)
    }

    /// Those that training changes, as [`Self::weights`].
    ///
    /// # Errors
    /// What the device reports.
    pub fn learned(&self) -> Result<Weights> {
        self.weights_of(|slot| !matches!(slot, Slot::Frozen(_)))
    }

    fn weights_of(&self, wanted: impl Fn(&Slot) -> bool) -> Result<Weights> {
        let mut weights = Weights::new();
        for (parameter, _) in self.blueprint.parameters() {
            if let Some(slot) = self.slots.get(&parameter.name).filter(|slot| wanted(slot)) {
                let values = slot.tensor().flatten_all()?.to_vec1::<f32>()?;
                let data = layout::to_file(parameter, &values);
                let tensor = HostTensor {
                    shape: parameter.file_shape(),
                    data,
                };
                weights.insert(parameter.name.clone(), tensor);
            }
        }
        Ok(weights)
    }

    /// Puts back tensors taken with [`Self::weights`] or [`Self::learned`]; frozen ones stay as they are.
    ///
    /// # Errors
    /// A tensor of another shape, or what the device reports.
    pub fn restore(&self, weights: &Weights) -> Result<()> {
        for (parameter, _) in self.blueprint.parameters() {
            let slot = self.slots.get(&parameter.name);
            if let (Some(Slot::Trained(var) | Slot::Moving(var)), Some(saved)) =
                (slot, weights.get(&parameter.name))
            {
                let values = initial(parameter, Some(saved), 0)?;
                var.set(&Tensor::from_vec(values, parameter.shape(), &self.device)?)?;
            }
        }
        Ok(())
    }
}

/// A parameter's first value: from a file where given, else by its initializer.
fn initial(parameter: &Parameter, given: Option<&HostTensor>, seed: u64) -> Result<Vec<f32>> {
    Ok(match given {
        Some(tensor) if tensor.shape != parameter.file_shape() => bail!(
            "tensor {} has shape {:?}, its layer needs {:?}",
            parameter.name,
            tensor.shape,
            parameter.file_shape()
        ),
        Some(tensor) => layout::from_file(parameter, &tensor.data),
        None => init::values(parameter, seed),
    })
}

/// Names the layer in an error.
fn in_layer(link: &Link) -> impl Fn(candle_core::Error) -> candle_core::Error {
    move |error| error.context(format!("in layer {}", link.name))
}

fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Linear => Ok(x.clone()),
        Activation::Relu => ops::relu(x),
        Activation::Tanh => x.tanh(),
        // Composed of differentiable operations: candle-nn's fused forms cut the gradient.
        Activation::Sigmoid => ((x * 0.5)?.tanh()? + 1.0)? * 0.5,
        Activation::Softmax => {
            let last = x.rank().saturating_sub(1);
            let e = x.broadcast_sub(&x.max_keepdim(last)?.detach())?.exp()?;
            e.broadcast_div(&e.sum_keepdim(last)?)
        }
    }
}
