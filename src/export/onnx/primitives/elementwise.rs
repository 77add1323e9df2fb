//! Functions of single values, sums and factors.

use super::Written;
use crate::export::Error;
use crate::export::onnx::document::Attribute;
use crate::export::onnx::place::{Layout, Place, Value};
use crate::graph::op::{Activation, Add, DropPath, Dropout, Function, LayerScale, Multiply};
use crate::ops;

/// The slope of `relu6(x + 3) / 6`, as ONNX's `HardSigmoid` takes it; its offset is 0.5.
const SIXTH: f64 = 1.0 / 6.0;

impl Written for Activation {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let input = match self.function {
            // Over the channels, which is the last axis here.
            Function::Softmax => Value::last(place.input_as(0, Layout::ChannelsLast)?),
            _ => place.input(0)?,
        };
        let x = input.name.as_str();
        let name = match self.function {
            Function::Tanh => place.last_step("Tanh", &[x], &[]),
            Function::Softmax => place.last_step("Softmax", &[x], &[("axis", Attribute::Int(-1))]),
            Function::Of(function) => smooth(function, place, x),
        };
        Ok(Value::of(name, input.layout))
    }
}

fn smooth(function: ops::Function, place: &mut Place<'_, '_>, x: &str) -> String {
    match function {
        ops::Function::Relu => place.last_step("Relu", &[x], &[]),
        ops::Function::Relu6 => {
            let (low, high) = (place.constant("low", 0.0), place.constant("high", 6.0));
            place.last_step("Clip", &[x, &low, &high], &[])
        }
        ops::Function::Sigmoid => place.last_step("Sigmoid", &[x], &[]),
        ops::Function::Silu => {
            let gate = place.step("sigmoid", "Sigmoid", &[x], &[]);
            place.last_step("Mul", &[x, &gate], &[])
        }
        // Its own operator came with opset 20.
        ops::Function::Gelu => {
            let root = place.constant("root", std::f64::consts::SQRT_2);
            let (one, half) = (place.constant("one", 1.0), place.constant("half", 0.5));
            let scaled = place.step("scaled", "Div", &[x, &root], &[]);
            let erf = place.step("erf", "Erf", &[&scaled], &[]);
            let raised = place.step("raised", "Add", &[&erf, &one], &[]);
            let gated = place.step("gated", "Mul", &[x, &raised], &[]);
            place.last_step("Mul", &[&gated, &half], &[])
        }
        ops::Function::HardSwish => place.last_step("HardSwish", &[x], &[]),
        ops::Function::HardSigmoid => {
            let attributes = [
                ("alpha", Attribute::Float(SIXTH)),
                ("beta", Attribute::Float(0.5)),
            ];
            place.last_step("HardSigmoid", &[x], &attributes)
        }
    }
}

impl Written for Add {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        // As most of a network is, where they differ.
        let layout = match (place.input(0)?.layout, place.input(1)?.layout) {
            (Layout::ChannelsLast, Layout::ChannelsLast) => Layout::ChannelsLast,
            _ => Layout::ChannelsFirst,
        };
        let (a, b) = (place.input_as(0, layout)?, place.input_as(1, layout)?);
        Ok(Value::of(place.last_step("Add", &[&a, &b], &[]), layout))
    }
}

impl Written for Multiply {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let map = place.input_as(0, Layout::ChannelsFirst)?;
        let gate = place.input_as(1, Layout::ChannelsFirst)?;
        Ok(Value::first(place.last_step("Mul", &[&map, &gate], &[])))
    }
}

impl Written for LayerScale {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let input = place.input(0)?;
        let of_map = input.layout == Layout::ChannelsFirst && place.is_map()?;
        let factors = place.tensor("gamma", |tensor| match of_map {
            true => vec![tensor.data.len(), 1, 1],
            false => vec![tensor.data.len()],
        })?;
        let name = place.last_step("Mul", &[&input.name, &factors], &[]);
        Ok(Value::of(name, input.layout))
    }
}

/// While it does not train, nothing.
impl Written for Dropout {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        place.input(0)
    }
}

/// While it does not train, nothing.
impl Written for DropPath {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        place.input(0)
    }
}
