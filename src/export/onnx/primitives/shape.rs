//! What only arranges values.

use super::Written;
use crate::export::Error;
use crate::export::onnx::document::Attribute;
use crate::export::onnx::place::{Layout, Place, Value};
use crate::graph::op::{Concatenate, Flatten, Input};

impl Written for Concatenate {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let inputs = (0..place.input_count()).map(|n| place.input_as(n, Layout::ChannelsFirst));
        let inputs: Vec<String> = inputs.collect::<Result<_, _>>()?;
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let axis = [("axis", Attribute::Int(1))];
        Ok(Value::first(place.last_step("Concat", &inputs, &axis)))
    }
}

/// Channels first, as the weights of what follows have it.
impl Written for Flatten {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let x = place.input_as(0, Layout::ChannelsFirst)?;
        if place.is_vector()? {
            return place.input(0);
        }
        let axis = [("axis", Attribute::Int(1))];
        Ok(Value::last(place.last_step("Flatten", &[&x], &axis)))
    }
}

impl Written for Input {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        Err(place.wrong("gives images, and they come first"))
    }
}
