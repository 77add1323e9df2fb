//! Keras's files as tensors.

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
