//! Batch and layer normalization.

use super::Written;
use crate::export::Error;
use crate::export::onnx::document::Attribute;
use crate::export::onnx::place::{Layout, Place, Value};
use crate::graph::op::{BatchNorm, LayerNorm};

impl Written for BatchNorm {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        if place.is_folded() {
            return place.input(0);
        }
        let x = place.input_as(0, Layout::ChannelsFirst)?;
        let mut tensor = |suffix| place.tensor(suffix, |tensor| vec![tensor.data.len()]);
        let (gamma, beta) = (tensor("weight")?, tensor("bias")?);
        let (mean, variance) = (tensor("running_mean")?, tensor("running_var")?);
        let inputs = [&x, &gamma, &beta, &mean, &variance].map(String::as_str);
        let epsilon = [("epsilon", Attribute::Float(self.epsilon))];
        let name = place.last_step("BatchNormalization", &inputs, &epsilon);
        Ok(Value::first(name))
    }
}

impl Written for LayerNorm {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let x = place.input_as(0, Layout::ChannelsLast)?;
        let mut tensor = |suffix| place.tensor(suffix, |tensor| tensor.shape.clone());
        let (gamma, beta) = (tensor("weight")?, tensor("bias")?);
        let attributes = [
            ("axis", Attribute::Int(-1)),
            ("epsilon", Attribute::Float(self.epsilon)),
        ];
        let inputs = [&x, &gamma, &beta].map(String::as_str);
        let name = place.last_step("LayerNormalization", &inputs, &attributes);
        Ok(Value::last(name))
    }
}
