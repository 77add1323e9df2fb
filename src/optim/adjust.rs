//! What is done to gradients and rates beside an optimizer's rule.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

/// PyTorch's `clip_grad_norm_` adds this to the norm that it divides by.
const EPSILON: f64 = 1e-6;

/// What is done beside the rule; nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Adjust {
    /// The largest Euclidean norm of all gradients together.
    pub clip_norm: Option<f64>,
    /// What the learning rate of a tensor is multiplied by; 1 for those that are not named.
    pub factors: BTreeMap<String, f64>,
    /// The weight of half the squared distance from [`Adjust::anchors`], which is added to the loss.
    pub l2_sp: f64,
    /// Where tensors are drawn to; those that are not named are free. X. Li, Y. Grandvalet, F. Davoine, "Explicit inductive
    /// bias for transfer learning with convolutional networks" (2018).
    pub anchors: BTreeMap<String, Tensor>,
}

impl Adjust {
    /// Whether anything is done.
    pub fn is_none(&self) -> bool {
        self.clip_norm.is_none() && self.factors.is_empty() && self.anchors.is_empty()
    }

    pub(super) fn factor(&self, name: &str) -> f64 {
        self.factors.get(name).copied().unwrap_or(1.0)
    }

    /// The gradients as the rule gets them, of tensors by name with their weights.
    ///
    /// # Errors
    /// What the device reports.
    pub(super) fn gradients(&self, given: &[(&str, &Tensor, &Tensor)]) -> Result<Vec<Tensor>> {
        let drawn = given.iter().map(|(name, weight, gradient)| {
            let gradient = gradient.detach();
            match self.anchors.get(*name) {
                Some(anchor) => gradient + ((weight.detach() - anchor)? * self.l2_sp)?,
                None => Ok(gradient),
            }
        });
        let drawn = drawn.collect::<Result<Vec<Tensor>>>()?;
        let Some(most) = self.clip_norm else {
            return Ok(drawn);
        };
        let mut squares = 0.0;
        for gradient in &drawn {
            squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
        }
        let scale = most / (squares.sqrt() + EPSILON);
        match scale < 1.0 {
            true => drawn.iter().map(|gradient| gradient * scale).collect(),
            false => Ok(drawn),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::optim::Optimizer;
    use crate::spec;

    /// Two tensors with the gradients (3, 0) and (0, 4) under plain descent by 0.1 that adjusts as said.
    fn step(adjust: Adjust) -> [Vec<f32>; 2] {
        let var = |values: &[f32]| Var::from_slice(values, 2, &Device::Cpu).unwrap();
        let (a, b) = (var(&[1.0, 2.0]), var(&[3.0, 5.0]));
        let gradient = |values: &[f32]| Tensor::from_slice(values, 2, &Device::Cpu).unwrap();
        let product = |var: &Var, g: &[f32]| (var.as_tensor() * gradient(g)).unwrap();
        let loss = (product(&a, &[3.0, 0.0]) + product(&b, &[0.0, 4.0])).unwrap();
        let gradients = loss.sum_all().unwrap().backward().unwrap();
        let spec: spec::Optimizer = toml::from_str("name = 'sgd'").unwrap();
        let named = [("a".to_owned(), a.clone()), ("b".to_owned(), b.clone())];
        let optimizer = Optimizer::new(spec.rule(), 0.0, &named).unwrap();
        let mut optimizer = optimizer.adjusted(adjust).unwrap();
        optimizer.step(&gradients, 0.1).unwrap();
        [a, b].map(|var| var.to_vec1().unwrap())
    }

    fn near(found: [Vec<f32>; 2], expected: [[f32; 2]; 2]) {
        let pairs = found.iter().flatten().zip(expected.iter().flatten());
        for (found, expected) in pairs {
            assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
        }
    }

    /// torch.nn.utils.clip_grad_norm_ multiplies by 1 / (5 + 1e-6) here, and by nothing where the norm is allowed.
    #[test]
    fn gradients_are_scaled_to_the_norm() {
        let clipped = |norm| {
            step(Adjust {
                clip_norm: Some(norm),
                ..Adjust::default()
            })
        };
        near(clipped(1.0), [[0.94, 2.0], [3.0, 4.92]]);
        near(clipped(6.0), [[0.7, 2.0], [3.0, 4.6]]);
    }

    #[test]
    fn rates_differ_by_tensor() {
        let factors = BTreeMap::from([("b".to_owned(), 0.5)]);
        let adjust = Adjust {
            factors,
            ..Adjust::default()
        };
        near(step(adjust), [[0.7, 2.0], [3.0, 4.8]]);
    }

    /// The gradient of 0.2 / 2 * |b - (1, 1)|² is 0.2 * (2, 4).
    #[test]
    fn weights_are_drawn_to_their_anchors() {
        let anchor = Tensor::from_slice(&[1.0f32, 1.0], 2, &Device::Cpu).unwrap();
        let adjust = Adjust {
            l2_sp: 0.2,
            anchors: BTreeMap::from([("b".to_owned(), anchor)]),
            ..Adjust::default()
        };
        near(step(adjust), [[0.7, 2.0], [2.96, 4.52]]);
    }
}
