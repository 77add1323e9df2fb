//! The primitive operations, a file each. To add one is to add a file and its name to the list below.

mod activation;
mod add;
mod attention;
mod average_pool;
mod batch_norm;
mod concatenate;
mod convolution;
mod dense;
mod drop_path;
mod dropout;
mod flatten;
mod global_pool;
mod input;
mod layer_norm;
mod layer_scale;
mod max_pool;
mod multiply;
mod tokens;

use std::fmt::Debug;
use std::ops::Deref;

use candle_core::{Result, Tensor, bail};

pub use activation::{Activation, Function};
pub use add::Add;
pub use attention::Attention;
pub use average_pool::AveragePool;
pub use batch_norm::BatchNorm;
pub use concatenate::Concatenate;
pub use convolution::Convolution;
pub use dense::Dense;
pub use drop_path::DropPath;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use global_pool::GlobalPool;
pub use input::Input;
pub use layer_norm::LayerNorm;
pub use layer_scale::LayerScale;
pub use max_pool::MaxPool;
pub use multiply::Multiply;
pub use tokens::{ClassToken, Embed};

use super::context::Context;
use super::role::Role;
use super::shape::Shape;
use crate::ops::{Passes, Pool2dConfig, Scratch};

/// A tensor of an operation: the end of its name (behind a `/` the whole of it), what it is, and its extent ([`super::Parameter::extent`]).
pub type TensorOf = (&'static str, Role, Vec<usize>);

/// What every operation says of itself.
pub trait Primitive: Debug {
    /// Keras's word for it.
    fn kind(&self) -> &'static str;

    /// The shape it gives for these inputs.
    ///
    /// # Errors
    /// Why it cannot be applied to them.
    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String>;

    /// Its tensors, for inputs that [`Primitive::output`] accepts.
    fn tensors(&self, _inputs: &[Shape]) -> Vec<TensorOf> {
        Vec::new()
    }

    /// Multiply-accumulates for one sample.
    fn multiplications(&self, _inputs: &[Shape], _output: Shape) -> u64 {
        0
    }

    /// What it keeps for the way back, where gradients are wanted.
    fn keeps(&self) -> Kept {
        Kept::INPUTS
    }

    /// Whether it gives the values of its input as they lie in memory.
    fn is_view(&self) -> bool {
        false
    }

    /// What it takes for itself on the CPU while it computes so many samples.
    fn scratch(&self, _samples: usize, _inputs: &[Shape], _passes: Passes) -> Scratch {
        Scratch::default()
    }

    /// Whether what it gives for a sample is random while training, frozen or not.
    fn is_random(&self) -> bool {
        false
    }

    /// Computes it, differentiably; the inputs have the batch axis first.
    ///
    /// # Errors
    /// Inputs of other shapes, or what the device reports.
    fn forward(&self, inputs: &[&Tensor], context: &Context<'_>) -> Result<Tensor>;
}

/// Which of its values an operation keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub inputs: bool,
    pub output: bool,
}

impl Kept {
    pub const NOTHING: Self = Kept {
        inputs: false,
        output: false,
    };
    pub const INPUTS: Self = Kept {
        inputs: true,
        output: false,
    };
    pub const OUTPUT: Self = Kept {
        inputs: false,
        output: true,
    };
    pub const BOTH: Self = Kept {
        inputs: true,
        output: true,
    };
}

macro_rules! operations {
    ($($name:ident),+ $(,)?) => {
        /// A primitive operation.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Op { $($name($name)),+ }

        impl Deref for Op {
            type Target = dyn Primitive;

            fn deref(&self) -> &Self::Target {
                match self { $(Op::$name(op) => op),+ }
            }
        }

        $(impl From<$name> for Op {
            fn from(op: $name) -> Self { Op::$name(op) }
        })+
    };
}

operations!(
    Activation,
    Add,
    Attention,
    AveragePool,
    BatchNorm,
    ClassToken,
    Concatenate,
    Convolution,
    Dense,
    DropPath,
    Dropout,
    Embed,
    Flatten,
    GlobalPool,
    Input,
    LayerNorm,
    LayerScale,
    MaxPool,
    Multiply,
);

/// The only input.
fn one<'a>(inputs: &[&'a Tensor]) -> Result<&'a Tensor> {
    match inputs {
        [x] => Ok(x),
        _ => bail!("an operation of one input has {}", inputs.len()),
    }
}

/// The shape of the only input.
fn one_shape(inputs: &[Shape]) -> std::result::Result<Shape, String> {
    match inputs {
        [shape] => Ok(*shape),
        _ => Err(format!("it takes one input, not {}", inputs.len())),
    }
}

/// The height, width and channels of the only input.
fn one_map(kind: &str, inputs: &[Shape]) -> std::result::Result<[usize; 3], String> {
    match one_shape(inputs)? {
        Shape::Map {
            height,
            width,
            channels,
        } => Ok([height, width, channels]),
        other => Err(format!("a {kind} layer needs a feature map, not {other}")),
    }
}

/// The shape of what pooling gives for its only input.
fn windows(
    kind: &str,
    config: &Pool2dConfig,
    inputs: &[Shape],
) -> std::result::Result<Shape, String> {
    let [height, width, channels] = one_map(kind, inputs)?;
    let input = Shape::Map {
        height,
        width,
        channels,
    };
    let side = |n: usize| config.outputs(n).ok_or_else(|| too_small(kind, input));
    Ok(Shape::Map {
        height: side(height)?,
        width: side(width)?,
        channels,
    })
}

fn too_small(kind: &str, input: Shape) -> String {
    format!("its input {input} is too small for a {kind} layer; raise backbone.input_size")
}

/// A product of sizes, at most what a `u64` holds.
fn product(sizes: &[usize]) -> u64 {
    sizes
        .iter()
        .fold(1, |all, size| all.saturating_mul(*size as u64))
}
