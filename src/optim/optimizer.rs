//! Updating named tensors from their gradients.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
#[cfg(feature = "cuda")]
use candle_core::{Result, bail};

use super::Error;
use super::adjust::Adjust;
use super::parameter::{Parameter, Slots};
use super::rules::{Rule, Step};
#[cfg(feature = "cuda")]
use crate::ops;

/// An optimizer of a fixed set of named tensors.
pub struct Optimizer {
    rule: Box<dyn Rule>,
    weight_decay: f64,
    adjust: Adjust,
    parameters: Vec<Parameter>,
    /// Sums of gradients that the next step adds to its own, in the parameters' order; none where there are none.
    accumulated: Vec<Tensor>,
    steps: u64,
}

/// What the sum of a parameter's gradients is called among what is remembered.
const ACCUMULATED: &str = "accumulated";

/// What an optimizer must remember to resume later: to be saved with a checkpoint.
#[derive(Clone, Debug)]
pub struct OptimizerState {
    /// Updates done.
    pub steps: u64,
    /// `<parameter>.<slot>` (`dense.weight.momentum`) → values, on the CPU, in the parameter's shape.
    pub tensors: BTreeMap<String, Tensor>,
}

impl Optimizer {
    /// An optimizer by a rule, with decoupled weight decay, of these f32 tensors; nothing remembered yet.
    ///
    /// # Errors
    /// A tensor that is not f32, or a device out of memory.
    pub fn new(
        rule: Box<dyn Rule>,
        weight_decay: f64,
        parameters: &[(String, Var)],
    ) -> std::result::Result<Self, Error> {
        Self::build(rule, weight_decay, parameters, |var| var.device().is_cpu())
    }

    /// As [`Self::new`], by tensor operations on any device.
    #[cfg(test)]
    pub(super) fn of_tensor_operations(
        rule: Box<dyn Rule>,
        weight_decay: f64,
        parameters: &[(String, Var)],
    ) -> std::result::Result<Self, Error> {
        Self::build(rule, weight_decay, parameters, |_| false)
    }

    fn build(
        rule: Box<dyn Rule>,
        weight_decay: f64,
        parameters: &[(String, Var)],
        on_host: impl Fn(&Var) -> bool,
    ) -> std::result::Result<Self, Error> {
        let parameters = parameters.iter().map(|(name, var)| {
            let slots = Slots::new(&*rule, var, on_host(var)).map_err(|e| tensor_error(name, e))?;
            Ok(Parameter {
                name: name.clone(),
                var: var.clone(),
                slots,
            })
        });
        let parameters = parameters.collect::<std::result::Result<_, Error>>()?;
        Ok(Optimizer {
            rule,
            weight_decay,
            adjust: Adjust::default(),
            parameters,
            accumulated: Vec::new(),
            steps: 0,
        })
    }

    /// The same optimizer, which does this beside its rule.
    ///
    /// # Errors
    /// On a GPU, where nothing of it is done.
    pub fn adjusted(self, adjust: Adjust) -> std::result::Result<Self, Error> {
        let mut parameters = self.parameters.iter();
        if !adjust.is_none() && parameters.any(|p| p.var.device().is_cuda()) {
            return Err(Error::NotOnGpu);
        }
        Ok(Optimizer { adjust, ..self })
    }

