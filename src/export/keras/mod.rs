//! Keras: a functional model of Keras's own layers, in `.keras` or `.h5`.

mod order;
mod place;
mod primitives;
mod store;

use std::path::Path;

use serde_json::{Map, Value, json};

use super::Error;
use crate::atomic::write_atomically;
use crate::inference::Model;
use crate::spec::Activation;
use place::{Class, Layer, Place, Sheet};
use primitives::layered;

const IMAGES: &str = "images";
const PROBABILITIES: &str = "probabilities";

/// Which file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// `.keras`
    Archive,
    /// `.h5`
    Hdf5,
}

/// Writes a model that `keras.models.load_model` opens in Keras 3, without custom objects.
///
/// It takes float32 images `[batch, height, width, 3]`, normalized, and gives probabilities. Its layers have the names of
/// the network's nodes, with `_` for dots, and are trainable where they were; it is not compiled.
///
/// # Errors
/// A network that Keras's own layers cannot express, which transformers are; a file that cannot be written.
pub fn write(model: &Model, container: Container, path: &Path) -> Result<(), Error> {
    let layers = layers(model)?;
    let inputs: Vec<Vec<usize>> = layers.iter().map(|layer| layer.inputs.clone()).collect();
    let config = config(model, &layers);
    let ordered: Vec<Layer> = order::order(&inputs)
        .into_iter()
        .filter_map(|layer| layers.get(layer).cloned())
        .collect();
    let bytes = match container {
        Container::Archive => store::archive(&config, &ordered),
        Container::Hdf5 => store::h5(&config, &ordered),
    };
    let bytes = bytes.map_err(Error::Inexpressible)?;
    write_atomically(path, &bytes).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}

/// The model's layers, each after those whose values it takes.
fn layers(model: &Model) -> Result<Vec<Layer>, Error> {
    let blueprint = &model.network.blueprint;
    let graph = &blueprint.graph;
    let trains = |name: &str| {
        let mut parameters = graph.parameters();
        parameters.any(|(_, p)| p.name == name && blueprint.cut.trains(p))
    };
    let mut sheet = Sheet::new(graph, model.network.weights()?, Box::new(trains));
    for (index, node) in graph.nodes().iter().enumerate() {
        let layer = match index {
            0 => {
                sheet.layers.push(input(&node.output.dims()));
                0
            }
            _ => layered(&node.op).write(&mut Place::new(&mut sheet, node))?,
        };
        sheet.set(index, layer);
    }
    let last = sheet.value(graph.nodes().len().saturating_sub(1))?;
    // As `runner predict` has it.
    let activation = match blueprint.output {
        Activation::Sigmoid => "sigmoid",
        Activation::Linear | Activation::Relu | Activation::Tanh | Activation::Softmax => "softmax",
    };
    let is_end = last + 1 == sheet.layers.len();
    let ends = |layer: &mut Layer| is_end && layer.activate(activation);
    if !sheet.layers.get_mut(last).is_some_and(ends) {
        let options = Map::from_iter([("activation".to_owned(), activation.into())]);
        sheet.layers.push(Layer {
            name: sheet.name(PROBABILITIES),
            class: Class::new("Activation", ""),
            options,
            inputs: vec![last],
            output: vec![model.classes.len()],
            trainable: true,
            arrays: Vec::new(),
            module: PROBABILITIES.into(),
        });
    }
    Ok(sheet.layers)
}

fn input(shape: &[usize]) -> Layer {
    let options = json!({ "batch_shape": batch(shape) });
    Layer {
        name: IMAGES.into(),
        class: Class::new("InputLayer", ""),
        options: options.as_object().cloned().unwrap_or_default(),
        inputs: Vec::new(),
        output: shape.to_vec(),
        trainable: true,
        arrays: Vec::new(),
        module: IMAGES.into(),
    }
}

/// A shape with the axis of images, which is of any length.
fn batch(shape: &[usize]) -> Value {
    let lengths = shape.iter().map(|n| Value::from(*n));
    std::iter::once(Value::Null).chain(lengths).collect()
}

/// The description of the model that `Functional.from_config` takes.
fn config(model: &Model, layers: &[Layer]) -> Value {
    let value = |layer: &usize| {
        let layer = layers.get(*layer);
        json!({
            "class_name": "__keras_tensor__",
            "config": {
                "shape": batch(layer.map_or(&[], |layer| &layer.output)),
                "dtype": "float32",
                "keras_history": [layer.map_or("", |layer| &layer.name), 0, 0],
            },
        })
    };
    let described = |layer: &Layer| {
        let mut config = layer.options.clone();
        config.insert("name".into(), layer.name.clone().into());
        config.insert("dtype".into(), "float32".into());
        if !layer.inputs.is_empty() {
            config.insert("trainable".into(), layer.trainable.into());
        }
        let arguments = match layer.inputs.as_slice() {
            [] => None,
            [one] => Some(json!([value(one)])),
            several => Some(json!([several.iter().map(value).collect::<Vec<_>>()])),
        };
        let calls = arguments.map(|args| json!({ "args": args, "kwargs": {} }));
        json!({
            "module": "keras.layers",
            "class_name": layer.class.name,
            "config": config,
            "registered_name": null,
            "name": layer.name,
            "inbound_nodes": calls.into_iter().collect::<Vec<_>>(),
        })
    };
    let last = layers.last().map_or("", |layer| &layer.name);
    json!({
        "name": model.spec.backbone.arch.as_str(),
        "trainable": true,
        "layers": layers.iter().map(described).collect::<Vec<_>>(),
        "input_layers": [IMAGES, 0, 0],
        "output_layers": [last, 0, 0],
    })
}
