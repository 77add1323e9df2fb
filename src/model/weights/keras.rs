//! Keras's HDF5 files of weights as safetensors.

use std::collections::BTreeMap;
use std::path::Path;

use hdf5_pure::{AttrValue, Dataset, File, Group};

use super::{HostTensor, save};
use crate::graph::{Distribution, Parameter, Role, to_file};

/// Writes the tensors of a Keras file under its layers' names and in PyTorch's layouts: `block1_conv1.weight`.
///
/// The first dense layer after convolutions takes a flattened map, channels last in Keras and first in PyTorch.
///
/// # Errors
/// What is wrong with it.
pub fn convert(from: &Path, to: &Path) -> Result<(), String> {
    let file = File::open(from).map_err(|error| error.to_string())?;
    let root = file.root();
    let mut tensors = BTreeMap::new();
    let mut channels = None;
    for layer in names(&root, "layer_names")? {
        let wrong = |error| format!("layer {layer}: {error}");
        let group = root.group(&layer).map_err(wrong)?;
        for array in names(&group, "weight_names")? {
            let dataset = group.dataset(&array).map_err(wrong)?;
            let (part, tensor) = tensor(&dataset, &mut channels)
                .map_err(|why| format!("layer {layer}, {array}: {why}"))?;
            let name = format!("{}.{part}", layer.replace('/', "."));
            if tensors.insert(name.clone(), tensor).is_some() {
                return Err(format!("it has two tensors for {name}"));
            }
        }
    }
    if tensors.is_empty() {
        return Err("it has no layers with weights".into());
    }
    save(to, &tensors, &BTreeMap::new()).map_err(|error| error.to_string())
}

/// A list of names beside a group; Keras writes an empty one as numbers.
fn names(group: &Group, key: &str) -> Result<Vec<String>, String> {
    let mut attributes = group.attrs().map_err(|error| error.to_string())?;
    match attributes.remove(key) {
        Some(
            AttrValue::StringArray(names)
            | AttrValue::AsciiStringArray(names)
            | AttrValue::VarLenStringArray(names)
            | AttrValue::VarLenAsciiStringArray(names),
        ) => Ok(names),
        Some(
            AttrValue::StringArraySized { values, .. }
            | AttrValue::AsciiStringArraySized { values, .. },
        ) => Ok(values),
        Some(_) => Ok(Vec::new()),
        None => Err(format!("it is no Keras file of weights: it has no {key}")),
    }
}

/// What an array is to its layer, in PyTorch's layout; `channels` are those of the last convolution, as long as no dense
/// layer followed.
fn tensor(
    dataset: &Dataset,
    channels: &mut Option<usize>,
) -> Result<(&'static str, HostTensor), String> {
    let shape = dataset.shape().map_err(|error| error.to_string())?;
    let values = dataset.read_f32().map_err(|error| error.to_string())?;
    let sizes: Result<Vec<usize>, _> = shape.iter().map(|n| usize::try_from(*n)).collect();
    let shape = sizes.map_err(|error| error.to_string())?;
    let (part, role, extent) = match shape.as_slice() {
        [n] => ("bias", Role::Bias, vec![*n]),
        [_, _, _, o] => {
            *channels = Some(*o);
            ("weight", Role::Kernel { dense: false }, shape)
        }
        [i, o] => {
            let flattened = channels.take().filter(|c| *c > 0 && i % c == 0);
            let c = flattened.unwrap_or(*i).max(1);
            let extent = vec![i / c, 1, c, *o];
            ("weight", Role::Kernel { dense: true }, extent)
        }
        shape => return Err(format!("a shape {shape:?} that no layer here has")),
    };
    let parameter = Parameter {
        name: part.into(),
        role,
        extent,
        initial: Distribution::Constant(0.0),
    };
    if parameter.checked_elements() != Some(values.len()) {
        return Err("not as many values as its shape says".into());
    }
    let data = to_file(&parameter, &values);
    let shape = parameter.file_shape();
    Ok((part, HostTensor { shape, data }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights;

    // keras:
    //   model = Sequential([Input((2, 2, 1)), Conv2D(2, 1, name="c"), Flatten(), Dense(1, name="d")])
    //   `d` takes the map's values in the order (y, x, channel); PyTorch's in the order (channel, y, x).
    #[test]
    fn a_flattened_map_is_put_into_pytorchs_order() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (
            folder.path().join("a.h5"),
            folder.path().join("a.safetensors"),
        );
        let list = |names: &[&str]| {
            AttrValue::AsciiStringArray(names.iter().map(|name| (*name).to_owned()).collect())
        };
        let mut file = hdf5_pure::FileBuilder::new();
        file.set_attr("layer_names", list(&["c", "f", "d"]));
        for (layer, kernel, shape, bias) in [
            ("c", vec![1.0, 2.0], vec![1, 1, 1, 2], vec![5.0, 6.0]),
            (
                "d",
                (0..8).map(|v| v as f32).collect(),
                vec![8, 1],
                vec![7.0],
            ),
        ] {
            let mut group = file.create_group(layer);
            group.set_attr("weight_names", list(&["kernel:0", "bias:0"]));
            group
                .create_dataset("kernel:0")
                .with_f32_data(&kernel)
                .with_shape(&shape);
            group.create_dataset("bias:0").with_f32_data(&bias);
            file.add_group(group.finish());
        }
        let mut group = file.create_group("f");
        group.set_attr("weight_names", AttrValue::F64Array(Vec::new()));
        file.add_group(group.finish());
        file.write(&from).unwrap();
        convert(&from, &to).unwrap();
        let tensors = weights::read(&to).unwrap().tensors;
        assert_eq!(tensors["c.weight"].shape, [2, 1, 1, 1]);
        assert_eq!(tensors["c.bias"].data, [5.0, 6.0]);
        assert_eq!(tensors["d.weight"].shape, [1, 8]);
        assert_eq!(
            tensors["d.weight"].data,
            [0.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 7.0]
        );
        assert_eq!(tensors["d.bias"].data, [7.0]);
    }

    // The same weights as Keras published them and as the repository of data has them, under torchvision's names.
    #[test]
    #[cfg_attr(not(shared), ignore = "needs the shared data, which is not there")]
    fn a_file_that_keras_published_gives_the_known_tensors() {
        let folder = tempfile::tempdir().unwrap();
        let shared = std::env::var_os("RUNNER_SHARED").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
            Into::into,
        );
        let data = shared.join("data/squeezenet1_1");
        let to = folder.path().join("a.safetensors");
        let from = data.join("squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5");
        convert(&from, &to).unwrap();
        let found = weights::read(&to).unwrap().tensors;
        let known = weights::read(&data.join("squeezenet1_1-imagenet.safetensors")).unwrap();
        assert_eq!(found.len(), known.tensors.len());
        for (ours, torchvision) in [
            ("conv1", "features.0"),
            ("fire2.squeeze1x1", "features.3.squeeze"),
            ("fire9.expand3x3", "features.12.expand3x3"),
        ] {
            for part in ["weight", "bias"] {
                let theirs = &known.tensors[&format!("{torchvision}.{part}")];
                assert_eq!(&found[&format!("{ours}.{part}")], theirs, "{ours}.{part}");
            }
        }
    }
}