    /// Adds the gradients of a batch to those of the next step.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn accumulate(&mut self, grads: &GradStore) -> std::result::Result<(), Error> {
        let gradients = self.gradients(grads)?;
        self.accumulated = self.summed(&gradients)?;
        Ok(())
    }

    /// Updates every parameter once, by these gradients and those that were accumulated since the last step.
    ///
    /// # Errors
    /// A parameter without a gradient, or with one of another shape; then none is updated.
    pub fn step(
        &mut self,
        grads: &GradStore,
        learning_rate: f64,
    ) -> std::result::Result<(), Error> {
        let gradients = self.gradients(grads)?;
        if self.accumulated.is_empty() {
            return self.apply(&gradients, learning_rate);
        }
        let sums = self.summed(&gradients)?;
        self.accumulated = Vec::new();
        self.apply(&sums.iter().collect::<Vec<_>>(), learning_rate)
    }

    /// The gradient of each parameter.
    fn gradients<'a>(&self, grads: &'a GradStore) -> std::result::Result<Vec<&'a Tensor>, Error> {
        let parameters = self.parameters.iter();
        parameters
            .map(|parameter| parameter.gradient(grads))
            .collect()
    }

    /// Gradients with those that were accumulated, which are taken.
    fn summed(&mut self, gradients: &[&Tensor]) -> std::result::Result<Vec<Tensor>, Error> {
        let mut before = std::mem::take(&mut self.accumulated).into_iter();
        let parameters = self.parameters.iter().zip(gradients);
        let sums = parameters.map(|(parameter, gradient)| {
            let gradient = gradient.detach();
            match before.next() {
                Some(sum) => (sum + gradient).map_err(|e| tensor_error(&parameter.name, e)),
                None => Ok(gradient),
            }
        });
        sums.collect()
    }

    /// A step of all parameters by their gradients.
    fn apply(
        &mut self,
        gradients: &[&Tensor],
        learning_rate: f64,
    ) -> std::result::Result<(), Error> {
        let step = self.next(learning_rate);
        #[cfg(feature = "cuda")]
        if let Some(first) = self.parameters.first()
            && first.var.device().is_cuda()
        {
            return self
                .step_on_gpu(gradients, step)
                .map_err(|e| tensor_error(&first.name, e));
        }
        if self.adjust.is_none() {
            for (parameter, gradient) in self.parameters.iter_mut().zip(gradients) {
                parameter
                    .update(&*self.rule, step, gradient)
                    .map_err(|e| tensor_error(&parameter.name, e))?;
            }
            return Ok(());
        }
        let given = self.parameters.iter().zip(gradients.iter().copied());
        let given: Vec<(&str, &Tensor, &Tensor)> = given
            .map(|(p, gradient)| (p.name.as_str(), p.var.as_tensor(), gradient))
            .collect();
        let all = |e| tensor_error("the trained tensors", e);
        let adjusted = self.adjust.gradients(&given).map_err(all)?;
        for (parameter, gradient) in self.parameters.iter_mut().zip(&adjusted) {
            let factor = self.adjust.factor(&parameter.name);
            let step = Step {
                rate: step.rate * factor,
                decay: step.decay * factor,
            };
            parameter
                .update(&*self.rule, step, gradient)
                .map_err(|e| tensor_error(&parameter.name, e))?;
        }
        Ok(())
    }

    /// Counts the next step; what it multiplies by.
    fn next(&mut self, learning_rate: f64) -> Step {
        self.steps += 1;
        Step {
            rate: self.rule.rate(self.steps, learning_rate),
            decay: learning_rate * self.weight_decay,
        }
    }

    /// Counts a step that [`Self::apply_on_gpu`] does; the numbers that it wants.
    #[cfg(feature = "cuda")]
    pub fn next_on_gpu(&mut self, learning_rate: f64) -> ops::Numbers {
        let step = self.steps;
        let Step { rate, decay } = self.next(learning_rate);
        ops::Numbers {
            step,
            rate: rate as f32,
            decay: decay as f32,
        }
    }

    /// Updates every parameter on a GPU, in place, by a step that was counted before.
    ///
    /// # Errors
    /// A parameter without a gradient, or what the GPU reports.
    #[cfg(feature = "cuda")]
    pub fn apply_on_gpu(&self, grads: &GradStore, numbers: ops::Numbers) -> Result<()> {
        let gradients = self.gradients(grads);
        let step = Step {
            rate: f64::from(numbers.rate),
            decay: f64::from(numbers.decay),
        };
        self.step_on_gpu(&gradients.map_err(candle_core::Error::wrap)?, step)
    }

    /// A step of all parameters, in place.
    #[cfg(feature = "cuda")]
    fn step_on_gpu(&self, gradients: &[&Tensor], step: Step) -> Result<()> {
        let steps = self.parameters.iter().zip(gradients);
        let steps = steps.map(|(parameter, gradient)| match &parameter.slots {
            Slots::Device(slots) => Ok(ops::OptimizerStep {
                weights: parameter.var.as_tensor(),
                gradient,
                slots,
            }),
            Slots::Host(_) => bail!("what is remembered of {} is not on the GPU", parameter.name),
        });
        let steps: Vec<_> = steps.collect::<Result<_>>()?;
        let (kernel, [a, b, c]) = self.rule.kernel();
        let numbers = [step.rate as f32, step.decay as f32, a, b, c];
        ops::optimizer_step(kernel, numbers, &steps)
    }

    /// What is remembered, to be given to [`Self::load_state`] of an equal optimizer.
    ///
    /// # Errors
    /// Values that cannot be copied from their device.
    pub fn state(&self) -> std::result::Result<OptimizerState, Error> {
        let mut tensors = BTreeMap::new();
        for parameter in &self.parameters {
            for (i, slot) in self.rule.slots().iter().enumerate() {
                let values = parameter
                    .slots
                    .export(i, &parameter.var)
                    .map_err(|e| tensor_error(&parameter.name, e))?;
                tensors.insert(format!("{}.{slot}", parameter.name), values);
            }
        }
        for (parameter, sum) in self.parameters.iter().zip(&self.accumulated) {
            let sum = sum.to_device(&Device::Cpu);
            let sum = sum.map_err(|e| tensor_error(&parameter.name, e))?;
            tensors.insert(format!("{}.{ACCUMULATED}", parameter.name), sum);
        }
        Ok(OptimizerState {
            steps: self.steps,
            tensors,
        })
    }

    /// Resumes from a saved state.
    ///
    /// # Errors
    /// A tensor that is missing, left over or of another shape; then nothing is changed.
    pub fn load_state(&mut self, state: &OptimizerState) -> std::result::Result<(), Error> {
        let mut left: BTreeMap<&str, &Tensor> =
            state.tensors.iter().map(|(k, v)| (k.as_str(), v)).collect();
        let mut loaded = Vec::new();
        let mut accumulated = Vec::new();
        for parameter in &self.parameters {
            let mut take = |slot: &str| {
                let name = format!("{}.{slot}", parameter.name);
                let tensor = left.remove(name.as_str());
                match tensor.filter(|tensor| tensor.shape() != parameter.var.shape()) {
                    Some(other) => Err(Error::State(format!(
                        "`{name}` has the shape {:?}, expected {:?}",
                        other.dims(),
                        parameter.var.dims()
                    ))),
                    None => Ok((name, tensor)),
                }
            };
            let mut slots = Vec::new();
            for slot in self.rule.slots() {
                match take(slot)? {
                    (_, Some(tensor)) => slots.push(tensor),
                    (name, None) => return Err(Error::State(format!("`{name}` is missing"))),
                }
            }
            if let (_, Some(sum)) = take(ACCUMULATED)? {
                let sum = sum.to_device(parameter.var.device());
                accumulated.push(sum.map_err(|e| tensor_error(&parameter.name, e))?);
            }
            let slots = parameter
                .slots
                .import(&slots, &parameter.var)
                .map_err(|e| tensor_error(&parameter.name, e))?;
            loaded.push(slots);
        }
        if let Some(name) = left.keys().next() {
            return Err(Error::State(format!("`{name}` is not known")));
        }
        if ![0, self.parameters.len()].contains(&accumulated.len()) {
            let message = "sums of gradients of some tensors are missing";
            return Err(Error::State(message.into()));
        }
        self.accumulated = accumulated;
        for (parameter, slots) in self.parameters.iter_mut().zip(loaded) {
            parameter.slots = slots;
        }
        self.steps = state.steps;
        Ok(())
    }
}

fn tensor_error(name: &str, source: candle_core::Error) -> Error {
    Error::Tensor {
        name: name.to_string(),
        source,
    }
}
