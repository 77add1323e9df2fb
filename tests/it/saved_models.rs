//! A saved model's tensors have the names and shapes of timm's own, so that timm opens it.

use runner::model::weights;
use sha2::{Digest, Sha256};

use crate::common::{runner, said, write};

/// A spec whose head is a new classifier on the architecture's own pooling.
const SPEC: &str = "\
[dataset]
name = \"digits\"
train_limit = 12
test_limit = 4

[backbone]
weights = \"random\"

[freeze]
through = \"all\"

[[head]]
layer = \"pool\"
[[head]]
layer = \"dense\"
units = \"classes\"
activation = \"softmax\"

[training]
epochs = 1

[sweep.axes]
";

/// Of timm 1.0.29; `benches/peers/timm_opens.py` opens models that were trained on photos with `strict=True`, and compares
/// their probabilities.
///
/// ```python
/// resize = {"img_size": 32} if arch.startswith("vit") else {}
/// state = timm.create_model(arch, num_classes=10, **resize).state_dict()
/// lines = sorted(f"{k} {list(v.shape)}" for k, v in state.items() if "num_batches" not in k)
/// print(f'    ("{arch}", "{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:16]}"),')
/// ```
///
/// `load_state_dict(strict=True)` does not ask for `num_batches_tracked`, which safetensors of other programs leave out
/// too: PyTorch starts to count at 0.
const TIMM: [(&str, &str); 9] = [
    ("resnet18", "c033d6c201cb8cd9"),
    ("resnet50", "041082ef61c6aa39"),
    ("mobilenetv2_100", "46eccec6cc48c677"),
    ("mobilenetv3_small_100", "47c58853cf20b893"),
    ("tf_efficientnet_lite0", "936aaa6428a42122"),
    ("convnext_tiny", "3695f809ac65fd90"),
    ("vit_tiny_patch16_224", "eb511ddfeb376e91"),
    ("densenet121", "1f3dc116491f79cb"),
    ("regnety_008", "c72807e9ec8d2fe3"),
];

#[test]
fn saved_models_have_timms_names_and_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let names = TIMM.map(|(name, _)| name);
    write(
        folder.path(),
        "e.toml",
        &format!("{SPEC}\"backbone.arch\" = {names:?}\n"),
    );
    let output = runner(folder.path()).arg("e.toml").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    for (name, digest) in TIMM {
        let runs = std::fs::read_dir(folder.path().join("results/e/runs")).unwrap();
        let mut runs = runs.map(|run| run.unwrap().path());
        let start = format!("arch={name}-");
        let is_its = |run: &std::path::PathBuf| {
            let id = run.file_name().unwrap().to_string_lossy();
            id.starts_with(&start)
        };
        let path = runs.find(is_its).unwrap().join("model.safetensors");
        let tensors = weights::read(&path).unwrap().tensors;
        let mut lines: Vec<String> = tensors
            .iter()
            .map(|(name, tensor)| format!("{name} {:?}", tensor.shape))
            .collect();
        lines.sort();
        let found = Sha256::digest(lines.join("\n"));
        let found: String = found.iter().take(8).map(|b| format!("{b:02x}")).collect();
        assert_eq!(found, digest, "{name}");
    }
}
