//! A tensor that is trained, with what its optimizer remembers of it.

use std::sync::Mutex;

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, Var, bail};

use super::Error;
use super::rules::{Rule, Step};
use super::update::Update;

pub(super) struct Parameter {
    pub name: String,
    pub var: Var,
    pub slots: Slots,
}

/// What is remembered for each weight, in the order of [`Rule::slots`].
pub(super) enum Slots {
    /// On the CPU, updated in place.
    Host(Vec<Vec<f32>>),
    /// On other devices, replaced at each step.
    Device(Vec<Tensor>),
}

impl Parameter {
    pub fn gradient<'a>(&self, grads: &'a GradStore) -> std::result::Result<&'a Tensor, Error> {
        let gradient = grads
            .get(self.var.as_tensor())
            .ok_or_else(|| Error::NoGradient(self.name.clone()))?;
        if gradient.shape() != self.var.shape() {
            return Err(Error::GradientShape {
                name: self.name.clone(),
                gradient: gradient.dims().to_vec(),
                tensor: self.var.dims().to_vec(),
            });
        }
        Ok(gradient)
    }

    pub fn update(&mut self, rule: &dyn Rule, step: Step, gradient: &Tensor) -> Result<()> {
        match &mut self.slots {
            Slots::Host(slots) => {
                let update = Update {
                    rule,
                    step,
                    slots: Mutex::new(slots),
                };
                self.var.inplace_op2(&gradient.contiguous()?, &update)
            }
            Slots::Device(slots) => {
                let weight = self.var.as_detached_tensor();
                let new = rule.update_tensors(step, &weight, &gradient.detach(), slots)?;
                self.var.set(&new)
            }
        }
    }
}

impl Slots {
    /// Zeros for each of the rule's slots.
    pub fn new(rule: &dyn Rule, var: &Var, on_host: bool) -> Result<Self> {
        if var.dtype() != candle_core::DType::F32 {
            bail!("a trainable tensor must be f32, got {:?}", var.dtype());
        }
        let slots = rule.slots().iter();
        Ok(if on_host {
            Slots::Host(slots.map(|_| vec![0.0; var.elem_count()]).collect())
        } else {
            Slots::Device(slots.map(|_| var.zeros_like()).collect::<Result<_>>()?)
        })
    }

    pub fn export(&self, slot: usize, var: &Var) -> Result<Tensor> {
        let tensor = match self {
            Slots::Host(slots) => slots
                .get(slot)
                .map(|values| Tensor::from_slice(values, var.shape(), &Device::Cpu)),
            Slots::Device(slots) => slots.get(slot).map(|t| t.to_device(&Device::Cpu)),
        };
        tensor.unwrap_or_else(|| bail!("slot {slot} does not exist"))
    }

    /// Slots of the same kind with other values.
    pub fn import(&self, values: &[&Tensor], var: &Var) -> Result<Self> {
        let values = values.iter();
        Ok(match self {
            Slots::Host(_) => Slots::Host(
                values
                    .map(|t| t.flatten_all()?.to_vec1())
                    .collect::<Result<_>>()?,
            ),
            Slots::Device(_) => Slots::Device(
                values
                    .map(|t| t.to_device(var.device()))
                    .collect::<Result<_>>()?,
            ),
        })
    }
}
