//! A folder that `timm.create_model("local-dir:FOLDER", pretrained=True)` opens: `config.json` and `model.safetensors`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::Error;
use crate::atomic::write_atomically;
use crate::data::{ChannelOrder, Fit, Resizing};
use crate::graph::{Node, Op, Role};
use crate::inference::Model;
use crate::model::Blueprint;
use crate::model::weights::{self, HostTensor, Weights};

/// The side of the map that timm's VGG has its dense layers on, in `timm/models/vgg.py`.
const DENSE_ON: usize = 7;

/// Writes the folder, which is made where it is not there.
///
/// Tensors have the names and shapes of timm 1.0.31's `state_dict`. `config.json` names the architecture, the classes
/// (`label_names`) and how images are prepared, as nearly as timm can say it.
///
/// # Errors
/// A network that timm does not build; files that cannot be written.
pub fn write(model: &Model, folder: &Path) -> Result<(), Error> {
    let blueprint = &model.network.blueprint;
    let refused = |why: String| {
        let arch = model.spec.backbone.arch;
        Error::Inexpressible(format!("timm does not build this {arch}: {why}"))
    };
    let classifier = classifier(model).map_err(refused)?;
    let mut tensors = Weights::new();
    for (name, tensor) in model.network.weights()? {
        let (name, tensor) = as_timms(model, &classifier, name, tensor).map_err(refused)?;
        tensors.insert(name, tensor);
    }
    let config = config(model, blueprint).map_err(refused)?;
    let unwritten = |path: &Path| {
        let path: PathBuf = path.to_owned();
        |source| Error::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(unwritten(folder))?;
    let about = [("format".to_owned(), "pt".to_owned())].into();
    weights::save(&folder.join("model.safetensors"), &tensors, &about)?;
    let path = folder.join("config.json");
    let text = format!("{config:#}\n");
    write_atomically(&path, text.as_bytes()).map_err(unwritten(&path))
}

/// The name of the layer that stands in the place of the family's own classifier.
fn classifier(model: &Model) -> Result<String, String> {
    let spec = &model.spec;
    let blueprint = &model.network.blueprint;
    let family = spec.backbone.arch.family;
    if !family.is_timms() {
        return Err("it has no such architecture".into());
    }
    if spec.backbone.include_top {
        return Ok(family.classifier().to_owned());
    }
    let pools = spec
        .head
        .iter()
        .any(|layer| layer.role() == crate::spec::Role::Pooling);
    let head = blueprint
        .graph
        .nodes()
        .get(blueprint.backbone..)
        .unwrap_or_default();
    let mut layers = head
        .iter()
        .filter(|node| !matches!(node.op, Op::Dropout(_)));
    match (pools, layers.next(), layers.next()) {
        (true, Some(Node { name, op: Op::Dense(_), .. }), None) => Ok(name.clone()),
        _ => Err(
            "it ends in one dense layer on the architecture's own pooling, [[head]] layer = \"pool\" and then \
             layer = \"dense\"; --format onnx takes every head"
                .into(),
        ),
    }
}

/// A tensor under timm's name and in its shape.
fn as_timms(
    model: &Model,
    classifier: &str,
    name: String,
    tensor: HostTensor,
) -> Result<(String, HostTensor), String> {
    let arch = model.spec.backbone.arch;
    let blueprint = &model.network.blueprint;
    let rest = name
        .strip_prefix(classifier)
        .filter(|rest| rest.starts_with('.'));
    let ours = match rest {
        Some(rest) => format!("{}{rest}", arch.family.classifier()),
        None => name.clone(),
    };
    let theirs = weights::timms_name(arch, &ours).unwrap_or(ours);
    let owner = blueprint
        .graph
        .parameters()
        .find(|(_, parameter)| parameter.name == name);
    let Some((node, parameter)) = owner else {
        return Ok((theirs, tensor));
    };
    let node = blueprint.graph.nodes().get(node);
    let is_hidden =
        rest.is_none() && matches!(node.map(|node| &node.op), Some(Op::Dense(op)) if !op.each);
    match (is_hidden, parameter.role, parameter.extent.as_slice()) {
        // Between the maps and the classifier, timm has convolutions.
        (true, Role::Kernel { .. }, &[h, w, i, o]) => {
            if h > 1 && (h, w) != (DENSE_ON, DENSE_ON) || h == 1 && i != o {
                return Err(format!(
                    "its dense layers stand on maps of {DENSE_ON}×{DENSE_ON}, these on {h}×{w}; set backbone.input_size = {}",
                    arch.input_size
                ));
            }
            let shape = vec![o, i, h, w];
            Ok((theirs, HostTensor { shape, ..tensor }))
        }
        _ => Ok((theirs, tensor)),
    }
}

fn config(model: &Model, blueprint: &Blueprint) -> Result<Value, String> {
    let formula = &model.normalizer;
    if formula.order != ChannelOrder::Rgb {
        return Err(
            "it takes RGB images, and these were BGR (normalization.scheme = \"caffe\")".into(),
        );
    }
    let arch = model.spec.backbone.arch;
    let size = model.spec.backbone.input_size;
    let classes = model.classes.len();
    let unit = |values: [f64; 3]| values.map(|value| value / 255.0);
    let (crop_pct, crop_mode) = crop(&model.resizing);
    let mut args = Map::new();
    let mut parameters = blueprint.graph.parameters();
    if parameters.any(|(_, parameter)| matches!(parameter.role, Role::Positions { .. })) {
        args.insert("img_size".into(), json!(size));
    }
    Ok(json!({
        "architecture": arch.as_str(),
        "num_classes": classes,
        "label_names": model.classes,
        "model_args": args,
        "pretrained_cfg": {
            "num_classes": classes,
            "input_size": [3, size.height, size.width],
            "mean": unit(formula.mean),
            "std": unit(formula.std),
            "interpolation": model.resizing.interpolation.as_str(),
            "crop_pct": crop_pct,
            "crop_mode": crop_mode,
            "classifier": timms_classifier(model),
        },
    }))
}

fn timms_classifier(model: &Model) -> String {
    let arch = model.spec.backbone.arch;
    let of = arch.family.classifier();
    let weight = weights::timms_name(arch, &format!("{of}.weight"));
    let name = weight
        .as_deref()
        .and_then(|name| name.strip_suffix(".weight"));
    name.unwrap_or(of).to_owned()
}

/// timm's words for how an image becomes a square; it brings the shorter side to `floor(size / crop_pct)`.
fn crop(resizing: &Resizing) -> (f64, &'static str) {
    let size = resizing.size.shorter() as f64;
    match resizing.fit {
        Fit::Squash => (1.0, "squash"),
        Fit::Pad => (1.0, "border"),
        Fit::Crop { shorter } => {
            let exact = size / shorter as f64;
            let is_exact = (size / exact).floor() as usize == shorter;
            let crop = if is_exact {
                exact
            } else {
                size / (shorter as f64 + 0.5)
            };
            (crop, "center")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Interpolation;

    // timm/data/transforms_factory.py, transforms_imagenet_eval: scale_size = math.floor(img_size / crop_pct)
    #[test]
    fn timm_brings_the_shorter_side_to_what_it_was() {
        for size in 16..300 {
            for shorter in size..size + 60 {
                let resizing = Resizing {
                    fit: Fit::Crop { shorter },
                    interpolation: Interpolation::Bilinear,
                    ..Resizing::squash(size)
                };
                let (crop_pct, _) = crop(&resizing);
                assert_eq!((size as f64 / crop_pct).floor() as usize, shorter);
            }
        }
    }
}
