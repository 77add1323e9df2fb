//! ONNX: a fold over the graph, in which each primitive says how it is written.

mod document;
mod fold;
mod messages;
mod place;
mod primitives;

use std::io::Write;
use std::path::Path;

use super::Error;
use crate::atomic::NewFile;
use crate::claim::Token;
use crate::data::{ChannelOrder, Normalizer};
use crate::inference::Model;
use crate::spec::Activation;
use document::{Attribute, Document, MOST};
use messages::{
    Dimension, DimensionMessage, EntryMessage, FLOAT, ModelMessage, OperatorSetMessage,
    ShapeMessage, TensorTypeMessage, TypeMessage, UINT8, ValueMessage,
};
use place::{Sheet, Value};

/// The version of ONNX's operators: the first with `LayerNormalization`.
const OPSET: i64 = 17;
/// The version of the format that came with it.
const IR_VERSION: i64 = 8;
/// The name of the axis of images, which is of any length.
const BATCH: &str = "batch";
const IMAGES: &str = "images";
const PROBABILITIES: &str = "probabilities";

/// What of a model is written, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether it takes the bytes of RGB images and normalizes them itself.
    pub with_preprocessing: bool,
    /// Whether batch normalization becomes part of the convolution or dense layer before it.
    pub fold_batch_norm: bool,
}

/// What was written, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// `images: float32 [batch, 3, 224, 224]`
    pub input: String,
    pub output: String,
    pub opset: i64,
    /// Of the file.
    pub bytes: u64,
}

/// Writes a model to a file, which is there whole or not at all.
///
/// It takes `images`, float32 `[batch, 3, height, width]` normalized as its metadata say, or uint8
/// `[batch, height, width, 3]` where it normalizes them itself. It gives `probabilities`, float32 `[batch, classes]`.
/// Its `metadata_props` have the `classes`, the `normalization`, how images are brought to its size (`resize`) and the
/// `architecture`, the first three in JSON.
///
/// # Errors
/// A model that is too large for ONNX; a file that cannot be written.
pub fn write(model: &Model, options: Options, path: &Path) -> Result<Written, Error> {
    let blueprint = &model.network.blueprint;
    let graph = &blueprint.graph;
    let weights = model.network.weights()?;
    let mut sheet = Sheet::new(graph, weights, options.fold_batch_norm);
    let size = model.spec.backbone.input_size;
    let (height, width) = (size.height as i64, size.width as i64);
    let document = &mut sheet.document;
    let input = document.name(IMAGES);
    let output = document.name(PROBABILITIES);
    let (images, input_type) = match options.with_preprocessing {
        true => {
            let normalized = normalized(document, &input, &model.normalizer);
            (normalized, (UINT8, vec![height, width, 3]))
        }
        false => (Value::first(input.clone()), (FLOAT, vec![3, height, width])),
    };
    let logits = fold::write(&mut sheet, images)?;
    let document = &mut sheet.document;
    // As `runner predict` has it.
    match blueprint.output {
        Activation::Sigmoid => document.node_of(&[&output], "Sigmoid", &[&logits], &[]),
        Activation::Linear | Activation::Relu | Activation::Tanh | Activation::Softmax => {
            let axis = [("axis", Attribute::Int(-1))];
            document.node_of(&[&output], "Softmax", &[&logits], &axis);
        }
    }
    let classes = model.classes.len() as i64;
    document.graph.name = model.spec.backbone.arch.to_string();
    document.graph.input = vec![value(&input, input_type.0, &input_type.1)];
    document.graph.output = vec![value(&output, FLOAT, &[classes])];
    let about = about(model)?;
    let bytes = document.length(&about);
    if bytes > MOST {
        return Err(Error::TooLarge(bytes));
    }
    let save = || {
        let mut file = NewFile::create(path, &Token::unclaimed())?;
        document.write(&about, &mut file)?;
        file.flush()?;
        file.commit(path)
    };
    save().map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })?;
    let [input, output] = [(input, input_type), (output, (FLOAT, vec![classes]))].map(described);
    Ok(Written {
        input,
        output,
        opset: OPSET,
        bytes,
    })
}

/// Bytes of RGB images, `(x - mean) / std` of them.
fn normalized(document: &mut Document, images: &str, normalizer: &Normalizer) -> Value {
    let mut images = images.to_owned();
    let name = |part: &str| format!("{IMAGES}/{part}");
    if normalizer.order != ChannelOrder::Rgb {
        let sources = normalizer.order.sources().map(|channel| channel as i64);
        let sources = document.ints(&name("order"), &sources);
        let axis = [("axis", Attribute::Int(-1))];
        images = document.node(&name("ordered"), "Gather", &[&images, &sources], &axis);
    }
    let to = [("to", Attribute::Int(i64::from(FLOAT)))];
    let values = document.node(&name("values"), "Cast", &[&images], &to);
    let mut channels = |part: &str, values: [f64; 3]| {
        document.floats(&name(part), &[3], values.map(|v| v as f32).to_vec())
    };
    let (mean, std) = (
        channels("mean", normalizer.mean),
        channels("std", normalizer.std),
    );
    let centred = document.node(&name("centred"), "Sub", &[&values, &mean], &[]);
    Value::last(document.node(&name("normalized"), "Div", &[&centred, &std], &[]))
}

/// A tensor of so many images.
fn value(name: &str, elem_type: i32, of_one: &[i64]) -> ValueMessage {
    let batch = Dimension::Name(BATCH.into());
    let lengths = of_one.iter().map(|n| Dimension::Value(*n));
    let dim = std::iter::once(batch).chain(lengths);
    let dim = dim.map(|value| DimensionMessage { value: Some(value) });
    let shape = ShapeMessage { dim: dim.collect() };
    let tensor_type = TensorTypeMessage {
        elem_type,
        shape: Some(shape),
    };
    ValueMessage {
        name: name.to_owned(),
        r#type: Some(TypeMessage {
            tensor_type: Some(tensor_type),
        }),
    }
}

fn described((name, (elem_type, of_one)): (String, (i32, Vec<i64>))) -> String {
    let kind = if elem_type == UINT8 {
        "uint8"
    } else {
        "float32"
    };
    let lengths: Vec<String> = of_one.iter().map(ToString::to_string).collect();
    format!("{name}: {kind} [{BATCH}, {}]", lengths.join(", "))
}

/// The model but its graph.
fn about(model: &Model) -> Result<ModelMessage, Error> {
    let json = |value: serde_json::Result<String>| {
        value.map_err(|error| Error::Inexpressible(format!("its metadata: {error}")))
    };
    let entries = [
        ("architecture", model.spec.backbone.arch.to_string()),
        ("classes", json(serde_json::to_string(&model.classes))?),
        (
            "normalization",
            json(serde_json::to_string(&model.normalizer))?,
        ),
        ("resize", json(serde_json::to_string(&model.resizing))?),
    ];
    let entry = |(key, value): (&str, String)| EntryMessage {
        key: key.into(),
        value,
    };
    Ok(ModelMessage {
        ir_version: IR_VERSION,
        producer_name: env!("CARGO_PKG_NAME").into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        opset_import: vec![OperatorSetMessage {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: entries.map(entry).into(),
    })
}
