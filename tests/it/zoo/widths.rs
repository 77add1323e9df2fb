//! Architectures that differ from a golden one in a number, by a few of timm's own.

use runner::graph::Mode;

use super::images;
use super::{computed, step};

/// Of timm 1.0.29 with PyTorch 2.15.0 in float64, beside `timm_step.py`; float32 lies up to 1.3e-5 (loss) and 1.5e-3
/// (gradients) away there.
/// ```python
/// import timm, torch
/// from timm_step import images, value
/// model = timm.create_model(arch, num_classes=10)
/// state = {k: torch.tensor(value(k, tuple(v.shape), 1), dtype=torch.float32)
///          for k, v in model.state_dict().items() if "num_batches" not in k}
/// model.load_state_dict(state, strict=False)
/// x = torch.tensor(images(10, 64, 1), dtype=torch.float32).permute(0, 3, 1, 2) / 255
/// mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
/// model, x = model.double(), ((x - mean) / std).double()
/// print(model.eval()(x)[0])
/// loss = torch.nn.functional.cross_entropy(model.train()(x), torch.arange(10))
/// loss.backward()
/// weights = dict(model.named_parameters())
/// print(loss, [weights[name].grad.norm() for name in GRADIENTS])
/// ```
#[test]
fn groups_and_widths_of_bottlenecks_are_timms() {
    const GRADIENTS: [&str; 5] = [
        "conv1.weight",
        "layer1.0.conv2.weight",
        "layer3.2.bn2.bias",
        "layer4.0.downsample.0.weight",
        "dense.weight",
    ];
    for (arch, logits, loss, norms) in [
        (
            "resnext50_32x4d",
            [
                -0.2625, 1.17602, -0.562466, 0.318819, 0.489683, 0.43381, 0.281716, 0.311409,
                -0.099866, -0.05759,
            ],
            2.8684462,
            [310.846635, 80.930960, 0.501906, 9.034446, 15.047480],
        ),
        (
            "wide_resnet50_2",
            [
                0.244829, 1.008729, -0.250085, 0.010779, 0.257161, 0.16946, 0.365628, -0.033441,
                -0.13549, -0.283548,
            ],
            2.7728608,
            [322.055847, 497.920192, 0.508163, 8.800354, 14.723625],
        ),
    ] {
        let (network, images) = (computed(arch, 64, ""), images(10, 64, 1));
        let found = network.forward(&images, Mode::Evaluate).unwrap();
        let found: Vec<Vec<f32>> = found.to_vec2().unwrap();
        for (found, wanted) in found[0].iter().zip(logits) {
            assert!((f64::from(*found) - wanted).abs() < 1e-5, "{arch}: {found}");
        }
        let (gradients, found) = step(&network, &images, 0.0);
        assert!((found - loss).abs() < 2e-5 * loss, "{arch}: loss {found}");
        for (name, wanted) in GRADIENTS.into_iter().zip(norms) {
            let squares = gradients[name].iter().map(|v| f64::from(*v).powi(2));
            let found = squares.sum::<f64>().sqrt();
            assert!(
                (found - wanted).abs() < 5e-3 * wanted,
                "{arch} {name}: {found}"
            );
        }
    }
}
