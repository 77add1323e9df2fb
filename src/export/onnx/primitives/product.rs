//! Convolutions and dense layers.

use super::Written;
use crate::export::Error;
use crate::export::onnx::document::Attribute;
use crate::export::onnx::place::{Layout, Place, Value};
use crate::graph::op::{Convolution, Dense};
use crate::model::weights::HostTensor;

/// A kernel `[out, …]` and a bias, with the batch normalization that is to become part of them.
fn kernel_and_bias(
    place: &mut Place<'_, '_>,
    has_bias: bool,
) -> Result<(HostTensor, Option<Vec<f32>>), Error> {
    let mut kernel = place.take("weight")?;
    let bias = has_bias.then(|| place.take("bias")).transpose()?;
    let mut bias = bias.map(|bias| bias.data);
    if let Some(of) = place.absorb_batch_norm()? {
        let filters = of.scale.len().max(1);
        let of_filter = (kernel.data.len() / filters).max(1);
        for (values, scale) in kernel.data.chunks_mut(of_filter).zip(&of.scale) {
            values.iter_mut().for_each(|value| *value *= scale);
        }
        let mut moved = bias.unwrap_or_else(|| vec![0.0; filters]);
        for ((bias, scale), shift) in moved.iter_mut().zip(&of.scale).zip(&of.shift) {
            *bias = *bias * scale + shift;
        }
        bias = Some(moved);
    }
    Ok((kernel, bias))
}

impl Written for Convolution {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let x = place.input_as(0, Layout::ChannelsFirst)?;
        let sides = place.input_sides()?;
        let along = |size| self.padding.along(size, self.size, self.stride);
        let [Some((top, ho)), Some((left, wo))] = sides.map(along) else {
            return Err(place.wrong("has a kernel that is larger than its input"));
        };
        let after = |size: usize, before: usize, outputs: usize| {
            let seen = outputs.saturating_sub(1) * self.stride + self.size;
            seen.saturating_sub(size + before)
        };
        let [h, w] = sides;
        let pads = [top, left, after(h, top, ho), after(w, left, wo)].map(|n| n as i64);
        let (kernel, bias) = kernel_and_bias(place, self.bias)?;
        let kernel = place.put("weight", &kernel.shape, kernel.data);
        let bias = bias.map(|bias| place.put("bias", &[bias.len()], bias));
        let mut inputs = vec![x.as_str(), &kernel];
        inputs.extend(bias.as_deref());
        let [size, stride, groups] = [self.size, self.stride, self.groups].map(|n| n as i64);
        let attributes = [
            ("kernel_shape", Attribute::Ints(&[size; 2])),
            ("strides", Attribute::Ints(&[stride; 2])),
            ("pads", Attribute::Ints(&pads)),
            ("group", Attribute::Int(groups)),
        ];
        Ok(Value::first(place.last_step("Conv", &inputs, &attributes)))
    }
}

impl Written for Dense {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let x = place.input_as(0, Layout::ChannelsLast)?;
        let (kernel, bias) = kernel_and_bias(place, true)?;
        let bias = bias.unwrap_or_default();
        if !self.each || place.is_vector()? {
            let kernel = place.put("weight", &kernel.shape, kernel.data);
            let bias = place.put("bias", &[bias.len()], bias);
            let attributes = [("transB", Attribute::Int(1))];
            let name = place.last_step("Gemm", &[&x, &kernel, &bias], &attributes);
            return Ok(Value::last(name));
        }
        let transposed = transposed(&kernel.data, self.units);
        let inputs = transposed.len() / self.units.max(1);
        let kernel = place.put("weight", &[inputs, self.units], transposed);
        let bias = place.put("bias", &[bias.len()], bias);
        let product = place.step("product", "MatMul", &[&x, &kernel], &[]);
        Ok(Value::last(place.last_step("Add", &[&product, &bias], &[])))
    }
}

/// `[rows, columns]` as `[columns, rows]`.
fn transposed(values: &[f32], rows: usize) -> Vec<f32> {
    let columns = values.len() / rows.max(1);
    let column = |i: usize| values.iter().skip(i).step_by(columns.max(1)).copied();
    (0..columns).flat_map(column).collect()
}
