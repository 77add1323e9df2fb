//! Weights averaged over the steps.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var};

use crate::model::Network;
use crate::model::weights::HostTensor;
use crate::ops;

/// An exponential moving average of everything that training changes, the moving statistics of batch norms among it.
///
/// After each step `average = decay * average + (1 - decay) * weights`, as timm's `ModelEmaV3`; after the first step of a
/// run or stage it is the weights, as there (`get_decay(1)` is 0) and as Keras's `use_ema` has it. There is no
/// correction of a bias, which a beginning with zeros alone would have.
pub(super) struct Average {
    decay: f64,
    averaged: Vec<Averaged>,
}

struct Averaged {
    name: String,
    /// The network's.
    weights: Var,
    average: Var,
}

impl Average {
    /// Of a network before its first step.
    ///
    /// # Errors
    /// What the device reports.
    pub fn new(network: &Network, decay: f64) -> Result<Self> {
        let averaged = network.changed().into_iter().map(|(name, weights)| {
            let average = Var::from_tensor(&weights.as_detached_tensor())?;
            Ok(Averaged {
                name,
                weights,
                average,
            })
        });
        Ok(Average {
            decay,
            averaged: averaged.collect::<Result<_>>()?,
        })
    }

    /// Takes in the weights after a step.
    ///
    /// # Errors
    /// What the device reports.
    pub fn update(&self, is_first: bool) -> Result<()> {
        let part = if is_first { 1.0 } else { 1.0 - self.decay };
        for tensor in &self.averaged {
            ops::lerp(&tensor.average, tensor.weights.as_tensor(), part)?;
        }
        Ok(())
    }

    /// What `f` gives while the network has the averaged weights; then it has its own again.
    ///
    /// # Errors
    /// What `f` does, and what the device reports.
    pub fn during<T, E: From<candle_core::Error>>(
        &self,
        f: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let own = self
            .averaged
            .iter()
            .map(|tensor| tensor.weights.as_detached_tensor().copy());
        let own: Vec<Tensor> = own.collect::<Result<_>>()?;
        self.put()?;
        let found = f();
        for (tensor, own) in self.averaged.iter().zip(&own) {
            tensor.weights.set(own)?;
        }
        found
    }

    /// Gives the network the averaged weights for good.
    ///
    /// # Errors
    /// What the device reports.
    pub fn put(&self) -> Result<()> {
        for tensor in &self.averaged {
            tensor.weights.set(&tensor.average.as_detached_tensor())?;
        }
        Ok(())
    }

    /// The averages by name, in the network's layouts.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let averaged = self.averaged.iter();
        averaged.map(|tensor| (tensor.name.as_str(), tensor.average.as_tensor()))
    }

    /// Resumes with what [`Self::tensors`] gave.
    ///
    /// # Errors
    /// A tensor that is missing, or of another shape.
    pub fn resume(&self, saved: &BTreeMap<String, HostTensor>) -> std::result::Result<(), String> {
        for tensor in &self.averaged {
            let name = &tensor.name;
            let saved = saved.get(name);
            let saved = saved.ok_or_else(|| format!("the average of `{name}` is missing"))?;
            let values = Tensor::from_slice(&saved.data, saved.shape.as_slice(), &Device::Cpu);
            let set = |values: Tensor| {
                let values = values.to_device(tensor.average.device())?;
                tensor.average.set(&values)
            };
            values.and_then(set).map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Blueprint, Weights};
    use crate::spec::Spec;

    fn network() -> Network {
        let text = "name = 't'\ndataset = { name = 'digits' }\nfreeze = { through = 'all' }\n\
                    backbone = { arch = 'squeezenet1_1', weights = 'random', input_size = 32 }\n\
                    head = [{ layer = 'global_average_pooling' }, { layer = 'batch_normalization' },\n\
                    { layer = 'dense', units = 'classes' }]";
        let spec: Spec = toml::from_str(text).unwrap();
        let blueprint = Blueprint::new(&spec, 10).unwrap();
        Network::new(blueprint, &Weights::new(), 0, &Device::Cpu).unwrap()
    }

    /// ```python
    /// m = torch.nn.BatchNorm1d(2)  # timm 1.0.31, torch 2.15
    /// ema = timm.utils.ModelEmaV3(m, decay=0.9)
    /// for step, k in enumerate([1.0, -2.0, 0.5, 4.0], 1):
    ///     with torch.no_grad(): m.weight.fill_(k); m.running_var.fill_(1 / (k + 3))
    ///     ema.update(m, step=step)
    ///     print(ema.module.weight[0].item(), ema.module.running_var[0].item())
    /// ```
    #[test]
    fn averages_are_those_of_timm() {
        let network = network();
        let average = Average::new(&network, 0.9).unwrap();
        let expected = [
            [1.0, 0.25],
            [0.7, 0.325],
            [0.68, 0.321_071_4],
            [1.012, 0.303_25],
        ];
        let fill = |suffix: &str, value: f64| {
            let changed = network.changed();
            let (_, var) = changed.iter().find(|(n, _)| n.ends_with(suffix)).unwrap();
            var.set(&(var.as_tensor().ones_like().unwrap() * value).unwrap())
                .unwrap();
        };
        let first = |suffix: &str| {
            let (_, tensor) = average
                .tensors()
                .find(|(n, _)| n.ends_with(suffix))
                .unwrap();
            tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()[0]
        };
        let (weight, variance) = ("normalization.weight", "running_var");
        for (step, (k, expected)) in [1.0, -2.0, 0.5, 4.0].into_iter().zip(expected).enumerate() {
            fill(weight, k);
            fill(variance, 1.0 / (k + 3.0));
            average.update(step == 0).unwrap();
            for (found, expected) in [first(weight), first(variance)].into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
            }
        }
    }

    #[test]
    fn the_network_has_its_own_weights_again_also_after_a_failure() {
        let network = network();
        let average = Average::new(&network, 0.9).unwrap();
        let begun = network.learned().unwrap();
        let weights = network.changed();
        for (_, var) in &weights {
            var.set(&(var.as_tensor() + 1.0).unwrap()).unwrap();
        }
        let trained = network.learned().unwrap();
        let seen = average.during(|| network.learned()).unwrap();
        assert!(seen == begun && network.learned().unwrap() == trained);
        let failed = average.during(|| candle_core::bail!("no")) as Result<()>;
        assert!(failed.is_err() && network.learned().unwrap() == trained);
        average.put().unwrap();
        assert!(network.learned().unwrap() == begun);
    }
}
