//! Windows of maps, and whole maps.

use super::Written;
use crate::export::Error;
use crate::export::onnx::document::Attribute;
use crate::export::onnx::place::{Layout, Place, Value};
use crate::graph::op::{AveragePool, GlobalPool, MaxPool};
use crate::ops::Pool2dConfig;

/// Attributes of the windows. What hangs over the edge is said as padding, since runtimes differ in what `ceil_mode` means.
fn windows(
    place: &mut Place<'_, '_>,
    operator: &str,
    config: &Pool2dConfig,
    more: &[(&str, Attribute<'_>)],
) -> Result<Value, Error> {
    let x = place.input_as(0, Layout::ChannelsFirst)?;
    let ([h, w], [ho, wo]) = (place.input_sides()?, place.output_sides()?);
    let after = |size: usize, outputs: usize| {
        let seen = outputs.saturating_sub(1) * config.stride + config.kernel;
        seen.saturating_sub(size + config.padding) as i64
    };
    let [kernel, stride, before] = [config.kernel, config.stride, config.padding].map(|n| n as i64);
    let pads = [before, before, after(h, ho), after(w, wo)];
    let (kernels, strides) = ([kernel; 2], [stride; 2]);
    let mut attributes = vec![
        ("kernel_shape", Attribute::Ints(&kernels)),
        ("strides", Attribute::Ints(&strides)),
        ("pads", Attribute::Ints(&pads)),
    ];
    attributes.extend_from_slice(more);
    Ok(Value::first(place.last_step(operator, &[&x], &attributes)))
}

impl Written for MaxPool {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        windows(place, "MaxPool", &self.0, &[])
    }
}

impl Written for AveragePool {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let inside = [("count_include_pad", Attribute::Int(0))];
        windows(place, "AveragePool", &self.0, &inside)
    }
}

impl Written for GlobalPool {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let x = place.input_as(0, Layout::ChannelsFirst)?;
        if self.keep {
            let name = place.last_step("GlobalAveragePool", &[&x], &[]);
            return Ok(Value::first(name));
        }
        let map = place.step("means", "GlobalAveragePool", &[&x], &[]);
        let axis = [("axis", Attribute::Int(1))];
        Ok(Value::last(place.last_step("Flatten", &[&map], &axis)))
    }
}
