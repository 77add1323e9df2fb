//! Joining channels.

use candle_core::{Result, Tensor, bail};

use super::{Kept, Primitive};
use crate::graph::{Context, Shape};
use crate::ops;

/// Maps of the same size, their channels one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Concatenate;

impl Primitive for Concatenate {
    fn kind(&self) -> &'static str {
        "Concatenate"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        let different = || format!("its inputs differ in size: {inputs:?}");
        let mut joined: Option<[usize; 3]> = None;
        for input in inputs {
            let Shape::Map {
                height,
                width,
                channels,
            } = *input
            else {
                return Err(format!("it joins feature maps, not {input}"));
            };
            let [h, w, before] = joined.unwrap_or([height, width, 0]);
            if (h, w) != (height, width) {
                return Err(different());
            }
            let channels = before.checked_add(channels).ok_or_else(different)?;
            joined = Some([height, width, channels]);
        }
        let [height, width, channels] = joined.ok_or("it joins nothing")?;
        Ok(Shape::Map {
            height,
            width,
            channels,
        })
    }

    fn keeps(&self) -> Kept {
        Kept::NOTHING
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        match inputs {
            [only] => Ok((*only).clone()),
            [a, b] => ops::concat(a, b),
            _ => bail!("{} inputs are to be joined, and two can be", inputs.len()),
        }
    }
}
