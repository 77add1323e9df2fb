//! Keras's files: HDF5 with the model's description (`.h5`), and an archive of both (`.keras`).

use std::collections::HashMap;
use std::io::{Cursor, Write};

use hdf5_pure::{AttrValue, FileBuilder};
use serde_json::{Value, json};
use zip::write::{SimpleFileOptions, ZipWriter};

use super::place::Layer;

/// The version of Keras whose format this is.
const KERAS: &str = "3.15.1";

/// The bytes of a `.h5`, as Keras's `legacy_h5_format.py` has it.
///
/// # Errors
/// What HDF5 cannot hold.
pub fn h5(config: &Value, layers: &[Layer]) -> Result<Vec<u8>, String> {
    let text = |text: &str| AttrValue::VarLenString(text.to_owned());
    let mut file = FileBuilder::new();
    let config = json!({ "class_name": "Functional", "config": config });
    file.set_attr("model_config", text(&config.to_string()));
    file.set_attr("keras_version", text(KERAS));
    file.set_attr("backend", text("tensorflow"));
    let mut weights = file.create_group("model_weights");
    weights.set_attr("keras_version", text(KERAS));
    weights.set_attr("backend", text("tensorflow"));
    let names = layers.iter().map(|layer| layer.name.clone());
    weights.set_attr("layer_names", AttrValue::VarLenStringArray(names.collect()));
    for layer in layers {
        let mut group = weights.create_group(&layer.name);
        let names = layer.arrays.iter().map(|array| array.name.to_owned());
        let names: Vec<String> = names.collect();
        group.set_attr(
            "weight_names",
            match names.is_empty() {
                true => AttrValue::F64Array(Vec::new()),
                false => AttrValue::VarLenStringArray(names),
            },
        );
        for array in &layer.arrays {
            let shape: Vec<u64> = array.shape.iter().map(|n| *n as u64).collect();
            let dataset = group.create_dataset(array.name);
            dataset.with_f32_data(&array.values).with_shape(&shape);
        }
        weights.add_group(group.finish());
    }
    file.add_group(weights.finish());
    file.finish().map_err(|error| error.to_string())
}

/// The bytes of a `.keras`, as Keras's `saving_lib.py` has it.
///
/// # Errors
/// What HDF5 cannot hold.
pub fn archive(config: &Value, layers: &[Layer]) -> Result<Vec<u8>, String> {
    let model = json!({
        "module": "keras.src.models.functional", "class_name": "Functional", "config": config,
        "registered_name": "Functional",
    });
    // The same model gives the same bytes.
    let about = json!({ "keras_version": KERAS, "date_saved": "1970-01-01@00:00:00" });
    let files = [
        ("metadata.json", about.to_string().into_bytes()),
        ("config.json", model.to_string().into_bytes()),
        ("model.weights.h5", numbered(layers)?),
    ];
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in files {
        archive
            .start_file(name, stored)
            .map_err(|error| error.to_string())?;
        archive
            .write_all(&bytes)
            .map_err(|error| error.to_string())?;
    }
    let archive = archive.finish().map_err(|error| error.to_string())?;
    Ok(archive.into_inner())
}

/// Weights by the layers' classes, numbered.
fn numbered(layers: &[Layer]) -> Result<Vec<u8>, String> {
    let mut file = FileBuilder::new();
    let mut all = file.create_group("layers");
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for layer in layers.iter().filter(|layer| !layer.arrays.is_empty()) {
        let count = counts.entry(layer.class.group).or_insert(0);
        let name = match *count {
            0 => layer.class.group.to_owned(),
            n => format!("{}_{n}", layer.class.group),
        };
        *count += 1;
        let mut group = all.create_group(&name);
        let mut vars = group.create_group("vars");
        vars.set_attr("name", AttrValue::VarLenString(layer.name.clone()));
        for (n, array) in layer.arrays.iter().enumerate() {
            let shape: Vec<u64> = array.shape.iter().map(|n| *n as u64).collect();
            let dataset = vars.create_dataset(&n.to_string());
            dataset.with_f32_data(&array.values).with_shape(&shape);
        }
        group.add_group(vars.finish());
        all.add_group(group.finish());
    }
    file.add_group(all.finish());
    let vars = file.create_group("vars");
    file.add_group(vars.finish());
    file.finish().map_err(|error| error.to_string())
}
