//! A transformer's tokens, and attention between them.

use super::Written;
use crate::export::Error;
use crate::export::onnx::document::Attribute;
use crate::export::onnx::place::{Layout, Place, Value};
use crate::graph::Shape;
use crate::graph::op::{Attention, ClassToken, Embed};

impl Written for Attention {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let qkv = place.input_as(0, Layout::ChannelsLast)?;
        let Shape::Tokens { count, channels } = place.output() else {
            return Err(place.wrong("gives no tokens"));
        };
        let size = channels / self.heads.max(1);
        let [count, channels, heads, size_of_head] =
            [count, channels, self.heads, size].map(|n| n as i64);
        let parts = place.ints("parts", &[channels; 3]);
        let axis = [("axis", Attribute::Int(2))];
        let [q, k, v] = place.steps(["q", "k", "v"], "Split", &[&qkv, &parts], &axis);
        let apart = place.ints("apart", &[0, count, heads, size_of_head]);
        let mut heads_first = |part: &str, x: &str, axes: &[i64]| {
            let x = place.step(&format!("{part}/apart"), "Reshape", &[x, &apart], &[]);
            let axes = [("perm", Attribute::Ints(axes))];
            place.step(&format!("{part}/heads"), "Transpose", &[&x], &axes)
        };
        let q = heads_first("q", &q, &[0, 2, 1, 3]);
        let k = heads_first("k", &k, &[0, 2, 3, 1]);
        let v = heads_first("v", &v, &[0, 2, 1, 3]);
        let scale = place.constant("scale", 1.0 / (size as f64).sqrt());
        let scores = place.step("scores", "MatMul", &[&q, &k], &[]);
        let scaled = place.step("scaled", "Mul", &[&scores, &scale], &[]);
        let last = [("axis", Attribute::Int(-1))];
        let weights = place.step("weights", "Softmax", &[&scaled], &last);
        let mixed = place.step("mixed", "MatMul", &[&weights, &v], &[]);
        let axes = [("perm", Attribute::Ints(&[0, 2, 1, 3]))];
        let tokens = place.step("tokens", "Transpose", &[&mixed], &axes);
        let joined = place.ints("joined", &[0, count, channels]);
        let name = place.last_step("Reshape", &[&tokens, &joined], &[]);
        Ok(Value::last(name))
    }
}

impl Written for Embed {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let map = place.input_as(0, Layout::ChannelsFirst)?;
        let Shape::Tokens { count, channels } = place.output() else {
            return Err(place.wrong("gives no tokens"));
        };
        let (places, channels) = (count.saturating_sub(1) as i64, channels as i64);
        let flat = place.ints("flat", &[0, channels, places]);
        let rows = place.step("rows", "Reshape", &[&map, &flat], &[]);
        let axes = [("perm", Attribute::Ints(&[0, 2, 1]))];
        let tokens = place.step("patches", "Transpose", &[&rows], &axes);
        // The class token, once for each image of the batch.
        let class = place.tensor("/cls_token", |tensor| tensor.shape.clone())?;
        let first = [("start", Attribute::Int(0)), ("end", Attribute::Int(1))];
        let batch = place.step("batch", "Shape", &[&map], &first);
        let rest = place.ints("one_token", &[1, channels]);
        let axis = [("axis", Attribute::Int(0))];
        let shape = place.step("class_shape", "Concat", &[&batch, &rest], &axis);
        let class = place.step("class", "Expand", &[&class, &shape], &[]);
        let axis = [("axis", Attribute::Int(1))];
        let all = place.step("all", "Concat", &[&class, &tokens], &axis);
        let positions = place.tensor("/pos_embed", |tensor| tensor.shape.clone())?;
        Ok(Value::last(place.last_step(
            "Add",
            &[&all, &positions],
            &[],
        )))
    }
}

impl Written for ClassToken {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error> {
        let tokens = place.input_as(0, Layout::ChannelsLast)?;
        let first = place.int("first", 0);
        let axis = [("axis", Attribute::Int(1))];
        let name = place.last_step("Gather", &[&tokens, &first], &axis);
        Ok(Value::last(name))
    }
}
