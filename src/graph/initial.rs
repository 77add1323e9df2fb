//! What tensors start from before any training.

use super::op::Op;
use super::role::Role;

/// What the values of a tensor are drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    Constant(f32),
    /// Uniform within this distance of zero.
    Uniform(f32),
    /// Normal around zero, with this deviation.
    Normal(f64),
}

/// How the tensors of an operation start: by what they are to it, and by the connections of its kernel.
pub type Initializer = fn(Role, Fans) -> Distribution;

/// The connections of an operation's kernel; 1 where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fans {
    /// Whether it is of a dense layer.
    pub dense: bool,
    /// Values that each output takes; a convolution's receptive field counts.
    pub inputs: usize,
    /// Outputs that each value goes to, were there one group; a convolution's receptive field counts.
    pub outputs: usize,
    /// Of a convolution.
    pub groups: usize,
}

impl Fans {
    /// Of an operation whose kernel has this role and extent.
    pub(super) fn of(op: &Op, kernel: Option<(Role, &[usize])>) -> Self {
        let groups = match op {
            Op::Convolution(convolution) => convolution.groups,
            _ => 1,
        };
        let (dense, inputs, outputs) = match kernel {
            Some((Role::Kernel { dense: true }, [h, w, i, o])) => (true, h * w * i, *o),
            Some((_, [h, w, i, o])) => (false, h * w * i, h * w * o),
            _ => (false, 1, 1),
        };
        Fans {
            dense,
            inputs,
            outputs,
            groups,
        }
    }

    /// PyTorch's default: uniform in ±1/sqrt(inputs), kernel and bias alike.
    pub fn pytorch(self) -> Distribution {
        Distribution::Uniform((1.0 / self.inputs as f64).sqrt() as f32)
    }

    /// Normal with the deviation sqrt(2 / fan) (He et al., 2015).
    pub fn he(fan: usize) -> Distribution {
        Distribution::Normal((2.0 / fan as f64).sqrt())
    }
}

/// Keras's defaults: Glorot uniform kernels, in ±sqrt(6 / (inputs + outputs)) (Glorot and Bengio, 2010), where a
/// convolution's fans count its receptive field; zero biases; normalization as the identity.
pub fn keras(role: Role, fans: Fans) -> Distribution {
    let limit = (6.0 / (fans.inputs + fans.outputs) as f64).sqrt() as f32;
    or_usual(role, Distribution::Uniform(limit))
}

/// What is usual everywhere, and `kernel` for kernels: zero biases, normalization as the identity, layer scale as its
/// node says, and tokens and positions as timm's.
pub fn or_usual(role: Role, kernel: Distribution) -> Distribution {
    match role {
        Role::Kernel { .. } => kernel,
        Role::Gamma | Role::MovingVariance => Distribution::Constant(1.0),
        Role::Bias | Role::Beta | Role::MovingMean => Distribution::Constant(0.0),
        Role::LayerScale { initial } => Distribution::Constant(initial as f32 * 1e-6),
        Role::Token => Distribution::Normal(1e-6),
        Role::Positions { .. } => Distribution::Normal(0.02),
    }
}
